// server/engine/internal/subscription_rows.h - what a subscription gives as the rows of SUBSCRIBE.
//
//     version bigint | progressed boolean | diff bigint | the relation's columns
//                      with PROGRESS only
//
// A row of progress has nulls from `diff` on.
//
// Threads: the engine's.
#pragma once

#include <string>
#include <vector>

#include "server/engine/copy_format.h"
#include "server/engine/result.h"
#include "server/engine/subscription.h"
#include "vm/value_pool.h"

namespace entail::engine {

// The columns that SUBSCRIBE gives for those of a relation.
ResultShape subscription_shape(const ResultShape& relation, bool has_progress);

// To a RowSink, as rows.
class SubscriptionRows final : public ChangeSink {
 public:
  // `shape`: of subscription_shape(); it outlives this.
  SubscriptionRows(const ResultShape& shape, bool has_progress, const vm::ValuePool& pool,
                   RowSink& sink);

  void change(std::uint64_t version, int diff, const RowView& row, bool is_snapshot) override;
  void progress(std::uint64_t version) override;
  std::uint64_t rows() const { return rows_; }

 private:
  void give();

  const ResultShape& shape_;
  const bool has_progress_;
  const vm::ValuePool& pool_;
  RowSink& sink_;
  std::vector<vm::Word> words_;
  std::uint64_t rows_ = 0;
};

// Rows to a RowSink as lines of COPY.
class CopyRows final : public RowSink {
 public:
  CopyRows(const CopyOptions& options, const TextSettings& settings, RowSink& sink)
      : writer_(options), settings_(settings), sink_(sink) {}

  // COPY's answer, and its header if it has one.
  void begin(const ResultShape& shape);
  void row(const RowView& row) override;

 private:
  CopyWriter writer_;
  const TextSettings& settings_;
  RowSink& sink_;
  std::string line_, value_;
};

}  // namespace entail::engine
