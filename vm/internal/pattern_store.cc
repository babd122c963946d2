#include "vm/internal/pattern_store.h"

#include <string>
#include <utility>

namespace entail::vm {

namespace {

constexpr std::size_t kPatternsMax = 256;

}  // namespace

const re2::RE2& PatternStore::get(std::string_view pattern, std::string_view flags) {
  std::string key(flags);
  key += '/';
  key += pattern;
  if (last_ != nullptr && key == last_key_) return *last_;
  auto found = patterns_.find(key);
  if (found == patterns_.end()) {
    if (patterns_.size() >= kPatternsMax) patterns_.clear();
    re2::RE2::Options options;
    options.set_log_errors(false);
    // A dot matches a line's end, and ^ and $ only those of the text, unless `n` is asked for.
    bool lines = false;
    std::string prefix;
    for (const char flag : flags) {
      if (flag == 'i') options.set_case_sensitive(false);
      if (flag == 'c') options.set_case_sensitive(true);
      if (flag == 'n' || flag == 'm') lines = true;
      if (flag == 's') lines = false;
    }
    prefix = lines ? "(?m)" : "(?s)";
    found =
        patterns_.emplace(key, std::make_unique<re2::RE2>(prefix + std::string(pattern), options))
            .first;
  }
  last_key_ = std::move(key);
  last_ = found->second.get();
  return *last_;
}

}  // namespace entail::vm
