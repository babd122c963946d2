// server/engine/internal/portal_impl.h - one execution of a plan, and the statements of one text.
//
// Threads: the engine's.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/engine/copy_format.h"
#include "server/engine/internal/plan.h"
#include "server/engine/internal/session_impl.h"
#include "server/engine/internal/subscription_impl.h"
#include "server/engine/session.h"

namespace entail::engine {

class PreparedImpl final : public Prepared {
 public:
  explicit PreparedImpl(std::shared_ptr<Plan> plan) : plan_(std::move(plan)) {}

  const std::string& text() const override { return plan_->text; }
  std::span<const std::uint32_t> parameter_oids() const override { return plan_->parameter_oids; }
  std::span<const vm::Type> parameter_types() const override { return plan_->parameter_types; }
  const ResultShape* shape() const override { return plan_->result_shape(); }
  const std::shared_ptr<Plan>& plan() const { return plan_; }

 private:
  std::shared_ptr<Plan> plan_;  // As it was when the statement was parsed.
};

// A portal's SUBSCRIBE, or COPY of one, that goes on.
struct PortalStream {
  std::unique_ptr<SubscriptionImpl> subscription;
  ResultShape shape;
  std::optional<CopyOptions> copy;
  std::uint64_t rows = 0;  // Given so far.
};

class PortalImpl final : public Portal {
 public:
  PortalImpl(SessionImpl& session, std::shared_ptr<const PreparedImpl> prepared,
             std::shared_ptr<Plan> plan, std::vector<compiler::ParameterValue> parameters);
  ~PortalImpl() override;

  const Prepared& prepared() const override { return *prepared_; }
  Expected<Outcome> run(RowSink& sink, std::uint64_t max_rows) override;
  CopyFormat copy_format() const override;
  std::size_t copy_columns() const override;
  Expected<void> copy_data(std::string_view bytes) override;
  Expected<Outcome> copy_done() override;
  Error copy_fail(std::string_view message) override;

  // --- for execution
  Plan& plan() { return *plan_; }
  // The rows of the answer that run() hands on, portion by portion.
  compiler::QueryResult rows;
  ResultShape shape;
  bool has_rows = false;
  std::string tag_word;  // "SELECT", "INSERT 0" …: the count follows.
  std::unique_ptr<CopyReader> copy;
  std::unique_ptr<PortalStream> stream;

 private:
  Expected<Outcome> hand_on(RowSink& sink, std::uint64_t max_rows);
  Expected<Outcome> go_on(RowSink& sink, std::uint64_t max_rows);
  Expected<Outcome> attempt(RowSink& sink);

  SessionImpl& session_;
  std::shared_ptr<const PreparedImpl> prepared_;
  std::shared_ptr<Plan> plan_;
  std::vector<compiler::ParameterValue> parameters_;
  enum class Phase : std::uint8_t { kReady, kRows, kCopyIn, kStream, kDone } phase_ = Phase::kReady;
  bool described_ = false;
  Outcome done_;
  std::uint64_t given_ = 0;
};

class SimpleQueryImpl final : public SimpleQuery {
 public:
  SimpleQueryImpl(SessionImpl& session, std::string text,
                  std::vector<std::shared_ptr<const grammar::sql::Statement>> statements);
  ~SimpleQueryImpl() override;

  Expected<bool> next() override;
  Portal& portal() override;
  Expected<Outcome> finish() override;

 private:
  SessionImpl& session_;
  std::string text_;
  std::vector<std::shared_ptr<const grammar::sql::Statement>> statements_;
  std::size_t position_ = 0;
  std::unique_ptr<PortalImpl> portal_;
  bool finished_ = false;
};

}  // namespace entail::engine
