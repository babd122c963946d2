// vm/value_pool.h - where the values live that do not fit a word: text, bytes, records.
//
// A word of text (and of bytes, json, numeric) is one of
//
//     bit 63 set      inline: up to 7 bytes in bits 0..55 (first byte lowest, unused bytes 0),
//                     their count in bits 56..58
//     bit 63 clear    a handle, never 0: the place of an interned entry
//     0               no text at all: the value word of a null (and of a record that is nil)
//
// Short strings are always inline and long ones are interned, so equal strings are equal words.
// Records, adts and arrays are interned runs of words, always behind a handle, and equal exactly
// when type and words are equal.
//
// How long an entry lives
// -----------------------
// Each stored row slot owns one reference per handle: retain() when the row is stored, release()
// when it leaves. An interned entry starts *fresh*, with no reference. end_step() frees every
// entry that has none, be it fresh or released; reclaim(mark) frees only those interned since the
// mark that nobody retained, so that a loop over morsels runs flat. Until then any word seen in
// the step stays readable, released or not. pin() keeps an entry for the life of the pool, and
// makes later retains and releases of it free: for program constants and for relations that never
// delete. A record owns the handles in its fields.
//
//     step:  w = intern("a long name")      fresh
//            retain(w)                      a row holds it
//            end_step()                     lives
//            release(w); end_step()         gone; the place may be used again
//
// Memory is pages of 64 KiB, each of one size class; an empty page serves any class again, so a
// stream of ever-new strings runs flat (tests/bench/text_stream.cc).
//
// Invariants (verify() checks them)
//   (1) No two live entries have the same kind, type and bytes.
//   (2) Every live entry without reference is on a list that end_step() reads.
//   (3) A page's live count is the number of its live entries.
//
// Threads: intern*, view, fields, retain*, release*, pin* may run concurrently; view and fields
// take no lock, nor does intern of a known value. end_step, reclaim, mark and verify need the pool
// to themselves: no other thread uses it, and none holds a word it interned since the mark and
// still needs, without a reference.
// Cost: intern of a known string about the time of two cache misses; intern_batch overlaps them.

#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "vm/type.h"
#include "vm/type_table.h"
#include "vm/word.h"

namespace entail::vm {

static_assert(std::endian::native == std::endian::little, "text words assume a little-endian host");

// ------------------------------------------------------------------------------ text words

inline constexpr std::size_t kInlineTextMax = 7;
inline constexpr Word kInlineTextBit = Word{1} << 63;
inline constexpr Word kEmptyText = kInlineTextBit;

// REQUIRES: the word is of text, bytes, json or numeric.
constexpr bool is_inline_text(Word word) { return (word & kInlineTextBit) != 0; }

// Whether the word names an entry of the pool. REQUIRES: the column's type may hold handles.
constexpr bool is_handle_word(Word word) { return static_cast<std::int64_t>(word) > 0; }

// REQUIRES: text.size() <= kInlineTextMax.
inline Word inline_text_word(std::string_view text) {
  Word word = 0;
  std::memcpy(&word, text.data(), text.size());
  return word | kInlineTextBit | (static_cast<Word>(text.size()) << 56);
}
constexpr std::size_t inline_text_size(Word word) { return (word >> 56) & 7; }

// Room for the bytes of an inline word; a view of such a word points in here.
struct TextScratch {
  Word word;
};

// ------------------------------------------------------------------------------ the pool

class ValuePool {
 public:
  // A point in the life of the step; see reclaim().
  struct Mark {
    std::array<std::size_t, 16> fresh_counts{};
  };

  struct Stats {
    std::uint64_t entries_live = 0;
    std::uint64_t entries_created = 0;  // Ever.
    std::uint64_t entries_freed = 0;
    std::uint64_t bytes_reserved = 0;  // Pages and tables taken from the system.
  };

  // `types` must outlive the pool; types may be added to it later. It tells which words of a
  // record are handles.
  explicit ValuePool(const TypeTable& types);
  ~ValuePool();
  ValuePool(const ValuePool&) = delete;  // Words are of one pool.
  ValuePool& operator=(const ValuePool&) = delete;

  const TypeTable& types() const { return types_; }

  // ---- text, bytes, json, numeric

  // The word of `text`: inline if it is short, else that of an interned entry.
  Word intern(std::string_view text) {
    return text.size() <= kInlineTextMax ? inline_text_word(text) : intern_long(text);
  }

  // out[i] = intern(texts[i]), with the cache misses of many overlapped. REQUIRES: equal sizes.
  void intern_batch(std::span<const std::string_view> texts, std::span<Word> out);

  // The word of `text` if it is inline or interned already.
  std::optional<Word> find(std::string_view text) const;

  // The bytes of a text word. The view is valid while `scratch` lives and until the entry may be
  // freed: to the end of the step, or as long as somebody has a reference. The view of 0 is empty.
  std::string_view view(Word word, TextScratch& scratch) const {
    if (is_handle_word(word)) {
      const Entry* const e = entry(word);
      return {e->data(), e->size()};
    }
    scratch.word = word;
    return {reinterpret_cast<const char*>(&scratch.word), word == 0 ? 0 : inline_text_size(word)};
  }

  std::size_t text_size(Word word) const {
    if (is_handle_word(word)) return entry(word)->size();
    return word == 0 ? 0 : inline_text_size(word);
  }

