// grammar/internal/item_parser.h - runs ANTLR over the tokens of one item, and says what is wrong
// in words.
//
// ANTLR's own messages list every token that could follow (up to a hundred keywords). Here the
// parser stops at the first token that does not fit and names the classes of what would: "an
// expression", "a condition", "a name", the closing bracket, a keyword.
//
//     unexpected ')'; expected an expression
//     unexpected 'salient'; expected 'when' or a rule option. Help: Did you mean 'salience'?
//
// The parser, its token stream and its caches live as long as this object; the parse tree of an
// item until the next call.

#pragma once

#include <memory>
#include <optional>

#include "grammar/diagnostics.h"
#include "grammar/internal/item_splitter.h"
#include "grammar/internal/scanner.h"

namespace antlr4 {
class ParserRuleContext;
}

namespace entail::grammar::internal {

class ItemParser {
 public:
  ItemParser(const Scanner& scanner, Diagnostics& diagnostics);
  ~ItemParser();
  ItemParser(const ItemParser&) = delete;
  ItemParser& operator=(const ItemParser&) = delete;

  // The parse tree of `item`, whose tokens have their roles; null after a syntax error, which has
  // been reported: then error_position() is the position in item.tokens of the token that did not
  // fit (tokens.size(): the one behind).
  antlr4::ParserRuleContext* parse(const ItemTokens& item);
  std::size_t error_position() const { return error_position_; }

 private:
  class Machine;
  std::unique_ptr<Machine>
      machine_;  // Made at the first item that needs ANTLR: facts alone never load its tables.
  const Scanner& scanner_;
  Diagnostics& diagnostics_;
  std::size_t error_position_ = 0;
};

}  // namespace entail::grammar::internal
