// Whatever a file holds that a person gives to the command line: access logs, data sets, mappings, settings, sessions. What is made of a
// line to be sent is JSON, and so is what a mapping makes of a row. The first byte chooses what the rest is.

#include <cstddef>
#include <cstdint>
#include <string>

#include "app/access_log.h"
#include "app/import_query.h"
#include "app/settings.h"
#include "app/webhook_mapping_file.h"
#include "base/result.h"
#include "checking_sink.h"
#include "commerce/recommend_evaluation.h"
#include "tools/csv.h"
#include "tools/replay_formats.h"

namespace {

using namespace millrace;

void read_log_line(const std::string& line) {
  for (const auto& request : {app::parse_combined(line), app::parse_json_log(line)}) {
    if (!request) continue;
    (void)app::is_page_view(*request);
    INVARIANT(is_json(app::page_item(*request, "https://shop.example", "file:1")));
  }
}

void read_table(const std::string& text) {
  tools::CsvReader reader(text);
  std::vector<std::string> fields;
  std::size_t rows = 0;
  while (reader.next(fields)) INVARIANT(++rows <= text.size() && !fields.empty());
}

void read_data_set(const std::string& text) {
  for (const char* const name : {"retailrocket", "retentioneering", "online-retail"}) {
    const auto format = tools::replay_format(name);
    INVARIANT(format != nullptr);
    const auto set = format(text);
    for (const auto& item : set.items) INVARIANT(is_json(item.json));
  }
  // Lines of this one are sent as they are.
  (void)tools::replay_format("segment-jsonl")(text);
}

void read_mapping(const std::string& text) {
  auto mapping = app::parse_mapping(text, "mapping.toml");
  if (!mapping.ok()) return;
  const app::ImportFile csv{"orders.csv", app::ImportFormat::csv, ',', {{"no", "VARCHAR"}}};
  const app::ImportFile json{"orders.jsonl", app::ImportFormat::json, ',', {}};
  (void)app::import_query(*mapping, csv).ok();
  for (const auto& use : app::mapping_uses(*mapping)) (void)app::probe_query(*mapping, use, csv).ok();
  (void)app::import_query(*mapping, json).ok();
  (void)app::import_doubts_query(*mapping, json);
  (void)collect::WebhookMapping::make(*std::move(mapping)).ok();
}

void read_settings(const std::string& text) {
  app::Settings settings;
  (void)app::setting_table(settings).load_toml(text, "millrace.toml").ok();
}

void read_sessions(const std::string& text) {
  (void)commerce::parse_sessions(text).ok();
  (void)commerce::parse_cases(text).ok();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  static constexpr void (*kReaders[])(const std::string&) = {read_log_line, read_table,    read_data_set,
                                                             read_mapping,  read_settings, read_sessions};
  kReaders[data[0] % std::size(kReaders)](text);
  return 0;
}
