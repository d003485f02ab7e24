#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "collect/body_opener.h"
#include "collect/item_desk.h"
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

 private:
  std::optional<Refusal> read_payload(const http::Request& request);
  std::optional<Refusal> read_item(std::string_view raw);
  bool needs_network_user(const JsonTape& tape) const;
  std::optional<ItemFault> open_coded(const JsonTape& tape);
  void name_contexts();
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
  SnowplowVisit visit_;
  Subject from_request_;
  std::string query_item_;
  std::string opened_;
  std::string decoded_;
  std::string query_;
};

}  // namespace millrace::collect
