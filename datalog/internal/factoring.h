// datalog/internal/factoring.h - one question, so its answers need not say whose they are.
//
// Where the asked relation is read with one tuple of constants and by its own rules only, and each
// recursive rule is of one of the forms (x̄ bound, ȳ free columns; B reads neither answers nor the
// shown variables)
//
//     left    p(x̄, ȳ) :- p(x̄, v̄), B(v̄, ȳ).               reached(ȳ)  :- reached(v̄), B(v̄, ȳ).
//     right   p(x̄, ȳ) :- B(x̄, v̄), p(v̄, ȳ).     becomes   demanded(v̄) :- demanded(x̄), B(x̄, v̄).
//     both    p(x̄, ȳ) :- p(x̄, v̄), B(v̄, w̄), p(w̄, ȳ).     demanded(w̄) :- reached(v̄), B(v̄, w̄).
//     exit    p(x̄, ȳ) :- B(x̄, ȳ).                         reached(ȳ)  :- demanded(x̄), B(x̄, ȳ).
//
// then every answer to a demanded sub-question is an answer to the question. Here demands must be
// exact (each is reached from the question by whole rule bodies), so the demand rules of these
// literals are replaced.
#pragma once

#include <optional>

#include "datalog/internal/adornment.h"

namespace entail::datalog::internal {

struct Factored {
  AdornedProgram program;
  RelationId reached{};  // The free columns of the asked relation.
};

// Nothing if some rule has none of the forms.
std::optional<Factored> factor(const AdornedProgram& program);

}  // namespace entail::datalog::internal
