#include "grammar/internal/scanner.h"

#include <array>
#include <utility>

#include "DatalogParser.h"

namespace entail::grammar::internal {

namespace {

using P = antlr::DatalogParser;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex_digit(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool is_word_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '?';
}
bool is_word_part(char c) { return is_word_start(c) || is_digit(c); }
bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' || c == '\f';
}

struct Spelling {
  std::string_view text;
  std::uint16_t type;
};

constexpr std::array<Spelling, 15> kReservedWords = {{
    {"as", P::K_AS},
    {"nil", P::K_NIL},
    {"true", P::K_TRUE},
    {"false", P::K_FALSE},
    {"band", P::K_BAND},
    {"bor", P::K_BOR},
    {"bxor", P::K_BXOR},
    {"bnot", P::K_BNOT},
    {"bshl", P::K_BSHL},
    {"bshr", P::K_BSHR},
    {"bshru", P::K_BSHRU},
    {"land", P::K_LAND},
    {"lor", P::K_LOR},
    {"lxor", P::K_LXOR},
    {"lnot", P::K_LNOT},
}};

constexpr std::array<Spelling, 15> kDirectives = {{
    {"decl", P::D_DECL},
    {"type", P::D_TYPE},
    {"number_type", P::D_NUMBER_TYPE},
    {"symbol_type", P::D_SYMBOL_TYPE},
    {"lattice", P::D_LATTICE},
    {"input", P::D_INPUT},
    {"output", P::D_OUTPUT},
    {"printsize", P::D_PRINTSIZE},
    {"limitsize", P::D_LIMITSIZE},
    {"functor", P::D_FUNCTOR},
    {"pragma", P::D_PRAGMA},
    {"comp", P::D_COMP},
    {"init", P::D_INIT},
    {"override", P::D_OVERRIDE},
    {"plan", P::D_PLAN},
}};

// Signs that share a start with another, longest first.
constexpr std::array<Spelling, 15> kSigns = {{
    {"->>", P::ARROW_ANY},
    {":-", P::COLON_DASH},
    {"<:", P::SUBTYPE},
    {"->", P::ARROW},
    {"=>", P::ARROW2},
    {"==", P::EQEQ},
    {"!=", P::NE},
    {"<=", P::LE},
    {">=", P::GE},
    {"=", P::EQ},
    {"<", P::LT},
    {">", P::GT},
    {":", P::COLON},
    {"!", P::BANG},
    {"-", P::MINUS},
}};

// Signs that one character decides; 0 for any other.
constexpr std::array<std::uint16_t, 256> kSingleSigns = [] {
  std::array<std::uint16_t, 256> table{};
  table['('] = P::LPAREN;
  table[')'] = P::RPAREN;
  table['['] = P::LBRACK;
  table[']'] = P::RBRACK;
  table['{'] = P::LBRACE;
  table['}'] = P::RBRACE;
  table[','] = P::COMMA;
  table[';'] = P::SEMI;
  table['|'] = P::PIPE;
  table['+'] = P::PLUS;
  table['*'] = P::STAR;
  table['/'] = P::SLASH;
  table['%'] = P::PERCENT;
  table['^'] = P::CARET;
  return table;
}();

}  // namespace

ScannedToken Scanner::next() {
  skip_blanks();
  ScannedToken token;
  begin_ = offset_;
  token.begin = static_cast<std::uint32_t>(begin_);
  token.first_on_line = newline_before_;
  if (offset_ >= text_.size() || diagnostics_.full()) {
    token.type = kEndOfText;
    token.end = token.begin;
    return token;
  }
  token.type = scan_one();
  token.quoted = token.type == P::IDENT && text_[begin_] == '`';
  token.end = static_cast<std::uint32_t>(offset_);
  newline_before_ = false;
  previous_type_ = token.type;
  previous_end_ = offset_;
  return token;
}

void Scanner::rewind_to(const ScannedToken& token) {
  offset_ = token.begin;
  newline_before_ = token.first_on_line;
  previous_type_ = kEndOfText;
}

void Scanner::error(std::size_t begin, std::size_t end, std::string message, std::string hint) {
  diagnostics_.error(
      source_.span(static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)),
      std::move(message), std::move(hint));
}

