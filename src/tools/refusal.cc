#include "tools/refusal.h"

#include <simdjson.h>

namespace millrace::tools {

std::string refusal_text(std::string_view body) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  std::string_view message, hint;
  if (parser.parse(simdjson::padded_string(body)).get(root) != simdjson::SUCCESS ||
      root["error"]["message"].get(message) != simdjson::SUCCESS) {
    return std::string(body);
  }
  std::string out(message);
  if (root["error"]["hint"].get(hint) == simdjson::SUCCESS && !hint.empty()) out.append("\n").append(hint);
  return out;
}

}  // namespace millrace::tools
