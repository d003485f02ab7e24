#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "lake/json_text.h"

namespace millrace::lake {

// Builds one JSON text, commas included. The caller keeps brackets paired and calls key() before each value
// in an object.
class JsonWriter {
 public:
  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_array() { open('['); }
  void end_array() { close(']'); }

  void key(std::string_view name) {
    separate();
    append_json_string(out_, name);
    out_.push_back(':');
    fresh_ = true;
  }
  void value(std::string_view text) {
    separate();
    append_json_string(out_, text);
  }
  void value(const char* text) { value(std::string_view(text)); }
  void value(std::int64_t number) { raw(std::to_string(number)); }
  void value(int number) { raw(std::to_string(number)); }
  void boolean(bool truth) { raw(truth ? "true" : "false"); }
  void raw(std::string_view json) {
    separate();
    out_.append(json);
  }
  template <class T>
  void member(std::string_view name, const T& content) {
    key(name);
    value(content);
  }

  std::string take() { return std::move(out_); }

 private:
  void separate() {
    if (!fresh_) out_.push_back(',');
    fresh_ = false;
  }
  void open(char bracket) {
    separate();
    out_.push_back(bracket);
    fresh_ = true;
  }
  void close(char bracket) {
    out_.push_back(bracket);
    fresh_ = false;
  }
  std::string out_;
  bool fresh_ = true;  // No comma before the next token.
};

}  // namespace millrace::lake
