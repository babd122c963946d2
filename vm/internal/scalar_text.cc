// SQL's functions of text. Text is UTF-8 and is counted in characters.

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cctype>
#include <limits>
#include <vector>

#include "vm/base/ascii.h"
#include "vm/internal/scalar_call.h"
#include "vm/sql_text.h"

namespace entail::vm {

namespace {

bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

std::int64_t character_count(std::string_view text) {
  return std::count_if(text.begin(), text.end(), begins_character);
}

// The position in bytes of a character; the end of the text for those behind it.
std::size_t offset_of(std::string_view text, std::int64_t character) {
  if (character <= 0) return 0;
  std::size_t i = 0;
  for (; i < text.size(); ++i) {
    if (begins_character(text[i]) && character-- == 0) return i;
  }
  return text.size();
}

// Characters from `from` (counted from 0) up to, not including, `to`.
std::string_view characters(std::string_view text, std::int64_t from, std::int64_t to) {
  if (to <= from) return {};
  const std::size_t begin = offset_of(text, from), end = offset_of(text, to);
  return text.substr(begin, end - begin);
}

std::vector<std::string_view> split_characters(std::string_view text) {
  std::vector<std::string_view> result;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i + 1;
    while (end < text.size() && !begins_character(text[end])) ++end;
    result.push_back(text.substr(i, end - i));
    i = end;
  }
  return result;
}

// Letters of ASCII change their case; under collation "C" no others do.
bool is_alphanumeric(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

void substring(ScalarCall& call, bool bounded) {
  const std::string_view text = call.bytes(0);
  const std::int64_t from = call.integer(1) - 1;
  std::int64_t to = std::numeric_limits<std::int64_t>::max();
  if (bounded) {
    if (call.integer(2) < 0) return call.fail("22011", "negative substring length not allowed");
    to = from + call.integer(2);
  }
  call.give_bytes(characters(text, std::max<std::int64_t>(from, 0), to));
}

constexpr std::int64_t kTextMax = (std::int64_t{1} << 30) - 1;

void fail_too_long(ScalarCall& call) { call.fail("54000", "requested length too large"); }

void pad(ScalarCall& call, std::string_view fill, bool left) {
  const std::string_view text = call.bytes(0);
  const std::int64_t length = std::max<std::int64_t>(call.integer(1), 0);
  const std::int64_t have = character_count(text);
  if (length > kTextMax / 4) return fail_too_long(call);
  if (have >= length || fill.empty()) {
    return call.give_bytes(characters(text, 0, std::min(have, length)));
  }
  const auto pieces = split_characters(fill);
  std::string padding;
  for (std::int64_t i = 0; i < length - have; ++i) {
    padding += pieces[static_cast<std::size_t>(i) % pieces.size()];
  }
  call.give_bytes(left ? padding + std::string(text) : std::string(text) + padding);
}

void trim(ScalarCall& call, std::string_view set, bool left, bool right) {
  std::string_view text = call.bytes(0);
  const auto members = split_characters(set);
  const auto is_member = [&](std::string_view character) {
    return std::find(members.begin(), members.end(), character) != members.end();
  };
  while (left && !text.empty()) {
    std::size_t end = 1;
    while (end < text.size() && !begins_character(text[end])) ++end;
    if (!is_member(text.substr(0, end))) break;
    text.remove_prefix(end);
  }
  while (right && !text.empty()) {
    std::size_t begin = text.size() - 1;
    while (begin > 0 && !begins_character(text[begin])) --begin;
    if (!is_member(text.substr(begin))) break;
    text.remove_suffix(text.size() - begin);
  }
  call.give_bytes(text);
}

std::int64_t position_of(std::string_view text, std::string_view part) {
  const std::size_t at = text.find(part);
  return at == std::string_view::npos ? 0 : character_count(text.substr(0, at)) + 1;
}

void overlay(ScalarCall& call, std::int64_t length) {
  const std::string_view text = call.bytes(0), with = call.bytes(1);
  const std::int64_t from = call.integer(2);
  if (from <= 0) return call.fail("22011", "negative substring length not allowed");
  const std::int64_t whole = character_count(text);
  std::string out(characters(text, 0, from - 1));
  out += with;
  out += characters(text, std::max<std::int64_t>(from - 1 + length, 0), whole);
  call.give_bytes(out);
}

void append_hex(std::string_view bytes, std::string& out) {
  for (const char c : bytes) {
    fmt::format_to(std::back_inserter(out), "{:02x}", static_cast<unsigned char>(c));
  }
}

std::string digest(std::string_view bytes, const EVP_MD* method) {
  unsigned char buffer[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), buffer, &size, method, nullptr);
  return {reinterpret_cast<const char*>(buffer), size};
}

void give_md5(ScalarCall& call) {
  std::string out;
  append_hex(digest(call.bytes(0), EVP_md5()), out);
  call.give_bytes(out);
}

// What a value prints inside concat() and format().
void append_argument(ScalarCall& call, std::size_t i, std::string& out) {
  const ScalarCall::Argument& argument = call.argument(i);
  const Word words[2] = {argument.word, argument.low};
  print_sql_value(call.pool(), argument.type, words, out);
}

std::string quoted_literal(std::string_view text) {
  std::string out;
  if (text.find('\\') != std::string_view::npos) out += 'E';
  out += '\'';
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += c;
    out += c;
  }
  return out + '\'';
}

