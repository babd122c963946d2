// tests/property/body_generator.h - the parts that random programs are put together from.
//
// Declarations, facts and rule bodies as text, well typed and safe by construction. What a program
// has so far is in `relations_`, the constructs used in `program_.coverage`; program_generator.cc
// adds the templates of rules.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/property/program_generator.h"
#include "vm/base/random.h"

namespace entail::testing {

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

class BodyGenerator {
 public:
  explicit BodyGenerator(std::uint64_t seed) : random_(seed) {}

 protected:
  using C = Construct;

  void use(Construct construct) { program_.coverage.set(static_cast<std::size_t>(construct)); }
  bool chance(std::uint64_t percent) { return random_.chance(percent, 100); }
  std::string fresh(std::string_view stem) {
    return std::string(stem) + std::to_string(counter_++);
  }

  // ---- values
  static std::string_view type_name(Kind kind, bool named);
  std::string constant(Kind kind);
  Kind any_kind();

  // ---- declarations
  void declare_types();
  void declare(const RelationShape& shape, std::string_view qualifier = "");
  void fact(const RelationShape& shape, const std::vector<std::string>& values);
  void named_fact(const RelationShape& shape, const std::vector<std::string>& values);
  void random_facts(const RelationShape& shape, std::size_t count);
  void base_relation();

  // ---- bodies
  struct BodyText {
    std::string text;
    std::vector<VariableShape> variables;

    void add(const std::string& literal) { text += (text.empty() ? "" : ", ") + literal; }
  };
  const VariableShape* find(const BodyText& body, Kind kind, bool allow_nullable);
  // A positive atom; new variables are added to the body.
  std::string atom(BodyText& body, const RelationShape& shape, unsigned reuse_percent = 45);
  // An atom over bound variables, constants and wildcards only: for negation and existence.
  std::string test_atom(const BodyText& body, const RelationShape& shape);
  std::string number_expression(const BodyText& body, unsigned depth = 2);
  const RelationShape& any_relation();
  const RelationShape* relation_with_numbers(std::size_t columns);
  BodyText positive_body();
  // One more literal of a random kind.
  void decorate(BodyText& body);
  void text_literal(BodyText& body, const std::string& text);
  // A per-binding aggregate over one or two atoms, some columns tied to the outer body.
  void aggregate(BodyText& body);
  BodyText body();

  Random random_;
  GeneratedProgram program_;
  std::string declarations_;
  std::string rules_;
  std::vector<RelationShape> relations_;
  std::size_t counter_ = 0;
};

}  // namespace entail::testing
