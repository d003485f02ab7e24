#include "collect/shopify_stock.h"

#include <algorithm>
#include <charconv>

#include "base/bytes.h"

namespace millrace::collect {

namespace {

constexpr std::size_t kIdBytesMax = 32;
// Shopify's own ids are no longer, and of those that begin as Diners Club's cards do one in ten would be one.
constexpr std::size_t kOwnIdDigitsMax = 14;

bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= kIdBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_kept_id(std::string_view id, const std::function<bool(std::string_view)>& is_private) {
  return is_id(id) && (id.size() <= kOwnIdDigitsMax || !is_private || !is_private(id));
}

bool is_sku(std::string_view text) {
  return !text.empty() && text.size() <= ShopifyStock::kSkuBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= ' '; });
}

std::string sku_line(std::string_view item, std::string_view sku) {
  return "sku " + std::string(item) + " " + std::string(sku) + "\n";
}

std::string level_line(std::string_view item, std::string_view location, std::int64_t available,
                       base::WallTime at) {
  return "level " + std::string(item) + " " + std::string(location) + " " + std::to_string(available) + " " +
         std::to_string(at.ms) + "\n";
}

std::string_view take_word(std::string_view& line) {
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(std::min(word.size() + 1, line.size()));
  return word;
}

bool read_number(std::string_view text, std::int64_t& into) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

base::Result<std::unique_ptr<ShopifyStock>> ShopifyStock::open(disk::Disk& disk, std::string path) {
  std::unique_ptr<ShopifyStock> made(new ShopifyStock(disk, std::move(path)));
  auto text = disk::read_file(disk, made->path_);
  if (!text.ok() && text.error().code() != base::ErrorCode::not_found) return std::move(text).error();
  if (text.ok() && !made->read(*text)) {
    return base::Error(base::ErrorCode::corrupt, made->path_ + ": not what Shopify told of stock");
  }
  TRY(made->write_anew());
  return made;
}

// Without what was overtaken and without a torn end.
base::Status ShopifyStock::write_anew() {
  std::string compact;
  for (const auto& [id, item] : items_) {
    if (!item.sku.empty()) compact += sku_line(id, item.sku);
    for (const auto& [location, place] : item.places) {
      compact += level_line(id, location, place.available, place.at);
    }
  }
  TRY(disk::write_file_atomically(disk_, path_, compact));
  TRY_ASSIGN(file_, disk_.open_for_write(path_));
  end_ = compact.size();
  is_whole_ = true;
  return base::Ok{};
}

bool ShopifyStock::read(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) break;
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    // Of the last line a crash may have kept the end alone, with a hole before it.
    if (text.empty() && line.find('\0') != std::string_view::npos) break;
    if (!read_line(line)) return false;
  }
  return true;
}

bool ShopifyStock::read_line(std::string_view line) {
  const std::string_view kind = take_word(line);
  const std::string_view item = take_word(line);
  if (!is_id(item)) return false;
  if (kind == "sku") {
    if (!is_sku(line)) return false;
    items_[std::string(item)].sku = line;
    return true;
  }
  const std::string_view location = take_word(line);
  Place place;
  if (kind != "level" || !is_id(location) || !read_number(take_word(line), place.available) ||
      !read_number(line, place.at.ms)) {
    return false;
  }
  items_[std::string(item)].places[std::string(location)] = place;
  return true;
}

base::Status ShopifyStock::append(const std::string& line) {
  // What a failed write or sync left behind the end may be any part of its line, and what of the lines before it is on the disk is
  // unknown.
  if (!is_whole_) TRY(write_anew());
  is_whole_ = false;
  TRY(file_->write_at(end_, base::as_bytes(line)));
  TRY(file_->sync());
  end_ += line.size();
  is_whole_ = true;
  return base::Ok{};
}

base::Status ShopifyStock::learn(std::string_view item, std::string_view sku) {
  if (!is_kept_id(item, is_private_) || !is_sku(sku) || (is_private_ && is_private_(sku))) return base::Ok{};
  const std::lock_guard lock(mutex_);
  const auto found = items_.find(item);
  if (found != items_.end() && found->second.sku == sku) return base::Ok{};
  if (found == items_.end() && items_.size() == kItemsMax)
    return base::Error(base::ErrorCode::exhausted, "too many inventory items");
  TRY(append(sku_line(item, sku)));
  items_[std::string(item)].sku = sku;
  return base::Ok{};
}

base::Result<std::optional<ShopifyStock::Level>> ShopifyStock::count(std::string_view item,
                                                                     std::string_view location,
                                                                     std::int64_t available,
                                                                     base::WallTime at) {
  if (!is_kept_id(item, is_private_) || !is_kept_id(location, is_private_)) return std::optional<Level>{};
  const std::lock_guard lock(mutex_);
  const auto found = items_.find(item);
  if (found == items_.end() && items_.size() == kItemsMax)
    return base::Error(base::ErrorCode::exhausted, "too many inventory items");
  if (found != items_.end()) {
    const auto place = found->second.places.find(location);
    if (place != found->second.places.end() && place->second.at > at) return std::optional<Level>{};
  }
  TRY(append(level_line(item, location, available, at)));
  Item& known = items_[std::string(item)];
  known.places[std::string(location)] = {available, at};
  Level level;
  level.sku = known.sku.empty() ? std::string(item) : known.sku;
  for (const auto& [name, place] : known.places) level.on_hand += std::max<std::int64_t>(0, place.available);
  return std::optional<Level>(std::move(level));
}

}  // namespace millrace::collect
