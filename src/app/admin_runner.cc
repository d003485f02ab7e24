#include "app/admin_runner.h"

#include <spdlog/spdlog.h>

#include "admin/access_table.h"
#include "app/system_random.h"
#include "app/token_file.h"

namespace millrace::app {

using http::Request;
using http::Responder;
using http::Response;

namespace {
constexpr std::int64_t kTurnMs = 250;
constexpr std::size_t kSealBytes = 32;
}  // namespace

// Holds an answer back until the audit log has it.
class AdminRunner::AuditedConnection final : public Responder::Connection {
 public:
  AuditedConnection(AdminRunner& runner, admin::AuditEntry entry, Responder responder)
      : runner_(runner),
        entry_(std::move(entry)),
        responder_(std::make_shared<Responder>(std::move(responder))) {}

  void send(Response response) override {
    runner_.enqueue(
        {[entry = entry_, response = std::move(response)] {
           return Answered{response, entry};
         },
         [responder = responder_](Response held) { std::move(*responder).send(std::move(held)); }});
  }
  std::shared_ptr<http::Stream> stream(Response head) override {
    return std::move(*responder_).stream(std::move(head));
  }

 private:
  AdminRunner& runner_;
  const admin::AuditEntry entry_;
  const std::shared_ptr<Responder> responder_;
};

// Looks again at each write whether whoever opened the stream may still see it.
class AdminRunner::WatchedStream final : public http::Stream {
 public:
  WatchedStream(std::shared_ptr<http::Stream> stream, const AdminRunner& runner, admin::Principal who)
      : stream_(std::move(stream)), runner_(runner), who_(std::move(who)) {}
  ~WatchedStream() override { stream_->close(); }
  bool write(std::string_view chunk) override {
    if (runner_.guard_.still_admits(who_)) return stream_->write(chunk);
    stream_->close();
    return false;
  }
  void close() override { stream_->close(); }

 private:
  const std::shared_ptr<http::Stream> stream_;
  const AdminRunner& runner_;
  const admin::Principal who_;
};

class AdminRunner::WatchedConnection final : public Responder::Connection {
 public:
  WatchedConnection(const AdminRunner& runner, admin::Principal who, Responder responder)
      : runner_(runner), who_(std::move(who)), responder_(std::move(responder)) {}

  void send(Response response) override { std::move(responder_).send(std::move(response)); }
  std::shared_ptr<http::Stream> stream(Response head) override {
    auto stream = std::move(responder_).stream(std::move(head));
    if (stream == nullptr) return nullptr;
    return std::make_shared<WatchedStream>(std::move(stream), runner_, who_);
  }

