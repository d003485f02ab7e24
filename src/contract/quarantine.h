#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "collect/event_mapper.h"
#include "contract/item_fix.h"
#include "contract/quarantine_marks.h"
#include "contract/registry.h"
#include "http/http.h"

namespace millrace::contract {

using Respond = std::function<void(http::Response)>;

// What the quarantine needs of the rest; each calls back once, from any thread.
struct QuarantinePorts {
  // Answers {"columns":[{"name"}],"rows":[[...]]}, or an error as is.
  std::function<void(std::string statement, Respond respond)> run_sql;
  // Posts a body to a door's path as the source; answers what became of the items as /v1/import does, whatever the path's clients hear.
  std::function<void(const std::string& source, std::string_view path, std::string body, Respond respond)>
      resend;
};

// The items in conformed.quarantine: lists and shows them, and sends them again, repaired. Sending is idempotent: what was taken is marked
// as replayed and left out of the next replay, and an item keeps its message id or gets one from its place, so that a second time it would be
// a duplicate. The row in quarantine stays; the item that was sent again says in its raw bytes where it comes from ("replayed_from").
class Quarantine {
 public:
  static constexpr int kListedMax = 500;
  static constexpr int kResentMax = 500;        // Items of one replay; `after` goes on.
  static constexpr std::size_t kShownMax = 50;  // Of a dry run.

  Quarantine(const Registry& registry, QuarantineMarks& marks, QuarantinePorts ports)
      : registry_(registry), marks_(marks), ports_(std::move(ports)) {}

  void list(const http::Request& request, Respond respond) const;
  void inspect(const http::Request& request, Respond respond) const;
  // {"state":"ignored"}: a person looked and left it; or back to "open".
  void set_state(const http::Request& request, Respond respond) const;
  // {"filter":{...},"fixes":[...],"dry_run":true,"limit":100}. Of open items, unless the filter names another state.
  void replay(const http::Request& request, Respond respond) const;

 private:
  struct Item;
  struct Replay;
  struct Parcel;
  void append_with_state(std::string& out, const JsonDocument& rows, std::uint32_t row) const;
  void take_items(const std::shared_ptr<Replay>& replay, const JsonDocument& rows) const;
  void show(const std::shared_ptr<Replay>& replay) const;
  void resend(const std::shared_ptr<Replay>& replay) const;
  void settle(const std::shared_ptr<Replay>& replay, const Parcel& parcel,
              const http::Response& answer) const;
  void finish(const std::shared_ptr<Replay>& replay) const;

  const Registry& registry_;
  QuarantineMarks& marks_;
  const QuarantinePorts ports_;
};

// What is wrong with an item under the rules of now: mapping first, then its contract. JSON: [{"pointer","keyword","message"}]
std::string item_faults_json(const ContractRules& rules, std::string_view raw, std::string_view source);

}  // namespace millrace::contract
