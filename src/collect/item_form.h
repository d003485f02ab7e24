#pragma once

#include <cstdint>

namespace millrace::collect {

// What the items of a dialect look like by themselves.
enum class ItemForm : std::uint8_t {
  call,  // A call of the Segment API: what happened is in its properties or traits.
  own,   // Any other: only the mapping table knows where in it what stands.
};

}  // namespace millrace::collect
