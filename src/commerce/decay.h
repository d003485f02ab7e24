#pragma once

#include <cmath>
#include <cstdint>

namespace millrace::commerce {

// 2^-(age / half_life): what is left of a count. Only IEEE sums and products, no libm, so that every machine
// gives the same bits. Relative error below 1e-15; 1 for a negative age.
inline double decay_factor(std::int64_t age_ms, std::int64_t half_life_ms) {
  if (age_ms <= 0) return 1.0;
  const std::int64_t halvings = age_ms / half_life_ms;
  if (halvings > 1000) return 0.0;
  const double rest = static_cast<double>(age_ms % half_life_ms) / static_cast<double>(half_life_ms);
  // e^y for y in (-ln2, 0], as the square of e^(y/2): eleven terms of the series are exact there.
  const double y = rest * -0.34657359027997264;
  double sum = 1.0;
  for (int term = 12; term >= 1; --term) sum = 1.0 + sum * y / term;
  return std::ldexp(sum * sum, -static_cast<int>(halvings));
}

}  // namespace millrace::commerce
