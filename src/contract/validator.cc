#include "contract/validator.h"

#include <algorithm>
#include <array>

#include "contract/fault_text.h"
#include "contract/format_check.h"

namespace millrace::contract {

namespace {

constexpr std::uint32_t kPairwiseMax = 16;

std::uint64_t code_points(std::string_view text) {
  std::uint64_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return count;
}

bool is_plain_integer(std::string_view text) {
  for (const char c : text) {
    if (c == '.' || c == 'e' || c == 'E') return false;
  }
  return true;
}

bool is_of_type(const JsonNode& value, std::uint32_t mask) {
  if ((mask & kind_bit(value.kind)) != 0) return true;
  if (value.kind != JsonKind::number || (mask & kIntegerBit) == 0) return false;
  return is_plain_integer(value.text) || Number(value.text).is_integer();
}

// Most keywords speak of another kind of value, and of those that do not most ask for little: what is true says so, what is false
// has to be looked at.
bool fits_plainly(const Step& step, const JsonNode& value) {
  switch (step.op) {
    case Op::type: return (kind_bit(value.kind) & step.a) != 0;
    case Op::minimum:
    case Op::maximum:
    case Op::exclusive_minimum:
    case Op::exclusive_maximum:
    case Op::multiple_of: return value.kind != JsonKind::number;
    case Op::min_length:
      return value.kind != JsonKind::string || value.text.size() >= step.a * std::size_t{4};
    case Op::max_length: return value.kind != JsonKind::string || value.text.size() <= step.a;
    case Op::pattern:
    case Op::format: return value.kind != JsonKind::string;
    default: return false;
  }
}

}  // namespace

bool Validator::fits(const Program& program, const JsonTape& tape, std::uint32_t node) {
  program_ = &program;
  tape_ = &tape;
  plain_ = program.dynamic_anchors.empty() && !program.tracks_evaluation;
  budget_ = kChecksMax;
  depth_ = 0;
  number_at_ = nullptr;
  scope_.clear();
  evaluated_.clear();
  const bool ok = run(program.root, node);
  return ok && !exhausted();
}

std::vector<ValueFault> Validator::explain(const Program& program, const JsonTape& tape, std::uint32_t node) {
  std::vector<ValueFault> faults;
  faults_ = &faults;
  const bool ok = fits(program, tape, node);
  if (exhausted()) {
    faults.clear();
    fail(UINT32_MAX, node, "", "Checking this value takes more work than is allowed.");
  } else if (!ok && faults.empty()) {
    fail(UINT32_MAX, node, "", "No value is allowed here.");
  }
  faults_ = nullptr;
  return faults;
}

bool Validator::fail(std::uint32_t keyword, std::uint32_t node, std::string_view name, std::string message) {
  if (faults_ == nullptr || faults_->size() >= kFaultsMax) return false;
  ValueFault& fault = faults_->emplace_back();
  fault.pointer = pointer_to(*tape_, node);
  fault.keyword = name;
  if (keyword != UINT32_MAX) fault.location = program_->locations[keyword];
  fault.message = std::move(message);
  fault.node = node;
  return false;
}

bool Validator::fail(const Step& step, std::uint32_t node) {
  if (faults_ == nullptr || faults_->size() >= kFaultsMax) return false;
  return fail(step.keyword, node, keyword_of(*program_, step), sentence_for(*program_, step, *tape_, node));
}

bool Validator::quietly(std::uint32_t block, std::uint32_t node) {
  auto* const faults = faults_;
  faults_ = nullptr;
  const bool ok = run(block, node);
  faults_ = faults;
  return ok;
}

// What a child's schemas have looked at is no business of its parent.
bool Validator::child(std::uint32_t block, std::uint32_t node) {
  if (block == kAlways) return true;
  if (plain_) return run(block, node);
  const std::size_t before = evaluated_.size();
  const bool ok = run(block, node);
  evaluated_.resize(before);
  return ok;
}

bool Validator::run(std::uint32_t id, std::uint32_t node) {
  if (id == kAlways) return true;
  if (id == kNever) return false;
  if (--budget_ < 0) return false;
  if (depth_ == kDepthMax) {
    budget_ = -1;
    return false;
  }
  ++depth_;
  const Block& block = program_->blocks[id];
  if (plain_) {
    const bool ok = run_steps(block, node, 0);
    --depth_;
    return ok;
  }
  const bool enters = scope_.empty() || scope_.back() != block.resource;
  if (enters) scope_.push_back(block.resource);
  const std::size_t log_begin = evaluated_.size();
  const bool ok = run_steps(block, node, log_begin);
  if (!ok) evaluated_.resize(log_begin);
  if (enters) scope_.pop_back();
  --depth_;
  return ok;
}

bool Validator::run_steps(const Block& block, std::uint32_t node, std::size_t log_begin) {
  bool ok = true;
  const JsonNode value = (*tape_)[node];
  const Step* const end = program_->steps.data() + block.first + block.count;
  for (const Step* step = program_->steps.data() + block.first; step != end; ++step) {
    if (fits_plainly(*step, value)) continue;
    const bool unevaluated = step->op >= Op::unevaluated_members;
    if (unevaluated ? check_unevaluated(*step, node, log_begin) : check(*step, node)) continue;
    ok = false;
    if (faults_ == nullptr || exhausted()) return false;
  }
  return ok;
}

bool Validator::check(const Step& step, std::uint32_t node) {
  const JsonNode& value = (*tape_)[node];
  switch (step.op) {
    case Op::type: return is_of_type(value, step.a) || fail(step, node);
    case Op::equals:
      for (std::uint32_t i = step.a; i < step.a + step.b; ++i) {
        const Constant& constant = program_->constants[i];
        if (equal_values(*constant.tape, constant.node, *tape_, node, budget_)) return true;
      }
      return fail(step, node);
    case Op::minimum:
    case Op::maximum:
    case Op::exclusive_minimum:
    case Op::exclusive_maximum:
    case Op::multiple_of: return check_number(step, value) || fail(step, node);
    case Op::min_length:
    case Op::max_length:
    case Op::pattern:
    case Op::format: return check_string(step, value) || fail(step, node);
    case Op::min_items:
    case Op::max_items:
    case Op::unique_items:
    case Op::elements:
    case Op::contains: return value.kind != JsonKind::array || check_array(step, node);
    case Op::members:
    case Op::min_members:
    case Op::max_members:
    case Op::member_names:
    case Op::dependent_required:
    case Op::dependent_schema: return value.kind != JsonKind::object || check_object(step, node);
    default: return check_in_place(step, node);
  }
}

bool Validator::check_number(const Step& step, const JsonNode& value) {
  if (value.kind != JsonKind::number) return true;
  if (number_at_ != value.text.data()) {
    number_at_ = value.text.data();
    number_ = Number(value.text);
  }
  const Number& number = number_;
  const Number& limit = program_->numbers[step.a];
  switch (step.op) {
    case Op::minimum: return compare(number, limit) >= 0;
    case Op::maximum: return compare(number, limit) <= 0;
    case Op::exclusive_minimum: return compare(number, limit) > 0;
    case Op::exclusive_maximum: return compare(number, limit) < 0;
    default: return number.is_multiple_of(limit);
  }
}

bool Validator::check_string(const Step& step, const JsonNode& value) const {
  if (value.kind != JsonKind::string) return true;
  switch (step.op) {
    // A character has at most four bytes.
    case Op::min_length:
      return value.text.size() >= step.a * std::size_t{4} || code_points(value.text) >= step.a;
    case Op::max_length: return value.text.size() <= step.a || code_points(value.text) <= step.a;
    case Op::pattern: return program_->patterns[step.a].matches(value.text);
    default: return fits_format(static_cast<Format>(step.a), value.text);
  }
}

bool Validator::check_array(const Step& step, std::uint32_t node) {
  switch (step.op) {
    case Op::min_items: return count_children(*tape_, node) >= step.a || fail(step, node);
    case Op::max_items: return count_children(*tape_, node) <= step.a || fail(step, node);
    case Op::unique_items: return all_different(node) || fail(step, node);
    case Op::contains: return check_contains(step, node);
    default: return check_elements(step, node);
  }
}

bool Validator::check_elements(const Step& step, std::uint32_t node) {
  bool ok = true;
  std::uint32_t position = 0;
  for (std::uint32_t i = node + 1; i < (*tape_)[node].end; i = (*tape_)[i].end, ++position) {
    const std::uint32_t schema = position < step.b ? program_->schemas[step.a + position] : step.c;
    if (schema == kAbsent) break;
    if (schema == kNever) fail(step.keyword, i, "items", "There must be no element at this position.");
    if (!child(schema, i)) {
      ok = false;
      if (faults_ == nullptr || exhausted()) return false;
    }
    if (program_->tracks_evaluation) evaluated_.push_back(i);
  }
  return ok;
}

bool Validator::check_contains(const Step& step, std::uint32_t node) {
  std::uint32_t count = 0;
  auto* const faults = std::exchange(faults_, nullptr);
  for (std::uint32_t i = node + 1; i < (*tape_)[node].end; i = (*tape_)[i].end) {
    if (!child(step.a, i)) continue;
    ++count;
    if (program_->tracks_evaluation) evaluated_.push_back(i);
    if (!program_->tracks_evaluation && count >= step.b && step.c == UINT32_MAX) break;
  }
  faults_ = faults;
  return (count >= step.b && count <= step.c) || fail(step, node);
}

bool Validator::all_different(std::uint32_t node) {
  const JsonTape& tape = *tape_;
  const std::uint32_t end = tape[node].end;
  const std::uint32_t count = count_children(tape, node);
  if (count <= kPairwiseMax) {
    for (std::uint32_t i = node + 1; i < end; i = tape[i].end) {
      for (std::uint32_t j = tape[i].end; j < end; j = tape[j].end) {
        if (equal_values(tape, i, tape, j, budget_)) return false;
      }
    }
    return true;
  }
  hashes_.clear();
  for (std::uint32_t i = node + 1; i < end; i = tape[i].end) hashes_.emplace_back(hash_value(tape, i), i);
  std::sort(hashes_.begin(), hashes_.end());
  for (std::size_t i = 0; i < hashes_.size(); ++i) {
    for (std::size_t j = i + 1; j < hashes_.size() && hashes_[j].first == hashes_[i].first; ++j) {
      if (equal_values(tape, hashes_[i].second, tape, hashes_[j].second, budget_)) return false;
    }
  }
  return true;
}

bool Validator::check_in_place(const Step& step, std::uint32_t node) {
  switch (step.op) {
    case Op::all_of: {
      bool ok = true;
      for (std::uint32_t i = step.a; i < step.a + step.b; ++i) {
        if (program_->schemas[i] == kNever) fail(step, node);
        ok = run(program_->schemas[i], node) && ok;
        if (!ok && faults_ == nullptr) return false;
      }
      return ok;
    }
    case Op::any_of:
    case Op::one_of: return check_choice(step, node);
    case Op::negate: {
      const std::size_t before = evaluated_.size();
      const bool fits_it = quietly(step.a, node);
      evaluated_.resize(before);
      return !fits_it || fail(step, node);
    }
    case Op::conditional: {
      const std::uint32_t branch = quietly(step.a, node) ? step.b : step.c;
      if (branch == kNever) return fail(step, node);
      return run(branch, node);
    }
    case Op::reference:
      if (step.a == kNever) return fail(step, node);
      return run(step.a, node);
    default: return run(dynamic_target(step), node);
  }
}

bool Validator::check_choice(const Step& step, std::uint32_t node) {
  std::uint32_t fitting = 0;
  for (std::uint32_t i = step.a; i < step.a + step.b; ++i) {
    if (!quietly(program_->schemas[i], node)) continue;
    ++fitting;
    // Later branches of anyOf matter only for what they look at.
    if (step.op == Op::any_of && !program_->tracks_evaluation) return true;
  }
  return (step.op == Op::any_of ? fitting > 0 : fitting == 1) || fail(step, node);
}

std::uint32_t Validator::dynamic_target(const Step& step) const {
  for (const std::uint32_t resource : scope_) {
    const auto found = program_->dynamic_anchors.find({resource, step.b});
    if (found != program_->dynamic_anchors.end()) return found->second;
  }
  return step.a;
}

bool Validator::check_unevaluated(const Step& step, std::uint32_t node, std::size_t log_begin) {
  const JsonTape& tape = *tape_;
  const bool members = step.op == Op::unevaluated_members;
  if (tape[node].kind != (members ? JsonKind::object : JsonKind::array)) return true;
  if (marks_.size() < tape.size()) marks_.resize(tape.size());
  if (++mark_ == 0) {
    std::fill(marks_.begin(), marks_.end(), 0);
    mark_ = 1;
  }
  for (std::size_t i = log_begin; i < evaluated_.size(); ++i) marks_[evaluated_[i]] = mark_;
  const std::uint32_t mark = mark_;
  bool ok = true;
  std::vector<std::uint32_t> fresh;
  for (std::uint32_t i = node + 1; i < tape[node].end; i = tape[i].end) {
    if (marks_[i] != mark) fresh.push_back(i);
  }
  for (const std::uint32_t i : fresh) {
    if (step.a == kNever) fail(step, i);
    if (!child(step.a, i)) {
      ok = false;
      if (faults_ == nullptr || exhausted()) return false;
    }
    evaluated_.push_back(i);
  }
  return ok;
}

}  // namespace millrace::contract
