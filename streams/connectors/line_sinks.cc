#include "streams/connectors/line_sinks.h"

#include <algorithm>

#include "vm/base/tiny.h"

namespace entail::streams {
namespace {

constexpr std::size_t kBlockBytes = size_or_tiny(std::size_t{64} << 10U, 16);

class FileSink final : public Sink {
 public:
  FileSink(std::string path, Envelope envelope, FileAccess& files)
      : path_(std::move(path)), envelope_(envelope), files_(files) {}

  Expected<std::optional<EntryPlace>> open() override {
    auto opened = files_.open_output(path_);
    if (!opened) return unexpected(std::move(opened).error());
    file_ = std::move(*opened);
    auto size = file_->size();
    if (!size) return unexpected(std::move(size).error());
    // From the end backwards, until the last whole line is in `tail`.
    std::string tail;
    std::uint64_t begin = *size;
    std::size_t end = std::string::npos;  // Of the last whole line, its line end included.
    std::size_t line = 0;
    for (;;) {
      if (!tail.empty()) {
        const std::size_t last = tail.rfind('\n');
        end = last == std::string::npos ? last : last + 1;
        if (end != std::string::npos && last > 0) {
          const std::size_t before = tail.rfind('\n', last - 1);
          if (before != std::string::npos) {
            line = before + 1;
            break;
          }
        }
      }
      if (begin == 0) break;
      const std::uint64_t size_of_block = std::min<std::uint64_t>(begin, kBlockBytes);
      std::string block(static_cast<std::size_t>(size_of_block), '\0');
      begin -= size_of_block;
      std::size_t got = 0;
      while (got < block.size()) {
        auto more = file_->read_at(begin + got, block.data() + got, block.size() - got);
        if (!more) return unexpected(std::move(more).error());
        if (*more == 0) return unexpected(ErrorCode::kIo, path_ + ": it became shorter");
        got += *more;
      }
      tail.insert(0, block);
    }
    if (end == std::string::npos) end = 0;
    if (begin + end < *size) {
      if (auto cut = file_->truncate(begin + end); !cut) return unexpected(std::move(cut).error());
    }
    if (end == 0) return std::optional<EntryPlace>();
    const auto place = place_of_entry(std::string_view(tail).substr(line, end - 1 - line));
    if (!place) {
      return unexpected(ErrorCode::kData, path_ + ": its last line was not written by a sink");
    }
    return std::optional<EntryPlace>(*place);
  }

  Expected<void> deliver(std::span<const SinkEntry> entries) override {
    lines_.clear();
    for (const SinkEntry& entry : entries) {
      append_entry(entry, envelope_, lines_);
      lines_.push_back('\n');
    }
    if (auto written = file_->append(lines_); !written) return written;
    return file_->sync();
  }

 private:
  std::string path_;
  Envelope envelope_;
  FileAccess& files_;
  std::unique_ptr<OutputFile> file_;
  std::string lines_;
};

class ConsoleSink final : public Sink {
 public:
  ConsoleSink(Envelope envelope, FileAccess& files) : envelope_(envelope), files_(files) {}

  Expected<std::optional<EntryPlace>> open() override { return std::optional<EntryPlace>(); }

  Expected<void> deliver(std::span<const SinkEntry> entries) override {
    std::string lines;
    for (const SinkEntry& entry : entries) {
      append_entry(entry, envelope_, lines);
      lines.push_back('\n');
    }
    return files_.print(lines);
  }

 private:
  Envelope envelope_;
  FileAccess& files_;
};

}  // namespace

std::unique_ptr<Sink> make_file_sink(std::string path, Envelope envelope, FileAccess& files) {
  return std::make_unique<FileSink>(std::move(path), envelope, files);
}

std::unique_ptr<Sink> make_console_sink(Envelope envelope, FileAccess& files) {
  return std::make_unique<ConsoleSink>(envelope, files);
}

}  // namespace entail::streams
