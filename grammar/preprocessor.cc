#include "grammar/preprocessor.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "grammar/internal/condition.h"
#include "vm/base/ensure.h"

namespace entail::grammar {

namespace {

// Macros inside macros, and arguments inside arguments.
constexpr std::size_t kMacroDepthMax = 200;

bool is_word_start(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool is_word_part(char c) {
  return is_word_start(c) || std::isdigit(static_cast<unsigned char>(c)) != 0;
}
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f'; }
bool is_blank(char c) { return is_space(c) || c == '\n'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// The offset after the string that starts at `i`.
std::size_t string_end(std::string_view text, std::size_t i) {
  for (++i; i < text.size() && text[i] != '"'; ++i) {
    if (text[i] == '\\') ++i;
  }
  return std::min(text.size(), i + 1);
}

// The offset after the comment that starts at `i`, or `i` when none does. A line comment ends
// before its newline.
std::size_t comment_end(std::string_view text, std::size_t i) {
  if (text.substr(i, 2) == "//") return std::min(text.size(), text.find('\n', i));
  if (text.substr(i, 2) == "/*") {
    const std::size_t end = text.find("*/", i + 2);
    return end == std::string_view::npos ? text.size() : end + 2;
  }
  return i;
}

std::string without_comments(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t after = comment_end(text, i);
    if (after > i) {
      result += ' ';
      i = after;
    } else if (text[i] == '"') {
      const std::size_t end = string_end(text, i);
      result += text.substr(i, end - i);
      i = end;
    } else {
      result += text[i++];
    }
  }
  return result;
}

struct Macro {
  bool function_like = false;
  std::vector<std::string> parameters;
  std::string body;
};

}  // namespace

SourceSpan PreprocessedText::span(std::uint32_t begin, std::uint32_t end) const {
  const Piece& first = piece_of(begin);
  const auto inside = [](const Piece& piece, std::uint32_t offset) {
    return piece.in_begin + (offset - piece.out_begin);
  };
  SourceSpan start{first.file, first.verbatim ? inside(first, begin) : first.in_begin,
                   first.verbatim ? inside(first, begin) : first.in_end};
  if (end <= begin) return start;
  const Piece& last = piece_of(end - 1);
  const std::uint32_t stop = last.verbatim ? inside(last, end - 1) + 1 : last.in_end;
  return join(start, {last.file, stop, stop});
}

const PreprocessedText::Piece& PreprocessedText::piece_of(std::uint32_t offset) const {
  const auto holds = [&](std::size_t i) {
    return pieces_[i].out_begin <= offset &&
           (i + 1 == pieces_.size() || offset < pieces_[i + 1].out_begin);
  };
  if (last_piece_ < pieces_.size() && holds(last_piece_)) return pieces_[last_piece_];
  if (last_piece_ + 1 < pieces_.size() && holds(last_piece_ + 1)) return pieces_[++last_piece_];
  const auto after =
      std::upper_bound(pieces_.begin(), pieces_.end(), offset,
                       [](std::uint32_t o, const Piece& piece) { return o < piece.out_begin; });
  ENTAIL_ENSURE(after != pieces_.begin());
  last_piece_ = static_cast<std::size_t>(after - pieces_.begin()) - 1;
  return pieces_[last_piece_];
}

class Preprocessor {
 public:
  Preprocessor(const ParseOptions& options, FileReader& reader, SourceFiles& files,
               Diagnostics& diagnostics, PreprocessedText& result)
      : options_(options),
        reader_(reader),
        files_(files),
        diagnostics_(diagnostics),
        result_(result) {
    for (const auto& [name, value] : options.defines) macros_[name] = Macro{false, {}, value};
  }

  void run(FileId file) {
    if (files_.text(file).size() > options_.program_limit) {
      too_large({file, 0, 0});
      result_.owned_ = true;
      result_.add_piece({0, file, 0, 0, true});
      return;
    }
    if (macros_.empty() && !needs_work(files_.text(file))) {
      result_.view_ = files_.text(file);
      result_.add_piece({0, file, 0, 0, true});
      return;
    }
    result_.owned_ = true;
    result_.add_piece({0, file, 0, 0, true});
    enter(file);
  }

 private:
  // One #if … #endif.
  struct Conditional {
    SourceSpan opened;
    bool active = false;  // Its present branch is read.
    bool taken = false;   // Some branch was.
    bool outer_active = false;
    bool else_seen = false;
  };
  using Hidden = std::set<std::string, std::less<>>;

