#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "collect/event_mapper.h"
#include "contract/item_fix.h"
#include "contract/registry.h"
#include "http/http.h"

namespace millrace::contract {

using Respond = std::function<void(http::Response)>;

// What the quarantine needs of the rest; each calls back once, from any thread.
struct QuarantinePorts {
  // Answers {"columns":[{"name"}],"rows":[[...]]}, or an error as is.
  std::function<void(std::string statement, Respond respond)> run_sql;
  // Sends a body of /v1/import as the source; answers as the door does.
  std::function<void(const std::string& source, std::string body, Respond respond)> resend;
};

// The items in conformed.quarantine: lists and shows them, and sends them again, repaired. Sending is idempotent: an item keeps
// its message id or gets one from its place, so that a second time it is a duplicate; the row in quarantine stays.
class Quarantine {
 public:
  static constexpr int kListedMax = 500;
  static constexpr int kResentMax = 500;        // Items of one replay; `after` goes on.
  static constexpr std::size_t kShownMax = 50;  // Of a dry run.

  Quarantine(const Registry& registry, QuarantinePorts ports)
      : registry_(registry), ports_(std::move(ports)) {}

  void list(const http::Request& request, Respond respond) const;
  void inspect(const http::Request& request, Respond respond) const;
  // {"filter":{...},"fixes":[...],"dry_run":true,"limit":100}
  void replay(const http::Request& request, Respond respond) const;

 private:
  struct Item;
  struct Replay;
  void show(const std::shared_ptr<Replay>& replay) const;
  void resend(const std::shared_ptr<Replay>& replay) const;

  const Registry& registry_;
  const QuarantinePorts ports_;
};

// What is wrong with an item under the rules of now: mapping first, then its contract. JSON: [{"pointer","keyword","message"}]
std::string item_faults_json(const ContractRules& rules, std::string_view raw, std::string_view source);

}  // namespace millrace::contract