bool is_keyword(std::string_view text) {
  // The keywords that are not free as names.
  static constexpr std::string_view kWords[] = {"all",
                                                "analyse",
                                                "analyze",
                                                "and",
                                                "any",
                                                "array",
                                                "as",
                                                "asc",
                                                "asymmetric",
                                                "authorization",
                                                "between",
                                                "bigint",
                                                "binary",
                                                "bit",
                                                "boolean",
                                                "both",
                                                "case",
                                                "cast",
                                                "char",
                                                "character",
                                                "check",
                                                "coalesce",
                                                "collate",
                                                "collation",
                                                "column",
                                                "concurrently",
                                                "constraint",
                                                "create",
                                                "cross",
                                                "current_catalog",
                                                "current_date",
                                                "current_role",
                                                "current_schema",
                                                "current_time",
                                                "current_timestamp",
                                                "current_user",
                                                "dec",
                                                "decimal",
                                                "default",
                                                "deferrable",
                                                "desc",
                                                "distinct",
                                                "do",
                                                "else",
                                                "end",
                                                "except",
                                                "exists",
                                                "extract",
                                                "false",
                                                "fetch",
                                                "float",
                                                "for",
                                                "foreign",
                                                "freeze",
                                                "from",
                                                "full",
                                                "grant",
                                                "greatest",
                                                "group",
                                                "grouping",
                                                "having",
                                                "ilike",
                                                "in",
                                                "initially",
                                                "inner",
                                                "inout",
                                                "int",
                                                "integer",
                                                "intersect",
                                                "interval",
                                                "into",
                                                "is",
                                                "isnull",
                                                "join",
                                                "lateral",
                                                "leading",
                                                "least",
                                                "left",
                                                "like",
                                                "limit",
                                                "localtime",
                                                "localtimestamp",
                                                "national",
                                                "natural",
                                                "nchar",
                                                "none",
                                                "normalize",
                                                "not",
                                                "notnull",
                                                "null",
                                                "nullif",
                                                "numeric",
                                                "offset",
                                                "on",
                                                "only",
                                                "or",
                                                "order",
                                                "out",
                                                "outer",
                                                "overlaps",
                                                "overlay",
                                                "placing",
                                                "position",
                                                "precision",
                                                "primary",
                                                "real",
                                                "references",
                                                "returning",
                                                "right",
                                                "row",
                                                "select",
                                                "session_user",
                                                "setof",
                                                "similar",
                                                "smallint",
                                                "some",
                                                "substring",
                                                "symmetric",
                                                "table",
                                                "tablesample",
                                                "then",
                                                "time",
                                                "timestamp",
                                                "to",
                                                "trailing",
                                                "treat",
                                                "trim",
                                                "true",
                                                "union",
                                                "unique",
                                                "user",
                                                "using",
                                                "values",
                                                "varchar",
                                                "variadic",
                                                "verbose",
                                                "when",
                                                "where",
                                                "window",
                                                "with",
                                                "xmlattributes"};
  return std::binary_search(std::begin(kWords), std::end(kWords), text);
}