 private:
  const AdminRunner& runner_;
  const admin::Principal who_;
  Responder responder_;
};

admin::Reach reach_of(std::string_view address) {
  const bool here = address == "::1" || address == "localhost" || address.starts_with("127.");
  return here ? admin::Reach::this_machine : admin::Reach::network;
}

AdminRunner::AdminRunner(Parts parts, const base::Clock& clock)
    : clock_(clock),
      guard_(parts.access, admin::SessionSeal(secret_hex(kSealBytes)), std::move(parts.admits_write_key),
             clock),
      audit_(admin_directory_of(parts.data_directory)),
      desk_(parts.data_directory, guard_, audit_, clock),
      keys_(parts.data_directory, guard_, clock, std::move(parts.apply_write_keys)),
      tls_(std::move(parts.tls)) {
  if (tls_ != nullptr) {
    certificate_ = std::make_unique<CertificateWatch>(
        tls_, clock, [this](const base::Status& done) { note_certificate(done); });
  }
  worker_ = std::make_unique<Worker>("admin", Priority::normal, [this] { return turn(); });
}

base::Result<std::unique_ptr<AdminRunner>> AdminRunner::open(Parts parts, const base::Clock& clock) {
  TRY(make_admin_directory(parts.data_directory));
  const bool networked = parts.access.reach == admin::Reach::network;
  std::unique_ptr<AdminRunner> runner(new AdminRunner(std::move(parts), clock));
  TRY(runner->desk_.load());
  TRY(runner->keys_.load());
  if (runner->guard_.requires_token() && runner->guard_.book()->tokens().empty()) {
    spdlog::warn(
        "{}and there is no token: all but collection and the shop's pages is refused. "
        "`millrace tokens create --role admin --name NAME --data DIRECTORY` makes one.",
        networked ? "others than this machine can connect, " : "tokens are asked for, ");
  }
  return runner;
}

void AdminRunner::guard(http::Router& router,
                        const std::set<std::pair<http::Method, std::string>>& open_to_all) {
  router.wrap([&](http::Method method, std::string_view pattern, http::Route route) {
    if (open_to_all.contains({method, std::string(pattern)})) return route;
    return guarded(method, pattern, std::move(route));
  });
}

http::Route AdminRunner::guarded(http::Method method, std::string_view pattern, http::Route route) {
  const admin::AccessRow* const row = admin::find_access(method, pattern);
  const admin::Access access = row == nullptr ? admin::Access::admin : row->access;
  if (access == admin::Access::open) return route;
  return [this, row, access, route = std::move(route)](const Request& request, Responder responder) {
    if (auto refusal = guard_.refuse(access, request)) {
      (refusal->status == 401 ? refused_401_ : refused_403_).fetch_add(1, std::memory_order_relaxed);
      return std::move(responder).send(*std::move(refusal));
    }
    const admin::Principal who = guard_.identify(request);
    if (request.method == http::Method::get) {
      responder = Responder(std::make_shared<WatchedConnection>(*this, who, std::move(responder)));
    }
    if (row == nullptr || row->act.empty()) return route(request, std::move(responder));
    if (row->recorded == admin::Recorded::path_if_known && who.role == admin::Role::none) {
      return route(request, std::move(responder));
    }
    const bool by_pattern = row->recorded == admin::Recorded::pattern;
    auto entry = audit_entry(std::string(row->act), by_pattern ? std::string(row->pattern) : request.path,
                             who, request, clock_.wall());
    route(request,
          Responder(std::make_shared<AuditedConnection>(*this, std::move(entry), std::move(responder))));
  };
}

void AdminRunner::start() { worker_->start(); }

void AdminRunner::stop() {
  if (!worker_) return;
  worker_->stop();
  turn();
}

void AdminRunner::reload() {
  if (!certificate_) return;
  certificate_->ask();
  worker_->wake();
}

void AdminRunner::answer(std::string_view operation, const Request& request,
                         std::function<void(Response)> respond) {
  const bool about_keys = operation.ends_with("_key") || operation.ends_with("_keys");
  enqueue({[this, operation, &request, about_keys] {
             return about_keys ? keys_.answer(operation, request) : desk_.answer(operation, request);
           },
           std::move(respond)});
}

void AdminRunner::enqueue(Job job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  worker_->wake();
}

std::int64_t AdminRunner::turn() {
  std::vector<Job> jobs;
  {
    const std::lock_guard lock(mutex_);
    jobs.swap(jobs_);
  }
  desk_.follow();
  keys_.follow();
  if (certificate_) certificate_->tick();
  std::vector<std::pair<Answered, std::function<void(Response)>>> answers;
  for (Job& job : jobs) answers.emplace_back(job.run(), std::move(job.respond));
  finish(std::move(answers));
  return jobs.empty() ? kTurnMs : 0;
}

void AdminRunner::finish(std::vector<std::pair<Answered, std::function<void(Response)>>> answers) {
  std::vector<admin::AuditEntry> entries;
  for (auto& [answered, respond] : answers) {
    if (!answered.entry) continue;
    answered.entry->status = answered.response.status;
    answered.entry->outcome = admin::outcome_of(answered.response.status);
    entries.push_back(*answered.entry);
  }
  const base::Status recorded = entries.empty() ? base::Status(base::Ok{}) : audit_.append(entries);
  if (recorded.ok()) {
    audited_.fetch_add(entries.size(), std::memory_order_relaxed);
  } else {
    audit_failures_.fetch_add(entries.size(), std::memory_order_relaxed);
    spdlog::error("{} acts are not in the audit log: {}", entries.size(), recorded.error().message());
  }
  for (auto& [answered, respond] : answers) {
    if (answered.entry && !recorded.ok()) {
      respond(http::error_response(503, "not_recorded", "This could not be written to the audit log.",
                                   "It may have been done all the same: look before you ask again."));
    } else {
      respond(std::move(answered.response));
    }
  }
}

void AdminRunner::note_certificate(const base::Status& done) {
  admin::AuditEntry entry;
  entry.at = clock_.wall();
  entry.act = "tls.reload";
  entry.target = tls_->files().certificate;
  entry.outcome = done.ok() ? "done" : "failed";
  if (!done.ok()) entry.detail = done.error().message();
  if (const auto recorded = audit_.append({entry}); !recorded.ok()) {
    audit_failures_.fetch_add(1, std::memory_order_relaxed);
    spdlog::error("a change of the certificate is not in the audit log: {}", recorded.error().message());
  }
}

void AdminRunner::collect(serve::MetricSamples& samples) const {
  const auto number = [](const std::atomic<std::uint64_t>& value) {
    return static_cast<double>(value.load());
  };
  samples.counter("millrace_admin_refused_total", "Requests without the token or the role that they take.",
                  number(refused_401_), {{"status", "401"}});
  samples.counter("millrace_admin_refused_total", "Requests without the token or the role that they take.",
                  number(refused_403_), {{"status", "403"}});
  samples.counter("millrace_audit_entries_total", "Administrative acts recorded.", number(audited_));
  samples.counter("millrace_audit_failures_total", "Administrative acts that could not be recorded.",
                  number(audit_failures_));
  samples.gauge("millrace_admin_tokens", "Tokens there are.",
                static_cast<double>(guard_.book()->tokens().size()));
  samples.gauge("millrace_admin_token_required", "1 when tokens are asked for.",
                guard_.requires_token() ? 1 : 0);
  if (tls_ != nullptr) {
    samples.gauge("millrace_tls_certificate_expires_seconds",
                  "When the certificate in use expires, since 1970.",
                  static_cast<double>(tls_->expires_at().ms) / 1000);
  }
}

}  // namespace millrace::app
