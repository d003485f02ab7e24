#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace millrace::base {

// CRC-32C (Castagnoli, reflected polynomial 0x82f63b78), as in iSCSI. extend(extend(0, a), b) == extend(0, a ++ b).
std::uint32_t crc32c_extend(std::uint32_t crc, std::span<const std::byte> bytes);
inline std::uint32_t crc32c(std::span<const std::byte> bytes) { return crc32c_extend(0, bytes); }

}  // namespace millrace::base
