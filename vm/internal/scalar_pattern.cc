// LIKE, ILIKE, SIMILAR TO and regular expressions.

#include <fmt/format.h>
#include <re2/re2.h>

#include <string>
#include <vector>

#include "vm/base/ascii.h"
#include "vm/internal/pattern_store.h"
#include "vm/internal/scalar_call.h"

namespace entail::vm {

namespace {

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

enum class LikeOutcome : std::uint8_t { kNo, kYes, kEndsWithEscape };

// With backtracking to the last %, which is enough: an earlier one never needs to take more.
template <bool kFold>
LikeOutcome like(std::string_view text, std::string_view pattern) {
  std::size_t t = 0, p = 0;
  std::size_t star_pattern = std::string_view::npos, star_text = 0;
  while (true) {
    bool matched = false;
    if (p < pattern.size() && pattern[p] == '%') {
      star_pattern = ++p;
      star_text = t;
      continue;
    }
    if (t == text.size() && p == pattern.size()) return LikeOutcome::kYes;
    if (t < text.size() && p < pattern.size()) {
      if (pattern[p] == '_') {
        ++p;
        ++t;
        while (t < text.size() && continues(text[t])) ++t;
        matched = true;
      } else {
        std::size_t at = p;
        if (pattern[at] == '\\') {
          if (++at == pattern.size()) return LikeOutcome::kEndsWithEscape;
        }
        const bool equal =
            kFold ? ascii_lower(text[t]) == ascii_lower(pattern[at]) : text[t] == pattern[at];
        if (equal) {
          p = at + 1;
          ++t;
          matched = true;
        }
      }
    }
    if (matched) continue;
    if (star_pattern == std::string_view::npos || star_text >= text.size()) return LikeOutcome::kNo;
    ++star_text;
    while (star_text < text.size() && continues(text[star_text])) ++star_text;
    t = star_text;
    p = star_pattern;
  }
}

template <bool kFold>
void run_like(ScalarCall& call, bool wanted) {
  const LikeOutcome outcome = like<kFold>(call.bytes(0), call.bytes(1));
  if (outcome == LikeOutcome::kEndsWithEscape) {
    return call.fail("22025", "LIKE pattern must not end with escape character");
  }
  call.give_bool((outcome == LikeOutcome::kYes) == wanted);
}

// RE2 writes what PostgreSQL's expressions call \m, \M, \y, \A and \Z in its own way.
std::string translated(std::string_view pattern) {
  if (pattern.substr(0, 4) == "***=") return RE2::QuoteMeta(std::string(pattern.substr(4)));
  if (pattern.substr(0, 4) == "***:") pattern.remove_prefix(4);
  std::string out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\' && i + 1 < pattern.size()) {
      const char c = pattern[++i];
      if (c == 'y' || c == 'm' || c == 'M') {
        out += "\\b";
      } else if (c == 'Y') {
        out += "\\B";
      } else if (c == 'Z') {
        out += "\\z";
      } else {
        out += '\\';
        out += c;
      }
    } else {
      out += pattern[i];
    }
  }
  return out;
}

// The compiled pattern, or nothing and the call has failed.
const re2::RE2* compiled(ScalarCall& call, std::string_view pattern, std::string_view flags) {
  const re2::RE2& expression = call.context().patterns().get(translated(pattern), flags);
  if (expression.ok()) return &expression;
  call.fail("2201B", "invalid regular expression: " + expression.error());
  return nullptr;
}

void matches(ScalarCall& call, std::string_view flags, bool wanted) {
  if (const auto* expression = compiled(call, call.bytes(1), flags)) {
    call.give_bool(re2::RE2::PartialMatch(call.bytes(0), *expression) == wanted);
  }
}

bool split_flags(ScalarCall& call, std::string_view flags, bool& global, std::string& rest) {
  for (const char flag : flags) {
    if (flag == 'g') {
      global = true;
    } else if (std::string_view("cinms").find(flag) != std::string_view::npos) {
      rest += flag;
    } else {
      call.fail("22023", fmt::format("invalid regular expression option: \"{}\"", flag));
      return false;
    }
  }
  return true;
}