  static bool needs_work(std::string_view text) {
    return text.find('#') != std::string_view::npos ||
           text.find(".include") != std::string_view::npos ||
           text.find(".once") != std::string_view::npos;
  }

  void too_large(SourceSpan span) {
    if (stopped_) return;
    stopped_ = true;
    diagnostics_.error(
        span, "the program is larger than " + std::to_string(options_.program_limit) + " bytes",
        "Facts belong in files that '.input' reads; the limit is --program-limit.");
  }

  // Adds [begin, end) of the file being read to the output, as it stands.
  void copy(std::size_t begin, std::size_t end) {
    if (begin >= end || stopped_) return;
    if (result_.out_.size() + (end - begin) > options_.program_limit) {
      too_large({file_, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(begin)});
      return;
    }
    piece({static_cast<std::uint32_t>(result_.out_.size()), file_,
           static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end), true});
    result_.out_ += text_.substr(begin, end - begin);
  }

  void piece(const PreprocessedText::Piece& next) {
    if (result_.pieces_.back().out_begin == next.out_begin) result_.pieces_.pop_back();
    result_.add_piece(next);
  }

  // What macro text adds stands for the use of the macro.
  void write(const std::string& text, std::size_t use_begin, std::size_t use_end) {
    if (result_.out_.size() + text.size() > options_.program_limit) {
      too_large(
          {file_, static_cast<std::uint32_t>(use_begin), static_cast<std::uint32_t>(use_end)});
      return;
    }
    if (text.empty()) return;
    piece({static_cast<std::uint32_t>(result_.out_.size()), file_,
           static_cast<std::uint32_t>(use_begin), static_cast<std::uint32_t>(use_end), false});
    result_.out_ += text;
  }

  SourceSpan here(std::size_t begin, std::size_t end) const {
    return {file_, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)};
  }

  // Reads one file from its first byte to its last.
  void enter(FileId file) {
    const FileId outer_file = file_;
    const std::string_view outer_text = text_;
    const std::vector<Conditional> outer_conditionals = std::exchange(conditionals_, {});
    file_ = file;
    text_ = files_.text(file);
    stack_.push_back(files_.name(file));
    read();
    if (!conditionals_.empty() && !stopped_) {
      diagnostics_.error(conditionals_.back().opened, "this #if is never closed",
                         "End it with '#endif'.");
    }
    stack_.pop_back();
    conditionals_ = outer_conditionals;
    text_ = outer_text;
    file_ = outer_file;
    // A word at the end of one file and a word after its include are two words.
    if (!stack_.empty()) write("\n", 0, 0);
  }

  bool active() const { return conditionals_.empty() || conditionals_.back().active; }

  void read() {
    std::size_t copied = 0;  // Everything before is in the output, or was dropped.
    bool line_start = true;
    std::size_t i = 0;
    while (i < text_.size() && !stopped_) {
      const char c = text_[i];
      if (line_start && c == '#') {
        if (active()) copy(copied, i);
        i = directive(i);
        copied = i;
        continue;
      }
      if (!active()) {  // Skipped text: only lines that start with # matter.
        line_start = c == '\n' || (line_start && is_space(c));
        copied = ++i;
        continue;
      }
      if (c == '\n') {
        line_start = true;
        ++i;
        continue;
      }
      if (!is_space(c)) line_start = false;
      if (c == '"') {
        i = string_end(text_, i);
      } else if (const std::size_t after = comment_end(text_, i); after > i) {
        i = after;
      } else if (c == '.' && text_.substr(i, 8) == ".include" && i + 8 < text_.size() &&
                 is_blank(text_[i + 8])) {
        copy(copied, i);
        i = include(i, i + 8);
        copied = i;
      } else if (c == '.' && text_.substr(i, 5) == ".once" &&
                 (i + 5 >= text_.size() || !is_word_part(text_[i + 5]))) {
        copy(copied, i);
        i += 5;
        copied = i;
        if (!once_.insert(files_.name(file_)).second) return;
      } else if (is_word_start(c) && (i == 0 || !is_word_part(text_[i - 1]))) {
        std::size_t end = i;
        while (end < text_.size() && is_word_part(text_[end])) ++end;
        const std::string_view word = text_.substr(i, end - i);
        if (!macros_.empty() && macros_.find(word) != macros_.end()) {
          std::string expanded;
          const std::size_t after_use = expand_use(text_, i, end, expanded, {}, 0, i);
          if (after_use != i) {
            copy(copied, i);
            write(expanded, i, after_use);
            i = after_use;
            copied = i;
            continue;
          }
        }
        i = end;
      } else {
        ++i;
      }
    }
    if (active()) copy(copied, text_.size());
  }

