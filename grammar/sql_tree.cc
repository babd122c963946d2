// Two trees are compared node by node. The comparisons of nodes that hold others of their own kind
// are defined here, where all nodes are complete.

#include "grammar/sql_tree.h"

namespace entail::grammar::sql {

bool Unary::operator==(const Unary&) const = default;
bool Binary::operator==(const Binary&) const = default;
bool Logical::operator==(const Logical&) const = default;
bool Not::operator==(const Not&) const = default;
bool IsTest::operator==(const IsTest&) const = default;
bool IsDistinct::operator==(const IsDistinct&) const = default;
bool Between::operator==(const Between&) const = default;
bool InList::operator==(const InList&) const = default;
bool InQuery::operator==(const InQuery&) const = default;
bool Like::operator==(const Like&) const = default;
bool Quantified::operator==(const Quantified&) const = default;
bool Cast::operator==(const Cast&) const = default;
bool Collate::operator==(const Collate&) const = default;
bool AtTimeZone::operator==(const AtTimeZone&) const = default;
bool SubscriptPart::operator==(const SubscriptPart&) const = default;
bool Subscript::operator==(const Subscript&) const = default;
bool FieldSelection::operator==(const FieldSelection&) const = default;
bool SortItem::operator==(const SortItem&) const = default;
bool FrameBound::operator==(const FrameBound&) const = default;
bool Frame::operator==(const Frame&) const = default;
bool Window::operator==(const Window&) const = default;
bool Argument::operator==(const Argument&) const = default;
bool FunctionCall::operator==(const FunctionCall&) const = default;
bool SpecialCall::operator==(const SpecialCall&) const = default;
bool CaseBranch::operator==(const CaseBranch&) const = default;
bool Case::operator==(const Case&) const = default;
bool Row::operator==(const Row&) const = default;
bool ArrayConstructor::operator==(const ArrayConstructor&) const = default;
bool Subquery::operator==(const Subquery&) const = default;
bool Expression::operator==(const Expression&) const = default;
bool TimeTravel::operator==(const TimeTravel&) const = default;
bool TableSample::operator==(const TableSample&) const = default;
bool TableName::operator==(const TableName&) const = default;
bool TableFunctionPart::operator==(const TableFunctionPart&) const = default;
bool TableFunction::operator==(const TableFunction&) const = default;
bool DerivedTable::operator==(const DerivedTable&) const = default;
bool Join::operator==(const Join&) const = default;
bool TableItem::operator==(const TableItem&) const = default;
bool GroupingItem::operator==(const GroupingItem&) const = default;
bool SetOperation::operator==(const SetOperation&) const = default;
bool CommonTable::operator==(const CommonTable&) const = default;
bool Query::operator==(const Query&) const = default;
bool CreateSchema::operator==(const CreateSchema&) const = default;
bool Explain::operator==(const Explain&) const = default;
bool Prepare::operator==(const Prepare&) const = default;
bool DeclareCursor::operator==(const DeclareCursor&) const = default;

}  // namespace entail::grammar::sql
