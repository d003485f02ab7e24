#include "parquet/file_writer.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/bytes.h"
#include "parquet/thrift_writer.h"

namespace millrace::parquet {

namespace {

constexpr std::string_view kMagic = "PAR1";
// Longer ones are left out of the footer: a cut one would have to be told from a whole one, which older readers do not.
constexpr std::size_t kFooterTextMax = 64;

// Numbers of parquet.thrift.
enum class Physical : std::int32_t { boolean = 0, int32 = 1, int64 = 2, float64 = 5, byte_array = 6 };
constexpr std::int32_t kOptional = 1;

Physical physical(Type type) {
  switch (type) {
    case Type::boolean: return Physical::boolean;
    case Type::int32:
    case Type::date: return Physical::int32;
    case Type::int64:
    case Type::decimal18_6:
    case Type::timestamptz: return Physical::int64;
    case Type::float64: return Physical::float64;
    case Type::string:
    case Type::binary: return Physical::byte_array;
  }
  return Physical::byte_array;
}

// The type behind the physical one, as older readers know it and as newer ones do.
void append_logical_type(Type type, ThriftWriter& thrift, int field_id) {
  constexpr std::int32_t kUtf8 = 0, kDecimal = 5, kDate = 6, kTimestampMicros = 10;
  constexpr std::int32_t kScale = 6, kPrecision = 18;
  if (type == Type::string) thrift.i32(6, kUtf8);
  if (type == Type::date) thrift.i32(6, kDate);
  if (type == Type::timestamptz) thrift.i32(6, kTimestampMicros);
  if (type == Type::decimal18_6) {
    thrift.i32(6, kDecimal);
    thrift.i32(7, kScale);
    thrift.i32(8, kPrecision);
  }
  thrift.i32(9, field_id);
  const bool known =
      type == Type::string || type == Type::date || type == Type::timestamptz || type == Type::decimal18_6;
  if (!known) return;
  thrift.begin(10);
  if (type == Type::string) thrift.empty(1);
  if (type == Type::date) thrift.empty(6);
  if (type == Type::decimal18_6) {
    thrift.begin(5);
    thrift.i32(1, kScale);
    thrift.i32(2, kPrecision);
    thrift.end();
  }
  if (type == Type::timestamptz) {
    thrift.begin(8);
    thrift.boolean(1, true);  // In UTC.
    thrift.begin(2);
    thrift.empty(2);  // Microseconds.
    thrift.end();
    thrift.end();
  }
  thrift.end();
}

std::string plain_number(Type type, std::int64_t value) {
  std::string out;
  base::ByteWriter writer(out);
  switch (physical(type)) {
    case Physical::boolean: writer.u8(static_cast<std::uint8_t>(value)); break;
    case Physical::int32: writer.u32(static_cast<std::uint32_t>(value)); break;
    default: writer.u64(static_cast<std::uint64_t>(value)); break;
  }
  return out;
}

void append_statistics(Type type, const ChunkSummary& chunk, ThriftWriter& thrift) {
  const Extremes& extremes = chunk.extremes;
  std::optional<std::string> least, greatest;
  if (extremes.number_min) least = plain_number(type, *extremes.number_min);
  if (extremes.number_max) greatest = plain_number(type, *extremes.number_max);
  if (extremes.text_min && extremes.text_min->size() <= kFooterTextMax) least = extremes.text_min;
  if (extremes.text_max && extremes.text_max->size() <= kFooterTextMax) greatest = extremes.text_max;
  thrift.begin(12);
  thrift.i64(3, chunk.nulls);
  if (greatest) thrift.text(5, *greatest);
  if (least) thrift.text(6, *least);
  thrift.end();
}

void append_chunk(const Column& column, const ChunkSummary& chunk, std::int64_t offset,
                  ThriftWriter& thrift) {
  thrift.begin();
  thrift.i64(2, 0);  // No metadata outside the footer.
  thrift.begin(3);
  thrift.i32(1, static_cast<std::int32_t>(physical(column.type)));
  thrift.list(2, ThriftWriter::Element::i32, chunk.encodings.size());
  for (const Encoding encoding : chunk.encodings) thrift.element(static_cast<std::int32_t>(encoding));
  thrift.list(3, ThriftWriter::Element::text, 1);
  thrift.element(column.name);
  thrift.i32(4, static_cast<std::int32_t>(chunk.codec));
  thrift.i64(5, chunk.rows);
  thrift.i64(6, chunk.bytes_uncompressed);
  thrift.i64(7, chunk.bytes);
  thrift.i64(9, offset + chunk.data_offset);
  if (chunk.dictionary_offset) thrift.i64(11, offset + *chunk.dictionary_offset);
  append_statistics(column.type, chunk, thrift);
  thrift.end();
  thrift.end();
}

}  // namespace

FileWriter::FileWriter(std::vector<Column> columns, FileSettings settings)
    : columns_(std::move(columns)), settings_(settings), compressor_(settings.compression_level) {
  file_.bytes = kMagic;
  file_.columns.resize(columns_.size());
  chunks_.reserve(columns_.size());
  for (const Column& column : columns_) chunks_.emplace_back(column.type);
}

base::Status FileWriter::end_rows(std::size_t count) {
  rows_ += count;
  std::size_t bytes = 0;
  for (const ColumnChunk& chunk : chunks_) bytes += chunk.bytes();
  if (rows_ < settings_.row_group_rows && bytes < settings_.row_group_bytes) return base::Ok{};
  return end_group();
}

base::Status FileWriter::end_group() {
  RowGroup group;
  group.rows = static_cast<std::int64_t>(rows_);
  group.offset = static_cast<std::int64_t>(file_.bytes.size());
  for (std::size_t i = 0; i < chunks_.size(); ++i) {
    TRY_ASSIGN(auto summary, chunks_[i].finish(rows_, compressor_, pages_, file_.bytes));
    auto& column = file_.columns[i];
    column.bytes += summary.bytes;
    column.nulls += summary.nulls;
    column.extremes.join(summary.extremes);
    group.chunks.push_back(std::move(summary));
  }
  file_.rows += group.rows;
  groups_.push_back(std::move(group));
  rows_ = 0;
  return base::Ok{};
}

void FileWriter::append_group(ThriftWriter& thrift, const RowGroup& group) const {
  std::int64_t offset = group.offset, bytes_uncompressed = 0;
  thrift.begin();
  thrift.list(1, ThriftWriter::Element::structure, group.chunks.size());
  for (std::size_t i = 0; i < group.chunks.size(); ++i) {
    append_chunk(columns_[i], group.chunks[i], offset, thrift);
    offset += group.chunks[i].bytes;
    bytes_uncompressed += group.chunks[i].bytes_uncompressed;
  }
  thrift.i64(2, bytes_uncompressed);
  thrift.i64(3, group.rows);
  thrift.i64(5, group.offset);
  thrift.i64(6, offset - group.offset);
  thrift.end();
}

void FileWriter::append_footer() {
  ThriftWriter thrift(file_.bytes);
  thrift.begin();
  thrift.i32(1, 2);
  thrift.list(2, ThriftWriter::Element::structure, columns_.size() + 1);
  thrift.begin();
  thrift.text(4, "schema");
  thrift.i32(5, static_cast<std::int64_t>(columns_.size()));
  thrift.end();
  for (const Column& column : columns_) {
    thrift.begin();
    thrift.i32(1, static_cast<std::int32_t>(physical(column.type)));
    thrift.i32(3, kOptional);
    thrift.text(4, column.name);
    append_logical_type(column.type, thrift, column.field_id);
    thrift.end();
  }
  thrift.i64(3, file_.rows);
  thrift.list(4, ThriftWriter::Element::structure, groups_.size());
  for (const RowGroup& group : groups_) append_group(thrift, group);
  thrift.text(6, "millrace version 1.0");
  // Least and greatest values are by the order that belongs to the type.
  thrift.list(7, ThriftWriter::Element::structure, columns_.size());
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    thrift.begin();
    thrift.empty(1);
    thrift.end();
  }
  thrift.end();
}

base::Result<File> FileWriter::finish() {
  if (rows_ > 0) TRY(end_group());
  const std::size_t footer = file_.bytes.size();
  append_footer();
  base::ByteWriter writer(file_.bytes);
  writer.u32(static_cast<std::uint32_t>(file_.bytes.size() - footer));
  writer.raw(kMagic);
  return std::move(file_);
}

}  // namespace millrace::parquet
