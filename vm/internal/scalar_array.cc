// SQL's functions of arrays and of several values of one type.

#include <algorithm>
#include <string>
#include <vector>

#include "vm/internal/array_elements.h"
#include "vm/internal/scalar_call.h"
#include "vm/sql_text.h"
#include "vm/value_codec.h"

namespace entail::vm {

namespace {

int compare(ScalarCall& call, Type type, const Word* left, const Word* right) {
  return compare_values(call.pool(), type, false, left, right);
}

void extremum(ScalarCall& call, int wanted) {
  std::size_t best = call.size();
  for (std::size_t i = 0; i < call.size(); ++i) {
    if (call.is_null(i)) continue;
    const Word words[2] = {call.argument(i).word, call.argument(i).low};
    if (best < call.size()) {
      const Word best_words[2] = {call.argument(best).word, call.argument(best).low};
      if (compare(call, call.argument(i).type, words, best_words) * wanted <= 0) continue;
    }
    best = i;
  }
  if (best == call.size()) return call.give_null();
  call.word = call.argument(best).word;
  call.low = call.argument(best).low;
}

// `x op ANY (array)` if `any`, else ALL: Kleene's or, and.
template <typename Holds>
void quantified(ScalarCall& call, bool any, Holds holds) {
  const ArrayElements elements(call, 1);
  const Word left[2] = {call.argument(0).word, call.argument(0).low};
  bool unknown = false;
  for (std::int64_t i = 0; i < elements.size(); ++i) {
    if (elements.is_null(i)) {
      unknown = true;
    } else if (holds(compare(call, elements.type(), left, elements.at(i))) == any) {
      return call.give_bool(any);
    }
  }
  if (unknown) return call.give_null();
  call.give_bool(!any);
}

bool contains(ScalarCall& call, const ArrayElements& whole, const ArrayElements& part) {
  for (std::int64_t i = 0; i < part.size(); ++i) {
    bool found = false;
    for (std::int64_t k = 0; k < whole.size() && !found && !part.is_null(i); ++k) {
      found = !whole.is_null(k) && compare(call, part.type(), part.at(i), whole.at(k)) == 0;
    }
    if (!found) return false;
  }
  return true;
}

bool is_argument(ScalarCall& call, const ArrayElements& elements, std::int64_t i,
                 std::size_t argument) {
  if (elements.is_null(i) || call.is_null(argument)) {
    return elements.is_null(i) && call.is_null(argument);
  }
  const Word words[2] = {call.argument(argument).word, call.argument(argument).low};
  return compare(call, elements.type(), elements.at(i), words) == 0;
}

void bound(ScalarCall& call, bool upper) {
  const ArrayElements elements(call, 0);
  if (call.integer(1) != 1 || elements.size() == 0) return call.give_null();
  call.give_integer(upper ? elements.size() : 1);
}

void concatenate(ScalarCall& call) {
  if (call.is_null(0) && call.is_null(1)) return call.give_null();
  ArrayBuilder builder(call);
  for (std::size_t i = 0; i < 2; ++i) {
    if (call.is_null(i)) continue;
    const ArrayElements elements(call, i);
    builder.add(elements, 0, elements.size());
  }
  builder.give();
}

void to_string(ScalarCall& call, std::string_view by, const std::string_view* null_text) {
  const ArrayElements elements(call, 0);
  std::string out;
  bool first = true;
  for (std::int64_t i = 0; i < elements.size(); ++i) {
    if (elements.is_null(i) && null_text == nullptr) continue;
    if (!first) out += by;
    first = false;
    if (elements.is_null(i)) {
      out += *null_text;
    } else {
      print_sql_value(call.pool(), elements.type(), elements.at(i), out);
    }
  }
  call.give_bytes(out);
}

void from_string(ScalarCall& call, const std::string_view* null_text) {
  if (call.is_null(0)) return call.give_null();
  const std::string_view text = call.bytes(0);
  ArrayBuilder builder(call);
  const auto add = [&](std::string_view part) {
    const Word word = call.pool().intern(part);
    builder.add(&word, null_text != nullptr && part == *null_text);
  };
  if (text.empty()) return builder.give();
  if (call.is_null(1)) {  // No delimiter: each character.
    for (std::size_t i = 0; i < text.size();) {
      std::size_t end = i + 1;
      while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) ++end;
      add(text.substr(i, end - i));
      i = end;
    }
    return builder.give();
  }
  const std::string_view by = call.bytes(1);
  std::size_t at = 0;
  if (!by.empty()) {
    for (std::size_t found; (found = text.find(by, at)) != std::string_view::npos;
         at = found + by.size()) {
      add(text.substr(at, found - at));
    }
  }
  add(text.substr(at));
  builder.give();
}

}  // namespace