void Scanner::skip_blanks() {
  while (offset_ < text_.size()) {
    const char c = text_[offset_];
    if (c == '\n') {
      newline_before_ = true;
      ++offset_;
    } else if (is_blank(c)) {
      ++offset_;
    } else if (c == '/' && at(offset_ + 1) == '/') {
      const std::size_t end = text_.find('\n', offset_);
      offset_ = end == std::string_view::npos ? text_.size() : end;
    } else if (c == '/' && at(offset_ + 1) == '*') {
      const std::size_t end = text_.find("*/", offset_ + 2);
      if (end == std::string_view::npos) {
        error(offset_, offset_ + 2, "this comment is never closed", "End it with '*/'.");
        offset_ = text_.size();
      } else {
        newline_before_ = newline_before_ ||
                          text_.substr(offset_, end - offset_).find('\n') != std::string_view::npos;
        offset_ = end + 2;
      }
    } else {
      break;
    }
  }
}

std::uint16_t Scanner::scan_one() {
  const char c = text_[offset_];
  if (is_word_start(c)) return scan_word();
  if (is_digit(c)) return scan_number();
  switch (c) {
    case '"':
      return scan_string();
    case '.':
      return scan_dot();
    case '`':
      return scan_quoted_name();
    case '@':
      return scan_at();
    case '$':
      return scan_dollar();
    default:
      break;
  }
  if (const std::uint16_t type = kSingleSigns[static_cast<unsigned char>(c)]; type != 0) {
    ++offset_;
    return type;
  }
  const std::string_view rest = text_.substr(offset_, 3);
  for (const Spelling& sign : kSigns) {
    if (rest.starts_with(sign.text)) {
      offset_ += sign.text.size();
      return sign.type;
    }
  }
  return scan_unknown();
}

std::uint16_t Scanner::scan_word() {
  while (is_word_part(at(offset_))) ++offset_;
  const std::string_view word = text_.substr(begin_, offset_ - begin_);
  if (word == "_") return P::UNDERSCORE;
  if (word.size() <= 5) {
    for (const Spelling& reserved : kReservedWords) {
      if (word == reserved.text) return reserved.type;
    }
  }
  constexpr std::string_view kDomain = "-domain";
  if (word == "choice" && text_.substr(offset_).starts_with(kDomain) &&
      !is_word_part(at(offset_ + kDomain.size()))) {
    offset_ += kDomain.size();
    return P::CHOICE;
  }
  // As Souffle's scanner has them: the file and the line the word stands in.
  if (word == "__FILE__") return P::STRING;
  if (word == "__LINE__") return P::NUMBER;
  return P::IDENT;
}

std::size_t Scanner::digits_end(std::size_t offset) const {
  while (is_digit(at(offset))) ++offset;
  return offset;
}

// The end of a timestamp that starts at `offset`, or 0: YYYY-MM-DDTHH:MM[:SS[.f]](Z|+HH:MM)?
std::size_t Scanner::timestamp_end(std::size_t offset) const {
  constexpr std::string_view kShape = "dddd-dd-ddTdd:dd";
  for (const char shape : kShape) {
    const char c = at(offset++);
    if (shape == 'd' ? !is_digit(c) : c != shape) return 0;
  }
  if (at(offset) == ':' && is_digit(at(offset + 1)) && is_digit(at(offset + 2))) {
    offset += 3;
    if (at(offset) == '.' && is_digit(at(offset + 1))) offset = digits_end(offset + 1);
  }
  if (at(offset) == 'Z') return offset + 1;
  if ((at(offset) == '+' || at(offset) == '-') && is_digit(at(offset + 1)) &&
      is_digit(at(offset + 2)) && at(offset + 3) == ':' && is_digit(at(offset + 4)) &&
      is_digit(at(offset + 5))) {
    return offset + 6;
  }
  return offset;
}

