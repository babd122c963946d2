#include "tests/property/program_generator.h"

#include <algorithm>
#include <array>

#include "tests/property/body_generator.h"

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
                                                                  "data error",
                                                                  "correlated"};

class Generator : private BodyGenerator {
 public:
  Generator(std::uint64_t seed, const GeneratorOptions& options)
      : BodyGenerator(seed), options_(options) {}

  GeneratedProgram run() {
    declare_types();
    const std::size_t bases = 3 + random_.below(2);
    for (std::size_t i = 0; i < bases; ++i) base_relation();
    const std::size_t layers =
        static_cast<std::size_t>(random_.between(options_.layers_min, options_.layers_max));
    for (std::size_t i = 0; i < layers; ++i) layer();
    choose_query();
    if (chance(5)) data_error();
    // At the end, so that it changes nothing about the rest of a seed's program.
    if (chance(60)) correlated();
    program_.text = std::move(declarations_) + std::move(rules_);
    return std::move(program_);
  }

 private:
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
          shape.name + "(y, max(min(d, 11) + 1)) :- " + shape.name + "(x, d), " + step + ".\n";
    }
    const std::string back = pair_source("x", "y");  // Not of this relation.
    relations_.push_back(shape);
    if (chance(70)) return;
    // A set in the cycle, which asks whether the value is good enough.
    const RelationShape kept = numbers("r", 1);
    declare(kept);
    rules_ += kept.name + "(x) :- " + shape.name + "(x, d), d " + (least ? "<= 6" : ">= 6") + ".\n";
    rules_ += shape.name + "(y, " + (least ? "min(2)" : "max(9)") + ") :- " + kept.name + "(x), " +
              back + ".\n";
    relations_.push_back(kept);
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
    if (chance(30)) rules_ += head + e + "(x, _, _), " + e + "(z, w, _), w is null.\n";
    relations_.push_back(stated);
    relations_.push_back(shape);
  }

  // Inner bodies that use outer variables without binding them. Nobody reads what the rule derives.
  void correlated() {
    const RelationShape* base = relation_with_numbers(1);
    if (base == nullptr) return;
    use(C::kCorrelated);
    BodyText b;
    b.add(atom(b, *base, 0));
    if (chance(50)) b.add(atom(b, any_relation(), 40));
    const VariableShape* outer = find(b, Kind::kNumber, chance(30));
    if (outer == nullptr) return;
    const std::string x = outer->name;
    if (chance(30)) decorate(b);
    const int tests = 1 + static_cast<int>(random_.below(2));
    for (int i = 0; i < tests; ++i) correlated_literal(b, x);
    std::vector<std::string> terms;
    RelationShape shape = head_shape(b, 1 + random_.below(3), terms);
    declare(shape);
    if (chance(25) && shape.columns[0].kind == Kind::kNumber && !shape.columns[0].nullable) {
      // The same test in a cycle, of a value that the cycle derives or of one that it reads.
      use(C::kLinearRecursion);
      std::vector<std::string> known = terms;
      BodyText step;
      known[0] = fresh("v");
      step.add(shape.name + join_terms(known));
      for (std::size_t i = 0; i < terms.size(); ++i) {
        if (i > 0 && known[i].front() != 'v') return;
      }
      step.add(base->name + "(" + known[0] + rest_of(*base) + ")");
      const std::string y = fresh("v");
      step.add(base->name + "(" + y + rest_of(*base) + ")");
      correlated_literal(step, chance(50) ? y : known[0]);
      std::vector<std::string> next = known;
      next[0] = y;
      rules_ += shape.name + join_terms(next) + " :- " + step.text + ".\n";
    }
    rules_ += shape.name + join_terms(terms) + " :- " + b.text + ".\n";
  }

  static std::string rest_of(const RelationShape& shape) {
    std::string text;
    for (std::size_t i = 1; i < shape.columns.size(); ++i) text += ", _";
    return text;
  }

  void correlated_literal(BodyText& b, const std::string& x) {
    const RelationShape* other = relation_with_numbers(1);
    BodyText inner = chance(30) ? b : BodyText{"", {}};
    inner.text.clear();
    const std::size_t known = inner.variables.size();
    std::string text = atom(inner, *other, 35);
    inner.variables.erase(inner.variables.begin(),
                          inner.variables.begin() + static_cast<std::ptrdiff_t>(known));
    const VariableShape* own = find(inner, Kind::kNumber, chance(30));
    if (own == nullptr) return;
    const std::string y = own->name;
    const bool sums = !own->nullable;
    const std::string op =
        random_.pick(std::array<std::string_view, 4>{"<", "<=", ">", ">="}).data();
    const std::string test = chance(50) ? y + " " + op + " " + x : x + " " + op + " " + y;
    const std::string v = fresh("v");
    switch (random_.below(9)) {
      case 0:
      case 1:
        use(C::kNegatedConjunction);
        b.add("!(" + text + ", " + test + ")");
        return;
      case 2:
        use(C::kExists);
        b.add("exists { " + text + ", " + test + " }");
        return;
      case 3:
        use(C::kNegatedConjunction);
        b.add("!(" + text + ", " + y + " + 1 " + op + " " + x + " * 2, " +
              test_atom(inner, any_relation()) + ")");
        return;
      case 4:
        use(C::kCount);
        b.add(v + " = count : { " + text + ", " + test + " }");
        b.variables.push_back({v, Kind::kNumber, false});
        return;
      case 5:
        use(C::kMin);
        if (!sums) return;
        b.add(v + " = " + (chance(50) ? "min " : "sum ") + y + " : { " + text + ", " + test + " }");
        b.variables.push_back({v, Kind::kNumber, false});
        return;
      case 6: {
        use(C::kFailingFilterOrder);
        const std::string guarded = text + ", 12 / " + x + " " + op + " " + y;
        b.add(x + " != 0");
        b.add(chance(50) ? "!(" + guarded + ")" : v + " = count : { " + guarded + " }");
        return;
      }
      case 7: {
        // An inner body that is correlated in turn.
        use(C::kNestedAggregate);
        use(C::kCount);
        BodyText innermost;
        const std::string deep = atom(innermost, *other, 0);
        const VariableShape* z = find(innermost, Kind::kNumber, false);
        if (z == nullptr) return;
        const std::string below = deep + ", " + z->name + " " + op + " " + y;
        b.add(v + " = count : { " + text + ", " +
              (chance(50) ? "!(" + below + ")" : "0 < count : { " + below + " }") + " }");
        b.variables.push_back({v, Kind::kNumber, false});
        return;
      }
      default: {
        // Both columns given, of an equivalence among others.
        use(C::kNegation);
        const RelationShape* pairs = relation_with_numbers(2);
        if (pairs == nullptr || pairs->columns.size() != 2) return;
        const VariableShape* second = find(b, Kind::kNumber, false);
        const std::string both =
            pairs->name + "(" + x + ", " + (second != nullptr ? second->name : x) + ")";
        b.add(chance(60)
                  ? "!" + both
                  : v + " = count : { " + text + ", " + (chance(50) ? "!" : "") + both + " }");
      }
    }
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

  GeneratorOptions options_;
};

}  // namespace

std::string_view construct_name(Construct construct) {
  return kNames[static_cast<std::size_t>(construct)];
}

GeneratedProgram generate_program(std::uint64_t seed, const GeneratorOptions& options) {
  return Generator(seed, options).run();
}

}  // namespace entail::testing
