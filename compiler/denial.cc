#include "compiler/denial.h"

#include <memory>
#include <utility>

#include "vm/value_text.h"

namespace entail::compiler {

Error denial_error(const datalog::Relation& relation, const RelationLayout& layout,
                   const std::vector<vm::Word>& words, const vm::ValuePool& pool,
                   const grammar::SourceFiles* files) {
  std::string message = grammar::error_prefix(files, relation.span) + "denial rule \"" +
                        relation.denial + "\" is violated";
  for (std::size_t i = 0; i < relation.columns.size(); ++i) {
    const ColumnLayout& column = layout.columns[i];
    message += (i == 0 ? " by " : ", ") + relation.columns[i].name + " = ";
    vm::print_value(pool, column.type, column.nullable, words.data() + column.first_word,
                    {.quote_nested_text = true}, message);
  }
  SqlFields fields;
  fields.sqlstate = "23514";
  return {ErrorCode::kData, std::move(message),
          std::make_shared<const SqlFields>(std::move(fields))};
}

}  // namespace entail::compiler