std::uint16_t Scanner::scan_number() {
  std::uint16_t type = P::NUMBER;
  const std::size_t after_digits = digits_end(begin_);
  const char first = text_[begin_];
  const char second = at(begin_ + 1);
  if (after_digits == begin_ + 4 && at(after_digits) == '-') {
    if (const std::size_t end = timestamp_end(begin_); end != 0) {
      offset_ = end;
      return P::TIMESTAMP;
    }
  }
  if (first == '0' && (second == 'x' || second == 'b')) {
    offset_ = begin_ + 2;
    while (second == 'x' ? is_hex_digit(at(offset_)) : (at(offset_) == '0' || at(offset_) == '1'))
      ++offset_;
    if (at(offset_) == 'u' && offset_ > begin_ + 2) {
      ++offset_;
      type = P::UNSIGNED;
    }
    if (offset_ == begin_ + 2)
      offset_ = begin_ + 1;  // "0x" alone: reported below as a malformed number.
  } else {
    offset_ = after_digits;
    while (at(offset_) == '_' && is_digit(at(offset_ + 1))) offset_ = digits_end(offset_ + 1);
    bool fraction = false;
    if (at(offset_) == '.' && is_digit(at(offset_ + 1))) {
      // Four groups of digits are an address, two a float.
      std::size_t end = offset_;
      int groups = 1;
      while (groups < 4 && at(end) == '.' && is_digit(at(end + 1))) {
        end = digits_end(end + 1);
        ++groups;
      }
      if (groups == 4) {
        offset_ = end;
        return P::IPV4;
      }
      offset_ = digits_end(offset_ + 1);
      type = P::FLOAT;
      fraction = true;
    }
    const char next = at(offset_);
    if (next == 'e' || next == 'E') {
      const bool sign = at(offset_ + 1) == '+' || at(offset_ + 1) == '-';
      const std::size_t exponent = offset_ + (sign ? 2 : 1);
      if (is_digit(at(exponent))) {
        offset_ = digits_end(exponent);
        type = P::FLOAT;
      }
    }
    if (type == P::FLOAT && at(offset_) == 'f' && !is_word_part(at(offset_ + 1))) ++offset_;
    if (type == P::NUMBER && at(offset_) == 'u' && !is_word_part(at(offset_ + 1))) {
      ++offset_;
      return P::UNSIGNED;
    }
    if (!fraction && type == P::NUMBER && is_word_start(at(offset_))) {
      // 1h30m: digits and units in turn.
      std::size_t end = offset_;
      for (std::size_t digits = offset_;;) {
        const char unit = at(digits);
        std::size_t unit_size = 0;
        if ((unit == 'n' || unit == 'u' || unit == 'm') && at(digits + 1) == 's') {
          unit_size = 2;
        } else if (unit == 's' || unit == 'm' || unit == 'h' || unit == 'd' || unit == 'w') {
          unit_size = 1;
        }
        if (unit_size == 0) break;
        end = digits + unit_size;
        digits = digits_end(end);
        if (digits == end) break;
      }
      if (end > offset_ && !is_word_part(at(end))) {
        offset_ = end;
        return P::DURATION;
      }
    }
  }
  if (is_word_part(at(offset_))) {
    while (is_word_part(at(offset_))) ++offset_;
    error(begin_, offset_,
          "malformed number '" + std::string(text_.substr(begin_, offset_ - begin_)) + "'",
          "Numbers are 42, 0x2A, 0b101, 42u, 1.5, 1e9; durations 10m, 1h30m.");
  }
  return type;
}

std::uint16_t Scanner::scan_dot() {
  const char next = at(offset_ + 1);
  const bool after_word = previous_type_ == P::IDENT && previous_end_ == offset_;
  if (next == '.') {
    offset_ += 2;
    return P::DOTDOT;
  }
  if (is_word_start(next)) {
    std::size_t end = offset_ + 1;
    while (is_word_part(at(end))) ++end;
    const std::string_view word = text_.substr(offset_ + 1, end - offset_ - 1);
    if (!after_word && (is_blank(at(end)) || end >= text_.size())) {
      for (const Spelling& directive : kDirectives) {
        if (word == directive.text) {
          offset_ = end;
          return directive.type;
        }
      }
    }
  }
  ++offset_;
  if (after_word && (is_word_start(next) || next == '`')) return P::DOT;
  if (after_word && next == '{') return P::IMPORT_DOT;
  return P::END;
}

std::uint16_t Scanner::scan_string() {
  std::size_t end = offset_ + 1;
  for (;;) {
    const char c = at(end);
    const bool at_end = end >= text_.size();
    if (at_end || (string_was_open_ && c == '\n')) {
      error(begin_, begin_ + 1, "this string is never closed", "End it with '\"'.");
      string_was_open_ = true;
      const std::size_t line_end = text_.find('\n', begin_);
      offset_ = line_end == std::string_view::npos ? text_.size() : line_end;
      return P::STRING;
    }
    if (c == '"') break;
    end += c == '\\' ? 2 : 1;
  }
  offset_ = end + 1;
  if (text_.substr(begin_, offset_ - begin_).find('\n') != std::string_view::npos)
    newline_before_ = false;
  return P::STRING;
}

