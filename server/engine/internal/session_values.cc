// Values that a session gives to statements: now(), current_user, nextval …
#include <algorithm>
#include <cmath>
#include <random>

#include "server/engine/internal/session_impl.h"
#include "server/engine/sql_error.h"
#include "vm/sql_datetime.h"

namespace entail::engine {

using compiler::ParameterValue;
using sql2datalog::SessionValue;
using sql2datalog::SessionValueKind;
using vm::Word;

namespace {

constexpr std::int64_t kDayUs = 86'400'000'000;

Error unknown_sequence(const std::string& name) {
  return make_sql_error("42P01", "relation \"" + name + "\" does not exist");
}

}  // namespace

Expected<std::int64_t> SessionImpl::next_value(const std::string& name) {
  const Sequence* const sequence = catalog().sequence_by_qualified_name(name);
  if (sequence == nullptr) return unexpected(unknown_sequence(name));
  if (transaction_ != nullptr && transaction_->read_only) {
    return sql_error("25006", "cannot execute nextval() in a read-only transaction");
  }
  const auto [place, fresh] =
      state_.sequences.try_emplace(sequence->oid, SequenceState{sequence->start, false});
  SequenceState& at = place->second;
  std::int64_t value = at.last;
  if (at.is_called) {
    const bool overflows = __builtin_add_overflow(at.last, sequence->increment, &value);
    const bool above = sequence->increment > 0 && (overflows || value > sequence->maximum);
    const bool below = sequence->increment < 0 && (overflows || value < sequence->minimum);
    if (above || below) {
      if (!sequence->cycle) {
        return sql_error("2200H",
                         std::string("nextval: reached ") + (above ? "maximum" : "minimum") +
                             " value of sequence \"" + sequence->name + "\" (" +
                             std::to_string(above ? sequence->maximum : sequence->minimum) + ")");
      }
      value = above ? sequence->minimum : sequence->maximum;
    }
  }
  at = {value, true};
  current_values_[sequence->oid] = value;
  last_sequence_ = sequence->oid;
  if (transaction_ != nullptr) transaction_->dirty_sequences.insert(sequence->oid);
  return value;
}

Expected<ParameterValue> SessionImpl::session_value(const SessionValue& wanted) {
  const auto word = [](Word value) { return ParameterValue{{value, 0}, false}; };
  const auto text = [&](std::string_view value) { return word(state_.pool->intern(value)); };
  const auto local_now = [&] {
    std::int64_t offset = 0;
    if (!vm::read_zone(settings_.value("timezone"), offset)) offset = 0;
    return transaction_start_us() + offset;
  };
  switch (wanted.kind) {
    case SessionValueKind::kNow:
      return word(vm::int_word(transaction_start_us()));
    case SessionValueKind::kStatementTime:
      return word(
          vm::int_word(transaction_ != nullptr ? transaction_->statement_us : state_.now_us()));
    case SessionValueKind::kLocalTimestamp:
      return word(vm::int_word(local_now()));
    case SessionValueKind::kLocalDate: {
      const std::int64_t now = local_now();
      return word(vm::int_word(now / kDayUs - (now % kDayUs < 0 ? 1 : 0)));
    }
    case SessionValueKind::kLocalTime:
      return word(vm::int_word(((local_now() % kDayUs) + kDayUs) % kDayUs));
    case SessionValueKind::kCurrentUser:
      return text(user_);
    case SessionValueKind::kCurrentDatabase:
      return text(options_.database);
    case SessionValueKind::kCurrentSchema: {
      for (const std::string& schema : parse_search_path(settings_.ready().search_path, user_)) {
        if (catalog().schema(schema) != nullptr) return text(schema);
      }
      return ParameterValue{{0, 0}, true};
    }
    case SessionValueKind::kCurrentSchemas: {
      std::vector<Word> words;
      const bool nullable = state_.program.types.array_element_nullable(wanted.type.detail);
      const auto add = [&](std::string_view schema) {
        words.push_back(state_.pool->intern(schema));
        if (nullable) words.push_back(0);
      };
      if (wanted.argument == "t") add("pg_catalog");
      for (const std::string& schema : parse_search_path(settings_.ready().search_path, user_)) {
        if (catalog().schema(schema) != nullptr) add(schema);
      }
      return word(state_.pool->intern_record(wanted.type.detail, words));
    }
    case SessionValueKind::kVersion:
      return text("PostgreSQL 15.18 (Entail)");
    case SessionValueKind::kBackendPid:
      return word(vm::int_word(id_));
    case SessionValueKind::kTransactionId:
      return word(transaction_ == nullptr ? 0 : transaction_->id);
    case SessionValueKind::kSetting: {
      auto value = settings_.show(wanted.argument);
      if (!value) return unexpected(std::move(value).error());
      return text(*value);
    }
    case SessionValueKind::kSetSetting: {
      auto set = settings_.set(wanted.argument, wanted.value, wanted.flag);
      if (!set) return unexpected(std::move(set).error());
      return text(*settings_.show(wanted.argument));
    }
    case SessionValueKind::kNextValue: {
      auto value = next_value(wanted.argument);
      if (!value) return unexpected(std::move(value).error());
      return word(vm::int_word(*value));
    }
    case SessionValueKind::kCurrentValue: {
      const Sequence* const sequence = catalog().sequence_by_qualified_name(wanted.argument);
      if (sequence == nullptr) return unexpected(unknown_sequence(wanted.argument));
      const auto found = current_values_.find(sequence->oid);
      if (found == current_values_.end()) {
        return sql_error("55000", "currval of sequence \"" + sequence->name +
                                      "\" is not yet defined in this session");
      }
      return word(vm::int_word(found->second));
    }
    case SessionValueKind::kLastValue: {
      if (!last_sequence_) {
        return sql_error("55000", "lastval is not yet defined in this session");
      }
      return word(vm::int_word(current_values_[*last_sequence_]));
    }
    case SessionValueKind::kSetValue: {
      const Sequence* const sequence = catalog().sequence_by_qualified_name(wanted.argument);
      if (sequence == nullptr) return unexpected(unknown_sequence(wanted.argument));
      std::int64_t value = 0;
      try {
        value = std::stoll(wanted.value);
      } catch (const std::exception&) {
        return sql_error("22P02", "invalid input syntax for type bigint: \"" + wanted.value + "\"");
      }
      if (value < sequence->minimum || value > sequence->maximum) {
        return sql_error("22003", "setval: value " + wanted.value +
                                      " is out of bounds for sequence \"" + sequence->name +
                                      "\" (" + std::to_string(sequence->minimum) + ".." +
                                      std::to_string(sequence->maximum) + ")");
      }
      state_.sequences[sequence->oid] = {value, wanted.flag};
      if (wanted.flag) current_values_[sequence->oid] = value;
      if (transaction_ != nullptr) transaction_->dirty_sequences.insert(sequence->oid);
      return word(vm::int_word(value));
    }
    case SessionValueKind::kRandom:
      return word(vm::double_word(std::uniform_real_distribution<double>(0, 1)(state_.random)));
    case SessionValueKind::kRandomUuid: {
      ParameterValue value;
      value.words[0] = (state_.random() & ~Word{0xf000}) | 0x4000;
      value.words[1] = (state_.random() & ~(Word{3} << 62)) | (Word{2} << 62);
      return value;
    }
    case SessionValueKind::kSleep:
      return sql_error("0A000", "pg_sleep() is not supported yet");
  }
  return ParameterValue{{0, 0}, true};
}

Expected<ParameterValue> SessionImpl::default_value(const Table& table, std::uint32_t column) {
  const TableColumn& of = table.columns[column];
  if (of.default_value == nullptr) return ParameterValue{{0, 0}, true};
  const SessionCatalog names = session_catalog();
  sql2datalog::LoweringContext context;
  context.catalog = &names;
  context.text = of.default_text;
  if (const auto sequence = sql2datalog::default_sequence(*of.default_value, context)) {
    auto value = next_value(*sequence);
    if (!value) return unexpected(std::move(value).error());
    return ParameterValue{{vm::int_word(*value), 0}, false};
  }
  auto lowered = sql2datalog::lower_default(*of.default_value, of.sql_type, of.name, context);
  if (!lowered) return unexpected(std::move(lowered).error());
  auto runner = QueryRunner::create(state_, std::move(*lowered));
  if (!runner) return unexpected(std::move(runner).error());
  compiler::QueryResult answer;
  if (auto run = (*runner)->run(*this, {}, {}, answer); !run) {
    return unexpected(std::move(run).error());
  }
  if (answer.row_count() == 0) return ParameterValue{{0, 0}, true};
  const compiler::ColumnLayout& layout = (*runner)->layout().columns[0];
  ParameterValue value;
  value.null = layout.nullable && answer.word(0, layout.null_word()) != 0;
  for (std::uint32_t w = 0; w < layout.value_words && !value.null; ++w) {
    value.words[w] = answer.word(0, layout.first_word + w);
  }
  return value;
}

}  // namespace entail::engine
