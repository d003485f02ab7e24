#include "commerce/stock_answer.h"

#include "base/iso_time.h"
#include "commerce/json_text.h"

namespace millrace::commerce {

namespace {

void append_number(std::string& out, std::string_view name, std::int64_t value) {
  out.append(",\"").append(name).append("\":").append(std::to_string(value));
}

void append_text(std::string& out, std::string_view name, std::string_view value) {
  out.append("\"").append(name).append("\":");
  append_json_text(out, value);
}

void append_error(std::string& out, std::string_view code, std::string_view message, std::string_view hint) {
  out.append("\"error\":{");
  append_text(out, "code", code);
  out.push_back(',');
  append_text(out, "message", message);
  out.push_back(',');
  append_text(out, "hint", hint);
  out.push_back('}');
}

struct Reason {
  std::string_view code, message, hint;
};
constexpr Reason kReasons[] = {
    {"stock_short", "Not enough is available; nothing was reserved.",
     "Offer what `short` says is available, and reserve again under a new id."},
    {"late_commit", "The reservation had expired and what it held is gone; nothing was taken from stock.",
     "Someone must look at this order: refund it or deliver it from elsewhere."},
    {"oversold", "A stock count has left less on hand than was reserved; nothing was taken from stock.",
     "Correct the count, then commit again before the reservation expires; or release it."},
};

Reason reason(std::string_view code) {
  for (const auto& known : kReasons) {
    if (known.code == code) return known;
  }
  return {code, code, ""};
}

}  // namespace

std::string_view to_string(ReservationState state) {
  switch (state) {
    case ReservationState::pending: return "pending";
    case ReservationState::committed: return "committed";
    case ReservationState::released: return "released";
    case ReservationState::expired: return "expired";
    case ReservationState::rejected: return "rejected";
    case ReservationState::late: return "late";
  }
  return "unknown";
}

StockAnswer stock_counted(std::string_view sku, const StockItem& item,
                          const std::vector<std::string>& oversold) {
  std::string body = "{";
  append_text(body, "sku", sku);
  append_number(body, "on_hand", item.on_hand);
  append_number(body, "reserved", item.reserved);
  append_number(body, "available", item.available());
  body.append(",\"oversold\":[");
  for (const auto& id : oversold) {
    if (body.back() != '[') body.push_back(',');
    append_json_text(body, id);
  }
  body.append("]}");
  return {200, std::move(body)};
}

StockAnswer stock_reserved(std::string_view id, const Reservation& reservation) {
  std::string body = "{";
  append_text(body, "id", id);
  body.append(",\"status\":\"pending\",\"lines\":[");
  for (const auto& line : reservation.lines) {
    if (body.back() != '[') body.push_back(',');
    body.push_back('{');
    append_text(body, "sku", line.sku);
    append_number(body, "quantity", line.quantity);
    body.push_back('}');
  }
  body.append("],\"expires_at\":\"");
  base::append_iso_time(body, reservation.expires_at);
  body.append("\"}");
  return {201, std::move(body)};
}

StockAnswer stock_short(std::string_view id, const std::vector<StockShort>& shorts, std::string_view code) {
  const Reason why = reason(code);
  std::string body = "{";
  append_error(body, why.code, why.message, why.hint);
  body.push_back(',');
  append_text(body, "id", id);
  body.append(",\"short\":[");
  for (const auto& line : shorts) {
    if (body.back() != '[') body.push_back(',');
    body.push_back('{');
    append_text(body, "sku", line.sku);
    append_number(body, "requested", line.requested);
    append_number(body, "available", line.available);
    body.push_back('}');
  }
  body.append("]}");
  return {409, std::move(body)};
}

StockAnswer reservation_status(std::string_view id, ReservationState state) {
  std::string body = "{";
  append_text(body, "id", id);
  body.push_back(',');
  append_text(body, "status", to_string(state));
  body.push_back('}');
  return {200, std::move(body)};
}

StockAnswer stock_refused(int status, std::string_view code, std::string_view message,
                          std::string_view hint) {
  std::string body = "{";
  append_error(body, code, message, hint);
  body.push_back('}');
  return {status, std::move(body)};
}

}  // namespace millrace::commerce
