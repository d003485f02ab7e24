#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "journal/journal.h"

// What every Journal owes, whatever it is made of. A Fixture has
//   std::unique_ptr<Journal> open();           // The same journal again; the one before has been destroyed.
//   static constexpr bool kSurvivesReopening;
namespace millrace::journal::contract {

inline RecordBuffer records(const std::vector<std::string>& payloads) {
  RecordBuffer buffer;
  for (const auto& payload : payloads) buffer.add(payload);
  return buffer;
}

inline std::vector<std::string> read_all(const Journal& journal, Offset from,
                                         std::size_t max_bytes = 1 << 20) {
  std::vector<std::string> found;
  while (from < journal.end()) {
    const auto batch = journal.read(from, max_bytes);
    REQUIRE_MESSAGE(batch.ok(), batch.error().message());
    REQUIRE(batch->first == from);
    REQUIRE_FALSE(batch->empty());
    for (const auto payload : batch->payloads) found.emplace_back(payload);
    from = batch->end();
  }
  return found;
}

template <class Fixture>
void an_empty_journal_has_no_records() {
  Fixture fixture;
  const auto journal = fixture.open();
  CHECK(journal->begin() == Offset{0});
  CHECK(journal->end() == Offset{0});
  CHECK(journal->durable_end() == Offset{0});
  const auto batch = journal->read({0}, 1000);
  REQUIRE(batch.ok());
  CHECK(batch->empty());
  CHECK(batch->first == Offset{0});
  const auto first = journal->append(RecordBuffer{});
  REQUIRE(first.ok());
  CHECK(journal->end() == Offset{0});
}

template <class Fixture>
void offsets_are_consecutive_over_all_buffers() {
  Fixture fixture;
  const auto journal = fixture.open();
  const RecordBuffer a = records({"one", "two"});
  const RecordBuffer nothing;
  const RecordBuffer b = records({""});
  const std::vector<const RecordBuffer*> buffers = {&a, &nothing, &b};
  const auto first = journal->append(buffers);
  REQUIRE(first.ok());
  CHECK(*first == Offset{0});
  const auto second = journal->append(records({"four"}));
  REQUIRE(second.ok());
  CHECK(*second == Offset{3});
  CHECK(journal->end() == Offset{4});
  CHECK(read_all(*journal, {0}) == std::vector<std::string>{"one", "two", "", "four"});
}

template <class Fixture>
void a_read_starts_at_any_offset_and_stops_near_its_limit() {
  Fixture fixture;
  const auto journal = fixture.open();
  std::vector<std::string> all;
  for (int i = 0; i < 300; ++i) {
    all.push_back(std::string(static_cast<std::size_t>(i % 97), static_cast<char>('a' + i % 26)) +
                  std::to_string(i));
    REQUIRE(journal->append(records({all.back()})).ok());
  }
  for (std::uint64_t from = 0; from <= all.size(); from += 7) {
    const std::vector<std::string> rest(all.begin() + static_cast<std::ptrdiff_t>(from), all.end());
    CHECK(read_all(*journal, {from}) == rest);
    CHECK(read_all(*journal, {from}, 1) == rest);
    CHECK(read_all(*journal, {from}, 500) == rest);
  }
  const auto limited = journal->read({0}, 500);
  REQUIRE(limited.ok());
  std::size_t bytes = 0;
  for (const auto payload : limited->payloads) bytes += payload.size();
  CHECK(bytes <= 500);
}

template <class Fixture>
void sync_moves_the_durable_end() {
  Fixture fixture;
  const auto journal = fixture.open();
  REQUIRE(journal->append(records({"a", "b"})).ok());
  CHECK(journal->durable_end() == Offset{0});
  CHECK(journal->end() == Offset{2});
  CHECK(read_all(*journal, {0}).size() == 2);
  REQUIRE(journal->sync().ok());
  CHECK(journal->durable_end() == Offset{2});
}

template <class Fixture>
void records_of_any_bytes_and_size_come_back() {
  Fixture fixture;
  const auto journal = fixture.open();
  std::vector<std::string> all;
  std::string every_byte;
  for (int i = 0; i < 256; ++i) every_byte.push_back(static_cast<char>(i));
  for (const std::size_t size : {0, 1, 11, 12, 13, 4096, 70'000, 1'000'000}) {
    std::string payload;
    while (payload.size() < size) payload.append(every_byte);
    payload.resize(size);
    all.push_back(std::move(payload));
  }
  REQUIRE(journal->append(records(all)).ok());
  for (const auto& payload : all) REQUIRE(journal->append(records({payload})).ok());
  std::vector<std::string> twice = all;
  twice.insert(twice.end(), all.begin(), all.end());
  CHECK(read_all(*journal, {0}) == twice);
  CHECK(read_all(*journal, {5}).size() == twice.size() - 5);
}

template <class Fixture>
void an_append_past_the_limit_is_refused_whole() {
  Fixture fixture;
  const auto journal = fixture.open();
  REQUIRE(journal->append(records({"before"})).ok());
  const auto refused = journal->append(records({std::string(kAppendBytesMax, 'x')}));
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code() == base::ErrorCode::invalid_argument);
  REQUIRE(journal->append(records({"after"})).ok());
  CHECK(read_all(*journal, {0}) == std::vector<std::string>{"before", "after"});
}

template <class Fixture>
void trimmed_offsets_are_not_found_and_the_rest_stays() {
  Fixture fixture;
  const auto journal = fixture.open();
  for (int i = 0; i < 200; ++i) {
    REQUIRE(journal->append(records({std::to_string(i) + std::string(100, 'x')})).ok());
    REQUIRE(journal->sync().ok());
  }
  REQUIRE(journal->trim({150}).ok());
  const Offset begin = journal->begin();
  CHECK(begin > Offset{0});
  CHECK(begin <= Offset{150});
  const auto lost = journal->read({0}, 100);
  REQUIRE_FALSE(lost.ok());
  CHECK(lost.error().code() == base::ErrorCode::not_found);
  CHECK(lost.error().message().find(std::to_string(begin.value)) != std::string::npos);
  const auto rest = read_all(*journal, begin);
  CHECK(rest.size() == 200 - begin.value);
  CHECK(rest.front().starts_with(std::to_string(begin.value) + "x"));
  REQUIRE(journal->trim({10'000}).ok());
  CHECK(journal->end() == Offset{200});
  REQUIRE(journal->append(records({"more"})).ok());
  CHECK(journal->end() == Offset{201});
}

template <class Fixture>
void everything_is_there_after_reopening() {
  Fixture fixture;
  std::vector<std::string> all;
  for (int life = 0; life < 4; ++life) {
    const auto journal = fixture.open();
    REQUIRE(read_all(*journal, {0}) == all);
    CHECK(journal->durable_end() == journal->end());
    for (int i = 0; i < 50; ++i) {
      all.push_back("life " + std::to_string(life) + " record " + std::to_string(i));
      REQUIRE(journal->append(records({all.back()})).ok());
      if (i % 3 == 0) REQUIRE(journal->sync().ok());
    }
    if (life % 2 == 0) REQUIRE(journal->sync().ok());
  }
}

template <class Fixture>
void check() {
  SUBCASE("an empty journal has no records") { an_empty_journal_has_no_records<Fixture>(); }
  SUBCASE("offsets are consecutive over all buffers") { offsets_are_consecutive_over_all_buffers<Fixture>(); }
  SUBCASE("a read starts at any offset") { a_read_starts_at_any_offset_and_stops_near_its_limit<Fixture>(); }
  SUBCASE("sync moves the durable end") { sync_moves_the_durable_end<Fixture>(); }
  SUBCASE("records of any bytes and size come back") { records_of_any_bytes_and_size_come_back<Fixture>(); }
  SUBCASE("an append past the limit is refused whole") {
    an_append_past_the_limit_is_refused_whole<Fixture>();
  }
  SUBCASE("trimmed offsets are not found") { trimmed_offsets_are_not_found_and_the_rest_stays<Fixture>(); }
  if constexpr (Fixture::kSurvivesReopening) {
    SUBCASE("everything is there after reopening") { everything_is_there_after_reopening<Fixture>(); }
  }
}

}  // namespace millrace::journal::contract