using Groups = std::vector<re2::StringPiece>;

Groups groups_of(const re2::RE2& expression) {
  return Groups(static_cast<std::size_t>(expression.NumberOfCapturingGroups()) + 1);
}

std::string_view view_of(const re2::StringPiece& piece) {
  return piece.data() == nullptr ? std::string_view()
                                 : std::string_view(piece.data(), piece.size());
}

bool find(const re2::RE2& expression, std::string_view text, std::size_t from, Groups& groups) {
  return expression.Match({text.data(), text.size()}, from, text.size(), re2::RE2::UNANCHORED,
                          groups.data(), static_cast<int>(groups.size()));
}

// Calls visit for each match, left to right, without overlaps; an empty match moves on by one.
template <typename Visit>
void each_match(const re2::RE2& expression, std::string_view text, Visit visit) {
  Groups groups = groups_of(expression);
  for (std::size_t at = 0; at <= text.size();) {
    if (!find(expression, text, at, groups)) return;
    const auto begin = static_cast<std::size_t>(groups[0].data() - text.data());
    if (!visit(groups, begin)) return;
    at = groups[0].empty() ? begin + 1 : begin + groups[0].size();
  }
}

void replace(ScalarCall& call, std::string_view option_text) {
  bool global = false;
  std::string flags;
  if (!split_flags(call, option_text, global, flags)) return;
  const auto* expression = compiled(call, call.bytes(1), flags);
  if (expression == nullptr) return;
  const std::string_view text = call.bytes(0), with = call.bytes(2);
  std::string out;
  std::size_t done = 0;
  each_match(*expression, text, [&](const Groups& groups, std::size_t begin) {
    out += text.substr(done, begin - done);
    for (std::size_t i = 0; i < with.size(); ++i) {
      if (with[i] != '\\' || i + 1 == with.size()) {
        out += with[i];
        continue;
      }
      const char c = with[++i];
      if (c == '&') {
        out += view_of(groups[0]);
      } else if (c >= '1' && c <= '9') {
        const auto group = static_cast<std::size_t>(c - '0');
        if (group < groups.size()) out += view_of(groups[group]);
      } else if (c == '\\') {
        out += c;
      } else {
        out += '\\';
        out += c;
      }
    }
    done = begin + groups[0].size();
    return global;
  });
  out += text.substr(done);
  call.give_bytes(out);
}

void give_texts(ScalarCall& call, const std::vector<std::pair<std::string_view, bool>>& texts) {
  const TypeId id = call.result_type().detail;
  const bool nullable = call.types().array_element_nullable(id);
  std::vector<Word> words;
  for (const auto& [text, null] : texts) {
    words.push_back(null && nullable ? 0 : call.pool().intern(text));
    if (nullable) words.push_back(null ? 1 : 0);
  }
  call.give(call.pool().intern_record(id, words));
}

void match(ScalarCall& call, std::string_view option_text) {
  bool global = false;
  std::string flags;
  if (!split_flags(call, option_text, global, flags)) return;
  if (global) {
    return call.fail("22023", "regexp_match() does not support the \"global\" option");
  }
  const auto* expression = compiled(call, call.bytes(1), flags);
  if (expression == nullptr) return;
  Groups groups = groups_of(*expression);
  if (!find(*expression, call.bytes(0), 0, groups)) return call.give_null();
  std::vector<std::pair<std::string_view, bool>> texts;
  for (std::size_t i = groups.size() > 1 ? 1 : 0; i < groups.size(); ++i) {
    texts.emplace_back(view_of(groups[i]), groups[i].data() == nullptr);
  }
  give_texts(call, texts);
}

// What regexp_count, regexp_instr and regexp_substr agree on: (text, pattern[, start[, …]]). Positions count
// characters from 1.
struct Search {
  const re2::RE2* expression = nullptr;
  std::string_view text;
  std::size_t from = 0;  // In bytes.
};

