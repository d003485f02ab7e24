#include <fmt/format.h>

#include "app/command.h"
#include "app/commands.h"
#include "app/privacy_guard.h"
#include "app/private_file.h"
#include "app/system_clock.h"
#include "app/system_random.h"
#include "app/verb_command.h"
#include "base/iso_time.h"

namespace millrace::app {

namespace {

struct KeyOptions {
  std::string data = "millrace-data";
  std::string kind = "email";
  std::string value;
};

base::Status list(const KeyOptions& options) {
  TRY_ASSIGN(const std::string text, read_private_file(key_file_of(options.data)));
  TRY_ASSIGN(const auto keys, privacy::Keys::parse(text));
  for (const auto& key : keys.tokens) {
    std::string time;
    base::append_iso_time(time, key.made_at);
    fmt::print("{:>6}  {}{}\n", key.id, time, key.id == keys.tokens.back().id ? "  in use" : "");
  }
  return base::Ok{};
}

base::Status rotate(const KeyOptions& options) {
  const std::string file = key_file_of(options.data);
  TRY_ASSIGN(const std::string text, read_private_file(file));
  TRY_ASSIGN(auto keys, privacy::Keys::parse(text));
  SystemRandom random;
  keys.rotate(random, SystemClock().wall());
  TRY(write_private_file(file, keys.text()));
  fmt::print("key {} makes tokens from now on; a running server follows within a second\n",
             keys.tokens.back().id);
  return base::Ok{};
}

// The tokens that a value has had: to find in the tables what is stored of a person.
base::Status tokens(const KeyOptions& options) {
  TRY_ASSIGN(const std::string text, read_private_file(key_file_of(options.data)));
  TRY_ASSIGN(const auto keys, privacy::Keys::parse(text));
  std::string value = options.value;
  for (std::size_t i = 0; i < privacy::kPersonalKinds; ++i) {
    const auto kind = static_cast<privacy::Personal>(i);
    if (options.kind == privacy::to_string(kind)) privacy::normalise(kind, options.value, value);
  }
  for (const auto& key : keys.tokens) fmt::print("{}\n", privacy::token_of(key, options.kind, value));
  return base::Ok{};
}

}  // namespace

void add_keys_command(Command program) {
  VerbCommand<KeyOptions> command(program, "keys", "The keys that make tokens of personal values");
  KeyOptions& options = command.options();
  command.add("list", "The keys and when they were made", list);
  command.add("rotate", "Make a new key; tokens made before stay as they are", rotate);
  Command token = command.add("token", "Print the tokens of a value, one for each key", tokens);
  token.option("value", options.value, "As it is in the events").required();
  token.option("--kind", options.kind, "card, email, phone, iban, ip, or id for what a rule replaced")
      .one_of({"card", "email", "phone", "iban", "ip", "id"});
}

}  // namespace millrace::app
