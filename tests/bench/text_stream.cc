// tests/bench/text_stream.cc - does a stream of ever-new strings run flat?
//
// The question: a stream brings strings that were never seen before (20 to 40 bytes each), and a
// relation keeps the newest 100,000 of them; how much memory does the process hold after 5 million
// strings, and after 50 million? The bar: at most 1.1 times as much. Beside it, what one string
// costs from interning to being freed.
//
// Expected before measuring: 100,000 strings of 48 bytes and their table are 7 MB; a page of slack
// a shard and size class some 3 MB more; so a flat 10 to 15 MB, and 300 to 400 ns a string.
//
//     text_stream [millions of strings, default 50]
//
// Prints a line for every tenth of the way: strings so far, resident bytes, bytes the pool holds,
// nanoseconds a string. Exits with 1 if the bar is missed.

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "vm/base/random.h"
#include "vm/read_pin.h"
#include "vm/standing_relation.h"
#include "vm/value_pool.h"

namespace {

using namespace entail;
using namespace entail::vm;

constexpr std::size_t kLive = 100'000;
constexpr std::size_t kStep = 1'000;  // Strings a step: a source batch.

std::size_t resident_bytes() {
  std::FILE* const file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  unsigned long long total = 0;
  unsigned long long resident = 0;
  const int fields = std::fscanf(file, "%llu %llu", &total, &resident);
  std::fclose(file);
  return fields == 2 ? resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) : 0;
}

// A string of 20 to 40 bytes that holds its number.
std::string_view nth_text(std::uint64_t n, Random& random, std::array<char, 40>& buffer) {
  buffer.fill('.');
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), n).ptr;
  *end = '/';
  return {buffer.data(), 20 + random.below(21)};
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t millions = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 50;
  const std::uint64_t total = millions * 1'000'000;
  if (total == 0) {
    std::fputs("usage: text_stream [millions of strings]\n", stderr);
    return 2;
  }

  TypeTable types;
  ValuePool pool(types);
  Random random(1);
  PinRegistry pins;
  auto created = StandingRelation::create({.name = "seen",
                                           .columns = {{ColumnOrderKind::kText, true}},
                                           .standing = true,
                                           .pool = &pool},
                                          &pins);
  if (!created) {
    std::fprintf(stderr, "%s\n", created.error().message.c_str());
    return 2;
  }
  StandingRelation& seen = **created;
  std::vector<Word> stored(kLive);  // What the relation holds, oldest first.
  std::vector<std::int64_t> weights(2 * kStep);
  std::fill(weights.begin() + kStep, weights.end(), -1);
  std::fill(weights.begin(), weights.begin() + kStep, 1);
  std::vector<std::array<char, 40>> buffers(kStep);
  std::vector<std::string_view> texts(kStep);
  std::vector<Word> words(kStep);

  Version version = 0;
  std::size_t resident_at_tenth = 0;
  std::size_t resident_at_end = 0;
  auto lap = std::chrono::steady_clock::now();
  std::printf("%12s %12s %12s %8s\n", "strings", "resident", "pool", "ns each");
  for (std::uint64_t done = 0; done < total;) {
    for (std::size_t i = 0; i < kStep; ++i) texts[i] = nth_text(done + i, random, buffers[i]);
    pool.intern_batch(texts, words);
    Word* const oldest = stored.data() + done % kLive;
    // The new strings come, the oldest go, in one transaction.
    words.resize(kStep);
    if (done >= kLive) words.insert(words.end(), oldest, oldest + kStep);
    const Word* const columns[] = {words.data()};
    const StandingRelation::Batch batch{
        .columns = columns, .n = words.size(), .weights = weights.data()};
    if (auto applied = seen.apply(batch); !applied) {
      std::fprintf(stderr, "%s\n", applied.error().message.c_str());
      return 2;
    }
    seen.commit(++version);
    pins.publish(version);
    seen.reclaim();
    std::copy(words.begin(), words.begin() + kStep, oldest);
    words.resize(kStep);
    pool.end_step();
    done += kStep;
    if (done % (total / 10) == 0) {
      const auto now = std::chrono::steady_clock::now();
      const double nanos = std::chrono::duration<double, std::nano>(now - lap).count();
      lap = now;
      resident_at_end = resident_bytes();
      if (resident_at_tenth == 0) resident_at_tenth = resident_at_end;
      std::printf("%12llu %12zu %12zu %8.0f\n", static_cast<unsigned long long>(done),
                  resident_at_end, pool.bytes_used(), nanos * 10 / static_cast<double>(total));
    }
  }
  const double growth =
      static_cast<double>(resident_at_end) / static_cast<double>(resident_at_tenth);
  std::printf("growth from a tenth to the end: %.3f (at most 1.1)\n", growth);
  return growth <= 1.1 ? 0 : 1;
}
