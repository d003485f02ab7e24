#include "commerce/identity.h"

#include <algorithm>

namespace millrace::commerce {

namespace {

// Moves the name to the end, adding it when absent; the oldest goes beyond `max`.
void renew(std::vector<std::string>& names, std::string_view name, std::size_t max) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found != names.end()) {
    std::rotate(found, found + 1, names.end());
    return;
  }
  if (names.size() >= max) names.erase(names.begin());
  names.emplace_back(name);
}

void write_names(const std::vector<std::string>& names, base::ByteWriter& writer) {
  writer.varint(names.size());
  for (const auto& name : names) writer.text(name);
}

bool read_names(base::ByteReader& reader, std::vector<std::string>& names) {
  const auto count = reader.varint();
  if (count > reader.remaining()) return false;
  names.clear();
  for (std::uint64_t i = 0; i < count; ++i) names.emplace_back(reader.text());
  return reader.ok();
}

}  // namespace

bool Identity::link(std::string_view user) {
  if (user.empty() || user == user_id()) return false;
  renew(user_ids, user, kUsersOfVisitorMax);
  return true;
}

void Identity::encode(base::ByteWriter& writer) const { write_names(user_ids, writer); }
bool Identity::decode(base::ByteReader& reader) { return read_names(reader, user_ids); }

void UserVisitors::link(std::string_view visitor) { renew(visitors, visitor, kVisitorsOfUserMax); }

void UserVisitors::encode(std::string& out) const {
  base::ByteWriter writer(out);
  write_names(visitors, writer);
}
bool UserVisitors::decode(std::string_view bytes, UserVisitors& into) {
  base::ByteReader reader(bytes);
  return read_names(reader, into.visitors) && reader.at_end();
}

}  // namespace millrace::commerce
