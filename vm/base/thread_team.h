// vm/base/thread_team.h - the threads that a piece of work may use, lent by whoever owns them.
//
// Only the server and the command line make threads. Everything below asks its caller for a team
// and hands it functions to run; with a SerialTeam the same code runs on the calling thread alone.
//
//     team.run([&](unsigned worker) { part(worker, team.size()); });   // returns when all are done
//
// Threads: run() is called by one thread at a time.

#pragma once

#include <functional>

namespace entail {

class ThreadTeam {
 public:
  virtual ~ThreadTeam() = default;

  // How many workers run() has, at least 1.
  virtual unsigned size() const = 0;

  // Calls work(0) … work(size() - 1), each on a thread of its own (the caller's among them), and
  // returns when all have returned. What they wrote is visible to the caller. REQUIRES: the work
  // throws nothing and does not call run().
  virtual void run(const std::function<void(unsigned worker)>& work) = 0;
};

class SerialTeam final : public ThreadTeam {
 public:
  unsigned size() const override { return 1; }
  void run(const std::function<void(unsigned worker)>& work) override { work(0); }
};

}  // namespace entail
