#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <memory>

#include "app/access_log.h"
#include "app/command.h"
#include "app/commands.h"
#include "app/exit_signal.h"
#include "app/log_follower.h"
#include "app/server_address.h"
#include "app/system_clock.h"
#include "base/hash.h"
#include "disk/disk.h"
#include "disk/posix_disk.h"
#include "tools/batch_sender.h"

namespace millrace::app {

namespace {

constexpr std::size_t kBatchLines = 500;
constexpr std::size_t kBatchBytes = 1 << 20;  // Long addresses must not make a request that no server takes.
constexpr std::int64_t kPollMs = 200;

struct Options {
  std::vector<std::string> files;
  ServerAddress to;
  std::string format = "combined", write_key = "access-log", site, position = "millrace-tail.position";
  bool from_start = false;
  bool once = false;
};

// Of lines that are done with: the server has what they were worth.
struct Counts {
  std::uint64_t lines = 0;
  std::uint64_t pages = 0;
  std::uint64_t unreadable = 0;
};

// Of the line's place and time: of what a person could be known by nothing, as that would be found out by trying.
std::string message_id_of(const LogLine& line, const LoggedRequest& request) {
  const auto hash = base::hash128(fmt::format("{}:{}:{}:{}:{}", line.inode, line.offset, request.at.ms,
                                              request.status, request.target.size()));
  return fmt::format("{:016x}{:016x}", hash.high, hash.low);
}

// The files, how far each was read, and where that is kept. A position is written only after the server has what lies
// before it; what was sent twice after a crash has the same message ids.
class Tail {
 public:
  Tail(const Options& options, const tools::Endpoint& to, const base::Clock& clock,
       std::function<bool()> stop)
      : options_(options), sender_(to, "/v1/import", options.write_key, clock) {
    sender_.stop_when(std::move(stop));
    if (!options.once) sender_.wait_for_server([](const std::string& said) { spdlog::warn("{}", said); });
  }

  base::Status open() {
    const std::size_t slash = options_.position.rfind('/');
    const bool bare = slash == std::string::npos;
    TRY_ASSIGN(disk_, disk::PosixDisk::open_root(
                          bare ? "." : options_.position.substr(0, std::max<std::size_t>(slash, 1))));
    name_ = bare ? options_.position : options_.position.substr(slash + 1);
    auto text = disk::read_file(*disk_, name_);
    if (!text.ok() && text.error().code() != base::ErrorCode::not_found) return std::move(text).error();
    if (text.ok()) {
      auto known = read_positions(*text);
      if (!known.ok()) return std::move(known).error().with_context(options_.position);
      positions_ = *std::move(known);
    }
    const auto start = options_.from_start ? LogFollower::Start::beginning : LogFollower::Start::end;
    for (const std::string& path : options_.files) {
      struct stat found {};
      if (options_.once && ::stat(path.c_str(), &found) != 0)
        return base::Error(base::ErrorCode::not_found, path + ": " + std::strerror(errno));
      followers_.push_back(std::make_unique<LogFollower>(path));
      bool lost = false;
      TRY(followers_.back()->open(saved(path), start, lost));
      if (lost)
        spdlog::warn("{}: the file read last is gone; what it held after the position is not sent", path);
    }
    return base::Ok{};
  }

  // True when there was something to read.
  base::Result<bool> step() {
    bool any = false;
    for (std::size_t i = 0; i < followers_.size(); ++i) {
      TRY(followers_[i]->read(kBatchLines, lines_));
      any = any || !lines_.empty();
      TRY(send());
      if (const auto at = followers_[i]->position()) remember(options_.files[i], *at);
    }
    if (changed_) TRY(disk::write_file_atomically(*disk_, name_, write_positions(positions_)));
    changed_ = false;
    return any;
  }

  const Counts& counts() const { return counts_; }
  // Lines that were read and not answered for.
  std::size_t unanswered() const { return unanswered_; }
  const tools::SendReport& report() const { return sender_.report(); }

