#include "rete/internal/image_codec.h"

#include <boost/unordered/unordered_flat_map.hpp>
#include <limits>

#include "vm/value_codec.h"

namespace entail::rete {

using vm::Word;

namespace {

constexpr std::size_t kFrameBytesMax = std::numeric_limits<std::uint32_t>::max();

}  // namespace

Error damaged_image(const std::string& what) {
  return {ErrorCode::kCorrupt, "the image of derived state is damaged: " + what};
}

// ------------------------------------------------------------------------------ writing

void put_bytes(std::string& out, std::string_view bytes) {
  put_varint(out, bytes.size());
  out += bytes;
}

void put_words(std::string& out, std::uint64_t word, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) out.push_back(static_cast<char>(word >> (8 * i)));
}

void put_column(std::string& out, const vm::ValuePool& pool, const std::optional<vm::Type>& type,
                std::vector<Word>& words) {
  if (type) {
    boost::unordered_flat_map<Word, Word> numbers;
    std::string values;
    for (Word& word : words) {
      if (!vm::is_handle_word(word)) continue;
      const auto [found, added] = numbers.try_emplace(word, numbers.size() + 1);
      if (added) {
        std::string value;
        vm::encode_value(pool, *type, false, &word, {}, value);
        put_bytes(values, value);
      }
      word = found->second;
    }
    put_varint(out, numbers.size());
    out += values;
  }
  put_packed(out, words.data(), words.size());
}

Expected<void> ImageWriter::frame(const std::string& body) {
  if (body.size() > kFrameBytesMax) {
    return unexpected(ErrorCode::kLimit, "a part of the image of derived state is too long");
  }
  std::string length;
  put_words(length, body.size(), 4);
  if (auto done = sink_.append(length); !done) return done;
  return sink_.append(body);
}

// ------------------------------------------------------------------------------ reading

void take_column(ImageCursor& from, vm::ValuePool& pool, const std::optional<vm::Type>& type,
                 std::size_t n, std::vector<Word>& words, bool& is_damaged) {
  std::vector<Word> values;
  if (type) {
    values.resize(from.count());
    for (Word& value : values) {
      std::string_view bytes = from.text();
      Word out[3] = {0, 0, 0};
      if (!vm::decode_value(pool, *type, false, {}, bytes, out) || !bytes.empty()) {
        is_damaged = true;
        return;
      }
      value = out[0];
    }
  }
  take_packed(from, n, words);
  if (!type) return;
  for (Word& word : words) {
    if (!vm::is_handle_word(word)) continue;
    if (word > values.size()) {
      is_damaged = true;
      return;
    }
    word = values[word - 1];
  }
}

Expected<std::string_view> ImageFrames::next() {
  body_.clear();
  if (auto done = take(4); !done) return unexpected(std::move(done).error());
  std::uint32_t length = 0;
  std::memcpy(&length, body_.data(), 4);
  body_.clear();
  if (auto done = take(length); !done) return unexpected(std::move(done).error());
  return std::string_view(body_);
}

Expected<void> ImageFrames::end() {
  if (!left_.empty()) return unexpected(damaged_image("it goes on behind its end"));
  auto more = source_.next();
  if (!more) return unexpected(std::move(more).error());
  if (!more->empty()) return unexpected(damaged_image("it goes on behind its end"));
  return {};
}

Expected<void> ImageFrames::take(std::size_t size) {
  while (body_.size() < size) {
    if (left_.empty()) {
      auto more = source_.next();
      if (!more) return unexpected(std::move(more).error());
      if (more->empty()) return unexpected(damaged_image("it ends early"));
      left_ = *more;
    }
    const std::size_t n = std::min(size - body_.size(), left_.size());
    body_ += left_.substr(0, n);
    left_.remove_prefix(n);
  }
  return {};
}

}  // namespace entail::rete
