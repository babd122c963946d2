// server/engine/settings.h - a session's settings: SHOW, SET, SET LOCAL, RESET, and what ROLLBACK does to them.
//
// Values are texts in PostgreSQL's canonical form. A change lasts for the session, or, SET LOCAL, to the end
// of the transaction; the end of a transaction that fails takes back both, as does going back to a savepoint.
//
// Threads: the engine's. Cost: a look-up in a map of what differs from the defaults; what statements ask for each
// time is kept ready, and a transaction that sets nothing costs nothing.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/engine/result.h"
#include "vm/base/expected.h"

namespace entail::engine {

struct SettingInfo {
  std::string_view name;
  std::string_view default_value;
  enum class Kind : std::uint8_t { kBool, kInteger, kReal, kEnum, kString } kind = Kind::kString;
  enum class Context : std::uint8_t { kUser, kFixed } context = Context::kUser;
};

// All that are known, by name.
const std::vector<SettingInfo>& known_settings();

class Settings {
 public:
  Settings();

  // 42704 where there is no such setting. `name` in any case.
  Expected<std::string> show(std::string_view name) const;
  // The value of a setting that exists.
  const std::string& value(std::string_view lower_name) const;
  // What each statement asks for.
  struct Ready {
    std::string search_path, isolation;  // default_transaction_isolation
    bool read_only = false;              // default_transaction_read_only
    // Milliseconds, 0: none.
    std::int64_t lock_timeout = 0, statement_timeout = 0, idle_in_transaction_timeout = 0;
  };
  const Ready& ready() const { return ready_; }

  // 22023 for a value it does not take, 55P02 for one that nobody changes.
  Expected<void> set(std::string_view name, std::string_view value, bool local);
  Expected<void> reset(std::string_view name, bool local);
  void reset_all();
  // The value that RESET goes back to: from the start-up packet.
  Expected<void> set_default(std::string_view name, std::string_view value);
  // What the engine itself says: session_authorization, is_superuser, transaction_isolation.
  void put(std::string_view lower_name, std::string value);

  // --- transactions
  struct Saved {
    std::map<std::string, std::string, std::less<>> values, committed;
  };
  void begin() { before_.reset(); }
  void commit();    // What was local goes.
  void rollback();  // All changes since begin() go.
  Saved save() const { return {values_, committed_}; }
  void restore(const Saved& saved);

  const TextSettings& text() const { return text_; }
  std::vector<std::pair<std::string, std::string>> take_reported();
  // Name as it is spelled, value; of all settings, by name.
  std::vector<std::pair<std::string, std::string>> all() const;

 private:
  using Values = std::map<std::string, std::string, std::less<>>;
  Expected<std::string> canonical(const SettingInfo& info, std::string_view value) const;
  void will_change();
  void changed();

  Values values_;     // What differs from the defaults, by lower-case name, as it is now.
  Values committed_;  // Without SET LOCAL.
  std::optional<Saved> before_;  // As the transaction began, once it has changed something.
  Values defaults_;              // Of this session.
  Values reported_;
  bool may_report_ = true;  // Something has changed since it was asked what to report.
  TextSettings text_;
  Ready ready_;
};

}  // namespace entail::engine
