#include "grammar/internal/item_parser.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "DatalogParser.h"
#include "grammar/internal/antlr_tokens.h"
#include "vm/base/ensure.h"

namespace entail::grammar::internal {

namespace {

using P = antlr::DatalogParser;
using antlr4::misc::IntervalSet;

// Thrown through the generated code at the first token that does not fit; caught in Machine::parse.
struct SyntaxStop {};

using TokenSet = std::set<std::size_t>;

void add_all(TokenSet& set, const IntervalSet& more) {
  for (const antlr4::misc::Interval& interval : more.getIntervals()) {
    for (ssize_t type = interval.a; type <= interval.b; ++type) {
      if (type >= -1) set.insert(static_cast<std::size_t>(type));
    }
  }
}

bool remove(TokenSet& set, std::size_t type) { return set.erase(type) > 0; }

// What may follow an operand; named only when nothing else may.
constexpr std::array<std::size_t, 25> kOperandTails = {
    P::PLUS,      P::MINUS,       P::STAR,     P::SLASH,     P::PERCENT, P::CARET,  P::K_BAND,
    P::K_BOR,     P::K_BXOR,      P::K_BSHL,   P::K_BSHR,    P::K_BSHRU, P::K_LAND, P::K_LOR,
    P::K_LXOR,    P::DOT,         P::ALLEN,    P::K_IN,      P::K_IS,    P::K_OVER, P::K_AS,
    P::K_MATCHES, P::BOUNDS_OPEN, P::QUESTION, P::IMPORT_DOT};
constexpr std::array<std::size_t, 7> kComparisons = {P::EQ, P::EQEQ, P::NE, P::LT,
                                                     P::LE, P::GT,   P::GE};
constexpr std::array<std::size_t, 23> kExpressionStarts = {
    P::STRING, P::FLOAT,  P::UNSIGNED, P::NUMBER,  P::DURATION, P::TIMESTAMP,
    P::IPV4,   P::K_NIL,  P::K_TRUE,   P::K_FALSE, P::K_NULL,   P::UNDERSCORE,
    P::DOLLAR, P::LBRACK, P::LPAREN,   P::K_AS,    P::AT,       P::AGGREGATE,
    P::IDENT,  P::MINUS,  P::K_BNOT,   P::K_LNOT,  P::K_IF};
constexpr std::array<std::size_t, 9> kConditionStarts = {P::BANG,       P::K_NOT,    P::GROUP_OPEN,
                                                         P::K_EXISTS,   P::K_FORALL, P::K_GROUP,
                                                         P::K_SEQUENCE, P::K_LAST,   P::K_TEST};

class Strategy final : public antlr4::ANTLRErrorStrategy {
 public:
  void reset(antlr4::Parser*) override { states_.clear(); }
  antlr4::Token* recoverInline(antlr4::Parser* parser) override { stop(parser); }
  void recover(antlr4::Parser* parser, std::exception_ptr) override { stop(parser); }
  // Called wherever the generated code decides: what was possible there was possible at this token
  // too.
  void sync(antlr4::Parser* parser) override {
    const std::size_t position = parser->getTokenStream()->index();
    if (position != position_ || states_.empty()) {
      position_ = position;
      states_.clear();
    }
    states_.push_back(parser->getState());
  }
  bool inErrorRecoveryMode(antlr4::Parser*) override { return false; }
  void reportMatch(antlr4::Parser*) override {}
  void reportError(antlr4::Parser*, const antlr4::RecognitionException&) override {}

  const TokenSet& expected() const { return expected_; }

 private:
  [[noreturn]] void stop(antlr4::Parser* parser) {
    expected_.clear();
    add_all(expected_, parser->getExpectedTokens());
    if (position_ == parser->getTokenStream()->index()) {
      const antlr4::atn::ATN& atn = parser->getATN();
      for (const std::size_t state : states_) add_all(expected_, atn.nextTokens(atn.states[state]));
    }
    expected_.erase(antlr4::Token::EPSILON);
    throw SyntaxStop{};
  }

