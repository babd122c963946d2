// server/pgwire/backend_message.h - what we answer: messages as bytes.
//
// BackendWriter appends whole messages to a string that its owner sends. A row is written in
// place, value by value, so that a result of many rows costs one buffer:
//
//     writer.begin_row(2);
//     writer.begin_value(); writer.bytes() += "42"; writer.end_value();
//     writer.null_value();
//     writer.end_row();
//
// Threads: one owner.
// Source: PostgreSQL 15 documentation, sections 55.7 and 55.8.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "vm/base/expected.h"

namespace entail::pgwire {

enum class TransactionStatus : char { kIdle = 'I', kOpen = 'T', kFailed = 'E' };

enum class Severity : std::uint8_t {
  kError,
  kFatal,
  kPanic,
  kWarning,
  kNotice,
  kInfo,
  kLog,
  kDebug
};

// A column of a result, as RowDescription tells it.
struct ColumnDescription {
  std::string_view name;
  std::uint32_t table_oid = 0;  // 0: the column is of no table.
  std::int16_t attribute_number = 0;
  std::uint32_t type_oid = 0;
  std::int16_t type_size = -1;  // Negative: of varying size.
  std::int32_t type_modifier = -1;
  std::int16_t format = 0;  // 0: text, 1: binary.
};

class BackendWriter {
 public:
  // `out` must outlive the writer.
  explicit BackendWriter(std::string& out) : out_(out) {}

  std::string& bytes() { return out_; }

  // ---- start-up
  void authentication_ok();
  void authentication_sasl(std::span<const std::string_view> mechanisms);
  void authentication_sasl_continue(std::string_view data);
  void authentication_sasl_final(std::string_view data);
  void parameter_status(std::string_view name, std::string_view value);
  void backend_key_data(std::uint32_t process_id, std::uint32_t secret);
  // To a client of a newer minor version, or with protocol options that we do not know.
  void negotiate_protocol_version(std::uint32_t minor,
                                  std::span<const std::string_view> unknown_options);

  // ---- queries
  void ready_for_query(TransactionStatus status);
  void row_description(std::span<const ColumnDescription> columns);
  void parameter_description(std::span<const std::uint32_t> type_oids);
  void command_complete(std::string_view tag);
  void empty_query_response() { bare('I'); }
  void parse_complete() { bare('1'); }
  void bind_complete() { bare('2'); }
  void close_complete() { bare('3'); }
  void no_data() { bare('n'); }
  void portal_suspended() { bare('s'); }

  void begin_row(std::size_t columns);
  void null_value();
  void begin_value();
  void end_value();
  void end_row();
  // What has been written of a row that cannot be finished is taken back.
  void abandon_row();

  // ---- COPY
  void copy_in_response(bool binary, std::size_t columns) { copy_response('G', binary, columns); }
  void copy_out_response(bool binary, std::size_t columns) { copy_response('H', binary, columns); }
  void copy_data(std::string_view bytes);
  void copy_done() { bare('c'); }

  // ---- errors and notices
  // All fields that the error has. An error that did not arise in SQL is given the SQLSTATE that
  // says what its code says (sqlstate_of()).
  void error_response(Severity severity, const Error& error) { report('E', severity, error); }
  void notice_response(Severity severity, const Error& notice) { report('N', severity, notice); }

 private:
  std::size_t begin(char type);
  void end(std::size_t start);
  void bare(char type);
  void put_int16(std::uint16_t value);
  void put_int32(std::uint32_t value);
  void put_text(std::string_view text);
  void put_field(char code, std::string_view text);
  void copy_response(char type, bool binary, std::size_t columns);
  void report(char type, Severity severity, const Error& error);

  std::string& out_;
  std::size_t row_start_ = 0;
  std::size_t value_start_ = 0;
};

std::string_view severity_name(Severity severity);

// The SQLSTATE of an error: its own, or the one that fits its code best.
std::string_view sqlstate_of(const Error& error);

}  // namespace entail::pgwire
