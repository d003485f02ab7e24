#include "app/source_precedence.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "admin/write_key_book.h"
#include "disk/disk.h"
#include "tools/file_text.h"

namespace millrace::app {

namespace {

constexpr std::string_view kFile = "precedence";
constexpr std::string_view kSourcesFile = "sources";

base::Result<std::vector<std::string>> lines_of(const std::string& path) {
  auto text = tools::read_text(path);
  if (!text.ok() && text.error().code() == base::ErrorCode::not_found) return std::vector<std::string>();
  if (!text.ok()) return std::move(text).error();
  std::vector<std::string> lines;
  std::string_view rest = *text;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) return base::Error(base::ErrorCode::corrupt, path + ": cut off");
    lines.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  return lines;
}

base::Result<std::vector<SourcePrecedence>> remembered(const std::string& data_directory) {
  const std::string path = fmt::format("{}/{}", data_directory, kFile);
  TRY_ASSIGN(const auto lines, lines_of(path));
  std::vector<SourcePrecedence> all;
  for (const std::string& line : lines) {
    SourcePrecedence one;
    const char* const end = line.data() + line.size();
    const auto [rest, error] = std::from_chars(line.data(), end, one.precedence);
    if (error != std::errc() || rest == end || *rest != ' ' || rest + 1 == end || one.precedence < 1 ||
        one.precedence > admin::WriteKeyBook::kPrecedenceMax) {
      return base::Error(base::ErrorCode::corrupt, fmt::format("{}: \"{}\" is no precedence", path, line));
    }
    one.source.assign(rest + 1, end);
    all.push_back(std::move(one));
  }
  return all;
}

base::Result<bool> is_seen(const std::string& data_directory, std::string_view source) {
  TRY_ASSIGN(const auto names, lines_of(fmt::format("{}/{}", data_directory, kSourcesFile)));
  return std::find(names.begin(), names.end(), source) != names.end();
}

}  // namespace

base::Result<std::optional<std::int64_t>> fixed_precedence(const std::string& data_directory,
                                                           std::string_view source) {
  TRY_ASSIGN(const auto all, remembered(data_directory));
  for (const auto& one : all) {
    if (one.source == source) return std::optional(one.precedence);
  }
  TRY_ASSIGN(const bool seen, is_seen(data_directory, source));
  return seen ? std::optional<std::int64_t>(0) : std::nullopt;
}

base::Status fix_precedences(DataDirectory& directory, const std::vector<SourcePrecedence>& made) {
  TRY_ASSIGN(auto all, remembered(directory.path()));
  const std::size_t before = all.size();
  for (const auto& one : made) {
    if (one.precedence == 0) continue;
    TRY_ASSIGN(const auto fixed, fixed_precedence(directory.path(), one.source));
    if (!fixed) all.push_back(one);
  }
  if (all.size() == before) return base::Ok{};
  std::string text;
  for (const auto& one : all) text += fmt::format("{} {}\n", one.precedence, one.source);
  return disk::write_file_atomically(directory.disk(), kFile, text);
}

base::Status set_ranks(const Settings& settings, DataDirectory& directory, commerce::SourceRanks& ranks) {
  TRY_ASSIGN(auto all, remembered(directory.path()));
  for (const auto& source : settings.sources) all.push_back({source.name, source.precedence});
  std::vector<std::string> names;
  for (const auto& one : all) names.push_back(one.source);
  TRY_ASSIGN(const auto indices, directory.source_indices(names));
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool overruled = std::any_of(all.begin() + static_cast<std::ptrdiff_t>(i) + 1, all.end(),
                                       [&](const auto& later) { return later.source == all[i].source; });
    if (!overruled) ranks.set(indices[i], static_cast<std::uint8_t>(all[i].precedence));
  }
  return base::Ok{};
}

}  // namespace millrace::app
