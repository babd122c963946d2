#include "tests/property/body_generator.h"

#include <array>

#include "vm/base/ensure.h"

namespace entail::testing {

// ------------------------------ values

std::string_view BodyGenerator::type_name(Kind kind, bool named) {
  switch (kind) {
    case Kind::kNumber:
      return "number";
    case Kind::kText:
      return named ? "string" : "symbol";
    case Kind::kUnsigned:
      return "unsigned";
    case Kind::kFloat:
      return named ? "double" : "float";
  }
  ENTAIL_UNREACHABLE("a kind that does not exist");
}

std::string BodyGenerator::constant(Kind kind) {
  switch (kind) {
    case Kind::kNumber:
      if (chance(3)) {
        use(C::kWrapAround);
        return random_
            .pick(std::array<std::string_view, 3>{"9223372036854775807", "-9223372036854775807",
                                                  "4294967299"})
            .data();
      }
      return std::to_string(random_.between(-1, 6));
    case Kind::kText:
      return std::string("\"") +
             random_
                 .pick(std::array<std::string_view, 7>{"", "a", "b", "ab", "a text of many bytes",
                                                       "another long text", "7"})
                 .data() +
             "\"";
    case Kind::kUnsigned:
      return std::to_string(random_.below(6)) + "u";
    case Kind::kFloat:
      return random_
          .pick(
              std::array<std::string_view, 7>{"0.0", "1.5", "-2.25", "0.1", "0.2", "1e17", "-1e17"})
          .data();
  }
  ENTAIL_UNREACHABLE("a kind that does not exist");
}

Kind BodyGenerator::any_kind() {
  const auto draw = random_.below(10);
  if (draw < 6) return Kind::kNumber;
  if (draw < 8) return Kind::kText;
  if (draw < 9) {
    use(C::kUnsigned);
    return Kind::kUnsigned;
  }
  use(C::kFloat);
  return Kind::kFloat;
}

// ------------------------------ declarations

void BodyGenerator::declare_types() {
  declarations_ += ".type Pair = [a: number, b: symbol]\n";
  declarations_ += ".type Shape = Dot {} | Box {w: number, h: number} | Tag {t: symbol}\n";
  declarations_ += "enum Level { LOW, MID, HIGH }\n";
  declarations_ += "function twice(v: number) -> number = v + v;\n";
  declarations_ +=
      "table grade(v: number) -> (g: number) policy first {\n"
      "  0 => 10;\n  1, 2 => 20;\n  [3..4] => 30;\n  _ => 40;\n}\n";
}

void BodyGenerator::declare(const RelationShape& shape, std::string_view qualifier) {
  std::string columns;
  for (std::size_t i = 0; i < shape.columns.size(); ++i) {
    if (i > 0) columns += ", ";
    columns +=
        "c" + std::to_string(i) + ": " + std::string(type_name(shape.columns[i].kind, shape.named));
    if (shape.columns[i].nullable) columns += "?";
  }
  if (shape.named) {
    declarations_ +=
        "relation " + shape.name + "(" + columns + ")" + std::string(qualifier) + ";\n";
  } else {
    declarations_ += ".decl " + shape.name + "(" + columns + ")" + std::string(qualifier) + "\n";
  }
  program_.outputs.push_back(shape.name);
}

void BodyGenerator::fact(const RelationShape& shape, const std::vector<std::string>& values) {
  rules_ += shape.name + "(";
  for (std::size_t i = 0; i < values.size(); ++i) rules_ += (i > 0 ? ", " : "") + values[i];
  rules_ += ").\n";
}

// What a fact does not name is null; so is an empty value.
void BodyGenerator::named_fact(const RelationShape& shape, const std::vector<std::string>& values) {
  std::string text;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i].empty()) continue;
    text += (text.empty() ? "c" : ", c") + std::to_string(i) + ": " + values[i];
  }
  rules_ += shape.name + "{" + text + "}.\n";
}

void BodyGenerator::random_facts(const RelationShape& shape, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<std::string> values;
    bool has_null = false;
    for (const Column& column : shape.columns) {
      const bool is_null = column.nullable && chance(25);
      has_null = has_null || is_null;
      values.push_back(is_null ? "" : constant(column.kind));
    }
    has_null ? named_fact(shape, values) : fact(shape, values);
  }
}

