#include "process/stage.h"

namespace millrace::process {

void Outputs::clear() { truncate(Sizes{}); }

Outputs::Sizes Outputs::sizes() const {
  return {emissions.size(), outcomes.size(), views.size(),  events.size(),  sessions.size(),
          orders.size(),    funnel.size(),   poison.size(), visitors.size()};
}

void Outputs::truncate(const Sizes& sizes) {
  const auto cut = [](auto& list, std::size_t size) {
    if (list.size() > size) list.erase(list.begin() + static_cast<std::ptrdiff_t>(size), list.end());
  };
  cut(emissions, sizes[0]);
  cut(outcomes, sizes[1]);
  cut(views, sizes[2]);
  cut(events, sizes[3]);
  cut(sessions, sizes[4]);
  cut(orders, sizes[5]);
  cut(funnel, sizes[6]);
  cut(poison, sizes[7]);
  visitors.truncate(sizes[8]);
  bodies.resize(emissions.empty() ? 0 : emissions.back().body_end);
}

std::string_view Outputs::body(std::size_t i) const {
  const std::size_t begin = i == 0 ? 0 : emissions[i - 1].body_end;
  return std::string_view(bodies).substr(begin, emissions[i].body_end - begin);
}

}  // namespace millrace::process
