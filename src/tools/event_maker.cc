#include "tools/event_maker.h"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace millrace::tools {

EventMaker::EventMaker(EventMakerSettings settings) : settings_(settings), random_(settings.seed) {
  double sum = 0;
  for (std::uint64_t rank = 1; rank <= settings_.products; ++rank) {
    sum += 1.0 / static_cast<double>(rank);
    cumulative_.push_back(sum);
  }
}

std::uint64_t EventMaker::zipf() {
  const double at = random_.unit() * cumulative_.back();
  return static_cast<std::uint64_t>(std::lower_bound(cumulative_.begin(), cumulative_.end(), at) -
                                    cumulative_.begin());
}

void EventMaker::append(std::string& out) {
  const std::uint64_t a = random_.next();
  const std::uint64_t b = random_.next();
  message_id_.clear();
  fmt::format_to(std::back_inserter(message_id_), FMT_COMPILE("{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}"),
                 a >> 32, (a >> 16) & 0xffff, a & 0xfff, b >> 52, b & 0xffffffffffff);
  const std::uint64_t visitor = random_.below(settings_.visitors);
  const std::uint64_t product = zipf();
  const std::uint64_t kind = random_.below(1000);
  ++next_;
  auto to = std::back_inserter(out);
  fmt::format_to(
      to,
      FMT_COMPILE(
          R"({{"messageId":"{}","anonymousId":"{:08x}-7d1b-4c0e-9a55-{:012x}","context":{{"page":{{)"
          R"("url":"https://shop.example/p/{}","path":"/p/{}","title":"Product {}"}},"locale":"de-DE",)"
          R"("userAgent":"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Mobile/15E148"}},)"),
      message_id_, visitor * 2654435761u & 0xffffffff, visitor, product, product, product);
  if (kind < 200) {
    fmt::format_to(to, FMT_COMPILE(R"("type":"page","properties":{{"path":"/c/{}"}}}})"), product % 40);
    return;
  }
  const std::string_view name = kind < 940   ? "Product Viewed"
                                : kind < 985 ? "Product Added"
                                             : "Order Completed";
  if (kind < 985) {
    fmt::format_to(
        to,
        FMT_COMPILE(R"("type":"track","event":"{}","properties":{{"product_id":"sku-{}","name":"Product {}",)"
                    R"("category":"category-{}","price":{}.{:02},"currency":"EUR","quantity":1}}}})"),
        name, product, product, product % 40, 5 + product % 200, product % 100);
    return;
  }
  fmt::format_to(
      to,
      FMT_COMPILE(
          R"("type":"track","event":"{}","properties":{{"order_id":"{}-{}","revenue":{}.{:02},"currency":"EUR",)"
          R"("products":[{{"product_id":"sku-{}","price":{}.{:02},"quantity":1}}]}}}})"),
      name, settings_.seed, next_, 5 + product % 200, product % 100, product, 5 + product % 200,
      product % 100);
}

}  // namespace millrace::tools
