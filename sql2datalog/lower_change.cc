// INSERT, UPDATE and DELETE as queries that say what changes.

#include <algorithm>
#include <functional>
#include <utility>

#include "sql2datalog/internal/changes.h"
#include "sql2datalog/internal/guarded.h"
#include "sql2datalog/internal/lowerer.h"
#include "sql2datalog/lower_statement.h"

namespace entail::sql2datalog {

namespace internal {

namespace {

// The types that the queries of a statement found, together.
std::vector<SqlType> merged_parameters(const std::vector<const LoweredQuery*>& queries) {
  std::vector<SqlType> all;
  for (const LoweredQuery* query : queries) {
    if (query == nullptr) continue;
    all.resize(std::max(all.size(), query->parameters.size()));
    for (std::size_t i = 0; i < query->parameters.size(); ++i) {
      if (all[i].oid == 0 || all[i].oid == oids::kUnknown) all[i] = query->parameters[i];
    }
  }
  return all;
}

bool agree(const std::vector<const LoweredQuery*>& queries, const std::vector<SqlType>& all) {
  return std::all_of(queries.begin(), queries.end(), [&](const LoweredQuery* query) {
    return query == nullptr || query->parameters == all;
  });
}

void refuse_generated(Lowerer& lowerer, const ColumnDescription& column, ast::Span span) {
  if (column.generated) {
    lowerer.fail("428C9", "cannot insert a non-DEFAULT value into column \"" + column.name + "\"",
                 span, {}, "Column \"" + column.name + "\" is a generated column.");
  }
}

ast::Span span_of(const std::vector<ast::AssignmentTarget>& columns, std::size_t i) {
  return i < columns.size() ? columns[i].column.span : ast::Span{};
}

LoweredInsert insert_pass(const ast::Insert& insert, const LoweringContext& context,
                          bool parameters_known) {
  LoweredInsert result;
  Lowerer lowerer(context);
  lowerer.parameters_known_ = parameters_known;
  const ChangeTarget target_of = change_target(lowerer, insert.table, "INSERT");
  const TableDescription& table = *target_of.table;
  result.table = &table;
  result.columns_from.resize(table.columns.size());
  if (insert.with) lowerer.declare_common_tables(*insert.with, nullptr);

  std::vector<std::uint32_t> targets;
  for (const ast::AssignmentTarget& target : insert.columns) {
    if (!target.fields.empty() || !target.subscripts.empty()) {
      lowerer.unsupported("INSERT into a part of a column", target.column.span);
    }
    const std::uint32_t column = column_of(lowerer, target_of, target.column, "insert into");
    if (std::find(targets.begin(), targets.end(), column) != targets.end()) {
      lowerer.fail("42701", "column \"" + target.column.text + "\" specified more than once",
                   target.column.span);
    }
    targets.push_back(column);
  }
  auto check_width = [&](std::size_t width, ast::Span span) {
    const std::size_t wanted = insert.columns.empty() ? target_of.columns.size() : targets.size();
    if (width > wanted) {
      lowerer.fail("42601", "INSERT has more expressions than target columns", span);
    }
    if (width < wanted && !insert.columns.empty()) {
      lowerer.fail("42601", "INSERT has more target columns than expressions",
                   insert.columns[width].column.span);
    }
    if (insert.columns.empty()) {
      targets.clear();
      for (std::uint32_t i = 0; i < width; ++i) {
        const ast::Identifier name{.text = target_of.named->columns[i].name, .span = span};
        targets.push_back(column_of(lowerer, target_of, name, "insert into"));
      }
    }
  };

  // By target: whether all rows say DEFAULT.
  std::vector<bool> defaulted;
  auto take_identity = [&](std::uint32_t column, ast::Span span) {
    const ColumnDescription& c = table.columns[column];
    refuse_generated(lowerer, c, span);
    if (c.identity == IdentityKind::kAlways && insert.overriding == ast::Overriding::kNone) {
      lowerer.fail("428C9", "cannot insert a non-DEFAULT value into column \"" + c.name + "\"",
                   span, "Use OVERRIDING SYSTEM VALUE to override.",
                   "Column \"" + c.name + "\" is an identity column defined as GENERATED ALWAYS.");
    }
  };
  Rows rows;
  Scope none;
  const auto* const values = insert.source ? insert.source->as<ast::Values>() : nullptr;
  const bool plain_values = values != nullptr && insert.source->order_by.empty() &&
                            !insert.source->limit && !insert.source->offset && !insert.source->with;
  if (!insert.source) {
    rows.exactly_one = true;
  } else if (plain_values) {
    const std::vector<ast::Expression>& first = values->rows.front();
    const std::size_t wanted = insert.columns.empty() ? target_of.columns.size() : targets.size();
    check_width(first.size(), first[std::min(wanted, first.size() - 1)].span);
    for (const auto& row : values->rows) {
      if (row.size() != values->rows.front().size()) {
        lowerer.fail("42601", "VALUES lists must all be the same length", row.front().span);
      }
    }
    defaulted.assign(targets.size(), true);
    for (const auto& row : values->rows) {
      for (std::size_t i = 0; i < targets.size(); ++i) {
        defaulted[i] = defaulted[i] && row[i].as<ast::DefaultValue>() != nullptr;
      }
    }
    Body out;
    Place place;
    place.scope = &none;
    place.clause = "VALUES";
    place.out = place.domain = &out;
    place.one_row = values->rows.size() == 1;
    std::vector<std::vector<Expression>> all;
    for (const auto& row : values->rows) {
      std::vector<Expression> terms;
      for (std::size_t i = 0; i < targets.size(); ++i) {
        if (defaulted[i]) continue;
        const ColumnDescription& column = table.columns[targets[i]];
        if (row[i].as<ast::DefaultValue>() != nullptr) {
          std::string sequence;
          std::optional<Expression> value = default_of(lowerer, column, place, sequence);
          if (!value) {
            lowerer.unsupported("DEFAULT of a sequence beside given values", row[i].span);
          }
          terms.push_back(std::move(*value));
          continue;
        }
        take_identity(targets[i], row[i].span);
        terms.push_back(
            lowerer.assign(lowerer.expression(row[i], place), column, row[i].span).value);
      }
      all.push_back(std::move(terms));
    }
    const std::size_t width = all.front().size();
    if (all.size() == 1) {
      rows.body = std::move(out);
      for (std::size_t c = 0; c < width; ++c) {
        rows.columns.push_back({"", {std::move(all[0][c]), {}}, 0, 0});
      }
      rows.exactly_one = true;
    } else if (width == 0) {
      datalog::Each each;
      each.variable = lowerer.new_variable("_row", vm::Type::of(vm::TypeKind::kInt8), false);
      each.arguments = {constant_int(vm::TypeKind::kInt8, 0),
                        constant_int(vm::TypeKind::kInt8, static_cast<std::int64_t>(all.size()))};
      rows.body.push_back({std::move(each), {}});
    } else {
      std::vector<Alternative> alternatives;
      for (auto& terms : all) alternatives.push_back({out, std::move(terms)});
      const MadeRelation made =
          lowerer.make_relation("values", Collection::kBag, std::move(alternatives));
      for (const VariableId id : lowerer.read_relation(made, rows.body)) {
        rows.columns.push_back({"", {lowerer.mention(id), {}}, 0, 0});
      }
    }
  } else {
    const bool keep_order = insert.source->limit.has_value() || insert.source->offset.has_value();
    rows = lowerer.rows_of(*insert.source, nullptr, !keep_order);
    rows.order.clear();
    lowerer.make_distinct(rows);
    check_width(rows.columns.size(), insert.source->span);
    defaulted.assign(targets.size(), false);
    for (std::size_t i = 0; i < targets.size(); ++i) {
      take_identity(targets[i], span_of(insert.columns, i));
      rows.columns[i].value = lowerer.assign(std::move(rows.columns[i].value),
                                             table.columns[targets[i]], span_of(insert.columns, i));
    }
  }
  std::uint32_t next = 0;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (!defaulted.empty() && defaulted[i]) continue;
    result.columns_from[targets[i]] = {ValueOrigin::kSource, next, {}};
    rows.columns[next].name = table.columns[targets[i]].name;
    ++next;
  }
  // The other columns: their defaults.
  for (std::uint32_t c = 0; c < table.columns.size(); ++c) {
    if (result.columns_from[c].origin != ValueOrigin::kNull) continue;
    const ColumnDescription& column = table.columns[c];
    if (column.generated) continue;
    Place place;
    place.scope = &none;
    place.clause = "DEFAULT";
    place.one_row = rows.exactly_one;
    std::string sequence;
    std::optional<Expression> value = default_of(lowerer, column, place, sequence);
    if (!value) {
      result.columns_from[c] = {ValueOrigin::kSequence, 0, std::move(sequence)};
    } else if (value->op != ExpressionOp::kNull) {
      result.columns_from[c] = {
          ValueOrigin::kSource, static_cast<std::uint32_t>(rows.columns.size()), {}};
      rows.columns.push_back({column.name, {std::move(*value), column.type}, 0, 0});
    }
  }
  for (ScopeColumn& column : rows.columns) {
    if (column.value.type.oid == 0) column.value.type = {oids::kText, -1};
  }
  const std::size_t width = rows.columns.size();
  result.source = lowerer.finish(std::move(rows), width);

