#include "lake/offset_ranges.h"

#include <simdjson.h>

#include <charconv>
#include <optional>
#include <set>

#include "lake/json_writer.h"

namespace millrace::lake {
namespace {

using base::Error;
using base::ErrorCode;

std::string name_of(const JournalPartition& source) {
  return std::string(event::to_string(source.topic)) + "/" + std::to_string(source.partition);
}

std::optional<JournalPartition> parse_name(std::string_view name) {
  const std::size_t slash = name.rfind('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::string_view digits = name.substr(slash + 1);
  JournalPartition source;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), source.partition);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  for (std::size_t i = 0; i < event::kTopicCount; ++i) {
    source.topic = static_cast<event::Topic>(i);
    if (event::to_string(source.topic) == name.substr(0, slash)) return source;
  }
  return std::nullopt;
}

std::string describe(const OffsetRange& range) {
  return name_of(range.source) + " [" + std::to_string(range.from.value) + ", " +
         std::to_string(range.to.value) + ")";
}

}  // namespace

std::string to_json(const OffsetRanges& ranges) {
  JsonWriter out;
  out.begin_object();
  for (const OffsetRange& range : ranges) {
    out.key(name_of(range.source));
    out.begin_array();
    out.raw(std::to_string(range.from.value));
    out.raw(std::to_string(range.to.value));
    out.end_array();
  }
  out.end_object();
  return out.take();
}

std::string to_json(const CommittedOffsets& offsets) {
  JsonWriter out;
  out.begin_object();
  for (const auto& [source, next] : offsets) {
    out.key(name_of(source));
    out.raw(std::to_string(next.value));
  }
  out.end_object();
  return out.take();
}

base::Result<CommittedOffsets> parse_committed_offsets(std::string_view json) {
  const Error malformed(ErrorCode::corrupt, "committed offsets: not an object of partitions and offsets");
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  simdjson::dom::object object;
  if (parser.parse(json.data(), json.size()).get(root) != simdjson::SUCCESS ||
      root.get(object) != simdjson::SUCCESS) {
    return malformed;
  }
  CommittedOffsets offsets;
  for (const auto member : object) {
    const auto source = parse_name(member.key);
    std::uint64_t next = 0;
    if (!source || member.value.get(next) != simdjson::SUCCESS) return malformed;
    offsets[*source] = journal::Offset{next};
  }
  return offsets;
}

base::Result<CommittedOffsets> advance(const CommittedOffsets& committed, const OffsetRanges& ranges) {
  CommittedOffsets after = committed;
  std::set<JournalPartition> seen;
  for (const OffsetRange& range : ranges) {
    if (range.from >= range.to || !seen.insert(range.source).second) {
      return Error(ErrorCode::invalid_argument,
                   "offset range " + describe(range) + " is empty or given twice");
    }
    const auto found = committed.find(range.source);
    if (found != committed.end() && range.from < found->second) {
      return Error(ErrorCode::conflict, "offset range " + describe(range) +
                                            " begins before the committed offset " +
                                            std::to_string(found->second.value));
    }
    if (found != committed.end() && range.from > found->second) {
      return Error(ErrorCode::invalid_argument, "offset range " + describe(range) +
                                                    " leaves a gap after the committed offset " +
                                                    std::to_string(found->second.value));
    }
    after[range.source] = range.to;
  }
  return after;
}

}  // namespace millrace::lake
