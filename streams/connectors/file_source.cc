#include "streams/connectors/file_source.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <optional>

namespace entail::streams {
namespace {

constexpr std::size_t kRecordBytesMax = std::size_t{16} << 20U;
constexpr std::size_t kKeptOfLongRecord = std::size_t{64} << 10U;
constexpr std::size_t kReadBytes = std::size_t{256} << 10U;

// The text of a file from a place on: its bytes, or what is packed in them.
class TextReader {
 public:
  virtual ~TextReader() = default;
  // Up to `size` bytes behind what was read last; 0: there are no more now.
  virtual Expected<std::size_t> read(char* out, std::size_t size) = 0;
  virtual std::optional<std::uint64_t> left() = 0;
};

class PlainReader final : public TextReader {
 public:
  PlainReader(InputFile& file, std::string path, std::uint64_t offset)
      : file_(file), path_(std::move(path)), offset_(offset) {}

  Expected<std::size_t> read(char* out, std::size_t size) override {
    auto got = file_.read_at(offset_, out, size);
    if (!got) return got;
    offset_ += *got;
    if (*got == 0) {
      auto there = file_.size();
      if (!there) return unexpected(std::move(there).error());
      if (*there < offset_) {
        return unexpected(ErrorCode::kData,
                          fmt::format("{}: it has {} bytes, and {} were read before: it is not the "
                                      "file that it was",
                                      path_, *there, offset_));
      }
    }
    return got;
  }

  std::optional<std::uint64_t> left() override {
    auto there = file_.size();
    if (!there || *there < offset_) return std::nullopt;
    return *there - offset_;
  }

 private:
  InputFile& file_;
  std::string path_;
  std::uint64_t offset_;
};

class GzipReader final : public TextReader {
 public:
  GzipReader(InputFile& file, std::string path) : file_(file), path_(std::move(path)) {
    constexpr int kGzipWindow = 15 + 16;
    is_open_ = inflateInit2(&stream_, kGzipWindow) == Z_OK;
  }
  ~GzipReader() override {
    if (is_open_) inflateEnd(&stream_);
  }
  GzipReader(const GzipReader&) = delete;
  GzipReader& operator=(const GzipReader&) = delete;

  Expected<std::size_t> read(char* out, std::size_t size) override {
    if (!is_open_) return broken("zlib refuses to start");
    stream_.next_out = reinterpret_cast<Bytef*>(out);
    stream_.avail_out = static_cast<uInt>(size);
    while (stream_.avail_out == size) {
      if (stream_.avail_in == 0) {
        packed_.resize(kReadBytes);
        auto got = file_.read_at(offset_, packed_.data(), packed_.size());
        if (!got) return got;
        if (*got == 0) {
          if (is_inside_) return broken("it ends too early");
          return std::size_t{0};
        }
        offset_ += *got;
        stream_.next_in = reinterpret_cast<Bytef*>(packed_.data());
        stream_.avail_in = static_cast<uInt>(*got);
      }
      is_inside_ = true;
      const int result = inflate(&stream_, Z_NO_FLUSH);
      if (result == Z_STREAM_END) {  // Another member may follow.
        is_inside_ = false;
        inflateReset(&stream_);
      } else if (result != Z_OK) {
        return broken(stream_.msg != nullptr ? stream_.msg : "its bytes are none of gzip");
      }
    }
    return size - stream_.avail_out;
  }

  std::optional<std::uint64_t> left() override { return std::nullopt; }

 private:
  Expected<std::size_t> broken(const std::string& why) const {
    return unexpected(ErrorCode::kData, path_ + ": " + why);
  }

  InputFile& file_;
  std::string path_;
  z_stream stream_{};
  bool is_open_ = false;
  bool is_inside_ = false;  // A member has begun and not ended.
  std::string packed_;
  std::uint64_t offset_ = 0;  // In the packed bytes.
};

class FileSource final : public Source {
 public:
  FileSource(FileSourceOptions options, FileAccess& files, std::shared_ptr<const RowShape> shape,
             std::unique_ptr<RowDecoder> decoder)
      : options_(std::move(options)),
        files_(files),
        shape_(std::move(shape)),
        decoder_(std::move(decoder)) {}

