#include "server/engine/settings.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <utility>

#include "server/engine/sql_error.h"
#include "vm/base/ascii.h"
#include "vm/base/ensure.h"
#include "vm/sql_datetime.h"

namespace entail::engine {
namespace {

const SettingInfo* find_info(std::string_view name) {
  static const std::map<std::string, const SettingInfo*, std::less<>> by_name = [] {
    std::map<std::string, const SettingInfo*, std::less<>> made;
    for (const SettingInfo& info : known_settings()) made.emplace(ascii_lower(info.name), &info);
    return made;
  }();
  const auto found = by_name.find(ascii_lower(name));
  return found == by_name.end() ? nullptr : found->second;
}

std::optional<bool> bool_of(std::string_view text) {
  const std::string value = ascii_lower(text);
  if (value.empty()) return std::nullopt;
  const auto is_prefix = [&](std::string_view word, std::size_t at_least) {
    return value.size() >= at_least && word.substr(0, value.size()) == value;
  };
  if (is_prefix("true", 1) || is_prefix("yes", 1) || value == "on" || value == "1") return true;
  if (is_prefix("false", 1) || is_prefix("no", 1) || is_prefix("off", 2) || value == "0") {
    return false;
  }
  return std::nullopt;
}

struct EnumValues {
  std::string_view name;
  std::string_view values;  // Separated by spaces; '_' stands for a space within one.
};
constexpr std::array<EnumValues, 7> kEnums = {{
    {"intervalstyle", "postgres postgres_verbose sql_standard iso_8601"},
    {"bytea_output", "hex escape"},
    {"client_min_messages", "debug5 debug4 debug3 debug2 debug1 debug log notice warning error"},
    {"default_transaction_isolation",
     "serializable repeatable read committed uncommitted"},  // Checked apart: names of two words.
    {"transaction_isolation", "serializable repeatable read committed uncommitted"},
    {"synchronous_commit", "on off local remote_write remote_apply"},
    {"constraint_exclusion", "partition on off"},
}};

bool is_isolation_level(std::string_view value) {
  return value == "serializable" || value == "repeatable read" || value == "read committed" ||
         value == "read uncommitted";
}

std::optional<std::string> canonical_enum(std::string_view name, std::string_view text) {
  const std::string value = ascii_lower(text);
  if (name == "default_transaction_isolation" || name == "transaction_isolation") {
    return is_isolation_level(value) ? std::optional(value) : std::nullopt;
  }
  for (const EnumValues& known : kEnums) {
    if (known.name != name) continue;
    std::string_view rest = known.values;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(' '), rest.size());
      if (rest.substr(0, end) == value) return value;
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    if (name == "synchronous_commit" && bool_of(value)) return *bool_of(value) ? "on" : "off";
    return std::nullopt;
  }
  return value;
}

// DateStyle is a style and an order, in any order, either may be missing.
std::optional<std::string> canonical_date_style(std::string_view text, std::string_view current) {
  std::string style(current.substr(0, current.find(',')));
  std::string order(current.substr(current.find(',') + 2));
  std::string word;
  const auto take = [&]() {
    if (word.empty()) return true;
    if (word == "iso")
      style = "ISO";
    else if (word == "postgres")
      style = "Postgres";
    else if (word == "sql")
      style = "SQL";
    else if (word == "german")
      style = "German";
    else if (word == "mdy" || word == "us" || word == "noneuropean")
      order = "MDY";
    else if (word == "dmy" || word == "euro" || word == "european")
      order = "DMY";
    else if (word == "ymd")
      order = "YMD";
    else if (word != "default")
      return false;
    word.clear();
    return true;
  };
  for (const char c : text) {
    if (c == ',' || c == ' ') {
      if (!take()) return std::nullopt;
    } else {
      word.push_back(ascii_lower(c));
    }
  }
  if (!take()) return std::nullopt;
  return style + ", " + order;
}

struct Unit {
  std::string_view name;
  std::int64_t factor;  // In milliseconds.
};
constexpr std::array<Unit, 6> kTimeUnits = {
    {{"us", 0}, {"ms", 1}, {"s", 1000}, {"min", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};

bool is_time_setting(std::string_view name) {
  return name == "statement_timeout" || name == "lock_timeout" || name == "deadlock_timeout" ||
         name == "idle_in_transaction_session_timeout" || name == "idle_session_timeout";
}

std::string print_milliseconds(std::int64_t value) {
  if (value == 0) return "0";
  for (auto unit = kTimeUnits.rbegin(); unit != kTimeUnits.rend(); ++unit) {
    if (unit->factor > 0 && value % unit->factor == 0) {
      return std::to_string(value / unit->factor) + std::string(unit->name);
    }
  }
  return std::to_string(value) + "ms";
}

std::optional<std::int64_t> milliseconds_of(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  if (unit.empty()) return number;
  for (const Unit& known : kTimeUnits) {
    if (known.name == unit)
      return known.factor == 0 ? (number + 999) / 1000 : number * known.factor;
  }
  return std::nullopt;
}

constexpr std::array<std::string_view, 14> kReported = {"server_version",
                                                        "server_encoding",
                                                        "client_encoding",
                                                        "application_name",
                                                        "default_transaction_read_only",
                                                        "in_hot_standby",
                                                        "is_superuser",
                                                        "session_authorization",
                                                        "DateStyle",
                                                        "IntervalStyle",
                                                        "TimeZone",
                                                        "integer_datetimes",
                                                        "standard_conforming_strings",
                                                        "entail_version"};

Unexpected unknown_setting(std::string_view name) {
  return sql_error("42704", "unrecognized configuration parameter \"" + std::string(name) + "\"");
}

}  // namespace

const std::vector<SettingInfo>& known_settings() {
  using enum SettingInfo::Kind;
  using enum SettingInfo::Context;
  static const std::vector<SettingInfo> settings = {
#define SETTING(name, value, kind, context) {name, value, kind, context},
#include "server/engine/settings.def"
#undef SETTING
  };
  return settings;
}

Settings::Settings() { changed(); }

const std::string& Settings::value(std::string_view lower_name) const {
  if (const auto found = values_.find(lower_name); found != values_.end()) return found->second;
  if (const auto found = defaults_.find(lower_name); found != defaults_.end()) {
    return found->second;
  }
  static const std::map<std::string, std::string, std::less<>> built_in = [] {
    std::map<std::string, std::string, std::less<>> made;
    for (const SettingInfo& info : known_settings()) {
      made.emplace(ascii_lower(info.name), std::string(info.default_value));
    }
    return made;
  }();
  static const std::string none;
  const auto found = built_in.find(lower_name);
  return found == built_in.end() ? none : found->second;
}

Expected<std::string> Settings::show(std::string_view name) const {
  const std::string key = ascii_lower(name);
  if (find_info(key) == nullptr && values_.count(key) == 0) return unknown_setting(name);
  return value(key);
}

Expected<std::string> Settings::canonical(const SettingInfo& info, std::string_view text) const {
  const std::string name = ascii_lower(info.name);
  const auto invalid = [&]() {
    return sql_error("22023", "invalid value for parameter \"" + std::string(info.name) + "\": \"" +
                                  std::string(text) + "\"");
  };
  if (name == "datestyle") {
    auto style = canonical_date_style(text, value(name));
    if (!style) return invalid();
    return *style;
  }
  if (name == "client_encoding") {
    std::string encoding;
    for (const char c : ascii_lower(text)) {
      if (std::isalnum(static_cast<unsigned char>(c))) encoding.push_back(c);
    }
    if (encoding == "utf8" || encoding == "unicode") return std::string("UTF8");
    if (encoding == "sqlascii") return std::string("SQL_ASCII");
    return invalid();
  }
  if (name == "timezone") {
    std::int64_t offset = 0;
    if (!vm::read_zone(text, offset)) return invalid();
    return std::string(text);
  }
  if (is_time_setting(name)) {
    const auto milliseconds = milliseconds_of(text);
    if (!milliseconds || *milliseconds < 0) return invalid();
    return print_milliseconds(*milliseconds);
  }
  switch (info.kind) {
    case SettingInfo::Kind::kBool: {
      const auto value = bool_of(text);
      if (!value) {
        return sql_error("22023",
                         "parameter \"" + std::string(info.name) + "\" requires a Boolean value");
      }
      return std::string(*value ? "on" : "off");
    }
    case SettingInfo::Kind::kEnum: {
      auto value = canonical_enum(name, text);
      if (!value) return invalid();
      return *value;
    }
    case SettingInfo::Kind::kInteger:
    case SettingInfo::Kind::kReal: {
      if (text.empty() || (!std::isdigit(static_cast<unsigned char>(text.front())) &&
                           text.front() != '-' && text.front() != '.')) {
        return invalid();
      }
      return std::string(text);
    }
    case SettingInfo::Kind::kString:
      return std::string(text);
  }
  return std::string(text);
}

Expected<void> Settings::set(std::string_view name, std::string_view text, bool local) {
  const SettingInfo* const info = find_info(name);
  const std::string key = ascii_lower(name);
  std::string made(text);
  if (info != nullptr) {
    if (info->context == SettingInfo::Context::kFixed) {
      return sql_error("55P02", "parameter \"" + std::string(info->name) + "\" cannot be changed");
    }
    auto value = canonical(*info, text);
    if (!value) return unexpected(std::move(value).error());
    made = std::move(*value);
  } else if (key.find('.') == std::string::npos) {
    return unknown_setting(name);
  }
  will_change();
  if (!local) committed_[key] = made;
  values_[key] = std::move(made);
  changed();
  return {};
}

Expected<void> Settings::reset(std::string_view name, bool local) {
  const std::string key = ascii_lower(name);
  if (find_info(key) == nullptr && values_.count(key) == 0) return unknown_setting(name);
  will_change();
  values_.erase(key);
  if (!local) committed_.erase(key);
  changed();
  return {};
}

void Settings::reset_all() {
  const auto keeps = [](const auto& entry) {
    return entry.first == "session_authorization" || entry.first == "is_superuser" ||
           entry.first == "transaction_isolation" || entry.first == "transaction_read_only";
  };
  will_change();
  std::erase_if(values_, [&](const auto& entry) { return !keeps(entry); });
  std::erase_if(committed_, [&](const auto& entry) { return !keeps(entry); });
  changed();
}

Expected<void> Settings::set_default(std::string_view name, std::string_view text) {
  const SettingInfo* const info = find_info(name);
  if (info == nullptr) return unknown_setting(name);
  auto value = canonical(*info, text);
  if (!value) return unexpected(std::move(value).error());
  defaults_[ascii_lower(name)] = std::move(*value);
  changed();
  return {};
}

void Settings::put(std::string_view lower_name, std::string value) {
  will_change();
  may_report_ = true;
  committed_[std::string(lower_name)] = value;
  values_[std::string(lower_name)] = std::move(value);
}

void Settings::will_change() {
  if (!before_) before_ = save();
}

void Settings::commit() {
  if (!before_) return;
  before_.reset();
  if (values_ == committed_) return;
  values_ = committed_;
  changed();
}

void Settings::rollback() {
  if (!before_) return;
  values_ = std::move(before_->values);
  committed_ = std::move(before_->committed);
  before_.reset();
  changed();
}

void Settings::restore(const Saved& saved) {
  if (values_ == saved.values && committed_ == saved.committed) return;
  will_change();
  values_ = saved.values;
  committed_ = saved.committed;
  changed();
}

void Settings::changed() {
  const std::string& interval = value("intervalstyle");
  using Interval = TextSettings::IntervalStyle;
  text_.interval_style = interval == "postgres_verbose" ? Interval::kPostgresVerbose
                         : interval == "sql_standard"   ? Interval::kSqlStandard
                         : interval == "iso_8601"       ? Interval::kIso8601
                                                        : Interval::kPostgres;
  const std::string& date = value("datestyle");
  using Date = TextSettings::DateStyle;
  text_.date_style = date.starts_with("Postgres") ? Date::kPostgres
                     : date.starts_with("SQL")    ? Date::kSql
                     : date.starts_with("German") ? Date::kGerman
                                                  : Date::kIso;
  text_.day_first = date.ends_with("DMY");
  text_.extra_float_digits = std::atoi(value("extra_float_digits").c_str());
  text_.bytea_escape = value("bytea_output") == "escape";
  text_.time_zone = value("timezone");
  const auto milliseconds = [this](std::string_view name) {
    return milliseconds_of(value(name)).value_or(0);
  };
  ready_.search_path = value("search_path");
  ready_.isolation = value("default_transaction_isolation");
  ready_.read_only = value("default_transaction_read_only") == "on";
  ready_.lock_timeout = milliseconds("lock_timeout");
  ready_.statement_timeout = milliseconds("statement_timeout");
  ready_.idle_in_transaction_timeout = milliseconds("idle_in_transaction_session_timeout");
  may_report_ = true;
}

std::vector<std::pair<std::string, std::string>> Settings::take_reported() {
  std::vector<std::pair<std::string, std::string>> result;
  if (!std::exchange(may_report_, false)) return result;
  for (const std::string_view name : kReported) {
    const std::string key = ascii_lower(name);
    if (find_info(key) == nullptr) continue;
    const std::string& now = value(key);
    const auto [entry, fresh] = reported_.try_emplace(key, now);
    if (!fresh && entry->second == now) continue;
    entry->second = now;
    result.emplace_back(std::string(name), now);
  }
  return result;
}

std::vector<std::pair<std::string, std::string>> Settings::all() const {
  std::vector<std::pair<std::string, std::string>> result;
  for (const SettingInfo& info : known_settings()) {
    result.emplace_back(std::string(info.name), value(ascii_lower(info.name)));
  }
  return result;
}

}  // namespace entail::engine
