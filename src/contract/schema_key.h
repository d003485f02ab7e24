#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "base/result.h"

namespace millrace::contract {

// SchemaVer: a model breaks with what came before, a revision may, an addition takes all that was taken.
struct SchemaVersion {
  int model = 1;
  int revision = 0;
  int addition = 0;
  auto operator<=>(const SchemaVersion&) const = default;
  std::string text() const;
  static base::Result<SchemaVersion> parse(std::string_view text);
};

// Who a schema is, as Iglu names it.
struct SchemaKey {
  std::string vendor;
  std::string name;
  std::string format = "jsonschema";
  SchemaVersion version;
  auto operator<=>(const SchemaKey&) const = default;

  std::string contract() const { return vendor + "/" + name; }
  std::string path() const { return vendor + "/" + name + "/" + format + "/" + version.text(); }
  std::string uri() const { return "iglu:" + path(); }
  // "vendor/name/format/1-0-0", with or without "iglu:". Parts are letters, digits, '_', '-' and '.', at most 128.
  static base::Result<SchemaKey> parse(std::string_view text);
};

// What a contract for an event of that name is called: "Spin the Wheel!" -> "spin_the_wheel".
std::string contract_name(std::string_view event_name);

}  // namespace millrace::contract
