#pragma once

#include <memory>
#include <vector>

#include "collect/dialect.h"
#include "collect/segment_endpoints.h"
#include "collect/source_table.h"
#include "collect/vocabulary.h"

namespace millrace::collect {

// The HTTP API of Segment and RudderStack, as their SDKs for browsers and servers speak it.
class SegmentDialect final : public Dialect {
 public:
  // `sources` must outlive this.
  SegmentDialect(const SourceTable& sources, ItemLimits limits);

  std::vector<Endpoint> endpoints() const override;
  std::unique_ptr<Reader> reader() const override;
  ItemForm item_form() const override { return ItemForm::call; }
  http::Response answer(const http::Request& request, int endpoint, const Outcome& outcome) const override;
  http::Response refuse(const http::Request& request, int endpoint, const Refusal& refusal) const override;
  http::Response inform(const http::Request& request, int endpoint) const override;

 private:
  http::Response settings(const http::Request& request) const;
  http::Response source_configuration(const http::Request& request) const;

  const SourceTable& sources_;
  const ItemLimits limits_;
  const Vocabulary vocabulary_;
};

}  // namespace millrace::collect
