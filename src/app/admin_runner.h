#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "admin/access_guard.h"
#include "app/admin_desk.h"
#include "app/audit_log.h"
#include "app/certificate_watch.h"
#include "app/key_desk.h"
#include "app/worker.h"
#include "base/clock.h"
#include "base/result.h"
#include "http/http.h"
#include "serve/metrics.h"

namespace millrace::app {

// Who may do what, as the platform wires it: a guard before every route, and a thread that makes administrative changes, writes the
// audit log and follows the files that say all this. An audited answer is given once its line is durable. A stream ends when the
// token that opened it is worth nothing any more.
class AdminRunner {
 public:
  struct Parts {
    std::string data_directory;
    admin::AccessSettings access;
    std::function<bool(const http::Request&)> admits_write_key;
    KeyDesk::Apply apply_write_keys;
    std::shared_ptr<http::TlsIdentity> tls;  // Null in the clear.
  };
  // The clock must outlive it.
  static base::Result<std::unique_ptr<AdminRunner>> open(Parts parts, const base::Clock& clock);
  ~AdminRunner() { stop(); }

  // Guards every route that is there but those of `open_to_all` (collection has its own keys, files are for everybody).
  void guard(http::Router& router, const std::set<std::pair<http::Method, std::string>>& open_to_all);
  void start();
  void stop();  // Answers what is waiting.
  // Reads the certificate's files again, soon.
  void reload();

  // By operationId; answers once, from a thread of its own.
  void answer(std::string_view operation, const http::Request& request,
              std::function<void(http::Response)> respond);
  // Whether whoever asks may do what takes `access`.
  bool admits(admin::Access access, const http::Request& request) const {
    return !guard_.refuse(access, request);
  }
  void collect(serve::MetricSamples& samples) const;

 private:
  class AuditedConnection;
  class WatchedConnection;
  class WatchedStream;
  struct Job {
    std::function<Answered()> run;
    std::function<void(http::Response)> respond;
  };

  AdminRunner(Parts parts, const base::Clock& clock);
  http::Route guarded(http::Method method, std::string_view pattern, http::Route route);
  void enqueue(Job job);
  std::int64_t turn();
  void finish(std::vector<std::pair<Answered, std::function<void(http::Response)>>> answers);
  void note_certificate(const base::Status& done);

  const base::Clock& clock_;
  admin::AccessGuard guard_;
  AuditLog audit_;
  AdminDesk desk_;
  KeyDesk keys_;
  std::shared_ptr<http::TlsIdentity> tls_;
  std::unique_ptr<CertificateWatch> certificate_;
  std::atomic<std::uint64_t> refused_401_{0}, refused_403_{0}, audit_failures_{0}, audited_{0};
  std::mutex mutex_;
  std::vector<Job> jobs_;  // Guarded by mutex_.
  std::unique_ptr<Worker> worker_;
};

// Whether `address` is one that only this machine can connect to.
admin::Reach reach_of(std::string_view address);

}  // namespace millrace::app
