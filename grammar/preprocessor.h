// grammar/preprocessor.h - includes, macros and conditional text: many files in, one text out.
//
// Souffle runs the C preprocessor over every program, and its own `.include` beside it. This is the
// part of both that programs use:
//
//     .include "f"   #include "f"   #include <f>     .once
//     #define N body   #define F(a, b) body          object- and function-like, #a, a##b, continued
//     lines
//     #undef   #ifdef   #ifndef   #if   #elif   #else   #endif   #line   #error   #warning
//     #pragma (ignored)
//
// Strings and comments are left alone: nothing is replaced in them, and a directive in them is
// none.
//
// Where a byte of the output came from is kept in pieces, so that spans point into the files as
// written:
//
//     out   | path(x) :- |  edge(x, y)  | , y > 1. |
//           verbatim      macro use      verbatim          a byte of a macro's text maps to the
//           whole use
//
// A program without any of this (most) is passed through by reference: no copy, one piece.
//
// Refused: included files that include themselves, nesting over the limits, more output than
// ParseOptions::program_limit, macros that expand without end.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/diagnostics.h"
#include "grammar/parser.h"
#include "grammar/source_span.h"

namespace entail::grammar {

class PreprocessedText {
 public:
  // The text of `file`, unchanged.
  PreprocessedText(FileId file, std::string_view text) : view_(text) {
    add_piece({0, file, 0, 0, true});
  }
  // Text put together from pieces.
  PreprocessedText() = default;

  PreprocessedText(const PreprocessedText&) = delete;  // text() may point into this object.
  PreprocessedText& operator=(const PreprocessedText&) = delete;

  // Valid as long as this object and the SourceFiles it came from.
  std::string_view text() const { return owned_ ? std::string_view(out_) : view_; }

  // Where [begin, end) of text() was written.
  SourceSpan span(std::uint32_t begin, std::uint32_t end) const;

 private:
  friend class Preprocessor;

  struct Piece {
    std::uint32_t out_begin = 0;
    FileId file = kNoFile;
    std::uint32_t in_begin = 0;
    std::uint32_t in_end = 0;  // Of a macro's use; not needed for a verbatim piece.
    bool verbatim = true;
  };

  void add_piece(Piece piece) { pieces_.push_back(piece); }
  const Piece& piece_of(std::uint32_t offset) const;

  bool owned_ = false;
  std::string_view view_;
  std::string out_;
  std::vector<Piece> pieces_;           // Ascending out_begin; the first is 0.
  mutable std::size_t last_piece_ = 0;  // Where the last look-up ended: look-ups come in order.
};

// Preprocesses `file`, and what it includes, into `result`. What is wrong goes to `diagnostics`;
// the result is then what could be made of it.
void preprocess(FileId file, const ParseOptions& options, FileReader& reader, SourceFiles& files,
                Diagnostics& diagnostics, PreprocessedText& result);

}  // namespace entail::grammar
