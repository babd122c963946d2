#include "grammar/internal/condition.h"

#include <array>
#include <cctype>
#include <utility>

namespace entail::grammar::internal {

namespace {

constexpr int kDepthMax = 200;

struct Operator {
  std::string_view text;
  int precedence;
};

// Longest first among those that share a start.
constexpr std::array<Operator, 18> kOperators = {{
    {"||", 1},
    {"&&", 2},
    {"==", 6},
    {"!=", 6},
    {"<=", 7},
    {">=", 7},
    {"<<", 8},
    {">>", 8},
    {"|", 3},
    {"^", 4},
    {"&", 5},
    {"<", 7},
    {">", 7},
    {"+", 9},
    {"-", 9},
    {"*", 10},
    {"/", 10},
    {"%", 10},
}};

class Evaluator {
 public:
  explicit Evaluator(std::string_view text) : text_(text) {}

  std::optional<std::int64_t> run(std::string& problem) {
    const std::int64_t value = choice(0);
    skip();
    if (problem_.empty() && i_ < text_.size())
      fail("unexpected '" + std::string(1, text_[i_]) + "'");
    if (problem_.empty()) return value;
    problem = problem_;
    return std::nullopt;
  }

 private:
  void fail(std::string why) {
    if (problem_.empty()) problem_ = std::move(why);
    i_ = text_.size();
  }

  void skip() {
    while (i_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[i_])) != 0) ++i_;
  }

  bool accept(std::string_view sign) {
    skip();
    if (!text_.substr(i_).starts_with(sign)) return false;
    i_ += sign.size();
    return true;
  }

  std::int64_t choice(int depth) {
    const std::int64_t condition = binary(1, depth + 1);
    if (!accept("?")) return condition;
    const std::int64_t yes = choice(depth + 1);
    if (!accept(":")) fail("expected ':'");
    const std::int64_t no = choice(depth + 1);
    return condition != 0 ? yes : no;
  }

  std::int64_t binary(int precedence_min, int depth) {
    std::int64_t left = unary(depth + 1);
    for (;;) {
      skip();
      const Operator* found = nullptr;
      for (const Operator& candidate : kOperators) {
        if (text_.substr(i_).starts_with(candidate.text)) {
          found = &candidate;
          break;
        }
      }
      if (found == nullptr || found->precedence < precedence_min) return left;
      i_ += found->text.size();
      const std::int64_t right = binary(found->precedence + 1, depth + 1);
      left = apply(found->text, left, right);
    }
  }

  std::int64_t apply(std::string_view op, std::int64_t a, std::int64_t b) {
    const auto x = static_cast<std::uint64_t>(a);
    const auto y = static_cast<std::uint64_t>(b);
    if (op == "||") return (a != 0 || b != 0) ? 1 : 0;
    if (op == "&&") return (a != 0 && b != 0) ? 1 : 0;
    if (op == "==") return a == b ? 1 : 0;
    if (op == "!=") return a != b ? 1 : 0;
    if (op == "<=") return a <= b ? 1 : 0;
    if (op == ">=") return a >= b ? 1 : 0;
    if (op == "<") return a < b ? 1 : 0;
    if (op == ">") return a > b ? 1 : 0;
    if (op == "|") return static_cast<std::int64_t>(x | y);
    if (op == "^") return static_cast<std::int64_t>(x ^ y);
    if (op == "&") return static_cast<std::int64_t>(x & y);
    if (op == "<<") return static_cast<std::int64_t>(x << (y & 63U));
    if (op == ">>") return a >> (y & 63U);
    if (op == "+") return static_cast<std::int64_t>(x + y);
    if (op == "-") return static_cast<std::int64_t>(x - y);
    if (op == "*") return static_cast<std::int64_t>(x * y);
    if (b == 0) {
      fail("division by zero");
      return 0;
    }
    if (b == -1) return op == "/" ? static_cast<std::int64_t>(0U - x) : 0;
    return op == "/" ? a / b : a % b;
  }

  std::int64_t unary(int depth) {
    if (depth > kDepthMax) {
      fail("nested too deep");
      return 0;
    }
    skip();
    if (accept("(")) {
      const std::int64_t value = choice(depth + 1);
      if (!accept(")")) fail("expected ')'");
      return value;
    }
    if (accept("!")) return unary(depth + 1) == 0 ? 1 : 0;
    if (accept("~"))
      return static_cast<std::int64_t>(~static_cast<std::uint64_t>(unary(depth + 1)));
    if (accept("-"))
      return static_cast<std::int64_t>(0U - static_cast<std::uint64_t>(unary(depth + 1)));
    if (accept("+")) return unary(depth + 1);
    const char c = i_ < text_.size() ? text_[i_] : '\0';
    if (std::isdigit(static_cast<unsigned char>(c)) != 0) return number();
    if (std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_') {
      while (i_ < text_.size() &&
             (std::isalnum(static_cast<unsigned char>(text_[i_])) != 0 || text_[i_] == '_'))
        ++i_;
      return 0;
    }
    fail(c == '\0' ? "it ends too early" : "unexpected '" + std::string(1, c) + "'");
    return 0;
  }

  std::int64_t number() {
    std::uint64_t value = 0;
    unsigned base = 10;
    if (text_.substr(i_).starts_with("0x") || text_.substr(i_).starts_with("0X")) {
      base = 16;
      i_ += 2;
    } else if (text_[i_] == '0') {
      base = 8;
    }
    for (; i_ < text_.size() && std::isxdigit(static_cast<unsigned char>(text_[i_])) != 0; ++i_) {
      const char c = text_[i_];
      const unsigned digit =
          c <= '9' ? static_cast<unsigned>(c - '0') : (static_cast<unsigned>(c) | 32U) - 'a' + 10U;
      if (digit >= base) {
        fail("malformed number");
        return 0;
      }
      value = value * base + digit;
    }
    while (i_ < text_.size() &&
           (text_[i_] == 'u' || text_[i_] == 'U' || text_[i_] == 'l' || text_[i_] == 'L'))
      ++i_;
    return static_cast<std::int64_t>(value);
  }

  std::string_view text_;
  std::size_t i_ = 0;
  std::string problem_;
};

}  // namespace

std::optional<std::int64_t> evaluate_condition(std::string_view text, std::string& problem) {
  return Evaluator(text).run(problem);
}

}  // namespace entail::grammar::internal
