// vm/sql_text.h - values as SQL prints and reads them.
//
//     bool         t, f (reads true, yes, on, 1 and their beginnings)
//     float        0.1, 1e+20, Infinity, NaN: the shortest text that reads back
//     numeric      1.50, NaN, Infinity; as many digits as it displays
//     date, …      vm/sql_datetime.h
//     bytea        \x0aff
//     uuid         8-4-4-4-12
//     array        {1,NULL,"a b"}
//     record       (1,"a b",)
//
// The errors of reading are PostgreSQL's: SQLSTATE and words.
//
// Threads: printing is pure; reading interns into the pool.
#pragma once

#include <string>
#include <string_view>

#include "vm/type.h"
#include "vm/value_pool.h"
#include "vm/word.h"

namespace entail::vm {

// Appends the value at `words` (value_words(type) of them), which is not null.
void print_sql_value(const ValuePool& pool, Type type, const Word* words, std::string& out);

void print_sql_float8(double value, std::string& out);
void print_sql_float4(float value, std::string& out);

struct SqlTextError {
  std::string sqlstate, message, detail;
};

// Reads a value of `type` from the whole text into `out` (value_words(type) words). Numerics keep the
// scale of the text if the type is displayed.
[[nodiscard]] bool read_sql_value(ValuePool& pool, Type type, std::string_view text, Word* out,
                                  SqlTextError& error);

// The type's name in messages: "integer", "double precision", "timestamp without time zone".
std::string sql_type_name(const TypeTable& types, Type type);

}  // namespace entail::vm
