// rete/error_side.h - instances of rules whose expression failed: the rows of `entail.errors`.
//
// An instance comes and goes with the rows that it is made of, so it is kept as a weight: how many
// instances fail in the same way with the same values. Nothing here stops a change.
//
//     unit(o, a / q) :- order(o, a, q).       order(7, 5, 0)
//     unit   shop.dl:4:12   division by zero in 'a / q' (a = 5, q = 0)     1
//
// Errors are rare, so they are kept as text. Threads: one.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "datalog/rule_program.h"
#include "vm/base/expected.h"
#include "vm/program.h"
#include "vm/standing_machine.h"
#include "vm/value_pool.h"

namespace entail::rete {

// An instance of a rule whose expression failed: a row of `entail.errors`.
struct ErrorInstance {
  datalog::RelationId relation{};  // Whose row is missing.
  std::string place;               // "a.dl:3:17", or the rule's name.
  std::string message;             // "division by zero in 'amount / qty' (amount = 5, qty = 0)"
  std::int64_t weight = 0;         // How many instances fail like this.
  // What a client of SQL is told who reads the relation: SQLSTATE and PostgreSQL's words.
  std::shared_ptr<const Error> as_sql = nullptr;
};

class ErrorSide {
 public:
  void add(datalog::RelationId relation, const vm::Program& program,
           const std::vector<vm::Diverted>& diverted, const vm::ValuePool& pool);
  // An instance as others keep it, with a weight of either sign.
  void add(const ErrorInstance& instance);
  static ErrorInstance describe(datalog::RelationId relation, const vm::Program& program,
                                const vm::Diverted& diverted, const vm::ValuePool& pool);
  void commit() { undo_.clear(); }
  void abort();

  bool has(datalog::RelationId relation) const;
  // Sorted by relation, place, message. A weight that is negative is a mistake of ours: verify().
  std::vector<ErrorInstance> instances() const;
  std::vector<ErrorInstance> instances(datalog::RelationId relation) const;
  std::uint64_t bytes_used() const;
  void verify() const;

 private:
  using Key = std::tuple<datalog::RelationId, std::string, std::string>;
  struct Kept {
    std::int64_t weight = 0;
    std::shared_ptr<const Error> as_sql;
  };
  struct Undo {
    Key key;
    Kept change;  // To be taken back.
  };
  void add(const Key& key, const Kept& change);

  std::map<Key, Kept> kept_;
  std::vector<Undo> undo_;
};

}  // namespace entail::rete
