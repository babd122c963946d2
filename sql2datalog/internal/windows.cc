// What OVER says: the window that a function's rows are seen through.
//
//     WINDOW w AS (PARTITION BY city)
//     sum(x) OVER (w ORDER BY age RANGE 5 PRECEDING)      partition (city), order (age),
//                                                         frame from age - 5 to the row's peers

#include <utility>

#include "datalog/body_walk.h"
#include "sql2datalog/internal/lowerer.h"
#include "sql2datalog/internal/tree_walk.h"

namespace entail::sql2datalog::internal {

namespace {

datalog::FrameBound bound_of(ast::FrameBoundKind kind) {
  switch (kind) {
    case ast::FrameBoundKind::kPreceding:
      return datalog::FrameBound::kPreceding;
    case ast::FrameBoundKind::kCurrentRow:
      return datalog::FrameBound::kCurrent;
    case ast::FrameBoundKind::kFollowing:
      return datalog::FrameBound::kFollowing;
    default:
      return datalog::FrameBound::kUnbounded;
  }
}

datalog::FrameMode mode_of(ast::FrameMode mode) {
  switch (mode) {
    case ast::FrameMode::kRows:
      return datalog::FrameMode::kRows;
    case ast::FrameMode::kGroups:
      return datalog::FrameMode::kGroups;
    case ast::FrameMode::kRange:
      break;
  }
  return datalog::FrameMode::kRange;
}

datalog::FrameExclusion exclusion_of(ast::FrameExclusion exclusion) {
  switch (exclusion) {
    case ast::FrameExclusion::kNone:
      break;
    case ast::FrameExclusion::kCurrentRow:
      return datalog::FrameExclusion::kCurrentRow;
    case ast::FrameExclusion::kGroup:
      return datalog::FrameExclusion::kGroup;
    case ast::FrameExclusion::kTies:
      return datalog::FrameExclusion::kTies;
  }
  return datalog::FrameExclusion::kNone;
}

// What offsets of RANGE are added to, and what they are: for both the type that sums do not overflow in.
struct RangeTypes {
  Oid value = 0, offset = 0;  // 0: there are none.
};
RangeTypes range_types(Oid order, Oid offset) {
  const bool date =
      order == oids::kDate || order == oids::kTimestamp || order == oids::kTimestampTz;
  const bool known = offset == oids::kUnknown;
  if (date || order == oids::kTime || order == oids::kInterval) {
    if (!known && offset != oids::kInterval) return {};
    return {order == oids::kDate ? Oid{oids::kTimestamp} : order, oids::kInterval};
  }
  if (order == oids::kFloat4 || order == oids::kFloat8) {
    if (!known && !is_number_type(offset)) return {};
    return {oids::kFloat8, oids::kFloat8};
  }
  if (order == oids::kNumeric) {
    if (!known && (!is_number_type(offset) || offset == oids::kFloat4 || offset == oids::kFloat8)) {
      return {};
    }
    return {oids::kNumeric, oids::kNumeric};
  }
  if (!is_integer_type(order) || (!known && !is_integer_type(offset))) return {};
  if (order == oids::kInt8 || offset == oids::kInt8) return {oids::kNumeric, oids::kNumeric};
  return {oids::kInt8, oids::kInt8};
}

}  // namespace

void Lowerer::take_window(const ast::Window& window, WindowCall& call, ast::Span span,
                          Place& place) {
  // From the window itself to the one that all refine. A definition of WINDOW sees those before it.
  std::vector<const ast::Window*> chain{&window};
  const std::vector<ast::NamedWindow> none;
  const auto& named =
      place.collector->named_windows != nullptr ? *place.collector->named_windows : none;
  std::size_t visible = named.size();
  while (chain.back()->base) {
    const std::string& base = chain.back()->base->text;
    std::size_t found = 0;
    while (found < visible && named[found].name.text != base) ++found;
    if (found == visible) {
      fail("42704", "window \"" + base + "\" does not exist", chain.back()->span);
    }
    const ast::Window& refined = named[found].window;
    // OVER w is w itself; OVER (w …) is another window, which may only add to it.
    if (!chain.back()->reference) {
      const ast::Window& own = *chain.back();
      if (!own.partition_by.empty()) {
        fail("42P20", "cannot override PARTITION BY clause of window \"" + base + "\"", own.span);
      }
      bool ordered = false, framed = refined.frame.has_value();
      const ast::Window* below = &refined;
      for (std::size_t limit = found; below != nullptr;) {
        ordered = ordered || !below->order_by.empty();
        if (!below->base) break;
        std::size_t next = 0;
        while (next < limit && named[next].name.text != below->base->text) ++next;
        below = next < limit ? &named[next].window : nullptr;
        limit = next;
      }
      if (ordered && !own.order_by.empty()) {
        fail("42P20", "cannot override ORDER BY clause of window \"" + base + "\"", own.span);
      }
      if (framed) {
        const bool bare = own.order_by.empty() && !own.frame;
        fail("42P20", "cannot copy window \"" + base + "\" because it has a frame clause", own.span,
             bare ? "Omit the parentheses in this OVER clause." : "");
      }
    }
    visible = found;
    chain.push_back(&refined);
  }
  const ast::Frame* frame = nullptr;
  for (const ast::Window* each : chain) {
    if (call.partition.empty()) {
      for (const ast::Expression& e : each->partition_by) {
        for (const ast::Expression* field : fields_of(e)) {
          call.partition.push_back(resolved(expression(*field, place), field->span));
        }
      }
    }
    if (call.order.empty()) {
      for (const ast::SortItem& item : each->order_by) {
        for (const ast::Expression* field : fields_of(*item.expression)) {
          call.order.push_back(order_key(item, resolved(expression(*field, place), span)));
        }
      }
    }
    if (frame == nullptr && each->frame) frame = &*each->frame;
  }
  if (frame != nullptr) take_frame(*frame, call, place);
}

void Lowerer::take_frame(const ast::Frame& frame, WindowCall& call, Place& place) {
  call.frame.mode = mode_of(frame.mode);
  call.frame.exclusion = exclusion_of(frame.exclusion);
  if (frame.mode == ast::FrameMode::kGroups && call.order.empty()) {
    fail("42P20", "GROUPS mode requires an ORDER BY clause", frame.span);
  }
  const char* const mode = frame.mode == ast::FrameMode::kRows     ? "ROWS"
                           : frame.mode == ast::FrameMode::kGroups ? "GROUPS"
                                                                   : "RANGE";
  auto range_edge = [&](const ast::FrameBound& bound, Typed offset, datalog::FrameEdge& made) {
    if (call.order.size() != 1) {
      fail("42P20", "RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column",
           frame.span);
    }
    const OrderKey& key = call.order.front();
    const RangeTypes types = range_types(key.value.type.oid, offset.type.oid);
    if (types.value == 0) {
      const bool any = range_types(key.value.type.oid, oids::kUnknown).value != 0;
      fail("0A000",
           "RANGE with offset PRECEDING/FOLLOWING is not supported for column type " +
               type_name(key.value.type) +
               (any ? " and offset type " + type_name(offset.type) : std::string()),
           bound.offset->span, any ? "Cast the offset value to an appropriate type." : "");
    }
    const SqlType sql_type{types.offset, -1};
    offset = coerce(std::move(offset), sql_type, CastContext::kImplicit, bound.offset->span);
    Typed value = coerce(Typed{undisplayed(key.value.value), key.value.type}, {types.value, -1},
                         CastContext::kImplicit, bound.offset->span);
    Typed zero{constant_text("0"), {oids::kUnknown, -1}};
    zero = unknown_to(std::move(zero), sql_type, bound.offset->span);
    made.offset = comparison("<", offset, std::move(zero), bound.offset->span).value;
    const bool back = (bound.kind == ast::FrameBoundKind::kPreceding) != key.descending;
    ast::OperatorName op;
    op.symbol = back ? "-" : "+";
    Typed reached = operation(op, value, std::move(offset), bound.offset->span);
    made.value = convert(undisplayed(reached.value), stored(machine({types.value, -1})));
    call.frame.range_value = convert(undisplayed(value.value), made.value->type);
  };
  auto edge = [&](const ast::FrameBound& bound) {
    datalog::FrameEdge made;
    made.bound = bound_of(bound.kind);
    if (!bound.offset) return made;
    Place inside = place;
    inside.clause = mode;
    Typed offset = expression(*bound.offset, inside);
    if (bound.offset->as<ast::Subquery>() != nullptr) {
      unsupported("a subquery in a window frame", bound.offset->span);
    }
    if (!datalog::variables_of(offset.value).empty()) {
      fail("42P10", std::string("argument of ") + mode + " must not contain variables",
           bound.offset->span);
    }
    if (frame.mode == ast::FrameMode::kRange) {
      range_edge(bound, std::move(offset), made);
      return made;
    }
    if (!offset.is_unknown() &&
        !can_coerce(offset.type.oid, oids::kInt8, CastContext::kAssignment)) {
      fail("42804",
           std::string("argument of ") + mode + " must be type bigint, not type " +
               type_name(offset.type),
           bound.offset->span);
    }
    made.offset =
        coerce(std::move(offset), {oids::kInt8, -1}, CastContext::kAssignment, bound.offset->span)
            .value;
    return made;
  };
  call.frame.from = edge(frame.start);
  call.frame.to =
      frame.end ? edge(*frame.end) : datalog::FrameEdge{datalog::FrameBound::kCurrent, {}, {}};
  std::optional<Expression>&from = call.frame.from.value, &to = call.frame.to.value;
  if (!from || !to || from->type == to->type) return;
  // One offset is a bigint, so that its edge is a numeric.
  for (std::optional<Expression>* value : {&from, &to, &call.frame.range_value}) {
    if ((*value)->type.kind == vm::TypeKind::kNumeric) continue;
    Typed numeric = coerce(Typed{**value, {oids::kInt8, -1}}, {oids::kNumeric, -1},
                           CastContext::kImplicit, frame.span);
    *value = convert(undisplayed(numeric.value), stored(numeric.value.type));
  }
}

}  // namespace entail::sql2datalog::internal