// Byte offset of the character that `skip` others stand before; past the end where there are fewer.
std::size_t offset_of(std::string_view text, std::int64_t skip) {
  std::size_t at = 0;
  for (; skip > 0 && at < text.size(); --skip) {
    ++at;
    while (at < text.size() && continues(text[at])) ++at;
  }
  return skip > 0 ? text.size() + 1 : at;
}
std::int64_t characters_in(std::string_view text) {
  std::int64_t count = 0;
  for (const char c : text) count += continues(c) ? 0 : 1;
  return count;
}

bool fail_parameter(ScalarCall& call, std::string_view name, std::int64_t value) {
  call.fail("22023", fmt::format("invalid value for parameter \"{}\": {}", name, value));
  return false;
}

// Reads them; `start`, `flags`: the arguments' numbers, if there are so many.
bool begin_search(ScalarCall& call, std::string_view function, std::size_t start, std::size_t flags,
                  Search& search) {
  search.text = call.bytes(0);
  if (call.size() > start) {
    if (call.integer(start) <= 0) return fail_parameter(call, "start", call.integer(start));
    search.from = offset_of(search.text, call.integer(start) - 1);
  }
  bool global = false;
  std::string rest;
  if (call.size() > flags && !split_flags(call, call.bytes(flags), global, rest)) return false;
  if (global) {
    call.fail("22023", fmt::format("{}() does not support the \"global\" option", function));
    return false;
  }
  search.expression = compiled(call, call.bytes(1), rest);
  return search.expression != nullptr;
}

template <typename Visit>
void each_match_from(const Search& search, Visit visit) {
  Groups groups = groups_of(*search.expression);
  for (std::size_t at = search.from; at <= search.text.size();) {
    if (!find(*search.expression, search.text, at, groups)) return;
    const auto begin = static_cast<std::size_t>(groups[0].data() - search.text.data());
    if (!visit(groups)) return;
    at = groups[0].empty() ? begin + 1 : begin + groups[0].size();
  }
}

void count_matches(ScalarCall& call) {
  Search search;
  if (!begin_search(call, "regexp_count", 2, 3, search)) return;
  std::int64_t count = 0;
  each_match_from(search, [&](const Groups&) {
    ++count;
    return true;
  });
  call.give_integer(count);
}

// The group of the n-th match, or nothing; false and the call has failed.
bool nth_group(ScalarCall& call, const Search& search, std::size_t nth_at, std::size_t group_at,
               re2::StringPiece& found) {
  const std::int64_t nth = call.size() > nth_at ? call.integer(nth_at) : 1;
  if (nth <= 0) return fail_parameter(call, "n", nth);
  const std::int64_t group = call.size() > group_at ? call.integer(group_at) : 0;
  if (group < 0) return fail_parameter(call, "subexpr", group);
  if (group > search.expression->NumberOfCapturingGroups()) return true;
  std::int64_t left = nth;
  each_match_from(search, [&](const Groups& groups) {
    if (--left > 0) return true;
    found = groups[static_cast<std::size_t>(group)];
    return false;
  });
  return true;
}

void position_of_match(ScalarCall& call) {
  Search search;
  if (!begin_search(call, "regexp_instr", 2, 5, search)) return;
  const std::int64_t end = call.size() > 4 ? call.integer(4) : 0;
  if (call.size() > 3 && call.integer(3) <= 0) {
    static_cast<void>(fail_parameter(call, "n", call.integer(3)));
    return;
  }
  if (end != 0 && end != 1) {
    static_cast<void>(fail_parameter(call, "endoption", end));
    return;
  }
  re2::StringPiece found;
  if (!nth_group(call, search, 3, 6, found)) return;
  if (found.data() == nullptr) return call.give_integer(0);
  const char* const at = found.data() + (end == 1 ? found.size() : 0);
  const auto offset = static_cast<std::size_t>(at - search.text.data());
  call.give_integer(characters_in(search.text.substr(0, offset)) + 1);
}

void part_of_match(ScalarCall& call) {
  Search search;
  if (!begin_search(call, "regexp_substr", 2, 4, search)) return;
  re2::StringPiece found;
  if (!nth_group(call, search, 3, 5, found)) return;
  if (found.data() == nullptr) return call.give_null();
  call.give_bytes(view_of(found));
}