  Expected<void> seek(std::span<const PartitionPosition> positions) override {
    auto opened = files_.open_input(options_.path);
    if (!opened) return unexpected(std::move(opened).error());
    file_ = std::move(*opened);
    at_ = Position{0, 1};
    reopen(0);
    if (decoder_->has_header()) {
      if (auto read = read_header(); !read) return read;
    }
    for (const PartitionPosition& known : positions) {
      if (known.partition != kPartition || known.position <= at_) continue;
      if (auto skipped = go_to(known.position); !skipped) return skipped;
    }
    return {};
  }

  Expected<PollState> poll(SourceBatch& batch, const PollLimits& limits,
                           std::int64_t /*wait_us*/) override {
    decoder_->begin_batch();
    batch.partitions = {{kPartition, 0}};
    batch.raw.swap(carry_);
    carry_.clear();
    bool is_at_end = false;
    std::size_t seen = 0;  // Bytes before it hold no record end: it was looked for.
    std::size_t begin = 0;
    const Position before = at_;
    while (batch.rows.size() + batch.dead.size() < limits.rows) {
      const std::string_view rest = std::string_view(batch.raw).substr(begin);
      const std::size_t end =
          rest.size() == seen ? std::string_view::npos : decoder_->record_end(rest);
      if (end != std::string_view::npos) {
        take(batch, begin, end, end + 1);
        begin += end + 1;
        seen = 0;
        continue;
      }
      seen = rest.size();
      if (is_skipping_) {
        at_.offset += rest.size();
        begin = batch.raw.size();
        seen = 0;
      } else if (rest.size() > kRecordBytesMax) {
        skip_long(batch, begin);
        begin = batch.raw.size();
        seen = 0;
      }
      // What was read is a batch, if it is not the beginning of one record.
      if (begin > 0 && batch.raw.size() >= limits.bytes) break;
      auto got = read_more(
          batch.raw, std::max(kReadBytes, limits.bytes - std::min(limits.bytes, batch.raw.size())));
      if (!got) return unexpected(std::move(got).error());
      if (*got > 0) continue;
      is_at_end = true;
      if (!options_.tail && begin < batch.raw.size()) {
        const std::size_t size = batch.raw.size() - begin;
        take(batch, begin, size, size);
        begin = batch.raw.size();
      }
      break;
    }
    carry_.assign(batch.raw, begin);
    if (at_ != before) batch.positions = {{kPartition, at_}};
    if (!is_at_end) return PollState::kMore;
    return options_.tail ? PollState::kIdle : PollState::kEnded;
  }

  std::optional<std::uint64_t> lag() const override {
    if (text_ == nullptr) return std::nullopt;
    const auto left = text_->left();
    if (!left) return std::nullopt;
    return *left + carry_.size();
  }

 private:
  static constexpr const char* kPartition = "0";

  void reopen(std::uint64_t offset) {
    if (options_.gzip) {
      text_ = std::make_unique<GzipReader>(*file_, options_.path);
    } else {
      text_ = std::make_unique<PlainReader>(*file_, options_.path, offset);
    }
    carry_.clear();
  }

  // Appends what comes next, with the padding that decoders want behind it as capacity.
  Expected<std::size_t> read_more(std::string& raw, std::size_t size) {
    const std::size_t old = raw.size();
    raw.reserve(old + size + kDecoderPadding);
    raw.resize(old + size);
    auto got = text_->read(raw.data() + old, size);
    raw.resize(old + (got ? *got : 0));
    return got;
  }

