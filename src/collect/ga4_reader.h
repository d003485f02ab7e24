#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "collect/body_opener.h"
#include "collect/ga4_item.h"
#include "collect/item_desk.h"

namespace millrace::collect {

// The Measurement Protocol. An item's raw bytes are its event with the other members of the request before its own, as
// those say who and where: {"client_id":...,"consent":...,"name":...,"params":...}.
class Ga4ProtocolReader final : public Reader {
 public:
  Ga4ProtocolReader(const Vocabulary& vocabulary, const SourceTable& sources, const ItemLimits& limits);
  std::optional<Refusal> read(const http::Request& request, int endpoint, base::WallTime received_at,
                              ItemSink& sink) override;
  std::optional<std::uint16_t> sender() const override { return desk_.sender(); }

 private:
  std::optional<Refusal> read_events(std::uint32_t array);
  void read_event(std::string_view event);

  const Vocabulary& vocabulary_;
  const ItemLimits& limits_;
  BodyOpener opener_;
  JsonIndex index_;
  JsonTape envelope_;
  ItemDesk desk_;
  std::string shared_;  // The envelope's members, without the braces.
  std::string item_;
};

// gtag: one event in the query, or one in each line of the body with the query's fields for all. An item's raw bytes are
// the hit as HitWriter has it.
class Ga4TagReader final : public Reader {
 public:
  Ga4TagReader(const Vocabulary& vocabulary, const SourceTable& sources, const ItemLimits& limits);
  std::optional<Refusal> read(const http::Request& request, int endpoint, base::WallTime received_at,
                              ItemSink& sink) override;
  std::optional<std::uint16_t> sender() const override { return desk_.sender(); }

 private:
  std::optional<Refusal> read_hit(std::string_view line);
  void name_hit(std::string_view item);

  const Vocabulary& vocabulary_;
  const ItemLimits& limits_;
  BodyOpener opener_;
  ItemDesk desk_;
  Subject from_request_;
  HitWriter hits_;
  std::string message_id_;
};

}  // namespace millrace::collect