  const bool has_generated = std::any_of(table.columns.begin(), table.columns.end(),
                                         [](const ColumnDescription& c) { return c.generated; });
  if (has_generated) {
    Lowerer inner(context);
    Scope scope;
    Rows whole;
    std::vector<ScopeItem> items = given_items(inner, {&table}, true, whole.body);
    const std::vector<Expression> raw = raw_row(whole.body, 0);
    put_in_scope(scope, std::move(items[0]));
    Place place;
    place.scope = &scope;
    place.clause = "column generation expression";
    ++inner.view_depth_;
    for (std::size_t c = 0; c < table.columns.size(); ++c) {
      const ColumnDescription& column = table.columns[c];
      ScopeColumn out{column.name, {raw[c], column.type}, 0, 0};
      if (column.generated && column.default_value != nullptr) {
        out.value = inner.assign(inner.expression(*column.default_value, place), column, {});
      }
      whole.columns.push_back(std::move(out));
    }
    result.generated = inner.finish(std::move(whole), table.columns.size());
  }

  if (insert.on_conflict) {
    const ast::OnConflict& conflict = *insert.on_conflict;
    if (!target_of.views.empty()) lowerer.unsupported("ON CONFLICT of a view", conflict.span);
    result.on_conflict = conflict.do_update ? ConflictAction::kUpdate : ConflictAction::kNothing;
    if (conflict.target_where) lowerer.unsupported("ON CONFLICT with WHERE", conflict.span);
    if (conflict.constraint) {
      for (std::uint32_t k = 0; k < table.keys.size(); ++k) {
        if (table.keys[k].constraint && table.keys[k].name == conflict.constraint->text) {
          result.conflict_keys.push_back(k);
        }
      }
      if (result.conflict_keys.empty()) {
        lowerer.fail("42704",
                     "constraint \"" + conflict.constraint->text + "\" for table \"" + table.name +
                         "\" does not exist",
                     conflict.constraint->span);
      }
    } else if (!conflict.target.empty()) {
      std::vector<std::uint32_t> columns;
      for (const ast::IndexElement& element : conflict.target) {
        const auto* const ref = element.expression.as<ast::ColumnRef>();
        if (ref == nullptr) lowerer.unsupported("ON CONFLICT of an expression", element.span);
        columns.push_back(column_of(lowerer, table, ref->parts.back()));
      }
      std::sort(columns.begin(), columns.end());
      for (std::uint32_t k = 0; k < table.keys.size(); ++k) {
        std::vector<std::uint32_t> key = table.keys[k].columns;
        std::sort(key.begin(), key.end());
        if (key == columns) result.conflict_keys.push_back(k);
      }
      if (result.conflict_keys.empty()) {
        lowerer.fail("42P10",
                     "there is no unique or exclusion constraint matching the ON CONFLICT "
                     "specification",
                     conflict.span);
      }
    } else {
      if (conflict.do_update) {
        lowerer.fail("42601",
                     "ON CONFLICT DO UPDATE requires inference specification or constraint name",
                     conflict.span, "For example, ON CONFLICT (column_name).");
      }
      for (std::uint32_t k = 0; k < table.keys.size(); ++k) result.conflict_keys.push_back(k);
    }
    if (conflict.do_update) {
      Lowerer inner(context);
      inner.parameters_known_ = parameters_known;
      Rows changed;
      std::vector<ScopeItem> items = given_items(inner, {&table, &table}, true, changed.body);
      std::vector<Expression> raw = raw_row(changed.body, 0);
      if (insert.alias) items[0].alias = insert.alias->text;
      if (insert.alias) items[0].schema.clear();
      items[1].alias = "excluded";
      items[1].schema.clear();
      Scope scope;
      put_in_scope(scope, items[0]);
      // Excluded's columns need their name before them.
      scope.items.push_back(items[1]);
      Place place;
      place.scope = &scope;
      place.out = place.domain = &changed.body;
      if (conflict.where) inner.condition(*conflict.where, place);
      std::vector<InsertColumn> from;
      std::vector<std::uint32_t> assigned;
      std::vector<Typed> row = inner.assigned_row(
          target_of, conflict.assignments, items[0],
          {raw.begin(), raw.begin() + static_cast<std::ptrdiff_t>(table.columns.size())}, place,
          assigned, from);
      for (std::size_t c = 0; c < table.columns.size(); ++c) {
        changed.columns.push_back({table.columns[c].name, {raw[c], table.columns[c].type}, 0, 0});
      }
      for (std::size_t c = 0; c < table.columns.size(); ++c) {
        changed.columns.push_back({table.columns[c].name, std::move(row[c]), 0, 0});
      }
      const std::size_t all = changed.columns.size();
      result.conflict_update = inner.finish(std::move(changed), all);
    }
  }
  if (!insert.returning.empty()) {
    Lowerer inner(context);
    inner.parameters_known_ = parameters_known;
    Rows returned;
    std::vector<ScopeItem> items = given_items(inner, {&table}, false, returned.body);
    ScopeItem item = shown_item(inner, target_of, std::move(items[0]), nullptr);
    if (insert.alias) {
      item.alias = insert.alias->text;
      item.schema.clear();
    }
    Scope scope;
    put_in_scope(scope, std::move(item));
    add_returning(inner, insert.returning, scope, returned, returned.body);
    const std::size_t all = returned.columns.size();
    result.returning = inner.finish(std::move(returned), all);
  }
  return result;
}

}  // namespace

std::vector<Typed> Lowerer::assigned_row(const ChangeTarget& target_of,
                                         const std::vector<ast::Assignment>& assignments,
                                         const ScopeItem& item, const std::vector<Expression>& old,
                                         Place& place, std::vector<std::uint32_t>& assigned,
                                         std::vector<InsertColumn>& from) {
  const TableDescription& table = *target_of.table;
  std::vector<Typed> row;
  from.assign(table.columns.size(), {ValueOrigin::kSource, 0, {}});
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    row.push_back({old[c], table.columns[c].type});
  }
  auto take = [&](const ast::AssignmentTarget& target) {
    if (!target.fields.empty() || !target.subscripts.empty()) {
      unsupported("an assignment to a part of a column", target.column.span);
    }
    const std::uint32_t c = column_of(*this, target_of, target.column, "update");
    const ColumnDescription& column = table.columns[c];
    if (std::find(assigned.begin(), assigned.end(), c) != assigned.end()) {
      fail("42601", "multiple assignments to same column \"" + column.name + "\"",
           target.column.span);
    }
    assigned.push_back(c);
    return c;
  };
  auto refuse_fixed = [&](const ast::AssignmentTarget& target, const ColumnDescription& column) {
    if (column.identity != IdentityKind::kAlways && !column.generated) return;
    fail("428C9", "column \"" + column.name + "\" can only be updated to DEFAULT",
         target.column.span, {},
         column.generated
             ? "Column \"" + column.name + "\" is a generated column."
             : "Column \"" + column.name + "\" is an identity column defined as GENERATED ALWAYS.");
  };
  auto set = [&](const ast::AssignmentTarget& target, const ast::Expression& value) {
    const std::uint32_t c = take(target);
    const ColumnDescription& column = table.columns[c];
    if (value.as<ast::DefaultValue>() != nullptr) {
      std::string sequence;
      std::optional<Expression> made = default_of(*this, column, place, sequence);
      if (!made) {
        from[c] = {ValueOrigin::kSequence, 0, std::move(sequence)};
      } else {
        row[c].value = std::move(*made);
      }
      return;
    }
    refuse_fixed(target, column);
    row[c] = assign(expression(value, place), column, value.span);
  };
  for (const ast::Assignment& assignment : assignments) {
    if (assignment.targets.size() == 1) {
      const auto* const fields = assignment.value.as<ast::Row>();
      const bool one = assignment.multiple && fields != nullptr && fields->fields.size() == 1;
      set(assignment.targets[0], one ? fields->fields[0] : assignment.value);
      continue;
    }
    if (const auto* const query = assignment.value.as<ast::Subquery>();
        query != nullptr && query->kind == ast::SubqueryKind::kScalar) {
      std::vector<Typed> values = subquery_columns(*query->query, place);
      if (values.size() != assignment.targets.size()) {
        fail("42601", "number of columns does not match number of values", assignment.span);
      }
      for (std::size_t i = 0; i < values.size(); ++i) {
        const std::uint32_t c = take(assignment.targets[i]);
        refuse_fixed(assignment.targets[i], table.columns[c]);
        row[c] = assign(std::move(values[i]), table.columns[c], assignment.value.span);
      }
      continue;
    }
    const auto* const fields = assignment.value.as<ast::Row>();
    if (fields == nullptr) {
      fail("0A000",
           "source for a multiple-column UPDATE item must be a sub-SELECT or ROW() expression",
           assignment.value.span);
    }
    if (fields->fields.size() != assignment.targets.size()) {
      fail("42601", "number of columns does not match number of values", assignment.span);
    }
    for (std::size_t i = 0; i < assignment.targets.size(); ++i) {
      set(assignment.targets[i], fields->fields[i]);
    }
  }
  std::sort(assigned.begin(), assigned.end());
  // Generated columns follow the new values.
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    const ColumnDescription& column = table.columns[c];
    if (!column.generated || column.default_value == nullptr) continue;
    Scope scope;
    ScopeItem after = item;
    for (std::size_t i = 0; i < after.columns.size(); ++i) {
      after.columns[i].value = column_value(row[i].value, table.columns[i].type);
    }
    put_in_scope(scope, std::move(after));
    Place inside;
    inside.scope = &scope;
    inside.clause = "column generation expression";
    ++view_depth_;
    row[c] = assign(expression(*column.default_value, inside), column, {});
    --view_depth_;
  }
  return row;
}

