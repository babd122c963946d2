#include "server/pgwire/backend_message.h"

namespace entail::pgwire {
namespace {

constexpr std::uint32_t kAuthenticationOk = 0;
constexpr std::uint32_t kAuthenticationSasl = 10;
constexpr std::uint32_t kAuthenticationSaslContinue = 11;
constexpr std::uint32_t kAuthenticationSaslFinal = 12;

void overwrite_int32(std::string& out, std::size_t at, std::uint32_t value) {
  out[at] = static_cast<char>(value >> 24U);
  out[at + 1] = static_cast<char>(value >> 16U);
  out[at + 2] = static_cast<char>(value >> 8U);
  out[at + 3] = static_cast<char>(value);
}

}  // namespace

std::size_t BackendWriter::begin(char type) {
  out_ += type;
  const std::size_t start = out_.size();
  out_.append(4, '\0');
  return start;
}

// The length counts itself and the body, not the type.
void BackendWriter::end(std::size_t start) {
  overwrite_int32(out_, start, static_cast<std::uint32_t>(out_.size() - start));
}

void BackendWriter::bare(char type) { end(begin(type)); }

void BackendWriter::put_int16(std::uint16_t value) {
  out_ += static_cast<char>(value >> 8U);
  out_ += static_cast<char>(value);
}

void BackendWriter::put_int32(std::uint32_t value) {
  out_.append(4, '\0');
  overwrite_int32(out_, out_.size() - 4, value);
}

// A zero byte ends a text on the wire, so one inside it would break the message.
void BackendWriter::put_text(std::string_view text) {
  out_ += text.substr(0, text.find('\0'));
  out_ += '\0';
}

void BackendWriter::put_field(char code, std::string_view text) {
  if (text.empty()) return;
  out_ += code;
  put_text(text);
}

void BackendWriter::authentication_ok() {
  const std::size_t start = begin('R');
  put_int32(kAuthenticationOk);
  end(start);
}

void BackendWriter::authentication_sasl(std::span<const std::string_view> mechanisms) {
  const std::size_t start = begin('R');
  put_int32(kAuthenticationSasl);
  for (const std::string_view mechanism : mechanisms) put_text(mechanism);
  out_ += '\0';
  end(start);
}

void BackendWriter::authentication_sasl_continue(std::string_view data) {
  const std::size_t start = begin('R');
  put_int32(kAuthenticationSaslContinue);
  out_ += data;
  end(start);
}

void BackendWriter::authentication_sasl_final(std::string_view data) {
  const std::size_t start = begin('R');
  put_int32(kAuthenticationSaslFinal);
  out_ += data;
  end(start);
}

void BackendWriter::parameter_status(std::string_view name, std::string_view value) {
  const std::size_t start = begin('S');
  put_text(name);
  put_text(value);
  end(start);
}

void BackendWriter::backend_key_data(std::uint32_t process_id, std::uint32_t secret) {
  const std::size_t start = begin('K');
  put_int32(process_id);
  put_int32(secret);
  end(start);
}

void BackendWriter::negotiate_protocol_version(std::uint32_t minor,
                                               std::span<const std::string_view> unknown_options) {
  const std::size_t start = begin('v');
  put_int32(minor);
  put_int32(static_cast<std::uint32_t>(unknown_options.size()));
  for (const std::string_view option : unknown_options) put_text(option);
  end(start);
}

void BackendWriter::ready_for_query(TransactionStatus status) {
  const std::size_t start = begin('Z');
  out_ += static_cast<char>(status);
  end(start);
}

void BackendWriter::row_description(std::span<const ColumnDescription> columns) {
  const std::size_t start = begin('T');
  put_int16(static_cast<std::uint16_t>(columns.size()));
  for (const ColumnDescription& column : columns) {
    put_text(column.name);
    put_int32(column.table_oid);
    put_int16(static_cast<std::uint16_t>(column.attribute_number));
    put_int32(column.type_oid);
    put_int16(static_cast<std::uint16_t>(column.type_size));
    put_int32(static_cast<std::uint32_t>(column.type_modifier));
    put_int16(static_cast<std::uint16_t>(column.format));
  }
  end(start);
}

void BackendWriter::parameter_description(std::span<const std::uint32_t> type_oids) {
  const std::size_t start = begin('t');
  put_int16(static_cast<std::uint16_t>(type_oids.size()));
  for (const std::uint32_t oid : type_oids) put_int32(oid);
  end(start);
}

void BackendWriter::command_complete(std::string_view tag) {
  const std::size_t start = begin('C');
  put_text(tag);
  end(start);
}

void BackendWriter::begin_row(std::size_t columns) {
  row_start_ = begin('D');
  put_int16(static_cast<std::uint16_t>(columns));
}

void BackendWriter::null_value() { put_int32(0xffffffffU); }

void BackendWriter::begin_value() {
  out_.append(4, '\0');
  value_start_ = out_.size();
}

void BackendWriter::end_value() {
  overwrite_int32(out_, value_start_ - 4, static_cast<std::uint32_t>(out_.size() - value_start_));
}

void BackendWriter::end_row() { end(row_start_); }

void BackendWriter::abandon_row() { out_.resize(row_start_ - 1); }

void BackendWriter::copy_response(char type, bool binary, std::size_t columns) {
  const std::size_t start = begin(type);
  out_ += binary ? '\1' : '\0';
  put_int16(static_cast<std::uint16_t>(columns));
  for (std::size_t i = 0; i < columns; ++i) put_int16(binary ? 1 : 0);
  end(start);
}

void BackendWriter::copy_data(std::string_view bytes) {
  const std::size_t start = begin('d');
  out_ += bytes;
  end(start);
}

void BackendWriter::report(char type, Severity severity, const Error& error) {
  const std::size_t start = begin(type);
  put_field('S', severity_name(severity));
  put_field('V', severity_name(severity));
  put_field('C', sqlstate_of(error));
  put_field('M', error.message.empty() ? std::string_view("unknown error")
                                       : std::string_view(error.message));
  if (error.sql != nullptr) {
    const SqlFields& sql = *error.sql;
    put_field('D', sql.detail);
    put_field('H', sql.hint);
    if (sql.position > 0) put_field('P', std::to_string(sql.position));
    put_field('s', sql.schema);
    put_field('t', sql.table);
    put_field('c', sql.column);
    put_field('d', sql.type);
    put_field('n', sql.constraint);
  }
  out_ += '\0';
  end(start);
}

std::string_view severity_name(Severity severity) {
  switch (severity) {
    case Severity::kError:
      return "ERROR";
    case Severity::kFatal:
      return "FATAL";
    case Severity::kPanic:
      return "PANIC";
    case Severity::kWarning:
      return "WARNING";
    case Severity::kNotice:
      return "NOTICE";
    case Severity::kInfo:
      return "INFO";
    case Severity::kLog:
      return "LOG";
    case Severity::kDebug:
      return "DEBUG";
  }
  ENTAIL_UNREACHABLE("every severity has a name");
}

std::string_view sqlstate_of(const Error& error) {
  if (!error.sqlstate().empty()) return error.sqlstate();
  switch (error.code) {
    case ErrorCode::kInvalidArgument:
      return "22023";  // invalid_parameter_value
    case ErrorCode::kNotFound:
      return "42704";  // undefined_object
    case ErrorCode::kUnsupported:
      return "0A000";  // feature_not_supported
    case ErrorCode::kData:
      return "22000";  // data_exception
    case ErrorCode::kCorrupt:
      return "XX001";  // data_corrupted
    case ErrorCode::kLimit:
      return "54000";  // program_limit_exceeded
    case ErrorCode::kCancelled:
      return "57014";  // query_canceled
    case ErrorCode::kIo:
      return "58030";  // io_error
  }
  ENTAIL_UNREACHABLE("every code has a SQLSTATE");
}

}  // namespace entail::pgwire
