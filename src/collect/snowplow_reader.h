#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collect/body_opener.h"
#include "collect/item_desk.h"
#include "collect/snowplow_layout.h"
#include "collect/snowplow_visit.h"

namespace millrace::collect {

// Requests of Snowplow trackers. The values of an item are all strings, two of which are JSON, plain or in base64: an item's
// raw bytes are the item with those opened, as "ue_pr" and "co".
class SnowplowReader final : public Reader {
 public:
  // All must outlive this.
  SnowplowReader(const Vocabulary& vocabulary, const SourceTable& sources, const ItemLimits& limits,
                 const SnowplowSettings& settings);

  std::optional<Refusal> read(const http::Request& request, int endpoint, base::WallTime received_at,
                              ItemSink& sink) override;
  std::optional<std::uint16_t> sender() const override { return desk_.sender(); }

 private:
  std::optional<Refusal> read_payload(const http::Request& request);
  enum class Opening : std::uint8_t {
    none,    // The item is to be read as it is, or nothing could be made of it.
    opened,  // `opened_` is the item.
  };
  struct Span {
    std::size_t begin = 0;
    std::size_t end = 0;
  };

  // The item that begins at token `first` of the body; `end` is set to the token behind it.
  std::optional<Refusal> read_item(std::uint32_t first, std::uint32_t& end);
  bool lay_out_at_once(std::uint32_t first, std::uint32_t& end);
  std::optional<Refusal> read_closely(std::uint32_t first, std::uint32_t& end);
  bool needs_network_user(bool has_device, bool has_user) const;
  std::string_view network_user();
  Opening open_coded(std::uint32_t first, std::uint32_t& end, std::optional<ItemFault>& fault);
  bool open_member(std::string_view key, std::string_view text);
  bool opened_are_values() const;
  SnowplowMembers find_members() const;
  void name_contexts();
  void take_schema(std::uint32_t schema);
  void name_event(Subject& subject);
  void join_terms(std::uint32_t terms);
  event::EventType checkout_step();
  void accept();

  const Vocabulary& vocabulary_;
  const ItemLimits& limits_;
  const SnowplowSettings& settings_;
  BodyOpener opener_;
  JsonIndex body_index_;
  JsonTape envelope_;
  ItemDesk desk_;
  const http::Request* request_ = nullptr;
  SnowplowVisit visit_;
  Subject from_request_;
  std::string query_item_;
  SnowplowLayout layout_;
  SnowplowHead head_;
  SnowplowMembers members_;
  std::string opened_;
  std::vector<Span> coded_;  // What was opened, in opened_.
  std::string query_;
};

}  // namespace millrace::collect