void split(ScalarCall& call, std::string_view option_text) {
  bool global = false;
  std::string flags;
  if (!split_flags(call, option_text, global, flags)) return;
  if (global) {
    return call.fail("22023", "regexp_split_to_array() does not support the \"global\" option");
  }
  const auto* expression = compiled(call, call.bytes(1), flags);
  if (expression == nullptr) return;
  const std::string_view text = call.bytes(0);
  std::vector<std::pair<std::string_view, bool>> parts;
  std::size_t done = 0;
  each_match(*expression, text, [&](const Groups& groups, std::size_t begin) {
    if (groups[0].empty() && (begin == done || begin >= text.size())) return true;
    parts.emplace_back(text.substr(done, begin - done), false);
    done = begin + groups[0].size();
    return true;
  });
  parts.emplace_back(text.substr(done), false);
  give_texts(call, parts);
}

// A pattern of SIMILAR TO as a regular expression of the whole text.
void similar(ScalarCall& call, std::string_view escape) {
  const std::string_view pattern = call.bytes(0);
  if (escape.size() > 1) return call.fail("22025", "invalid escape string");
  std::string out = "^(?:";
  bool in_class = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (!escape.empty() && c == escape[0]) {
      if (++i == pattern.size()) break;
      out += '\\';
      out += pattern[i];
    } else if (in_class) {
      if (c == '\\') out += '\\';
      out += c;
      in_class = c != ']';
    } else if (c == '[') {
      out += c;
      in_class = true;
    } else if (c == '%') {
      out += ".*";
    } else if (c == '_') {
      out += '.';
    } else if (c == '(') {
      out += "(?:";
    } else if (c == '\\' || c == '.' || c == '^' || c == '$') {
      out += '\\';
      out += c;
    } else {
      out += c;
    }
  }
  call.give_bytes(out + ")$");
}

}  // namespace