std::uint16_t Scanner::scan_quoted_name() {
  std::size_t end = offset_ + 1;
  while (end < text_.size() && text_[end] != '`' && text_[end] != '\n') ++end;
  const bool closed = at(end) == '`';
  const std::string_view name = text_.substr(begin_ + 1, end - begin_ - 1);
  offset_ = closed ? end + 1 : end;
  if (!closed) {
    error(begin_, begin_ + 1, "this quoted name is never closed",
          "End it with '`' on the same line.");
  } else if (name.empty() || name.find('.') != std::string_view::npos) {
    error(begin_, offset_,
          name.empty() ? "a quoted name cannot be empty" : "a quoted name cannot contain a dot");
  }
  return P::IDENT;
}

std::uint16_t Scanner::scan_at() {
  std::size_t bracket = offset_ + 1;
  if (at(bracket) == '!') ++bracket;
  while (is_blank(at(bracket))) ++bracket;
  if (at(bracket) != '[') {
    ++offset_;
    return P::AT;
  }
  // An annotation: to the matching bracket, strings respected.
  std::size_t depth = 0;
  for (std::size_t i = bracket; i < text_.size(); ++i) {
    const char c = text_[i];
    if (c == '"') {
      for (++i; i < text_.size() && text_[i] != '"'; ++i) {
        if (text_[i] == '\\') ++i;
      }
    } else if (c == '[') {
      ++depth;
    } else if (c == ']' && --depth == 0) {
      offset_ = i + 1;
      return P::ANNOTATION;
    }
  }
  error(begin_, bracket + 1, "this annotation is never closed", "End it with ']'.");
  offset_ = text_.size();
  return P::ANNOTATION;
}

std::uint16_t Scanner::scan_dollar() {
  if (at(offset_ + 1) != '$') {
    ++offset_;
    return P::DOLLAR;
  }
  const std::size_t end = text_.find("$$", offset_ + 2);
  if (end == std::string_view::npos) {
    error(begin_, begin_ + 2, "this SQL text is never closed", "End it with '$$'.");
    offset_ = text_.size();
  } else {
    offset_ = end + 2;
  }
  return P::SQL;
}

std::uint16_t Scanner::scan_unknown() {
  // A run of bytes that no token starts with is one mistake: an accented word, a binary file.
  const auto known = [&](char c) {
    return is_word_part(c) || is_blank(c) ||
           (static_cast<unsigned char>(c) < 0x80U && c != '\0' &&
            std::string_view("\"`.,:;|!+-*/%^()[]{}<>=@$").find(c) != std::string_view::npos);
  };
  while (offset_ < text_.size() && !known(text_[offset_])) ++offset_;
  const std::string_view run = text_.substr(begin_, offset_ - begin_);
  std::string shown;
  constexpr std::size_t kShownMax = 16;
  for (const char c : run.substr(0, kShownMax)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20U && byte != 0x7fU) {
      shown += c;
    } else {
      constexpr std::string_view kHex = "0123456789abcdef";
      shown += {'\\', 'x', kHex[byte >> 4U], kHex[byte & 15U]};
    }
  }
  error(begin_, offset_, "unexpected character '" + shown + (run.size() > kShownMax ? "…'" : "'"),
        "Names have letters, digits, '_' and '?'; any other name goes in backquotes, text in "
        "double quotes.");
  return P::UNKNOWN;
}

std::string decode_string(std::string_view lexeme, std::size_t* bad_escape) {
  *bad_escape = std::string_view::npos;
  const bool closed = lexeme.size() >= 2 && lexeme.back() == '"';
  const std::size_t end = closed ? lexeme.size() - 1 : lexeme.size();
  std::string result;
  result.reserve(end);
  for (std::size_t i = 1; i < end; ++i) {
    if (lexeme[i] != '\\' || i + 1 >= end) {
      result += lexeme[i];
      continue;
    }
    ++i;
    switch (lexeme[i]) {
      case '"':
        result += '"';
        break;
      case '\'':
        result += '\'';
        break;
      case '\\':
        result += '\\';
        break;
      case 'a':
        result += '\a';
        break;
      case 'b':
        result += '\b';
        break;
      case 'f':
        result += '\f';
        break;
      case 'n':
        result += '\n';
        break;
      case 'r':
        result += '\r';
        break;
      case 't':
        result += '\t';
        break;
      case 'v':
        result += '\v';
        break;
      default:
        if (*bad_escape == std::string_view::npos) *bad_escape = i - 1;
        result += {'\\', lexeme[i]};
    }
  }
  return result;
}

}  // namespace entail::grammar::internal