void BodyGenerator::base_relation() {
  RelationShape shape;
  shape.name = fresh("e");
  const std::size_t arity = chance(8) ? 5 + random_.below(2) : 1 + random_.below(3);
  if (arity >= 5) use(C::kWideRow);
  for (std::size_t i = 0; i < arity; ++i)
    shape.columns.push_back({i == 0 ? Kind::kNumber : any_kind(), false});
  std::string qualifier;
  if (chance(45)) {
    shape.named = true;
    if (chance(50)) {
      use(C::kNullable);
      for (std::size_t i = 1; i < arity; ++i) shape.columns[i].nullable = chance(60);
    }
    if (chance(45)) {
      use(C::kKeyed);
      qualifier = " key (c0)";
    } else {
      use(C::kBag);
    }
  }
  declare(shape, qualifier);
  if (!shape.named && arity == 2 && shape.columns[1].kind == Kind::kNumber && chance(25)) {
    // More rows than a batch holds.
    use(C::kManyRows);
    use(C::kRange);
    rules_ += shape.name + "(x, y) :- x = range(0, " + std::to_string(20 + random_.below(60)) +
              "), y = (x * " + std::to_string(1 + random_.below(7)) + ") % 23.\n";
  }
  random_facts(shape, random_.below(12));
  relations_.push_back(shape);
}

// ------------------------------ bodies

const VariableShape* BodyGenerator::find(const BodyText& body, Kind kind, bool allow_nullable) {
  std::vector<const VariableShape*> fitting;
  for (const VariableShape& v : body.variables) {
    if (v.kind == kind && (allow_nullable || !v.nullable)) fitting.push_back(&v);
  }
  return fitting.empty() ? nullptr : random_.pick(fitting);
}

std::string BodyGenerator::atom(BodyText& body, const RelationShape& shape,
                                unsigned reuse_percent) {
  std::string text = shape.name + "(";
  std::vector<VariableShape> added;
  for (std::size_t i = 0; i < shape.columns.size(); ++i) {
    const Column& column = shape.columns[i];
    if (i > 0) text += ", ";
    const VariableShape* known = find(body, column.kind, true);
    if (known != nullptr && known->nullable == column.nullable && chance(reuse_percent)) {
      text += known->name;
      use(C::kJoin);
    } else if (!added.empty() && added.back().kind == column.kind &&
               added.back().nullable == column.nullable && chance(10)) {
      use(C::kRepeatedVariable);
      text += added.back().name;
    } else if (chance(8)) {
      use(C::kConstant);
      text += constant(column.kind);
    } else if (chance(10)) {
      use(C::kWildcard);
      text += "_";
    } else {
      const VariableShape variable{fresh("v"), column.kind, column.nullable};
      text += variable.name;
      added.push_back(variable);
    }
  }
  body.variables.insert(body.variables.end(), added.begin(), added.end());
  return text + ")";
}

std::string BodyGenerator::test_atom(const BodyText& body, const RelationShape& shape) {
  std::string text = shape.name + "(";
  for (std::size_t i = 0; i < shape.columns.size(); ++i) {
    const Column& column = shape.columns[i];
    if (i > 0) text += ", ";
    const VariableShape* known = find(body, column.kind, true);
    if (known != nullptr && known->nullable == column.nullable && chance(70)) {
      text += known->name;
    } else {
      text += chance(25) ? constant(column.kind) : "_";
    }
  }
  return text + ")";
}

std::string BodyGenerator::number_expression(const BodyText& body, unsigned depth) {
  const VariableShape* v = find(body, Kind::kNumber, false);
  if (depth == 0 || v == nullptr || chance(35))
    return v != nullptr && chance(75) ? v->name : constant(Kind::kNumber);
  use(C::kArithmetic);
  const std::string a = number_expression(body, depth - 1), b = number_expression(body, depth - 1);
  switch (random_.below(9)) {
    case 0:
      return "(" + a + " + " + b + ")";
    case 1:
      return "(" + a + " - " + b + ")";
    case 2:
      return "(" + a + " * " + b + ")";
    case 3:
      return "(" + a + " band " + b + ")";
    case 4:
      return "(" + a + " bxor " + b + ")";
    case 5:
      return "min(" + a + ", " + b + ")";
    case 6:
      return "max(" + a + ", " + b + ")";
    case 7:
      return "(" + a + " % 5)";
    default:
      use(C::kFunction);
      return "twice(" + a + ")";
  }
}