  std::size_t position_ = 0;
  std::vector<std::size_t> states_;
  TokenSet expected_;
};

std::string spelling(std::size_t type, const antlr4::dfa::Vocabulary& vocabulary) {
  switch (type) {
    case P::GROUP_OPEN:
      return "'('";
    case P::BOUNDS_OPEN:
      return "'['";
    case P::END:
      return "'.'";
    case P::DOT:
    case P::IMPORT_DOT:
      return "'.'";
    case P::K_TEST:
      return "'if'";
    case P::K_TEST_DECL:
      return "'test'";
    case P::K_AS_OF:
      return "'as of'";
    case P::QUESTION:
      return "'?'";
    case P::IDENT:
      return "a name";
    case P::STRING:
      return "a string";
    case P::NUMBER:
      return "a number";
    case P::DURATION:
      return "a duration";
    case P::TIMESTAMP:
      return "a timestamp";
    case P::SQL:
      return "SQL text between '$$'";
    case P::ALLEN:
      return "an interval relation";
    default:
      break;
  }
  return vocabulary.getLiteralName(type);
}

bool is_keyword(std::size_t type) { return type >= P::K_AS && type <= P::K_LOOP; }

// The set as a phrase: "an expression", "',' or ')'".
std::string describe(TokenSet set, bool souffle_item, const antlr4::dfa::Vocabulary& vocabulary,
                     std::vector<std::string>& keywords) {
  std::vector<std::string> parts;
  const bool end_of_item = remove(set, antlr4::Token::EOF);
  // What may follow a column's type: remembered for a misspelled word, not listed.
  std::vector<std::string> column_words;
  if (set.contains(P::K_UNIQUE)) {
    for (const std::size_t type : {P::K_KEY, P::K_UNIQUE, P::K_DEFAULT, P::K_REF, P::K_FROM}) {
      if (remove(set, type) && !souffle_item) column_words.push_back(spelling(type, vocabulary));
    }
    for (const std::size_t sign : {P::LPAREN, P::LBRACK, P::LT}) remove(set, sign);
  }
  const bool expression = set.contains(P::FLOAT);
  const bool condition = expression && set.contains(P::BANG);
  if (expression) {
    parts.emplace_back(condition ? "a condition" : "an expression");
    for (const std::size_t type : kExpressionStarts) remove(set, type);
    if (condition) {
      for (const std::size_t type : kConditionStarts) remove(set, type);
    }
  }
  const bool comparison = set.contains(P::GE) && set.contains(P::NE);
  if (comparison) {
    for (const std::size_t type : kComparisons) remove(set, type);
  }
  const bool after_operand = set.contains(P::PLUS);
  const bool after_name = set.contains(P::DOT);
  TokenSet narrow = set;
  for (const std::size_t type : kOperandTails) {
    if (!expression || type != P::MINUS) remove(narrow, type);
  }
  if (after_operand && after_name) {
    remove(narrow, P::LPAREN);
    remove(narrow, P::LBRACE);
  }
  if (comparison && !expression && narrow.empty()) {
    parts.emplace_back("a comparison");
  } else if (narrow.empty() && parts.empty() && !end_of_item) {
    narrow = set;
  }
  if (remove(narrow, P::IDENT)) parts.emplace_back("a name");
  for (const std::size_t type : narrow) {
    if (is_keyword(type)) keywords.push_back(spelling(type, vocabulary));
  }
  constexpr std::size_t kKeywordsShownMax = 6;
  std::vector<std::string> signs;
  for (const std::size_t type : narrow) {
    if (!is_keyword(type)) signs.push_back(spelling(type, vocabulary));
  }
  if (keywords.size() <= kKeywordsShownMax) {
    parts.insert(parts.end(), keywords.begin(), keywords.end());
  } else if (narrow.contains(P::K_WHEN)) {
    parts.emplace_back("an option of the rule or 'when'");
  } else if (narrow.contains(P::K_INSERT)) {
    parts.emplace_back("an action (insert, derive, modify, emit, …)");
  } else if (narrow.contains(P::K_WATERMARK)) {
    parts.emplace_back("an option (key, from, time, …)");
  } else {
    parts.insert(parts.end(), keywords.begin(), keywords.begin() + kKeywordsShownMax);
    parts.emplace_back("another keyword");
  }
  std::sort(signs.begin(), signs.end());
  signs.erase(std::unique(signs.begin(), signs.end()), signs.end());
  parts.insert(parts.end(), signs.begin(), signs.end());
  keywords.insert(keywords.end(), column_words.begin(), column_words.end());
  if (parts.empty() && end_of_item) parts.emplace_back("the end of the declaration");
  std::string text;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) text += i + 1 == parts.size() ? " or " : ", ";
    text += parts[i];
  }
  return text;
}

}  // namespace

class ItemParser::Machine {
 public:
  explicit Machine(const Scanner& scanner)
      : stream_(scanner.text()), strategy_(std::make_shared<Strategy>()), parser_(&stream_) {
    parser_.setErrorHandler(strategy_);
    parser_.removeErrorListeners();
  }

