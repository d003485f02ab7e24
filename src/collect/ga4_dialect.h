#pragma once

#include <memory>
#include <vector>

#include "collect/dialect.h"
#include "collect/source_table.h"
#include "collect/vocabulary.h"

namespace millrace::collect {

// Google Analytics 4 as servers speak it: the Measurement Protocol. The measurement id is the write key.
class Ga4ProtocolDialect final : public Dialect {
 public:
  // `sources` must outlive this.
  Ga4ProtocolDialect(const SourceTable& sources, ItemLimits limits);

  std::vector<Endpoint> endpoints() const override;
  std::unique_ptr<Reader> reader() const override;
  http::Response answer(const http::Request& request, int endpoint, const Outcome& outcome) const override;
  http::Response refuse(const http::Request& request, int endpoint, const Refusal& refusal) const override;
  http::Response inform(const http::Request& request, int endpoint) const override;

 private:
  const SourceTable& sources_;
  const ItemLimits limits_;
  const Vocabulary vocabulary_{Table::ga4_protocol};
};

// The same as browsers speak it: gtag and Google Tag Manager. The tag id is the write key.
class Ga4TagDialect final : public Dialect {
 public:
  // `sources` must outlive this.
  Ga4TagDialect(const SourceTable& sources, ItemLimits limits);

  std::vector<Endpoint> endpoints() const override;
  std::unique_ptr<Reader> reader() const override;
  http::Response answer(const http::Request& request, int endpoint, const Outcome& outcome) const override;
  http::Response refuse(const http::Request& request, int endpoint, const Refusal& refusal) const override;
  http::Response inform(const http::Request& request, int endpoint) const override;

 private:
  const SourceTable& sources_;
  const ItemLimits limits_;
  const Vocabulary vocabulary_{Table::ga4_tag};
};

}  // namespace millrace::collect
