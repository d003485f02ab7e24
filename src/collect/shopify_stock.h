#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "disk/disk.h"

namespace millrace::collect {

// What Shopify's webhooks tell of stock. They count inventory items by location; which SKU an item is, only those of products say. What
// a call returned ok for holds after a crash. Any thread.
class ShopifyStock {
 public:
  static constexpr std::size_t kItemsMax = 1'000'000;
  static constexpr std::size_t kSkuBytesMax = 200;

  // The file is made when absent; a line that a crash tore off is left out. docs/formats/data-directory.md
  static base::Result<std::unique_ptr<ShopifyStock>> open(disk::Disk& disk, std::string path);

  // What is not to be kept: SKUs that must not be on a disk, and all that sources of these indices say. Before the first call of
  // another.
  void keep_out(std::function<bool(std::string_view sku)> is_private, std::vector<bool> elsewhere) {
    is_private_ = std::move(is_private);
    elsewhere_ = std::move(elsewhere);
  }
  bool takes(std::uint16_t source) const { return source >= elsewhere_.size() || !elsewhere_[source]; }

  // An item is that SKU from now on. Items are digits; others, and SKUs that are no single line, are passed over.
  base::Status learn(std::string_view item, std::string_view sku);

  struct Level {
    std::string sku;           // The item itself, as long as its SKU is not known.
    std::int64_t on_hand = 0;  // At all locations, those below zero as none.
  };
  // What is there now that a location has `available` units. Nothing when a later word of the location is known already, or when item or
  // location are no digits. exhausted past kItemsMax.
  base::Result<std::optional<Level>> count(std::string_view item, std::string_view location,
                                           std::int64_t available, base::WallTime at);

 private:
  struct Place {
    std::int64_t available = 0;
    base::WallTime at;
  };
  struct Item {
    std::string sku;
    std::map<std::string, Place, std::less<>> places;
  };
  ShopifyStock(disk::Disk& disk, std::string path) : disk_(disk), path_(std::move(path)) {}
  bool read(std::string_view text);
  bool read_line(std::string_view line);
  base::Status write_anew();
  base::Status append(const std::string& line);

  disk::Disk& disk_;
  const std::string path_;
  std::function<bool(std::string_view)> is_private_;
  std::vector<bool> elsewhere_;
  std::mutex mutex_;
  std::unique_ptr<disk::WriteFile> file_;
  std::uint64_t end_ = 0;
  bool is_whole_ = false;  // The file has nothing behind end_, and all before it is on the disk.
  std::map<std::string, Item, std::less<>> items_;
};

}  // namespace millrace::collect