std::string quoted_name(std::string_view text) {
  bool plain = !text.empty() && !(text[0] >= '0' && text[0] <= '9') && !is_keyword(text);
  for (const char c : text) {
    plain &= (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  }
  if (plain) return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += c;
    out += c;
  }
  return out + '"';
}

void format(ScalarCall& call) {
  if (call.is_null(0)) return call.give_null();
  const std::string_view text = call.bytes(0);
  std::string out;
  std::size_t next = 1;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    ++i;
    const auto ended = [&] {
      if (i < text.size()) return false;
      call.fail("22023", "unterminated format() type specifier", "");
      return true;
    };
    if (ended()) return;
    if (text[i] == '%') {
      out += '%';
      continue;
    }
    const auto read_number = [&] {
      std::int64_t value = -1;
      while (i < text.size() && text[i] >= '0' && text[i] <= '9') {
        value = std::max<std::int64_t>(value, 0) * 10 + (text[i++] - '0');
        value = std::min<std::int64_t>(value, 1'000'000'000);
      }
      return value;
    };
    std::int64_t position = read_number(), width = -1;
    if (position >= 0 && i < text.size() && text[i] == '$') {
      ++i;
      if (position == 0) {
        return call.fail("22023", "format specifies argument 0, but arguments are numbered from 1");
      }
    } else {
      width = position;
      position = -1;
    }
    bool left = false;
    if (i < text.size() && text[i] == '-') {
      left = true;
      ++i;
    }
    if (width < 0) width = read_number();
    if (i < text.size() && text[i] == '*') {
      ++i;
      if (next >= call.size()) return call.fail("22023", "too few arguments for format()");
      width = call.is_null(next) ? 0 : call.integer(next);
      ++next;
      if (width < 0) {
        left = true;
        width = -width;
      }
    }
    if (ended()) return;
    const char kind = text[i];
    if (kind != 's' && kind != 'I' && kind != 'L') {
      return call.fail("22023", fmt::format("unrecognized format() type specifier \"{}\"", kind),
                       "");
    }
    const std::size_t at = position > 0 ? static_cast<std::size_t>(position) : next;
    if (at >= call.size()) return call.fail("22023", "too few arguments for format()");
    next = at + 1;
    std::string piece;
    if (call.is_null(at)) {
      if (kind == 'I')
        return call.fail("22004", "null values cannot be formatted as an SQL identifier");
      if (kind == 'L') piece = "NULL";
    } else {
      append_argument(call, at, piece);
      if (kind == 'I') piece = quoted_name(piece);
      if (kind == 'L') piece = quoted_literal(piece);
    }
    const std::int64_t missing = width - character_count(piece);
    const std::string blanks(static_cast<std::size_t>(std::max<std::int64_t>(missing, 0)), ' ');
    out += left ? piece + blanks : blanks + piece;
  }
  call.give_bytes(out);
}

void append_utf8(std::uint32_t code, std::string& out) {
  const auto put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | (code >> 6));
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3f));
    put(0x80 | ((code >> 6) & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

std::uint32_t first_code(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) & 0x3fU : 0U;
  };
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return lead;
  if (lead < 0xe0) return ((lead & 0x1fU) << 6) | byte(1);
  if (lead < 0xf0) return ((lead & 0x0fU) << 12) | (byte(1) << 6) | byte(2);
  return ((lead & 0x07U) << 18) | (byte(1) << 12) | (byte(2) << 6) | byte(3);
}

