// vm/internal/pattern_store.h - compiled regular expressions of SQL's functions, kept while they are used.
//
// Threads: one.
#pragma once

#include <re2/re2.h>

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace entail::vm {

class PatternStore {
 public:
  // The compiled pattern; check ok(). `flags` are PostgreSQL's letters that change what matches: `i`
  // without regard to case, `n`, `s` and `x` as there. The reference is valid until the next call.
  const re2::RE2& get(std::string_view pattern, std::string_view flags);

 private:
  std::string last_key_;
  const re2::RE2* last_ = nullptr;
  std::unordered_map<std::string, std::unique_ptr<re2::RE2>> patterns_;
};

}  // namespace entail::vm
