#include "query/cell_reader.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <cmath>
#include <utility>

#include "base/iso_time.h"
#include "lake/json_text.h"

namespace millrace::query {

namespace {

using Kind = SqlCell::Kind;
using i128 = __int128;
using u128 = unsigned __int128;

constexpr i128 kExactMax = i128{1} << 53;

// Owns a logical type.
class Type {
 public:
  explicit Type(duckdb_logical_type type) : type_(type) {}
  Type(const Type&) = delete;
  Type& operator=(const Type&) = delete;
  ~Type() { duckdb_destroy_logical_type(&type_); }
  duckdb_logical_type get() const { return type_; }
  duckdb_type id() const { return duckdb_get_type_id(type_); }

 private:
  duckdb_logical_type type_;
};

std::string digits_of(u128 value) {
  std::string out;
  do {
    out.insert(out.begin(), static_cast<char>('0' + static_cast<int>(value % 10)));
    value /= 10;
  } while (value != 0);
  return out;
}

std::string integer_text(i128 value) {
  return value < 0 ? "-" + digits_of(~static_cast<u128>(value) + 1) : digits_of(static_cast<u128>(value));
}

SqlCell integer_cell(i128 value) {
  return {value > kExactMax || value < -kExactMax ? Kind::text : Kind::number, integer_text(value)};
}

SqlCell real_cell(double value) {
  if (!std::isfinite(value))
    return {Kind::text, std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity"};
  return {Kind::number, fmt::format("{}", value)};
}

SqlCell decimal_cell(i128 value, int scale) {
  std::string digits = integer_text(value < 0 ? -value : value);
  const std::size_t significant = digits.size();
  if (scale > 0) {
    if (std::cmp_less_equal(digits.size(), scale))
      digits.insert(0, static_cast<std::size_t>(scale) + 1 - digits.size(), '0');
    digits.insert(digits.size() - static_cast<std::size_t>(scale), 1, '.');
    while (digits.back() == '0') digits.pop_back();
    if (digits.back() == '.') digits.pop_back();
  }
  if (value < 0) digits.insert(0, 1, '-');
  return {significant > 15 ? Kind::text : Kind::number, std::move(digits)};
}

template <class T>
T value_at(duckdb_vector vector, idx_t row) {
  return static_cast<T*>(duckdb_vector_get_data(vector))[row];
}

i128 hugeint_at(duckdb_vector vector, idx_t row) {
  const auto value = value_at<duckdb_hugeint>(vector, row);
  return static_cast<i128>(static_cast<u128>(static_cast<std::uint64_t>(value.upper)) << 64 | value.lower);
}

i128 decimal_at(duckdb_vector vector, idx_t row, duckdb_logical_type type) {
  switch (duckdb_decimal_internal_type(type)) {
    case DUCKDB_TYPE_SMALLINT: return value_at<std::int16_t>(vector, row);
    case DUCKDB_TYPE_INTEGER: return value_at<std::int32_t>(vector, row);
    case DUCKDB_TYPE_BIGINT: return value_at<std::int64_t>(vector, row);
    default: return hugeint_at(vector, row);
  }
}

std::string_view text_at(duckdb_vector vector, idx_t row) {
  auto* value = &static_cast<duckdb_string_t*>(duckdb_vector_get_data(vector))[row];
  return {duckdb_string_t_data(value), duckdb_string_t_length(*value)};
}

// UTF-8 as text, anything else as "\x" and hexadecimal digits, as PostgreSQL has it.
std::string blob_text(std::string_view bytes) {
  if (simdjson::validate_utf8(bytes.data(), bytes.size())) return std::string(bytes);
  std::string out = "\\x";
  for (const char c : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return out;
}

std::string date_text(duckdb_date date) {
  if (!duckdb_is_finite_date(date)) return date.days > 0 ? "infinity" : "-infinity";
  const auto parts = duckdb_from_date(date);
  return fmt::format("{:04}-{:02}-{:02}", parts.year, parts.month, parts.day);
}

std::string time_text(std::int64_t micros) {
  const auto seconds = micros / 1'000'000;
  std::string out = fmt::format("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
  if (const auto rest = micros % 1'000'000; rest != 0) out += fmt::format(".{:06}", rest);
  return out;
}

// To the millisecond where that is exact, else to the microsecond.
std::string timestamp_text(std::int64_t micros) {
  if (!duckdb_is_finite_timestamp({micros})) return micros > 0 ? "infinity" : "-infinity";
  const auto parts = duckdb_from_timestamp({micros});
  std::string out = fmt::format("{}T{:02}:{:02}:{:02}", date_text(duckdb_to_date(parts.date)),
                                parts.time.hour, parts.time.min, parts.time.sec);
  const auto rest = parts.time.micros;
  return out + (rest % 1000 == 0 ? fmt::format(".{:03}Z", rest / 1000) : fmt::format(".{:06}Z", rest));
}

std::string interval_text(const duckdb_interval& value) {
  std::string out;
  if (value.months != 0) out += fmt::format("{} months ", value.months);
  if (value.days != 0) out += fmt::format("{} days ", value.days);
  if (value.micros != 0 || out.empty()) {
    out += value.micros < 0 ? "-" + time_text(-value.micros) : time_text(value.micros);
  }
  if (out.back() == ' ') out.pop_back();
  return out;
}

std::string uuid_text(i128 stored) {
  // DuckDB keeps the top bit flipped, so that signed order is the order of the text.
  const u128 value = static_cast<u128>(stored) ^ (u128{1} << 127);
  const auto high = static_cast<std::uint64_t>(value >> 64);
  const auto low = static_cast<std::uint64_t>(value);
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xffff, high & 0xffff,
                     low >> 48, low & 0xffffffffffff);
}

std::string enum_text(duckdb_vector vector, idx_t row, duckdb_logical_type type) {
  idx_t index = 0;
  switch (duckdb_enum_internal_type(type)) {
    case DUCKDB_TYPE_UTINYINT: index = value_at<std::uint8_t>(vector, row); break;
    case DUCKDB_TYPE_USMALLINT: index = value_at<std::uint16_t>(vector, row); break;
    default: index = value_at<std::uint32_t>(vector, row); break;
  }
  char* name = duckdb_enum_dictionary_value(type, index);
  std::string out(name);
  duckdb_free(name);
  return out;
}

void append_json(std::string& out, const SqlCell& cell) {
  switch (cell.kind) {
    case Kind::null: out += "null"; return;
    case Kind::text: lake::append_json_string(out, cell.text); return;
    default: out += cell.text; return;
  }
}

base::Result<SqlCell> read_range(duckdb_vector child, idx_t begin, idx_t end) {
  std::string out = "[";
  for (idx_t i = begin; i < end; ++i) {
    if (i > begin) out += ',';
    TRY_ASSIGN(const auto cell, read_cell(child, i));
    append_json(out, cell);
  }
  return SqlCell{Kind::json, out + ']'};
}

base::Result<SqlCell> read_struct(duckdb_vector vector, idx_t row, duckdb_logical_type type) {
  std::string out = "{";
  for (idx_t i = 0; i < duckdb_struct_type_child_count(type); ++i) {
    char* name = duckdb_struct_type_child_name(type, i);
    out += i > 0 ? "," : "";
    lake::append_json_string(out, name);
    duckdb_free(name);
    TRY_ASSIGN(const auto cell, read_cell(duckdb_struct_vector_get_child(vector, i), row));
    out += ':';
    append_json(out, cell);
  }
  return SqlCell{Kind::json, out + '}'};
}

// Keys become text, whatever their type.
base::Result<SqlCell> read_map(duckdb_vector vector, idx_t row) {
  const auto entry = value_at<duckdb_list_entry>(vector, row);
  const auto entries = duckdb_list_vector_get_child(vector);
  std::string out = "{";
  for (idx_t i = entry.offset; i < entry.offset + entry.length; ++i) {
    if (i > entry.offset) out += ',';
    TRY_ASSIGN(const auto key, read_cell(duckdb_struct_vector_get_child(entries, 0), i));
    TRY_ASSIGN(const auto value, read_cell(duckdb_struct_vector_get_child(entries, 1), i));
    lake::append_json_string(out, key.text);
    out += ':';
    append_json(out, value);
  }
  return SqlCell{Kind::json, out + '}'};
}

base::Result<SqlCell> read_nested(duckdb_vector vector, idx_t row, const Type& type) {
  switch (type.id()) {
    case DUCKDB_TYPE_LIST: {
      const auto entry = value_at<duckdb_list_entry>(vector, row);
      return read_range(duckdb_list_vector_get_child(vector), entry.offset, entry.offset + entry.length);
    }
    case DUCKDB_TYPE_ARRAY: {
      const auto size = duckdb_array_type_array_size(type.get());
      return read_range(duckdb_array_vector_get_child(vector), row * size, (row + 1) * size);
    }
    case DUCKDB_TYPE_STRUCT: return read_struct(vector, row, type.get());
    case DUCKDB_TYPE_MAP: return read_map(vector, row);
    default:
      return base::Error(
          base::ErrorCode::invalid_argument,
          fmt::format("values of type {} cannot be returned: cast them to VARCHAR", type_name(type.get())));
  }
}

}  // namespace

base::Result<SqlCell> read_cell(duckdb_vector vector, idx_t row) {
  auto* validity = duckdb_vector_get_validity(vector);
  if (validity != nullptr && !duckdb_validity_row_is_valid(validity, row)) return SqlCell{};
  const Type type(duckdb_vector_get_column_type(vector));
  switch (type.id()) {
    case DUCKDB_TYPE_SQLNULL: return SqlCell{};
    case DUCKDB_TYPE_BOOLEAN: return SqlCell{Kind::boolean, value_at<bool>(vector, row) ? "true" : "false"};
    case DUCKDB_TYPE_TINYINT: return integer_cell(value_at<std::int8_t>(vector, row));
    case DUCKDB_TYPE_SMALLINT: return integer_cell(value_at<std::int16_t>(vector, row));
    case DUCKDB_TYPE_INTEGER: return integer_cell(value_at<std::int32_t>(vector, row));
    case DUCKDB_TYPE_BIGINT: return integer_cell(value_at<std::int64_t>(vector, row));
    case DUCKDB_TYPE_UTINYINT: return integer_cell(value_at<std::uint8_t>(vector, row));
    case DUCKDB_TYPE_USMALLINT: return integer_cell(value_at<std::uint16_t>(vector, row));
    case DUCKDB_TYPE_UINTEGER: return integer_cell(value_at<std::uint32_t>(vector, row));
    case DUCKDB_TYPE_UBIGINT: return integer_cell(value_at<std::uint64_t>(vector, row));
    case DUCKDB_TYPE_HUGEINT: return integer_cell(hugeint_at(vector, row));
    case DUCKDB_TYPE_FLOAT: return real_cell(value_at<float>(vector, row));
    case DUCKDB_TYPE_DOUBLE: return real_cell(value_at<double>(vector, row));
    case DUCKDB_TYPE_DECIMAL:
      return decimal_cell(decimal_at(vector, row, type.get()), duckdb_decimal_scale(type.get()));
    case DUCKDB_TYPE_VARCHAR: return SqlCell{Kind::text, std::string(text_at(vector, row))};
    case DUCKDB_TYPE_BLOB: return SqlCell{Kind::text, blob_text(text_at(vector, row))};
    case DUCKDB_TYPE_UUID: return SqlCell{Kind::text, uuid_text(hugeint_at(vector, row))};
    case DUCKDB_TYPE_ENUM: return SqlCell{Kind::text, enum_text(vector, row, type.get())};
    case DUCKDB_TYPE_DATE: return SqlCell{Kind::text, date_text(value_at<duckdb_date>(vector, row))};
    case DUCKDB_TYPE_TIME: return SqlCell{Kind::text, time_text(value_at<std::int64_t>(vector, row))};
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_TZ:
      return SqlCell{Kind::text, timestamp_text(value_at<std::int64_t>(vector, row))};
    case DUCKDB_TYPE_TIMESTAMP_S:
      return SqlCell{Kind::text, timestamp_text(value_at<std::int64_t>(vector, row) * 1'000'000)};
    case DUCKDB_TYPE_TIMESTAMP_MS:
      return SqlCell{Kind::text, timestamp_text(value_at<std::int64_t>(vector, row) * 1000)};
    case DUCKDB_TYPE_TIMESTAMP_NS:
      return SqlCell{Kind::text, timestamp_text(value_at<std::int64_t>(vector, row) / 1000)};
    case DUCKDB_TYPE_INTERVAL:
      return SqlCell{Kind::text, interval_text(value_at<duckdb_interval>(vector, row))};
    default: return read_nested(vector, row, type);
  }
}

std::string type_name(duckdb_logical_type type) {
  switch (duckdb_get_type_id(type)) {
    case DUCKDB_TYPE_BOOLEAN: return "BOOLEAN";
    case DUCKDB_TYPE_TINYINT: return "TINYINT";
    case DUCKDB_TYPE_SMALLINT: return "SMALLINT";
    case DUCKDB_TYPE_INTEGER: return "INTEGER";
    case DUCKDB_TYPE_BIGINT: return "BIGINT";
    case DUCKDB_TYPE_UTINYINT: return "UTINYINT";
    case DUCKDB_TYPE_USMALLINT: return "USMALLINT";
    case DUCKDB_TYPE_UINTEGER: return "UINTEGER";
    case DUCKDB_TYPE_UBIGINT: return "UBIGINT";
    case DUCKDB_TYPE_HUGEINT: return "HUGEINT";
    case DUCKDB_TYPE_UHUGEINT: return "UHUGEINT";
    case DUCKDB_TYPE_FLOAT: return "FLOAT";
    case DUCKDB_TYPE_DOUBLE: return "DOUBLE";
    case DUCKDB_TYPE_DECIMAL:
      return fmt::format("DECIMAL({},{})", duckdb_decimal_width(type), duckdb_decimal_scale(type));
    case DUCKDB_TYPE_VARCHAR: return "VARCHAR";
    case DUCKDB_TYPE_BLOB: return "BLOB";
    case DUCKDB_TYPE_UUID: return "UUID";
    case DUCKDB_TYPE_ENUM: return "ENUM";
    case DUCKDB_TYPE_DATE: return "DATE";
    case DUCKDB_TYPE_TIME: return "TIME";
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_S:
    case DUCKDB_TYPE_TIMESTAMP_MS:
    case DUCKDB_TYPE_TIMESTAMP_NS: return "TIMESTAMP";
    case DUCKDB_TYPE_TIMESTAMP_TZ: return "TIMESTAMP WITH TIME ZONE";
    case DUCKDB_TYPE_INTERVAL: return "INTERVAL";
    case DUCKDB_TYPE_LIST: return type_name(Type(duckdb_list_type_child_type(type)).get()) + "[]";
    case DUCKDB_TYPE_ARRAY: return type_name(Type(duckdb_array_type_child_type(type)).get()) + "[]";
    case DUCKDB_TYPE_STRUCT: return "STRUCT";
    case DUCKDB_TYPE_MAP: return "MAP";
    case DUCKDB_TYPE_SQLNULL: return "NULL";
    default: return "OTHER";
  }
}

}  // namespace millrace::query
