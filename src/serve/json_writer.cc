#include "serve/json_writer.h"

#include "base/iso_time.h"

namespace millrace::serve {

JsonWriter& JsonWriter::instant(base::WallTime time) {
  separate();
  out_ += '"';
  base::append_iso_time(out_, time);
  out_ += '"';
  return *this;
}

JsonWriter& JsonWriter::money(event::Money money, event::Currency currency) {
  if (money.micros == 0 && !currency.known()) return null();
  begin_object().key("amount");
  std::string amount = event::to_string(money);
  // Two decimals at least, as prices are written.
  const std::size_t point = amount.find('.');
  if (point == std::string::npos) {
    amount += ".00";
  } else if (point + 2 == amount.size()) {
    amount += '0';
  }
  value(std::string_view(amount)).key("currency");
  return (currency.known() ? value(currency.text()) : null()).end_object();
}

JsonWriter& JsonWriter::id(std::uint64_t id) {
  static constexpr char kHex[] = "0123456789abcdef";
  separate();
  char buffer[18];
  buffer[0] = '"';
  for (int i = 0; i < 16; ++i) buffer[1 + i] = kHex[(id >> (60 - 4 * i)) & 15];
  buffer[17] = '"';
  out_.append(buffer, sizeof(buffer));
  return *this;
}

}  // namespace millrace::serve
