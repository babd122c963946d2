#include "grammar/internal/token_roles.h"

#include <array>
#include <cstdint>
#include <vector>

#include "DatalogParser.h"
#include "grammar/internal/keywords.h"

namespace entail::grammar::internal {

namespace {

using P = antlr::DatalogParser;

// Operators under one condition: what the passes behind, which recurse, are given at most.
constexpr std::size_t kOperatorsMax = 4000;
constexpr std::array<std::string_view, 8> kPrefixWords = {"not",      "exists", "forall", "group",
                                                          "sequence", "last",   "if",     "final"};
constexpr std::array<std::string_view, 5> kAggregateWords = {"count", "sum", "min", "max", "mean"};

bool is_one_of(std::string_view word, const auto& words) {
  for (const std::string_view candidate : words) {
    if (word == candidate) return true;
  }
  return false;
}

class RoleAssigner {
 public:
  RoleAssigner(ItemTokens& item, const Scanner& scanner, const DeclaredNames& declared,
               std::size_t nesting_limit, Diagnostics& diagnostics)
      : item_(item),
        tokens_(item.tokens),
        scanner_(scanner),
        declared_(declared),
        nesting_limit_(nesting_limit),
        diagnostics_(diagnostics) {}

  void run() {
    match_brackets();
    levels_.push_back({});
    set_first_words();
    for (; i_ < tokens_.size() && !item_.refused; ++i_) {
      ScannedToken& token = tokens_[i_];
      if (is_open(token.type)) {
        open(token);
      } else if (is_close(token.type)) {
        close();
      } else if (token.type == P::IDENT && !token.quoted && i_ >= first_free_) {
        token.type = role_of_word(scanner_.text_of(token));
      } else if (token.type >= P::K_AS && token.type <= P::K_LNOT) {
        token.type = role_of_reserved(token.type);
      }
      after(token);
    }
  }

 private:
  enum class LevelKind : std::uint8_t { kTop, kFormula, kArguments, kFields, kSequence, kBlock };

  struct Level {
    LevelKind kind = LevelKind::kTop;
    std::uint16_t opener = 0;    // The type of the token before the bracket: K_FORALL and the like.
    std::size_t powers = 0;      // `^` that nest to the right,
    std::size_t branches = 0;    // `else` parts that do,
    std::size_t aggregates = 0;  // and targets of aggregates, `sum sum x : …`.
    std::size_t conditionals = 0;  // `if … then` that wait for their `else`.
  };

  std::uint16_t previous(std::size_t back = 1) const {
    return i_ >= back ? tokens_[i_ - back].type : kEndOfText;
  }
  std::uint16_t next(std::size_t ahead = 1) const {
    return i_ + ahead < tokens_.size() ? tokens_[i_ + ahead].type : kEndOfText;
  }
  std::string_view next_word(std::size_t ahead = 1) const {
    return next(ahead) == P::IDENT ? scanner_.text_of(tokens_[i_ + ahead]) : std::string_view();
  }

  // partner_[i]: the position of the bracket that closes the one at i. Ranges may open with ( and
  // close with ].
  void match_brackets() {
    partner_.assign(tokens_.size(), tokens_.size());
    std::vector<std::size_t> open_positions;
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      if (is_open(tokens_[i].type)) {
        open_positions.push_back(i);
      } else if (is_close(tokens_[i].type) && !open_positions.empty()) {
        partner_[open_positions.back()] = i;
        open_positions.pop_back();
      }
    }
  }

