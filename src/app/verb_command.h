#pragma once

#include <memory>
#include <string>

#include "app/command.h"
#include "base/result.h"

namespace millrace::app {

// A command that is followed by a verb (`millrace tokens create`), whose verbs share their options; `data` is one of them.
template <class Options>
class VerbCommand {
 public:
  using Run = base::Status (*)(const Options&);

  VerbCommand(Command program, const std::string& name, const std::string& help)
      : command_(program.add(name, help)) {}

  Command add(const std::string& verb, const std::string& help, Run run) {
    Command sub = command_.add(verb, help);
    sub.option("--data", options_->data, "Data directory");
    sub.run([options = options_, run] { return run(*options); });
    return sub;
  }

  // For the verbs' own options; lives as long as any of them.
  Options& options() { return *options_; }

 private:
  Command command_;
  std::shared_ptr<Options> options_ = std::make_shared<Options>();
};

}  // namespace millrace::app
