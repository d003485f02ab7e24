#include "collect/snowplow_layout.h"

#include <cstring>

#include "collect/write_key.h"

namespace millrace::collect {

namespace {

// What a member may have more than it had in the body, and what is written beyond the end of a text before it is cut.
constexpr std::size_t kSlackBytes = 256;

// Up to five characters as one number.
constexpr std::uint64_t packed(std::string_view text) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    word |= std::uint64_t{static_cast<unsigned char>(text[i])} << (8 * i);
  }
  return word;
}

template <std::size_t kSize>
std::uint64_t load(const char* text) {
  std::uint64_t word = 0;
  std::memcpy(&word, text, kSize);
  return word;
}

// The closing quote of the string whose opening quote and next token are at these places; null when there is none.
const char* closing_quote(const char* begin, const char* next) {
  const char* last = next - 1;
  if (*last == '"' && last > begin) [[likely]]
    return last;
  while (*last == ' ' || *last == '\n' || *last == '\t' || *last == '\r') --last;
  return last > begin && *last == '"' ? last : nullptr;
}

SnowplowName name_of_three(std::uint64_t key) {
  switch (key) {
    case packed("aid"): return SnowplowName::write_key;
    case packed("uid"): return SnowplowName::user;
    case packed("eid"): return SnowplowName::id;
    case packed("dtm"): return SnowplowName::device_time;
    case packed("stm"): return SnowplowName::sent;
    case packed("ttm"): return SnowplowName::true_time;
    default: return SnowplowName::other;
  }
}

SnowplowName name_of_five(std::uint64_t key) {
  switch (key) {
    case packed("ue_pr"): return SnowplowName::event;
    case packed("ue_px"): return SnowplowName::coded_event;
    case packed("tnuid"): return SnowplowName::network_user;
    default: return SnowplowName::other;
  }
}

}  // namespace

SnowplowName snowplow_name(std::string_view key) {
  using enum SnowplowName;
  switch (key.size()) {
    case 1: return key[0] == 'e' ? kind : other;
    case 2:
      if (key[0] != 'c') return other;
      return key[1] == 'o' ? contexts : key[1] == 'x' ? coded_contexts : other;
    case 3: return name_of_three(load<3>(key.data()));
    case 4: {
      const std::uint64_t word = load<4>(key.data());
      return word == packed("duid") ? domain_user : word == packed("nuid") ? network_user : other;
    }
    case 5: return name_of_five(load<5>(key.data()));
    default: return other;
  }
}

void SnowplowHead::note(SnowplowName name, std::string_view text) {
  switch (name) {
    case SnowplowName::write_key: write_key = text; break;
    case SnowplowName::user: has_user = true; break;
    case SnowplowName::domain_user: visitor = text; [[fallthrough]];
    case SnowplowName::network_user: has_device = true; break;
    default: break;
  }
}

SnowplowLayout::SnowplowLayout(std::size_t bytes_max)
    : bytes_max_(bytes_max), place_(std::make_unique_for_overwrite<char[]>(bytes_max + kSlackBytes)) {}

void SnowplowLayout::begin(const JsonIndex& body) {
  body_ = &body;
  escape_ = next_escape(body.text().data());
}

const char* SnowplowLayout::next_escape(const char* from) const {
  const char* const end = body_->text().data() + body_->text().size();
  if (!body_->has_escapes()) return end;
  const void* const found = std::memchr(from, '\\', static_cast<std::size_t>(end - from));
  return found == nullptr ? end : static_cast<const char*>(found);
}

