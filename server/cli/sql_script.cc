#include "server/cli/sql_script.h"

#include <cctype>
#include <utility>

namespace entail::cli {
namespace {

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$' ||
         static_cast<unsigned char>(c) >= 0x80;
}

}  // namespace

// Each scan_ leaves at_ where it was and says false when the end has not come yet.
bool SqlScript::scan_quoted(char quote, bool escapes) {
  for (std::size_t i = at_ + 1; i < text_.size(); ++i) {
    if (escapes && text_[i] == '\\') {
      ++i;
    } else if (text_[i] == quote) {
      // A doubled quote opens the next piece at once, which comes to the same.
      at_ = i + 1;
      return true;
    }
  }
  return false;
}

bool SqlScript::scan_comment() {
  std::size_t depth = 1;
  for (std::size_t i = at_ + 2; i + 1 < text_.size(); ++i) {
    const std::string_view two = std::string_view(text_).substr(i, 2);
    if (two == "/*") {
      ++depth;
      ++i;
    } else if (two == "*/") {
      ++i;
      if (--depth == 0) {
        at_ = i + 1;
        return true;
      }
    }
  }
  return false;
}

// At a $: a dollar-quoted text, or a parameter.
bool SqlScript::scan_dollar() {
  const bool follows_word = at_ > 0 && is_word(text_[at_ - 1]);
  std::size_t end = at_ + 1;
  while (end < text_.size() && is_word(text_[end]) && text_[end] != '$') ++end;
  if (end == text_.size() && !follows_word) return false;
  const bool is_tag = end < text_.size() && text_[end] == '$' &&
                      std::isdigit(static_cast<unsigned char>(text_[at_ + 1])) == 0;
  if (follows_word || !is_tag) {
    ++at_;
    return true;
  }
  const std::string tag = text_.substr(at_, end + 1 - at_);
  const std::size_t close = text_.find(tag, end + 1);
  if (close == std::string::npos) return false;
  at_ = close + tag.size();
  return true;
}

std::optional<std::string> SqlScript::next() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    const char after = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    // The next character tells whether a comment begins.
    if ((c == '-' || c == '/') && at_ + 1 == text_.size()) return std::nullopt;
    if (c == '-' && after == '-') {
      const std::size_t end = text_.find('\n', at_);
      if (end == std::string::npos) return std::nullopt;
      at_ = end;
      continue;
    }
    if (c == '/' && after == '*') {
      if (!scan_comment()) return std::nullopt;
      continue;
    }
    if (std::isspace(static_cast<unsigned char>(c)) != 0) {
      ++at_;
      continue;
    }
    if (c == ';' && depth_ == 0) {
      std::string statement = text_.substr(0, at_ + 1);
      text_.erase(0, at_ + 1);
      const bool had_content = has_content_;
      forget();
      if (had_content) return statement;
      continue;
    }
    has_content_ = true;
    if (c == '\'') {
      const bool escapes =
          at_ > 0 && (text_[at_ - 1] | 0x20) == 'e' && (at_ == 1 || !is_word(text_[at_ - 2]));
      if (!scan_quoted('\'', escapes)) return std::nullopt;
    } else if (c == '"') {
      if (!scan_quoted('"', false)) return std::nullopt;
    } else if (c == '$') {
      if (!scan_dollar()) return std::nullopt;
    } else {
      if (c == '(') ++depth_;
      if (c == ')' && depth_ > 0) --depth_;
      ++at_;
    }
  }
  return std::nullopt;
}

std::optional<std::string> SqlScript::rest() {
  const bool had_content = has_content_ || at_ + 1 == text_.size();
  std::string text = take_all();
  if (!had_content) return std::nullopt;
  return text;
}

bool SqlScript::is_inside() const { return has_content_; }

void SqlScript::skip_line() {
  const std::size_t end = text_.find('\n');
  text_.erase(0, end == std::string::npos ? end : end + 1);
  forget();
}

std::optional<std::string> SqlScript::next_line() {
  const std::size_t end = text_.find('\n');
  if (end == std::string::npos) return std::nullopt;
  std::string line = text_.substr(0, end + 1);
  text_.erase(0, end + 1);
  forget();
  return line;
}

std::string SqlScript::take_all() {
  forget();
  return std::exchange(text_, {});
}

void SqlScript::forget() {
  at_ = 0;
  depth_ = 0;
  has_content_ = false;
}

}  // namespace entail::cli