namespace scalar {

void kGreatest(ScalarCall& call) { extremum(call, 1); }
void kLeast(ScalarCall& call) { extremum(call, -1); }
void kSubscript(ScalarCall& call) {
  const ArrayElements elements(call, 0);
  const std::int64_t i = call.integer(1) - 1;
  if (i < 0 || i >= elements.size() || elements.is_null(i)) return call.give_null();
  call.word = elements.at(i)[0];
  if (value_words(elements.type()) == 2) call.low = elements.at(i)[1];
}
void kSlice(ScalarCall& call) {
  const ArrayElements elements(call, 0);
  ArrayBuilder builder(call);
  builder.add(elements, std::max<std::int64_t>(call.integer(1) - 1, 0),
              std::min(call.integer(2), elements.size()));
  builder.give();
}
void kArrayLength(ScalarCall& call) { bound(call, true); }
void kArrayUpper(ScalarCall& call) { bound(call, true); }
void kArrayLower(ScalarCall& call) { bound(call, false); }
void kArrayNdims(ScalarCall& call) {
  if (ArrayElements(call, 0).size() == 0) return call.give_null();
  call.give_integer(1);
}
void kCardinality(ScalarCall& call) { call.give_integer(ArrayElements(call, 0).size()); }
void kArrayAppend(ScalarCall& call) {
  ArrayBuilder builder(call);
  if (!call.is_null(0)) {
    const ArrayElements elements(call, 0);
    builder.add(elements, 0, elements.size());
  }
  builder.add_argument(1);
  builder.give();
}
void kArrayPrepend(ScalarCall& call) {
  ArrayBuilder builder(call);
  builder.add_argument(0);
  if (!call.is_null(1)) {
    const ArrayElements elements(call, 1);
    builder.add(elements, 0, elements.size());
  }
  builder.give();
}
void kArrayCat(ScalarCall& call) { concatenate(call); }
void kArrayConcatOperator(ScalarCall& call) { concatenate(call); }
void kArrayRemove(ScalarCall& call) {
  if (call.is_null(0)) return call.give_null();
  const ArrayElements elements(call, 0);
  ArrayBuilder builder(call);
  for (std::int64_t i = 0; i < elements.size(); ++i) {
    if (!is_argument(call, elements, i, 1)) builder.add(elements.at(i), elements.is_null(i));
  }
  builder.give();
}
void kArrayReplace(ScalarCall& call) {
  if (call.is_null(0)) return call.give_null();
  const ArrayElements elements(call, 0);
  ArrayBuilder builder(call);
  for (std::int64_t i = 0; i < elements.size(); ++i) {
    if (is_argument(call, elements, i, 1)) {
      builder.add_argument(2);
    } else {
      builder.add(elements.at(i), elements.is_null(i));
    }
  }
  builder.give();
}
void kArrayPosition(ScalarCall& call) {
  if (call.is_null(0)) return call.give_null();
  const ArrayElements elements(call, 0);
  for (std::int64_t i = 0; i < elements.size(); ++i) {
    if (is_argument(call, elements, i, 1)) return call.give_integer(i + 1);
  }
  call.give_null();
}
void kArrayContains(ScalarCall& call) {
  call.give_bool(contains(call, ArrayElements(call, 0), ArrayElements(call, 1)));
}
void kArrayContained(ScalarCall& call) {
  call.give_bool(contains(call, ArrayElements(call, 1), ArrayElements(call, 0)));
}
void kArrayOverlap(ScalarCall& call) {
  const ArrayElements left(call, 0), right(call, 1);
  for (std::int64_t i = 0; i < left.size(); ++i) {
    for (std::int64_t k = 0; k < right.size(); ++k) {
      if (!left.is_null(i) && !right.is_null(k) &&
          compare(call, left.type(), left.at(i), right.at(k)) == 0) {
        return call.give_bool(true);
      }
    }
  }
  call.give_bool(false);
}
void kArrayToString(ScalarCall& call) { to_string(call, call.bytes(1), nullptr); }
void kArrayToStringNull(ScalarCall& call) {
  if (call.is_null(0) || call.is_null(1)) return call.give_null();
  const std::string_view null_text = call.bytes(2);
  to_string(call, call.bytes(1), call.is_null(2) ? nullptr : &null_text);
}
void kStringToArray(ScalarCall& call) { from_string(call, nullptr); }
void kStringToArrayNull(ScalarCall& call) {
  const std::string_view null_text = call.bytes(2);
  from_string(call, call.is_null(2) ? nullptr : &null_text);
}
void kEqualAny(ScalarCall& call) {
  quantified(call, true, [](int o) { return o == 0; });
}
void kNotEqualAny(ScalarCall& call) {
  quantified(call, true, [](int o) { return o != 0; });
}
void kLessAny(ScalarCall& call) {
  quantified(call, true, [](int o) { return o < 0; });
}
void kLessEqualAny(ScalarCall& call) {
  quantified(call, true, [](int o) { return o <= 0; });
}
void kGreaterAny(ScalarCall& call) {
  quantified(call, true, [](int o) { return o > 0; });
}
void kGreaterEqualAny(ScalarCall& call) {
  quantified(call, true, [](int o) { return o >= 0; });
}
void kEqualAll(ScalarCall& call) {
  quantified(call, false, [](int o) { return o == 0; });
}
void kNotEqualAll(ScalarCall& call) {
  quantified(call, false, [](int o) { return o != 0; });
}
void kLessAll(ScalarCall& call) {
  quantified(call, false, [](int o) { return o < 0; });
}
void kLessEqualAll(ScalarCall& call) {
  quantified(call, false, [](int o) { return o <= 0; });
}
void kGreaterAll(ScalarCall& call) {
  quantified(call, false, [](int o) { return o > 0; });
}
void kGreaterEqualAll(ScalarCall& call) {
  quantified(call, false, [](int o) { return o >= 0; });
}

void kArrayPositions(ScalarCall& call) {
  if (call.is_null(0)) return call.give_null();
  const ArrayElements elements(call, 0);
  ArrayBuilder found(call);
  for (std::int64_t i = 0; i < elements.size(); ++i) {
    const Word place = int_word(i + 1);
    if (is_argument(call, elements, i, 1)) found.add(&place, false);
  }
  found.give();
}
void kTrimArray(ScalarCall& call) {
  const ArrayElements elements(call, 0);
  const std::int64_t less = call.integer(1);
  if (less < 0 || less > elements.size()) {
    return call.fail("2202E", "number of elements to trim must be between 0 and " +
                                  std::to_string(elements.size()));
  }
  ArrayBuilder kept(call);
  kept.add(elements, 0, elements.size() - less);
  kept.give();
}

}  // namespace scalar
}  // namespace entail::vm
