#include "server/cli/fact_form.h"

#include <fmt/format.h>

#include <charconv>
#include <set>
#include <string_view>

#include "vm/base/ensure.h"

namespace entail::cli {
namespace {

using datalog::Directive;
using datalog::DirectiveKind;
using datalog::Relation;

std::string parameter(const Directive& directive, const std::string& name,
                      const std::string& fallback) {
  const auto found = directive.parameters.find(name);
  return found == directive.parameters.end() ? fallback : found->second;
}

bool flag(const Directive& directive, const std::string& name) {
  return parameter(directive, name, "false") == "true";
}

std::string connector_of(const Directive& directive, const std::string& fallback) {
  if (!directive.connector.empty()) return directive.connector;
  return parameter(directive, "IO", fallback);
}

// A delimiter may still be spelled with the escapes of the rule language.
std::string without_escapes(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    switch (text[i + 1]) {
      case 't':
        out += '\t';
        break;
      case 'n':
        out += '\n';
        break;
      case 'r':
        out += '\r';
        break;
      case '"':
        out += '"';
        break;
      default:
        out += text[i];
        continue;
    }
    ++i;
  }
  return out;
}

std::string in_directory(const std::string& directory, const std::string& name) {
  if (name.starts_with('/') || directory.empty()) return name;
  return directory.ends_with('/') ? directory + name : directory + "/" + name;
}

// "2:0" -> field 2 is column 0, field 0 is column 1, field 1 is nobody's.
Expected<std::vector<std::int32_t>> column_map(const std::string& text, std::size_t arity) {
  const auto bad = [&] {
    return unexpected(ErrorCode::kInvalidArgument,
                      fmt::format("columns=\"{}\" must give a different field, counted from 0, for "
                                  "each of the {} columns, as in \"1:0\"",
                                  text, arity));
  };
  std::vector<std::int32_t> map;
  std::set<std::uint32_t> seen;
  std::int32_t column = 0;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(':', begin), text.size());
    std::uint32_t field = 0;
    const auto [stop, error] = std::from_chars(text.data() + begin, text.data() + end, field);
    if (error != std::errc{} || stop != text.data() + end || field > 100'000) return bad();
    if (!seen.insert(field).second || static_cast<std::size_t>(column) >= arity) return bad();
    if (map.size() <= field) map.resize(field + 1, kIgnoredField);
    map[field] = column++;
    begin = end + 1;
  }
  if (static_cast<std::size_t>(column) != arity) return bad();
  return map;
}

// What input and output share.
Expected<FactForm> common_form(const Directive& directive, const Relation& relation) {
  FactForm form;
  form.relation = relation.name;
  form.title = parameter(directive, "name", relation.name);
  form.headers = flag(directive, "headers");
  form.rfc4180 = flag(directive, "rfc4180");
  form.delimiter = without_escapes(parameter(directive, "delimiter", form.rfc4180 ? "," : "\t"));
  if (form.delimiter.empty() || form.delimiter.find('\n') != std::string::npos) {
    return unexpected(
        ErrorCode::kInvalidArgument,
        fmt::format("{}: the delimiter must be a text without line ends, and not empty",
                    relation.name));
  }
  if (form.rfc4180 && form.delimiter.find('"') != std::string::npos) {
    return unexpected(
        ErrorCode::kInvalidArgument,
        fmt::format("{}: with rfc4180 the delimiter cannot contain '\"'", relation.name));
  }
  // Souffle joins the names with the delimiter that was spelled out, and with a tab otherwise.
  const std::string joint = directive.parameters.contains("delimiter") ? form.delimiter : "\t";
  for (std::size_t i = 0; i < relation.columns.size(); ++i) {
    if (i > 0) form.header_line += joint;
    form.header_line += relation.columns[i].name;
  }
  form.header_line = parameter(directive, "attributeNames", form.header_line);
  return form;
}

Unexpected no_connector(const Relation& relation, const std::string& connector, const char* doing,
                        const char* offer) {
  return unexpected(ErrorCode::kUnsupported, fmt::format("{}: IO={} is not built in; {} knows {}",
                                                         relation.name, connector, doing, offer));
}

}  // namespace

RowShape row_shape(const Relation& relation) {
  RowShape shape;
  shape.columns = relation.columns;
  for (const datalog::Column& column : relation.columns) {
    shape.word_of_column.push_back(shape.word_count);
    shape.word_count += vm::words_of(column.type, column.nullable);
  }
  return shape;
}

Expected<FactForm> input_form(const Directive& directive, const Relation& relation,
                              const std::string& directory) {
  ENTAIL_ENSURE(directive.kind == DirectiveKind::kInput);
  auto form = common_form(directive, relation);
  if (!form) return form;
  const std::string connector = connector_of(directive, "file");
  std::string ending = ".facts";
  if (connector == "stdin") {
    form->medium = Medium::kStandard;
  } else if (connector == "json") {
    form->medium = Medium::kStandard;
    form->syntax = RowSyntax::kJson;
  } else if (connector == "jsonfile") {
    form->syntax = RowSyntax::kJson;
    ending = ".json";
  } else if (connector != "file") {
    return no_connector(relation, connector, ".input", "file, stdin, jsonfile and json");
  }
  if (form->medium == Medium::kFile) {
    form->path = in_directory(directory, parameter(directive, "filename", form->title + ending));
  }
  const std::string columns = parameter(directive, "columns", "");
  if (!columns.empty()) {
    auto map = column_map(columns, relation.columns.size());
    if (!map) {
      return unexpected(map.error().code, relation.name + ": " + map.error().message);
    }
    form->column_of_field = std::move(*map);
  }
  return form;
}

Expected<FactForm> output_form(const Directive& directive, const Relation& relation,
                               const std::string& directory) {
  auto form = common_form(directive, relation);
  if (!form) return form;
  if (directive.kind == DirectiveKind::kPrintSize) {
    form->medium = Medium::kPrintSize;
    return form;
  }
  ENTAIL_ENSURE(directive.kind == DirectiveKind::kOutput);
  const std::string connector = connector_of(directive, "file");
  form->json_objects = parameter(directive, "format", "list") == "object";
  std::string ending = ".csv";
  if (connector == "stdout") {
    form->medium = Medium::kStandard;
  } else if (connector == "stdoutprintsize") {
    form->medium = Medium::kPrintSize;
  } else if (connector == "json") {
    form->medium = Medium::kStandard;
    form->syntax = RowSyntax::kJson;
  } else if (connector == "jsonfile") {
    form->syntax = RowSyntax::kJson;
    ending = ".json";
  } else if (connector != "file") {
    return no_connector(relation, connector, ".output",
                        "file, stdout, stdoutprintsize, jsonfile and json");
  }
  if (directory == "-" && form->medium != Medium::kPrintSize) {
    form->medium = Medium::kStandard;
    form->syntax = RowSyntax::kDelimited;
    form->headers = true;
  }
  if (form->medium != Medium::kFile) return form;
  form->gzip = parameter(directive, "compress", "false") != "false";
  if (form->gzip) ending += ".gz";
  const std::string name = parameter(directive, "filename", form->title + ending);
  form->gzip = form->gzip || name.ends_with(".gz");
  form->path = in_directory(directory, name);
  return form;
}

}  // namespace entail::cli
