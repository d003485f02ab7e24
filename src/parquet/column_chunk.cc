#include "parquet/column_chunk.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/bytes.h"
#include "parquet/bit_writer.h"
#include "parquet/delta_encoding.h"
#include "parquet/hybrid_encoding.h"
#include "parquet/thrift_writer.h"

namespace millrace::parquet {

namespace {

// Of texts that are all distinct a dictionary is only a detour: looked at when so many have come, and again each time.
constexpr std::size_t kTextsBetweenLooks = 4096;
// A dictionary of numbers pays while at most one in so many is distinct.
constexpr std::size_t kRepetitionMin = 4;
// A chunk is stored as it is when compression takes less than a thirty-second of it: readers then need not undo it.
constexpr std::size_t kGainShare = 32;
constexpr std::size_t kPageBytesMax = INT32_MAX;

bool is_narrow(Type type) { return type == Type::int32 || type == Type::date; }

// Numbers in the order they came, each given an index.
class NumberDictionary {
 public:
  explicit NumberDictionary(std::size_t size_max)
      : size_max_(size_max), slots_(std::bit_ceil(size_max * 2 + 2), 0) {}

  // nullopt when it would be one too many.
  std::optional<std::uint32_t> add(std::int64_t value) {
    const std::size_t mask = slots_.size() - 1;
    auto hash = static_cast<std::uint64_t>(value) * 0x9e3779b97f4a7c15ULL;
    std::size_t at = (hash ^ (hash >> 32)) & mask;
    for (; slots_[at] != 0; at = (at + 1) & mask) {
      if (values_[slots_[at] - 1] == value) return slots_[at] - 1;
    }
    if (values_.size() == size_max_) return std::nullopt;
    values_.push_back(value);
    slots_[at] = static_cast<std::uint32_t>(values_.size());
    return slots_[at] - 1;
  }
  const std::vector<std::int64_t>& values() const { return values_; }

