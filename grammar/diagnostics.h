// grammar/diagnostics.h - what is wrong with a program's text, all of it, as plain values.
//
// Every pass that reads a program (parser, lowering, typing, safety, strata) adds to one
// Diagnostics and carries on, so that a rule author sees all mistakes of a run at once. Nothing is
// printed here: the command line and the server render them.
//
//     shop.dl:12:18: error: unexpected ')'; expected an expression
//       fee(o, f, ) :- Order{id: o}.
//                 ^
//     Help: remove the comma, or write another argument.
//
// Order: sorted() gives source order (file, offset), then the order of adding; exact repeats are
// shown once. A note belongs to the error or warning added before it and stays behind it.
//
// Limit: after kErrorsMax errors further ones are counted, not kept.
// Threads: one at a time.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "grammar/source_span.h"

namespace entail::grammar {

enum class Severity : std::uint8_t { kError, kWarning, kNote };

struct Diagnostic {
  Severity severity = Severity::kError;
  SourceSpan span;      // A span without a file: the program as a whole.
  std::string message;  // One sentence, lower case, without the final full stop.
  std::string hint;     // What would help, as a sentence of its own; may be empty.

  bool operator==(const Diagnostic&) const = default;
};

class Diagnostics {
 public:
  static constexpr std::size_t kErrorsMax = 100;

  void error(SourceSpan span, std::string message, std::string hint = {});
  void warning(SourceSpan span, std::string message, std::string hint = {});
  // Explains the error or warning added last ("first declared here").
  void note(SourceSpan span, std::string message, std::string hint = {});
  void add(Diagnostic diagnostic);

  bool has_errors() const { return error_count_ > 0; }
  std::size_t error_count() const { return error_count_; }  // Those over the limit included.
  bool full() const { return error_count_ >= kErrorsMax; }
  bool empty() const { return list_.empty(); }

  const std::vector<Diagnostic>& in_order_of_adding() const { return list_; }
  std::vector<Diagnostic> sorted() const;

  // One diagnostic as text: `FILE:LINE:COL: error: message`, the line, a caret below it, the hint.
  static std::string render(const Diagnostic& diagnostic, const SourceFiles& files);
  // All of them, sorted, and a last line when errors were left out.
  std::string render(const SourceFiles& files) const;

 private:
  std::vector<Diagnostic> list_;
  std::size_t error_count_ = 0;
  bool last_was_dropped_ = false;  // A note on a dropped error is dropped with it.
};

// The name among `known` that `name` was probably meant to be (edit distance at most a third of its
// length, first of the nearest in the order given), or an empty string. For "did you mean"; names
// over 64 bytes are never near.
std::string nearest_name(const std::string& name, const std::vector<std::string>& known);

}  // namespace entail::grammar
