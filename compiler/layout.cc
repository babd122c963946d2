#include "compiler/layout.h"

namespace entail::compiler {

namespace {

vm::ColumnOrderKind order_of(vm::Type type) {
  switch (type.kind) {
    case vm::TypeKind::kUnsigned:
    case vm::TypeKind::kUuid:
    case vm::TypeKind::kFloat4:  // Its bits: no order, but they stay within 32 bits.
      return vm::ColumnOrderKind::kUnsigned;
    case vm::TypeKind::kFloat8:
      return vm::ColumnOrderKind::kFloat;
    case vm::TypeKind::kText:
    case vm::TypeKind::kBytes:
    case vm::TypeKind::kJson:
    case vm::TypeKind::kNumeric:
      return vm::ColumnOrderKind::kText;
    default:
      return vm::ColumnOrderKind::kSigned;
  }
}

}  // namespace

std::vector<std::uint32_t> RelationLayout::words_of_columns(
    const std::vector<std::uint32_t>& positions) const {
  std::vector<std::uint32_t> result;
  for (const std::uint32_t position : positions) {
    const ColumnLayout& column = columns[position];
    for (std::uint32_t i = 0; i < column.word_count(); ++i) result.push_back(column.first_word + i);
  }
  return result;
}

RelationLayout layout_of(const datalog::Relation& relation, const vm::TypeTable& types) {
  RelationLayout layout;
  for (const datalog::Column& column : relation.columns) {
    ColumnLayout placed;
    placed.type = column.type;
    placed.nullable = column.nullable;
    placed.first_word = static_cast<std::uint32_t>(layout.words.size());
    placed.value_words = vm::value_words(column.type);
    for (std::uint32_t i = 0; i < placed.value_words; ++i) {
      vm::ColumnOptions word;
      // The low word of a wide value counts from zero up, whatever the sign of the high one.
      word.order = i == 0 ? order_of(column.type) : vm::ColumnOrderKind::kUnsigned;
      word.handle = types.is_handle(column.type);
      layout.words.push_back(word);
    }
    if (placed.nullable) layout.words.push_back({vm::ColumnOrderKind::kUnsigned, false});
    layout.columns.push_back(placed);
  }
  if (layout.words.empty()) layout.words.push_back({vm::ColumnOrderKind::kUnsigned, false});
  return layout;
}

bool has_word_order(vm::Type type) {
  switch (type.kind) {
    case vm::TypeKind::kFloat4:
    case vm::TypeKind::kInterval:
    case vm::TypeKind::kUuid:
    case vm::TypeKind::kRecord:
    case vm::TypeKind::kAdt:
    case vm::TypeKind::kArray:
      return false;
    case vm::TypeKind::kDecimal:
      return vm::value_words(type) == 1;
    default:
      return true;
  }
}

}  // namespace entail::compiler