  // The words an item of ours starts with, and the `end` it ends with.
  void set_first_words() {
    const auto set = [&](std::size_t position, std::uint16_t type) {
      if (position < tokens_.size()) tokens_[position].type = type;
      first_free_ = position + 1;
    };
    std::size_t at = 0;
    const bool final_first = !tokens_.empty() && tokens_[0].type == P::IDENT &&
                             scanner_.text_of(tokens_[0]) == "final" && tokens_.size() > 1 &&
                             tokens_[1].type == P::IDENT;
    if (final_first) set(at++, P::K_FINAL);
    switch (item_.kind) {
      case ItemKind::kModule:
        set(at, P::K_MODULE);
        break;
      case ItemKind::kImport:
        set(at, P::K_IMPORT);
        break;
      case ItemKind::kTypeAlias:
        set(at, P::K_TYPE);
        places_ = kInTypeAlias;
        break;
      case ItemKind::kEnum:
        set(at, P::K_ENUM);
        break;
      case ItemKind::kRelation: {
        const std::string_view word = scanner_.text_of(tokens_[at]);
        set(at, word == "relation" ? P::K_RELATION : word == "stream" ? P::K_STREAM : P::K_EVENT);
        places_ = kInRelation;
        break;
      }
      case ItemKind::kRule:
        set(at, P::K_RULE);
        places_ = kInRuleHead;
        break;
      case ItemKind::kQuery:
        set(at, P::K_QUERY);
        places_ = kInQuery;
        break;
      case ItemKind::kView:
        set(at, P::K_VIEW);
        break;
      case ItemKind::kTable:
        set(at, P::K_TABLE);
        places_ = kInTable | kInBody;
        break;
      case ItemKind::kFunction:
        set(at, P::K_FUNCTION);
        places_ = kInFunction | kInBody;
        break;
      case ItemKind::kTest:
        set(at, P::K_TEST_DECL);
        places_ = kInTest;
        break;
      case ItemKind::kClause:
      case ItemKind::kLattice:
        places_ = kInBody;
        body_ = true;
        break;
      default:
        break;
    }
    const bool ends_with_word = item_.kind == ItemKind::kRule || item_.kind == ItemKind::kTest;
    if (ends_with_word && tokens_.back().type == P::IDENT &&
        scanner_.text_of(tokens_.back()) == "end") {
      tokens_.back().type = P::K_END;
    }
  }

  // ends_operand() of the previous token. A `>` ends a type in a column list, and is an operator
  // elsewhere.
  bool operand_ended() const { return ends_operand(previous()) || (previous() == P::GT && !body_); }

  Level& level() { return levels_.back(); }
  bool at_top() const { return levels_.size() == 1; }

  // Whether conditions stand here, separated by commas.
  bool in_formula() { return level().kind == LevelKind::kFormula || (at_top() && top_formula_); }

  // Whether a condition may start behind the previous token.
  bool at_term_start() {
    switch (previous()) {
      case P::COLON_DASH:
      case P::BANG:
      case P::K_NOT:
      case P::GROUP_OPEN:
      case P::K_WHEN:
      case P::K_WHERE:
      case P::K_IF:
      case P::K_FOR:
      case P::K_EXPECT:
        return true;
      case P::COMMA:
      case P::SEMI:
      case P::LBRACE:
        return in_formula();
      default:
        return false;
    }
  }

  void open(ScannedToken& token) {
    Level inner;
    inner.kind = LevelKind::kArguments;
    inner.opener = previous();
    if (token.type == P::LPAREN) {
      const bool in_sequence = level().kind == LevelKind::kSequence && previous() != P::IDENT &&
                               !starts_within_expression();
      if (previous() == P::K_SEQUENCE || in_sequence) {
        inner.kind = LevelKind::kSequence;
      } else if (at_term_start() && !operator_follows(partner_[i_])) {
        token.type = P::GROUP_OPEN;
        inner.kind = LevelKind::kFormula;
      }
    } else if (token.type == P::LBRACK) {
      if (previous() == P::ALLEN) token.type = P::BOUNDS_OPEN;
    } else {
      inner.kind = brace_kind();
    }
    levels_.push_back(inner);
  }

  // In a sequence, the operand of `within` may be parenthesised too.
  bool starts_within_expression() const { return previous() == P::K_WITHIN; }