namespace {

LoweredUpdate update_pass(const ast::Update& update, const LoweringContext& context) {
  LoweredUpdate result;
  Lowerer lowerer(context);
  const ChangeTarget target_of = change_target(lowerer, update.table, "UPDATE");
  const TableDescription& table = *target_of.table;
  result.table = &table;
  if (update.with) lowerer.declare_common_tables(*update.with, nullptr);
  Rows rows;
  Scope scope;
  lowerer.reads_.insert(table.relation);
  const ScopeItem item = lowerer.table_item(table, table.relation, rows.body);
  const std::vector<Expression> old = raw_row(rows.body, 0);
  ScopeItem shown = shown_item(lowerer, target_of, item, &rows.body);
  if (update.alias) {
    shown.alias = update.alias->text;
    shown.schema.clear();
  }
  const std::size_t shown_columns = shown.columns.size();
  put_in_scope(scope, std::move(shown));
  lowerer.from_items(update.from, scope, rows.body);
  Place place;
  place.scope = &scope;
  place.out = place.domain = &rows.body;
  if (update.where) lowerer.condition(*update.where, place);
  place.clause = "UPDATE";
  std::vector<Typed> row = lowerer.assigned_row(target_of, update.assignments, item, old, place,
                                                result.assigned, result.columns_from);
  const auto width = static_cast<std::uint32_t>(table.columns.size());
  for (std::uint32_t c = 0; c < width; ++c) {
    rows.columns.push_back({table.columns[c].name, {old[c], table.columns[c].type}, 0, 0});
  }
  for (std::uint32_t c = 0; c < width; ++c) {
    result.columns_from[c].source = width + c;
    rows.columns.push_back({table.columns[c].name, row[c], 0, 0});
  }
  if (!update.returning.empty()) {
    result.has_returning = true;
    for (const InsertColumn& from : result.columns_from) {
      if (from.origin == ValueOrigin::kSequence) {
        lowerer.unsupported("RETURNING beside SET … = DEFAULT of a sequence", update.table.span);
      }
    }
    // The target's columns have their new values.
    Scope after = scope;
    ScopeItem changed = item;
    for (std::size_t c = 0; c < width; ++c) {
      changed.columns[c].value = column_value(row[c].value, table.columns[c].type);
    }
    changed = shown_item(lowerer, target_of, std::move(changed), nullptr);
    for (std::size_t c = 0; c < shown_columns; ++c) {
      after.items[0].columns[c].value = changed.columns[c].value;
      after.visible[c].column.value = changed.columns[c].value;
    }
    add_returning(lowerer, update.returning, after, rows, rows.body);
  }
  const std::size_t all = rows.columns.size();
  result.source = lowerer.finish(std::move(rows), all);
  result.returning.assign(result.source.columns.begin() + 2 * static_cast<std::ptrdiff_t>(width),
                          result.source.columns.end());
  return result;
}

LoweredDelete delete_pass(const ast::Delete& remove, const LoweringContext& context) {
  LoweredDelete result;
  Lowerer lowerer(context);
  const ChangeTarget target_of = change_target(lowerer, remove.table, "DELETE");
  const TableDescription& table = *target_of.table;
  result.table = &table;
  if (remove.with) lowerer.declare_common_tables(*remove.with, nullptr);
  Rows rows;
  Scope scope;
  ScopeItem item = lowerer.table_item(table, table.relation, rows.body);
  const std::vector<Expression> old = raw_row(rows.body, 0);
  item = shown_item(lowerer, target_of, std::move(item), &rows.body);
  if (remove.alias) {
    item.alias = remove.alias->text;
    item.schema.clear();
  }
  put_in_scope(scope, std::move(item));
  lowerer.from_items(remove.using_items, scope, rows.body);
  Place place;
  place.scope = &scope;
  place.out = place.domain = &rows.body;
  if (remove.where) lowerer.condition(*remove.where, place);
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    rows.columns.push_back({table.columns[c].name, {old[c], table.columns[c].type}, 0, 0});
  }
  if (!remove.returning.empty()) {
    result.has_returning = true;
    add_returning(lowerer, remove.returning, scope, rows, rows.body);
  }
  const std::size_t all = rows.columns.size();
  result.source = lowerer.finish(std::move(rows), all);
  result.returning.assign(
      result.source.columns.begin() + static_cast<std::ptrdiff_t>(table.columns.size()),
      result.source.columns.end());
  return result;
}

}  // namespace

}  // namespace internal