std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

void coerce_length(ScalarCall& call, std::string_view type) {
  const std::string_view text = call.bytes(0);
  const std::int64_t limit = call.integer(1);
  const bool blank_padded = type == "character";
  if (character_count(text) <= limit) {
    return call.give_bytes(blank_padded ? without_blanks(text) : text);
  }
  const std::string_view kept = characters(text, 0, limit);
  if (!without_blanks(text.substr(kept.size())).empty()) {
    return call.fail("22001", fmt::format("value too long for type {}({})", type, limit));
  }
  call.give_bytes(blank_padded ? without_blanks(kept) : kept);
}

}  // namespace

namespace scalar {

void kConcatOperator(ScalarCall& call) {
  std::string out(call.bytes(0));
  out += call.bytes(1);
  call.give_bytes(out);
}
void kConcat(ScalarCall& call) {
  std::string out;
  for (std::size_t i = 0; i < call.size(); ++i) {
    if (!call.is_null(i)) append_argument(call, i, out);
  }
  call.give_bytes(out);
}
void kConcatWs(ScalarCall& call) {
  if (call.is_null(0)) return call.give_null();
  std::string out;
  bool first = true;
  for (std::size_t i = 1; i < call.size(); ++i) {
    if (call.is_null(i)) continue;
    if (!first) out += call.bytes(0);
    first = false;
    append_argument(call, i, out);
  }
  call.give_bytes(out);
}
void kLower(ScalarCall& call) {
  std::string out(call.bytes(0));
  std::transform(out.begin(), out.end(), out.begin(), [](char c) { return ascii_lower(c); });
  call.give_bytes(out);
}
void kUpper(ScalarCall& call) {
  std::string out(call.bytes(0));
  std::transform(out.begin(), out.end(), out.begin(), ascii_upper);
  call.give_bytes(out);
}
void kInitcap(ScalarCall& call) {
  std::string out(call.bytes(0));
  bool inside = false;
  for (char& c : out) {
    c = inside ? ascii_lower(c) : ascii_upper(c);
    inside = is_alphanumeric(c);
  }
  call.give_bytes(out);
}
void kLength(ScalarCall& call) { call.give_integer(character_count(call.bytes(0))); }
void kCharLength(ScalarCall& call) { kLength(call); }
void kCharacterLength(ScalarCall& call) { kLength(call); }
void kOctetLength(ScalarCall& call) {
  call.give_integer(static_cast<std::int64_t>(call.bytes(0).size()));
}
void kBitLength(ScalarCall& call) {
  call.give_integer(static_cast<std::int64_t>(call.bytes(0).size() * 8));
}
void kSubstringFrom(ScalarCall& call) { substring(call, false); }
void kSubstringFor(ScalarCall& call) { substring(call, true); }
void kSubstrFrom(ScalarCall& call) { substring(call, false); }
void kSubstrFor(ScalarCall& call) { substring(call, true); }
void kLeft(ScalarCall& call) {
  const std::string_view text = call.bytes(0);
  const std::int64_t n = call.integer(1);
  call.give_bytes(characters(text, 0, n >= 0 ? n : character_count(text) + n));
}
void kRight(ScalarCall& call) {
  const std::string_view text = call.bytes(0);
  const std::int64_t n = call.integer(1), all = character_count(text);
  call.give_bytes(characters(text, n >= 0 ? std::max<std::int64_t>(all - n, 0) : -n, all));
}
void kLpad(ScalarCall& call) { pad(call, " ", true); }
void kLpadWith(ScalarCall& call) { pad(call, call.bytes(2), true); }
void kRpad(ScalarCall& call) { pad(call, " ", false); }
void kRpadWith(ScalarCall& call) { pad(call, call.bytes(2), false); }
void kLtrim(ScalarCall& call) { trim(call, " ", true, false); }
void kLtrimSet(ScalarCall& call) { trim(call, call.bytes(1), true, false); }
void kRtrim(ScalarCall& call) { trim(call, " ", false, true); }
void kRtrimSet(ScalarCall& call) { trim(call, call.bytes(1), false, true); }
void kBtrim(ScalarCall& call) { trim(call, " ", true, true); }
void kBtrimSet(ScalarCall& call) { trim(call, call.bytes(1), true, true); }
void kReplace(ScalarCall& call) {
  const std::string_view text = call.bytes(0), from = call.bytes(1), to = call.bytes(2);
  if (from.empty()) return call.give_bytes(text);
  std::string out;
  std::size_t at = 0;
  for (std::size_t found; (found = text.find(from, at)) != std::string_view::npos;
       at = found + from.size()) {
    out += text.substr(at, found - at);
    out += to;
  }
  out += text.substr(at);
  call.give_bytes(out);
}
void kTranslate(ScalarCall& call) {
  const auto from = split_characters(call.bytes(1)), to = split_characters(call.bytes(2));
  std::string out;
  for (const std::string_view character : split_characters(call.bytes(0))) {
    const auto found = std::find(from.begin(), from.end(), character);
    const auto at = static_cast<std::size_t>(found - from.begin());
    if (found == from.end()) {
      out += character;
    } else if (at < to.size()) {
      out += to[at];
    }
  }
  call.give_bytes(out);
}
void kRepeat(ScalarCall& call) {
  const std::string_view text = call.bytes(0);
  const std::int64_t count = std::max<std::int64_t>(call.integer(1), 0);
  if (static_cast<std::int64_t>(text.size()) * count > kTextMax) return fail_too_long(call);
  std::string out;
  for (std::int64_t i = 0; i < count && !text.empty(); ++i) out += text;
  call.give_bytes(out);
}
void kReverse(ScalarCall& call) {
  const auto pieces = split_characters(call.bytes(0));
  std::string out;
  for (std::size_t i = pieces.size(); i-- > 0;) out += pieces[i];
  call.give_bytes(out);
}
void kStrpos(ScalarCall& call) { call.give_integer(position_of(call.bytes(0), call.bytes(1))); }
void kPosition(ScalarCall& call) { kStrpos(call); }
void kSplitPart(ScalarCall& call) {
  const std::string_view text = call.bytes(0), by = call.bytes(1);
  std::int64_t n = call.integer(2);
  if (n == 0) return call.fail("22023", "field position must not be zero");
  if (text.empty()) return call.give_bytes("");
  if (by.empty()) return call.give_bytes(n == 1 || n == -1 ? text : std::string_view());
  std::vector<std::string_view> parts;
  std::size_t at = 0;
  for (std::size_t found; (found = text.find(by, at)) != std::string_view::npos;
       at = found + by.size()) {
    parts.push_back(text.substr(at, found - at));
  }
  parts.push_back(text.substr(at));
  const auto count = static_cast<std::int64_t>(parts.size());
  if (n < 0) n += count + 1;
  call.give_bytes(n >= 1 && n <= count ? parts[static_cast<std::size_t>(n - 1)]
                                       : std::string_view());
}
void kOverlay(ScalarCall& call) { overlay(call, character_count(call.bytes(1))); }
void kOverlayFor(ScalarCall& call) { overlay(call, call.integer(3)); }
void kAscii(ScalarCall& call) {
  const std::string_view text = call.bytes(0);
  call.give_integer(text.empty() ? 0 : first_code(text));
}
void kChr(ScalarCall& call) {
  const std::int64_t code = call.integer(0);
  if (code == 0) return call.fail("54000", "null character not permitted");
  if (code < 0) return call.fail("22023", "character number must be positive");
  if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
    return call.fail("54000",
                     code > 0x10ffff
                         ? fmt::format("requested character too large for encoding: {}", code)
                         : fmt::format("requested character not valid for encoding: {}", code));
  }
  std::string out;
  append_utf8(static_cast<std::uint32_t>(code), out);
  call.give_bytes(out);
}
void kMd5(ScalarCall& call) { give_md5(call); }
void kFormat(ScalarCall& call) { format(call); }
void kFormatAlone(ScalarCall& call) { format(call); }
void kQuoteLiteral(ScalarCall& call) { call.give_bytes(quoted_literal(call.bytes(0))); }
void kQuoteNullable(ScalarCall& call) {
  call.give_bytes(call.is_null(0) ? "NULL" : quoted_literal(call.bytes(0)));
}
void kQuoteIdent(ScalarCall& call) { call.give_bytes(quoted_name(call.bytes(0))); }
void kStartsWith(ScalarCall& call) {
  call.give_bool(call.bytes(0).substr(0, call.bytes(1).size()) == call.bytes(1));
}
void kStartsWithOperator(ScalarCall& call) { kStartsWith(call); }
void kCoerceVarchar(ScalarCall& call) { coerce_length(call, "character varying"); }
void kCoerceBpchar(ScalarCall& call) { coerce_length(call, "character"); }
void kCutText(ScalarCall& call) { call.give_bytes(characters(call.bytes(0), 0, call.integer(1))); }