  LevelKind brace_kind() const {
    switch (previous()) {
      case P::K_EXISTS:
      case P::K_FORALL:
      case P::K_GROUP:
      case P::COLON:
        return LevelKind::kFormula;
      case P::ARROW2:
        return closed_opener_ == P::K_FORALL ? LevelKind::kFormula : LevelKind::kFields;
      case P::COMMA:
        return LevelKind::kFormula;  // `@@f x : y, { … }`
      case P::RPAREN:
      case P::K_ELSE:
      case P::DURATION:
      case P::TIMESTAMP:
        return LevelKind::kBlock;
      default:
        break;
    }
    return LevelKind::kFields;
  }

  void close() {
    if (at_top()) return;
    closed_opener_ = level().opener;
    inner_nesting_ -= level().powers + level().branches + level().aggregates;
    levels_.pop_back();
  }

  // Whether what stands behind position `closing` makes the parenthesis an operand.
  bool operator_follows(std::size_t closing) const {
    if (closing + 1 >= tokens_.size()) return false;
    const ScannedToken& token = tokens_[closing + 1];
    if (is_binary_operator(token.type) || is_comparison(token.type)) return true;
    if (token.type != P::IDENT || token.quoted) return false;
    const auto* const found = keywords_of(scanner_.text_of(token));
    if (found == nullptr) return false;
    const std::uint16_t type = found->front()->type;
    return type == P::K_IN || type == P::K_IS || type == P::ALLEN;
  }

  // What ended a search to the right. It answers later words of the same bracket too, so that the
  // searches of one item stay linear together.
  struct Search {
    std::size_t end = 0;
    std::size_t level = 0;
    bool found = false;
  };

  template <typename Wanted>
  bool follows(Search& last, Wanted&& wanted) const {
    if (i_ < last.end && levels_.size() == last.level) return last.found;
    last = {tokens_.size(), levels_.size(), false};
    for (std::size_t j = i_ + 1; j < tokens_.size(); ++j) {
      const std::uint16_t type = tokens_[j].type;
      const bool stops = is_close(type) || type == P::COMMA || type == P::SEMI || type == P::END ||
                         type == P::COLON_DASH;
      last.found = wanted(tokens_[j]);
      if (last.found || stops) {
        last.end = j;
        break;
      }
      if (is_open(type)) j = partner_[j];
    }
    return last.found;
  }

  // `max(a, b)` and `count()`, whatever colon comes later: calls.
  bool is_call_of_several() const {
    if (next() != P::LPAREN) return false;
    const std::size_t open = i_ + 1;
    if (partner_[open] == open + 1) return true;
    for (std::size_t j = open + 1; j < partner_[open]; ++j) {
      if (tokens_[j].type == P::COMMA) return true;
      if (is_open(tokens_[j].type)) j = partner_[j];
    }
    return false;
  }

  // `sum x : …`: a colon comes before anything that would end the operand.
  bool colon_follows() {
    return follows(colon_search_, [](const ScannedToken& token) { return token.type == P::COLON; });
  }

  // `if … then`: a `then` comes in the same bracket. Without it, `if e` is a condition.
  bool then_follows() {
    return follows(then_search_, [&](const ScannedToken& token) {
      return token.type == P::IDENT && scanner_.text_of(token) == "then";
    });
  }

  bool is_field_name() {
    return level().kind == LevelKind::kFields &&
           (previous() == P::LBRACE || previous() == P::COMMA);
  }

  std::uint16_t role_of_reserved(std::uint16_t type) {
    if (is_field_name() &&
        (next() == P::COLON || next() == P::COMMA || next() == P::RBRACE || is_comparison(next())))
      return P::IDENT;
    if (type == P::K_AS && item_.kind == ItemKind::kQuery && next_word() == "of" &&
        starts_operand(next(2)))
      return P::K_AS_OF;
    return type;
  }

