#include "compiler/constant_rows.h"

namespace entail::compiler {

namespace {

using datalog::Expression;
using datalog::ExpressionOp;

bool is_byte_string(vm::TypeKind kind) {
  return kind == vm::TypeKind::kText || kind == vm::TypeKind::kBytes ||
         kind == vm::TypeKind::kJson || kind == vm::TypeKind::kNumeric;
}

std::optional<vm::Word> compound_word(const Expression& expression, vm::ValuePool& pool) {
  const vm::TypeTable& types = pool.types();
  const vm::TypeId id = expression.type.detail;
  std::vector<vm::Word> fields;
  for (std::size_t i = 0; i < expression.arguments.size(); ++i) {
    bool nullable = false;
    if (expression.op == ExpressionOp::kMakeRecord) {
      nullable = types.record_fields(id)[i].nullable;
    } else if (expression.op == ExpressionOp::kMakeVariant) {
      nullable = types.adt_branches(id)[expression.detail].fields[i].nullable;
    } else {
      nullable = types.array_element_nullable(id);
    }
    const auto words = constant_words(expression.arguments[i], nullable, pool);
    if (!words) return std::nullopt;
    fields.insert(fields.end(), words->begin(), words->end());
  }
  if (expression.op == ExpressionOp::kMakeVariant) {
    return pool.intern_adt(id, expression.detail, fields);
  }
  return pool.intern_record(id, fields);
}

}  // namespace

std::optional<std::vector<vm::Word>> constant_words(const Expression& expression, bool nullable,
                                                    vm::ValuePool& pool) {
  std::vector<vm::Word> words;
  const unsigned count = vm::value_words(expression.type);
  bool null = false;
  switch (expression.op) {
    case ExpressionOp::kConstant:
      if (is_byte_string(expression.type.kind)) {
        words.push_back(pool.intern(expression.text));
      } else {
        words.assign(expression.words, expression.words + count);
      }
      break;
    case ExpressionOp::kNull:
      if (!nullable) return std::nullopt;
      words.assign(count, 0);
      null = true;
      break;
    case ExpressionOp::kMakeRecord:
    case ExpressionOp::kMakeVariant:
    case ExpressionOp::kMakeArray: {
      const auto word = compound_word(expression, pool);
      if (!word) return std::nullopt;
      words.push_back(*word);
      break;
    }
    default:
      return std::nullopt;
  }
  if (nullable) words.push_back(null ? 1 : 0);
  return words;
}

std::optional<std::vector<vm::Word>> constant_row(const datalog::Rule& fact,
                                                  const RelationLayout& layout,
                                                  vm::ValuePool& pool) {
  std::vector<vm::Word> row;
  for (std::size_t i = 0; i < fact.head.terms.size(); ++i) {
    const auto words = constant_words(fact.head.terms[i], layout.columns[i].nullable, pool);
    if (!words) return std::nullopt;
    row.insert(row.end(), words->begin(), words->end());
  }
  if (row.empty()) row.push_back(0);
  return row;
}

}  // namespace entail::compiler
