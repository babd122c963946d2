#include "server/engine/internal/portal_impl.h"

#include <algorithm>

#include "server/engine/sql_error.h"

namespace entail::engine {

using vm::Word;

PortalImpl::PortalImpl(SessionImpl& session, std::shared_ptr<const PreparedImpl> prepared,
                       std::shared_ptr<Plan> plan, std::vector<compiler::ParameterValue> parameters)
    : session_(session),
      prepared_(std::move(prepared)),
      plan_(std::move(plan)),
      parameters_(std::move(parameters)) {
  vm::ValuePool& pool = *session_.state().pool;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    if (pool.types().is_handle(plan_->parameter_types[i])) pool.retain(parameters_[i].words[0]);
  }
}

PortalImpl::~PortalImpl() {
  vm::ValuePool& pool = *session_.state().pool;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    if (pool.types().is_handle(plan_->parameter_types[i])) pool.release(parameters_[i].words[0]);
  }
}

Expected<Outcome> PortalImpl::run(RowSink& sink, std::uint64_t max_rows) {
  if (phase_ == Phase::kReady) {
    auto outcome = attempt(sink);
    if (!outcome) {
      phase_ = Phase::kDone;
      return outcome;
    }
    if (outcome->progress == Progress::kMustWait ||
        outcome->progress == Progress::kWaitsForChanges) {
      return outcome;
    }
    if (outcome->progress == Progress::kCopyIn) {
      phase_ = Phase::kCopyIn;
      return outcome;
    }
    if (stream != nullptr) {
      phase_ = Phase::kStream;
      return go_on(sink, max_rows);
    }
    done_ = *outcome;
    phase_ = has_rows ? Phase::kRows : Phase::kDone;
    if (!has_rows) return outcome;
  }
  if (phase_ == Phase::kStream) return go_on(sink, max_rows);
  if (phase_ == Phase::kRows) return hand_on(sink, max_rows);
  // A portal that is at its end gives no more rows.
  Outcome outcome = done_;
  outcome.rows = 0;
  if (!tag_word.empty()) outcome.tag = tag_word + " 0";
  return outcome;
}

Expected<Outcome> PortalImpl::attempt(RowSink& sink) {
  // The catalog may have changed since Bind.
  auto plan = session_.refresh(plan_);
  if (!plan) {
    session_.fail_statement(plan.error());
    return unexpected(std::move(plan).error());
  }
  plan_ = std::move(*plan);
  rows.clear();
  has_rows = false;
  auto outcome = session_.attempt(*plan_, parameters_, *this, sink);
  return outcome;
}

Expected<Outcome> PortalImpl::go_on(RowSink& sink, std::uint64_t max_rows) {
  auto outcome = session_.run_stream(*stream, sink, max_rows);
  const bool goes_on = outcome && outcome->progress != Progress::kDone;
  if (goes_on) return outcome;
  phase_ = Phase::kDone;
  stream.reset();
  if (outcome) done_.tag = outcome->tag;
  return outcome;
}

Expected<Outcome> PortalImpl::hand_on(RowSink& sink, std::uint64_t max_rows) {
  if (!described_) sink.describe(shape);
  described_ = true;
  Outcome outcome = done_;
  outcome.rows = 0;
  std::vector<Word> words(std::max<std::size_t>(shape.word_count, 1));
  std::uint64_t left = max_rows == 0 ? ~std::uint64_t{0} : max_rows;
  while (left > 0) {
    const compiler::RowBatch batch =
        rows.next(static_cast<std::size_t>(std::min<std::uint64_t>(left, 1024)));
    if (!batch) break;
    for (std::size_t i = 0; i < batch.n; ++i) {
      for (std::size_t c = 0; c < shape.word_count; ++c) words[c] = batch.columns[c][i];
      sink.row(RowView(shape, *session_.state().pool, words.data()));
    }
    left -= batch.n;
    outcome.rows += batch.n;
  }
  given_ += outcome.rows;
  if (left == 0 && !rows.at_end()) {
    outcome.progress = Progress::kSuspended;
    outcome.tag.clear();
    outcome.version = 0;
    return outcome;
  }
  phase_ = Phase::kDone;
  if (!tag_word.empty()) outcome.tag = tag_word + " " + std::to_string(outcome.rows);
  rows.clear();
  return outcome;
}

CopyFormat PortalImpl::copy_format() const {
  return copy == nullptr ? CopyFormat::kText : copy->options().format;
}

std::size_t PortalImpl::copy_columns() const { return copy == nullptr ? 0 : copy->columns(); }

Expected<void> PortalImpl::copy_data(std::string_view bytes) {
  ENTAIL_ENSURE(phase_ == Phase::kCopyIn);
  auto fed = copy->feed(bytes);
  if (!fed) {
    phase_ = Phase::kDone;
    Error error = session_.copy_error(*copy, std::move(fed).error());
    session_.fail_statement(error);
    return unexpected(std::move(error));
  }
  return {};
}

Expected<Outcome> PortalImpl::copy_done() {
  ENTAIL_ENSURE(phase_ == Phase::kCopyIn);
  auto outcome = session_.finish_copy(*this);
  if (outcome && outcome->progress == Progress::kMustWait) return outcome;
  phase_ = Phase::kDone;
  copy.reset();
  return outcome;
}

Error PortalImpl::copy_fail(std::string_view message) {
  phase_ = Phase::kDone;
  copy.reset();
  Error error = make_sql_error("57014", "COPY from stdin failed: " + std::string(message));
  session_.fail_statement(error);
  return error;
}

// ---------------------------------------------------------------------------------------------------

SimpleQueryImpl::SimpleQueryImpl(
    SessionImpl& session, std::string text,
    std::vector<std::shared_ptr<const grammar::sql::Statement>> statements)
    : session_(session), text_(std::move(text)), statements_(std::move(statements)) {
  ++session_.simple_depth_;
}

SimpleQueryImpl::~SimpleQueryImpl() {
  portal_.reset();
  if (!finished_) {
    --session_.simple_depth_;
    if (session_.transaction_ != nullptr && !session_.transaction_->is_block) {
      session_.rollback_transaction();
    }
  }
}

Expected<bool> SimpleQueryImpl::next() {
  portal_.reset();
  if (position_ == statements_.size()) return false;
  const auto statement = statements_[position_++];
  auto plan = statements_.size() == 1 ? session_.plan_text(text_, {})
                                      : session_.plan_statement(statement, text_, {});
  if (!plan) {
    session_.fail_statement(plan.error());
    return unexpected(std::move(plan).error());
  }
  portal_ = std::make_unique<PortalImpl>(session_, std::make_shared<const PreparedImpl>(*plan),
                                         *plan, std::vector<compiler::ParameterValue>());
  return true;
}

Portal& SimpleQueryImpl::portal() {
  ENTAIL_ENSURE(portal_ != nullptr);
  return *portal_;
}

Expected<Outcome> SimpleQueryImpl::finish() {
  portal_.reset();
  if (!finished_) --session_.simple_depth_;
  finished_ = true;
  return session_.sync();
}

}  // namespace entail::engine