  std::uint16_t role_of_word(std::string_view word) {
    if (previous() == P::DOT || previous() == P::AT || previous() == P::DOLLAR || next() == P::DOT)
      return P::IDENT;
    if (word == "?" && operand_ended() && previous() != P::IDENT) return P::QUESTION;
    if (is_field_name()) return P::IDENT;
    if (body_ && is_one_of(word, kAggregateWords) && !operand_ended() && colon_follows() &&
        !is_call_of_several())
      return P::AGGREGATE;
    if ((places_ & kInBody) != 0 || body_) {
      if (const std::uint16_t type = prefix_role(word); type != P::IDENT) return type;
    }
    if (previous() == P::K_OVER) {
      if (word == "last") return P::K_LAST;
      if (word == "current") return P::K_CURRENT;
      if (word == "tumbling") return P::K_TUMBLING;
      if (word == "hopping") return P::K_HOPPING;
      if (word == "session") return P::K_SESSION;
    }
    if (word == "null" && null_may_stand()) return P::K_NULL;
    if (previous() == P::K_SCHEDULE && word == "after") return P::K_AFTER;
    if (previous() == P::K_ORDER && word == "by") return P::K_BY;
    if (previous() == P::K_AS_OF && word == "of") return P::K_OF;
    if (previous() == P::K_NO && word == "loop") return P::K_LOOP;
    if (item_.kind == ItemKind::kTest && at_top()) {
      const bool between =
          previous() == P::SEMI || previous() == P::K_GIVEN || ends_operand(previous());
      if (word == "given" && between && next() != P::LPAREN && next() != P::LBRACE)
        return P::K_GIVEN;
      if (word == "expect" && between && next() != P::LPAREN && next() != P::LBRACE)
        return P::K_EXPECT;
    }
    const auto* const found = keywords_of(word);
    if (found == nullptr) return P::IDENT;
    for (const Keyword* keyword : *found) {
      if ((keyword->places & places_here()) == 0) continue;
      if (keyword->law == Law::kInfix ? !operand_ended() : !step_may_start(word)) continue;
      if (keyword->type == P::ALLEN && word == "before" && last_open_) return P::K_BEFORE;
      if ((keyword->type == P::K_THEN || keyword->type == P::K_ELSE) &&
          !then_may_stand(keyword->type))
        continue;
      return keyword->type;
    }
    return P::IDENT;
  }

  // The places the present position belongs to.
  std::uint32_t places_here() {
    const bool our_columns = item_.kind == ItemKind::kRelation || item_.kind == ItemKind::kQuery ||
                             item_.kind == ItemKind::kTable || item_.kind == ItemKind::kFunction ||
                             item_.kind == ItemKind::kView;
    if (our_columns && !body_ && !at_top()) return kInColumns | (places_ & kInBody);
    return places_ | (body_ ? static_cast<std::uint32_t>(kInBody) : 0U);
  }

  bool then_may_stand(std::uint16_t type) {
    if (level().conditionals > 0) return true;
    if (type == P::K_ELSE) return item_.kind == ItemKind::kRule && previous() == P::RBRACE;
    return item_.kind == ItemKind::kRule && at_top() && !actions_;
  }

  bool null_may_stand() const {
    switch (previous()) {
      case P::K_IS:
      case P::COLON:
      case P::K_DEFAULT:
      case P::K_THEN:
      case P::K_ELSE:
        return true;
      case P::K_NOT:
        return previous(2) == P::K_IS;
      default:
        return false;
    }
  }

  bool step_may_start(std::string_view word) {
    const std::uint16_t before = previous();
    const std::uint16_t behind = next();
    if (is_comparison(behind) || behind == P::COLON || behind == P::COMMA || behind == P::DOT)
      return false;
    if ((places_ & kInTest) != 0) {
      if (!at_top() || (before != P::SEMI && before != P::K_GIVEN && before != P::K_EXPECT))
        return false;
      if (word == "at")
        return behind == P::TIMESTAMP || behind == P::DURATION || behind == P::LPAREN;
      if (word == "no") return next_word() == "loop";
      if (word == "fired") return behind == P::IDENT || behind == P::STRING;
      return behind != P::LPAREN && behind != P::LBRACE;
    }
    if (!at_top() && level().kind != LevelKind::kBlock) return false;
    return before == P::SEMI || before == P::K_THEN || before == P::LBRACE || before == P::RBRACE;
  }