  // Macros ---------------------------------------------------------------------------------------

  // Expands the macro whose name is text[begin, end), appending to `out`. Returns where its use
  // ends, or `begin` when it is no use: hidden, or function-like without arguments.
  std::size_t expand_use(std::string_view text, std::size_t begin, std::size_t end,
                         std::string& out, const Hidden& hidden, std::size_t depth,
                         std::size_t place) {
    const auto found = macros_.find(text.substr(begin, end - begin));
    if (found == macros_.end() || hidden.contains(found->first)) return begin;
    const Macro& macro = found->second;
    std::vector<std::string> arguments;
    std::size_t after = end;
    if (macro.function_like) {
      while (after < text.size() && is_blank(text[after])) ++after;
      if (after >= text.size() || text[after] != '(') return begin;
      if (!read_arguments(text, after, arguments)) {
        diagnostics_.error(here(place, place + found->first.size()),
                           "the arguments of macro '" + found->first + "' are never closed");
        return begin;
      }
      if (macro.parameters.empty() && arguments.size() == 1 && trimmed(arguments[0]).empty())
        arguments.clear();
      if (arguments.size() != macro.parameters.size()) {
        diagnostics_.error(here(place, place + found->first.size()),
                           "macro '" + found->first + "' takes " +
                               std::to_string(macro.parameters.size()) + " arguments, not " +
                               std::to_string(arguments.size()));
        return begin;
      }
    }
    // Each expansion costs at least a step, so macros that double themselves into nothing end too.
    work_ += macro.body.size() + 128;
    if (depth > kMacroDepthMax || work_ > 4 * options_.program_limit + (std::size_t{1} << 20)) {
      if (!stopped_) {
        diagnostics_.error(here(place, place + found->first.size()),
                           "macro '" + found->first + "' expands without end");
      }
      stopped_ = true;
      return after;
    }
    const std::string body = substitute(macro, arguments, hidden, depth, place);
    Hidden inner = hidden;
    inner.insert(found->first);
    expand_text(body, out, inner, depth + 1, place);
    return after;
  }

  // Expands every macro use in `text`, appending to `out`.
  void expand_text(std::string_view text, std::string& out, const Hidden& hidden, std::size_t depth,
                   std::size_t place) {
    for (std::size_t i = 0; i < text.size() && !stopped_;) {
      if (out.size() > options_.program_limit) {
        too_large(here(place, place));
        return;
      }
      if (text[i] == '"') {
        const std::size_t end = string_end(text, i);
        out += text.substr(i, end - i);
        i = end;
      } else if (is_word_part(text[i])) {
        std::size_t end = i;
        while (end < text.size() && is_word_part(text[end])) ++end;
        const std::size_t after =
            is_word_start(text[i]) ? expand_use(text, i, end, out, hidden, depth, place) : i;
        if (after == i) {
          out += text.substr(i, end - i);
          i = end;
        } else {
          i = after;
        }
      } else {
        out += text[i++];
      }
    }
  }

  // Reads `(a, b)` at `i`; moves `i` behind it. Brackets nest, strings and comments are respected.
  static bool read_arguments(std::string_view text, std::size_t& i,
                             std::vector<std::string>& arguments) {
    std::size_t depth = 0;
    std::size_t from = i + 1;
    for (std::size_t j = i; j < text.size();) {
      const char c = text[j];
      if (c == '"') {
        j = string_end(text, j);
        continue;
      }
      if (const std::size_t after = comment_end(text, j); after > j) {
        j = after;
        continue;
      }
      if (c == '(') ++depth;
      if ((c == ',' && depth == 1) || (c == ')' && depth == 1)) {
        arguments.push_back(without_comments(trimmed(text.substr(from, j - from))));
        from = j + 1;
      }
      if (c == ')' && --depth == 0) {
        i = j + 1;
        return true;
      }
      ++j;
    }
    return false;
  }