const RelationShape& BodyGenerator::any_relation() { return random_.pick(relations_); }

const RelationShape* BodyGenerator::relation_with_numbers(std::size_t columns) {
  std::vector<const RelationShape*> fitting;
  for (const RelationShape& r : relations_) {
    if (r.columns.size() < columns) continue;
    bool plain = true;
    for (std::size_t i = 0; i < columns; ++i)
      plain = plain && r.columns[i].kind == Kind::kNumber && !r.columns[i].nullable;
    if (plain) fitting.push_back(&r);
  }
  return fitting.empty() ? nullptr : random_.pick(fitting);
}

BodyGenerator::BodyText BodyGenerator::positive_body() {
  BodyText body;
  const std::size_t atoms = 1 + random_.below(3);
  const RelationShape* previous = nullptr;
  for (std::size_t i = 0; i < atoms; ++i) {
    const RelationShape& r = any_relation();
    if (previous == &r) use(C::kSelfJoin);
    const std::size_t before = body.variables.size();
    const bool joined = i == 0 || atoms < 3;
    body.add(atom(body, r, joined ? 45 : 80));
    if (i > 0 && body.variables.size() == before + r.columns.size()) use(C::kCrossProduct);
    previous = &r;
  }
  return body;
}

void BodyGenerator::decorate(BodyText& body) {
  const VariableShape* number = find(body, Kind::kNumber, false);
  switch (random_.below(13)) {
    case 0:
      if (number == nullptr) return;
      use(C::kComparison);
      body.add(
          number->name + " " +
          random_.pick(std::array<std::string_view, 6>{"<", "<=", ">", ">=", "!=", "="}).data() +
          " " + number_expression(body, 1));
      return;
    case 1: {
      use(C::kNegation);
      body.add("!" + test_atom(body, any_relation()));
      return;
    }
    case 2: {
      use(C::kNegatedConjunction);
      const std::string a = test_atom(body, any_relation());
      body.add("!(" + a + ", " + test_atom(body, any_relation()) + ")");
      return;
    }
    case 3: {
      use(C::kExists);
      BodyText inner = body;
      const std::string a = atom(inner, any_relation(), 60);
      const std::string b = atom(inner, any_relation(), 80);
      body.add("exists { " + a + ", " + b + " }");
      return;
    }
    case 4: {
      const std::string a = test_atom(body, any_relation());
      use(C::kDisjunction);
      body.add("(" + a + " ; " + test_atom(body, any_relation()) + ")");
      return;
    }
    case 5: {
      if (number == nullptr) return;
      const std::string v = fresh("v");
      body.add(v + " = " + number_expression(body));
      body.variables.push_back({v, Kind::kNumber, false});
      return;
    }
    case 6:
      aggregate(body);
      return;
    case 7: {
      const VariableShape* text = find(body, Kind::kText, false);
      if (text == nullptr) return;
      use(C::kText);
      text_literal(body, text->name);
      return;
    }
    case 8: {
      const VariableShape* nullable = nullptr;
      for (const VariableShape& v : body.variables) {
        if (v.nullable) nullable = &v;
      }
      if (nullable == nullptr) return;
      use(C::kIsNull);
      switch (random_.below(3)) {
        case 0:
          body.add(nullable->name + " is null");
          return;
        case 1:
          body.add(nullable->name + " is not null");
          return;
        default:
          use(C::kComparison);
          body.add(nullable->name + " >= " + constant(nullable->kind));
      }
      return;
    }
    case 9: {
      if (number == nullptr) return;
      // The division is safe only because the filter stands before it.
      use(C::kFailingFilterOrder);
      const std::string v = fresh("v");
      // Or because of a product with a value of another atom, which makes the filter wait.
      const VariableShape* other = chance(60) ? find(body, Kind::kNumber, false) : nullptr;
      body.add(number->name + (other != nullptr ? " * " + other->name : "") + " != 0");
      body.add(v + " = 12 / " + number->name);
      body.variables.push_back({v, Kind::kNumber, false});
      return;
    }
    case 10: {
      if (number == nullptr) return;
      use(C::kRange);
      const std::string v = fresh("v");
      body.add(v + " = range(0, " + number->name + " % 4)");
      body.variables.push_back({v, Kind::kNumber, false});
      return;
    }
    case 11: {
      if (number == nullptr) return;
      use(C::kDecisionTable);
      const std::string v = fresh("v");
      body.add("[" + v + "] = grade(" + number->name + ")");
      body.variables.push_back({v, Kind::kNumber, false});
      return;
    }
    default: {
      const RelationShape* other = relation_with_numbers(1);
      if (number == nullptr || other == nullptr) return;
      // Bound before the atom is added: its variables must not be the outer one.
      const std::string outer = number->name;
      use(C::kInequalityJoin);
      BodyText inner;
      const std::string text = atom(inner, *other, 0);
      const VariableShape* inner_number = find(inner, Kind::kNumber, false);
      if (inner_number == nullptr) return;
      body.add(text);
      body.add(outer + " < " + inner_number->name);
      body.variables.insert(body.variables.end(), inner.variables.begin(), inner.variables.end());
    }
  }
}

