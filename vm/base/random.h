// vm/base/random.h - random numbers that a seed repeats, on every machine.
//
// Random is xoshiro256** started by SplitMix64. Unlike the distributions of <random>, whose results
// differ between standard libraries, every draw here is defined by this file: a failing seed fails
// everywhere. Not for secrets.
//
// Cost: a nanosecond a draw. Threads: one owner; fork() gives a thread or a sub-task a generator of
// its own.
// Sources: Blackman and Vigna, "Scrambled linear pseudorandom number generators" (2021); Steele,
// Lea and Flood (2014) for SplitMix64; Lemire, "Fast random integer generation in an interval"
// (2019) for below().

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace entail {

// The next value of the SplitMix64 sequence that `state` is at; also a good mixer of 64 bits.
constexpr std::uint64_t split_mix64(std::uint64_t& state) {
  state += 0x9E3779B97F4A7C15U;
  std::uint64_t z = state;
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31U);
}

class Random {
 public:
  using result_type = std::uint64_t;

  explicit Random(std::uint64_t seed);

  std::uint64_t next();

  // Uniform in [0, bound). REQUIRES: bound > 0.
  std::uint64_t below(std::uint64_t bound);

  // Uniform in [low, high], both included. REQUIRES: low <= high.
  std::int64_t between(std::int64_t low, std::int64_t high);

  // True `numerator` times out of `denominator`. REQUIRES: denominator > 0.
  bool chance(std::uint64_t numerator, std::uint64_t denominator);

  // Uniform in [0, 1), in steps of 2^-53.
  double unit();

  // A generator whose draws do not depend on how many this one makes afterwards.
  Random fork();

  // An element of a container with size() and operator[]. REQUIRES: it is not empty.
  template <typename Container>
  decltype(auto) pick(Container&& items) {
    return items[static_cast<std::size_t>(below(items.size()))];
  }

  // Every order equally likely (Fisher and Yates).
  template <typename Container>
  void shuffle(Container& items) {
    using std::swap;
    for (std::size_t left = items.size(); left > 1; --left) {
      swap(items[left - 1], items[static_cast<std::size_t>(below(left))]);
    }
  }

  // So that it can be handed to the standard algorithms.
  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return ~result_type{0}; }
  result_type operator()() { return next(); }

 private:
  std::array<std::uint64_t, 4> state_;
};

}  // namespace entail
