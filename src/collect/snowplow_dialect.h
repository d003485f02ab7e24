#pragma once

#include <memory>
#include <vector>

#include "collect/dialect.h"
#include "collect/snowplow_visit.h"
#include "collect/source_table.h"
#include "collect/vocabulary.h"

namespace millrace::collect {

// The tracker protocol of Snowplow: POST tp2 and GET /i. The application id ("aid") is the write key.
class SnowplowDialect final : public Dialect {
 public:
  // `sources` must outlive this.
  SnowplowDialect(const SourceTable& sources, ItemLimits limits, SnowplowSettings settings);

  std::vector<Endpoint> endpoints() const override;
  std::unique_ptr<Reader> reader() const override;
  http::Response answer(const http::Request& request, int endpoint, const Outcome& outcome) const override;
  http::Response refuse(const http::Request& request, int endpoint, const Refusal& refusal) const override;
  http::Response inform(const http::Request& request, int endpoint) const override;

 private:
  const SourceTable& sources_;
  const ItemLimits limits_;
  const SnowplowSettings settings_;
  const Vocabulary vocabulary_{Table::snowplow};
};

}  // namespace millrace::collect
