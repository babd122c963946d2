// streams/settings.h - the settings of a connector, read with their types.
//
// Errors name the setting: kInvalidArgument, "the setting 'tail' is true or false, not 'yep'".
//
// Threads: pure.

#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>

#include "vm/base/expected.h"

namespace entail::streams {

using SettingMap = std::map<std::string, std::string>;

// The setting's text; `otherwise` where it was not said.
std::string setting(const SettingMap& settings, std::string_view name, std::string_view otherwise);
// One of the words.
Expected<std::string> choice_setting(const SettingMap& settings, std::string_view name,
                                     std::initializer_list<std::string_view> words,
                                     std::string_view otherwise);
Expected<bool> bool_setting(const SettingMap& settings, std::string_view name, bool otherwise);
Expected<std::uint64_t> count_setting(const SettingMap& settings, std::string_view name,
                                      std::uint64_t otherwise);

}  // namespace entail::streams
