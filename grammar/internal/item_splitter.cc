#include "grammar/internal/item_splitter.h"

#include <algorithm>
#include <array>
#include <utility>

#include "DatalogParser.h"

namespace entail::grammar::internal {

namespace {

using P = antlr::DatalogParser;

constexpr std::array<std::string_view, 12> kTagWords = {
    "overridable", "inline",       "no_inline", "magic",  "no_magic", "brie",
    "btree",       "btree_delete", "eqrel",     "output", "input",    "printsize"};

bool is_directive(std::uint16_t type) { return type >= P::D_DECL && type <= P::D_OVERRIDE; }
bool is_open(std::uint16_t type) {
  return type == P::LPAREN || type == P::LBRACK || type == P::LBRACE;
}
bool is_close(std::uint16_t type) {
  return type == P::RPAREN || type == P::RBRACK || type == P::RBRACE;
}

bool is_comparison_or_sign(std::uint16_t type) {
  switch (type) {
    case P::EQ:
    case P::EQEQ:
    case P::NE:
    case P::LT:
    case P::LE:
    case P::GT:
    case P::GE:
    case P::PLUS:
    case P::MINUS:
    case P::STAR:
    case P::SLASH:
    case P::PERCENT:
    case P::CARET:
      return true;
    default:
      return false;
  }
}

}  // namespace

const ScannedToken& ItemSplitter::peek(std::size_t ahead) {
  while (ahead_count_ <= ahead) ahead_[ahead_count_++] = scanner_.next();
  return ahead_[ahead];
}

ScannedToken ItemSplitter::take() {
  const ScannedToken token = peek();
  --ahead_count_;
  for (std::size_t i = 0; i < ahead_count_; ++i) ahead_[i] = ahead_[i + 1];
  return token;
}

void ItemSplitter::resume_at(const ScannedToken& token) {
  ahead_count_ = 0;
  scanner_.rewind_to(token);
}

bool ItemSplitter::starts_declaration(std::size_t ahead, ItemKind& kind) {
  const ScannedToken first = peek(ahead);
  if (first.type != P::IDENT || first.quoted) return false;
  const std::string_view word = scanner_.text_of(first);
  struct Starter {
    std::string_view word;
    ItemKind kind;
    bool string_may_follow;
  };
  static constexpr std::array<Starter, 14> kStarters = {{
      {"module", ItemKind::kModule, false},
      {"import", ItemKind::kImport, false},
      {"type", ItemKind::kTypeAlias, false},
      {"enum", ItemKind::kEnum, false},
      {"relation", ItemKind::kRelation, false},
      {"stream", ItemKind::kRelation, false},
      {"event", ItemKind::kRelation, false},
      {"rule", ItemKind::kRule, true},
      {"query", ItemKind::kQuery, false},
      {"view", ItemKind::kView, false},
      {"table", ItemKind::kTable, false},
      {"function", ItemKind::kFunction, false},
      {"test", ItemKind::kTest, true},
      {"final", ItemKind::kClause, false},
  }};
  for (const Starter& starter : kStarters) {
    if (word != starter.word) continue;
    const std::uint16_t second = peek(ahead + 1).type;
    if (second != P::IDENT && !(starter.string_may_follow && second == P::STRING)) return false;
    kind = starter.kind;
    if (word == "final") {  // Of a relation or view; else of a clause.
      starts_declaration(ahead + 1, kind);
      return kind == ItemKind::kRelation || kind == ItemKind::kView;
    }
    return true;
  }
  return false;
}

ItemKind ItemSplitter::kind_at_start() {
  switch (peek().type) {
    case P::D_DECL:
      return ItemKind::kDecl;
    case P::D_TYPE:
    case P::D_NUMBER_TYPE:
    case P::D_SYMBOL_TYPE:
      return ItemKind::kTypeDecl;
    case P::D_LATTICE:
      return ItemKind::kLattice;
    case P::D_INPUT:
    case P::D_OUTPUT:
    case P::D_PRINTSIZE:
    case P::D_LIMITSIZE:
      return ItemKind::kDirective;
    case P::D_FUNCTOR:
      return ItemKind::kFunctor;
    case P::D_PRAGMA:
      return ItemKind::kPragma;
    case P::D_COMP:
      return ItemKind::kComponentHead;
    case P::D_INIT:
      return ItemKind::kInit;
    case P::D_OVERRIDE:
      return ItemKind::kOverride;
    case P::D_PLAN:
      return ItemKind::kStrayPlan;
    case P::RBRACE:
      return ItemKind::kComponentEnd;
    case P::END:
      if (peek(1).type == P::IDENT && peek(1).begin == peek().end)
        return ItemKind::kUnknownDirective;
      break;
    default:
      break;
  }
  ItemKind kind = ItemKind::kClause;
  return starts_declaration(0, kind) ? kind : ItemKind::kClause;
}

bool ItemSplitter::next(ItemTokens& item) {
  item.annotations.clear();
  item.tokens.clear();
  item.refused = false;
  depth_ = 0;
  while (peek().type == P::ANNOTATION) item.annotations.push_back(take());
  if (peek().type == kEndOfText) {
    if (!item.annotations.empty()) {
      diagnostics_.error(scanner_.span(item.annotations.front()),
                         "this annotation belongs to nothing");
    }
    return false;
  }
  item.kind = kind_at_start();
  switch (item.kind) {
    case ItemKind::kClause:
      read_clause(item);
      break;
    case ItemKind::kComponentEnd:
      add(item);
      break;
    case ItemKind::kUnknownDirective:
      read_line(item);
      break;
    case ItemKind::kComponentHead:
      read_component_head(item);
      break;
    case ItemKind::kStrayPlan:
      read_plan(item);
      break;
    case ItemKind::kEnum:
    case ItemKind::kTable:
      read_until_semicolon(item, true);
      break;
    case ItemKind::kModule:
    case ItemKind::kImport:
    case ItemKind::kTypeAlias:
    case ItemKind::kRelation:
    case ItemKind::kQuery:
    case ItemKind::kView:
    case ItemKind::kFunction:
      read_until_semicolon(item, false);
      break;
    case ItemKind::kRule:
    case ItemKind::kTest:
      read_until_end(item);
      break;
    default:
      read_directive(item);
      break;
  }
  if (item.kind == ItemKind::kImport) {
    for (const ScannedToken& token : item.tokens) imported_.emplace(scanner_.text_of(token));
  }
  item.after = peek();
  return true;
}

void ItemSplitter::add(ItemTokens& item) {
  const ScannedToken token = take();
  if (token.type == P::ANNOTATION) {
    item.annotations.push_back(token);
    return;
  }
  if (is_open(token.type)) {
    ++depth_;
    if (depth_ > options_.nesting_limit && !item.refused) {
      item.refused = true;
      diagnostics_.error(scanner_.span(token), "nested too deep: more than " +
                                                   std::to_string(options_.nesting_limit) +
                                                   " brackets inside each other");
    }
  } else if (is_close(token.type) && depth_ > 0) {
    --depth_;
  }
  if (item.tokens.size() >= options_.item_tokens_max) {
    if (!item.refused) {
      item.refused = true;
      diagnostics_.error(scanner_.span(item.tokens.front()),
                         "too long: more than " + std::to_string(options_.item_tokens_max) +
                             " tokens in one clause or declaration",
                         "Split it, or read the data with '.input'.");
    }
    item.tokens.back() = token;  // The scan for the end looks at the last token only.
    return;
  }
  item.tokens.push_back(token);
}

// What ends any item, finished or not.
bool ItemSplitter::forced_boundary(const ItemTokens& item) {
  const ScannedToken& next = peek();
  if (next.type == kEndOfText || is_directive(next.type)) return true;
  if (item.tokens.empty() || !next.first_on_line || next.type != P::IDENT) return false;
  const bool at_line_start = next.begin == 0 || scanner_.text()[next.begin - 1] == '\n';
  ItemKind kind = ItemKind::kClause;
  return at_line_start && starts_declaration(0, kind);
}

// `y = z.r(x).`: Souffle reads the end of a clause and a fact, unless z was imported.
bool ItemSplitter::is_hidden_fact(const ItemTokens& item) const {
  const std::vector<ScannedToken>& tokens = item.tokens;
  const std::size_t n = tokens.size();
  return n >= 5 && depth_ == 0 && tokens[n - 1].type == P::IDENT && tokens[n - 2].type == P::DOT &&
         tokens[n - 3].type == P::IDENT && is_comparison_or_sign(tokens[n - 4].type) &&
         !imported_.contains(scanner_.text_of(tokens[n - 3]));
}

void ItemSplitter::read_clause(ItemTokens& item) {
  do {
    if (peek().type == P::RBRACE && depth_ == 0 && !item.tokens.empty()) return;
    if (peek().type == P::LPAREN && is_hidden_fact(item)) {
      const ScannedToken fact = item.tokens.back();
      item.tokens.pop_back();
      item.tokens.back().type = P::END;
      diagnostics_.warning(
          scanner_.span(item.tokens.back()), "this dot ends the clause, and a fact follows",
          "Put a blank behind the dot if that is meant; a function of a module needs its import.");
      resume_at(fact);
      return;
    }
    add(item);
    if (item.tokens.empty()) continue;
    if (item.tokens.back().type == P::END) {
      if (peek().type == P::D_PLAN) read_plan(item);
      return;
    }
  } while (!forced_boundary(item));
}

void ItemSplitter::read_plan(ItemTokens& item) {
  add(item);
  for (;;) {
    const std::uint16_t last = item.tokens.back().type;
    const std::uint16_t next = peek().type;
    const bool inside = depth_ > 0 || last == P::D_PLAN || last == P::COMMA || last == P::COLON ||
                        last == P::NUMBER || next == P::COMMA;
    if (!inside || next == kEndOfText || next == P::END || next == P::IDENT || is_directive(next))
      return;
    add(item);
  }
}

// Whether the next token can go on with the directive, which no mark ends.
bool ItemSplitter::belongs_to_directive(const ItemTokens& item) {
  const ScannedToken next = peek();
  if (next.type == P::ANNOTATION)
    return depth_ > 0 || item.tokens.back().type == P::EQ || item.tokens.back().type == P::PIPE;
  if (depth_ > 0) return true;
  if (next.type == P::RBRACE || next.type == P::BANG) return false;
  if (next.type == P::K_FALSE && peek(1).type == P::COLON_DASH) return false;
  if (next.type != P::IDENT) return true;
  switch (item.tokens.back().type) {
    case P::COMMA:
    case P::EQ:
    case P::COLON:
    case P::PIPE:
    case P::SUBTYPE:
    case P::DOT:
    case P::LT:
    case P::CHOICE:
      return true;
    default:
      break;
  }
  if (item.tokens.size() == 1) return true;
  const std::string_view word = scanner_.text_of(next);
  if (item.kind == ItemKind::kFunctor && word == "stateful") return true;
  if (item.kind != ItemKind::kDecl) return false;
  if (std::find(kTagWords.begin(), kTagWords.end(), word) != kTagWords.end()) return true;
  // A misspelled tag, rather than a clause: on the same line, and no head.
  const std::uint16_t second = peek(1).type;
  return !next.first_on_line && second != P::LPAREN && second != P::LBRACE && second != P::DOT &&
         second != P::IDENT && second != P::STRING;
}

void ItemSplitter::read_directive(ItemTokens& item) {
  do {
    add(item);
    if (item.tokens.empty()) continue;
    if (item.tokens.back().type == P::END) return;
  } while (!forced_boundary(item) && belongs_to_directive(item));
}

void ItemSplitter::read_line(ItemTokens& item) {
  do {
    add(item);
  } while (!forced_boundary(item) && !peek().first_on_line);
}

void ItemSplitter::read_component_head(ItemTokens& item) {
  do {
    add(item);
    const std::uint16_t last = item.tokens.empty() ? kEndOfText : item.tokens.back().type;
    if (last == P::LBRACE || last == P::END) return;
  } while (!forced_boundary(item) && peek().type != P::RBRACE && peek().type != P::LPAREN);
}

void ItemSplitter::read_until_semicolon(ItemTokens& item, bool ends_at_brace) {
  do {
    add(item);
    if (item.tokens.empty() || depth_ > 0) continue;
    const std::uint16_t last = item.tokens.back().type;
    if (last == P::SEMI) return;
    if (ends_at_brace && last == P::RBRACE) {
      if (peek().type == P::SEMI) add(item);
      return;
    }
  } while (!forced_boundary(item));
}

void ItemSplitter::read_until_end(ItemTokens& item) {
  do {
    add(item);
    if (item.tokens.size() < 2 || depth_ > 0) continue;
    const ScannedToken& last = item.tokens.back();
    if (last.type != P::IDENT || scanner_.text_of(last) != "end") continue;
    const ScannedToken& before = item.tokens[item.tokens.size() - 2];
    const std::string_view word = scanner_.text_of(before);
    const std::uint16_t next = peek().type;
    const bool step_finished =
        before.type == P::SEMI || before.type == P::RBRACE || word == "then" || word == "expect";
    const bool used_as_name = next == P::LPAREN || next == P::LBRACE || next == P::COMMA ||
                              next == P::DOT || is_comparison_or_sign(next);
    if (step_finished && !used_as_name) return;
  } while (!forced_boundary(item));
}

}  // namespace entail::grammar::internal
