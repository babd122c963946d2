#include "grammar/source_span.h"

#include <algorithm>
#include <utility>

#include "vm/base/ensure.h"

namespace entail::grammar {

SourceSpan join(const SourceSpan& first, const SourceSpan& last) {
  if (first.file == kNoFile) return last;
  if (last.file != first.file || last.end < first.begin) return first;
  return {first.file, first.begin, std::max(first.end, last.end)};
}

FileId SourceFiles::add(std::string name, std::string text) {
  ENTAIL_ENSURE(text.size() < 0xffffffffU);
  const FileId id{static_cast<std::uint32_t>(files_.size())};
  File& added = files_.emplace_back();
  added.name = std::move(name);
  added.text = std::move(text);
  return id;
}

const SourceFiles::File& SourceFiles::file(FileId id) const {
  const auto position = static_cast<std::size_t>(id);
  ENTAIL_ENSURE(position < files_.size());
  return files_[position];
}

const std::string& SourceFiles::name(FileId id) const { return file(id).name; }

std::string_view SourceFiles::text(FileId id) const { return file(id).text; }

void SourceFiles::renumber(FileId id, std::uint32_t offset, std::uint32_t line, std::string name) {
  const auto position = static_cast<std::size_t>(id);
  ENTAIL_ENSURE(position < files_.size());
  std::vector<Renumbering>& renumberings = files_[position].renumberings;
  if (name.empty()) name = renumberings.empty() ? files_[position].name : renumberings.back().name;
  renumberings.push_back({offset, line, std::move(name)});
}

std::size_t SourceFiles::line_position(const File& file, std::uint32_t offset) {
  if (file.line_starts.empty()) {
    file.line_starts.push_back(0);
    for (std::size_t i = 0; i < file.text.size(); ++i) {
      if (file.text[i] == '\n') file.line_starts.push_back(static_cast<std::uint32_t>(i + 1));
    }
  }
  const auto after = std::upper_bound(file.line_starts.begin(), file.line_starts.end(), offset);
  return static_cast<std::size_t>(after - file.line_starts.begin()) - 1;
}

std::string SourceFiles::place_prefix(const SourceSpan& span) const {
  const SourcePlace place = locate(span);
  if (place.line == 0) return {};
  return place.file_name + ":" + std::to_string(place.line) + ":" + std::to_string(place.column) +
         ": ";
}

SourcePlace SourceFiles::locate(const SourceSpan& span) const {
  if (span.file == kNoFile) return {};
  const File& in = file(span.file);
  const std::size_t line = line_position(in, span.begin);
  SourcePlace place;
  place.file_name = in.name;
  place.line = static_cast<std::uint32_t>(line + 1);
  // A byte that continues a UTF-8 sequence (10xxxxxx) starts no character.
  const std::size_t end = std::min<std::size_t>(span.begin, in.text.size());
  place.column = 1;
  for (std::size_t i = in.line_starts[line]; i < end; ++i) {
    if ((static_cast<unsigned char>(in.text[i]) & 0xC0U) != 0x80U) ++place.column;
  }
  for (auto it = in.renumberings.rbegin(); it != in.renumberings.rend(); ++it) {
    if (it->offset > span.begin) continue;
    const std::size_t directive_line = line_position(in, it->offset);
    place.line = static_cast<std::uint32_t>(it->line + (line - directive_line) - 1);
    place.file_name = it->name;
    break;
  }
  return place;
}

std::string_view SourceFiles::line_of(const SourceSpan& span) const {
  if (span.file == kNoFile) return {};
  const File& in = file(span.file);
  const std::size_t line = line_position(in, span.begin);
  const std::size_t begin = in.line_starts[line];
  std::size_t end = in.text.find('\n', begin);
  if (end == std::string::npos) end = in.text.size();
  if (end > begin && in.text[end - 1] == '\r') --end;
  return std::string_view(in.text).substr(begin, end - begin);
}

std::string_view SourceFiles::text_of(const SourceSpan& span) const {
  if (span.file == kNoFile) return {};
  const std::string_view whole = text(span.file);
  if (span.begin >= whole.size() || span.end < span.begin) return {};
  return whole.substr(span.begin, span.end - span.begin);
}

std::string error_prefix(const SourceFiles* files, const SourceSpan& span) {
  std::string prefix = files == nullptr ? std::string() : files->place_prefix(span);
  if (!prefix.empty()) prefix += "error: ";
  return prefix;
}

}  // namespace entail::grammar
