#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>

#include "base/result.h"

namespace millrace::app {

// A command that is followed by a verb (`millrace tokens create`), whose verbs share their options; `data` is one of them. A verb
// that fails says why on stderr, and the program ends with 1.
template <class Options>
class VerbCommand {
 public:
  using Run = base::Status (*)(const Options&);

  VerbCommand(CLI::App& app, std::string name, const std::string& help, int& exit_code)
      : command_(app.add_subcommand(name, help)), name_(std::move(name)), exit_code_(&exit_code) {
    command_->require_subcommand(1);
  }

  CLI::App* add(const std::string& verb, const std::string& help, Run run) {
    CLI::App* const sub = command_->add_subcommand(verb, help);
    sub->add_option("--data", options_->data, "Data directory");
    sub->callback([options = options_, name = name_, run, exit_code = exit_code_] {
      if (const auto done = run(*options); !done.ok()) {
        fmt::print(stderr, "millrace {}: {}\n", name, done.error().message());
        *exit_code = 1;
      }
    });
    return sub;
  }

  // For the verbs' own options; lives as long as any of them.
  Options& options() { return *options_; }

 private:
  CLI::App* command_;
  const std::string name_;
  std::shared_ptr<Options> options_ = std::make_shared<Options>();
  int* exit_code_;
};

}  // namespace millrace::app
