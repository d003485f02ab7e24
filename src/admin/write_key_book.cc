#include "admin/write_key_book.h"

#include <algorithm>
#include <charconv>

#include "admin/token_book.h"

namespace millrace::admin {

using base::Error;
using base::ErrorCode;

namespace {

constexpr std::string_view kHead = "millrace write_keys 1\n";
// With secrets or mappings, which version 1 knew nothing of.
constexpr std::string_view kWebhookHead = "millrace write_keys 2\n";
// With precedences.
constexpr std::string_view kPrecedenceHead = "millrace write_keys 3\n";
constexpr std::size_t kKeyBytesMax = 128;

std::string_view next_word(std::string_view& line) {
  const std::size_t end = line.find(' ');
  const std::string_view word = line.substr(0, end);
  line = end == std::string_view::npos ? std::string_view() : line.substr(end + 1);
  return word;
}

bool read_number(std::string_view text, std::int64_t max, std::int64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool plain = !text.empty() && text.front() != '-' && (text.front() != '0' || text.size() == 1);
  return plain && error == std::errc() && end == text.data() + text.size() && number <= max;
}

bool usable_key(std::string_view key) {
  return !key.empty() && key.size() <= kKeyBytesMax && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

// A secret is a line's rest: no control characters, no blank at its ends.
bool usable_secret(std::string_view secret) {
  return !secret.empty() && secret.size() <= WriteKeyBook::kSecretBytesMax && secret.front() != ' ' &&
         secret.back() != ' ' && std::all_of(secret.begin(), secret.end(), [](char c) {
           return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
         });
}

bool usable_mapping(std::string_view text) {
  return !text.empty() && text.size() <= WriteKeyBook::kMappingBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\r' || c == '\t';
         });
}

// Several lines as one.
std::string folded(std::string_view text) {
  std::string line;
  for (const char c : text) {
    if (c == '\\')
      line += "\\\\";
    else if (c == '\n')
      line += "\\n";
    else
      line += c;
  }
  return line;
}

std::optional<std::string> unfolded(std::string_view line) {
  std::string text;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '\\') {
      text += line[i];
      continue;
    }
    if (++i == line.size() || (line[i] != '\\' && line[i] != 'n')) return std::nullopt;
    text += line[i] == 'n' ? '\n' : '\\';
  }
  return text;
}

std::optional<OldKey> read_old(std::string_view line) {
  OldKey old;
  if (!read_number(next_word(line), INT64_MAX, old.until.ms) || !usable_key(line)) return std::nullopt;
  old.key = line;
  return old;
}

std::optional<WriteKey> read_key(std::string_view line) {
  WriteKey key;
  key.id = next_word(line);
  if (key.id.empty() || !read_number(next_word(line), INT64_MAX, key.created_at.ms)) return std::nullopt;
  if (!read_number(next_word(line), WriteKeyBook::kEventsPerSecondMax, key.terms.events_per_s))
    return std::nullopt;
  if (!read_number(next_word(line), WriteKeyBook::kBurstMax, key.terms.burst)) return std::nullopt;
  const auto state = next_word(line);
  if (state != "enabled" && state != "disabled") return std::nullopt;
  if (state == "disabled") key.terms.state = KeyTerms::State::disabled;
  key.key = next_word(line);
  key.source = line;
  if (!usable_key(key.key) || !usable_name(key.source, TokenBook::kNameBytesMax)) return std::nullopt;
  return key;
}

bool is_host(std::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  if (host.front() == '[')
    return host.size() > 2 && host.back() == ']' &&
           host.find_first_not_of("[]0123456789abcdef:.") == std::string_view::npos;
  if (host.starts_with("*.")) host.remove_prefix(2);
  return !host.empty() && host.front() != '.' && host.back() != '.' &&
         host.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-_") == std::string_view::npos;
}

}  // namespace

