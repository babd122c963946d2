#include "grammar/internal/sql_scanner.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include "SqlParser.h"
#include "vm/base/ascii.h"

namespace entail::grammar::internal {

namespace {

using P = antlr_sql::SqlParser;

constexpr std::size_t kIdentifierBytesMax = 63;

bool is_word_start(char c) {
  return is_ascii_letter(c) || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
bool is_word(char c) { return is_word_start(c) || is_ascii_digit(c) || c == '$'; }
bool is_operator(char c) {
  return std::string_view("~!@#^&|`?+-*/%<>=").find(c) != std::string_view::npos;
}

int hex_value(char c) {
  if (is_ascii_digit(c)) return c - '0';
  const char folded = ascii_lower(c);
  return folded >= 'a' && folded <= 'f' ? folded - 'a' + 10 : -1;
}

const std::unordered_map<std::string_view, std::size_t>& keywords() {
  static const auto* const table = [] {
    static std::vector<std::string> spellings;
    auto* made = new std::unordered_map<std::string_view, std::size_t>();
    antlr4::CommonTokenStream* const none = nullptr;
    const P parser(none);
    const antlr4::dfa::Vocabulary& vocabulary = parser.getVocabulary();
    spellings.reserve(vocabulary.getMaxTokenType());
    for (std::size_t type = 1; type <= vocabulary.getMaxTokenType(); ++type) {
      if (!vocabulary.getSymbolicName(type).starts_with("K_")) continue;
      const std::string quoted = vocabulary.getLiteralName(type);
      spellings.push_back(quoted.substr(1, quoted.size() - 2));
      made->emplace(spellings.back(), type);
    }
    return made;
  }();
  return *table;
}

void append_utf8(std::string& to, std::uint32_t code) {
  if (code < 0x80) {
    to += static_cast<char>(code);
  } else if (code < 0x800) {
    to += static_cast<char>(0xc0 | (code >> 6));
    to += static_cast<char>(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    to += static_cast<char>(0xe0 | (code >> 12));
    to += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
    to += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    to += static_cast<char>(0xf0 | (code >> 18));
    to += static_cast<char>(0x80 | ((code >> 12) & 0x3f));
    to += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
    to += static_cast<char>(0x80 | (code & 0x3f));
  }
}

class Scan {
 public:
  explicit Scan(std::string_view text) : text_(text) {}

  Expected<std::vector<SqlToken>> run() {
    tokens_.reserve(text_.size() / 5 + 4);
    while (true) {
      if (auto skipped = skip_blanks(); !skipped) return unexpected(skipped.error());
      if (at_ >= text_.size()) return std::move(tokens_);
      begin_ = at_;
      if (auto done = token(); !done) return unexpected(done.error());
    }
  }

 private:
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  Expected<void> fail(std::string_view message) {
    const SqlToken token{.type = P::UNKNOWN,
                         .begin = static_cast<std::uint32_t>(begin_),
                         .end = static_cast<std::uint32_t>(std::min(at_, text_.size()))};
    return unexpected(sql_error_near(text_, token, message));
  }

  Expected<void> emit(std::size_t type) {
    tokens_.push_back({.type = type,
                       .begin = static_cast<std::uint32_t>(begin_),
                       .end = static_cast<std::uint32_t>(at_)});
    return {};
  }

  // Blanks and comments.
  Expected<void> skip_blanks() {
    while (at_ < text_.size()) {
      if (is_ascii_space(text_[at_])) {
        ++at_;
      } else if (text_[at_] == '-' && peek(1) == '-') {
        while (at_ < text_.size() && text_[at_] != '\n' && text_[at_] != '\r') ++at_;
      } else if (text_[at_] == '/' && peek(1) == '*') {
        begin_ = at_;
        at_ += 2;
        std::size_t depth = 1;
        while (depth > 0) {
          if (at_ >= text_.size()) return fail("unterminated /* comment");
          if (text_[at_] == '/' && peek(1) == '*') {
            ++depth;
            at_ += 2;
          } else if (text_[at_] == '*' && peek(1) == '/') {
            --depth;
            at_ += 2;
          } else {
            ++at_;
          }
        }
      } else {
        break;
      }
    }
    return {};
  }

  Expected<void> token() {
    const char c = text_[at_];
    const char next = ascii_lower(c);
    if (c == '\'') return quoted(P::STRING, false, "unterminated quoted string");
    if (peek(1) == '\'') {
      if (next == 'e') return prefixed(1, P::STRING, true, "unterminated quoted string");
      if (next == 'n') return prefixed(1, P::STRING, false, "unterminated quoted string");
      if (next == 'b') {
        return prefixed(1, P::BIT_STRING, false, "unterminated bit string literal");
      }
      if (next == 'x') {
        return prefixed(1, P::HEX_STRING, false, "unterminated hexadecimal string literal");
      }
    }
    if (next == 'u' && peek(1) == '&' && peek(2) == '\'') {
      return prefixed(2, P::STRING, false, "unterminated quoted string");
    }
    if (next == 'u' && peek(1) == '&' && peek(2) == '"') {
      at_ += 2;
      return quoted_word();
    }
    if (c == '"') return quoted_word();
    if (is_word_start(c)) return word();
    if (is_ascii_digit(c) || (c == '.' && is_ascii_digit(peek(1)))) return number();
    if (c == '$') return dollar();
    if (is_operator(c)) return operator_sign();
    return sign();
  }

  Expected<void> prefixed(std::size_t prefix, std::size_t type, bool escapes,
                          std::string_view message) {
    at_ += prefix;
    return quoted(type, escapes, message);
  }

  // At the opening quote. A string goes on after blanks with a newline and another quote.
  Expected<void> quoted(std::size_t type, bool escapes, std::string_view message) {
    ++at_;
    while (true) {
      if (at_ >= text_.size()) return fail(message);
      if (escapes && text_[at_] == '\\') {
        at_ += 2;
      } else if (text_[at_] != '\'') {
        ++at_;
      } else if (peek(1) == '\'') {
        at_ += 2;
      } else {
        ++at_;
        std::size_t ahead = at_;
        bool newline = false;
        while (ahead < text_.size() && is_ascii_space(text_[ahead])) {
          newline = newline || text_[ahead] == '\n' || text_[ahead] == '\r';
          ++ahead;
        }
        if (!newline || ahead >= text_.size() || text_[ahead] != '\'') return emit(type);
        at_ = ahead + 1;
      }
    }
  }

  Expected<void> quoted_word() {
    const std::size_t open = at_++;
    while (true) {
      if (at_ >= text_.size()) return fail("unterminated quoted identifier");
      if (text_[at_] != '"') {
        ++at_;
      } else if (peek(1) == '"') {
        at_ += 2;
      } else {
        ++at_;
        break;
      }
    }
    if (at_ - open == 2) return fail("zero-length delimited identifier");
    return emit(P::IDENT);
  }

  bool is_before_bracket() const {
    std::size_t ahead = at_;
    while (ahead < text_.size() && is_ascii_space(text_[ahead])) ++ahead;
    return ahead < text_.size() && text_[ahead] == '(';
  }

  Expected<void> word() {
    while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    constexpr std::size_t kKeywordBytesMax = 24;
    const std::size_t length = at_ - begin_;
    std::size_t type = P::IDENT;
    if (length <= kKeywordBytesMax) {
      std::array<char, kKeywordBytesMax> folded{};
      std::transform(text_.begin() + static_cast<std::ptrdiff_t>(begin_),
                     text_.begin() + static_cast<std::ptrdiff_t>(at_), folded.begin(),
                     [](char letter) { return ascii_lower(letter); });
      const auto found = keywords().find(std::string_view(folded.data(), length));
      if (found != keywords().end()) type = found->second;
      // Its clauses would be taken for the columns of an alias.
      if (std::string_view(folded.data(), length) == "match_recognize" && is_before_bracket()) {
        return unexpected(sql_error_at(text_, begin_, "MATCH_RECOGNIZE is not supported yet",
                                       "0A000", ErrorCode::kUnsupported));
      }
    }
    return emit(type);
  }

  Expected<void> number() {
    bool fraction = false;
    while (is_ascii_digit(peek())) ++at_;
    if (peek() == '.' && peek(1) != '.') {
      fraction = true;
      ++at_;
      while (is_ascii_digit(peek())) ++at_;
    }
    if (ascii_lower(peek()) == 'e') {
      const std::size_t sign = peek(1) == '+' || peek(1) == '-' ? 2 : 1;
      if (is_ascii_digit(peek(sign))) {
        fraction = true;
        at_ += sign;
        while (is_ascii_digit(peek())) ++at_;
      }
    }
    if (is_word_start(peek())) {
      ++at_;
      return fail("trailing junk after numeric literal");
    }
    if (fraction) return emit(P::FCONST);
    return emit(P::ICONST);
  }

  Expected<void> dollar() {
    if (is_ascii_digit(peek(1))) {
      ++at_;
      while (is_ascii_digit(peek())) ++at_;
      if (is_word_start(peek())) {
        ++at_;
        return fail("trailing junk after parameter");
      }
      return emit(P::PARAM);
    }
    std::size_t tag_end = at_ + 1;
    if (tag_end < text_.size() && is_word_start(text_[tag_end])) {
      while (tag_end < text_.size() && is_word(text_[tag_end]) && text_[tag_end] != '$') ++tag_end;
    }
    if (tag_end >= text_.size() || text_[tag_end] != '$') {
      ++at_;
      return emit(P::UNKNOWN);
    }
    const std::string_view tag = text_.substr(at_, tag_end + 1 - at_);
    const std::size_t close = text_.find(tag, tag_end + 1);
    if (close == std::string_view::npos) {
      at_ = text_.size();
      return fail("unterminated dollar-quoted string");
    }
    at_ = close + tag.size();
    return emit(P::STRING);
  }

  Expected<void> operator_sign() {
    std::size_t end = at_;
    while (end < text_.size() && is_operator(text_[end])) {
      // A comment ends an operator.
      const char following = end + 1 < text_.size() ? text_[end + 1] : '\0';
      if (end > at_ &&
          ((text_[end] == '-' && following == '-') || (text_[end] == '/' && following == '*'))) {
        break;
      }
      ++end;
    }
    // `a=-1` is `a = -1`: only an operator with one of the rarer characters may end in a sign.
    const std::string_view rare = "~!@#^&|`?%";
    while (end - at_ > 1 && (text_[end - 1] == '+' || text_[end - 1] == '-') &&
           text_.substr(at_, end - at_ - 1).find_first_of(rare) == std::string_view::npos) {
      --end;
    }
    at_ = end;
    const std::string_view symbol = text_.substr(begin_, at_ - begin_);
    static const std::unordered_map<std::string_view, std::size_t> kSigns = {
        {"+", P::PLUS},  {"-", P::MINUS}, {"*", P::STAR}, {"/", P::SLASH}, {"%", P::PERCENT},
        {"^", P::CARET}, {"<", P::LT},    {">", P::GT},   {"=", P::EQ},    {"<=", P::LE},
        {">=", P::GE},   {"<>", P::NE},   {"!=", P::NE},  {"=>", P::ARROW}};
    const auto found = kSigns.find(symbol);
    if (found == kSigns.end()) return emit(P::OP);
    return emit(found->second);
  }

  Expected<void> sign() {
    const char c = text_[at_++];
    switch (c) {
      case '(':
        return emit(P::LPAREN);
      case ')':
        return emit(P::RPAREN);
      case '[':
        return emit(P::LBRACK);
      case ']':
        return emit(P::RBRACK);
      case ',':
        return emit(P::COMMA);
      case ';':
        return emit(P::SEMI);
      case '.':
        return emit(P::DOT);
      case ':':
        if (peek() == ':') {
          ++at_;
          return emit(P::TYPECAST);
        }
        if (peek() == '=') {
          ++at_;
          return emit(P::COLON_EQUALS);
        }
        return emit(P::COLON);
      default:
        return emit(P::UNKNOWN);
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t begin_ = 0;
  std::vector<SqlToken> tokens_;
};

// One \... of an E string; `at` stands behind the backslash.
void decode_escape(std::string_view body, std::size_t& at, std::string& to) {
  const char c = body[at++];
  switch (c) {
    case 'b':
      to += '\b';
      return;
    case 'f':
      to += '\f';
      return;
    case 'n':
      to += '\n';
      return;
    case 'r':
      to += '\r';
      return;
    case 't':
      to += '\t';
      return;
    case 'v':
      to += '\v';
      return;
    default:
      break;
  }
  if (c >= '0' && c <= '7') {
    unsigned value = static_cast<unsigned>(c - '0');
    for (int i = 0; i < 2 && at < body.size() && body[at] >= '0' && body[at] <= '7'; ++i) {
      value = value * 8 + static_cast<unsigned>(body[at++] - '0');
    }
    to += static_cast<char>(value & 0xff);
    return;
  }
  const auto digits = [&](int count_max) {
    std::uint32_t value = 0;
    int count = 0;
    while (count < count_max && at < body.size() && hex_value(body[at]) >= 0) {
      value = value * 16 + static_cast<std::uint32_t>(hex_value(body[at++]));
      ++count;
    }
    return std::pair(value, count);
  };
  if (c == 'x' && at < body.size() && hex_value(body[at]) >= 0) {
    to += static_cast<char>(digits(2).first);
  } else if (c == 'u' || c == 'U') {
    std::uint32_t code = digits(c == 'u' ? 4 : 8).first;
    if (code >= 0xd800 && code < 0xdc00 && at + 1 < body.size() && body[at] == '\\') {
      at += 2;
      const std::uint32_t low = digits(body[at - 1] == 'u' ? 4 : 8).first;
      code = 0x10000 + ((code & 0x3ff) << 10) + (low & 0x3ff);
    }
    append_utf8(to, code);
  } else {
    to += c;
  }
}

// U&: \XXXX and \+XXXXXX; `at` stands behind the backslash. False: not a valid escape.
bool decode_unicode(std::string_view body, std::size_t& at, std::string& to) {
  if (at < body.size() && body[at] == '\\') {
    to += '\\';
    ++at;
    return true;
  }
  std::size_t count = 4;
  if (at < body.size() && body[at] == '+') {
    count = 6;
    ++at;
  }
  std::uint32_t code = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (at >= body.size() || hex_value(body[at]) < 0) return false;
    code = code * 16 + static_cast<std::uint32_t>(hex_value(body[at++]));
  }
  append_utf8(to, code);
  return true;
}

}  // namespace

Error sql_error_at(std::string_view text, std::size_t offset, std::string message,
                   std::string sqlstate, ErrorCode code) {
  std::uint32_t position = 1;
  for (std::size_t i = 0; i < std::min(offset, text.size()); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) ++position;
  }
  SqlFields fields;
  fields.sqlstate = std::move(sqlstate);
  fields.position = position;
  return Error{code, std::move(message), std::make_shared<const SqlFields>(std::move(fields))};
}

Error sql_error_near(std::string_view text, const SqlToken& token, std::string_view message) {
  std::string full(message);
  if (token.begin >= text.size() || token.begin == token.end) {
    full += " at end of input";
  } else {
    full += " at or near \"";
    full += token.text(text);
    full += '"';
  }
  return sql_error_at(text, token.begin, std::move(full));
}

Expected<std::vector<SqlToken>> scan_sql(std::string_view text) { return Scan(text).run(); }

Expected<std::string> decode_string(std::string_view text, const SqlToken& token) {
  const std::string_view written = token.text(text);
  std::string decoded;
  if (written.front() == '$') {
    const std::size_t tag = written.find('$', 1) + 1;
    return std::string(written.substr(tag, written.size() - 2 * tag));
  }
  std::size_t at = written.find('\'') + 1;
  const bool escapes = ascii_lower(written.front()) == 'e';
  const bool unicode = ascii_lower(written.front()) == 'u';
  decoded.reserve(written.size());
  while (at < written.size()) {
    const char c = written[at++];
    if (c == '\\' && escapes && at < written.size()) {
      decode_escape(written, at, decoded);
    } else if (c == '\\' && unicode) {
      if (!decode_unicode(written, at, decoded)) {
        return unexpected(sql_error_at(text, token.begin, "invalid Unicode escape", "42601"));
      }
    } else if (c != '\'') {
      decoded += c;
    } else if (at < written.size() && written[at] == '\'') {
      decoded += '\'';
      ++at;
    } else {
      // The end, or the blanks before a continuation.
      while (at < written.size() && written[at] != '\'') ++at;
      ++at;
    }
  }
  return decoded;
}

Expected<std::string> identifier_text(std::string_view text, const SqlToken& token, bool& quoted) {
  const std::string_view written = token.text(text);
  const bool unicode = written.size() > 2 && written[1] == '&' && written[2] == '"';
  quoted = written.front() == '"' || unicode;
  std::string name;
  if (!quoted) {
    name = ascii_lower(written);
  } else {
    const std::string_view body = written.substr(0, written.size() - 1);
    for (std::size_t at = unicode ? 3 : 1; at < body.size();) {
      const char c = body[at++];
      if (c == '"') ++at;  // It is doubled.
      if (c == '\\' && unicode) {
        if (!decode_unicode(body, at, name)) {
          return unexpected(sql_error_at(text, token.begin, "invalid Unicode escape"));
        }
      } else {
        name += c;
      }
    }
  }
  if (name.size() > kIdentifierBytesMax) {
    std::size_t size = kIdentifierBytesMax;
    while (size > 0 && (static_cast<unsigned char>(name[size]) & 0xc0) == 0x80) --size;
    name.resize(size);
  }
  return name;
}

bool is_sql_keyword(std::string_view word) { return keywords().contains(word); }

}  // namespace entail::grammar::internal