  // The body with its parameters replaced: expanded, but as written beside # and ##.
  std::string substitute(const Macro& macro, const std::vector<std::string>& arguments,
                         const Hidden& hidden, std::size_t depth, std::size_t place) {
    if (!macro.function_like && macro.body.find('#') == std::string::npos) return macro.body;
    std::vector<std::optional<std::string>> expanded(arguments.size());
    std::string result;
    const std::string_view body = macro.body;
    const auto parameter = [&](std::string_view word) -> std::optional<std::size_t> {
      const auto it = std::find(macro.parameters.begin(), macro.parameters.end(), word);
      if (it == macro.parameters.end()) return std::nullopt;
      return static_cast<std::size_t>(it - macro.parameters.begin());
    };
    const auto next_solid = [&](std::size_t i) {
      while (i < body.size() && is_blank(body[i])) ++i;
      return i;
    };
    bool pasting = false;  // The last thing read was ##.
    for (std::size_t i = 0; i < body.size() && !stopped_;) {
      if (result.size() > options_.program_limit) {
        too_large(here(place, place));
        break;
      }
      if (body.substr(i, 2) == "##") {
        while (!result.empty() && is_blank(result.back())) result.pop_back();
        i = next_solid(i + 2);
        pasting = true;
        continue;
      }
      if (body[i] == '#' && macro.function_like) {
        const std::size_t begin = next_solid(i + 1);
        std::size_t end = begin;
        while (end < body.size() && is_word_part(body[end])) ++end;
        if (const auto position = parameter(body.substr(begin, end - begin))) {
          result += '"';
          for (const char c : arguments[*position]) {
            if (c == '"' || c == '\\') result += '\\';
            result += c;
          }
          result += '"';
          i = end;
          pasting = false;
          continue;
        }
      }
      if (body[i] == '"') {
        const std::size_t end = string_end(body, i);
        result += body.substr(i, end - i);
        i = end;
      } else if (is_word_start(body[i])) {
        std::size_t end = i;
        while (end < body.size() && is_word_part(body[end])) ++end;
        if (const auto position = parameter(body.substr(i, end - i))) {
          if (pasting || body.substr(next_solid(end), 2) == "##") {
            result += arguments[*position];
          } else {
            std::optional<std::string>& argument = expanded[*position];
            if (!argument) {
              argument.emplace();
              if (depth > kMacroDepthMax) {
                stopped_ = true;
              } else {
                expand_text(arguments[*position], *argument, hidden, depth + 1, place);
              }
            }
            result += *argument;
          }
        } else {
          result += body.substr(i, end - i);
        }
        i = end;
      } else if (std::isdigit(static_cast<unsigned char>(body[i])) != 0) {
        while (i < body.size() && is_word_part(body[i])) result += body[i++];
      } else {
        result += body[i++];
      }
      pasting = false;
    }
    return result;
  }

  // Directives -----------------------------------------------------------------------------------

  // Reads the directive whose # is at `begin`; returns the offset of its newline (continued lines
  // joined).
  std::size_t directive(std::size_t begin) {
    std::string line;
    std::size_t i = begin + 1;
    for (; i < text_.size() && text_[i] != '\n'; ++i) {
      if (text_[i] == '\\' && i + 1 < text_.size() &&
          (text_[i + 1] == '\n' || text_.substr(i + 1, 2) == "\r\n")) {
        i += text_[i + 1] == '\n' ? 1 : 2;
        line += '\n';
      } else if (text_.substr(i, 2) == "/*") {  // A block comment may hold newlines.
        const std::size_t end = comment_end(text_, i);
        line += ' ';
        i = end - 1;
      } else {
        line += text_[i];
      }
    }
    const std::size_t end = i;
    const SourceSpan span = here(begin, end);
    std::string_view rest = trimmed(line);
    std::size_t word_end = 0;
    while (word_end < rest.size() && is_word_part(rest[word_end])) ++word_end;
    const std::string_view word = rest.substr(0, word_end);
    const bool is_include = word == "include";
    const std::string argument_text =
        is_include ? std::string(rest.substr(word_end)) : without_comments(rest.substr(word_end));
    const std::string_view argument = trimmed(argument_text);
    if (word == "if" || word == "ifdef" || word == "ifndef") {
      open_conditional(word, argument, span);
    } else if (word == "elif" || word == "else" || word == "endif") {
      turn_conditional(word, argument, span);
    } else if (active()) {
      if (word == "define") {
        define(argument, span);
      } else if (word == "undef") {
        macros_.erase(std::string(argument));
      } else if (is_include) {
        include(begin, begin + static_cast<std::size_t>(text_.substr(begin).find("include")) + 7);
      } else if (word == "line" ||
                 (!word.empty() && std::isdigit(static_cast<unsigned char>(word[0])) != 0)) {
        renumber(word == "line" ? argument : rest, end);
      } else if (word == "error") {
        diagnostics_.error(span, "#error " + std::string(argument));
      } else if (word == "warning") {
        diagnostics_.warning(span, "#warning " + std::string(argument));
      } else if (word != "pragma" && !rest.empty() && !rest.starts_with('!')) {
        constexpr std::size_t kShownMax = 40;
        diagnostics_.warning(
            span, "unknown directive '#" + std::string(rest.substr(0, kShownMax)) + "' is ignored");
      }
    }
    return end;
  }

