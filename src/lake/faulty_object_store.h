#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "lake/object_store.h"

namespace millrace::lake {

// Passes calls on to another store and makes some fail, by seed: before the effect (`unavailable`, like a
// 503), or after it or instead of it, without saying which (`io`, like a timeout). After crash_after more
// calls every call fails without effect, as if the process had died. `before_call` runs first in each call: a
// test puts a rival there.
class FaultyObjectStore final : public ObjectStore {
 public:
  struct Faults {
    double unavailable = 0;
    double lost_request = 0;   // No effect, `io`.
    double lost_response = 0;  // Effect, `io`.
    std::int64_t crash_after = INT64_MAX;
  };
  // Both must outlive the decorator.
  FaultyObjectStore(ObjectStore& store, base::SeededRandom& random, Faults faults)
      : store_(store), random_(random), faults_(faults) {}

  void set_faults(Faults faults) { faults_ = faults; }
  void set_before_call(std::function<void(std::string_view name)> before_call) {
    before_call_ = std::move(before_call);
  }
  bool crashed() const { return faults_.crash_after <= 0; }

  base::Result<Created> create(std::string_view name, std::string_view bytes) override {
    return write<Created>(name, [&] { return store_.create(name, bytes); });
  }
  base::Status replace(std::string_view name, std::string_view bytes) override {
    return write<base::Ok>(name, [&] { return store_.replace(name, bytes); });
  }
  base::Status remove(std::string_view name) override {
    return write<base::Ok>(name, [&] { return store_.remove(name); });
  }
  base::Result<std::string> read(std::string_view name) const override {
    if (auto fault = before(name); !fault.ok()) return std::move(fault).error();
    return store_.read(name);
  }
  base::Result<std::vector<std::string>> list(std::string_view prefix) const override {
    if (auto fault = before(prefix); !fault.ok()) return std::move(fault).error();
    return store_.list(prefix);
  }
  std::string location(std::string_view name) const override { return store_.location(name); }

 private:
  template <class T, class F>
  base::Result<T> write(std::string_view name, F&& effect) {
    TRY(before(name));
    if (random_.chance(faults_.lost_request)) return base::Error(base::ErrorCode::io, "timed out");
    base::Result<T> result = effect();
    if (random_.chance(faults_.lost_response)) return base::Error(base::ErrorCode::io, "timed out");
    return result;
  }
  base::Status before(std::string_view name) const {
    if (faults_.crash_after <= 0) return base::Error(base::ErrorCode::io, "the process is dead");
    --faults_.crash_after;
    if (before_call_) before_call_(name);
    if (random_.chance(faults_.unavailable)) return base::Error(base::ErrorCode::unavailable, "503");
    return base::Ok{};
  }

  ObjectStore& store_;
  base::SeededRandom& random_;
  mutable Faults faults_;
  std::function<void(std::string_view)> before_call_;
};

}  // namespace millrace::lake
