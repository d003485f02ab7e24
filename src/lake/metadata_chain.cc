#include "lake/metadata_chain.h"

#include <algorithm>

#include "lake/table_metadata.h"

namespace millrace::lake {
namespace {

using base::Error;
using base::ErrorCode;

constexpr int kTries = 3;

Error unknown(std::string_view object) {
  return Error(ErrorCode::io, "unknown whether " + std::string(object) + " was committed");
}

}  // namespace

base::Result<Race> MetadataChain::install(std::int64_t version, std::string_view json,
                                          std::optional<std::int64_t> snapshot_id) {
  const std::string object = files_.metadata_object(version);
  ObjectStore& store = files_.store();
  bool in_doubt = false;
  for (int i = 0; i < kTries; ++i) {
    auto created = store.create(object, json);
    if (created.ok() && *created == Created::yes) return confirm(version, snapshot_id);
    if (created.ok() && !in_doubt) return Race::lost;
    if (!created.ok() && created.error().code() != ErrorCode::io) {
      if (in_doubt) continue;
      return std::move(created).error().with_context("commit " + object);
    }
    in_doubt = true;
    const auto found = store.read(object);
    if (found.ok() && *found == json) return confirm(version, snapshot_id);
    if (found.ok()) return Race::lost;
    // Absent, or not to be told. Creating the same bytes under the same name again is safe: whichever of the
    // attempts took effect, it is this commit, and if neither did, a rival may have the name.
  }
  return unknown(object);
}

base::Result<Race> MetadataChain::confirm(std::int64_t version, std::optional<std::int64_t> snapshot_id) {
  const std::string object = files_.metadata_object(version);
  const auto newest = files_.newest_version();
  if (!newest.ok()) return unknown(object);
  if (*newest == version) return Race::won;
  const auto json = files_.store().read(files_.metadata_object(newest->value_or(version)));
  if (!json.ok()) return unknown(object);
  const auto head = parse_table_metadata(*json);
  if (!head.ok()) return unknown(object);
  const std::string location = files_.store().location(object);
  const bool logged =
      std::any_of(head->metadata_log.begin(), head->metadata_log.end(),
                  [&location](const MetadataLogEntry& entry) { return entry.metadata_file == location; });
  if (logged || (snapshot_id && head->snapshot(*snapshot_id) != nullptr)) return Race::won;
  // The name was free only because the chain had long passed it. Left behind it would harm no one: it is not
  // the newest.
  if (const auto removed = files_.store().remove(object); !removed.ok()) return Race::lost;
  return Race::lost;
}

}  // namespace millrace::lake
