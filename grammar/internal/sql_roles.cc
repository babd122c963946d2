#include "grammar/internal/sql_roles.h"

#include <algorithm>
#include <string>

#include "SqlParser.h"

namespace entail::grammar::internal {

namespace {

using P = antlr_sql::SqlParser;

// Brackets, CASEs and joins that wait for their ON, one inside the other. A level costs the parser
// about two kilobytes of stack.
constexpr std::size_t kNestingMax = 200;

bool is_word(std::size_t type) {
  return type == P::IDENT || (type >= P::K_ABORT && type <= P::K_ZONE);
}

struct Open {  // A bracket, or a CASE.
  std::size_t position = 0;
  bool is_case = false;
  bool position_call = false;   // POSITION(
  bool substring_call = false;  // SUBSTRING(
  bool similar = false;         // SUBSTRING(x SIMILAR seen.
  std::size_t pending_joins = 0;
};

class Roles {
 public:
  explicit Roles(std::span<SqlToken> tokens) : tokens_(tokens) {}

  Expected<std::size_t> run() {
    open_.push_back({.position = tokens_.size()});
    wrapped_open_ = tokens_.size();
    std::size_t deepest = 0;
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      visit(i);
      const std::size_t nesting = open_.size() + open_.back().pending_joins;
      deepest = std::max(deepest, nesting);
      if (nesting > kNestingMax) {
        SqlFields fields;
        fields.sqlstate = "54001";
        fields.hint = "Brackets, CASE expressions and joins may nest up to " +
                      std::to_string(kNestingMax) + " levels.";
        return unexpected(ErrorCode::kLimit, "statement too complex", std::move(fields));
      }
    }
    return deepest;
  }

 private:
  std::size_t type(std::size_t i) const { return i < tokens_.size() ? tokens_[i].type : 0; }
  std::size_t before(std::size_t i) const { return i == 0 ? 0 : tokens_[i - 1].type; }

  bool starts_query(std::size_t i) const {
    switch (type(i)) {
      case P::K_SELECT:
      case P::K_WITH:
      case P::K_TABLE:
        return true;
      case P::K_VALUES:
        return type(i + 1) == P::LPAREN;
      default:
        return false;
    }
  }

  // Whether a bracket around nothing but a bracketed query is itself the query's.
  bool takes_query(std::size_t open) const {
    switch (before(open)) {
      case 0:
      case P::K_EXISTS:
      case P::K_IN:
      case P::K_ANY:
      case P::K_ALL:
      case P::K_SOME:
      case P::K_ARRAY:
      case P::K_FROM:
      case P::K_JOIN:
      case P::K_LATERAL:
      case P::K_AS:
      case P::K_MATERIALIZED:
      case P::K_UNION:
      case P::K_EXCEPT:
      case P::K_INTERSECT:
        return true;
      default:
        return false;
    }
  }

  // Makes the brackets from `open` inwards the query's that stands in the innermost.
  void give_to_query(std::size_t open) {
    for (; type(open) == P::LPAREN; ++open) tokens_[open].type = P::QUERY_OPEN;
  }

  // At the bracket `close` that ends what `opened` began.
  void close_bracket(std::size_t opened, std::size_t close) {
    const std::size_t next = type(close + 1);
    const bool more = next == P::K_UNION || next == P::K_INTERSECT || next == P::K_EXCEPT;
    if (type(opened) == P::LPAREN) {
      // Brackets around nothing but a bracketed query: an expression's or the query's own?
      if (wrapped_open_ != opened + 1 || wrapped_close_ + 1 != close) return;
      if (more || takes_query(opened)) give_to_query(opened);
    }
    wrapped_open_ = opened;
    wrapped_close_ = close;
    if (opened == 0 || type(opened - 1) != P::LPAREN) return;
    const std::size_t around = opened - 1;
    const bool sorted =
        next == P::K_ORDER || next == P::K_LIMIT || next == P::K_OFFSET || next == P::K_FETCH;
    // `f((SELECT 1) ORDER BY a)` is an aggregate's argument and its order.
    if (more || (sorted && (!is_word(before(around)) || takes_query(around)))) {
      give_to_query(around);
    }
  }

