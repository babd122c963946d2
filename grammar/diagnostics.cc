#include "grammar/diagnostics.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace entail::grammar {

namespace {

// A long line (a generated program, garbage) is shown as this many bytes around the place.
constexpr std::size_t kLineShownMax = 160;

std::string_view severity_name(Severity severity) {
  switch (severity) {
    case Severity::kError:
      return "error";
    case Severity::kWarning:
      return "warning";
    case Severity::kNote:
      return "note";
  }
  return "error";
}

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

// The line with tabs as they are and other control characters as '?', and a caret under byte
// `position`.
std::string line_with_caret(std::string_view line, std::size_t position) {
  std::size_t from = 0;
  if (line.size() > kLineShownMax && position > kLineShownMax / 2)
    from = position - kLineShownMax / 2;
  while (from > 0 && from < line.size() && is_continuation(line[from])) --from;
  std::size_t to = std::min(line.size(), from + kLineShownMax);
  while (to < line.size() && is_continuation(line[to])) ++to;
  std::string shown = "  ";
  std::string caret = "  ";
  for (std::size_t i = from; i < to; ++i) {
    const char c = line[i];
    const bool control = static_cast<unsigned char>(c) < 0x20U && c != '\t';
    shown += control ? '?' : c;
    if (i < position && !is_continuation(c)) caret += c == '\t' ? '\t' : ' ';
  }
  return shown + "\n" + caret + "^\n";
}

}  // namespace

void Diagnostics::error(SourceSpan span, std::string message, std::string hint) {
  add({Severity::kError, span, std::move(message), std::move(hint)});
}

void Diagnostics::warning(SourceSpan span, std::string message, std::string hint) {
  add({Severity::kWarning, span, std::move(message), std::move(hint)});
}

void Diagnostics::note(SourceSpan span, std::string message, std::string hint) {
  add({Severity::kNote, span, std::move(message), std::move(hint)});
}

void Diagnostics::add(Diagnostic diagnostic) {
  if (diagnostic.severity == Severity::kNote) {
    if (!last_was_dropped_) list_.push_back(std::move(diagnostic));
    return;
  }
  last_was_dropped_ = list_.size() >= 4 * kErrorsMax;
  if (diagnostic.severity == Severity::kError) {
    ++error_count_;
    last_was_dropped_ = error_count_ > kErrorsMax;
  }
  if (!last_was_dropped_) list_.push_back(std::move(diagnostic));
}

std::vector<Diagnostic> Diagnostics::sorted() const {
  // One error or warning and its notes move together.
  struct WithNotes {
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  std::vector<WithNotes> groups;
  for (std::size_t i = 0; i < list_.size(); ++i) {
    if (groups.empty() || list_[i].severity != Severity::kNote) groups.push_back({i, i});
    groups.back().end = i + 1;
  }
  std::stable_sort(groups.begin(), groups.end(), [&](const WithNotes& a, const WithNotes& b) {
    const SourceSpan& left = list_[a.begin].span;
    const SourceSpan& right = list_[b.begin].span;
    return std::pair(left.file, left.begin) < std::pair(right.file, right.begin);
  });
  std::vector<Diagnostic> result;
  for (const WithNotes& group : groups) {
    const Diagnostic& head = list_[group.begin];
    const bool repeated = std::find(result.begin(), result.end(), head) != result.end();
    if (repeated) continue;
    result.insert(result.end(), list_.begin() + static_cast<std::ptrdiff_t>(group.begin),
                  list_.begin() + static_cast<std::ptrdiff_t>(group.end));
  }
  return result;
}

std::string Diagnostics::render(const Diagnostic& diagnostic, const SourceFiles& files) {
  std::string text = files.place_prefix(diagnostic.span);
  const bool has_place = !text.empty();
  text += severity_name(diagnostic.severity);
  text += ": " + diagnostic.message + "\n";
  if (has_place) {
    const std::string_view line = files.line_of(diagnostic.span);
    const std::string_view whole = files.text(diagnostic.span.file);
    const auto line_begin = static_cast<std::size_t>(line.data() - whole.data());
    text += line_with_caret(line, diagnostic.span.begin - line_begin);
  }
  if (!diagnostic.hint.empty()) text += "  Help: " + diagnostic.hint + "\n";
  return text;
}

std::string Diagnostics::render(const SourceFiles& files) const {
  std::string text;
  for (const Diagnostic& diagnostic : sorted()) text += render(diagnostic, files);
  if (error_count_ > kErrorsMax) {
    text += "error: too many errors; only the first " + std::to_string(kErrorsMax) + " are shown\n";
  }
  return text;
}

std::string nearest_name(const std::string& name, const std::vector<std::string>& known) {
  constexpr std::size_t kLengthMax = 64;
  if (name.empty() || name.size() > kLengthMax) return {};
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(1, name.size() / 3) + 1;
  std::vector<std::size_t> row;
  std::vector<std::size_t> old;
  std::vector<std::size_t> older;
  for (const std::string& candidate : known) {
    if (candidate.size() > kLengthMax || candidate == name) continue;
    // The distance of Damerau and Levenshtein, restricted: a swap of neighbours counts one. One
    // row of the table at a time, and the two before it.
    row.resize(candidate.size() + 1);
    for (std::size_t j = 0; j <= candidate.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= name.size(); ++i) {
      older = std::exchange(old, row);
      row[0] = i;
      for (std::size_t j = 1; j <= candidate.size(); ++j) {
        const bool same = name[i - 1] == candidate[j - 1];
        row[j] = std::min({old[j - 1] + (same ? 0 : 1), old[j] + 1, row[j - 1] + 1});
        const bool swapped =
            i > 1 && j > 1 && name[i - 1] == candidate[j - 2] && name[i - 2] == candidate[j - 1];
        if (swapped) row[j] = std::min(row[j], older[j - 2] + 1);
      }
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = candidate;
    }
  }
  return best;
}

}  // namespace entail::grammar
