#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "parquet/compressor.h"
#include "parquet/schema.h"
#include "parquet/text_dictionary.h"

namespace millrace::parquet {

// Values as they are in a file, by parquet.thrift.
enum class Encoding : std::int32_t {
  plain = 0,
  rle = 3,
  delta_binary_packed = 5,
  delta_length_byte_array = 6,
  rle_dictionary = 8
};
enum class Codec : std::int32_t { uncompressed = 0, zstd = 6 };

// The least and the greatest value of a column. Of the two pairs that of the column's type is used; float64 and binary
// have none.
struct Extremes {
  std::optional<std::int64_t> number_min, number_max;
  std::optional<std::string> text_min, text_max;

  void join(const Extremes& other);
};

// What the footer says of a column chunk. Offsets are from where its bytes begin.
struct ChunkSummary {
  Codec codec = Codec::uncompressed;
  std::vector<Encoding> encodings;
  std::int64_t rows = 0;
  std::int64_t nulls = 0;
  std::int64_t bytes = 0;  // In the file, page headers included.
  std::int64_t bytes_uncompressed = 0;
  std::optional<std::int64_t> dictionary_offset;
  std::int64_t data_offset = 0;
  Extremes extremes;
};

// Where the pages of a chunk are made; shared by the columns of a file, one after the other.
struct PageBuffers {
  std::string dictionary, data;
  Scratch compressed_dictionary, compressed_data;
  std::uint32_t dictionary_values = 0;  // 0: no dictionary page.
  Encoding encoding = Encoding::plain;  // Of the data page's values.
};

// The values of one column while the rows of a row group come, and then its column chunk: a dictionary page, where the values
// repeat enough, and one data page. A row that is given no value is null.
//
// Texts go into a dictionary at once, until too many are distinct; then their bytes stand one after the other. Numbers are
// kept, and become a dictionary or differences at the end.
class ColumnChunk {
 public:
  explicit ColumnChunk(Type type) : type_(type), distinct_(type == Type::string) {}

  // For all types but string and binary: booleans are 0 and 1, doubles their bits. Rows come in growing order.
  void number(std::size_t row, std::int64_t value) {
    mark(row);
    numbers_.push_back(value);
  }
  // For string and binary. Copied.
  void text(std::size_t row, std::string_view value);

  // Memory of the values, about.
  std::size_t bytes() const;

  // Appends the pages to `out` and forgets the values. `rows`: how many the group has, with the nulls at its end.
  base::Result<ChunkSummary> finish(std::size_t rows, Compressor& compressor, PageBuffers& pages,
                                    std::string& out);

 private:
  void mark(std::size_t row) {
    if (row / 64 >= present_.size()) present_.resize(row / 64 + 1);
    present_[row / 64] |= std::uint64_t{1} << (row % 64);
    ++values_;
  }
  void leave_dictionary();
  void encode(std::size_t rows, PageBuffers& pages);
  void encode_texts(PageBuffers& pages);
  void encode_numbers(PageBuffers& pages);
  bool encode_distinct_numbers(PageBuffers& pages);
  Extremes extremes() const;
  void clear();

  Type type_;
  std::vector<std::uint64_t> present_;  // Bit by row.
  std::size_t values_ = 0;
  std::vector<std::int64_t> numbers_;
  // Texts are in the dictionary, and `indices_` says which; else in `text_bytes_`, one after the other.
  bool distinct_;
  TextDictionary dictionary_;
  std::vector<std::uint32_t> indices_;
  std::string text_bytes_;
  std::vector<std::int32_t> text_sizes_;
};

}  // namespace millrace::parquet
