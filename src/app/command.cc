#include "app/command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <utility>

namespace millrace::app {

namespace {
constexpr std::size_t kHelpColumn = 40;
constexpr int kUnknownCommand = 2;
}  // namespace

CommandOption& CommandOption::required() {
  option_->required();
  return *this;
}

CommandOption& CommandOption::one_of(const std::vector<std::string>& values) {
  option_->check(CLI::IsMember(values));
  return *this;
}

CommandOption& CommandOption::within(std::int64_t least, std::int64_t most) {
  option_->check(CLI::Range(least, most));
  return *this;
}

CommandOption& CommandOption::within_share() {
  option_->check(CLI::Range(0.0, 1.0));
  return *this;
}

CommandOption& CommandOption::not_negative() {
  option_->check(CLI::NonNegativeNumber);
  return *this;
}

Command Command::add(const std::string& name, const std::string& help) {
  app_->require_subcommand(1);
  return {app_->add_subcommand(name, help), app_->get_parent() == nullptr ? name_ + " " + name : name_,
          exit_code_};
}

template <class Value>
CommandOption Command::option(const std::string& name, Value& value, const std::string& help) {
  return CommandOption(app_->add_option(name, value, help));
}
template CommandOption Command::option(const std::string&, std::string&, const std::string&);
template CommandOption Command::option(const std::string&, std::vector<std::string>&, const std::string&);
template CommandOption Command::option(const std::string&, double&, const std::string&);
template CommandOption Command::option(const std::string&, int&, const std::string&);
template CommandOption Command::option(const std::string&, std::int64_t&, const std::string&);
template CommandOption Command::option(const std::string&, std::uint32_t&, const std::string&);
template CommandOption Command::option(const std::string&, std::uint64_t&, const std::string&);

void Command::flag(const std::string& name, bool& value, const std::string& help) {
  app_->add_flag(name, value, help);
}

void Command::run(std::function<base::Status()> body) {
  run_to_exit_code([body = std::move(body), name = name_] {
    const auto done = body();
    if (done.ok()) return 0;
    fmt::print(stderr, "{}: {}\n", name, done.error().message());
    return 1;
  });
}

void Command::run_to_exit_code(std::function<int()> body) {
  app_->callback([body = std::move(body), exit_code = exit_code_] { *exit_code = body(); });
}

CommandLine::CommandLine(const std::string& program, const std::string& help, const std::string& version)
    : program_(program), app_(std::make_unique<CLI::App>(help)) {
  app_->set_version_flag("--version", program + " " + version);
  app_->get_formatter()->column_width(kHelpColumn);
}

CommandLine::~CommandLine() = default;

Command CommandLine::root() { return {app_.get(), program_, &exit_code_}; }

int CommandLine::run(int argc, char** argv) {
  try {
    app_->parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (argc > 1 && argv[1][0] != '-' && app_->get_subcommands().empty()) {
      fmt::print(stderr, "There is no command \"{}\".\nRun with --help for those there are.\n", argv[1]);
      return kUnknownCommand;
    }
    return app_->exit(error);
  }
  return exit_code_;
}

}  // namespace millrace::app
