#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "contract/discovery.h"
#include "contract/quality_rules.h"
#include "contract/quarantine.h"
#include "contract/registry.h"
#include "disk/disk.h"
#include "http/http.h"

namespace millrace::contract {

// What the API says of contracts, proposals, alerts, rules of quality and the quarantine.
class ContractApi {
 public:
  struct Parts {
    disk::Disk& disk;
    Registry& registry;
    QualityBoard& quality;
    Discovery& discovery;
    Quarantine& quarantine;
    // A text without the personal values in it. Samples are taken before the events are rid of theirs.
    std::function<std::string(std::string_view)> cleansed{};
  };
  explicit ContractApi(Parts parts) : parts_(std::move(parts)) {}

  // Takes up the rules of quality that were set before.
  base::Status load();
  // `operation`: the operationId of src/serve/openapi.json. Changes wait for the disk.
  void answer(std::string_view operation, const http::Request& request, Respond respond);

 private:
  http::Response list() const;
  http::Response get_schema(const http::Request& request) const;
  http::Response put_schema(const http::Request& request);
  http::Response delete_schema(const http::Request& request);
  http::Response check_schema(const http::Request& request) const;
  http::Response modes() const;
  http::Response put_modes(const http::Request& request);
  http::Response violations() const;
  std::string cleansed(std::string_view text) const;
  std::string message_id_json(std::string_view id) const;
  http::Response accept(const http::Request& request);
  http::Response ignore(const http::Request& request);
  http::Response rules() const;
  http::Response put_rules(const http::Request& request);

  const Parts parts_;
};

}  // namespace millrace::contract
