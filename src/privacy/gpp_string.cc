#include "privacy/gpp_string.h"

#include <algorithm>
#include <array>

#include "privacy/bit_text.h"

namespace millrace::privacy {

namespace {

constexpr std::uint32_t kHeaderType = 3;
constexpr std::uint32_t kHeaderVersion = 1;
constexpr std::uint32_t kNotApplicable = 0;  // Of 0 not applicable, 1 opted out, 2 did not opt out.
constexpr std::uint32_t kOptedOut = 1;
constexpr std::uint32_t kGpcSubsection = 1;
constexpr std::size_t kSectionsMax = 64;
constexpr std::uint32_t kFirstUs = 7;
constexpr std::uint32_t kLastUs = 23;
constexpr std::uint32_t kIntegrity = 4;  // Says nothing of consent.

// Where a section's opt-outs begin, and how many there are: sale, then sharing and targeted advertising as
// the section has them.
struct OptOuts {
  std::uint32_t at;
  unsigned count;
};
OptOuts opt_outs_of(std::uint32_t section) {
  if (section == 7) return {18, 3};                    // usnat: has sharing too.
  if (section == 11 || section == 18) return {14, 2};  // usut, usia: one more notice before them.
  return {12, 2};
}

class SectionIds {
 public:
  bool add(std::uint32_t id) {
    if (size_ == ids_.size()) return false;
    ids_[size_++] = id;
    return true;
  }
  std::size_t size() const { return size_; }
  std::uint32_t operator[](std::size_t i) const { return ids_[i]; }

 private:
  std::array<std::uint32_t, kSectionsMax> ids_{};
  std::size_t size_ = 0;
};

bool read_header(std::string_view text, SectionIds& ids) {
  BitText bits(text);
  if (bits.take(6) != kHeaderType || bits.take(6) != kHeaderVersion) return false;
  const std::uint32_t items = bits.take(12);
  std::uint32_t last = 0;
  for (std::uint32_t i = 0; i < items; ++i) {
    const bool range = bits.flag();
    const std::uint32_t first = last + bits.fibonacci();
    last = range ? first + bits.fibonacci() : first;
    if (!bits.ok() || last - first >= kSectionsMax) return false;
    for (std::uint32_t id = first; id <= last; ++id) {
      if (!ids.add(id)) return false;
    }
  }
  return bits.ok();
}

bool read_us_section(std::uint32_t id, std::string_view text, GppString& into) {
  const auto dot = text.find('.');
  BitText core(text.substr(0, dot));
  const std::uint32_t edition = core.take(6);
  if (edition > (id == kFirstUs ? 2u : 1u)) into.unread = true;
  const OptOuts fields = opt_outs_of(id);
  core.seek(fields.at);
  for (unsigned i = 0; i < fields.count; ++i) {
    const std::uint32_t choice = core.take(2);
    into.opt_out = into.opt_out || choice == kOptedOut;
    into.chosen = into.chosen || choice != kNotApplicable;
  }
  if (!core.ok()) return false;
  into.us = true;
  while (dot != std::string_view::npos) {
    BitText sub(text.substr(dot + 1));
    if (sub.take(2) == kGpcSubsection && sub.flag()) into.gpc = true;
    return sub.ok();
  }
  return true;
}

bool read_section(std::uint32_t id, std::string_view text, GppString& into) {
  if (id == 2) return (into.tcf = decode_tc_string(text)).has_value();
  if (id == 5) return (into.canada = decode_tcf_canada(text)).has_value();
  if (id == 6) {
    const auto choice = decode_us_privacy(text);
    if (!choice) return false;
    into.us = true;
    into.opt_out = into.opt_out || *choice == SaleChoice::opted_out;
    into.chosen = into.chosen || *choice != SaleChoice::not_applicable;
    return true;
  }
  if (id >= kFirstUs && id <= kLastUs) return read_us_section(id, text, into);
  if (id != kIntegrity) into.unread = true;
  return true;
}

}  // namespace

std::optional<GppString> decode_gpp_string(std::string_view text) {
  auto cut = text.find('~');
  SectionIds ids;
  if (!read_header(text.substr(0, cut), ids)) return std::nullopt;
  GppString out;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (cut == std::string_view::npos) return std::nullopt;
    text.remove_prefix(cut + 1);
    cut = text.find('~');
    if (!read_section(ids[i], text.substr(0, cut), out)) return std::nullopt;
    ++out.sections;
  }
  return out;
}

std::optional<SaleChoice> decode_us_privacy(std::string_view text) {
  if (text.size() != 4 || text[0] != '1') return std::nullopt;
  for (const char c : text.substr(1)) {
    if (c != 'Y' && c != 'N' && c != 'y' && c != 'n' && c != '-') return std::nullopt;
  }
  if (text[2] == '-') return SaleChoice::not_applicable;
  return text[2] == 'Y' || text[2] == 'y' ? SaleChoice::opted_out : SaleChoice::allowed;
}

Statement statement_of(SaleChoice choice) {
  Statement out;
  if (choice == SaleChoice::opted_out) out.say(event::Purpose::marketing, false);
  if (choice == SaleChoice::allowed) out.granted = event::Purposes::kAll;
  return out;
}

Statement statement_of(const GppString& string) {
  Statement out;
  if (string.tcf) out.add(statement_of(*string.tcf));
  if (string.canada) out.add(statement_of(*string.canada));
  if (string.opt_out || string.gpc || string.unread) {
    out.add(statement_of(SaleChoice::opted_out));
  } else if (string.chosen) {
    out.add(statement_of(SaleChoice::allowed));
  }
  return out;
}

}  // namespace millrace::privacy