void BodyGenerator::text_literal(BodyText& body, const std::string& text) {
  switch (random_.below(4)) {
    case 0: {
      const std::string v = fresh("v");
      body.add(v + " = cat(" + text + ", \"-tail\")");
      body.variables.push_back({v, Kind::kText, false});
      return;
    }
    case 1:
      body.add("contains(\"a\", " + text + ")");
      return;
    case 2: {
      const std::string v = fresh("v");
      body.add(v + " = strlen(" + text + ")");
      body.variables.push_back({v, Kind::kNumber, false});
      return;
    }
    default: {
      const std::string v = fresh("v");
      body.add(v + " = substr(" + text + ", 1, 9)");
      body.variables.push_back({v, Kind::kText, false});
    }
  }
}

void BodyGenerator::aggregate(BodyText& body) {
  BodyText inner = body;
  const std::size_t outer_count = inner.variables.size();
  std::string text = atom(inner, any_relation(), 35);
  if (chance(30)) text += ", " + atom(inner, any_relation(), 60);
  if (chance(30)) {
    use(C::kNestedAggregate);
    use(C::kCount);
    const std::string n = fresh("v");
    BodyText nested = inner;
    text += ", " + n + " = count : { " + atom(nested, any_relation(), 50) + " }";
    inner.variables.push_back({n, Kind::kNumber, false});
  }
  std::vector<VariableShape> locals(
      inner.variables.begin() + static_cast<std::ptrdiff_t>(outer_count), inner.variables.end());
  const std::string result = fresh("v");
  std::vector<VariableShape> numeric;
  for (const VariableShape& v : locals) {
    if (!v.nullable && v.kind != Kind::kText) numeric.push_back(v);
  }
  if (numeric.empty() || chance(30)) {
    use(C::kCount);
    body.add(result + " = count : { " + text + " }");
    body.variables.push_back({result, Kind::kNumber, false});
    return;
  }
  const VariableShape v = random_.pick(numeric);
  switch (random_.below(4)) {
    case 0:
      use(v.kind == Kind::kFloat ? C::kFloatSum : C::kSum);
      body.add(result + " = sum " + v.name + " : { " + text + " }");
      body.variables.push_back({result, v.kind, false});
      return;
    case 1:
      use(C::kMin);
      body.add(result + " = min " + v.name + " : { " + text + " }");
      body.variables.push_back({result, v.kind, false});
      return;
    case 2:
      use(C::kMax);
      body.add(result + " = max " + v.name + " : { " + text + " }");
      body.variables.push_back({result, v.kind, false});
      return;
    default:
      if (v.kind != Kind::kFloat) return;
      use(C::kMean);
      body.add(result + " = mean " + v.name + " : { " + text + " }");
      body.variables.push_back({result, Kind::kFloat, false});
  }
}

BodyGenerator::BodyText BodyGenerator::body() {
  BodyText result = positive_body();
  const std::size_t decorations = random_.below(4);
  for (std::size_t i = 0; i < decorations; ++i) decorate(result);
  return result;
}

}  // namespace entail::testing
