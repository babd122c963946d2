// rete/internal/image_codec.h - the bytes of an image of a network: numbers, packed columns, frames.
//
// rete/network_image.h draws them. What is read is trusted as far as that says, but nothing is read from behind
// the end of a frame: that leaves its cursor failed.
//
// Threads: one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rete/network_image.h"
#include "vm/base/expected.h"
#include "vm/base/varint.h"
#include "vm/type.h"
#include "vm/value_pool.h"
#include "vm/word.h"

namespace entail::rete {

Error damaged_image(const std::string& what);

// ------------------------------------------------------------------------------ writing

void put_bytes(std::string& out, std::string_view bytes);
void put_words(std::string& out, std::uint64_t word, std::size_t bytes);

template <typename T>
void put_packed(std::string& out, const T* values, std::size_t n) {
  std::int64_t least = n == 0 ? 0 : static_cast<std::int64_t>(values[0]);
  std::int64_t greatest = least;
  for (std::size_t i = 0; i < n; ++i) {
    least = std::min(least, static_cast<std::int64_t>(values[i]));
    greatest = std::max(greatest, static_cast<std::int64_t>(values[i]));
  }
  const std::uint64_t range =
      static_cast<std::uint64_t>(greatest) - static_cast<std::uint64_t>(least);
  const std::size_t width = range == 0            ? 0
                            : range <= 0xff       ? 1
                            : range <= 0xffff     ? 2
                            : range <= 0xffffffff ? 4
                                                  : 8;
  put_words(out, static_cast<std::uint64_t>(least), 8);
  out.push_back(static_cast<char>(width));
  const std::size_t first = out.size();
  out.resize(first + n * width);
  char* at = out.data() + first;
  for (std::size_t i = 0; i < n && width > 0; ++i, at += width) {
    const std::uint64_t difference =
        static_cast<std::uint64_t>(values[i]) - static_cast<std::uint64_t>(least);
    std::memcpy(at, &difference, width);  // Little-endian, as vm/value_pool.h asserts.
  }
}

// A column of words; where they may be handles, of values of the type. Words are replaced meanwhile.
void put_column(std::string& out, const vm::ValuePool& pool, const std::optional<vm::Type>& type,
                std::vector<vm::Word>& words);

class ImageWriter {
 public:
  explicit ImageWriter(ImageSink& sink) : sink_(sink) {}
  // Fails with kLimit for a body that is too long.
  Expected<void> frame(const std::string& body);

 private:
  ImageSink& sink_;
};

// ------------------------------------------------------------------------------ reading

// The body of a frame, read from the front. What is asked for and not there leaves it failed.
class ImageCursor {
 public:
  explicit ImageCursor(std::string_view bytes) : bytes_(bytes) {}

  bool has_failed() const { return has_failed_; }
  void fail() { has_failed_ = true; }
  bool is_at_end() const { return bytes_.empty(); }

  std::uint64_t number() {
    std::uint64_t result = 0;
    if (!take_varint(bytes_, result)) has_failed_ = true;
    return has_failed_ ? 0 : result;
  }
  // Of things that take a byte each at least.
  std::size_t count() {
    const std::uint64_t result = number();
    if (result > bytes_.size()) has_failed_ = true;
    return has_failed_ ? 0 : result;
  }
  std::string_view bytes(std::size_t size) {
    if (size > bytes_.size()) has_failed_ = true;
    if (has_failed_) return {};
    const std::string_view result = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return result;
  }
  std::string_view text() { return bytes(number()); }

 private:
  std::string_view bytes_;
  bool has_failed_ = false;
};

template <typename Packed, typename T>
void unpack(const char* from, std::uint64_t least, std::size_t n, T* values) {
  for (std::size_t i = 0; i < n; ++i) {
    Packed difference = 0;
    std::memcpy(&difference, from + i * sizeof(Packed), sizeof(Packed));
    values[i] = static_cast<T>(least + difference);
  }
}

template <typename T>
void take_packed(ImageCursor& from, std::size_t n, std::vector<T>& values) {
  values.assign(n, T());
  std::uint64_t least = 0;
  const std::string_view head = from.bytes(9);
  if (from.has_failed()) return;
  std::memcpy(&least, head.data(), 8);
  const auto width = static_cast<unsigned char>(head[8]);
  const std::string_view differences = from.bytes(width > 8 ? ~std::size_t{0} : n * width);
  if (from.has_failed()) return;
  switch (width) {
    case 0:
      values.assign(n, static_cast<T>(least));
      return;
    case 1:
      return unpack<std::uint8_t>(differences.data(), least, n, values.data());
    case 2:
      return unpack<std::uint16_t>(differences.data(), least, n, values.data());
    case 4:
      return unpack<std::uint32_t>(differences.data(), least, n, values.data());
    case 8:
      return unpack<std::uint64_t>(differences.data(), least, n, values.data());
    default:
      return from.fail();
  }
}

void take_column(ImageCursor& from, vm::ValuePool& pool, const std::optional<vm::Type>& type,
                 std::size_t n, std::vector<vm::Word>& words, bool& is_damaged);

class ImageFrames {
 public:
  explicit ImageFrames(ImageSource& source) : source_(source) {}

  // The body of the next one, valid until the next call.
  Expected<std::string_view> next();
  // Behind the last one there is nothing.
  Expected<void> end();

 private:
  Expected<void> take(std::size_t size);

  ImageSource& source_;
  std::string body_;
  std::string_view left_;
};

}  // namespace entail::rete
