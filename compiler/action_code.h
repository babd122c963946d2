// compiler/action_code.h - the actions of a production, one fragment each.
//
//     let half = t / 2; if (half > 10) { modify o { status: "HOLD" }; } else { log "held ", id; }
//
//         modify   half := t / 2, half > 10             gives  the row's columns, then "HOLD"
//         log      half := t / 2, not { half > 10 }     gives  "held ", id
//
// Each fragment is given the words of one match, and behind them the time at which the transaction began.
// It emits one row where the conditions around the action hold, none elsewhere. Conditions read the
// relations as the firing finds them. A `let` that can fail is an action of its own, so that the activation
// fails even where nobody uses its value.
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "compiler/layout.h"
#include "compiler/standing_form.h"
#include "datalog/rule_program.h"

namespace entail::compiler {

enum class ActionKind : std::uint8_t {
  kInsert,
  kUpsert,
  kModify,
  kDelete,
  kRetract,
  kEmit,
  kFocus,
  kLog,
  kHalt,
  kLet
};

// What the network does with the row that the fragment emits.
struct ActionCode {
  ActionKind kind = ActionKind::kLet;
  std::uint32_t fragment = 0;  // In StandingCode::fragments.
  datalog::RelationId relation{};
  // Columns of the relation that the action gives a value, ascending. The emitted words are laid out like
  //     kInsert, kEmit    the relation
  //     kUpsert           the relation; columns that are not given hold what a new row has there
  //     kModify           the relation as the match found the row; then the given columns
  //     kDelete           the relation as the match found the row
  //     kRetract          the given columns
  //     kLog              `parts`
  std::vector<std::uint32_t> given;
  std::vector<ColumnLayout> parts;   // Of what is emitted.
  std::optional<std::uint32_t> row;  // kModify, kDelete: the match's column with the identity.
  std::string group;                 // kFocus.
};

// An action that is to become a fragment: a body over the variables of a match, and what it gives.
struct ActionDraft {
  ActionCode code;
  datalog::Rule rule;  // Without a head.
  std::vector<datalog::Expression> values;
};

// In the order in which they are carried out. The variables of a rule are the production's and, behind
// them, the time.
std::vector<ActionDraft> action_drafts(const datalog::RuleProgram& program,
                                       const StandingProduction& production);

}  // namespace entail::compiler
