#pragma once

#include <charconv>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "event/money.h"
#include "http/http.h"

namespace millrace::serve {

// Appends JSON to a string as it is told, placing the commas; no tree is built. Keys are literals that need
// no escaping.
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return shut('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return shut(']'); }
  JsonWriter& key(std::string_view name) {
    separate();
    out_ += '"';
    out_ += name;
    out_ += "\":";
    comma_ = false;
    return *this;
  }

  JsonWriter& value(std::string_view text) {
    separate();
    http::append_json_string(out_, text);
    return *this;
  }
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(std::same_as<bool> auto flag) { return raw(flag ? "true" : "false"); }
  JsonWriter& value(std::integral auto number) requires(!std::same_as<decltype(number), bool>) {
    return digits(number);
  }
  // Shortest text that reads back as the same number; null for what JSON cannot hold.
  JsonWriter& value(double number) { return std::isfinite(number) ? digits(number) : null(); }
  JsonWriter& null() { return raw("null"); }
  // JSON that is already written.
  JsonWriter& raw(std::string_view json) {
    separate();
    out_ += json;
    return *this;
  }
  // "2026-11-21T10:00:00.000Z".
  JsonWriter& instant(base::WallTime time);
  // The same, but null for the zero time, which stands for never.
  JsonWriter& time(base::WallTime time) { return time.ms == 0 ? null() : instant(time); }
  // {"amount":"12.50","currency":"EUR"}, or null when neither is known.
  JsonWriter& money(event::Money money, event::Currency currency);
  // 64-bit ids as 16 hex digits: a JSON number of that size does not survive JavaScript.
  JsonWriter& id(std::uint64_t id);

  template <class T>
  JsonWriter& field(std::string_view name, const T& content) {
    return key(name).value(content);
  }

 private:
  void separate() {
    if (comma_) out_ += ',';
    comma_ = true;
  }
  JsonWriter& open(char bracket) {
    separate();
    out_ += bracket;
    comma_ = false;
    return *this;
  }
  JsonWriter& shut(char bracket) {
    out_ += bracket;
    comma_ = true;
    return *this;
  }
  JsonWriter& digits(auto number) {
    separate();
    char buffer[32];
    const auto end = std::to_chars(buffer, buffer + sizeof(buffer), number).ptr;
    out_.append(buffer, end);
    return *this;
  }

  std::string& out_;
  bool comma_ = false;
};

}  // namespace millrace::serve
