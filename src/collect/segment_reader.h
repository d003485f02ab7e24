#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "collect/body_opener.h"
#include "collect/client_time.h"
#include "collect/dialect.h"
#include "collect/event_mapper.h"
#include "collect/json_index.h"
#include "collect/json_tape.h"
#include "collect/segment_endpoints.h"
#include "collect/source_table.h"
#include "collect/write_key.h"

namespace millrace::collect {

// A member of quarantined items that cannot be read again: what their batch gave to all its items was too large to be kept with each.
constexpr std::string_view kBatchLeftOut = "batch_left_out";

// Reads requests of the Segment and RudderStack HTTP API. One bad item costs that item alone; only a body that is no JSON
// as a whole is refused.
class SegmentReader final : public Reader {
 public:
  SegmentReader(const Vocabulary& vocabulary, const SourceTable& sources, const ItemLimits& limits);

  std::optional<Refusal> read(const http::Request& request, int endpoint, base::WallTime received_at,
                              ItemSink& sink) override;
  std::optional<std::uint16_t> sender() const override { return sender_; }

 private:
  struct Origin;  // What the items of one request share.

  std::optional<Refusal> read_one(const SegmentEndpoint& endpoint, Origin& origin);
  std::optional<Refusal> read_batch(const SegmentEndpoint& endpoint, Origin& origin);
  std::optional<Refusal> read_items(std::uint32_t array, Origin& origin);
  std::optional<Refusal> read_pixel(const SegmentEndpoint& endpoint, Origin& origin);
  // The token behind the item that begins at `token`.
  std::uint32_t read_item(std::uint32_t token, Origin& origin);
  std::optional<ItemFault> lay_out(std::uint32_t token, std::uint32_t end_token, std::string_view raw);
  std::optional<ItemFault> judge(TapeFault built, std::uint32_t end_token, std::string_view raw);
  void map_item(std::string_view raw, std::optional<Call> call, Origin& origin);
  void quarantine(std::string_view raw, std::uint16_t source, const ItemFault& fault, const Origin& origin);
  std::optional<std::uint16_t> source_of(std::string_view write_key, Origin& origin);

  SourceView sources_;
  std::optional<std::uint16_t> sender_;
  const ItemLimits& limits_;
  BodyOpener opener_;
  std::string pixel_item_;
  JsonIndex index_;
  JsonTape item_;
  JsonTape envelope_;
  std::size_t shared_bytes_ = 0;  // Of the envelope, in each item.
  std::string shared_members_;    // The same, as JSON members.
  EventMapper mapper_;
  event::Event event_;
};

}  // namespace millrace::collect
