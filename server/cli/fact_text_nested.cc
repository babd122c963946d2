// server/cli/fact_text_nested.cc - see fact_text.h; reading records, variants and arrays.

#include <fmt/format.h>

#include <string>
#include <vector>

#include "server/cli/fact_text.h"
#include "vm/base/text.h"
#include "vm/type_table.h"

namespace entail::cli {

using vm::Type;
using vm::Word;

// Values nested deeper are refused rather than let the stack run out.
constexpr int kNestingMax = 100'000;

bool FactTextReader::read_fields(const std::vector<vm::FieldType>& fields,
                                 const vm::TypeTable::Layout& layout, std::size_t first, char close,
                                 std::vector<Word>& words) {
  if (depth_ >= kNestingMax) {
    return fail(at_, fmt::format("values may be nested {} deep",
                                 with_thousands(static_cast<std::uint64_t>(kNestingMax))));
  }
  ++depth_;
  bool is_read = true;
  for (std::size_t i = 0; i < fields.size() && is_read; ++i) {
    is_read = (i == 0 || expect(',', fmt::format("before the field '{}'", fields[i].name))) &&
              read(fields[i].type, fields[i].nullable, &words[layout.field_offsets[i] - first]);
  }
  --depth_;
  return is_read && expect(close, fmt::format("behind {}", count_of(fields.size(), "field")));
}

bool FactTextReader::read_record(Type type, Word* out) {
  if (take_word("nil")) {
    out[0] = vm::kNilWord;
    return true;
  }
  if (!take('[')) return wrong_here(type);
  const vm::TypeTable& types = pool_.types();
  const auto& layout = types.layout(type.detail);
  std::vector<Word> words(layout.word_count);
  if (!read_fields(types.record_fields(type.detail), layout, 0, ']', words)) return false;
  out[0] = pool_.intern_record(type.detail, words);
  return true;
}

bool FactTextReader::read_variant(Type type, Word* out) {
  const std::size_t begin = at_;
  if (!take('$')) return wrong_here(type);
  const vm::TypeTable& types = pool_.types();
  const std::string_view name = take_name();
  const auto branch = types.branch_ordinal(type.detail, name);
  if (!branch) {
    std::vector<std::string> names;
    for (const vm::BranchType& known : types.adt_branches(type.detail)) names.push_back(known.name);
    const auto meant = closest_name(name, names);
    return fail(begin, fmt::format("{} has no branch '{}'{}", types.name(type.detail), name,
                                   meant ? fmt::format("; did you mean '{}'?", *meant) : ""));
  }
  const auto& fields = types.adt_branches(type.detail)[*branch].fields;
  if (fields.empty()) {
    if (take('(') && !expect(')', fmt::format("since ${} has no fields", name))) return false;
    out[0] = pool_.intern_adt(type.detail, *branch, {});
    return true;
  }
  const auto& layout = types.layout(type.detail, *branch);
  // The ordinal is no field.
  std::vector<Word> words(layout.word_count - 1);
  if (!expect('(', fmt::format("behind ${}", name))) return false;
  if (!read_fields(fields, layout, 1, ')', words)) return false;
  out[0] = pool_.intern_adt(type.detail, *branch, words);
  return true;
}

bool FactTextReader::read_array(Type type, Word* out) {
  const std::size_t begin = at_;
  if (!take('[')) return wrong_here(type);
  const Type element = pool_.types().array_element(type.detail);
  const bool nullable = pool_.types().array_element_nullable(type.detail);
  const unsigned step = vm::words_of(element, nullable);
  std::vector<Word> words;
  if (depth_ >= kNestingMax) return fail(begin, "the value is nested too deep");
  if (!take(']')) {
    ++depth_;
    do {
      words.resize(words.size() + step);
      if (!read(element, nullable, words.data() + words.size() - step)) {
        --depth_;
        return false;
      }
    } while (take(','));
    --depth_;
    if (!expect(']', "at the end of an array")) return false;
  }
  out[0] = pool_.intern_record(type.detail, words);
  return true;
}

}  // namespace entail::cli
