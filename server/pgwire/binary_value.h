// server/pgwire/binary_value.h - values in PostgreSQL's binary format, both ways.
//
// Text forms are the engine's (server/engine/result.h); the binary ones are drawn here, big-endian:
//
//     bool 1 byte   int2, int4, int8, oid and its kin, float4, float8: their bytes
//     text, varchar, char(n), name, "char", json, enum labels: their bytes    bytea: its bytes
//     jsonb        01, then the text
//     date         int4, days since 2000-01-01             time  int8, microseconds
//     timestamp(tz) int8, microseconds since 2000-01-01 00:00 UTC
//     interval     int8 microseconds, int4 days, int4 months        uuid  16 bytes
//     numeric      int2 digit count, weight, sign (0000 +, 4000 -, c000 NaN, d000 inf, f000 -inf),
//                  scale; then the digits in base 10000
//     array        int4 dimensions, has nulls, element OID; a dimension: int4 size, lower bound;
//                  then each element: int4 length (-1: null), bytes
//
// What has no binary form here is refused with 0A000 and its name.
//
// Threads: pure functions; the pool is only read.
// Source: PostgreSQL 15's send and receive functions, as their documentation describes them.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "server/engine/result.h"
#include "server/engine/session.h"
#include "vm/base/expected.h"

namespace entail::pgwire {

// pg_type.typlen of a type: what RowDescription tells; -1 where it varies or is not known.
std::int16_t type_size(std::uint32_t type_oid);

// The OID of an array type's elements; 0 where the type is no array known here.
std::uint32_t element_oid(std::uint32_t array_oid);

// Appends the value of column `c`. REQUIRES: not null.
Expected<void> append_binary(const engine::RowView& row, std::size_t c,
                             const engine::TextSettings& settings, std::string& out);

// A parameter from its binary form. 22P03 where the bytes are no value of the type; `number` is
// the parameter's, from 1, for the message.
Expected<engine::Parameter> parameter_of_binary(std::uint32_t type_oid, std::string_view bytes,
                                                std::size_t number);

}  // namespace entail::pgwire
