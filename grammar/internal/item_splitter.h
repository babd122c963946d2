// grammar/internal/item_splitter.h - tokens -> top-level items.
//
// A program is parsed one item at a time, so that memory stays bounded, a mistake costs one item,
// and a million facts never meet ANTLR. Where an item ends:
//
//     clause          the dot, and a .plan behind it
//     .decl, …        no mark of its own: before the next directive, annotation or word that cannot
//     belong to it
//     .comp C {       at its brace; the items inside are items, and `}` at the start of one ends
//     the component
//     relation, …     the semicolon (enum and table: the closing brace)
//     rule, test      `end` after a finished step
//
// A mistake must not swallow the rest of the program: a directive, or one of our declarations at
// the start of a line, ends whatever is open.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/diagnostics.h"
#include "grammar/internal/scanner.h"
#include "grammar/parser.h"

namespace entail::grammar::internal {

enum class ItemKind : std::uint8_t {
  kClause,
  kDecl,
  kTypeDecl,
  kLattice,
  kDirective,
  kFunctor,
  kPragma,
  kComponentHead,
  kComponentEnd,
  kInit,
  kOverride,
  kStrayPlan,
  kUnknownDirective,
  kModule,
  kImport,
  kTypeAlias,
  kEnum,
  kRelation,
  kRule,
  kQuery,
  kView,
  kTable,
  kFunction,
  kTest,
};

struct ItemTokens {
  ItemKind kind = ItemKind::kClause;
  std::vector<ScannedToken> annotations;  // Before and inside the item.
  std::vector<ScannedToken> tokens;       // At least one.
  ScannedToken after;    // What stands behind the item: what "unexpected" may have to name.
  bool refused = false;  // Over a limit, which has been said: not to be parsed.
};

class ItemSplitter {
 public:
  ItemSplitter(Scanner& scanner, const ParseOptions& options, Diagnostics& diagnostics)
      : scanner_(scanner), options_(options), diagnostics_(diagnostics) {}

  // Reads the next item. False at the end of the text.
  bool next(ItemTokens& item);

  // After a mistake at `token` of the item read last: the next item starts there.
  void resume_at(const ScannedToken& token);

 private:
  const ScannedToken& peek(std::size_t ahead = 0);
  ScannedToken take();
  ItemKind kind_at_start();
  // Whether the token `ahead` starts one of our declarations, and which.
  bool starts_declaration(std::size_t ahead, ItemKind& kind);
  void read_clause(ItemTokens& item);
  void read_plan(ItemTokens& item);
  void read_directive(ItemTokens& item);
  void read_component_head(ItemTokens& item);
  void read_until_semicolon(ItemTokens& item, bool ends_at_brace);
  void read_until_end(ItemTokens& item);
  bool forced_boundary(const ItemTokens& item);
  // Moves the next token into the item; counts and limits.
  void add(ItemTokens& item);
  void read_line(ItemTokens& item);
  bool belongs_to_directive(const ItemTokens& item);
  bool is_hidden_fact(const ItemTokens& item) const;

  Scanner& scanner_;
  const ParseOptions& options_;
  Diagnostics& diagnostics_;
  std::array<ScannedToken, 4> ahead_;  // Tokens read and not yet taken,
  std::size_t ahead_count_ = 0;        // this many.
  std::size_t depth_ = 0;              // Open brackets in the item being read.
  std::set<std::string, std::less<>>
      imported_;  // Words of import declarations: `core.f(x)` may be a call.
};

}  // namespace entail::grammar::internal
