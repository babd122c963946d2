// grammar/source_span.h - where a piece of program text stands, and the texts themselves.
//
// A SourceSpan is twelve bytes: a file and a range of byte offsets in it. Lines and columns are
// looked up in SourceFiles only when somebody wants to show them, so that a million facts carry no
// line numbers.
//
//     file 0 "main.dl"   path(x, y) :- edge(x, y).
//                                      ^begin    ^end       [begin, end) in bytes
//
// Macros and includes: a span always points into a file as its author wrote it. Text that came out
// of a macro carries the span of the macro's use.
//
// Invariants: begin <= end; file is an id that SourceFiles gave, or kNoFile.
// Cost: locate() is O(log lines); the line table of a file is built at its first use.
// Threads: SourceFiles is for one thread (locate() builds line tables lazily).

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace entail::grammar {

// Position of a file in its SourceFiles.
enum class FileId : std::uint32_t {};
inline constexpr FileId kNoFile{0xffffffff};

struct SourceSpan {
  FileId file = kNoFile;
  std::uint32_t begin = 0;  // First byte.
  std::uint32_t end = 0;    // One past the last byte.

  bool operator==(const SourceSpan&) const = default;
};

// The span from the start of `first` to the end of `last`; `first` alone when they are of two
// files.
SourceSpan join(const SourceSpan& first, const SourceSpan& last);

// A place as a person reads it.
struct SourcePlace {
  std::string file_name;
  std::uint32_t line = 0;    // From 1; 0 when the span has no file.
  std::uint32_t column = 0;  // From 1, in characters (UTF-8 sequences), not bytes.
};

// Owns the names and texts of the program's files, included ones too.
class SourceFiles {
 public:
  SourceFiles() = default;
  SourceFiles(SourceFiles&&) noexcept = default;
  SourceFiles& operator=(SourceFiles&&) noexcept = default;
  SourceFiles(const SourceFiles&) = delete;  // Texts may be large, and views into them are lent.
  SourceFiles& operator=(const SourceFiles&) = delete;

  // Takes a file in. REQUIRES: text.size() < 2^32.
  FileId add(std::string name, std::string text);

  std::size_t size() const { return files_.size(); }

  // Views are valid as long as this object; adding files does not disturb them.
  const std::string& name(FileId file) const;
  std::string_view text(FileId file) const;

  // Says that the line after `offset` is to be shown as `line` of `name` (`#line`). Calls for one
  // file come in ascending order of offset. An empty name keeps the name in force.
  void renumber(FileId file, std::uint32_t offset, std::uint32_t line, std::string name);

  SourcePlace locate(const SourceSpan& span) const;
  // "file:line:column: ", as messages begin; empty for a span without a file.
  std::string place_prefix(const SourceSpan& span) const;

  // The whole line in which `span` begins, without its newline; empty for a span without a file.
  std::string_view line_of(const SourceSpan& span) const;

  // The text of `span` as written.
  std::string_view text_of(const SourceSpan& span) const;

 private:
  struct Renumbering {
    std::uint32_t offset = 0;
    std::uint32_t line = 0;
    std::string name;
  };
  struct File {
    std::string name;
    std::string text;
    std::vector<Renumbering> renumberings;
    mutable std::vector<std::uint32_t> line_starts;  // Empty until the first look-up.
  };

  const File& file(FileId id) const;
  // Position in line_starts of the line that holds `offset`.
  static std::size_t line_position(const File& file, std::uint32_t offset);

  std::deque<File> files_;  // A deque, so that views stay valid when files join.
};

// "file:line:column: error: "; empty where the files are not at hand, or the span has none.
std::string error_prefix(const SourceFiles* files, const SourceSpan& span);

}  // namespace entail::grammar
