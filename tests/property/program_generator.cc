#include "tests/property/program_generator.h"

#include <algorithm>
#include <array>
#include <map>

#include "vm/base/ensure.h"
#include "vm/base/random.h"

namespace entail::testing {

namespace {

constexpr std::array<std::string_view, kConstructCount> kNames = {"join",
                                                                  "self-join",
                                                                  "repeated variable",
                                                                  "constant",
                                                                  "wildcard",
                                                                  "comparison",
                                                                  "arithmetic",
                                                                  "wrap-around",
                                                                  "failing filter order",
                                                                  "text",
                                                                  "negation",
                                                                  "negated conjunction",
                                                                  "exists",
                                                                  "disjunction",
                                                                  "count",
                                                                  "sum",
                                                                  "min",
                                                                  "max",
                                                                  "mean",
                                                                  "float sum",
                                                                  "group by",
                                                                  "count distinct",
                                                                  "linear recursion",
                                                                  "non-linear recursion",
                                                                  "mutual recursion",
                                                                  "extremum recursion",
                                                                  "equivalence",
                                                                  "record",
                                                                  "variant",
                                                                  "range",
                                                                  "bag",
                                                                  "keyed",
                                                                  "nullable",
                                                                  "is null",
                                                                  "proposition",
                                                                  "inline",
                                                                  "component",
                                                                  "stated and derived",
                                                                  "unsigned",
                                                                  "float",
                                                                  "enumeration",
                                                                  "function",
                                                                  "decision table",
                                                                  "many rows",
                                                                  "several heads",
                                                                  "wide row",
                                                                  "inequality join",
                                                                  "cyclic body",
                                                                  "cross product",
                                                                  "nested aggregate",
                                                                  "data error"};

// The column types that programs use. Each has a small domain of constants.
enum class Kind : std::uint8_t { kNumber, kText, kUnsigned, kFloat };

struct Column {
  Kind kind = Kind::kNumber;
  bool nullable = false;
};

struct RelationShape {
  std::string name;
  std::vector<Column> columns;
  bool named = false;  // Declared with `relation`; same atoms, other declaration.
};

struct VariableShape {
  std::string name;
  Kind kind = Kind::kNumber;
  bool nullable = false;
};

class Generator {
 public:
  Generator(std::uint64_t seed, const GeneratorOptions& options)
      : random_(seed), options_(options) {}

  GeneratedProgram run() {
    declare_types();
    const std::size_t bases = 3 + random_.below(2);
    for (std::size_t i = 0; i < bases; ++i) base_relation();
    const std::size_t layers =
        static_cast<std::size_t>(random_.between(options_.layers_min, options_.layers_max));
    for (std::size_t i = 0; i < layers; ++i) layer();
    choose_query();
    if (chance(5)) data_error();
    program_.text = std::move(declarations_) + std::move(rules_);
    return std::move(program_);
  }

 private:
  using C = Construct;

  void use(Construct construct) { program_.coverage.set(static_cast<std::size_t>(construct)); }
  bool chance(std::uint64_t percent) { return random_.chance(percent, 100); }
  std::string fresh(std::string_view stem) {
    return std::string(stem) + std::to_string(counter_++);
  }

  // ---- values

  static std::string_view type_name(Kind kind, bool named) {
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

  std::string constant(Kind kind) {
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
            .pick(std::array<std::string_view, 7>{"0.0", "1.5", "-2.25", "0.1", "0.2", "1e17",
                                                  "-1e17"})
            .data();
    }
    ENTAIL_UNREACHABLE("a kind that does not exist");
  }

