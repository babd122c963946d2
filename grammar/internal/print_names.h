// grammar/internal/print_names.h - how operators and words of enumerations are spelled, and names
// and strings quoted.

#pragma once

#include <string>
#include <string_view>

#include "grammar/syntax_tree.h"

namespace entail::grammar::internal {

std::string_view spelling(UnaryOp op);
std::string_view spelling(BinaryOp op);
std::string_view spelling(CompareOp op);
std::string_view spelling(FieldOp op);
std::string_view spelling(AllenRelation relation);
std::string_view spelling(RelationTag tag);
std::string_view spelling(DirectiveKind kind);
std::string_view spelling(WindowKind kind);
std::string_view spelling(ChangeKind kind);
std::string_view spelling(TablePolicy policy);

int precedence(BinaryOp op);

// A name as it must be written to be read as one, part by part.
std::string quoted_name(std::string_view name);
std::string quoted_string(std::string_view text);

}  // namespace entail::grammar::internal