bool SnowplowLayout::read(std::uint32_t first, JsonTape& tape) {
  const std::uint32_t* const token = body_->positions();
  const std::uint32_t count = body_->size();
  const char* const body = body_->text().data();
  if (body_->suspect() || body_->character(first) != '{') return false;
  const char* const begin = from_ = body + token[first];
  const char* escape = escape_;
  to_ = place_.get();
  members_.clear();
  tape.open_object(to_);
  for (std::uint32_t at = first + 1; at + 3 < count; at += 4) {
    const char* const key = body + token[at];
    const char* const colon = body + token[at + 1];
    const char* const value = body + token[at + 2];
    const char* const next = body + token[at + 3];
    if (*key != '"' || *colon != ':' || *value != '"') return false;
    const char* const key_end = closing_quote(key, colon);
    const char* const value_end = closing_quote(value, next);
    if (key_end == nullptr || value_end == nullptr) return false;
    if (static_cast<std::size_t>(next - begin) >= bytes_max_) return false;
    if (escape < key) escape = escape_ = next_escape(key);
    if (escape < key_end) return false;
    const std::string_view name_text(key + 1, static_cast<std::size_t>(key_end - key - 1));
    const std::string_view text(value + 1, static_cast<std::size_t>(value_end - value - 1));
    const SnowplowName name = snowplow_name(name_text);
    if (name >= SnowplowName::contexts && !text.empty()) {
      if (!open(name, name_text, text, tape)) return false;
    } else {
      members_.note(name, tape.size());
      if (escape >= value_end) [[likely]] {
        const char* const copied = to_ + (key - from_);
        if (!tape.add_string({copied + 1, name_text.size()}, {copied + (value + 1 - key), text.size()},
                             copied))
          return false;
      } else if (!add_escaped(name_text, text, tape)) {
        return false;
      }
    }
    if (*next == '}') {
      last_ = next;
      end_token_ = at + 4;
      return true;
    }
    if (*next != ',') return false;
  }
  return false;
}

bool SnowplowLayout::add_escaped(std::string_view key, std::string_view text, JsonTape& tape) {
  const char* const copied = to_ + (key.data() - from_);
  copy_to(text.data() + text.size() + 1);
  return tape.add_escaped_string({copied, key.size()}, {copied + (text.data() - key.data()), text.size()},
                                 copied - 1);
}

bool SnowplowLayout::open(SnowplowName name, std::string_view key, std::string_view text, JsonTape& tape) {
  const bool is_event = name >= SnowplowName::event;
  const bool is_base64 = name == SnowplowName::coded_contexts || name == SnowplowName::coded_event;
  const std::string_view as = is_event ? R"("ue_pr":)" : R"("co":)";
  copy_to(key.data() - 1);
  const char* const member = to_;
  to_ += as.copy(to_, as.size());
  members_.note(is_event ? SnowplowName::event : SnowplowName::contexts, tape.size());
  const std::string_view opened(member + 1, as.size() - 3);
  char* end = nullptr;
  if (is_base64) {
    end = decode_base64(text, to_);
    if (end == nullptr || !tape.add_plain_value(opened, member, to_, end)) return false;
  } else {
    const char* const readable_end = body_->text().data() + body_->text().size();
    end = tape.add_escaped_value(opened, member, text, readable_end, to_);
    if (end == nullptr) return false;
  }
  to_ = end;
  from_ = text.data() + text.size() + 1;
  return true;
}

void SnowplowLayout::copy_to(const char* end) {
  const auto size = static_cast<std::size_t>(end - from_);
  std::memcpy(to_, from_, size);
  to_ += size;
  from_ = end;
}

bool SnowplowLayout::add_network_user(std::string_view id, JsonTape& tape) {
  copy_to(last_);
  constexpr std::string_view kBefore = R"(,"nuid":")";
  const char* const member = to_ + 1;
  to_ += kBefore.copy(to_, kBefore.size());
  const char* const quote = to_ - 1;
  to_ += id.copy(to_, id.size());
  *to_++ = '"';
  from_ = last_;
  return tape.add_string({member + 1, 4}, {quote + 1, id.size()}, member);
}

std::string_view SnowplowLayout::close(JsonTape& tape) {
  copy_to(last_ + 1);
  tape.close_object(to_);
  const std::string_view item(place_.get(), static_cast<std::size_t>(to_ - place_.get()));
  return item.size() <= bytes_max_ ? item : std::string_view{};
}

}  // namespace millrace::collect
