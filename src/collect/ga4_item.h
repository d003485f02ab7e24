#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace millrace::collect {

// The parameters of a hit of gtag, percent-decoded, in their order; later ones of the same name win.
using HitParameters = std::vector<std::pair<std::string, std::string>>;

// Appends the fields of an undecoded query. A broken escape leaves its field as it was sent.
void append_hit_parameters(std::string_view query, HitParameters& parameters);

// The hit as JSON: {"en":"purchase","ep":{"transaction_id":"7"},"epn":{"value":"9.5"},"items":[{"id":"p","pr":"9.5"}]}. All values
// are strings. `ep.`, `epn.`, `up.` and `upn.` become objects; `pr1`, `pr2`, ... become `items`, with pairs of k0 and v0 as members.
void write_hit(const HitParameters& parameters, std::string& json);

}  // namespace millrace::collect
