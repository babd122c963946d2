#include "streams/formats/row_decoder.h"

#include <algorithm>

#include "streams/formats/csv_rows.h"
#include "streams/formats/json_rows.h"
#include "streams/settings.h"

namespace entail::streams {

namespace {

constexpr std::string_view kSettings[] = {"format", "time_unit", "header", "delimiter", "null"};

Error no_setting_of(std::string_view name, const std::string& format) {
  return unexpected(ErrorCode::kInvalidArgument,
                    "the format " + format + " has no setting '" + std::string(name) + "'")
      .error();
}

}  // namespace

bool is_decoder_setting(std::string_view name) {
  return std::find(std::begin(kSettings), std::end(kSettings), name) != std::end(kSettings);
}

Expected<std::unique_ptr<RowDecoder>> make_decoder(const SettingMap& settings,
                                                   std::shared_ptr<const RowShape> shape) {
  const std::string format = setting(settings, "format", "json");
  if (format != "json" && format != "csv") {
    return unexpected(ErrorCode::kUnsupported,
                      "the format '" + format + "' is not supported yet: there are json and csv");
  }
  const bool is_csv = format == "csv";
  for (const std::string_view name : {"header", "delimiter", "null"}) {
    if (!is_csv && settings.count(std::string(name)) != 0) {
      return unexpected(no_setting_of(name, format));
    }
  }
  if (!is_csv) {
    auto unit = choice_setting(settings, "time_unit", {"none", "s", "ms", "us"}, "none");
    if (!unit) return unexpected(std::move(unit).error());
    return make_json_rows(std::move(shape), *unit == "s"    ? TimeUnit::kSeconds
                                            : *unit == "ms" ? TimeUnit::kMilliseconds
                                            : *unit == "us" ? TimeUnit::kMicroseconds
                                                            : TimeUnit::kNone);
  }
  if (settings.count("time_unit") != 0) return unexpected(no_setting_of("time_unit", format));
  CsvOptions options;
  auto header = bool_setting(settings, "header", false);
  if (!header) return unexpected(std::move(header).error());
  options.header = *header;
  const std::string delimiter = setting(settings, "delimiter", ",");
  if (delimiter.size() != 1 || delimiter == "\"" || delimiter == "\n" || delimiter == "\r") {
    return unexpected(ErrorCode::kInvalidArgument,
                      "the setting 'delimiter' is one character that is no quote and no line end, "
                      "not '" +
                          delimiter + "'");
  }
  options.delimiter = delimiter.front();
  options.null_text = setting(settings, "null", "");
  return make_csv_rows(std::move(shape), std::move(options));
}

}  // namespace entail::streams
