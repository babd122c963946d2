#include "grammar/internal/print_names.h"

#include <algorithm>
#include <array>

namespace entail::grammar::internal {

std::string_view spelling(UnaryOp op) {
  switch (op) {
    case UnaryOp::kMinus:
      return "-";
    case UnaryOp::kBitNot:
      return "bnot ";
    case UnaryOp::kLogicalNot:
      return "lnot ";
  }
  return "-";
}

std::string_view spelling(BinaryOp op) {
  switch (op) {
    case BinaryOp::kAdd:
      return "+";
    case BinaryOp::kSub:
      return "-";
    case BinaryOp::kMul:
      return "*";
    case BinaryOp::kDiv:
      return "/";
    case BinaryOp::kMod:
      return "%";
    case BinaryOp::kPow:
      return "^";
    case BinaryOp::kBitAnd:
      return "band";
    case BinaryOp::kBitOr:
      return "bor";
    case BinaryOp::kBitXor:
      return "bxor";
    case BinaryOp::kShiftLeft:
      return "bshl";
    case BinaryOp::kShiftRight:
      return "bshr";
    case BinaryOp::kShiftRightUnsigned:
      return "bshru";
    case BinaryOp::kLogicalAnd:
      return "land";
    case BinaryOp::kLogicalOr:
      return "lor";
    case BinaryOp::kLogicalXor:
      return "lxor";
  }
  return "+";
}

int precedence(BinaryOp op) {
  switch (op) {
    case BinaryOp::kLogicalOr:
      return 1;
    case BinaryOp::kLogicalXor:
      return 2;
    case BinaryOp::kLogicalAnd:
      return 3;
    case BinaryOp::kBitOr:
      return 4;
    case BinaryOp::kBitXor:
      return 5;
    case BinaryOp::kBitAnd:
      return 6;
    case BinaryOp::kShiftLeft:
    case BinaryOp::kShiftRight:
    case BinaryOp::kShiftRightUnsigned:
      return 7;
    case BinaryOp::kAdd:
    case BinaryOp::kSub:
      return 8;
    case BinaryOp::kMul:
    case BinaryOp::kDiv:
    case BinaryOp::kMod:
      return 9;
    case BinaryOp::kPow:
      return 20;
  }
  return 0;
}

std::string_view spelling(CompareOp op) {
  switch (op) {
    case CompareOp::kEqual:
      return "=";
    case CompareOp::kNotEqual:
      return "!=";
    case CompareOp::kLess:
      return "<";
    case CompareOp::kLessEqual:
      return "<=";
    case CompareOp::kGreater:
      return ">";
    case CompareOp::kGreaterEqual:
      return ">=";
  }
  return "=";
}

std::string_view spelling(FieldOp op) {
  switch (op) {
    case FieldOp::kEqual:
      return "=";
    case FieldOp::kNotEqual:
      return "!=";
    case FieldOp::kLess:
      return "<";
    case FieldOp::kLessEqual:
      return "<=";
    case FieldOp::kGreater:
      return ">";
    case FieldOp::kGreaterEqual:
      return ">=";
    case FieldOp::kIn:
      return "in";
    case FieldOp::kMatches:
      return "matches";
  }
  return "=";
}

std::string_view spelling(AllenRelation relation) {
  switch (relation) {
    case AllenRelation::kBefore:
      return "before";
    case AllenRelation::kAfter:
      return "after";
    case AllenRelation::kMeets:
      return "meets";
    case AllenRelation::kMetBy:
      return "met_by";
    case AllenRelation::kOverlaps:
      return "overlaps";
    case AllenRelation::kOverlappedBy:
      return "overlapped_by";
    case AllenRelation::kDuring:
      return "during";
    case AllenRelation::kIncludes:
      return "includes";
    case AllenRelation::kStarts:
      return "starts";
    case AllenRelation::kStartedBy:
      return "started_by";
    case AllenRelation::kFinishes:
      return "finishes";
    case AllenRelation::kFinishedBy:
      return "finished_by";
    case AllenRelation::kCoincides:
      return "coincides";
  }
  return "before";
}

std::string_view spelling(RelationTag tag) {
  switch (tag) {
    case RelationTag::kOverridable:
      return "overridable";
    case RelationTag::kInline:
      return "inline";
    case RelationTag::kNoInline:
      return "no_inline";
    case RelationTag::kMagic:
      return "magic";
    case RelationTag::kNoMagic:
      return "no_magic";
    case RelationTag::kBrie:
      return "brie";
    case RelationTag::kBtree:
      return "btree";
    case RelationTag::kBtreeDelete:
      return "btree_delete";
    case RelationTag::kEqrel:
      return "eqrel";
    case RelationTag::kOutput:
      return "output";
    case RelationTag::kInput:
      return "input";
    case RelationTag::kPrintsize:
      return "printsize";
  }
  return "inline";
}

std::string_view spelling(DirectiveKind kind) {
  switch (kind) {
    case DirectiveKind::kInput:
      return ".input";
    case DirectiveKind::kOutput:
      return ".output";
    case DirectiveKind::kPrintsize:
      return ".printsize";
    case DirectiveKind::kLimitsize:
      return ".limitsize";
  }
  return ".input";
}

std::string_view spelling(WindowKind kind) {
  switch (kind) {
    case WindowKind::kLast:
    case WindowKind::kLastEvents:
      return "last";
    case WindowKind::kCurrent:
      return "current";
    case WindowKind::kTumbling:
      return "tumbling";
    case WindowKind::kHopping:
      return "hopping";
    case WindowKind::kSession:
      return "session";
  }
  return "last";
}

std::string_view spelling(ChangeKind kind) {
  switch (kind) {
    case ChangeKind::kInsert:
      return "insert";
    case ChangeKind::kUpsert:
      return "upsert";
    case ChangeKind::kDerive:
      return "derive";
    case ChangeKind::kRetract:
      return "retract";
  }
  return "insert";
}

std::string_view spelling(TablePolicy policy) {
  switch (policy) {
    case TablePolicy::kFirst:
      return "first";
    case TablePolicy::kUnique:
      return "unique";
    case TablePolicy::kAny:
      return "any";
    case TablePolicy::kCollect:
      return "collect";
    case TablePolicy::kPriority:
      return "priority";
  }
  return "first";
}

std::string quoted_name(std::string_view name) {
  // Words that some place reads as a keyword where a name may stand too.
  static constexpr std::array<std::string_view, 30> kQuoted = {
      "as",    "nil",  "true",  "false", "band",  "bor", "bxor",   "bnot",   "bshl",  "bshr",
      "bshru", "land", "lor",   "lxor",  "lnot",  "not", "exists", "forall", "group", "sequence",
      "last",  "if",   "final", "null",  "count", "sum", "min",    "max",    "mean",  "_"};
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '?';
  };
  std::string result;
  while (true) {
    const std::size_t dot = std::min(name.size(), name.find('.'));
    const std::string_view part = name.substr(0, dot);
    bool plain = !part.empty() && is_letter(part.front()) &&
                 std::find(kQuoted.begin(), kQuoted.end(), part) == kQuoted.end();
    for (const char c : part) plain = plain && (is_letter(c) || (c >= '0' && c <= '9'));
    // A type's `?` is part of its name in Souffle only; a quoted name keeps it anywhere.
    result += plain ? std::string(part) : "`" + std::string(part) + "`";
    if (dot == name.size()) return result;
    result += '.';
    name.remove_prefix(dot + 1);
  }
}

std::string quoted_string(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    switch (c) {
      case '"':
        result += "\\\"";
        break;
      case '\\':
        result += "\\\\";
        break;
      case '\a':
        result += "\\a";
        break;
      case '\b':
        result += "\\b";
        break;
      case '\f':
        result += "\\f";
        break;
      case '\n':
        result += "\\n";
        break;
      case '\r':
        result += "\\r";
        break;
      case '\t':
        result += "\\t";
        break;
      case '\v':
        result += "\\v";
        break;
      default:
        result += c;
    }
  }
  return result + "\"";
}

}  // namespace entail::grammar::internal