 private:
  std::optional<LogPosition> saved(const std::string& path) const {
    for (const auto& [known, at] : positions_) {
      if (known == path) return at;
    }
    return std::nullopt;
  }
  void remember(const std::string& path, const LogPosition& at) {
    for (auto& [known, before] : positions_) {
      if (known != path) continue;
      changed_ = changed_ || before != at;
      before = at;
      return;
    }
    positions_.emplace_back(path, at);
    changed_ = true;
  }
  base::Status send() {
    std::string items;
    std::uint64_t waiting = 0;
    Counts read;
    unanswered_ = lines_.size();
    const auto flush = [&]() -> base::Status {
      if (waiting > 0) TRY(sender_.send(items, waiting));
      items.clear();
      waiting = 0;
      return base::Ok{};
    };
    for (const LogLine& line : lines_) {
      ++read.lines;
      const auto request = options_.format == "json" ? parse_json_log(line.text) : parse_combined(line.text);
      read.unreadable += request ? 0 : 1;
      if (!request || !is_page_view(*request)) continue;
      ++read.pages;
      if (waiting++ > 0) items += ',';
      items += page_item(*request, options_.site, message_id_of(line, *request));
      if (items.size() >= kBatchBytes) TRY(flush());
    }
    TRY(flush());
    unanswered_ = 0;
    counts_.lines += read.lines;
    counts_.pages += read.pages;
    counts_.unreadable += read.unreadable;
    return base::Ok{};
  }

  const Options& options_;
  tools::BatchSender sender_;
  std::unique_ptr<disk::PosixDisk> disk_;
  std::string name_;
  LogPositions positions_;
  bool changed_ = false;
  std::vector<std::unique_ptr<LogFollower>> followers_;
  std::vector<LogLine> lines_;
  Counts counts_;
  std::size_t unanswered_ = 0;
};

base::Status run(const Options& options) {
  if (options.format != "combined" && options.format != "json") {
    return base::Error(base::ErrorCode::invalid_argument, "--format takes combined or json");
  }
  TRY_ASSIGN(const auto endpoint, options.to.endpoint());
  ExitSignal exit_signal;
  const SystemClock clock;
  Tail tail(options, endpoint, clock, [&exit_signal] { return exit_signal.wait(0); });
  TRY(tail.open());
  int quiet = 0;
  while (true) {
    const auto any = tail.step();
    if (exit_signal.wait(0)) break;  // What was not answered for is read again at the next start.
    if (!any.ok()) return any.error();
    quiet = *any ? 0 : quiet + 1;
    if (options.once && quiet > LogFollower::kQuietReads) break;
    if (exit_signal.wait(*any || options.once ? 0 : kPollMs)) break;
  }
  const Counts& counts = tail.counts();
  fmt::print("{} lines: {} page views sent, {} unreadable, {} others; {} accepted, {} quarantined\n",
             counts.lines, counts.pages, counts.unreadable, counts.lines - counts.pages - counts.unreadable,
             tail.report().accepted, tail.report().quarantined);
  if (tail.unanswered() > 0) {
    fmt::print("not answered for, and read again at the next start: {} lines\n", tail.unanswered());
  }
  return base::Ok{};
}

}  // namespace

void add_tail_command(Command program) {
  Command command =
      program.add("tail", "Follow a web server's access logs and send page views to a running Millrace");
  auto options = std::make_shared<Options>();
  command.option("files", options->files, "Access logs, plain or .gz; rotation is followed").required();
  add_server_address(command, options->to);
  command.option("--format", options->format, "combined (nginx, Apache; default) or json");
  command.option("--site", options->site, "https://HOST of the pages, where the log does not say it");
  command.option("--position", options->position, "File that keeps how far each log was sent");
  command.option("--write-key", options->write_key, "Write key to send with");
  command.flag("--from-start", options->from_start, "Begin with what a log holds already, at the first time");
  command.flag("--once", options->once, "End when all that is there was sent");
  command.run([options] { return run(*options); });
}

}  // namespace millrace::app
