#include "tools/load.h"

#include <fmt/format.h>

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <deque>
#include <memory>
#include <unordered_map>

#include "base/random.h"
#include "tools/event_maker.h"
#include "tools/processor_time.h"

namespace millrace::tools {

namespace {

constexpr double kNanosecondsPerSecond = 1e9;
constexpr std::int64_t kDrainNs = 5'000'000'000;
constexpr std::int64_t kProbePollNs = 500'000;
constexpr std::int64_t kProbeGiveUpNs = 5'000'000'000;
constexpr double kRateMax = 100e6;  // Far more than can be sent, and gaps of some nanoseconds still.
constexpr double kSecondsMax = 1e8;
constexpr std::size_t kPrepared = 2000;  // Payloads rendered ahead, at most.

class Load {
 public:
  Load(const LoadSettings& settings, const base::Clock& clock)
      : settings_(settings),
        clock_(clock),
        client_(settings.to, settings.connections),
        prober_(settings.to, 4),
        random_(settings.seed ^ 0x5eed),
        maker_({settings.seed, settings.visitors, 5'000}) {}
  ~Load() {
    if (acked_) std::fclose(acked_);
  }

  base::Status open() {
    if (settings_.acked_file.empty()) return base::Ok{};
    acked_ = std::fopen(settings_.acked_file.c_str(), "a");
    if (acked_ != nullptr) return base::Ok{};
    return base::Error(base::ErrorCode::io, settings_.acked_file + ": " + std::strerror(errno));
  }

  LoadReport run() {
    prepare();
    const double cpu_before = processor_seconds();
    const std::int64_t begin = clock_.now().ns;
    const std::int64_t end = begin + static_cast<std::int64_t>(settings_.seconds * kNanosecondsPerSecond);
    std::int64_t due = begin;
    next_probe_ns_ = begin;
    while (clock_.now().ns < end) {
      const std::int64_t now = clock_.now().ns;
      if (settings_.rate <= 0) {
        while (client_.has_idle()) send(now);
      } else {
        while (due <= now && due < end) {
          send(due);
          due += gap();
        }
      }
      probe(now, end);
      client_.poll(settings_.rate > 0 && due <= clock_.now().ns ? 0 : 1);
      if (settings_.probes_per_s > 0) prober_.poll(0);
    }
    const double passed = static_cast<double>(clock_.now().ns - begin) / kNanosecondsPerSecond;
    const std::int64_t give_up = clock_.now().ns + kDrainNs;
    while ((client_.outstanding() > 0 || !probes_.empty()) && clock_.now().ns < give_up) {
      probe(clock_.now().ns, 0);
      client_.poll(1);
      prober_.poll(0);
    }
    report_.statuses[0] += client_.outstanding();
    latency_us_.record_many(base::Histogram::kValueMax, client_.outstanding());
    report_.probes_lost += probes_.size();
    visible_us_.record_many(base::Histogram::kValueMax, report_.probes_lost);
    sent_to_view_us_.record_many(base::Histogram::kValueMax, report_.probes_lost);
    report_.seconds = passed;
    report_.cpu_seconds = processor_seconds() - cpu_before;
    report_.latency_us = latency_us_.snapshot();
    report_.visible_us = visible_us_.snapshot();
    report_.sent_to_view_us = sent_to_view_us_.snapshot();
    report_.poll_us = kProbePollNs / 1000;
    return report_;
  }

 private:
  struct Request {
    std::string bytes;
    std::vector<std::string> ids;
  };
  struct Probe {
    std::int64_t intended_ns = 0;
    std::int64_t acked_ns = 0;
    std::int64_t asked_ns = 0;
    bool asking = false;
  };

  std::int64_t gap() {
    const double per_request =
        settings_.target == LoadTarget::recommend ? 1.0 : static_cast<double>(settings_.batch);
    const double mean_ns = per_request / settings_.rate * kNanosecondsPerSecond;
    return static_cast<std::int64_t>(-std::log(1 - random_.unit()) * mean_ns);
  }

  Request make() {
    Request request;
    if (settings_.target == LoadTarget::recommend) {
      request.bytes = render_request(
          "GET",
          fmt::format("/v1/recommendations?items=sku-{},sku-{}", random_.below(200), random_.below(200)), "");
      return request;
    }
    std::string body;
    if (settings_.batch > 1) body = "{\"batch\":[";
    for (std::size_t i = 0; i < settings_.batch; ++i) {
      if (i > 0) body += ',';
      maker_.append(body);
      if (acked_) request.ids.push_back(maker_.message_id());
    }
    if (settings_.batch > 1) body += "]}";
    const bool page = body.find(R"("type":"page")") != std::string::npos;
    const std::string path = settings_.target == LoadTarget::raw ? settings_.path
                             : settings_.batch > 1               ? "/v1/batch"
                             : page                              ? "/v1/page"
                                                                 : "/v1/track";
    request.bytes = render_request("POST", path, body, settings_.write_key);
    return request;
  }

  // What is needed is rendered before the clock runs, as far as memory allows: the generator shares the machine.
  void prepare() {
    const double wanted = settings_.rate > 0
                              ? settings_.rate / static_cast<double>(settings_.batch) * settings_.seconds
                              : kPrepared;
    for (std::size_t i = 0; i < std::min<std::size_t>(kPrepared, static_cast<std::size_t>(wanted)); ++i)
      prepared_.push_back(make());
  }

  void send(std::int64_t intended_ns) {
    Request request;
    if (prepared_.empty()) {
      request = make();
    } else {
      request = std::move(prepared_.front());
      prepared_.pop_front();
    }
    ++report_.sent;
    auto ids = std::make_shared<std::vector<std::string>>(std::move(request.ids));
    client_.send(std::move(request.bytes),
                 [this, intended_ns, ids](const Reply& reply) { answered(intended_ns, *ids, reply); });
  }

  void answered(std::int64_t intended_ns, const std::vector<std::string>& ids, const Reply& reply) {
    ++report_.statuses[reply.status];
    const bool ok = reply.status >= 200 && reply.status < 300;
    latency_us_.record(ok ? static_cast<std::uint64_t>((clock_.now().ns - intended_ns) / 1000)
                          : base::Histogram::kValueMax);
    if (!ok) return;
    report_.events_acked += settings_.target == LoadTarget::recommend ? 0 : settings_.batch;
    for (const auto& id : ids) std::fprintf(acked_, "%s\n", id.c_str());
  }

  void probe(std::int64_t now, std::int64_t end) {
    if (settings_.probes_per_s <= 0) return;
    while (next_probe_ns_ <= now && now < end) {
      start_probe(next_probe_ns_);
      next_probe_ns_ += static_cast<std::int64_t>(kNanosecondsPerSecond / settings_.probes_per_s);
    }
    for (auto& [id, state] : probes_) {
      if (state.acked_ns == 0 || state.asking || now - state.asked_ns < kProbePollNs) continue;
      if (now - state.acked_ns > kProbeGiveUpNs) continue;
      state.asking = true;
      state.asked_ns = now;
      prober_.send(render_request("GET", "/v1/visitors/" + id, ""), [this, id = id](const Reply& reply) {
        const auto found = probes_.find(id);
        if (found == probes_.end()) return;
        found->second.asking = false;
        if (reply.status != 200) return;
        const std::int64_t seen_ns = clock_.now().ns;
        visible_us_.record(static_cast<std::uint64_t>((seen_ns - found->second.acked_ns) / 1000));
        sent_to_view_us_.record(static_cast<std::uint64_t>((seen_ns - found->second.intended_ns) / 1000));
        done_.push_back(id);
      });
    }
    for (const auto& id : done_) probes_.erase(id);
    done_.clear();
  }

  void start_probe(std::int64_t intended_ns) {
    const std::string id = fmt::format("probe-{:x}-{}", random_.next(), probes_sent_++);
    probes_.emplace(id, Probe{intended_ns, 0, 0, false});
    const std::string body = fmt::format(
        R"({{"type":"track","event":"Product Viewed","anonymousId":"{}","properties":{{"product_id":"sku-1"}}}})",
        id);
    client_.send(render_request("POST", "/v1/track", body, settings_.write_key),
                 [this, id](const Reply& reply) {
                   const auto found = probes_.find(id);
                   if (found != probes_.end() && reply.status == 200)
                     found->second.acked_ns = clock_.now().ns;
                 });
  }

  const LoadSettings& settings_;
  const base::Clock& clock_;
  HttpClient client_;
  HttpClient prober_;
  base::SeededRandom random_;
  EventMaker maker_;
  std::FILE* acked_ = nullptr;
  std::deque<Request> prepared_;
  base::Histogram latency_us_, visible_us_, sent_to_view_us_;
  std::unordered_map<std::string, Probe> probes_;
  std::vector<std::string> done_;
  std::uint64_t probes_sent_ = 0;
  std::int64_t next_probe_ns_ = 0;
  LoadReport report_;
};

}  // namespace

base::Result<LoadReport> run_load(const LoadSettings& settings, const base::Clock& clock) {
  if (settings.batch == 0 || settings.connections == 0 || settings.seconds <= 0) {
    return base::Error(base::ErrorCode::invalid_argument, "batch, connections and seconds must be above 0");
  }
  if (settings.visitors == 0) {
    return base::Error(base::ErrorCode::invalid_argument, "there must be a visitor");
  }
  // Not the other way round: a NaN is not in any range.
  const bool possible =
      settings.rate <= kRateMax && settings.probes_per_s <= kRateMax && settings.seconds <= kSecondsMax;
  if (!possible) {
    return base::Error(base::ErrorCode::invalid_argument,
                       fmt::format("at most {:.0f} a second, for {:.0f} s", kRateMax, kSecondsMax));
  }
  const auto load = std::make_unique<Load>(settings, clock);
  TRY(load->open());
  return load->run();
}

}  // namespace millrace::tools
