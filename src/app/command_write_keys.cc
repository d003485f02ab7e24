#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "admin/write_key_book.h"
#include "app/audit_log.h"
#include "app/command.h"
#include "app/commands.h"
#include "app/source_precedence.h"
#include "app/system_clock.h"
#include "app/token_file.h"
#include "app/verb_command.h"
#include "app/webhook_mapping_file.h"
#include "app/write_key_file.h"
#include "base/iso_time.h"
#include "tools/file_text.h"

namespace millrace::app {

namespace {

constexpr std::int64_t kUntold = -1;

struct KeyOptions {
  std::string data = "millrace-data";
  std::string which;
  admin::KeyTerms terms;
  std::string secret_file, mapping_file;
  std::int64_t grace_s = 24 * 3600;
  std::int64_t precedence = kUntold;
};

base::Status record(const KeyOptions& options, std::string act, std::string target, std::string detail) {
  return record_command(admin_directory_of(options.data), SystemClock().wall(), std::move(act),
                        std::move(target), std::move(detail));
}

// The terms with what stands in files: a secret on a command line is in everybody's list of processes.
base::Result<admin::KeyTerms> terms_of(const KeyOptions& options) {
  admin::KeyTerms terms = options.terms;
  if (!options.secret_file.empty()) {
    TRY_ASSIGN(terms.secret, tools::read_text(options.secret_file));
    while (terms.secret.ends_with('\n') || terms.secret.ends_with('\r')) terms.secret.pop_back();
    if (terms.secret.empty())
      return base::Error(base::ErrorCode::invalid_argument, options.secret_file + " has no secret");
  }
  if (!options.mapping_file.empty()) {
    TRY_ASSIGN(terms.mapping, tools::read_text(options.mapping_file));
    TRY(compile_mapping(terms.mapping, options.mapping_file));
  }
  return terms;
}

base::Status create(const KeyOptions& options) {
  TRY_ASSIGN(auto terms, terms_of(options));
  TRY_ASSIGN(const auto fixed, fixed_precedence(options.data, options.which));
  if (fixed && options.precedence != kUntold && *fixed != options.precedence) {
    return base::Error(
        base::ErrorCode::conflict,
        fmt::format("the source \"{}\" has precedence {} since it was made, and keeps it; make a "
                    "source of another name, or name it in a [[source]] of the settings file",
                    options.which, *fixed));
  }
  terms.precedence = fixed.value_or(std::max<std::int64_t>(options.precedence, 0));
  std::error_code code;
  std::filesystem::create_directories(options.data, code);  // Before the first start, too.
  TRY_ASSIGN(const auto book, change_write_keys(options.data, [&](admin::WriteKeyBook& changed) {
               return changed.create(options.which, terms, SystemClock().wall(), new_key_id(),
                                     new_write_key());
             }));
  const auto* const key = book.find(options.which);
  fmt::print("{}\n", key->key);  // Nothing shows it later, also where it cannot be recorded.
  return record(options, "key.create", key->source, "id " + key->id);
}

base::Status list(const KeyOptions& options) {
  TRY_ASSIGN(const auto book, load_write_keys(options.data));
  for (const auto& key : book.keys()) {
    std::string time;
    base::append_iso_time(time, key.created_at);
    const auto quota = key.terms.events_per_s == 0 ? std::string("no quota")
                                                   : fmt::format("{} events/s", key.terms.events_per_s);
    fmt::print("{}  {}  {:<9} {:<16} {} old keys  {} origins  {:<8} {}\n", key.id, time,
               key.terms.state == admin::KeyTerms::State::enabled ? "enabled" : "disabled", quota,
               key.old.size(), key.terms.origins.size(),
               !key.terms.mapping.empty()  ? "mapping"
               : !key.terms.secret.empty() ? "secret"
                                           : "",
               key.source);
  }
  return base::Ok{};
}

base::Status rotate(const KeyOptions& options) {
  const base::WallTime now = SystemClock().wall();
  TRY_ASSIGN(const auto book, change_write_keys(options.data, [&](admin::WriteKeyBook& changed) {
               return changed.rotate(options.which, new_write_key(), now,
                                     now + options.grace_s * base::kSecondMs);
             }));
  const auto* const key = book.find(options.which);
  fmt::print("{}\n", key->key);
  return record(options, "key.rotate", key->source,
                fmt::format("the key so far is good for {} s", options.grace_s));
}

base::Status revoke(const KeyOptions& options) {
  std::string source;
  TRY(change_write_keys(options.data, [&](admin::WriteKeyBook& changed) -> base::Status {
    TRY_ASSIGN(const auto revoked, changed.revoke(options.which, SystemClock().wall()));
    source = revoked.source;
    return base::Ok{};
  }));
  TRY(record(options, "key.revoke", source, ""));
  fmt::print("the write key of \"{}\" is revoked; a running server follows within a second\n", source);
  return base::Ok{};
}

}  // namespace

void add_write_keys_command(Command program) {
  VerbCommand<KeyOptions> command(program, "write-keys",
                                  "Sources that come and go while the server runs, and their keys");
  KeyOptions& options = command.options();
  Command created = command.add("create", "Make a source and print its write key", create);
  created.option("--source", options.which, "Its name in all figures").required();
  created.option("--origin", options.terms.origins, "Only pages of it may send; may be repeated");
  created.option("--events-per-s", options.terms.events_per_s, "Past it 429 (default: as many as come)");
  created.option("--burst", options.terms.burst, "Events at once (default: those of a second)");
  created
      .option("--precedence", options.precedence,
              "Of sources that tell of one order the highest is believed (0 to 100, default 0); of a new "
              "source alone")
      .within(std::int64_t{0}, admin::WriteKeyBook::kPrecedenceMax);
  created.option("--secret-file", options.secret_file,
                 "What its webhooks are signed with, in a file; other clients must show it as well");
  created.option("--mapping", options.mapping_file, "Mapping file of the signed JSON that it posts");
  command.add("list", "The sources and their limits", list);
  Command rotated = command.add("rotate", "Make a new write key and print it", rotate);
  rotated.option("which", options.which, "Its id or source").required();
  rotated.option("--grace-s", options.grace_s, "How long the key so far is good (default: a day)")
      .within(0, 90 * 24 * 3600);
  Command revoked = command.add("revoke", "Let the write key in no more", revoke);
  revoked.option("which", options.which, "Its id or source").required();
}

}  // namespace millrace::app