  void define(std::string_view text, SourceSpan span) {
    std::size_t end = 0;
    if (!text.empty() && is_word_start(text[0])) {
      while (end < text.size() && is_word_part(text[end])) ++end;
    }
    if (end == 0) {
      diagnostics_.error(span, "#define needs a name");
      return;
    }
    Macro macro;
    const std::string name(text.substr(0, end));
    if (end < text.size() && text[end] == '(') {
      macro.function_like = true;
      const std::size_t close = text.find(')', end);
      if (close == std::string_view::npos) {
        diagnostics_.error(span, "the parameters of macro '" + name + "' are never closed");
        return;
      }
      std::string_view list = text.substr(end + 1, close - end - 1);
      while (!trimmed(list).empty()) {
        const std::size_t comma = std::min(list.size(), list.find(','));
        macro.parameters.emplace_back(trimmed(list.substr(0, comma)));
        list.remove_prefix(std::min(list.size(), comma + 1));
      }
      end = close + 1;
    }
    macro.body = trimmed(text.substr(end));
    macros_[name] = std::move(macro);
  }

  bool holds(std::string_view condition, SourceSpan span) {
    // `defined X` and `defined(X)` first, then macros, then arithmetic.
    std::string text;
    for (std::size_t i = 0; i < condition.size();) {
      if (!is_word_start(condition[i])) {
        text += condition[i++];
        continue;
      }
      std::size_t end = i;
      while (end < condition.size() && is_word_part(condition[end])) ++end;
      if (condition.substr(i, end - i) != "defined") {
        text += condition.substr(i, end - i);
        i = end;
        continue;
      }
      while (end < condition.size() && (is_blank(condition[end]) || condition[end] == '(')) ++end;
      const std::size_t begin = end;
      while (end < condition.size() && is_word_part(condition[end])) ++end;
      text += macros_.contains(condition.substr(begin, end - begin)) ? " 1 " : " 0 ";
      const std::size_t solid = std::min(condition.size(), condition.find_first_not_of(" \t", end));
      // The parenthesis of `defined(X)` closes; `(defined X)` keeps its own.
      const bool own = condition.substr(i, begin - i).find('(') != std::string_view::npos;
      i = own && solid < condition.size() && condition[solid] == ')' ? solid + 1 : end;
    }
    std::string expanded;
    expand_text(text, expanded, {}, 0, span.begin);
    std::string problem;
    const std::optional<std::int64_t> value = internal::evaluate_condition(expanded, problem);
    if (!value) diagnostics_.error(span, "the condition of this #if cannot be read: " + problem);
    return value.value_or(0) != 0;
  }

  void open_conditional(std::string_view word, std::string_view argument, SourceSpan span) {
    Conditional conditional;
    conditional.opened = span;
    conditional.outer_active = active();
    if (conditional.outer_active) {
      conditional.active =
          word == "if" ? holds(argument, span) : macros_.contains(argument) == (word == "ifdef");
      conditional.taken = conditional.active;
    }
    if (conditionals_.size() >= kMacroDepthMax) {
      diagnostics_.error(span, "#if nested too deep");
      stopped_ = true;
      return;
    }
    conditionals_.push_back(conditional);
  }

  void turn_conditional(std::string_view word, std::string_view argument, SourceSpan span) {
    if (conditionals_.empty()) {
      diagnostics_.error(span, "#" + std::string(word) + " without an #if");
      return;
    }
    if (word == "endif") {
      conditionals_.pop_back();
      return;
    }
    Conditional& conditional = conditionals_.back();
    if (conditional.else_seen) {
      diagnostics_.error(span, "#" + std::string(word) + " after #else");
      return;
    }
    conditional.else_seen = word == "else";
    conditional.active =
        conditional.outer_active && !conditional.taken && (word == "else" || holds(argument, span));
    conditional.taken = conditional.taken || conditional.active;
  }