 private:
  std::size_t size_max_;
  std::vector<std::uint32_t> slots_;  // Index and one; 0: free. At most half full.
  std::vector<std::int64_t> values_;
};

void append_plain(Type type, std::span<const std::int64_t> values, std::string& out) {
  if (type == Type::boolean) {
    BitWriter bits(out, values.size(), 1);
    for (const std::int64_t value : values) bits.put(static_cast<std::uint64_t>(value), 1);
    return;
  }
  base::ByteWriter writer(out);
  for (const std::int64_t value : values) {
    if (is_narrow(type)) {
      writer.u32(static_cast<std::uint32_t>(value));
    } else {
      writer.u64(static_cast<std::uint64_t>(value));
    }
  }
}

void append_header(bool dictionary, std::size_t size, std::size_t compressed, std::uint32_t values,
                   Encoding encoding, std::string& out) {
  constexpr std::int32_t kDataPage = 0, kDictionaryPage = 2;
  ThriftWriter thrift(out);
  thrift.begin();
  thrift.i32(1, dictionary ? kDictionaryPage : kDataPage);
  thrift.i32(2, static_cast<std::int64_t>(size));
  thrift.i32(3, static_cast<std::int64_t>(compressed));
  thrift.begin(dictionary ? 7 : 5);
  thrift.i32(1, values);
  thrift.i32(2, static_cast<std::int32_t>(encoding));
  if (!dictionary) {
    thrift.i32(3, static_cast<std::int32_t>(Encoding::rle));  // Of definition levels ...
    thrift.i32(4, static_cast<std::int32_t>(
                      Encoding::rle));  // ... and of repetition levels, of which there are none.
  }
  thrift.end();
  thrift.end();
}

void append_indices(std::span<const std::uint32_t> indices, PageBuffers& pages) {
  const int width = index_width(pages.dictionary_values);
  pages.encoding = Encoding::rle_dictionary;
  pages.data.push_back(static_cast<char>(width));
  append_hybrid(indices, width, pages.data);
}

template <class T>
void widen(std::optional<T>& mine, const std::optional<T>& other, bool up) {
  if (other && (!mine || (up ? *mine < *other : *other < *mine))) mine = other;
}

}  // namespace

void Extremes::join(const Extremes& other) {
  widen(number_min, other.number_min, false);
  widen(number_max, other.number_max, true);
  widen(text_min, other.text_min, false);
  widen(text_max, other.text_max, true);
}

void ColumnChunk::text(std::size_t row, std::string_view value) {
  mark(row);
  if (distinct_) {
    indices_.push_back(dictionary_.add(value));
    if (values_ % kTextsBetweenLooks == 0 && dictionary_.size() > values_ / 2) leave_dictionary();
    return;
  }
  text_bytes_.append(value);
  text_sizes_.push_back(static_cast<std::int32_t>(value.size()));
}

std::size_t ColumnChunk::bytes() const {
  return numbers_.size() * sizeof(std::int64_t) + indices_.size() * sizeof(std::uint32_t) +
         dictionary_.page().size() + text_bytes_.size() + text_sizes_.size() * sizeof(std::int32_t);
}

void ColumnChunk::leave_dictionary() {
  for (const std::uint32_t index : indices_) {
    text_bytes_.append(dictionary_[index]);
    text_sizes_.push_back(static_cast<std::int32_t>(dictionary_[index].size()));
  }
  indices_.clear();
  dictionary_.clear();
  distinct_ = false;
}

void ColumnChunk::encode_texts(PageBuffers& pages) {
  if (distinct_) {
    pages.dictionary = dictionary_.page();
    pages.dictionary_values = static_cast<std::uint32_t>(dictionary_.size());
    return append_indices(indices_, pages);
  }
  pages.encoding = Encoding::delta_length_byte_array;
  append_deltas(text_sizes_, pages.data);
  pages.data += text_bytes_;
}

bool ColumnChunk::encode_distinct_numbers(PageBuffers& pages) {
  NumberDictionary distinct(numbers_.size() / kRepetitionMin);
  indices_.reserve(numbers_.size());
  for (const std::int64_t value : numbers_) {
    const auto index = distinct.add(value);
    if (!index) {
      indices_.clear();
      return false;
    }
    indices_.push_back(*index);
  }
  append_plain(type_, distinct.values(), pages.dictionary);
  pages.dictionary_values = static_cast<std::uint32_t>(distinct.values().size());
  append_indices(indices_, pages);
  return true;
}

void ColumnChunk::encode_numbers(PageBuffers& pages) {
  if (type_ == Type::boolean || type_ == Type::float64) {
    pages.encoding = Encoding::plain;
    return append_plain(type_, numbers_, pages.data);
  }
  if (encode_distinct_numbers(pages)) return;
  pages.encoding = Encoding::delta_binary_packed;
  if (!is_narrow(type_)) return append_deltas(numbers_, pages.data);
  append_deltas(std::vector<std::int32_t>(numbers_.begin(), numbers_.end()), pages.data);
}

Extremes ColumnChunk::extremes() const {
  Extremes out;
  if (values_ == 0 || type_ == Type::float64 || type_ == Type::binary) return out;
  if (type_ != Type::string) {
    const auto [least, greatest] = std::minmax_element(numbers_.begin(), numbers_.end());
    out.number_min = *least;
    out.number_max = *greatest;
    return out;
  }
  std::string_view least, greatest;
  bool first = true;
  const auto see = [&](std::string_view text) {
    if (first || text < least) least = text;
    if (first || greatest < text) greatest = text;
    first = false;
  };
  if (distinct_) {
    for (std::uint32_t i = 0; i < dictionary_.size(); ++i) see(dictionary_[i]);
  } else {
    std::string_view rest = text_bytes_;
    for (const std::int32_t size : text_sizes_) {
      see(rest.substr(0, static_cast<std::size_t>(size)));
      rest.remove_prefix(static_cast<std::size_t>(size));
    }
  }
  out.text_min = std::string(least);
  out.text_max = std::string(greatest);
  return out;
}

void ColumnChunk::encode(std::size_t rows, PageBuffers& pages) {
  pages.dictionary.clear();
  pages.dictionary_values = 0;
  pages.encoding = Encoding::plain;
  // Levels, after their length in four bytes, then values.
  pages.data.assign(sizeof(std::uint32_t), '\0');
  present_.resize((rows + 63) / 64);
  append_levels(present_, rows, pages.data);
  const auto levels = static_cast<std::uint32_t>(pages.data.size() - sizeof(std::uint32_t));
  std::memcpy(pages.data.data(), &levels, sizeof(levels));
  if (values_ > 0) is_bytes(type_) ? encode_texts(pages) : encode_numbers(pages);
}

base::Result<ChunkSummary> ColumnChunk::finish(std::size_t rows, Compressor& compressor, PageBuffers& pages,
                                               std::string& out) {
  encode(rows, pages);
  ChunkSummary summary;
  summary.rows = static_cast<std::int64_t>(rows);
  summary.nulls = static_cast<std::int64_t>(rows - values_);
  summary.extremes = extremes();
  const bool has_dictionary = pages.dictionary_values > 0;
  if (pages.data.size() > kPageBytesMax || pages.dictionary.size() > kPageBytesMax)
    return base::Error(base::ErrorCode::exhausted, "parquet: a page is over 2 GiB");
  TRY_ASSIGN(const std::string_view data, compressor.compress(pages.data, pages.compressed_data));
  std::string_view dictionary;
  if (has_dictionary) {
    TRY_ASSIGN(dictionary, compressor.compress(pages.dictionary, pages.compressed_dictionary));
  }
  const std::size_t plain = pages.data.size() + pages.dictionary.size();
  const bool shrinks = data.size() + dictionary.size() + plain / kGainShare < plain;
  summary.codec = shrinks ? Codec::zstd : Codec::uncompressed;

  const std::size_t begin = out.size();
  std::size_t headers = 0;
  const auto append_page = [&](bool is_dictionary, std::string_view bytes, std::string_view stored,
                               std::uint32_t values, Encoding encoding) {
    const std::size_t header = out.size();
    append_header(is_dictionary, bytes.size(), stored.size(), values, encoding, out);
    headers += out.size() - header;
    out += stored;
    return static_cast<std::int64_t>(header - begin);
  };
  if (has_dictionary) {
    summary.dictionary_offset = append_page(true, pages.dictionary, shrinks ? dictionary : pages.dictionary,
                                            pages.dictionary_values, Encoding::plain);
    summary.encodings.push_back(Encoding::plain);
  }
  summary.data_offset = append_page(false, pages.data, shrinks ? data : pages.data,
                                    static_cast<std::uint32_t>(rows), pages.encoding);
  if (summary.encodings.empty() || pages.encoding != Encoding::plain)
    summary.encodings.push_back(pages.encoding);
  summary.encodings.push_back(Encoding::rle);
  summary.bytes = static_cast<std::int64_t>(out.size() - begin);
  summary.bytes_uncompressed = static_cast<std::int64_t>(plain + headers);
  clear();
  return summary;
}

void ColumnChunk::clear() {
  present_.clear();
  values_ = 0;
  numbers_.clear();
  distinct_ = type_ == Type::string;
  dictionary_.clear();
  indices_.clear();
  text_bytes_.clear();
  text_sizes_.clear();
}

}  // namespace millrace::parquet
