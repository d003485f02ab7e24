#include "privacy/vault.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"

namespace millrace::privacy {

using base::Error;
using base::ErrorCode;

namespace {

constexpr std::size_t kValueBytesMax = 1024;
// Persons who share one value, as a switchboard's number; later ones have the token alone.
constexpr std::size_t kSharersMax = 64;

// What binds a sealed value to its token and its person.
std::string associated(const base::Hash128& person, const VaultRecord& record) {
  std::string out = "millrace value ";
  base::ByteWriter writer(out);
  writer.u64(person.high);
  writer.u64(person.low);
  writer.u8(static_cast<std::uint8_t>(record.kind));
  writer.u8(record.purposes);
  out += record.token.text();
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

}  // namespace

std::string_view to_string(OpenedToken::State state) {
  constexpr std::string_view kNames[] = {"opened", "gone", "not_granted", "suppressed", "unknown", "damaged"};
  return kNames[static_cast<std::size_t>(state)];
}

std::string readable(Personal kind, std::string_view normalised) {
  std::string out(normalised);
  if (kind == Personal::phone) return "+" + out;
  if (kind == Personal::iban) {
    for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  }
  return out;
}

bool VaultRules::any() const {
  return std::ranges::any_of(purposes, [](std::uint8_t bits) { return bits != 0; });
}

base::Result<VaultRules> VaultRules::parse(std::string_view text) {
  VaultRules rules;
  while (!trimmed(text).empty()) {
    const std::size_t comma = text.find(',');
    const auto rule = trimmed(text.substr(0, comma));
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    const std::size_t colon = rule.find(':');
    bool known = false;
    for (std::size_t kind = 0; kind < kPersonalKinds && colon != std::string_view::npos; ++kind) {
      if (rule.substr(0, colon) != to_string(static_cast<Personal>(kind)) ||
          kind == std::size_t(Personal::card))
        continue;
      for (std::size_t purpose = 0; purpose < event::kPurposeCount; ++purpose) {
        if (rule.substr(colon + 1) != event::to_string(static_cast<event::Purpose>(purpose))) continue;
        rules.purposes[kind] |= event::Purposes::bit(static_cast<event::Purpose>(purpose));
        known = true;
      }
    }
    if (!known) {
      return Error(
          ErrorCode::invalid_argument,
          "a rule of the vault is KIND:PURPOSE with email, phone, iban or ip, and necessary, analytics, "
          "personalisation or marketing, not \"" +
              std::string(rule) + "\"");
    }
  }
  return rules;
}

base::Result<std::unique_ptr<Vault>> Vault::open(disk::Disk& disk, const std::string& directory,
                                                 const VaultRules& rules, const Keys& keys,
                                                 const Suppressions& suppressions, base::Random& random,
                                                 const base::Clock& clock) {
  INVARIANT(keys.vault);
  std::unique_ptr<Vault> vault(new Vault(rules, keys, suppressions, random, clock));
  TRY(vault->load(disk, directory, *keys.vault));
  return vault;
}

base::Status Vault::load(disk::Disk& disk, const std::string& directory, const KeyBytes& master) {
  TRY_ASSIGN(keys_, PersonKeys::open(disk, directory + "/persons", master, random_));
  log_ = std::make_unique<VaultLog>(disk, directory + "/values");
  TRY_ASSIGN(auto entries, log_->load());
  const std::size_t dead = index_all(entries);
  if (log_->torn() || dead > entries.size() / 2) {
    TRY(log_->replace(living(entries)));
    TRY_ASSIGN(entries, log_->load());
    index_all(entries);
  }
  next_offset_ = durable_end_ = log_->size();
  figures_.persons = keys_->size();
  return load_openings(disk, directory + "/openings");
}

std::size_t Vault::index_all(const std::vector<VaultLog::Entry>& entries) {
  values_.assign(1, Value{});
  by_token_.clear();
  grants_.clear();
  std::size_t dead = 0;
  for (const auto& [record, place] : entries) {
    if (!keys_->find_key(record.key)) {
      dead += record.type == VaultRecord::Type::gone ? 0 : 1;
      if (record.type == VaultRecord::Type::grant) continue;
    } else if (record.type == VaultRecord::Type::grant) {
      dead += grants_.contains(record.key) ? 1 : 0;
      grants_[record.key] = record.purposes;
      continue;
    }
    index(record, place);
  }
  return dead;
}

// A token with the same person's value, sealed for more purposes, takes the place of the older.
void Vault::index(const VaultRecord& record, VaultLog::Place place) {
  std::uint32_t& head = by_token_[record.token];
  for (std::uint32_t at = head; at != 0; at = values_[at].next) {
    if (values_[at].key != record.key) continue;
    values_[at].place = place;
    values_[at].purposes = record.purposes;
    return;
  }
  values_.push_back({place, record.key, record.purposes, head});
  head = static_cast<std::uint32_t>(values_.size() - 1);
}

std::vector<VaultRecord> Vault::living(const std::vector<VaultLog::Entry>& entries) const {
  std::vector<VaultRecord> out;
  std::unordered_map<TokenId, bool, HashOfToken> gone;
  std::unordered_map<base::Hash128, bool, HashOfId> granted;
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    VaultRecord record = entry->record;
    const bool has_key = keys_->find_key(record.key).has_value();
    if (record.type == VaultRecord::Type::grant) {
      if (!has_key || std::exchange(granted[record.key], true)) continue;
    } else if (!has_key) {
      if (std::exchange(gone[record.token], true)) continue;
      VaultRecord left;
      left.type = VaultRecord::Type::gone;
      left.token = record.token;
      left.at = record.at;
      record = left;
    }
    out.push_back(std::move(record));
  }
  std::ranges::reverse(out);
  return out;
}

void Vault::append(const VaultRecord& record) {
  const std::string framed = VaultLog::frame(record);
  if (record.type == VaultRecord::Type::value)
    index(record, {next_offset_, static_cast<std::uint32_t>(framed.size())});
  pending_ += framed;
  next_offset_ += framed.size();
  ++sealed_;
}

// Whether the value is kept under that key for all of `purposes`; those that it is kept for join them.
bool Vault::is_kept(const TokenId& id, const PersonKeys::KeyId& key, std::uint8_t& purposes,
                    std::size_t& sharers) const {
  const auto found = by_token_.find(id);
  if (found == by_token_.end()) return false;
  for (std::uint32_t at = found->second; at != 0; at = values_[at].next, ++sharers) {
    if (values_[at].key != key) continue;
    if ((purposes & ~values_[at].purposes) == 0) return true;
    purposes |= values_[at].purposes;
    return false;
  }
  return false;
}

bool Vault::seal(const base::Hash128& person, std::string_view token, Personal kind, std::string_view value,
                 std::uint8_t purposes) {
  const auto id = TokenId::parse(token);
  if (!id || value.size() > kValueBytesMax) return false;
  const std::lock_guard lock(mutex_);
  const auto known = keys_->find(person);
  std::size_t sharers = 0;
  if (known && is_kept(*id, keys_->key_id(*known), purposes, sharers)) return durable_ < sealed_;
  if (!known) (void)is_kept(*id, {}, purposes, sharers);
  if (values_.size() > rules_.values_max || sharers >= kSharersMax) {
    ++figures_.full;
    return false;
  }
  const std::uint32_t place = known ? *known : keys_->make(person, clock_.wall());
  auto key = keys_->key(place);
  if (!key.ok()) {
    failed_ = key.error().message();
    return true;
  }
  VaultRecord record;
  record.key = keys_->key_id(place);
  record.token = *id;
  record.kind = kind;
  record.purposes = purposes;
  record.at = clock_.wall();
  Sealed sealed = privacy::seal(*key, random_, associated(person, record), value);
  wipe(key->data(), key->size());
  record.nonce = sealed.nonce;
  record.sealed = std::move(sealed.bytes);
  append(record);
  figures_.persons = keys_->size();
  return true;
}

bool Vault::grant(const base::Hash128& person, std::uint8_t purposes) {
  const std::lock_guard lock(mutex_);
  const auto place = keys_->find(person);
  if (!place) return false;
  const auto& key = keys_->key_id(*place);
  const auto known = grants_.find(key);
  if (known != grants_.end() && known->second == purposes) return false;
  grants_[key] = purposes;
  VaultRecord record;
  record.type = VaultRecord::Type::grant;
  record.key = key;
  record.purposes = purposes;
  record.at = clock_.wall();
  append(record);
  return true;
}

base::Status Vault::sync() {
  std::unique_lock lock(mutex_);
  const std::uint64_t wanted = sealed_;
  while (durable_ < wanted || !failed_.empty()) {
    if (!failed_.empty()) return Error(ErrorCode::unavailable, "the vault takes nothing more: " + failed_);
    if (writing_) {
      settled_.wait(lock);
    } else {
      TRY(flush(lock));
    }
  }
  return base::Ok{};
}

// Writes all that is pending; keys before what they seal, so that nothing on the disk has no key. With the lock given
// up meanwhile, and writing_ instead.
base::Status Vault::flush(std::unique_lock<std::mutex>& lock) {
  writing_ = true;
  const auto writes = keys_->take_writes();
  std::string records = std::exchange(pending_, {});
  const std::uint64_t last = sealed_;
  lock.unlock();
  base::Status status = writes.empty() ? base::Status(base::Ok{}) : keys_->write(writes);
  if (status.ok() && !records.empty()) status = log_->append(records);
  lock.lock();
  writing_ = false;
  if (status.ok()) {
    durable_ = last;
    durable_end_ = log_->size();
  } else if (status.error().code() == ErrorCode::exhausted) {
    // Nothing is lost: once there is room, the same goes to the same places.
    keys_->put_back(writes);
    pending_ = records + pending_;
  } else {
    failed_ = status.error().message();
  }
  settled_.notify_all();
  return status;
}

base::Result<bool> Vault::erase(std::string_view id) {
  std::unique_lock lock(mutex_);
  settled_.wait(lock, [this] { return !writing_; });
  if (!failed_.empty()) return Error(ErrorCode::unavailable, "the vault takes nothing more: " + failed_);
  const auto place = keys_->find(person(id));
  // One that an earlier call could not write is still to be destroyed.
  if (!place && !keys_->has_writes()) return false;
  if (place) {
    grants_.erase(keys_->key_id(*place));
    keys_->destroy(*place);
  }
  TRY(flush(lock));
  figures_.persons = keys_->size();
  figures_.erased += place ? 1 : 0;
  return place.has_value();
}

OpenedToken Vault::open_value(std::string_view token, const TokenId& id, const Value& value,
                              event::Purpose purpose) {
  using State = OpenedToken::State;
  OpenedToken out{std::string(token), State::gone, {}};
  const auto place = keys_->find_key(value.key);
  if (!place) return out;
  const auto bit = event::Purposes::bit(purpose);
  const auto grant = grants_.find(value.key);
  out.state = State::not_granted;
  if ((value.purposes & bit) == 0 || grant == grants_.end() || (grant->second & bit) == 0) return out;
  const base::Hash128 person = keys_->person(*place);
  out.state = State::suppressed;
  if (suppressions_.has(person)) return out;
  out.state = State::damaged;
  auto record = log_->read(value.place);
  auto key = keys_->key(*place);
  if (!record.ok() || !key.ok() || record->token != id) return out;
  auto plain = unseal(*key, record->nonce, associated(person, *record), record->sealed);
  wipe(key->data(), key->size());
  if (!plain.ok()) return out;
  out.state = State::suppressed;
  if (suppressions_.has(*plain)) return out;
  out.state = State::opened;
  out.value = readable(record->kind, *plain);
  return out;
}

OpenedToken Vault::open_token(std::string_view token, event::Purpose purpose) {
  OpenedToken best{std::string(token), OpenedToken::State::unknown, {}};
  const auto id = TokenId::parse(token);
  const auto found = id ? by_token_.find(*id) : by_token_.end();
  if (found == by_token_.end()) return best;
  for (std::uint32_t at = found->second; at != 0; at = values_[at].next) {
    const Value& value = values_[at];
    if (value.place.offset + value.place.size > durable_end_) continue;
    OpenedToken one = open_value(token, *id, value, purpose);
    if (one.state == OpenedToken::State::opened) return one;
    // Of several persons' the one that says most.
    if (best.state == OpenedToken::State::unknown || best.state == OpenedToken::State::gone)
      best = std::move(one);
  }
  return best;
}

base::Result<std::vector<OpenedToken>> Vault::open_tokens(const std::vector<std::string>& tokens,
                                                          event::Purpose purpose, std::string_view who) {
  std::vector<OpenedToken> opened;
  {
    const std::lock_guard lock(mutex_);
    for (const std::string& token : tokens) opened.push_back(open_token(token, purpose));
  }
  TRY(note(opened, purpose, who));
  return opened;
}

VaultFigures Vault::figures() const {
  const std::lock_guard lock(mutex_);
  VaultFigures figures = figures_;
  figures.values = values_.size() - 1;
  return figures;
}

}  // namespace millrace::privacy
