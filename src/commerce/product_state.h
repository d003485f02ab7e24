#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "commerce/product.h"
#include "commerce/trend.h"
#include "process/keyed_state.h"

namespace millrace::commerce {

// All that one partition knows of a product, as one entry, so that a fact costs one lookup.
struct Product {
  ProductCounters counters;
  ProductStock stock;
  TrendItem trend;
  std::uint64_t viewed_in_batch = 0;  // In memory only: the batch that already lists it for its view.

  void encode(std::string& out) const {
    base::ByteWriter writer(out);
    writer.u8(kVersion);
    counters.encode(writer);
    stock.encode(writer);
    trend.encode(writer);
  }
  static bool decode(std::string_view bytes, Product& into) {
    base::ByteReader reader(bytes);
    return reader.u8() == kVersion && into.counters.decode(reader) && into.stock.decode(reader) &&
           into.trend.decode(reader) && reader.at_end();
  }

 private:
  static constexpr std::uint8_t kVersion = 1;
};

using Products = process::KeyedState<Product>;

// Where they lie in the store of their partition, followed by the product id.
constexpr std::string_view kProductPrefix = "product/";

}  // namespace millrace::commerce
