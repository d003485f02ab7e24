#include "privacy/person_keys.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "privacy/hash_bytes.h"

namespace millrace::privacy {

using base::Error;
using base::ErrorCode;

namespace {

constexpr std::string_view kMagic = "MRKEYS01";
constexpr std::size_t kPlaceBytes = 128;  // Four to a sector: none lies in two.
constexpr std::size_t kCheckedBytes = kPlaceBytes - 4;
constexpr std::size_t kWrappedBytes = 32 + kTagBytes;

// What binds a wrapped key to its id and person.
std::string associated(const base::Hash128& id, const base::Hash128& person) {
  std::string out = "millrace person key";
  base::ByteWriter writer(out);
  put_hash(writer, id);
  put_hash(writer, person);
  return out;
}

std::string sealed_place(std::string bytes) {
  bytes.resize(kCheckedBytes, '\0');
  base::ByteWriter(bytes).u32(base::crc32c(base::as_bytes(bytes)));
  return bytes;
}

bool is_whole(std::string_view place) {
  base::ByteReader end(place.substr(kCheckedBytes));
  return end.u32() == base::crc32c(base::as_bytes(place.substr(0, kCheckedBytes)));
}

bool is_empty(std::string_view place) { return place.find_first_not_of('\0') == std::string_view::npos; }

}  // namespace

base::Result<std::unique_ptr<PersonKeys>> PersonKeys::open(disk::Disk& disk, std::string path,
                                                           const KeyBytes& master, base::Random& random) {
  std::unique_ptr<PersonKeys> keys(new PersonKeys(std::move(path), master, random));
  auto bytes = disk::read_file(disk, keys->path_);
  if (!bytes.ok() && bytes.error().code() != ErrorCode::not_found) return std::move(bytes).error();
  if (!bytes.ok()) {
    // The head tells a wrong master key from torn places.
    const Sealed check = seal(master, random, kMagic, std::string(8, '\0'));
    std::string head(kMagic);
    head.append(reinterpret_cast<const char*>(check.nonce.data()), check.nonce.size());
    head += check.bytes;
    TRY(disk::write_file_atomically(disk, keys->path_, sealed_place(std::move(head))));
    TRY_ASSIGN(keys->file_, disk.open_for_write(keys->path_));
    return keys;
  }
  std::vector<Write> torn;
  TRY(keys->read(*bytes, torn));
  TRY_ASSIGN(keys->file_, disk.open_for_write(keys->path_));
  if (!torn.empty()) TRY(keys->write(torn));
  return keys;
}

base::Status PersonKeys::read(std::string_view bytes, std::vector<Write>& torn) {
  if (bytes.size() < kPlaceBytes || !bytes.starts_with(kMagic) || !is_whole(bytes.substr(0, kPlaceBytes)))
    return Error(ErrorCode::corrupt, path_ + ": not a file of persons' keys");
  Nonce nonce;
  base::ByteReader head(bytes.substr(kMagic.size()));
  std::ranges::copy(head.raw(kNonceBytes), nonce.begin());
  if (!unseal(master_, nonce, kMagic, head.raw(8 + kTagBytes)).ok()) {
    return Error(ErrorCode::invalid_argument,
                 path_ + ": sealed under another master key than the one in the key file");
  }
  bytes.remove_prefix(kPlaceBytes);
  for (; !bytes.empty(); bytes.remove_prefix(std::min(kPlaceBytes, bytes.size()))) {
    const auto number = static_cast<std::uint32_t>(places_.size());
    const std::string_view text = bytes.substr(0, kPlaceBytes);
    places_.emplace_back();
    if (text.size() == kPlaceBytes && !is_empty(text) && is_whole(text)) {
      base::ByteReader in(text);
      Place& place = places_.back();
      place.id = get_hash(in);
      place.person = get_hash(in);
      std::ranges::copy(in.raw(kNonceBytes), place.nonce.begin());
      place.wrapped = in.raw(kWrappedBytes);
      place.made_at.ms = static_cast<std::int64_t>(in.u64());
      by_key_.emplace(place.id, number);
      by_person_.emplace(place.person, number);
    } else {
      free_.push_back(number);
      if (text.size() < kPlaceBytes || !is_empty(text)) {
        torn.emplace_back();
        torn.back().place = number;
        torn.back().bytes.assign(kPlaceBytes, '\0');
      }
    }
  }
  return base::Ok{};
}

std::string PersonKeys::bytes_of(const Place& place) const {
  if (place.wrapped.empty()) return std::string(kPlaceBytes, '\0');
  std::string bytes;
  base::ByteWriter out(bytes);
  put_hash(out, place.id);
  put_hash(out, place.person);
  out.raw({reinterpret_cast<const char*>(place.nonce.data()), place.nonce.size()});
  out.raw(place.wrapped);
  out.u64(static_cast<std::uint64_t>(place.made_at.ms));
  return sealed_place(std::move(bytes));
}

std::optional<std::uint32_t> PersonKeys::find(const base::Hash128& person) const {
  const auto found = by_person_.find(person);
  return found == by_person_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::uint32_t> PersonKeys::find_key(const KeyId& id) const {
  const auto found = by_key_.find(id);
  return found == by_key_.end() ? std::nullopt : std::optional(found->second);
}

std::uint32_t PersonKeys::make(const base::Hash128& person, base::WallTime now) {
  if (const auto known = find(person)) return *known;
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(places_.size()));
    places_.emplace_back();
  }
  const std::uint32_t number = free_.back();
  free_.pop_back();
  Place& place = places_[number];
  place.id = {random_.next(), random_.next()};
  place.person = person;
  place.made_at = now;
  KeyBytes key;
  fill_random(random_, key.data(), key.size());
  Sealed wrapped = seal(master_, random_, associated(place.id, person),
                        {reinterpret_cast<const char*>(key.data()), key.size()});
  wipe(key.data(), key.size());
  place.nonce = wrapped.nonce;
  place.wrapped = std::move(wrapped.bytes);
  by_key_.emplace(place.id, number);
  by_person_.emplace(person, number);
  writes_.push_back(number);
  return number;
}

void PersonKeys::destroy(std::uint32_t number) {
  Place& place = places_[number];
  by_key_.erase(place.id);
  by_person_.erase(place.person);
  wipe(place.wrapped.data(), place.wrapped.size());
  place = {};
  free_.push_back(number);
  writes_.push_back(number);
}

base::Result<KeyBytes> PersonKeys::key(std::uint32_t number) const {
  const Place& place = places_[number];
  TRY_ASSIGN(std::string plain,
             unseal(master_, place.nonce, associated(place.id, place.person), place.wrapped));
  KeyBytes key;
  if (plain.size() != key.size()) return Error(ErrorCode::corrupt, "a person's key has not its size");
  std::ranges::copy(plain, key.begin());
  wipe(plain.data(), plain.size());
  return key;
}

std::vector<PersonKeys::Write> PersonKeys::take_writes() {
  std::sort(writes_.begin(), writes_.end());
  writes_.erase(std::unique(writes_.begin(), writes_.end()), writes_.end());
  std::vector<Write> out;
  for (const std::uint32_t number : writes_) out.push_back({number, bytes_of(places_[number])});
  writes_.clear();
  return out;
}

base::Status PersonKeys::write(const std::vector<Write>& writes) {
  for (const Write& write : writes) {
    TRY(file_->write_at((write.place + std::uint64_t{1}) * kPlaceBytes, base::as_bytes(write.bytes)));
  }
  return file_->sync();
}

}  // namespace millrace::privacy
