// vm/value_pool_test.cc - see value_pool.h.

#include "vm/value_pool.h"

#include <array>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "vm/base/random.h"

namespace entail::vm {
namespace {

std::string text_of(const ValuePool& pool, Word word) {
  TextScratch scratch;
  return std::string(pool.view(word, scratch));
}

// Few distinct texts of every length around the limits of inline words and small blocks.
std::string random_text(Random& random) {
  const std::size_t size = random.chance(1, 50) ? random.below(20'000) : random.below(40);
  std::string text(size, 'a');
  if (size > 0) text[random.below(size)] = static_cast<char>('a' + random.below(3));
  return text;
}

TEST_CASE("short text is inside the word and long text behind a handle") {
  TypeTable types;
  ValuePool pool(types);
  for (const std::string text : {"", "a", "1234567"}) {
    const Word word = pool.intern(text);
    CHECK(is_inline_text(word));
    CHECK_FALSE(is_handle_word(word));
    CHECK(text_of(pool, word) == text);
  }
  const std::string zeros(7, '\0');
  CHECK(text_of(pool, pool.intern(zeros)) == zeros);
  CHECK(pool.intern(zeros) != pool.intern(std::string(6, '\0')));
  CHECK(pool.intern("") == kEmptyText);
  CHECK(pool.stats().entries_live == 0);

  const Word word = pool.intern("12345678");
  CHECK(is_handle_word(word));
  CHECK(text_of(pool, word) == "12345678");
  CHECK(pool.intern("12345678") == word);
  CHECK(pool.find("12345678") == word);
  CHECK_FALSE(pool.find("12345679"));
  CHECK(text_of(pool, 0).empty());
}

TEST_CASE("text compares by bytes, inline or not") {
  TypeTable types;
  ValuePool pool(types);
  Random random(1);
  for (int i = 0; i < 2'000; ++i) {
    std::string a = random_text(random);
    std::string b = random_text(random);
    if (random.chance(1, 4)) b = a + "\xff";
    const int compared = pool.compare_text(pool.intern(a), pool.intern(b));
    REQUIRE((compared < 0) == (a < b));
    REQUIRE((compared == 0) == (a == b));
  }
}

TEST_CASE("a fresh entry lives to the end of its step, a retained one until released") {
  TypeTable types;
  ValuePool pool(types);
  const Word kept = pool.intern("a text that a row holds");
  const Word lost = pool.intern("a text that nobody holds");
  pool.retain(kept);
  CHECK(text_of(pool, lost) == "a text that nobody holds");
  pool.end_step();
  CHECK(pool.stats().entries_live == 1);
  CHECK(text_of(pool, kept) == "a text that a row holds");
  CHECK_FALSE(pool.find("a text that nobody holds"));

  pool.release(kept);
  CHECK(text_of(pool, kept) == "a text that a row holds");  // Still readable in this step.
  CHECK(pool.intern("a text that a row holds") == kept);
  pool.verify();
  pool.end_step();
  CHECK(pool.stats().entries_live == 0);
  pool.verify();
}

TEST_CASE("a released entry that is retained again in the same step lives") {
  TypeTable types;
  ValuePool pool(types);
  const Word word = pool.intern("moves from row to row");
  pool.retain(word);
  pool.end_step();
  pool.release(word);
  pool.retain(word);
  pool.release(word);
  pool.retain(word);
  pool.end_step();
  CHECK(pool.stats().entries_live == 1);
  pool.release(word);
  pool.end_step();
  CHECK(pool.stats().entries_live == 0);
}

TEST_CASE("reclaim frees what was interned since the mark and not retained, nothing else") {
  TypeTable types;
  ValuePool pool(types);
  const Word stored = pool.intern("stored in an earlier step");
  pool.retain(stored);
  pool.end_step();
  pool.intern("interned before the mark");
  const ValuePool::Mark mark = pool.mark();
  const Word kept = pool.intern("interned since and retained");
  pool.retain(kept);
  pool.intern("interned since and dropped");
  pool.intern("interned before the mark");
  pool.release(stored);
  pool.reclaim(mark);
  pool.verify();
  CHECK(pool.find("stored in an earlier step"));
  CHECK(pool.find("interned before the mark"));
  CHECK(pool.find("interned since and retained"));
  CHECK_FALSE(pool.find("interned since and dropped"));
  pool.end_step();
  CHECK(pool.stats().entries_live == 1);
  pool.release(kept);
  pool.end_step();
  CHECK(pool.stats().entries_live == 0);
}

TEST_CASE("a pinned entry stays, whatever is released") {
  TypeTable types;
  ValuePool pool(types);
  const Word word = pool.intern("a constant of the program");
  pool.pin(word);
  pool.retain(word);
  pool.release(word);
  pool.end_step();
  pool.end_step();
  CHECK(pool.find("a constant of the program") == word);
}

TEST_CASE("an ordinal is one for each text, short texts included, and stays") {
  TypeTable types;
  ValuePool pool(types);
  const Word a = pool.ordinal(pool.intern("a"));
  const Word b = pool.ordinal(pool.intern("b"));
  CHECK(a != b);
  pool.end_step();
  CHECK(pool.ordinal(pool.intern("a")) == a);
}

TEST_CASE("records are equal by their words and own the handles in them") {
  TypeTable types;
  const TypeId list = types.declare(TypeKind::kRecord, "List");
  types.define_record(list,
                      {{"head", Type::text()}, {"tail", Type::defined(TypeKind::kRecord, list)}});
  ValuePool pool(types);
  // [long text 9, [long text 8, [… nil]]]: each owns its text and the rest.
  Word word = kNilWord;
  for (int i = 0; i < 10; ++i) {
    const Word fields[] = {pool.intern("a long text, number " + std::to_string(i)), word};
    word = pool.intern_record(list, fields);
    CHECK(pool.intern_record(list, fields) == word);
    CHECK(pool.find_record(list, fields) == word);
  }
  CHECK(pool.fields(kNilWord).empty());
  CHECK(text_of(pool, pool.fields(word)[0]) == "a long text, number 9");
  pool.retain(word);
  pool.end_step();
  pool.verify();
  CHECK(pool.stats().entries_live == 20);
  // Dropping the outermost keeps the rest while somebody holds it.
  const Word rest = pool.fields(word)[1];
  pool.retain(rest);
  pool.release(word);
  pool.end_step();
  pool.verify();
  CHECK(pool.stats().entries_live == 18);
  pool.release(rest);
  pool.end_step();
  pool.verify();
  CHECK(pool.stats().entries_live == 0);
}

TEST_CASE("reclaim frees a nest of fresh records whole") {
  TypeTable types;
  const TypeId list = types.declare(TypeKind::kRecord, "List");
  types.define_record(list,
                      {{"head", Type::text()}, {"tail", Type::defined(TypeKind::kRecord, list)}});
  ValuePool pool(types);
  const Word old = pool.intern("a text from an earlier step");
  pool.retain(old);
  pool.end_step();
  const ValuePool::Mark mark = pool.mark();
  Word word = kNilWord;
  for (int i = 0; i < 1'000; ++i) {
    const Word fields[] = {i == 0 ? old : pool.intern("a fresh text " + std::to_string(i)), word};
    word = pool.intern_record(list, fields);
  }
  pool.release(old);  // Only the innermost record holds it now.
  pool.reclaim(mark);
  pool.verify();
  CHECK(pool.stats().entries_live == 1);  // Released in this step, so it is readable to its end.
  pool.end_step();
  CHECK(pool.stats().entries_live == 0);
}

TEST_CASE("an adt value is its ordinal where no branch has fields, else a run of words") {
  TypeTable types;
  const TypeId color = types.declare(TypeKind::kAdt, "Color");
  types.define_adt(color, {{"Red", {}}, {"Green", {}}});
  const TypeId shape = types.declare(TypeKind::kAdt, "Shape");
  types.define_adt(shape, {{"None", {}}, {"Named", {{"name", Type::text()}}}});
  ValuePool pool(types);
  CHECK(pool.intern_adt(color, 1, {}) == 1);
  const Word none = pool.intern_adt(shape, 0, {});
  CHECK(pool.fields(none).size() == 1);
  const Word name = pool.intern("a name that is long");
  const Word named = pool.intern_adt(shape, 1, {&name, 1});
  CHECK(pool.fields(named)[0] == 1);
  CHECK(pool.fields(named)[1] == name);
  pool.retain(named);
  pool.end_step();
  CHECK(pool.stats().entries_live == 2);
  pool.release(named);
  pool.end_step();
  CHECK(pool.stats().entries_live == 0);
}

TEST_CASE("an array owns its elements' handles") {
  TypeTable types;
  const Type texts = types.array_of(Type::text(), true);
  ValuePool pool(types);
  const Word words[] = {pool.intern("the first long element"), 0, 0, 1};  // The second is null.
  const Word array = pool.intern_record(texts.detail, words);
  pool.retain(array);
  pool.end_step();
  CHECK(pool.stats().entries_live == 2);
  CHECK(pool.intern_record(texts.detail, {}) != array);
  pool.release(array);
  pool.end_step();
  CHECK(pool.stats().entries_live == 0);
}

TEST_CASE("the pool keeps what a model of counted texts keeps") {
  TypeTable types;
  ValuePool pool(types);
  Random random(7);
  std::map<std::string, std::uint32_t> stored;  // References of rows.
  for (int step = 0; step < 300; ++step) {
    const ValuePool::Mark mark = pool.mark();
    for (std::uint64_t i = random.below(60); i > 0; --i) {
      const std::string text = random_text(random);
      const Word word = pool.intern(text);
      REQUIRE(text_of(pool, word) == text);
      if (random.chance(1, 2)) {
        pool.retain(word);
        ++stored[text];
      }
      if (random.chance(1, 10)) pool.reclaim(mark);
    }
    for (std::uint64_t i = random.below(40); i > 0 && !stored.empty(); --i) {
      auto row = stored.lower_bound(random_text(random));
      if (row == stored.end()) row = stored.begin();
      const Word word = pool.intern(row->first);
      pool.release(word);
      if (--row->second == 0) stored.erase(row);
    }
    pool.end_step();
    pool.verify();
    std::size_t long_texts = 0;
    for (const auto& [text, references] : stored) {
      const auto word = pool.find(text);
      REQUIRE(word);
      REQUIRE(text_of(pool, *word) == text);
      if (text.size() > kInlineTextMax) {
        ++long_texts;
        REQUIRE(pool.reference_count(*word) == references);
      }
    }
    REQUIRE(pool.stats().entries_live == long_texts);
  }
}

TEST_CASE("a batch gives the words that single calls give") {
  TypeTable types;
  ValuePool pool(types);
  Random random(3);
  std::vector<std::string> texts;
  for (int i = 0; i < 5'000; ++i) texts.push_back(random_text(random));
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  std::vector<Word> words(views.size());
  pool.intern_batch(views, words);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    REQUIRE(words[i] == pool.intern(texts[i]));
    REQUIRE(text_of(pool, words[i]) == texts[i]);
  }
  pool.verify();
}

TEST_CASE("threads that intern the same texts get the same words") {
  TypeTable types;
  ValuePool pool(types);
  constexpr std::size_t kThreads = 4;
  constexpr std::size_t kTexts = 5'000;
  for (int step = 0; step < 3; ++step) {
    std::vector<std::vector<Word>> words(kThreads, std::vector<Word>(kTexts));
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (std::size_t i = 0; i < kTexts; ++i) {
          // Each in another order: none of these has a factor in common with kTexts.
          const std::size_t number = i * std::array<std::size_t, kThreads>{1, 3, 7, 9}[t] % kTexts;
          const std::string text = "shared text " + std::to_string(number);
          const Word word = pool.intern(text);
          TextScratch scratch;
          if (pool.view(word, scratch) == text) words[t][number] = word;
          pool.retain(word);
          if (number % 2 == 0) pool.release(word);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (std::size_t t = 1; t < kThreads; ++t) REQUIRE((words[t] == words[0]));
    pool.end_step();
    pool.verify();
    REQUIRE(pool.stats().entries_live == kTexts / 2 + (kTexts % 2) / 2);
  }
}

TEST_CASE("memory follows the texts that live, whatever sizes come and go") {
  TypeTable types;
  ValuePool pool(types);
  constexpr std::size_t kLive = 20'000;
  std::vector<Word> ring(kLive);
  std::size_t bytes_early = 0;
  for (std::size_t i = 0; i < 30 * kLive; ++i) {
    // The sizes drift, so that no class is served for ever by the same pages.
    const std::size_t size = 20 + (i / (3 * kLive)) * 37 % 150;
    std::string text = "text " + std::to_string(i);
    text.resize(std::max(size, text.size()), '.');
    const Word word = pool.intern(text);
    pool.retain(word);
    pool.release(ring[i % kLive]);
    ring[i % kLive] = word;
    if (i % 1'000 == 999) pool.end_step();
    if (i == 6 * kLive) bytes_early = pool.bytes_used();
  }
  pool.verify();
  CHECK(pool.stats().entries_live == kLive);
  CHECK(pool.bytes_used() < kLive * 300 + 16 * 40 * 65'536);
  CHECK(bytes_early > 0);
  for (const Word word : ring) pool.release(word);
  pool.end_step();
  CHECK(pool.stats().entries_live == 0);
  CHECK(pool.bytes_used() < 64 * 65'536 + 16 * 40 * 65'536);
}

}  // namespace
}  // namespace entail::vm