  // Compares two text words by bytes: negative, 0, positive.
  int compare_text(Word left, Word right) const {
    if (left == right) return 0;
    TextScratch left_scratch;
    TextScratch right_scratch;
    return view(left, left_scratch).compare(view(right, right_scratch));
  }

  // Tells the processor to fetch the entry behind a word; worth it some tens of words ahead.
  void prefetch(Word word) const {
    if (is_handle_word(word)) __builtin_prefetch(entry(word));
  }

  // A number of the text that no other text of this pool has. Keeps the text for the life of the
  // pool, so that the number stays its own.
  Word ordinal(Word text);

  // ---- records, adts, arrays

  // The word of a record or array with these words. The entry takes a reference to every handle
  // among them. A nil record is kNilWord and needs no call.
  // REQUIRES: `type` is defined and a record with fields.size() words, or an array of whose
  // element words fields.size() is a multiple.
  Word intern_record(TypeId type, std::span<const Word> fields);

  // The word of an adt value: the ordinal itself if no branch of the type has fields, else that of
  // the run [ordinal, fields…].
  Word intern_adt(TypeId type, std::size_t branch, std::span<const Word> fields);

  // The same look-up without creating: for "does this value occur anywhere".
  std::optional<Word> find_record(TypeId type, std::span<const Word> fields) const;

  // The words behind a record, array or adt handle; those of an adt start with the ordinal. Empty
  // for nil. Valid as view() is.
  std::span<const Word> fields(Word word) const {
    if (word == kNilWord) return {};
    const Entry* const e = entry(word);
    return {reinterpret_cast<const Word*>(e->data()) + 1, e->size() / sizeof(Word) - 1};
  }

  // ---- references; words that are no handle (inline, null, nil) are ignored

  void retain(Word word) {
    if (is_handle_word(word)) retain_handle(word);
  }
  void release(Word word) {
    if (is_handle_word(word)) release_handle(word);
  }
  void pin(Word word) {
    if (is_handle_word(word)) pin_handle(word);
  }

  // The same for `count` words of a column that start at `first` and are `stride` words apart,
  // with prefetch. REQUIRES: the column's type satisfies TypeTable::is_handle().
  void retain_column(const Word* first, std::size_t count, std::size_t stride = 1);
  void release_column(const Word* first, std::size_t count, std::size_t stride = 1);
  void pin_column(const Word* first, std::size_t count, std::size_t stride = 1);
  void retain_column(std::span<const Word> words) { retain_column(words.data(), words.size()); }
  void release_column(std::span<const Word> words) { release_column(words.data(), words.size()); }
  void pin_column(std::span<const Word> words) { pin_column(words.data(), words.size()); }

  // ---- the step

  // Where the step is now.
  Mark mark() const;

  // Frees what was interned since `mark` and has no reference. Words interned before it, and words
  // released in this step, stay.
  void reclaim(const Mark& mark);

  // Frees everything that has no reference. Words of freed entries may be used again.
  void end_step();

  // Bytes taken from the system for entries and tables, freed ones awaiting reuse included.
  std::size_t bytes_used() const;
  Stats stats() const;

  // References of the entry, for tests: its count, or the largest number if it is pinned.
  std::uint32_t reference_count(Word word) const;

  // Crashes at the first invariant that does not hold. O(entries).
  void verify() const;

 private:
  // An entry: 8 bytes, then its bytes. An entry of words has the type as its first 8 bytes.
  struct Entry {
    std::atomic<std::uint32_t> references;  // kPinned, kListed, and the count below them.
    std::uint32_t size_and_kind;            // Bytes behind the header; kWordsBit for words.

    std::size_t size() const { return size_and_kind & 0x7fffffffU; }
    const char* data() const { return reinterpret_cast<const char*>(this + 1); }
    char* data() { return reinterpret_cast<char*>(this + 1); }
  };
  static_assert(sizeof(Entry) == 8);

  // A handle is (page number << 12) | granule of 16 bytes within the page.
  static constexpr unsigned kGranuleBits = 12;
  static constexpr std::size_t kGranuleBytes = 16;
  static constexpr std::size_t kShardCount = 16;

  struct Shard;
  struct Impl;

  Entry* entry(Word handle) const {
    char* const base = page_bases_[handle >> kGranuleBits].load(std::memory_order_relaxed);
    return reinterpret_cast<Entry*>(base + (handle & ((1U << kGranuleBits) - 1)) * kGranuleBytes);
  }

  enum class Content : std::uint8_t { kBytes, kWords };

  static std::uint64_t hash_of(Content content, std::string_view bytes);

  Word intern_long(std::string_view text);
  Word intern_entry(Content content, std::uint64_t hash, std::string_view bytes);
  Word find_entry(Content content, std::uint64_t hash, std::string_view bytes) const;
  Word intern_words(TypeId type, std::size_t branch, std::span<const Word> words);
  template <typename Visit>
  void visit_owned(const Entry* e, const Visit& visit) const;
  void bury(Word handle, bool only_reclaimable);
  void sweep(std::span<const Word> handles, bool only_reclaimable);
  void free_buried();
  void retain_handle(Word word);
  void release_handle(Word word);
  void pin_handle(Word word);

  const TypeTable& types_;
  std::atomic<char*>* page_bases_;  // By page number; reserved whole, committed as it is touched.
  std::unique_ptr<Impl> impl_;
};

}  // namespace entail::vm
