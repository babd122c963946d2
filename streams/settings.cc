#include "streams/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace entail::streams {

std::string setting(const SettingMap& settings, std::string_view name, std::string_view otherwise) {
  const auto found = settings.find(std::string(name));
  return found == settings.end() ? std::string(otherwise) : found->second;
}

Expected<std::string> choice_setting(const SettingMap& settings, std::string_view name,
                                     std::initializer_list<std::string_view> words,
                                     std::string_view otherwise) {
  std::string value = setting(settings, name, otherwise);
  if (std::find(words.begin(), words.end(), value) != words.end()) return value;
  std::string list;
  for (const std::string_view word : words) {
    const bool is_last = word == *(words.end() - 1);
    list += list.empty() ? "" : is_last ? " or " : ", ";
    list += word;
  }
  return unexpected(ErrorCode::kInvalidArgument,
                    fmt::format("the setting '{}' is {}, not '{}'", name, list, value));
}

Expected<bool> bool_setting(const SettingMap& settings, std::string_view name, bool otherwise) {
  auto value = choice_setting(settings, name, {"true", "false"}, otherwise ? "true" : "false");
  if (!value) return unexpected(std::move(value).error());
  return *value == "true";
}

Expected<std::uint64_t> count_setting(const SettingMap& settings, std::string_view name,
                                      std::uint64_t otherwise) {
  const auto found = settings.find(std::string(name));
  if (found == settings.end()) return otherwise;
  std::uint64_t value = 0;
  const char* const end = found->second.data() + found->second.size();
  const auto read = std::from_chars(found->second.data(), end, value);
  if (read.ec == std::errc() && read.ptr == end) return value;
  return unexpected(ErrorCode::kInvalidArgument,
                    fmt::format("the setting '{}' is a count, not '{}'", name, found->second));
}

}  // namespace entail::streams
