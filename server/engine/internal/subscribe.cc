// SUBSCRIBE: from the statement to a subscription, and its rows by COPY, as an answer, by FETCH.
#include <algorithm>

#include "server/engine/internal/past_changes.h"
#include "server/engine/internal/portal_impl.h"
#include "server/engine/internal/session_impl.h"
#include "server/engine/internal/subscription_impl.h"
#include "server/engine/internal/subscription_rows.h"
#include "server/engine/sql_error.h"
#include "vm/sql_datetime.h"

namespace entail::engine {

namespace sql = grammar::sql;
namespace oids = sql2datalog::oids;

namespace {

// FETCH ALL gives no more at once: who reads goes on anyway.
constexpr std::uint64_t kFetchRowsMax = 65'536;

Expected<bool> truth(const sql::Option& option) {
  if (!option.value) return true;
  const std::string& value = *option.value;
  for (const std::string_view word : {"true", "on", "yes", "1"}) {
    if (value == word) return true;
  }
  for (const std::string_view word : {"false", "off", "no", "0"}) {
    if (value == word) return false;
  }
  return sql_error("22023", option.name + " requires a Boolean value");
}

sql::Query whole_relation(const sql::QualifiedName& name) {
  sql::Select select;
  sql::ColumnRef all;
  all.star = true;
  sql::SelectItem item;
  item.expression.node = std::move(all);
  select.items.push_back(std::move(item));
  sql::TableName from;
  from.name = name;
  sql::TableItem table;
  table.node = std::move(from);
  select.from.push_back(std::move(table));
  sql::Query query;
  query.body = std::move(select);
  return query;
}

OutputColumn output_column(std::string name, SqlType type, const compiler::ColumnLayout& layout) {
  OutputColumn column;
  column.name = std::move(name);
  column.type_oid = type.oid;
  column.typmod = type.typmod;
  column.type = layout.type;
  column.nullable = layout.nullable;
  return column;
}

}  // namespace

Expected<std::uint64_t> SessionImpl::version_of(const sql::Expression& expression,
                                                std::string_view clause, std::string_view text) {
  const SessionCatalog names = session_catalog();
  sql2datalog::LoweringContext context;
  context.catalog = &names;
  context.text = text;
  auto lowered = sql2datalog::lower_default(expression, {oids::kInt8, -1}, clause, context);
  if (!lowered) return unexpected(std::move(lowered).error());
  auto runner = QueryRunner::create(state_, std::move(*lowered));
  if (!runner) return unexpected(std::move(runner).error());
  compiler::QueryResult answer;
  if (auto run = (*runner)->run(*this, {}, {}, answer); !run) {
    return unexpected(std::move(run).error());
  }
  const compiler::ColumnLayout& layout = (*runner)->layout().columns[0];
  if (answer.row_count() != 1 || (layout.nullable && answer.word(0, layout.null_word()) != 0)) {
    return sql_error("22004", std::string(clause) + " needs a value that is not null");
  }
  const std::int64_t value = vm::int_of(answer.word(0, layout.first_word));
  if (value < 0) return sql_error("22023", "there is no version " + std::to_string(value));
  return static_cast<std::uint64_t>(value);
}

// The relation itself, where it stands; else a view of the query's rows, for this subscription alone.
Expected<SubscribedRelation> SessionImpl::subscribed_relation(const sql::Subscribe& subscribe,
                                                              std::string_view text) {
  SubscribedRelation made;
  const SessionCatalog names = session_catalog();
  if (subscribe.relation) {
    const Table* const table = names.table(*subscribe.relation);
    if (table != nullptr && table->holds_rows()) {
      made.relation = table->relation;
      made.name = table->name;
      const compiler::RelationLayout layout =
          compiler::layout_of(state_.program.relation(table->relation), state_.program.types);
      for (std::size_t c = 0; c < table->columns.size(); ++c) {
        OutputColumn column =
            output_column(table->columns[c].name, table->columns[c].sql_type, layout.columns[c]);
        column.table_oid = table->oid;
        column.attribute = table->columns[c].attribute;
        made.shape.add(std::move(column));
      }
      return made;
    }
    made.name = subscribe.relation->last().text;
  } else {
    const sql::Span span = subscribe.query->span;
    made.name = span.end <= text.size() && span.begin < span.end
                    ? std::string(text.substr(span.begin, span.end - span.begin))
                    : "a query";
  }
  sql2datalog::LoweringContext context;
  context.catalog = &names;
  context.text = text;
  const sql::Query query =
      subscribe.relation ? whole_relation(*subscribe.relation) : sql::Query(*subscribe.query);
  auto lowered = sql2datalog::lower_materialized_view(query, {}, context);
  if (!lowered) return unexpected(std::move(lowered).error());
  const std::size_t first = state_.program.relations.size();
  for (std::size_t i = 0; i < lowered->relations.size(); ++i) {
    made.owned.push_back(static_cast<RelationId>(first + i));
  }
  made.relation = made.owned.front();
  lowered->relations.front().name = "subscription";
  state_.feeds.add_view(made.owned);
  auto changed = state_.change_program([&](datalog::RuleProgram& program) {
    for (datalog::Relation& relation : lowered->relations) {
      program.relations.push_back(std::move(relation));
    }
    for (datalog::Rule& rule : lowered->rules) program.rules.push_back(std::move(rule));
    return Expected<void>();
  });
  if (!changed) {
    state_.feeds.drop_view(made.owned);
    return unexpected(std::move(changed).error());
  }
  const compiler::RelationLayout layout =
      compiler::layout_of(state_.program.relation(made.relation), state_.program.types);
  for (std::size_t c = 0; c < lowered->columns.size(); ++c) {
    made.shape.add(
        output_column(lowered->columns[c].name, lowered->columns[c].type, layout.columns[c]));
  }
  return made;
}

Expected<std::unique_ptr<SubscriptionImpl>> SessionImpl::open_subscription(
    const sql::Subscribe& subscribe, std::string_view text, LockWaiter* waiter) {
  if (!subscribe.envelope.empty()) {
    return sql_error("0A000", "SUBSCRIBE with ENVELOPE is not supported yet");
  }
  if (!subscribe.order_by.empty()) {
    return sql_error("0A000", "SUBSCRIBE with WITHIN TIMESTAMP ORDER BY is not supported yet");
  }
  SubscriptionOptions options;
  for (const sql::Option& option : subscribe.options) {
    if (option.name != "snapshot" && option.name != "progress") {
      return sql_error("42601", "option \"" + option.name + "\" not recognized");
    }
    auto value = truth(option);
    if (!value) return unexpected(std::move(value).error());
    (option.name == "snapshot" ? options.snapshot : options.progress) = *value;
  }
  for (const auto& [expression, bound, clause] :
       {std::tuple{&subscribe.as_of, &options.as_of, "AS OF"},
        std::tuple{&subscribe.up_to, &options.up_to, "UP TO"}}) {
    if (!*expression) continue;
    auto version = version_of(**expression, clause, text);
    if (!version) return unexpected(std::move(version).error());
    *bound = *version;
  }
  auto relation = subscribed_relation(subscribe, text);
  if (!relation) return unexpected(std::move(relation).error());
  auto made = SubscriptionImpl::open(state_, catalog(), id_, std::move(*relation), options, waiter);
  if (!made) return unexpected(with_sqlstate(std::move(made).error()));
  return made;
}

Expected<std::unique_ptr<Subscription>> SessionImpl::subscribe(std::string_view text,
                                                               LockWaiter* waiter) {
  auto statements = parse_statements(text);
  if (!statements) return unexpected(std::move(statements).error());
  const auto* const subscribe =
      statements->size() == 1 ? statements->front()->as<sql::Subscribe>() : nullptr;
  if (subscribe == nullptr) return sql_error("42601", "one SUBSCRIBE statement is expected");
  state_.cancel.reset();
  auto made = open_subscription(*subscribe, text, waiter);
  if (!made) return unexpected(with_sqlstate(std::move(made).error()));
  return std::unique_ptr<Subscription>(std::move(*made));
}

// What Describe tells before anything runs.
Expected<void> SessionImpl::describe_subscribe(const sql::Subscribe& subscribe, Plan& plan) {
  sql::SelectStatement select;
  select.query = subscribe.relation ? whole_relation(*subscribe.relation) : *subscribe.query;
  sql::Statement statement;
  statement.node = std::move(select);
  auto inner = plan_statement(std::make_shared<const sql::Statement>(std::move(statement)),
                              plan.text, plan.parameter_oids);
  if (!inner) return unexpected(std::move(inner).error());
  const bool has_progress = std::any_of(
      subscribe.options.begin(), subscribe.options.end(), [](const sql::Option& option) {
        return option.name == "progress" && truth(option).value_or(false);
      });
  plan.shape = subscription_shape((*inner)->shape, has_progress);
  plan.gives_rows = true;
  return {};
}

Expected<Outcome> SessionImpl::run_subscribe(const sql::Subscribe& subscribe, Plan& plan,
                                             PortalImpl& portal, RowSink& sink) {
  auto made = open_subscription(subscribe, plan.text, options_.waiter);
  if (!made) return unexpected(std::move(made).error());
  portal.stream = std::make_unique<PortalStream>();
  portal.stream->subscription = std::move(*made);
  portal.stream->shape = subscription_shape(portal.stream->subscription->shape(),
                                            portal.stream->subscription->has_progress());
  if (const auto* copy = plan.statement->as<sql::Copy>()) {
    auto options = CopyOptions::from(copy->options);
    if (!options) return unexpected(std::move(options).error());
    portal.stream->copy = std::move(*options);
    CopyRows(*portal.stream->copy, text_settings(), sink).begin(portal.stream->shape);
  } else {
    sink.describe(portal.stream->shape);
  }
  return Outcome{};
}

// The next rows of a portal whose statement is SUBSCRIBE.
Expected<Outcome> SessionImpl::run_stream(PortalStream& stream, RowSink& sink,
                                          std::uint64_t max_rows) {
  is_waiting_ = waits_for_changes_ = false;
  deadline_us_ = 0;
  if (!wait_error_ && cancel_requested_.load(std::memory_order_acquire)) {
    wait_error_ = make_sql_error("57014", "canceling statement due to user request");
  }
  if (wait_error_) {
    Error error = *std::exchange(wait_error_, std::nullopt);
    fail_statement(error);
    return unexpected(std::move(error));
  }
  std::optional<CopyRows> lines;
  if (stream.copy) lines.emplace(*stream.copy, text_settings(), sink);
  RowSink& into = lines ? static_cast<RowSink&>(*lines) : sink;
  SubscriptionRows rows(stream.shape, stream.subscription->has_progress(), *state_.pool, into);
  auto reading = stream.subscription->read(rows, max_rows == 0 ? kFetchRowsMax : max_rows);
  stream.rows += rows.rows();
  if (!reading) {
    fail_statement(reading.error());
    return unexpected(std::move(reading).error());
  }
  Outcome outcome;
  switch (*reading) {
    case Subscription::Reading::kWaiting: {
      waits_for_changes_ = true;
      auto waits = wait_outcome();
      if (!waits) return waits;
      outcome = std::move(*waits);
      break;
    }
    case Subscription::Reading::kMore:
      outcome.progress = Progress::kSuspended;
      break;
    case Subscription::Reading::kEnded:
      outcome.tag = (stream.copy ? "COPY " : "SUBSCRIBE ") + std::to_string(stream.rows);
      break;
  }
  outcome.rows = rows.rows();
  return outcome;
}

Expected<void> SessionImpl::declare_subscription(const sql::Subscribe& subscribe,
                                                 std::string_view text, Cursor& cursor) {
  auto made = open_subscription(subscribe, text, options_.waiter);
  if (!made) return unexpected(std::move(made).error());
  cursor.subscription = std::move(*made);
  cursor.shape =
      subscription_shape(cursor.subscription->shape(), cursor.subscription->has_progress());
  cursor.scroll = false;
  return {};
}

namespace {

// TIMEOUT of FETCH, in microseconds.
Expected<std::optional<std::int64_t>> timeout_of(const sql::Fetch& fetch) {
  std::optional<std::int64_t> timeout;
  for (const sql::Option& option : fetch.options) {
    if (option.name != "timeout") {
      return sql_error("42601", "option \"" + option.name + "\" not recognized");
    }
    vm::Interval interval;
    const std::string text = option.value.value_or("");
    if (vm::read_sql_interval(text, interval) != vm::SqlDateTimeError::kNone ||
        interval.months != 0 || interval.micros < 0 || interval.days < 0) {
      return sql_error("22023", "TIMEOUT needs a length of time, and \"" + text + "\" is none");
    }
    timeout = interval.micros + std::int64_t{interval.days} * 86'400'000'000;
  }
  return timeout;
}

// Its columns are told when there is a first row: until then the statement may be begun anew.
class LazySink final : public RowSink {
 public:
  LazySink(const ResultShape& shape, RowSink& sink) : shape_(shape), sink_(sink) {}
  void describe_once() {
    if (!std::exchange(is_described_, true)) sink_.describe(shape_);
  }
  void row(const RowView& row) override {
    describe_once();
    sink_.row(row);
  }

