// vm/base/expected.h - a value, or the reason why there is none.
//
// Expected<T> is what a function returns when the world can refuse: a file is missing, a limit is
// reached, a row cannot be read. The member names are those of C++23's std::expected, so that this
// page can become an alias; two things are narrower. The error is always an Error, and reading the
// value of a failed result is a bug of ours that stops the program instead of throwing.
//
//     Expected<Row> read_row(std::string_view line) {
//       if (line.empty()) return unexpected(ErrorCode::kData, "an empty line is no row");
//       ...
//     }
//     auto row = read_row(line);
//     if (!row) return unexpected(row.error());     // or unexpected(std::move(row).error())
//     use(*row);
//
// Program text is not the world: its mistakes are Diagnostics, all of them at once.
//
// Threads: as for T.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "vm/base/ensure.h"

namespace entail {

// One code for each decision a caller can make; what happened in detail is in the message.
enum class ErrorCode : std::uint8_t {
  kInvalidArgument,  // The request itself is wrong: say so to whoever made it.
  kNotFound,         // A named thing does not exist: offer others, or create it.
  kUnsupported,      // Well-formed, but not built: refuse, and name the construct.
  kData,             // One row or value is bad: set it aside and go on, or give up the input.
  kCorrupt,          // Stored bytes are not what was written: repair or restore.
  kLimit,            // A budget or a capacity is used up: ask for less, or raise the limit.
  kCancelled,        // Somebody asked to stop: stop, report nothing.
  kIo,               // The operating system refused: retry later, or tell the operator.
};

// The code as words for a message: "not found", "limit reached".
std::string_view error_code_name(ErrorCode code) noexcept;

// What SQL's clients are told beside the message: the fields of PostgreSQL's error reports.
struct SqlFields {
  std::string sqlstate;        // Five characters.
  std::uint32_t position = 0;  // In the statement, counted in characters from 1; 0: none.
  std::string detail, hint;
  std::string schema, table, column, constraint, type;  // Empty: not said.

  bool operator==(const SqlFields&) const = default;
};

struct Error {
  ErrorCode code = ErrorCode::kInvalidArgument;
  std::string message;  // A full clause for a person, names as the user spelled them.
  std::shared_ptr<const SqlFields> sql;  // Null where the error did not arise in SQL.

  // Empty where `sql` is.
  std::string_view sqlstate() const {
    return sql == nullptr ? std::string_view() : std::string_view(sql->sqlstate);
  }
  bool operator==(const Error& other) const {
    return code == other.code && message == other.message &&
           (sql == nullptr || other.sql == nullptr ? sql == other.sql : *sql == *other.sql);
  }
};

// What unexpected() makes: an error on its way into some Expected<T>.
class [[nodiscard]] Unexpected {
 public:
  explicit Unexpected(Error error) : error_(std::move(error)) {}

  const Error& error() const& noexcept { return error_; }
  Error&& error() && noexcept { return std::move(error_); }

 private:
  Error error_;
};

inline Unexpected unexpected(Error error) { return Unexpected(std::move(error)); }

inline Unexpected unexpected(ErrorCode code, std::string message) {
  return Unexpected(Error{code, std::move(message), nullptr});
}
inline Unexpected unexpected(ErrorCode code, std::string message, SqlFields sql) {
  return Unexpected(
      Error{code, std::move(message), std::make_shared<const SqlFields>(std::move(sql))});
}

template <typename T>
class [[nodiscard]] Expected {
 public:
  using value_type = T;
  using error_type = Error;

  // Implicit on purpose: `return value;` and `return unexpected(...)` both read well.
  Expected(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Expected(Unexpected failure) : state_(std::in_place_index<1>, std::move(failure).error()) {}

  bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  // REQUIRES: has_value(), for these and for * and ->.
  T& value() & { return checked(); }
  const T& value() const& { return const_cast<Expected*>(this)->checked(); }
  T&& value() && { return std::move(checked()); }

  T& operator*() & { return checked(); }
  const T& operator*() const& { return const_cast<Expected*>(this)->checked(); }
  T&& operator*() && { return std::move(checked()); }
  T* operator->() { return &checked(); }
  const T* operator->() const { return &const_cast<Expected*>(this)->checked(); }

  // REQUIRES: !has_value().
  const Error& error() const& {
    ENTAIL_ENSURE(!has_value());
    return *std::get_if<1>(&state_);
  }
  Error&& error() && {
    ENTAIL_ENSURE(!has_value());
    return std::move(*std::get_if<1>(&state_));
  }

  template <typename U>
  T value_or(U&& fallback) const& {
    return has_value() ? **this : static_cast<T>(std::forward<U>(fallback));
  }
  template <typename U>
  T value_or(U&& fallback) && {
    return has_value() ? std::move(checked()) : static_cast<T>(std::forward<U>(fallback));
  }

 private:
  T& checked() {
    T* value = std::get_if<0>(&state_);
    ENTAIL_ENSURE(value != nullptr);
    return *value;
  }

  std::variant<T, Error> state_;
};

// Success without a value: `return {};`.
template <>
class [[nodiscard]] Expected<void> {
 public:
  using value_type = void;
  using error_type = Error;

  Expected() = default;
  Expected(Unexpected failure) : failed_(true), error_(std::move(failure).error()) {}

  bool has_value() const noexcept { return !failed_; }
  explicit operator bool() const noexcept { return has_value(); }
  void value() const { ENTAIL_ENSURE(!failed_); }
  void operator*() const { ENTAIL_ENSURE(!failed_); }

  // REQUIRES: !has_value().
  const Error& error() const& {
    ENTAIL_ENSURE(failed_);
    return error_;
  }
  Error&& error() && {
    ENTAIL_ENSURE(failed_);
    return std::move(error_);
  }

 private:
  bool failed_ = false;
  Error error_;
};

}  // namespace entail