std::optional<std::string> normal_origin(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  const std::size_t colons = lower.find("://");
  if (colons == std::string::npos) return std::nullopt;
  const std::string scheme = lower.substr(0, colons);
  if (scheme != "http" && scheme != "https") return std::nullopt;
  std::string host = lower.substr(colons + 3);
  const std::size_t port_at = host.find(':', host.find(']') == std::string::npos ? 0 : host.find(']'));
  if (port_at != std::string::npos) {
    std::int64_t port = 0;
    if (!read_number(std::string_view(host).substr(port_at + 1), 65'535, port) || port == 0)
      return std::nullopt;
    const bool usual = port == (scheme == "https" ? 443 : 80);
    host = host.substr(0, port_at) + (usual ? "" : ":" + std::to_string(port));
  }
  if (!is_host(std::string_view(host).substr(
          0, host.find(':', host.find(']') == std::string::npos ? 0 : host.find(']'))))) {
    return std::nullopt;
  }
  return scheme + "://" + host;
}

std::string check_terms(KeyTerms& terms) {
  if (terms.origins.size() > WriteKeyBook::kOriginsMax) {
    return "A key has at most " + std::to_string(WriteKeyBook::kOriginsMax) + " origins.";
  }
  for (std::string& origin : terms.origins) {
    auto normal = normal_origin(origin);
    if (!normal)
      return "An origin is http:// or https:// and a host, as https://shop.example or "
             "https://*.shop.example.";
    origin = *std::move(normal);
  }
  if (terms.events_per_s < 0 || terms.events_per_s > WriteKeyBook::kEventsPerSecondMax || terms.burst < 0 ||
      terms.burst > WriteKeyBook::kBurstMax) {
    return "The quota is out of range.";
  }
  if (terms.precedence < 0 || terms.precedence > WriteKeyBook::kPrecedenceMax) {
    return "A precedence is a number from 0 to " + std::to_string(WriteKeyBook::kPrecedenceMax) + ".";
  }
  if (terms.events_per_s == 0 && terms.burst != 0) return "A burst takes a rate, events_per_s.";
  if (!terms.secret.empty() && !usable_secret(terms.secret)) {
    return "A secret has at most " + std::to_string(WriteKeyBook::kSecretBytesMax) +
           " bytes, no control characters, and no blank at its ends.";
  }
  if (!terms.mapping.empty() && !usable_mapping(terms.mapping)) {
    return "A mapping is text of at most " + std::to_string(WriteKeyBook::kMappingBytesMax) + " bytes.";
  }
  if (!terms.mapping.empty() && terms.secret.empty())
    return "A mapping takes a secret: its webhooks are signed.";
  return "";
}

base::Result<WriteKeyBook> WriteKeyBook::parse(std::string_view text) {
  WriteKeyBook book;
  if (text.empty()) return book;
  const auto corrupt = [] { return Error(ErrorCode::corrupt, "not a file of write keys, or cut off"); };
  const bool ranked = text.starts_with(kPrecedenceHead);
  const bool webhooks = ranked || text.starts_with(kWebhookHead);
  if ((!webhooks && !text.starts_with(kHead)) || !text.ends_with('\n')) return corrupt();
  text.remove_prefix(kHead.size());
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(line.size() + 1);
    const std::string_view kind = next_word(line);
    if (kind == "key") {
      auto key = read_key(line);
      if (!key || book.keys_.size() == kKeysMax || book.find(key->id) || book.find(key->source))
        return corrupt();
      book.keys_.push_back(*std::move(key));
    } else if (kind == "old" && !book.keys_.empty()) {
      auto old = read_old(line);
      if (!old || book.keys_.back().old.size() == kOldMax) return corrupt();
      book.keys_.back().old.push_back(*std::move(old));
    } else if (kind == "origin" && !book.keys_.empty()) {
      if (normal_origin(line) != line || book.keys_.back().terms.origins.size() == kOriginsMax)
        return corrupt();
      book.keys_.back().terms.origins.emplace_back(line);
    } else if (webhooks && kind == "secret" && !book.keys_.empty()) {
      if (!usable_secret(line) || !book.keys_.back().terms.secret.empty()) return corrupt();
      book.keys_.back().terms.secret = line;
    } else if (webhooks && kind == "mapping" && !book.keys_.empty()) {
      auto mapping = unfolded(line);
      if (!mapping || !usable_mapping(*mapping) || !book.keys_.back().terms.mapping.empty()) return corrupt();
      book.keys_.back().terms.mapping = *std::move(mapping);
    } else if (ranked && kind == "precedence" && !book.keys_.empty()) {
      std::int64_t& precedence = book.keys_.back().terms.precedence;
      if (precedence != 0 || !read_number(line, kPrecedenceMax, precedence) || precedence == 0)
        return corrupt();
    } else if (kind == "retired") {
      auto old = read_old(line);
      if (!old || book.retired_.size() == kRetiredMax) return corrupt();
      book.retired_.push_back(*std::move(old));
    } else {
      return corrupt();
    }
  }
  return book;
}

std::string WriteKeyBook::text() const {
  const bool webhooks = std::any_of(keys_.begin(), keys_.end(), [](const WriteKey& key) {
    return !key.terms.secret.empty() || !key.terms.mapping.empty();
  });
  const bool ranked =
      std::any_of(keys_.begin(), keys_.end(), [](const WriteKey& key) { return key.terms.precedence != 0; });
  std::string text(ranked ? kPrecedenceHead : webhooks ? kWebhookHead : kHead);
  for (const WriteKey& key : keys_) {
    text += "key " + key.id + " " + std::to_string(key.created_at.ms) + " " +
            std::to_string(key.terms.events_per_s) + " " + std::to_string(key.terms.burst) + " " +
            (key.terms.state == KeyTerms::State::enabled ? "enabled" : "disabled") + " " + key.key + " " +
            key.source + "\n";
    for (const OldKey& old : key.old) text += "old " + std::to_string(old.until.ms) + " " + old.key + "\n";
    for (const std::string& origin : key.terms.origins) text += "origin " + origin + "\n";
    if (!key.terms.secret.empty()) text += "secret " + key.terms.secret + "\n";
    if (!key.terms.mapping.empty()) text += "mapping " + folded(key.terms.mapping) + "\n";
    if (key.terms.precedence != 0) text += "precedence " + std::to_string(key.terms.precedence) + "\n";
  }
  for (const OldKey& old : retired_) text += "retired " + std::to_string(old.until.ms) + " " + old.key + "\n";
  return text;
}

const WriteKey* WriteKeyBook::find(std::string_view which) const {
  for (const WriteKey& key : keys_) {
    if (key.id == which || key.source == which) return &key;
  }
  return nullptr;
}

WriteKey* WriteKeyBook::entry(std::string_view id) {
  for (WriteKey& key : keys_) {
    if (key.id == id || key.source == id) return &key;
  }
  return nullptr;
}

void WriteKeyBook::retire(std::string key, base::WallTime at) {
  if (retired_.size() == kRetiredMax) retired_.erase(retired_.begin());
  retired_.push_back({std::move(key), at});
}

base::Status WriteKeyBook::create(std::string_view source, KeyTerms terms, base::WallTime now, std::string id,
                                  std::string key) {
  INVARIANT(usable_key(key));
  if (!usable_name(source, TokenBook::kNameBytesMax)) {
    return Error(ErrorCode::invalid_argument,
                 "A source's name has 1 to 64 letters, digits, blanks and ._@-, and no blank at its ends.");
  }
  if (auto why = check_terms(terms); !why.empty()) return Error(ErrorCode::invalid_argument, std::move(why));
  if (keys_.size() == kKeysMax) {
    return Error(ErrorCode::exhausted, "There are " + std::to_string(kKeysMax) + " write keys already.");
  }
  if (find(source) != nullptr) return Error(ErrorCode::conflict, "The source has a write key; rotate that.");
  keys_.push_back({std::move(id), std::string(source), std::move(key), now, std::move(terms), {}});
  return base::Ok{};
}

base::Status WriteKeyBook::change(std::string_view id, KeyTerms terms) {
  WriteKey* const key = entry(id);
  if (key == nullptr) return Error(ErrorCode::not_found, "There is no write key of this id or source.");
  if (auto why = check_terms(terms); !why.empty()) return Error(ErrorCode::invalid_argument, std::move(why));
  key->terms = std::move(terms);
  return base::Ok{};
}

base::Status WriteKeyBook::rotate(std::string_view id, std::string key, base::WallTime now,
                                  base::WallTime until) {
  INVARIANT(usable_key(key));
  WriteKey* const found = entry(id);
  if (found == nullptr) return Error(ErrorCode::not_found, "There is no write key of this id or source.");
  std::string before = std::exchange(found->key, std::move(key));
  if (until <= now) {
    retire(std::move(before), now);
    return base::Ok{};
  }
  if (found->old.size() == kOldMax) {
    retire(std::move(found->old.front().key), now);
    found->old.erase(found->old.begin());
  }
  found->old.push_back({std::move(before), until});
  return base::Ok{};
}

base::Result<WriteKey> WriteKeyBook::revoke(std::string_view id, base::WallTime now) {
  WriteKey* const found = entry(id);
  if (found == nullptr) return Error(ErrorCode::not_found, "There is no write key of this id or source.");
  WriteKey revoked = std::move(*found);
  keys_.erase(keys_.begin() + (found - keys_.data()));
  retire(revoked.key, now);
  for (const OldKey& old : revoked.old) retire(old.key, now);
  return revoked;
}

bool WriteKeyBook::expire(base::WallTime now) {
  bool any = false;
  for (WriteKey& key : keys_) {
    for (std::size_t i = key.old.size(); i-- > 0;) {
      if (key.old[i].until > now) continue;
      retire(std::move(key.old[i].key), now);
      key.old.erase(key.old.begin() + static_cast<std::ptrdiff_t>(i));
      any = true;
    }
  }
  return any;
}

}  // namespace millrace::admin
