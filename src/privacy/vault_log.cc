#include "privacy/vault_log.h"

#include <algorithm>
#include <charconv>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "privacy/hash_bytes.h"
#include "privacy/suppressions.h"

namespace millrace::privacy {

using base::Error;
using base::ErrorCode;

namespace {

constexpr std::string_view kMagic = "MRVAULT1";
constexpr std::size_t kFrameBytes = 8;  // Size and checksum.
constexpr std::size_t kRecordBytesMax = 8 * 1024;

std::optional<VaultRecord> parse(std::string_view body) {
  base::ByteReader in(body);
  VaultRecord record;
  const auto type = in.u8();
  if (type < 1 || type > 3) return std::nullopt;
  record.type = static_cast<VaultRecord::Type>(type);
  record.key = get_hash(in);
  record.token.key = in.u32();
  record.token.value = get_hash(in);
  const auto kind = in.u8();
  if (kind >= kPersonalKinds) return std::nullopt;
  record.kind = static_cast<Personal>(kind);
  record.purposes = in.u8();
  record.at.ms = static_cast<std::int64_t>(in.u64());
  const auto nonce = in.raw(kNonceBytes);
  if (nonce.size() == kNonceBytes) std::ranges::copy(nonce, record.nonce.begin());
  record.sealed = in.text();
  if (!in.ok() || !in.at_end()) return std::nullopt;
  return record;
}

// The record at the beginning of `bytes`, which are then those behind it; nothing when it is not whole.
std::optional<VaultRecord> take(std::string_view& bytes) {
  if (bytes.size() < kFrameBytes) return std::nullopt;
  base::ByteReader head(bytes);
  const std::uint32_t size = head.u32();
  const std::uint32_t crc = head.u32();
  if (size > kRecordBytesMax || size > head.remaining()) return std::nullopt;
  const auto body = bytes.substr(kFrameBytes, size);
  if (base::crc32c(base::as_bytes(body)) != crc) return std::nullopt;
  auto record = parse(body);
  if (record) bytes.remove_prefix(kFrameBytes + size);
  return record;
}

}  // namespace

std::optional<TokenId> TokenId::parse(std::string_view token) {
  if (!is_token(token)) return std::nullopt;
  TokenId id;
  const std::size_t cut = token.rfind('_');
  const auto number = token.substr(4, cut - 4);
  if (std::from_chars(number.data(), number.data() + number.size(), id.key).ec != std::errc())
    return std::nullopt;
  const char* const digits = token.data() + cut + 1;
  std::from_chars(digits, digits + 16, id.value.high, 16);
  std::from_chars(digits + 16, digits + 32, id.value.low, 16);
  return id;
}

std::string TokenId::text() const { return "tok_" + std::to_string(key) + "_" + hex_of(value); }

std::string VaultLog::frame(const VaultRecord& record) {
  std::string body;
  base::ByteWriter out(body);
  out.u8(static_cast<std::uint8_t>(record.type));
  put_hash(out, record.key);
  out.u32(record.token.key);
  put_hash(out, record.token.value);
  out.u8(static_cast<std::uint8_t>(record.kind));
  out.u8(record.purposes);
  out.u64(static_cast<std::uint64_t>(record.at.ms));
  out.raw({reinterpret_cast<const char*>(record.nonce.data()), record.nonce.size()});
  out.text(record.sealed);
  std::string framed;
  base::ByteWriter head(framed);
  head.u32(static_cast<std::uint32_t>(body.size()));
  head.u32(base::crc32c(base::as_bytes(body)));
  return framed + body;
}

base::Result<std::vector<VaultLog::Entry>> VaultLog::load() {
  std::vector<Entry> entries;
  auto bytes = disk::read_file(disk_, path_);
  if (!bytes.ok()) {
    if (bytes.error().code() != ErrorCode::not_found) return std::move(bytes).error();
    TRY(replace({}));
    return entries;
  }
  if (!bytes->starts_with(kMagic)) return Error(ErrorCode::corrupt, path_ + ": not a vault");
  std::string_view rest = *bytes;
  rest.remove_prefix(kMagic.size());
  while (!rest.empty()) {
    const std::uint64_t offset = bytes->size() - rest.size();
    auto record = take(rest);
    if (!record) break;
    entries.push_back(
        {*std::move(record), {offset, static_cast<std::uint32_t>(bytes->size() - rest.size() - offset)}});
  }
  torn_ = !rest.empty();
  end_ = bytes->size() - rest.size();
  TRY(open_files());
  return entries;
}

base::Status VaultLog::replace(const std::vector<VaultRecord>& records) {
  std::string bytes(kMagic);
  for (const VaultRecord& record : records) bytes += frame(record);
  TRY(disk::write_file_atomically(disk_, path_, bytes));
  end_ = bytes.size();
  torn_ = false;
  return open_files();
}

base::Status VaultLog::open_files() {
  TRY_ASSIGN(file_, disk_.open_for_write(path_));
  TRY_ASSIGN(reader_, disk_.open(path_));
  return base::Ok{};
}

base::Status VaultLog::append(std::string_view framed) {
  TRY(file_->write_at(end_, base::as_bytes(framed)));
  TRY(file_->sync());
  end_ += framed.size();
  return base::Ok{};
}

base::Result<VaultRecord> VaultLog::read(Place place) const {
  std::string bytes(place.size, '\0');
  TRY_ASSIGN(const std::size_t size,
             reader_->read_at(place.offset, {reinterpret_cast<std::byte*>(bytes.data()), bytes.size()}));
  std::string_view rest(bytes.data(), size);
  auto record = take(rest);
  if (!record) return Error(ErrorCode::corrupt, path_ + ": a record is damaged");
  return *std::move(record);
}

}  // namespace millrace::privacy
