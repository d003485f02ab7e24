#include "admin/audit_entry.h"

#include <fmt/format.h>

#include <charconv>
#include <span>

#include "base/crc32c.h"
#include "base/iso_time.h"
#include "http/http.h"

namespace millrace::admin {

namespace {

constexpr std::size_t kTextBytesMax = 256;
constexpr std::size_t kCrcDigits = 8;
constexpr std::string_view kTimeKey = "{\"at\":\"";
constexpr std::size_t kTimeBytes = 24;

void append(std::string& json, std::string_view name, std::string_view value) {
  json.append(",\"").append(name).append("\":");
  http::append_json_string(json, value.substr(0, kTextBytesMax));
}

std::uint32_t crc_of(std::string_view text) { return base::crc32c(std::as_bytes(std::span(text))); }

}  // namespace

std::string_view outcome_of(int status) {
  return status < 400 ? "done" : status < 500 ? "refused" : "failed";
}

std::string audit_line(const AuditEntry& entry) {
  std::string json(kTimeKey);
  base::append_iso_time(json, entry.at);
  json += '"';
  append(json, "act", entry.act);
  append(json, "target", entry.target);
  append(json, "outcome", entry.outcome);
  json += ",\"status\":" + std::to_string(entry.status);
  append(json, "token", entry.token_id);
  append(json, "name", entry.name);
  append(json, "role", entry.role);
  append(json, "address", entry.address);
  append(json, "detail", entry.detail);
  json += '}';
  return fmt::format("{:08x} {}\n", crc_of(json), json);
}

std::string_view audit_json(std::string_view line) {
  if (line.size() < kCrcDigits + 3 || line[kCrcDigits] != ' ' || line.back() != '}') return {};
  std::uint32_t crc = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + kCrcDigits, crc, 16);
  const std::string_view json = line.substr(kCrcDigits + 1);
  if (error != std::errc() || end != line.data() + kCrcDigits || crc != crc_of(json)) return {};
  return json;
}

std::optional<base::WallTime> audit_time(std::string_view json) {
  if (!json.starts_with(kTimeKey) || json.size() < kTimeKey.size() + kTimeBytes) return std::nullopt;
  const auto time = base::parse_iso_time(json.substr(kTimeKey.size(), kTimeBytes));
  return time.ok() ? std::optional(*time) : std::nullopt;
}

}  // namespace millrace::admin