  Expected<void> read_header() {
    for (;;) {
      const std::size_t end = decoder_->record_end(carry_);
      if (end != std::string::npos) {
        if (auto read = decoder_->read_header(std::string_view(carry_).substr(0, end)); !read) {
          return unexpected(read.error().code, options_.path + ": " + read.error().message);
        }
        carry_.erase(0, end + 1);
        at_ = {end + 1, 2};
        return {};
      }
      auto got = read_more(carry_, kReadBytes);
      if (!got) return unexpected(std::move(got).error());
      if (*got == 0 || carry_.size() > kRecordBytesMax) {
        return unexpected(ErrorCode::kData, options_.path + ": it has no header line");
      }
    }
  }

  Expected<void> go_to(const Position& position) {
    reopen(position.offset);
    if (options_.gzip) {
      std::string skipped(kReadBytes, '\0');
      std::uint64_t left = position.offset;
      while (left > 0) {
        auto got = text_->read(skipped.data(),
                               static_cast<std::size_t>(std::min<std::uint64_t>(left, kReadBytes)));
        if (!got) return unexpected(std::move(got).error());
        if (*got == 0) {
          return unexpected(ErrorCode::kData,
                            fmt::format("{}: it ends before byte {}, up to which it was read",
                                        options_.path, position.offset));
        }
        left -= *got;
      }
    } else {
      auto there = file_->size();
      if (!there) return unexpected(std::move(there).error());
      if (*there < position.offset) {
        return unexpected(ErrorCode::kData,
                          fmt::format("{}: it has {} bytes, and {} were read before: it is not the "
                                      "file that it was",
                                      options_.path, *there, position.offset));
      }
    }
    at_ = position;
    return {};
  }

  // The record of `size` bytes at `begin`, with `whole` bytes up to the next one.
  void take(SourceBatch& batch, std::size_t begin, std::size_t size, std::size_t whole) {
    if (is_skipping_) {
      is_skipping_ = false;
      at_ = {at_.offset + whole, at_.line + 1};
      if (!batch.dead.empty() && batch.dead.back().origin.next.line == 0) {
        batch.dead.back().origin.next = at_;
      }
      return;
    }
    const std::string_view record(batch.raw.data() + begin, size);
    const auto line_ends =
        static_cast<std::uint64_t>(std::count(record.begin(), record.end(), '\n'));
    RowOrigin origin;
    origin.at = at_;
    origin.next = {at_.offset + whole, at_.line + line_ends + 1};
    origin.raw_begin = static_cast<std::uint32_t>(begin);
    origin.raw_size = static_cast<std::uint32_t>(size);
    at_ = origin.next;
    // Reading behind the string's end is reading within its capacity.
    if (batch.raw.capacity() < batch.raw.size() + kDecoderPadding) {
      batch.raw.reserve(batch.raw.size() + kDecoderPadding);
    }
    decoder_->decode(std::string_view(batch.raw).substr(begin, size), origin, batch);
  }

  // Of a record that is too long: its beginning is kept, the rest is passed over.
  void skip_long(SourceBatch& batch, std::size_t begin) {
    RowOrigin origin;
    origin.at = at_;
    origin.raw_begin = static_cast<std::uint32_t>(begin);
    origin.raw_size = static_cast<std::uint32_t>(kKeptOfLongRecord);
    at_.offset += batch.raw.size() - begin;
    origin.next = at_;
    batch.dead.push_back({origin, fmt::format("the record has more than {} bytes", kRecordBytesMax),
                          batch.rows.size()});
    is_skipping_ = true;
  }

  FileSourceOptions options_;
  FileAccess& files_;
  std::shared_ptr<const RowShape> shape_;
  std::unique_ptr<RowDecoder> decoder_;
  std::unique_ptr<InputFile> file_;
  std::unique_ptr<TextReader> text_;
  std::string carry_;  // Read, and not yet part of a batch; begins at at_.
  Position at_{0, 1};
  bool is_skipping_ = false;
};

}  // namespace

std::unique_ptr<Source> make_file_source(FileSourceOptions options, FileAccess& files,
                                         std::shared_ptr<const RowShape> shape,
                                         std::unique_ptr<RowDecoder> decoder) {
  return std::make_unique<FileSource>(std::move(options), files, std::move(shape),
                                      std::move(decoder));
}

}  // namespace entail::streams
