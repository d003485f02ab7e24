// Whatever text is given as a schema, and whatever as a value of it (after the first NUL): the compiler refuses or takes it,
// and what it takes answers, the same way whether asked for faults or not.

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "contract/schema_compiler.h"
#include "contract/validator.h"

namespace {

using namespace millrace;

class NoSchemas final : public contract::SchemaSource {
 public:
  std::optional<std::string> schema(std::string_view) const override { return std::nullopt; }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  const auto cut = input.find('\0');
  contract::Program program;
  if (contract::compile_schema(input.substr(0, cut), "", NoSchemas(), program)) return 0;
  // On the heap without a byte to spare, so that a read past the end is found.
  const std::string value = cut == std::string::npos ? "{}" : input.substr(cut + 1);
  contract::JsonDocument document;
  if (!document.read(value).ok()) return 0;
  contract::Validator validator;
  const bool fits = validator.fits(program, document.tape());
  INVARIANT(validator.explain(program, document.tape()).empty() == fits);
  return 0;
}