  Kind any_kind() {
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

  // ---- declarations

  void declare_types() {
    declarations_ += ".type Pair = [a: number, b: symbol]\n";
    declarations_ += ".type Shape = Dot {} | Box {w: number, h: number} | Tag {t: symbol}\n";
    declarations_ += "enum Level { LOW, MID, HIGH }\n";
    declarations_ += "function twice(v: number) -> number = v + v;\n";
    declarations_ +=
        "table grade(v: number) -> (g: number) policy first {\n"
        "  0 => 10;\n  1, 2 => 20;\n  [3..4] => 30;\n  _ => 40;\n}\n";
  }

  void declare(const RelationShape& shape, std::string_view qualifier = "") {
    std::string columns;
    for (std::size_t i = 0; i < shape.columns.size(); ++i) {
      if (i > 0) columns += ", ";
      columns += "c" + std::to_string(i) + ": " +
                 std::string(type_name(shape.columns[i].kind, shape.named));
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

  void fact(const RelationShape& shape, const std::vector<std::string>& values) {
    rules_ += shape.name + "(";
    for (std::size_t i = 0; i < values.size(); ++i) rules_ += (i > 0 ? ", " : "") + values[i];
    rules_ += ").\n";
  }

  void random_facts(const RelationShape& shape, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      std::vector<std::string> values;
      for (const Column& column : shape.columns) {
        values.push_back(column.nullable && chance(25) ? "null" : constant(column.kind));
      }
      fact(shape, values);
    }
  }

  void base_relation() {
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

  // ---- bodies

  struct BodyText {
    std::string text;
    std::vector<VariableShape> variables;

    void add(const std::string& literal) { text += (text.empty() ? "" : ", ") + literal; }
  };

  const VariableShape* find(const BodyText& body, Kind kind, bool allow_nullable) {
    std::vector<const VariableShape*> fitting;
    for (const VariableShape& v : body.variables) {
      if (v.kind == kind && (allow_nullable || !v.nullable)) fitting.push_back(&v);
    }
    return fitting.empty() ? nullptr : random_.pick(fitting);
  }

  // A positive atom; new variables are added to the body.
  std::string atom(BodyText& body, const RelationShape& shape, unsigned reuse_percent = 45) {
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

  // An atom over bound variables, constants and wildcards only: for negation and existence.
  std::string test_atom(const BodyText& body, const RelationShape& shape) {
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

  std::string number_expression(const BodyText& body, unsigned depth = 2) {
    const VariableShape* v = find(body, Kind::kNumber, false);
    if (depth == 0 || v == nullptr || chance(35))
      return v != nullptr && chance(75) ? v->name : constant(Kind::kNumber);
    use(C::kArithmetic);
    const std::string a = number_expression(body, depth - 1),
                      b = number_expression(body, depth - 1);
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

  const RelationShape& any_relation() { return random_.pick(relations_); }

  const RelationShape* relation_with_numbers(std::size_t columns) {
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

  BodyText positive_body() {
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

  // One more literal of a random kind.
  void decorate(BodyText& body) {
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
        body.add(number->name + " != 0");
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

  void text_literal(BodyText& body, const std::string& text) {
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

  // A per-binding aggregate over one or two atoms, some columns tied to the outer body.
  void aggregate(BodyText& body) {
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

  BodyText body() {
    BodyText result = positive_body();
    const std::size_t decorations = random_.below(4);
    for (std::size_t i = 0; i < decorations; ++i) decorate(result);
    return result;
  }

  // ---- layers

  // Up to `arity` head columns from the body's variables.
  RelationShape head_shape(const BodyText& body, std::size_t arity,
                           std::vector<std::string>& terms) {
    RelationShape shape;
    shape.name = fresh("r");
    std::vector<VariableShape> candidates = body.variables;
    random_.shuffle(candidates);
    for (const VariableShape& v : candidates) {
      if (terms.size() == arity) break;
      shape.columns.push_back({v.kind, v.nullable});
      terms.push_back(v.name);
    }
    if (terms.empty()) {
      shape.columns.push_back({});
      terms.push_back(constant(Kind::kNumber));
    }
    for (const Column& column : shape.columns) shape.named = shape.named || column.nullable;
    return shape;
  }

  static std::string join_terms(const std::vector<std::string>& terms) {
    std::string text = "(";
    for (std::size_t i = 0; i < terms.size(); ++i) text += (i > 0 ? ", " : "") + terms[i];
    return text + ")";
  }

  void layer() {
    using Template = void (Generator::*)();
    static constexpr std::array<Template, 18> kTemplates = {
        &Generator::linear_recursion,
        &Generator::non_linear_recursion,
        &Generator::mutual_recursion,
        &Generator::extremum_recursion,
        &Generator::equivalence,
        &Generator::records,
        &Generator::group_by,
        &Generator::propositions_and_inline,
        &Generator::component,
        &Generator::cyclic_body,
        &Generator::several_heads,
        &Generator::enumeration,
        &Generator::floats,
        &Generator::nulls,
        &Generator::plain,
        &Generator::plain,
        &Generator::plain,
        &Generator::plain,
    };
    (this->*random_.pick(kTemplates))();
  }

  void plain() {
    const BodyText b = body();
    std::vector<std::string> terms;
    const RelationShape shape = head_shape(b, 1 + random_.below(4), terms);
    if (shape.named) use(C::kNullable);
    declare(shape);
    rules_ += shape.name + join_terms(terms) + " :- " + b.text + ".\n";
    // A second rule for the same head, where the types allow it.
    if (chance(40)) {
      const BodyText other = body();
      std::vector<std::string> other_terms;
      for (const Column& column : shape.columns) {
        const VariableShape* v = find(other, column.kind, column.nullable);
        other_terms.push_back(v != nullptr ? v->name : constant(column.kind));
      }
      rules_ += shape.name + join_terms(other_terms) + " :- " + other.text + ".\n";
    }
    if (chance(30)) {
      use(C::kStatedAndDerived);
      random_facts(shape, 1 + random_.below(3));
    }
    relations_.push_back(shape);
  }

  RelationShape numbers(std::string_view stem, std::size_t arity) {
    RelationShape shape;
    shape.name = fresh(stem);
    shape.columns.assign(arity, Column{});
    return shape;
  }

  // Rules of a recursive relation need a base of number pairs.
  std::string pair_source(std::string_view x, std::string_view y) {
    const RelationShape* r = relation_with_numbers(2);
    if (r == nullptr) {
      RelationShape made = numbers("e", 2);
      declare(made);
      for (std::size_t i = 0; i < 10; ++i)
        fact(made, {std::to_string(random_.below(7)), std::to_string(random_.below(7))});
      relations_.push_back(made);
      r = &relations_.back();
    }
    std::string text = r->name + "(" + std::string(x) + ", " + std::string(y);
    for (std::size_t i = 2; i < r->columns.size(); ++i) text += ", _";
    return text + ")";
  }

  void linear_recursion() {
    use(C::kLinearRecursion);
    const std::string base = pair_source("x", "y"), step = pair_source("y", "z");
    const RelationShape shape = numbers("r", 2);
    declare(shape);
    rules_ += shape.name + "(x, y) :- " + base + ".\n";
    switch (random_.below(4)) {
      case 0:
        rules_ += shape.name + "(x, z) :- " + shape.name + "(x, y), " + step + ".\n";
        break;
      case 1:
        rules_ +=
            shape.name + "(x, z) :- " + pair_source("x", "y") + ", " + shape.name + "(y, z).\n";
        break;
      case 2:
        use(C::kArithmetic);
        rules_ += shape.name + "(x, (y + 1) % 9) :- " + shape.name + "(x, y), y < 8.\n";
        break;
      default:
        use(C::kNegation);
        rules_ += shape.name + "(x, z) :- " + shape.name + "(x, y), " + step + ", !" +
                  pair_source("z", "x") + ".\n";
    }
    if (chance(30)) {
      use(C::kStatedAndDerived);
      random_facts(shape, 2);
    }
    relations_.push_back(shape);
  }

  void non_linear_recursion() {
    use(C::kNonLinearRecursion);
    const std::string base = pair_source("x", "y");
    const RelationShape shape = numbers("r", 2);
    declare(shape);
    rules_ += shape.name + "(x, y) :- " + base + ".\n";
    rules_ += shape.name + "(x, z) :- " + shape.name + "(x, y), " + shape.name + "(y, z)" +
              (chance(40) ? ", x != z" : "") + ".\n";
    relations_.push_back(shape);
  }

  void mutual_recursion() {
    use(C::kMutualRecursion);
    const std::string base = pair_source("x", "y"), step = pair_source("y", "z");
    const RelationShape p = numbers("r", 2), q = numbers("r", 2);
    declare(p);
    declare(q);
    rules_ += p.name + "(x, y) :- " + base + ".\n";
    rules_ += q.name + "(x, z) :- " + p.name + "(x, y), " + step + ".\n";
    rules_ += p.name + "(x, z) :- " + q.name + "(x, y), " + pair_source("y", "z") +
              (chance(50) ? ", x <= z" : "") + ".\n";
    if (chance(50)) rules_ += q.name + "(y, x) :- " + p.name + "(x, y), " + q.name + "(x, _).\n";
    relations_.push_back(p);
    relations_.push_back(q);
  }

  void extremum_recursion() {
    use(C::kExtremumRecursion);
    const std::string base = pair_source("x", "c"), step = pair_source("x", "y");
    const RelationShape shape = numbers("r", 2);
    declare(shape);
    const bool least = chance(60);
    if (least) {
      rules_ += shape.name + "(x, min(c)) :- " + base + ".\n";
      rules_ += shape.name + "(y, min(min(max(d, 0), 99) + 1)) :- " + shape.name + "(x, d), " +
                step + ".\n";
    } else {
      rules_ += shape.name + "(x, max(c)) :- " + base + ".\n";
      rules_ +=
          shape.name + "(y, max(min(d + 1, 12))) :- " + shape.name + "(x, d), " + step + ".\n";
    }
    relations_.push_back(shape);
  }

  void equivalence() {
    use(C::kEquivalence);
    const std::string base = pair_source("x", "y");
    const RelationShape shape = numbers("r", 2);
    declare(shape, " eqrel");
    rules_ += shape.name + "(x, y) :- " + base + (chance(50) ? ", x < y" : "") + ".\n";
    if (chance(40)) {
      use(C::kLinearRecursion);
      rules_ += shape.name + "(x, z) :- " + shape.name + "(x, y), " + pair_source("y", "z") +
                ", z > 2.\n";
    }
    relations_.push_back(shape);
  }

  void records() {
    const std::string base = pair_source("x", "y");
    if (chance(50)) {
      use(C::kRecord);
      const std::string made = fresh("p");
      declarations_ += ".decl " + made + "(k: number, v: Pair)\n";
      program_.outputs.push_back(made);
      rules_ += made + "(x, [y, \"a text of many bytes\"]) :- " + base + ".\n";
      rules_ += made + "(x, [x, cat(\"k\", \"\")]) :- " + base + ", x > y.\n";
      if (chance(50)) rules_ += made + "(0, nil).\n";
      RelationShape shape = numbers("r", 2);
      shape.columns.push_back({Kind::kText, false});
      declare(shape);
      rules_ += shape.name + "(x, a, b) :- " + made + "(x, [a, b]).\n";
      relations_.push_back(shape);
      if (chance(60)) {
        // Records that were made apart are one value when their fields are equal.
        const RelationShape same = numbers("r", 2);
        declare(same);
        rules_ += same.name + "(x, y) :- " + made + "(x, p), " + made + "(y, p), x != y.\n";
        relations_.push_back(same);
      }
    } else {
      use(C::kVariant);
      const std::string made = fresh("p");
      declarations_ += ".decl " + made + "(k: number, v: Shape)\n";
      program_.outputs.push_back(made);
      rules_ += made + "(x, $Box(x, y)) :- " + base + ", x != y.\n";
      rules_ += made + "(x, $Dot()) :- " + base + ", x = y.\n";
      rules_ += made + "(x, $Tag(to_string(y))) :- " + base + ".\n";
      const RelationShape shape = numbers("r", 3);
      declare(shape);
      rules_ += shape.name + "(x, w, h) :- " + made + "(x, $Box(w, h)).\n";
      relations_.push_back(shape);
    }
  }

  void group_by() {
    use(C::kGroupBy);
    const BodyText inner = positive_body();
    const VariableShape* key = nullptr;
    const VariableShape* value = nullptr;
    const VariableShape* text = nullptr;
    for (const VariableShape& v : inner.variables) {
      if (key == nullptr) {
        key = &v;
      } else if (!v.nullable && (v.kind == Kind::kNumber || v.kind == Kind::kFloat)) {
        value = &v;
      } else if (!v.nullable && v.kind == Kind::kText) {
        text = &v;
      }
    }
    if (key == nullptr) return plain();
    RelationShape shape;
    shape.name = fresh("r");
    shape.named = key->nullable;
    shape.columns = {{key->kind, key->nullable}, {Kind::kNumber, false}};
    std::string results = "n: count()";
    std::string terms = key->name + ", n";
    if (value != nullptr) {
      use(value->kind == Kind::kFloat ? C::kFloatSum : C::kSum);
      use(C::kMin);
      use(C::kMax);
      use(C::kCountDistinct);
      results += ", s: sum(" + value->name + "), lo: min(" + value->name + "), hi: max(" +
                 value->name + "), d: count_distinct(" + value->name + ")";
      terms += ", s, lo, hi, d";
      for (int i = 0; i < 3; ++i) shape.columns.push_back({value->kind, false});
      shape.columns.push_back({Kind::kNumber, false});
    }
    if (text != nullptr) {
      use(C::kText);
      use(C::kMin);
      use(C::kMax);
      results += ", tl: min(" + text->name + "), th: max(" + text->name + ")";
      terms += ", tl, th";
      for (int i = 0; i < 2; ++i) shape.columns.push_back({Kind::kText, false});
    }
    declare(shape);
    rules_ += shape.name + "(" + terms + ") :- group { " + inner.text + " } by " + key->name +
              " => { " + results + " }" + (chance(40) ? ", n > 1" : "") + ".\n";
    relations_.push_back(shape);
  }

  void propositions_and_inline() {
    const std::string base = pair_source("x", "y");
    use(C::kProposition);
    const std::string flag = fresh("f");
    declarations_ += ".decl " + flag + "()\n";
    program_.outputs.push_back(flag);
    rules_ += flag + "() :- " + pair_source("x", "x") + ".\n";
    use(C::kInline);
    const std::string helper = fresh("i");
    declarations_ += ".decl " + helper + "(x: number, y: number) inline\n";
    rules_ += helper + "(x, y) :- " + base + ", x <= y.\n";
    const RelationShape shape = numbers("r", 2);
    declare(shape);
    rules_ +=
        shape.name + "(x, y) :- " + helper + "(x, y), " + (chance(50) ? "" : "!") + flag + "().\n";
    rules_ += shape.name + "(y, x) :- " + helper + "(x, y), x = y.\n";
    relations_.push_back(shape);
  }

  void component() {
    use(C::kComponent);
    const std::string comp = fresh("C"), instance = fresh("k");
    const std::string base = pair_source("x", "y");
    rules_ += ".comp " + comp +
              "<T> { .decl in(x: T, y: T) .decl out(x: T, y: T)\n out(x, y) :- in(x, y).\n out(x, "
              "z) :- out(x, y), in(y, z). }\n";
    rules_ += ".init " + instance + " = " + comp + "<number>\n";
    rules_ += instance + ".in(x, y) :- " + base + ".\n";
    const RelationShape shape = numbers("r", 2);
    declare(shape);
    rules_ += shape.name + "(x, y) :- " + instance + ".out(x, y).\n";
    relations_.push_back(shape);
  }

  void cyclic_body() {
    use(C::kCyclicBody);
    const std::string a = pair_source("x", "y"), b = pair_source("y", "z"),
                      c = pair_source("x", "z");
    const RelationShape shape = numbers("r", 3);
    declare(shape);
    rules_ += shape.name + "(x, y, z) :- " + a + ", " + b + ", " + c + ".\n";
    relations_.push_back(shape);
  }

  void several_heads() {
    use(C::kSeveralHeads);
    const BodyText b = body();
    std::vector<std::string> terms;
    const RelationShape first = head_shape(b, 2, terms);
    std::vector<std::string> other_terms;
    const RelationShape second = head_shape(b, 1, other_terms);
    declare(first);
    declare(second);
    rules_ += first.name + join_terms(terms) + ", " + second.name + join_terms(other_terms) +
              " :- " + b.text + ".\n";
    relations_.push_back(first);
    relations_.push_back(second);
  }

  void enumeration() {
    use(C::kEnumeration);
    const std::string base = pair_source("x", "y");
    const std::string made = fresh("l");
    declarations_ += "relation " + made + "(id: number, level: Level) key (id);\n";
    program_.outputs.push_back(made);
    rules_ += made + "(1, \"LOW\").\n" + made + "(2, \"HIGH\").\n" + made + "(1, \"MID\").\n";
    const RelationShape shape = numbers("r", 2);
    declare(shape);
    rules_ += shape.name + "(x, y) :- " + base + ", " + made + "{id: x, level: \"MID\"}.\n";
    rules_ += shape.name + "(y, y) :- " + base + ", " + made + "{id: y, level: l}, l > \"LOW\".\n";
    relations_.push_back(shape);
  }

  void floats() {
    use(C::kFloat);
    const std::string base = pair_source("x", "y");
    RelationShape measured = numbers("e", 2);
    measured.columns[1].kind = Kind::kFloat;
    declare(measured);
    random_facts(measured, 3 + random_.below(8));
    RelationShape shape = numbers("r", 1);
    shape.columns.push_back({Kind::kFloat, false});
    declare(shape);
    const bool mean = chance(50);
    use(mean ? C::kMean : C::kFloatSum);
    rules_ += shape.name + "(x, m) :- " + base + ", m = " + (mean ? "mean" : "sum") + " f : { " +
              measured.name + "(" + (chance(50) ? "x" : "_") + ", f) }.\n";
    relations_.push_back(measured);
    relations_.push_back(shape);
  }

  void nulls() {
    use(C::kNullable);
    RelationShape stated = numbers("e", 3);
    stated.named = true;
    stated.columns[1].nullable = true;
    stated.columns[2] = {Kind::kText, true};
    declare(stated);
    use(C::kBag);
    random_facts(stated, 3 + random_.below(8));
    RelationShape shape = numbers("r", 2);
    declare(shape);
    const std::string& e = stated.name;
    const std::string head = shape.name + "(x, z) :- ";
    if (chance(60)) {
      use(C::kIsNull);
      rules_ += head + e + "(x, y, _), y is " + (chance(50) ? "not " : "") + "null, " +
                pair_source("x", "z") + ".\n";
    }
    // A variable repeated means identity, also of nulls.
    rules_ += head + e + "(x, y, t), " + e + "(z, y, " + (chance(50) ? "t" : "_") + ").\n";
    use(C::kSelfJoin);
    if (chance(60)) {
      use(C::kComparison);
      rules_ += head + e + "(x, y, _), " + e + "(z, w, _), y " + (chance(50) ? "=" : "<") + " w.\n";
    }
    if (chance(30)) rules_ += head + e + "(x, _, _), " + e + "(z, null, _).\n";
    relations_.push_back(stated);
    relations_.push_back(shape);
  }

  // The only rule that can fail is the last one, and nobody reads what it derives.
  void data_error() {
    use(C::kDataError);
    program_.may_fail = true;
    RelationShape shape = numbers("x", 2);
    declare(shape);
    if (chance(50)) {
      rules_ += shape.name + "(x, 12 / y) :- " + pair_source("x", "y") +
                (chance(50) ? ", x > y" : "") + ".\n";
    } else {
      rules_ += shape.name + "(x, to_number(t)) :- " + pair_source("x", "y") +
                ", t = substr(\"1a\", 0, (y band 3) + 1)" + (chance(50) ? ", x > y" : "") + ".\n";
    }
  }

  void choose_query() {
    const RelationShape& r = chance(60) ? relations_.back() : any_relation();
    const std::size_t bound =
        chance(75) ? 0 : static_cast<std::size_t>(random_.below(r.columns.size()));
    if (r.columns[bound].nullable) return;
    program_.query = r.name + "(";
    for (std::size_t i = 0; i < r.columns.size(); ++i) {
      if (i > 0) program_.query += ", ";
      program_.query += i == bound ? constant(r.columns[i].kind) : "q" + std::to_string(i);
    }
    program_.query += ")";
  }

  Random random_;
  GeneratorOptions options_;
  GeneratedProgram program_;
  std::string declarations_;
  std::string rules_;
  std::vector<RelationShape> relations_;
  std::size_t counter_ = 0;
};

}  // namespace

std::string_view construct_name(Construct construct) {
  return kNames[static_cast<std::size_t>(construct)];
}

GeneratedProgram generate_program(std::uint64_t seed, const GeneratorOptions& options) {
  return Generator(seed, options).run();
}

}  // namespace entail::testing
