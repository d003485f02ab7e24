#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "collect/json_index.h"
#include "collect/json_tape.h"

namespace millrace::collect {

// The members of an item that are looked at by name.
enum class SnowplowName : std::uint8_t {
  other,
  kind,            // e
  write_key,       // aid
  user,            // uid
  domain_user,     // duid
  network_user,    // nuid, tnuid
  id,              // eid
  device_time,     // dtm
  sent,            // stm
  true_time,       // ttm
  contexts,        // co
  coded_contexts,  // cx
  event,           // ue_pr
  coded_event,     // ue_px
};
SnowplowName snowplow_name(std::string_view key);

// What says from where an item is and from whom, before it is laid out.
struct SnowplowHead {
  std::string_view write_key;
  std::string_view visitor;
  bool has_device = false;
  bool has_user = false;

  void note(SnowplowName name, std::string_view text);
};

// Where the members of an item are on its tape, of two of one name the last; 0: it has none.
class SnowplowMembers {
 public:
  void clear() { nodes_ = {}; }
  void note(SnowplowName name, std::uint32_t node) { nodes_[static_cast<std::size_t>(name)] = node; }
  std::uint32_t operator[](SnowplowName name) const { return nodes_[static_cast<std::size_t>(name)]; }

 private:
  std::array<std::uint32_t, static_cast<std::size_t>(SnowplowName::coded_event) + 1> nodes_{};
};

// Lays out the items of a body as trackers send them, with their coded members opened, in one pass over their tokens. An item that has
// anything but strings, or that is wrong in any way, is left to who looks closer.
class SnowplowLayout {
 public:
  // Items of more bytes are left as well.
  explicit SnowplowLayout(std::size_t bytes_max);

  // Before the items of a body, which must outlive them.
  void begin(const JsonIndex& body);
  // Lays out the item that begins at token `first`. False: it is left, and the tape is undefined.
  bool read(std::uint32_t first, JsonTape& tape);
  // After read(): one member more. False: the item is left.
  bool add_network_user(std::string_view id, JsonTape& tape);
  // The item's text, which the tape is of; it stays until the next read(). Empty: it is left.
  std::string_view close(JsonTape& tape);

  const SnowplowMembers& members() const { return members_; }
  // The token behind the item.
  std::uint32_t end_token() const { return end_token_; }

 private:
  bool add_escaped(std::string_view key, std::string_view text, JsonTape& tape);
  bool open(SnowplowName name, std::string_view key, std::string_view text, JsonTape& tape);
  void copy_to(const char* end);
  const char* next_escape(const char* from) const;

  const std::size_t bytes_max_;
  const std::unique_ptr<char[]> place_;  // The item's text is never longer than it was in the body.
  const JsonIndex* body_ = nullptr;
  SnowplowMembers members_;
  const char* escape_ = nullptr;  // The first backslash of the body that is not behind us, or its end.
  const char* from_ = nullptr;    // What is not copied yet.
  char* to_ = nullptr;
  const char* last_ = nullptr;  // The item's closing brace.
  std::uint32_t end_token_ = 0;
};

}  // namespace millrace::collect
