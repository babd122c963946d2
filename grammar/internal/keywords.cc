#include "grammar/internal/keywords.h"

#include <array>
#include <unordered_map>

#include "DatalogParser.h"

namespace entail::grammar::internal {

namespace {

using P = antlr::DatalogParser;

constexpr std::array kKeywords = std::to_array<Keyword>({
    {"in", P::K_IN, Law::kInfix, kInBody},
    {"is", P::K_IS, Law::kInfix, kInBody},
    {"over", P::K_OVER, Law::kInfix, kInBody},
    {"events", P::K_EVENTS, Law::kInfix, kInBody},
    {"by", P::K_BY, Law::kInfix, kInBody},
    {"within", P::K_WITHIN, Law::kInfix, kInBody},
    {"until", P::K_UNTIL, Law::kInfix, kInBody},
    {"next", P::K_NEXT, Law::kInfix, kInBody},
    {"skip", P::K_SKIP, Law::kInfix, kInBody},
    {"matches", P::K_MATCHES, Law::kInfix, kInBody},
    {"else", P::K_ELSE, Law::kInfix, kInBody},
    {"then", P::K_THEN, Law::kInfix, kInBody},
    {"before", P::ALLEN, Law::kInfix, kInBody},
    {"after", P::ALLEN, Law::kInfix, kInBody},
    {"meets", P::ALLEN, Law::kInfix, kInBody},
    {"met_by", P::ALLEN, Law::kInfix, kInBody},
    {"overlaps", P::ALLEN, Law::kInfix, kInBody},
    {"overlapped_by", P::ALLEN, Law::kInfix, kInBody},
    {"during", P::ALLEN, Law::kInfix, kInBody},
    {"includes", P::ALLEN, Law::kInfix, kInBody},
    {"starts", P::ALLEN, Law::kInfix, kInBody},
    {"started_by", P::ALLEN, Law::kInfix, kInBody},
    {"finishes", P::ALLEN, Law::kInfix, kInBody},
    {"finished_by", P::ALLEN, Law::kInfix, kInBody},
    {"coincides", P::ALLEN, Law::kInfix, kInBody},

    {"key", P::K_KEY, Law::kInfix, kInColumns | kInRelation},
    {"unique", P::K_UNIQUE, Law::kInfix, kInColumns},
    {"default", P::K_DEFAULT, Law::kInfix, kInColumns},
    {"ref", P::K_REF, Law::kInfix, kInColumns},
    {"from", P::K_FROM, Law::kInfix, kInColumns | kInRelation},
    {"to", P::K_TO, Law::kInfix, kInRelation | kInRuleHead | kInActions},
    {"index", P::K_INDEX, Law::kInfix, kInRelation},
    {"versioned", P::K_VERSIONED, Law::kInfix, kInRelation},
    {"retain", P::K_RETAIN, Law::kInfix, kInRelation},
    {"expire", P::K_EXPIRE, Law::kInfix, kInRelation},
    {"with", P::K_WITH, Law::kInfix, kInRelation},
    {"time", P::K_TIME, Law::kInfix, kInRelation},
    {"watermark", P::K_WATERMARK, Law::kInfix, kInRelation},
    {"late", P::K_LATE, Law::kInfix, kInRelation},
    {"duration", P::K_DURATION, Law::kInfix, kInRelation},

    {"salience", P::K_SALIENCE, Law::kInfix, kInRuleHead},
    {"group", P::K_GROUP, Law::kInfix, kInRuleHead},
    {"exclusive", P::K_EXCLUSIVE, Law::kInfix, kInRuleHead},
    {"no_loop", P::K_NO_LOOP, Law::kInfix, kInRuleHead},
    {"lock_on_active", P::K_LOCK_ON_ACTIVE, Law::kInfix, kInRuleHead},
    {"auto_focus", P::K_AUTO_FOCUS, Law::kInfix, kInRuleHead},
    {"enabled", P::K_ENABLED, Law::kInfix, kInRuleHead},
    {"every", P::K_EVERY, Law::kInfix, kInRuleHead},
    {"cron", P::K_CRON, Law::kInfix, kInRuleHead},
    {"effective", P::K_EFFECTIVE, Law::kInfix, kInRuleHead},
    {"doc", P::K_DOC, Law::kInfix, kInRuleHead},
    {"when", P::K_WHEN, Law::kInfix, kInRuleHead},

    {"insert", P::K_INSERT, Law::kStep, kInActions},
    {"upsert", P::K_UPSERT, Law::kStep, kInActions},
    {"derive", P::K_DERIVE, Law::kStep, kInActions},
    {"retract", P::K_RETRACT, Law::kStep, kInActions | kInTest},
    {"emit", P::K_EMIT, Law::kStep, kInActions},
    {"modify", P::K_MODIFY, Law::kStep, kInActions},
    {"delete", P::K_DELETE, Law::kStep, kInActions},
    {"call", P::K_CALL, Law::kStep, kInActions},
    {"let", P::K_LET, Law::kStep, kInActions},
    {"if", P::K_IF, Law::kStep, kInActions},
    {"for", P::K_FOR, Law::kStep, kInActions},
    {"schedule", P::K_SCHEDULE, Law::kStep, kInActions},
    {"focus", P::K_FOCUS, Law::kStep, kInActions},
    {"log", P::K_LOG, Law::kStep, kInActions},
    {"halt", P::K_HALT, Law::kStep, kInActions},

    {"select", P::K_SELECT, Law::kInfix, kInQuery},
    {"order", P::K_ORDER, Law::kInfix, kInQuery},
    {"limit", P::K_LIMIT, Law::kInfix, kInQuery},
    {"asc", P::K_ASC, Law::kInfix, kInQuery},
    {"desc", P::K_DESC, Law::kInfix, kInQuery},

    {"uses", P::K_USES, Law::kInfix, kInTest},
    {"times", P::K_TIMES, Law::kInfix, kInTest},
    {"because", P::K_BECAUSE, Law::kInfix, kInTest},
    {"at", P::K_AT, Law::kStep, kInTest},
    {"update", P::K_UPDATE, Law::kStep, kInTest},
    {"advance", P::K_ADVANCE, Law::kStep, kInTest},
    {"fire", P::K_FIRE, Law::kStep, kInTest},
    {"fired", P::K_FIRED, Law::kStep, kInTest},
    {"emitted", P::K_EMITTED, Law::kStep, kInTest},
    {"derived", P::K_DERIVED, Law::kStep, kInTest},
    {"no", P::K_NO, Law::kStep, kInTest},

    {"where", P::K_WHERE, Law::kInfix, kInTypeAlias},
    {"policy", P::K_POLICY, Law::kInfix, kInTable},
    {"extern", P::K_EXTERN, Law::kInfix, kInFunction},
});

}  // namespace

const std::vector<const Keyword*>* keywords_of(std::string_view word) {
  static const auto* const kTable = [] {
    auto* table = new std::unordered_map<std::string_view, std::vector<const Keyword*>>;
    for (const Keyword& keyword : kKeywords) (*table)[keyword.word].push_back(&keyword);
    return table;
  }();
  const auto found = kTable->find(word);
  return found == kTable->end() ? nullptr : &found->second;
}

bool is_literal(std::uint16_t type) {
  switch (type) {
    case P::STRING:
    case P::FLOAT:
    case P::UNSIGNED:
    case P::NUMBER:
    case P::DURATION:
    case P::TIMESTAMP:
    case P::IPV4:
    case P::K_NIL:
    case P::K_TRUE:
    case P::K_FALSE:
      return true;
    default:
      return false;
  }
}

bool is_open(std::uint16_t type) {
  return type == P::LPAREN || type == P::LBRACK || type == P::LBRACE || type == P::GROUP_OPEN ||
         type == P::BOUNDS_OPEN;
}
bool is_close(std::uint16_t type) {
  return type == P::RPAREN || type == P::RBRACK || type == P::RBRACE;
}

bool is_comparison(std::uint16_t type) {
  return type == P::EQ || type == P::EQEQ || type == P::NE || type == P::LT || type == P::LE ||
         type == P::GT || type == P::GE;
}

bool is_binary_operator(std::uint16_t type) {
  switch (type) {
    case P::PLUS:
    case P::MINUS:
    case P::STAR:
    case P::SLASH:
    case P::PERCENT:
    case P::CARET:
    case P::K_BAND:
    case P::K_BOR:
    case P::K_BXOR:
    case P::K_BSHL:
    case P::K_BSHR:
    case P::K_BSHRU:
    case P::K_LAND:
    case P::K_LOR:
    case P::K_LXOR:
      return true;
    default:
      return false;
  }
}

namespace {

bool is_constant(std::uint16_t type) {
  return is_literal(type) || type == P::K_NULL || type == P::UNDERSCORE || type == P::DOLLAR;
}

}  // namespace

bool ends_operand(std::uint16_t type) {
  if (is_constant(type) || is_close(type)) return true;
  switch (type) {
    case P::IDENT:
    case P::QUESTION:
    case P::K_KEY:
    case P::K_UNIQUE:
    case P::K_EVENTS:
    case P::K_NO_LOOP:
    case P::K_LOCK_ON_ACTIVE:
    case P::K_AUTO_FOCUS:
    case P::K_VERSIONED:
    case P::K_ASC:
    case P::K_DESC:
    case P::SQL:
      return true;
    default:
      return false;
  }
}

bool starts_operand(std::uint16_t type) {
  return is_constant(type) || type == P::IDENT || type == P::LPAREN || type == P::LBRACK ||
         type == P::AT || type == P::MINUS || type == P::K_AS || type == P::K_BNOT ||
         type == P::K_LNOT;
}

}  // namespace entail::grammar::internal
