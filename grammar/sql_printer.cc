#include "grammar/sql_printer.h"

#include "grammar/internal/sql_scanner.h"
#include "grammar/internal/sql_writer.h"

namespace entail::grammar::sql {

namespace {

template <typename Print>
std::string printed(Print print) {
  internal::SqlWriter writer;
  print(writer);
  return writer.take();
}

}  // namespace

std::string quote_sql_string(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') quoted += '\'';
    quoted += c;
  }
  quoted += '\'';
  return quoted;
}

std::string quote_sql_identifier(std::string_view name) {
  bool plain = !name.empty() && !(name.front() >= '0' && name.front() <= '9');
  for (const char c : name) {
    plain = plain && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_');
  }
  if (plain && !internal::is_sql_keyword(name)) return std::string(name);
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  quoted += '"';
  return quoted;
}

std::string print_sql(const Statement& statement) {
  return printed([&](internal::SqlWriter& writer) { writer.statement(statement); });
}
std::string print_sql(const Query& query) {
  return printed([&](internal::SqlWriter& writer) { writer.query(query); });
}
std::string print_sql(const Expression& expression) {
  return printed([&](internal::SqlWriter& writer) { writer.expression(expression); });
}
std::string print_sql(const TypeName& type) {
  return printed([&](internal::SqlWriter& writer) { writer.type(type); });
}
std::string print_sql(const QualifiedName& name) {
  return printed([&](internal::SqlWriter& writer) { writer.name(name); });
}

}  // namespace entail::grammar::sql
