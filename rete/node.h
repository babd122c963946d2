// rete/node.h - a node of the network that is more than a relation: it has a state, or a turn of its own.
//
// In a step a node has one turn, when all below it have had theirs. It reads what changed below, changes
// its own relations (NetworkState::touch() first), and the network hands those changes on.
//
// Every node can end the open epoch: commit() keeps what it did, abort() leaves no trace of it. Relations
// are committed and aborted by the network; a node answers for what it holds beside them.
//
// Threads: one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/standing_form.h"
#include "datalog/rule_program.h"
#include "rete/network_statistics.h"
#include "vm/base/expected.h"

namespace entail::rete {

class ImageFrames;
class ImageWriter;
struct NetworkState;

class Node {
 public:
  virtual ~Node() = default;

  // Its turn. Fails with kLimit, kData or kCancelled; the epoch is aborted then.
  virtual Expected<void> turn(NetworkState& state) = 0;
  virtual void commit() {}
  virtual void abort(NetworkState&) {}
  // Fragments have other positions from now on: the code was made anew. The stratum may have other numbers
  // for its rules and auxiliary relations, and says the same.
  virtual void rebind(const NetworkState&, const compiler::StandingStratum&) {}
  // Before the first turn of a node in a network whose relations have rows already: they have not come in
  // this step, and nothing was derived from them.
  virtual void derive_all() {}

  // What an image of the network keeps of it beside its relations (rete/network_image.h): frames that are not
  // empty.
  virtual Expected<void> save(const NetworkState&, ImageWriter&) const { return {}; }
  // Before the first turn of a node whose relations have the rows that they had in another process, as those
  // below: reads those frames, and makes what it keeps and is not in them out of the relations.
  virtual Expected<void> restore(NetworkState&, ImageFrames&) { return {}; }

  virtual std::uint64_t bytes_used() const { return 0; }
  virtual void verify(const NetworkState&) const {}

  NodeStatistics work;
};

}  // namespace entail::rete