  // Null after a syntax error.
  antlr4::ParserRuleContext* parse(const ItemTokens& item) {
    kind_ = item.kind;
    ScannedToken end;
    end.type = kEndOfText;
    end.begin = end.end = item.tokens.empty() ? 0 : item.tokens.back().end;
    stream_.assign(item.tokens, end);
    parser_.setTokenStream(&stream_);
    try {
      return run(item.kind);
    } catch (const SyntaxStop&) {
      return nullptr;
    }
  }

  std::size_t position() { return stream_.index(); }
  std::string expected(std::vector<std::string>& keywords) const {
    return describe(strategy_->expected(), kind_ < ItemKind::kModule, parser_.getVocabulary(),
                    keywords);
  }

 private:
  antlr4::ParserRuleContext* run(ItemKind kind) {
    switch (kind) {
      case ItemKind::kClause:
        return parser_.clauseItem();
      case ItemKind::kDecl:
        return parser_.declItem();
      case ItemKind::kTypeDecl:
        return parser_.typeDeclItem();
      case ItemKind::kLattice:
        return parser_.latticeItem();
      case ItemKind::kDirective:
        return parser_.directiveItem();
      case ItemKind::kFunctor:
        return parser_.functorItem();
      case ItemKind::kPragma:
        return parser_.pragmaItem();
      case ItemKind::kComponentHead:
        return parser_.componentHead();
      case ItemKind::kInit:
        return parser_.initItem();
      case ItemKind::kOverride:
        return parser_.overrideItem();
      case ItemKind::kModule:
        return parser_.moduleItem();
      case ItemKind::kImport:
        return parser_.importItem();
      case ItemKind::kTypeAlias:
        return parser_.typeAliasItem();
      case ItemKind::kEnum:
        return parser_.enumItem();
      case ItemKind::kRelation:
        return parser_.relationItem();
      case ItemKind::kRule:
        return parser_.ruleItem();
      case ItemKind::kQuery:
        return parser_.queryItem();
      case ItemKind::kView:
        return parser_.viewItem();
      case ItemKind::kTable:
        return parser_.tableItem();
      case ItemKind::kFunction:
        return parser_.functionItem();
      case ItemKind::kTest:
        return parser_.testItem();
      case ItemKind::kComponentEnd:
      case ItemKind::kStrayPlan:
      case ItemKind::kUnknownDirective:
        break;
    }
    ENTAIL_ENSURE(false);
    return nullptr;
  }

  ItemKind kind_ = ItemKind::kClause;
  AntlrTokenStream<ScannedToken> stream_;
  std::shared_ptr<Strategy> strategy_;
  mutable P parser_;
};

ItemParser::ItemParser(const Scanner& scanner, Diagnostics& diagnostics)
    : scanner_(scanner), diagnostics_(diagnostics) {}
ItemParser::~ItemParser() = default;

antlr4::ParserRuleContext* ItemParser::parse(const ItemTokens& item) {
  if (machine_ == nullptr) machine_ = std::make_unique<Machine>(scanner_);
  antlr4::ParserRuleContext* tree = machine_->parse(item);
  if (tree != nullptr) return tree;
  error_position_ = std::min(machine_->position(), item.tokens.size());
  const bool behind = error_position_ == item.tokens.size();
  const ScannedToken& found = behind ? item.after : item.tokens[error_position_];
  if (found.type == P::UNKNOWN) return nullptr;  // The scanner has said it.
  constexpr std::size_t kShownMax = 40;
  std::string shown(scanner_.text_of(found).substr(0, kShownMax));
  if (scanner_.text_of(found).size() > kShownMax) shown += "…";
  if (const std::size_t newline = shown.find('\n'); newline != std::string::npos)
    shown = shown.substr(0, newline) + "…";
  std::vector<std::string> keywords;
  const std::string expected = machine_->expected(keywords);
  std::string message =
      found.type == kEndOfText ? "unexpected end of the program" : "unexpected '" + shown + "'";
  if (found.type == P::STRING) message = "unexpected string " + shown;
  if (!expected.empty()) message += "; expected " + expected;
  std::string hint;
  if (found.type == P::IDENT) {
    std::vector<std::string> words;
    for (const std::string& keyword : keywords)
      words.push_back(keyword.substr(1, keyword.size() - 2));
    if (const std::string near = nearest_name(shown, words); !near.empty())
      hint = "Did you mean '" + near + "'?";
  }
  diagnostics_.error(scanner_.span(found), std::move(message), std::move(hint));
  return nullptr;
}

}  // namespace entail::grammar::internal
