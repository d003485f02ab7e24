#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace millrace::collect {

// Turns the parameters of gtag's hits into JSON: {"en":"purchase","ep":{"transaction_id":"7"},"epn":{"value":"9.5"},
// "items":[{"id":"p","pr":"9.5"}]}. All values are strings. `ep.`, `epn.`, `up.` and `upn.` become objects; `pr1`, `pr2`, ... become `items`,
// with pairs of k0 and v0 as members. Of parameters of one name all are there, the later one last. Reused from request to request.
class HitWriter {
 public:
  // The parameters that all hits of a request share, percent-decoded.
  void begin(const std::vector<std::pair<std::string, std::string>>& shared);
  // The hit with those of its own line, an undecoded query; a broken escape leaves its field as it was sent. Holds until the next call.
  std::string_view write(std::string_view line);
  // Its page and its place among that page's hits are said.
  bool is_numbered() const { return own_.has_page && own_.has_number; }

 private:
  static constexpr std::size_t kGroupCount = 4;
  struct Parts {
    std::string members;
    std::array<std::string, kGroupCount> groups;  // Each with a '{' once it has a member.
    std::string items;
    bool has_page = false;
    bool has_number = false;
  };
  static void add(std::string_view name, std::string_view value, Parts& to);

  Parts shared_;
  Parts own_;
  std::string name_;  // Decoded.
  std::string value_;
  std::string hit_;
};

}  // namespace millrace::collect
