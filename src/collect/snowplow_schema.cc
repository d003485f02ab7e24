#include "collect/snowplow_schema.h"

namespace millrace::collect {

namespace {
constexpr std::string_view kScheme = "iglu:";
}

std::string_view iglu_name(std::string_view address) {
  if (!address.starts_with(kScheme)) return {};
  const std::size_t vendor_end = address.find('/');
  if (vendor_end == std::string_view::npos) return {};
  const std::size_t name_end = address.find('/', vendor_end + 1);
  if (name_end == std::string_view::npos) return {};
  return address.substr(vendor_end + 1, name_end - vendor_end - 1);
}

bool is_snowplow_schema(std::string_view address) {
  if (!address.starts_with(kScheme)) return false;
  address.remove_prefix(kScheme.size());
  return address.starts_with("com.snowplowanalytics.snowplow/") ||
         address.starts_with("com.snowplowanalytics.snowplow.ecommerce/") ||
         address.starts_with("com.snowplowanalytics.mobile/") ||
         address.starts_with("com.google.analytics.enhanced-ecommerce/");
}

}  // namespace millrace::collect