 private:
  const ResultShape& shape_;
  RowSink& sink_;
  bool is_described_ = false;
};

}  // namespace

// Gives what there is, up to what was asked for; where there is nothing, it waits for the first row, no longer than
// the time-out.
Expected<Outcome> SessionImpl::fetch_changes(const sql::Fetch& fetch, Cursor& cursor,
                                             RowSink& sink) {
  if (fetch.move || fetch.direction != sql::FetchDirection::kForward ||
      fetch.count.value_or(1) < 0) {
    return sql_error("0A000", "a cursor for SUBSCRIBE can only be fetched forward");
  }
  auto timeout = timeout_of(fetch);
  if (!timeout) return unexpected(std::move(timeout).error());
  const std::uint64_t wanted =
      fetch.count ? static_cast<std::uint64_t>(*fetch.count) : kFetchRowsMax;
  LazySink lazy(cursor.shape, sink);
  SubscriptionRows rows(cursor.shape, cursor.subscription->has_progress(), *state_.pool, lazy);
  Subscription::Reading reading = Subscription::Reading::kMore;
  if (wanted > 0 && !cursor.has_ended) {
    auto read = cursor.subscription->read(rows, std::min(wanted, kFetchRowsMax));
    if (!read) return unexpected(std::move(read).error());
    reading = *read;
    cursor.has_ended = reading == Subscription::Reading::kEnded;
  }
  const std::int64_t since = statement_since_us_;
  const bool is_late = *timeout && state_.now_us() >= since + **timeout;
  if (rows.rows() == 0 && reading == Subscription::Reading::kWaiting && !is_late) {
    waits_for_changes_ = true;
    changes_deadline_us_ = *timeout ? since + **timeout : 0;
    return sql_error(kMustWaitState, "must wait for changes");
  }
  lazy.describe_once();
  Outcome outcome;
  outcome.rows = rows.rows();
  outcome.tag = "FETCH " + std::to_string(rows.rows());
  return outcome;
}

}  // namespace entail::engine
