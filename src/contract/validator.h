#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "contract/json_document.h"
#include "contract/schema_program.h"

namespace millrace::contract {

// Where and why a value does not fit.
struct ValueFault {
  std::string pointer;     // RFC 6901, from the root of the value's document.
  std::string keyword;     // "maxLength"
  std::string location;    // Of the keyword: RFC 6901 into the schema.
  std::string message;     // One sentence.
  std::uint32_t node = 0;  // Of the value; for a missing member, of the object it misses in.
};

// Runs programs over values. Keeps its scratch memory, so that a value that fits costs no allocation; one thread at a time.
// Each occurrence of a duplicate key has to fit; counts and comparisons know one member of a name.
class Validator {
 public:
  static constexpr int kDepthMax = 512;  // Schemas within schemas while checking one value.
  static constexpr std::int64_t kChecksMax =
      4'000'000;  // Values times schemas; past it a value does not fit.
  static constexpr std::size_t kFaultsMax = 32;

  bool fits(const Program& program, const JsonTape& tape, std::uint32_t node = 0);
  // Nothing when it fits, else the first kFaultsMax faults.
  std::vector<ValueFault> explain(const Program& program, const JsonTape& tape, std::uint32_t node = 0);

 private:
  bool run(std::uint32_t block, std::uint32_t node);
  bool run_steps(const Block& block, std::uint32_t node, std::size_t log_begin);
  bool check(const Step& step, std::uint32_t node);
  bool check_number(const Step& step, const JsonNode& value);
  bool check_string(const Step& step, const JsonNode& value) const;
  bool check_array(const Step& step, std::uint32_t node);
  bool check_object(const Step& step, std::uint32_t node);
  bool check_in_place(const Step& step, std::uint32_t node);
  bool check_elements(const Step& step, std::uint32_t node);
  bool check_contains(const Step& step, std::uint32_t node);
  bool check_members(const Step& step, std::uint32_t node);
  bool check_names(const Step& step, std::uint32_t node);
  bool check_unevaluated(const Step& step, std::uint32_t node, std::size_t log_begin);
  bool check_choice(const Step& step, std::uint32_t node);
  bool all_different(std::uint32_t node);
  std::uint32_t count_names(std::uint32_t object);
  std::uint32_t dynamic_target(const Step& step) const;
  bool child(std::uint32_t block, std::uint32_t node);
  // As run(), saying nothing of what does not fit.
  bool quietly(std::uint32_t block, std::uint32_t node);
  bool fail(std::uint32_t keyword, std::uint32_t node, std::string_view name, std::string message);
  bool fail(const Step& step, std::uint32_t node);
  bool exhausted() const { return budget_ < 0; }

  const Program* program_ = nullptr;
  const JsonTape* tape_ = nullptr;
  std::vector<ValueFault>* faults_ = nullptr;  // Null: the first fault ends it.
  std::int64_t budget_ = 0;
  const char* number_at_ = nullptr;  // Where the number below was read.
  Number number_;
  int depth_ = 0;
  bool plain_ = false;  // Nothing in the program asks where it was entered or what was looked at.
  std::vector<std::uint32_t> scope_;      // Resources that were entered, outermost first.
  std::vector<std::uint32_t> evaluated_;  // Children that a schema in force has looked at.
  std::vector<std::uint32_t> marks_;      // By node: the last mark_ it was seen at.
  std::uint32_t mark_ = 0;
  std::vector<std::pair<std::uint64_t, std::uint32_t>> hashes_;
  std::vector<std::string_view> names_;
  std::string quoted_;
  JsonDocument name_;  // A member's name as a value.
};

}  // namespace millrace::contract