  std::uint16_t prefix_role(std::string_view word) {
    if (!is_one_of(word, kPrefixWords)) return P::IDENT;
    if (item_.kind == ItemKind::kClause && at_top() && !top_formula_) return P::IDENT;  // A head.
    const std::uint16_t behind = next();
    if (word == "not" && previous() == P::K_IS && next_word() == "null") return P::K_NOT;
    if (declared_.contains(word) || ends_operand(previous())) return P::IDENT;
    if (word == "not") return starts_operand(behind) || behind == P::BANG ? P::K_NOT : P::IDENT;
    if (word == "exists") return behind == P::LBRACE ? P::K_EXISTS : P::IDENT;
    if (word == "forall") return behind == P::LBRACE ? P::K_FORALL : P::IDENT;
    if (word == "group") return behind == P::LBRACE ? P::K_GROUP : P::IDENT;
    if (word == "sequence") return behind == P::LPAREN && in_formula() ? P::K_SEQUENCE : P::IDENT;
    if (word == "last") {
      const std::uint16_t second = next(2);
      const bool pattern =
          behind == P::IDENT && (second == P::LBRACE || second == P::LPAREN || second == P::DOT);
      const auto* const found = keywords_of(next_word());
      const bool infix_behind = found != nullptr && (found->front()->places & kInBody) != 0;
      return pattern && !infix_behind && previous() != P::K_OVER ? P::K_LAST : P::IDENT;
    }
    if (word == "if" && (starts_operand(behind) || behind == P::BANG)) {
      const bool step = actions_ && (at_top() || level().kind == LevelKind::kBlock);
      if (step) return P::IDENT;  // The law of steps decides.
      if (then_follows()) return P::K_IF;
      return at_term_start() && behind != P::MINUS ? P::K_TEST : P::IDENT;
    }
    return P::IDENT;
  }

  // Keeps the state of the walk in step with the token just given its role.
  void after(const ScannedToken& token) {
    switch (token.type) {
      case P::COLON_DASH:
        body_ = true;
        if (at_top()) top_formula_ = true;
        break;
      case P::K_WHEN:
        body_ = true;
        top_formula_ = true;
        places_ = 0;
        break;
      case P::K_WHERE:
        body_ = true;
        top_formula_ = true;
        break;
      case P::K_EXPECT:
        body_ = true;
        top_formula_ = true;
        break;
      case P::K_GIVEN:
        body_ = true;
        top_formula_ = false;
        break;
      case P::K_SELECT:
        top_formula_ = false;
        break;
      case P::K_THEN:
        if (level().conditionals == 0 && item_.kind == ItemKind::kRule) {
          actions_ = true;
          top_formula_ = false;
          places_ = kInActions;
        }
        break;
      case P::K_ELSE:
        if (level().conditionals > 0) --level().conditionals;
        break;
      case P::EQ:
        if (item_.kind == ItemKind::kFunction && at_top()) body_ = true;
        break;
      case P::LBRACE:
        if (item_.kind == ItemKind::kTable) body_ = true;
        break;
      case P::K_LAST:
        last_open_ = previous() != P::K_OVER;
        break;
      case P::K_BEFORE:
        last_open_ = false;
        break;
      default:
        break;
    }
    count(token);
  }