namespace scalar {

void kLike(ScalarCall& call) { run_like<false>(call, true); }
void kNotLike(ScalarCall& call) { run_like<false>(call, false); }
void kIlike(ScalarCall& call) { run_like<true>(call, true); }
void kNotIlike(ScalarCall& call) { run_like<true>(call, false); }
void kLikeAny(ScalarCall& call) {
  const TypeId id = call.argument(1).type.detail;
  const bool nullable = call.types().array_element_nullable(id);
  const auto words = call.pool().fields(call.argument(1).word);
  bool unknown = false;
  for (std::size_t i = 0; i < words.size(); i += nullable ? 2 : 1) {
    if (nullable && words[i + 1] != 0) {
      unknown = true;
      continue;
    }
    TextScratch scratch;
    const LikeOutcome outcome = like<false>(call.bytes(0), call.pool().view(words[i], scratch));
    if (outcome == LikeOutcome::kEndsWithEscape) {
      return call.fail("22025", "LIKE pattern must not end with escape character");
    }
    if (outcome == LikeOutcome::kYes) return call.give_bool(true);
  }
  if (unknown) return call.give_null();
  call.give_bool(false);
}
void kLikeEscape(ScalarCall& call) {
  const std::string_view pattern = call.bytes(0), escape = call.bytes(1);
  std::string out;
  std::size_t characters = 0;
  for (const char c : escape) characters += continues(c) ? 0 : 1;
  if (characters > 1) {
    return call.fail("22025", "invalid escape string",
                     "Escape string must be empty or one character.");
  }
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (!escape.empty() && pattern.substr(i, escape.size()) == escape) {
      out += '\\';
      i += escape.size();
      if (i < pattern.size()) out += pattern[i];
    } else {
      if (pattern[i] == '\\') out += '\\';
      out += pattern[i];
    }
  }
  call.give_bytes(out);
}
void kSimilarToEscape(ScalarCall& call) { similar(call, "\\"); }
void kSimilarToEscapeWith(ScalarCall& call) { similar(call, call.bytes(1)); }
void kRegexMatches(ScalarCall& call) { matches(call, "", true); }
void kRegexMatchesNot(ScalarCall& call) { matches(call, "", false); }
void kRegexMatchesCase(ScalarCall& call) { matches(call, "i", true); }
void kRegexMatchesCaseNot(ScalarCall& call) { matches(call, "i", false); }
void kRegexpLike(ScalarCall& call) { matches(call, "", true); }
void kSubstringMatch(ScalarCall& call) {
  const auto* expression = compiled(call, call.bytes(1), "");
  if (expression == nullptr) return;
  Groups groups = groups_of(*expression);
  if (!find(*expression, call.bytes(0), 0, groups)) return call.give_null();
  const re2::StringPiece& piece = groups.size() > 1 ? groups[1] : groups[0];
  if (piece.data() == nullptr) return call.give_null();
  call.give_bytes(view_of(piece));
}
void kRegexpReplace(ScalarCall& call) { replace(call, ""); }
void kRegexpReplaceFlags(ScalarCall& call) { replace(call, call.bytes(3)); }
void kRegexpMatch(ScalarCall& call) { match(call, ""); }
void kRegexpMatchFlags(ScalarCall& call) { match(call, call.bytes(2)); }
void kRegexpLikeFlags(ScalarCall& call) {
  bool global = false;
  std::string flags;
  if (!split_flags(call, call.bytes(2), global, flags)) return;
  if (global) return call.fail("22023", "regexp_like() does not support the \"global\" option");
  matches(call, flags, true);
}
void kRegexpCount(ScalarCall& call) { count_matches(call); }
void kRegexpCountFrom(ScalarCall& call) { count_matches(call); }
void kRegexpCountFlags(ScalarCall& call) { count_matches(call); }
void kRegexpInstr(ScalarCall& call) { position_of_match(call); }
void kRegexpInstrFrom(ScalarCall& call) { position_of_match(call); }
void kRegexpInstrNth(ScalarCall& call) { position_of_match(call); }
void kRegexpInstrEnd(ScalarCall& call) { position_of_match(call); }
void kRegexpInstrFlags(ScalarCall& call) { position_of_match(call); }
void kRegexpInstrGroup(ScalarCall& call) { position_of_match(call); }
void kRegexpSubstr(ScalarCall& call) { part_of_match(call); }
void kRegexpSubstrFrom(ScalarCall& call) { part_of_match(call); }
void kRegexpSubstrNth(ScalarCall& call) { part_of_match(call); }
void kRegexpSubstrFlags(ScalarCall& call) { part_of_match(call); }
void kRegexpSubstrGroup(ScalarCall& call) { part_of_match(call); }
void kRegexpMatchCount(ScalarCall& call) {
  bool global = false;
  std::string flags;
  if (!split_flags(call, call.bytes(2), global, flags)) return;
  const auto* expression = compiled(call, call.bytes(1), flags);
  if (expression == nullptr) return;
  std::int64_t count = 0;
  each_match(*expression, call.bytes(0), [&](const Groups&, std::size_t) {
    ++count;
    return global;
  });
  call.give_integer(count);
}
void kRegexpNthMatch(ScalarCall& call) {
  bool global = false;
  std::string flags;
  if (!split_flags(call, call.bytes(2), global, flags)) return;
  const auto* expression = compiled(call, call.bytes(1), flags);
  if (expression == nullptr) return;
  std::int64_t left = call.integer(3);
  std::vector<std::pair<std::string_view, bool>> texts;
  each_match(*expression, call.bytes(0), [&](const Groups& groups, std::size_t) {
    if (--left > 0) return global;
    for (std::size_t i = groups.size() > 1 ? 1 : 0; i < groups.size(); ++i) {
      texts.emplace_back(view_of(groups[i]), groups[i].data() == nullptr);
    }
    return false;
  });
  if (left > 0) return call.give_null();
  give_texts(call, texts);
}
void kRegexpSplitToArrayFlags(ScalarCall& call) { split(call, call.bytes(2)); }
void kRegexpSplitToArray(ScalarCall& call) { split(call, ""); }

}  // namespace scalar
}  // namespace entail::vm