void kBytesConcat(ScalarCall& call) { kConcatOperator(call); }
void kBytesLength(ScalarCall& call) { kOctetLength(call); }
void kBytesOctetLength(ScalarCall& call) { kOctetLength(call); }
void kBytesMd5(ScalarCall& call) { give_md5(call); }
void kEncode(ScalarCall& call) {
  const std::string_view bytes = call.bytes(0), form = call.bytes(1);
  std::string out;
  if (form == "hex") {
    append_hex(bytes, out);
  } else if (form == "base64") {
    out.resize((bytes.size() + 2) / 3 * 4 + 1);
    const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                     reinterpret_cast<const unsigned char*>(bytes.data()),
                                     static_cast<int>(bytes.size()));
    out.resize(static_cast<std::size_t>(size));
    for (std::size_t at = 76; at < out.size(); at += 77) out.insert(at, 1, '\n');
  } else {
    return call.fail("22023", fmt::format("unrecognized encoding: \"{}\"", form));
  }
  call.give_bytes(out);
}
void kDecode(ScalarCall& call) {
  const std::string_view text = call.bytes(0), form = call.bytes(1);
  if (form == "hex") {
    Word word = 0;
    SqlTextError error;
    if (!read_sql_value(call.pool(), Type::of(TypeKind::kBytes), "\\x" + std::string(text), &word,
                        error)) {
      return call.fail(error.sqlstate, error.message, error.detail);
    }
    return call.give(word);
  }
  if (form != "base64") {
    return call.fail("22023", fmt::format("unrecognized encoding: \"{}\"", form));
  }
  std::string plain;
  for (const char c : text) {
    if (c != '\n' && c != '\r' && c != ' ' && c != '\t') plain += c;
  }
  std::size_t padding = 0;
  while (padding < plain.size() && padding < 2 && plain[plain.size() - 1 - padding] == '=')
    ++padding;
  std::string out(plain.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(plain.data()),
                                   static_cast<int>(plain.size()));
  if (size < 0 || plain.size() % 4 != 0) {
    return call.fail("22023", "invalid base64 end sequence");
  }
  out.resize(static_cast<std::size_t>(size) - padding);
  call.give_bytes(out);
}
void kSha256(ScalarCall& call) { call.give_bytes(digest(call.bytes(0), EVP_sha256())); }
void kSha224(ScalarCall& call) { call.give_bytes(digest(call.bytes(0), EVP_sha224())); }
void kSha384(ScalarCall& call) { call.give_bytes(digest(call.bytes(0), EVP_sha384())); }
void kSha512(ScalarCall& call) { call.give_bytes(digest(call.bytes(0), EVP_sha512())); }

}  // namespace scalar
}  // namespace entail::vm
