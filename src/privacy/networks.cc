#include "privacy/networks.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "privacy/personal_forms.h"

namespace millrace::privacy {

namespace {

constexpr std::uint64_t kMapped = 0xffff00000000ULL;

std::optional<std::uint32_t> parse_octets(std::string_view text) {
  if (!is_ipv4(text)) return std::nullopt;
  std::uint32_t value = 0;
  while (true) {
    const auto dot = text.find('.');
    std::uint32_t octet = 0;
    std::from_chars(text.data(), text.data() + std::min(dot, text.size()), octet);
    value = value << 8 | octet;
    if (dot == std::string_view::npos) return value;
    text.remove_prefix(dot + 1);
  }
}

// Groups of four hexadecimal digits, as many as there are; false when something else is among them.
bool parse_groups(std::string_view text, std::array<std::uint16_t, 8>& groups, std::size_t& count) {
  count = 0;
  if (text.empty()) return true;
  while (true) {
    const auto colon = text.find(':');
    const auto group = text.substr(0, colon);
    if (colon == std::string_view::npos && group.find('.') != std::string_view::npos) {
      const auto octets = parse_octets(group);
      if (!octets || count > 6) return false;
      groups[count++] = static_cast<std::uint16_t>(*octets >> 16);
      groups[count++] = static_cast<std::uint16_t>(*octets);
      return true;
    }
    if (count == groups.size() || group.empty() || group.size() > 4) return false;
    const auto [end, error] = std::from_chars(group.data(), group.data() + group.size(), groups[count], 16);
    if (error != std::errc() || end != group.data() + group.size()) return false;
    ++count;
    if (colon == std::string_view::npos) return true;
    text.remove_prefix(colon + 1);
  }
}

// The last address of the network that begins at `from`.
Address last_of(Address from, int prefix) {
  if (prefix <= 64) {
    from.low = ~std::uint64_t{0};
    from.high |= prefix == 64 ? 0 : ~std::uint64_t{0} >> prefix;
  } else {
    from.low |= prefix == 128 ? 0 : ~std::uint64_t{0} >> (prefix - 64);
  }
  return from;
}

std::optional<Address> next_after(Address address) {
  if (++address.low == 0 && ++address.high == 0) return std::nullopt;
  return address;
}

}  // namespace

std::optional<Address> Address::parse(std::string_view text) {
  if (const auto octets = parse_octets(text)) return Address{0, kMapped | *octets};
  const auto gap = text.find("::");
  std::array<std::uint16_t, 8> head{}, tail{};
  std::size_t before = 0, behind = 0;
  // Octets are the last of an address.
  if (gap != std::string_view::npos && text.substr(0, gap).find('.') != std::string_view::npos)
    return std::nullopt;
  if (!parse_groups(text.substr(0, gap), head, before)) return std::nullopt;
  if (gap == std::string_view::npos) {
    if (before != 8) return std::nullopt;
  } else {
    if (!parse_groups(text.substr(gap + 2), tail, behind) || before + behind > 7) return std::nullopt;
    for (std::size_t i = 0; i < behind; ++i) head[8 - behind + i] = tail[i];
  }
  Address address;
  for (std::size_t i = 0; i < 8; ++i)
    (i < 4 ? address.high : address.low) |= std::uint64_t{head[i]} << (48 - i % 4 * 16);
  return address;
}

base::Result<Networks> Networks::parse(std::string_view text) {
  std::vector<Network> networks;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    line = line.substr(0, line.find_first_of(" \t\r#"));
    if (line.empty()) continue;
    Network network;
    network.inside = line.front() != '!';
    if (!network.inside) line.remove_prefix(1);
    const auto slash = line.find('/');
    const auto address = Address::parse(line.substr(0, slash));
    const int whole = address && line.find(':') == std::string_view::npos ? 32 : 128;
    network.prefix = whole;
    bool readable = address.has_value();
    if (slash != std::string_view::npos) {
      const auto bits = line.substr(slash + 1);
      const auto [rest, error] = std::from_chars(bits.data(), bits.data() + bits.size(), network.prefix);
      readable = readable && error == std::errc() && rest == bits.data() + bits.size() &&
                 network.prefix >= 0 && network.prefix <= whole;
    }
    if (!readable) {
      return base::Error(base::ErrorCode::invalid_argument, "line " + std::to_string(number) + ": \"" +
                                                                std::string(line.substr(0, 64)) +
                                                                "\" is no network such as 203.0.113.0/24");
    }
    network.prefix += 128 - whole;
    network.from = *address;
    network.to = last_of(network.from, network.prefix);
    // Bits behind the prefix do not count.
    const Address mask = last_of({}, network.prefix);
    network.from.high &= ~mask.high;
    network.from.low &= ~mask.low;
    networks.push_back(network);
  }
  Networks made;
  made.networks_ = networks.size();
  made.build(std::move(networks));
  return made;
}

// Networks either lie in each other or apart, so that those open at an address are a stack.
void Networks::build(std::vector<Network> networks) {
  std::stable_sort(networks.begin(), networks.end(), [](const Network& a, const Network& b) {
    return a.from != b.from ? a.from < b.from : a.prefix < b.prefix;
  });
  std::vector<Network> open;
  const auto change = [this](const Address& from, bool inside) {
    if (!changes_.empty() && changes_.back().from == from) changes_.pop_back();
    if (changes_.empty() ? inside : changes_.back().inside != inside) changes_.push_back({from, inside});
  };
  const auto close_before = [&](const Address* next) {
    while (!open.empty() && (next == nullptr || open.back().to < *next)) {
      const Address end = open.back().to;
      while (!open.empty() && open.back().to == end) open.pop_back();
      if (const auto after = next_after(end)) change(*after, !open.empty() && open.back().inside);
    }
  };
  for (const Network& network : networks) {
    close_before(&network.from);
    change(network.from, network.inside);
    open.push_back(network);
  }
  close_before(nullptr);
}

bool Networks::has(const Address& address) const {
  const auto after =
      std::upper_bound(changes_.begin(), changes_.end(), address,
                       [](const Address& at, const Change& change) { return at < change.from; });
  return after != changes_.begin() && std::prev(after)->inside;
}

bool Networks::has(std::string_view address) const {
  if (changes_.empty()) return false;
  const auto parsed = Address::parse(address);
  return parsed && has(*parsed);
}

}  // namespace millrace::privacy
