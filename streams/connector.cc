#include "streams/connector.h"

#include <algorithm>
#include <functional>

#include "streams/connectors/file_source.h"
#include "streams/connectors/generator_source.h"
#include "streams/connectors/line_sinks.h"
#include "streams/formats/row_decoder.h"
#include "streams/settings.h"

namespace entail::streams {
namespace {

Unexpected no_connector(const std::string& name, std::string_view direction,
                        std::string_view known) {
  return unexpected(ErrorCode::kUnsupported, "the connector '" + name + "' is not supported yet " +
                                                 std::string(direction) + ": there are " +
                                                 std::string(known));
}

Expected<void> check_names(const ConnectorSpec& spec,
                           const std::function<bool(std::string_view)>& is_known) {
  for (const auto& [name, value] : spec.settings) {
    if (is_known(name)) continue;
    return unexpected(ErrorCode::kInvalidArgument,
                      "the connector '" + spec.connector + "' has no setting '" + name + "'");
  }
  return {};
}

bool is_packed(const ConnectorSpec& spec) {
  const std::string otherwise = spec.address.ends_with(".gz") ? "gzip" : "none";
  return setting(spec.settings, "compression", otherwise) == "gzip";
}

Expected<void> check_address(const ConnectorSpec& spec) {
  if (!spec.address.empty()) return {};
  return unexpected(ErrorCode::kInvalidArgument, "the connector 'file' wants the path of a file");
}

Expected<void> check_file_source(const ConnectorSpec& spec, std::shared_ptr<const RowShape> shape) {
  if (auto named = check_address(spec); !named) return named;
  auto known = check_names(spec, [](std::string_view name) {
    return name == "tail" || name == "compression" || is_decoder_setting(name);
  });
  if (!known) return known;
  auto tail = bool_setting(spec.settings, "tail", false);
  if (!tail) return unexpected(std::move(tail).error());
  auto packed = choice_setting(spec.settings, "compression", {"none", "gzip"}, "none");
  if (!packed) return unexpected(std::move(packed).error());
  if (*tail && is_packed(spec)) {
    return unexpected(ErrorCode::kInvalidArgument, "a packed file cannot be followed (tail)");
  }
  auto decoder = make_decoder(spec.settings, std::move(shape));
  if (!decoder) return unexpected(std::move(decoder).error());
  return {};
}

}  // namespace

Expected<void> check_source(const ConnectorSpec& spec, std::shared_ptr<const RowShape> shape) {
  if (spec.connector == "file") return check_file_source(spec, std::move(shape));
  if (spec.connector == "generator") {
    auto made = make_generator_source(spec.settings, std::move(shape), nullptr);
    if (!made) return unexpected(std::move(made).error());
    return {};
  }
  return no_connector(spec.connector, "as a source", "file and generator");
}

Expected<void> check_sink(const ConnectorSpec& spec) {
  const bool is_file = spec.connector == "file";
  if (!is_file && spec.connector != "console") {
    return no_connector(spec.connector, "as a sink", "file and console");
  }
  if (is_file) {
    if (auto named = check_address(spec); !named) return named;
  }
  auto known = check_names(
      spec, [](std::string_view name) { return name == "envelope" || name == "format"; });
  if (!known) return known;
  auto format = choice_setting(spec.settings, "format", {"json"}, "json");
  if (!format) return unexpected(std::move(format).error());
  auto envelope =
      choice_setting(spec.settings, "envelope", {"changelog", "upsert", "plain"}, "changelog");
  if (!envelope) return unexpected(std::move(envelope).error());
  if (is_file && *envelope == "plain") {
    return unexpected(ErrorCode::kInvalidArgument,
                      "the file sink needs an envelope, changelog or upsert: its lines say by it "
                      "what was delivered");
  }
  return {};
}

Envelope envelope_of(const ConnectorSpec& spec) {
  const std::string envelope = setting(spec.settings, "envelope", "changelog");
  return envelope == "upsert"  ? Envelope::kUpsert
         : envelope == "plain" ? Envelope::kPlain
                               : Envelope::kChangelog;
}

Expected<std::unique_ptr<Source>> make_source(const ConnectorSpec& spec,
                                              std::shared_ptr<const RowShape> shape, World world) {
  if (spec.connector == "generator") {
    return make_generator_source(spec.settings, std::move(shape), world.clock);
  }
  auto decoder = make_decoder(spec.settings, shape);
  if (!decoder) return unexpected(std::move(decoder).error());
  FileSourceOptions options;
  options.path = spec.address;
  options.tail = setting(spec.settings, "tail", "false") == "true";
  options.gzip = is_packed(spec);
  return make_file_source(std::move(options), *world.files, std::move(shape), std::move(*decoder));
}

Expected<std::unique_ptr<Sink>> make_sink(const ConnectorSpec& spec, World world) {
  if (spec.connector == "console") return make_console_sink(envelope_of(spec), *world.files);
  return make_file_sink(spec.address, envelope_of(spec), *world.files);
}

}  // namespace entail::streams