  void visit(std::size_t i) {
    SqlToken& token = tokens_[i];
    const std::size_t next = type(i + 1);
    switch (token.type) {
      case P::LPAREN:
        open_.push_back({.position = i,
                         .position_call = before(i) == P::K_POSITION,
                         .substring_call = before(i) == P::K_SUBSTRING});
        if (starts_query(i + 1)) token.type = P::QUERY_OPEN;
        break;
      case P::LBRACK:
        open_.push_back({.position = i});
        break;
      case P::RPAREN:
      case P::RBRACK: {
        // A CASE that is still open here has no END: the parser will say so.
        while (open_.size() > 1 && open_.back().is_case) open_.pop_back();
        if (open_.size() > 1) {
          const std::size_t opened = open_.back().position;
          open_.pop_back();
          if (token.type == P::RPAREN) close_bracket(opened, i);
        }
        break;
      }
      case P::K_CASE:
        if (before(i) != P::DOT && before(i) != P::K_AS) {
          open_.push_back({.position = i, .is_case = true});
        }
        break;
      case P::K_END:
        if (open_.back().is_case) open_.pop_back();
        break;
      case P::K_JOIN:
        if (!is_cross(i)) ++open_.back().pending_joins;
        break;
      case P::K_ON:
      case P::K_USING:
        if (open_.back().pending_joins > 0) --open_.back().pending_joins;
        break;
      case P::K_NOT:
        if (next == P::K_LIKE || next == P::K_ILIKE || next == P::K_SIMILAR ||
            next == P::K_BETWEEN || next == P::K_IN) {
          token.type = P::NOT_INFIX;
        }
        break;
      case P::K_AT:
        if (next == P::K_TIME) token.type = P::AT_ZONE;
        break;
      case P::K_WITH:
        if (next == P::K_TIME) token.type = P::WITH_TIME;
        if (next == P::K_ORDINALITY) token.type = P::WITH_ORDINALITY;
        break;
      case P::K_WITHOUT:
        if (next == P::K_TIME) token.type = P::WITHOUT_TIME;
        break;
      case P::K_AS:
        if (next == P::K_OF && is_time_travel(i)) token.type = P::AS_OF;
        break;
      case P::K_FOR:
        if (next == P::K_SYSTEM_TIME) token.type = P::FOR_SYSTEM;
        break;
      case P::K_IN:
        if (open_.back().position_call) token.type = P::POSITION_IN;
        break;
      case P::K_SIMILAR:
        if (open_.back().substring_call && next != P::K_TO) {
          token.type = P::SUBSTRING_SIMILAR;
          open_.back().similar = true;
        }
        break;
      case P::K_ESCAPE:
        visit_escape(i);
        break;
      case P::K_GROUPING:
        if (next == P::K_SETS) token.type = P::GROUPING_SETS;
        break;
      case P::K_ROWS:
        if (next == P::K_FROM && type(i + 2) == P::LPAREN) token.type = P::ROWS_FROM;
        break;
      case P::K_CURRENT:
        if (next == P::K_OF) token.type = P::CURRENT_OF;
        break;
      case P::K_EXCLUDE:
        if (next == P::K_USING || next == P::LPAREN) token.type = P::EXCLUDE_CONSTRAINT;
        break;
      case P::K_OPERATOR:
        if (next != P::LPAREN) token.type = P::IDENT;
        break;
      case P::K_FILTER:
        if (next != P::LPAREN || before(i) != P::RPAREN) token.type = P::IDENT;
        break;
      case P::K_WITHIN:
        if (next != P::K_GROUP && next != P::K_TIMESTAMP) token.type = P::IDENT;
        break;
      case P::K_OVER:
        if (before(i) != P::RPAREN) token.type = P::IDENT;
        break;
      default:
        break;
    }
    if ((next == P::ARROW || next == P::COLON_EQUALS) && is_word(token.type) &&
        (before(i) == P::LPAREN || before(i) == P::COMMA)) {
      token.type = P::ARGUMENT_NAME;
    }
  }

  bool is_cross(std::size_t i) const {
    const std::size_t one = before(i);
    if (one == P::K_CROSS || one == P::K_NATURAL) return true;
    for (std::size_t back = 2; back <= 3 && back <= i; ++back) {
      if (tokens_[i - back].type == P::K_NATURAL) return true;
    }
    return false;
  }

  bool is_time_travel(std::size_t i) const {
    if (before(i) == P::K_SYSTEM_TIME) return true;
    const std::size_t after = type(i + 2);
    return after == P::K_VERSION || after == P::K_TIMESTAMP || after == P::ICONST ||
           after == P::PARAM || after == P::STRING;
  }

  void visit_escape(std::size_t i) {
    if (open_.back().similar) {
      tokens_[i].type = P::SUBSTRING_ESCAPE;
      return;
    }
    // After a bracket or comma it is the name of an option or a column.
    const bool listed = before(i) == P::LPAREN || before(i) == P::COMMA;
    switch (listed ? 0 : type(i + 1)) {
      case P::K_CASE:
      case P::STRING:
      case P::PARAM:
      case P::IDENT:
      case P::LPAREN:
      case P::K_NULL:
      case P::K_AS:
        break;
      default:
        tokens_[i].type = P::IDENT;
    }
  }

  std::span<SqlToken> tokens_;
  // The last bracketed query, with all brackets that hold nothing else.
  std::size_t wrapped_open_ = 0;
  std::size_t wrapped_close_ = 0;
  std::vector<Open> open_;
};

bool is_spelled(std::string_view text, const SqlToken& token, std::string_view word) {
  const std::string_view written = token.text(text);
  if (written.size() != word.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if ((written[i] | 0x20) != word[i]) return false;
  }
  return true;
}

}  // namespace

std::vector<SqlStatementRange> split_sql(std::string_view text,
                                         const std::vector<SqlToken>& tokens) {
  std::vector<SqlStatementRange> ranges;
  std::size_t begin = 0;
  std::size_t depth = 0;
  std::size_t atomic = 0;  // BEGIN ATOMIC and the CASEs in it, of a function's body.
  bool rule = false;
  for (std::size_t i = 0; i <= tokens.size(); ++i) {
    const bool end = i == tokens.size();
    if (!end && tokens[i].type == P::LPAREN) ++depth;
    if (!end && tokens[i].type == P::RPAREN && depth > 0) --depth;
    if (!end && i > begin && tokens[begin].type == P::K_CREATE) {
      if (i < begin + 4 && is_spelled(text, tokens[i], "rule")) rule = true;
      if (is_spelled(text, tokens[i], "atomic") && tokens[i - 1].type == P::K_BEGIN) ++atomic;
      if (atomic > 0 && tokens[i].type == P::K_CASE) ++atomic;
      if (atomic > 0 && tokens[i].type == P::K_END) --atomic;
    }
    if (!end && (tokens[i].type != P::SEMI || (rule && depth > 0) || atomic > 0)) continue;
    if (i > begin) ranges.push_back({begin, i});
    begin = i + 1;
    depth = 0;
    atomic = 0;
    rule = false;
  }
  return ranges;
}

Expected<std::size_t> assign_sql_roles(std::span<SqlToken> tokens) { return Roles(tokens).run(); }

}  // namespace entail::grammar::internal
