// vm/type_table_test.cc - see type_table.h.

#include "vm/type_table.h"

#include <catch2/catch.hpp>

namespace entail::vm {
namespace {

using Offsets = std::vector<std::uint32_t>;

TEST_CASE("a column takes the words of its value and one for the null flag") {
  CHECK(words_of(Type::number(32), false) == 1);
  CHECK(words_of(Type::number(), true) == 2);
  CHECK(words_of(Type::decimal(18, 2), false) == 1);
  CHECK(words_of(Type::decimal(19, 2), false) == 2);
  CHECK(words_of(Type::of(TypeKind::kUuid), true) == 3);
  CHECK(words_of(Type::of(TypeKind::kInterval), false) == 2);
}

TEST_CASE("a recursive record is declared, then defined") {
  TypeTable table;
  const TypeId list = table.declare(TypeKind::kRecord, "List");
  CHECK_FALSE(table.is_defined(list));
  table.define_record(list,
                      {{"head", Type::number()}, {"tail", Type::defined(TypeKind::kRecord, list)}});
  CHECK(table.is_defined(list));
  CHECK(table.layout(list).word_count == 2);
  CHECK(table.layout(list).field_offsets == Offsets{0, 1});
  CHECK(table.layout(list).handle_offsets == Offsets{1});
  CHECK(table.type_name(table.type_of(list)) == "List");
}

TEST_CASE("a clone has the same types under the same ids, and goes its own way") {
  TypeTable table;
  const TypeId list = table.declare(TypeKind::kRecord, "List");
  table.define_record(list,
                      {{"head", Type::number()}, {"tail", Type::defined(TypeKind::kRecord, list)}});
  TypeTable copy = table.clone();
  CHECK(copy.type_name(copy.type_of(list)) == "List");
  CHECK(copy.layout(list).handle_offsets == Offsets{1});
  copy.array_of(Type::text());
  CHECK(copy.size() == table.size() + 1);
}

TEST_CASE("the layout of a record waits for the adts it mentions") {
  TypeTable table;
  const TypeId color = table.declare(TypeKind::kAdt, "Color");
  const TypeId shape = table.declare(TypeKind::kAdt, "Shape");
  const TypeId pair = table.declare(TypeKind::kRecord, "Pair");
  table.define_record(pair, {{"id", Type::of(TypeKind::kUuid), true},
                             {"color", Type::defined(TypeKind::kAdt, color)},
                             {"shape", Type::defined(TypeKind::kAdt, shape)}});
  table.define_adt(color, {{"Red", {}}, {"Green", {}}});
  table.define_adt(shape, {{"None", {}}, {"Circle", {{"r", Type::float8()}, {"s", Type::text()}}}});
  CHECK(table.is_ordinal_adt(color));
  CHECK_FALSE(table.is_ordinal_adt(shape));
  CHECK(table.layout(pair).field_offsets == Offsets{0, 3, 4});
  CHECK(table.layout(pair).handle_offsets == Offsets{4});
  CHECK(table.layout(shape, 0).word_count == 1);
  CHECK(table.layout(shape, 1).word_count == 3);
  CHECK(table.layout(shape, 1).handle_offsets == Offsets{2});
  CHECK_FALSE(table.is_handle(Type::defined(TypeKind::kAdt, color)));
  CHECK(table.is_handle(Type::defined(TypeKind::kAdt, shape)));
  CHECK(table.branch_ordinal(shape, "Circle") == 1);
  CHECK_FALSE(table.branch_ordinal(shape, "Square"));
}

TEST_CASE("an array type is the same for the same element") {
  TypeTable table;
  const Type texts = table.array_of(Type::text());
  CHECK(texts == table.array_of(Type::text()));
  CHECK(texts != table.array_of(Type::text(), true));
  CHECK(table.type_name(texts) == "text[]");
  CHECK(table.type_name(Type::decimal(18, 2)) == "decimal(18, 2)");
}

}  // namespace
}  // namespace entail::vm