  void count(const ScannedToken& token) {
    const bool binary = is_binary_operator(token.type) && ends_operand(previous());
    const bool prefix =
        !binary && (token.type == P::MINUS || token.type == P::BANG || token.type == P::K_NOT ||
                    token.type == P::K_BNOT || token.type == P::K_LNOT);
    if (prefix) {
      ++prefix_run_;
    } else if (token.type != P::GROUP_OPEN && token.type != P::LPAREN) {
      prefix_run_ = 0;
    }
    if (binary) {
      ++operators_;
      if (token.type == P::CARET) {
        nest(level().powers);
      } else {
        unnest(level().powers);
      }
    }
    if (token.type == P::K_IF) {
      ++level().conditionals;
      nest(level().branches);
    }
    if (token.type == P::AGGREGATE) nest(level().aggregates);
    if (token.type == P::COLON && level().aggregates > 0) {  // The target is read.
      --level().aggregates;
      --inner_nesting_;
    }
    if (token.type == P::COMMA || token.type == P::SEMI) {
      unnest(level().powers);
      unnest(level().branches);
      unnest(level().aggregates);
      if (level().kind != LevelKind::kArguments) operators_ = 0;
    }
    if (prefix_run_ + inner_nesting_ + levels_.size() > nesting_limit_) {
      refuse(token, "nested too deep: more than " + std::to_string(nesting_limit_) +
                        " operators or brackets inside each other");
    } else if (operators_ > kOperatorsMax) {
      refuse(token,
             "too many operators in one condition: more than " + std::to_string(kOperatorsMax));
    }
  }

  // One more, or none any more, of what nests without a bracket.
  void nest(std::size_t& counter) {
    ++counter;
    ++inner_nesting_;
  }
  void unnest(std::size_t& counter) {
    inner_nesting_ -= counter;
    counter = 0;
  }

  void refuse(const ScannedToken& token, const std::string& why) {
    item_.refused = true;
    diagnostics_.error(scanner_.span(token), why);
  }

  ItemTokens& item_;
  std::vector<ScannedToken>& tokens_;
  const Scanner& scanner_;
  const DeclaredNames& declared_;
  const std::size_t nesting_limit_;
  Diagnostics& diagnostics_;

  std::vector<std::size_t> partner_;
  std::vector<Level> levels_;
  std::size_t i_ = 0;
  std::size_t first_free_ = 0;  // Words before it have their role.
  std::uint32_t places_ = 0;
  bool body_ = false;                // Expressions and conditions may stand here.
  bool top_formula_ = false;         // Conditions stand at the top level, separated by commas.
  bool actions_ = false;             // Behind a rule's `then`.
  bool last_open_ = false;           // `last R{…}` waits for its `before`.
  std::uint16_t closed_opener_ = 0;  // What stood before the bracket closed last.
  std::size_t prefix_run_ = 0;
  std::size_t inner_nesting_ = 0;  // The counters of all open levels together.
  std::size_t operators_ = 0;
  Search colon_search_;
  Search then_search_;
};

}  // namespace

DeclaredNames find_declared_prefix_words(std::string_view text) {
  DeclaredNames names;
  const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
  const auto is_part = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '?';
  };
  constexpr std::string_view kDecl = ".decl";
  for (std::size_t at = text.find(kDecl); at != std::string_view::npos;
       at = text.find(kDecl, at + 1)) {
    std::size_t i = at + kDecl.size();
    for (;;) {  // The names of one declaration: a, b, c
      while (i < text.size() && (is_blank(text[i]) || text[i] == ',')) ++i;
      const std::size_t begin = i;
      while (i < text.size() && is_part(text[i])) ++i;
      if (i == begin) break;
      const std::string_view word = text.substr(begin, i - begin);
      if (is_one_of(word, kPrefixWords)) names.emplace(word);
    }
  }
  return names;
}

void assign_roles(ItemTokens& item, const Scanner& scanner, const DeclaredNames& declared,
                  std::size_t nesting_limit, Diagnostics& diagnostics) {
  RoleAssigner(item, scanner, declared, nesting_limit, diagnostics).run();
}

}  // namespace entail::grammar::internal