  // `12 "name" flags`: the next line is line 12 of name.
  void renumber(std::string_view text, std::size_t end) {
    std::uint32_t line = 0;
    std::size_t i = 0;
    while (i < text.size() && text[i] >= '0' && text[i] <= '9' && line < 100'000'000) {
      line = line * 10 + static_cast<std::uint32_t>(text[i++] - '0');
    }
    std::string name;
    const std::size_t open = text.find('"', i);
    if (open != std::string_view::npos)
      name = text.substr(open + 1, std::min(text.size(), text.find('"', open + 1)) - open - 1);
    if (line > 0) files_.renumber(file_, static_cast<std::uint32_t>(end), line, name);
  }

  // Reads the name after an include word that ends at `i`, and the file of that name. Returns the
  // offset behind the name.
  std::size_t include(std::size_t begin, std::size_t i) {
    while (i < text_.size() && is_space(text_[i])) ++i;
    const char open = i < text_.size() ? text_[i] : '\0';
    const char close = open == '<' ? '>' : open;
    if (open != '"' && open != '<') {
      diagnostics_.error(here(begin, i), "an include needs a file name",
                         "Write .include \"file.dl\".");
      return i;
    }
    std::size_t end = i + 1;
    while (end < text_.size() && text_[end] != close && text_[end] != '\n') ++end;
    const std::string name(text_.substr(i + 1, end - i - 1));
    end = std::min(text_.size(), end + 1);
    const SourceSpan span = here(begin, end);
    if (stack_.size() >= options_.include_depth_max) {
      diagnostics_.error(span, "includes are nested deeper than " +
                                   std::to_string(options_.include_depth_max) + " files");
      stopped_ = true;
      return end;
    }
    Expected<FileReader::File> opened = reader_.open(name, files_.name(file_));
    if (!opened) {
      diagnostics_.error(span, "cannot include '" + name + "': " + opened.error().message);
      return end;
    }
    if (once_.contains(opened->name) || is_guarded(opened->text)) return end;
    if (std::find(stack_.begin(), stack_.end(), opened->name) != stack_.end()) {
      diagnostics_.error(span, "'" + name + "' includes itself",
                         "Put '.once' at its start to have it read once only.");
      return end;
    }
    included_bytes_ += opened->text.size() + 64;  // Many includes of nothing are work too.
    if (included_bytes_ > options_.program_limit) {
      too_large(span);
      return end;
    }
    enter(files_.add(opened->name, opened->text));
    return end;
  }

  // Whether the text starts with `#ifndef X` and X is defined: it would give nothing.
  bool is_guarded(std::string_view text) const {
    std::size_t i = 0;
    for (;;) {
      while (i < text.size() && is_blank(text[i])) ++i;
      const std::size_t after = i < text.size() ? comment_end(text, i) : i;
      if (after == i) break;
      i = after;
    }
    if (!text.substr(i).starts_with("#ifndef ")) return false;
    std::size_t begin = i + 8;
    while (begin < text.size() && is_space(text[begin])) ++begin;
    std::size_t end = begin;
    while (end < text.size() && is_word_part(text[end])) ++end;
    return macros_.contains(text.substr(begin, end - begin)) &&
           text.find("#else", end) == std::string_view::npos;
  }

  const ParseOptions& options_;
  FileReader& reader_;
  SourceFiles& files_;
  Diagnostics& diagnostics_;
  PreprocessedText& result_;

  FileId file_ = kNoFile;                  // The file being read,
  std::string_view text_;                  // its text,
  std::vector<Conditional> conditionals_;  // and its open #ifs.
  std::vector<std::string> stack_;         // The files being read, outermost first.
  std::set<std::string, std::less<>> once_;
  std::map<std::string, Macro, std::less<>> macros_;
  std::size_t work_ = 0;
  std::size_t included_bytes_ = 0;
  bool stopped_ = false;
};

void preprocess(FileId file, const ParseOptions& options, FileReader& reader, SourceFiles& files,
                Diagnostics& diagnostics, PreprocessedText& result) {
  Preprocessor(options, reader, files, diagnostics, result).run(file);
}

}  // namespace entail::grammar
