#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace millrace::app {

// CLI11 is all in its headers and costs each file that includes it many seconds of compiling: it stands behind these, in one.

// One option of a command; what is handed in by position is declared by a name without dashes.
class CommandOption {
 public:
  explicit CommandOption(CLI::Option* option) : option_(option) {}
  CommandOption& required();
  CommandOption& one_of(const std::vector<std::string>& values);
  CommandOption& within(std::int64_t least, std::int64_t most);
  CommandOption& within_share();  // 0 to 1.
  CommandOption& not_negative();

 private:
  CLI::Option* option_;
};

// One command of a CommandLine, which must outlive it; a copy is the same command.
class Command {
 public:
  Command(CLI::App* app, std::string name, int* exit_code)
      : app_(app), name_(std::move(name)), exit_code_(exit_code) {}

  // A command that is followed by others takes one of them each time.
  Command add(const std::string& name, const std::string& help);
  // For std::string, std::vector<std::string>, double and integers, which must outlive the command's run. Without the option
  // `value` stays as it is.
  template <class Value>
  CommandOption option(const std::string& name, Value& value, const std::string& help);
  void flag(const std::string& name, bool& value, const std::string& help);

  // What it does once the line is understood. An error goes to stderr behind the command's name, and the process ends with 1.
  void run(std::function<base::Status()> body);
  // The same for what ends the process with a code of its own.
  void run_to_exit_code(std::function<int()> body);

 private:
  CLI::App* app_;
  std::string name_;  // On the shell, without a verb: "millrace tokens".
  int* exit_code_;
};

class CommandLine {
 public:
  CommandLine(const std::string& program, const std::string& help, const std::string& version);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  Command root();
  // Runs what the line says, or says on stderr what is wrong with it; returns the process's exit code.
  int run(int argc, char** argv);

 private:
  const std::string program_;
  std::unique_ptr<CLI::App> app_;
  int exit_code_ = 0;
};

}  // namespace millrace::app