Expected<LoweredInsert> lower_insert(const grammar::sql::Insert& insert,
                                     const LoweringContext& context) {
  return internal::guarded<LoweredInsert>([&] {
    LoweredInsert first = internal::insert_pass(insert, context, false);
    auto optional = [](const std::optional<LoweredQuery>& query) {
      return query ? &*query : nullptr;
    };
    const std::vector<const LoweredQuery*> queries{&first.source, optional(first.conflict_update),
                                                   optional(first.returning)};
    const std::vector<SqlType> all = internal::merged_parameters(queries);
    const bool unknown =
        std::any_of(all.begin(), all.end(), [](const SqlType& type) { return type.oid == 0; });
    if (internal::agree(queries, all) && !unknown) return first;
    LoweringContext known = context;
    known.parameter_types = all;
    return internal::insert_pass(insert, known, true);
  });
}

Expected<LoweredUpdate> lower_update(const grammar::sql::Update& update,
                                     const LoweringContext& context) {
  return internal::guarded<LoweredUpdate>([&] { return internal::update_pass(update, context); });
}

Expected<LoweredDelete> lower_delete(const grammar::sql::Delete& remove,
                                     const LoweringContext& context) {
  return internal::guarded<LoweredDelete>([&] { return internal::delete_pass(remove, context); });
}

}  // namespace entail::sql2datalog
