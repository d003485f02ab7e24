#include "contract/quarantine.h"

#include <doctest/doctest.h>

#include <string>

#include "contract/contract_api.h"
#include "contract/replay_request.h"
#include "contract/subject.h"
#include "sim/sim_clock.h"
#include "sim/sim_disk.h"

using namespace millrace;
using namespace millrace::contract;

namespace {

std::string fix(std::string_view item, std::string_view fixes) {
  JsonDocument document;
  REQUIRE(document.own(std::string(fixes)).ok());
  const auto read = read_fixes(document.tape(), 0);
  REQUIRE_MESSAGE(read.ok(), (read.ok() ? "" : read.error().message()));
  const auto fixed = apply_fixes(item, *read);
  return fixed.ok() ? *fixed : fixed.error().message();
}

// A lake with one quarantined item, and a door that remembers.
struct Bench {
  sim::SimDisk disk{1};
  sim::SimClock clock;
  std::unique_ptr<Registry> registry = *Registry::open(disk, {"web"});
  std::string raw =
      R"({"type":"track","event":"Order Completed","anonymousId":"a","properties":{"order":"o'1","revenue":"-"}})";
  std::vector<std::string> statements;
  std::vector<std::string> sent;
  std::unique_ptr<QuarantineMarks> marks = *QuarantineMarks::open(disk, clock);
  std::string repeated = "false";
  std::string answer_of_door = R"({"success":true,"received":1,"accepted":1,"quarantined":0,"items":[]})";
  Quarantine quarantine{
      *registry,
      *marks,
      {[this](std::string statement, Respond respond) {
         statements.push_back(std::move(statement));
         http::Response answer;
         answer.body =
             R"({"columns":[{"name":"source"},{"name":"partition"},{"name":"offset"},{"name":"received_at"},{"name":"raw"},{"name":"repeated"}],)"
             R"("rows":[["web",0,17,"2026-11-21T10:00:00.000Z",")" +
             encode_base64(raw) + R"(",)" + repeated + R"(]],"took_ms":1,"truncated":false})";
         respond(std::move(answer));
       },
       [this](const std::string& source, std::string_view path, std::string body, Respond respond) {
         sent.push_back(source + " " + std::string(path) + " " + body);
         http::Response answer;
         answer.body = answer_of_door;
         respond(std::move(answer));
       }}};
  QualityBoard quality;
  DiscoveryFeed feed;
  std::unique_ptr<Discovery> discovery = *Discovery::open(disk, *registry, feed, clock);
  ContractApi api{{disk, *registry, quality, *discovery, quarantine}};

  http::Response ask(std::string_view operation, std::vector<std::string> parameters,
                     std::string_view body = {},
                     std::vector<std::pair<std::string, std::string>> query = {}) {
    http::Request request;
    request.parameters = std::move(parameters);
    request.body = body;
    request.query = std::move(query);
    http::Response answer;
    answer.status = 0;
    api.answer(operation, request, [&answer](http::Response given) { answer = std::move(given); });
    JsonDocument json;
    CHECK_MESSAGE(json.read(answer.body).ok(), answer.body);
    return answer;
  }
};

}  // namespace

TEST_CASE("fixes rename, cast, default and drop, and leave alone what they do not find") {
  const char* const item = R"({"a": 1, "b":{"c/d":"1.299,50","e":null}})";
  CHECK_EQ(fix(item, R"([{"action":"rename","pointer":"/a","to":"x\"y"}])"),
           R"({"x\"y":1, "b":{"c/d":"1.299,50","e":null}})");
  CHECK_EQ(fix(item, R"([{"action":"cast","pointer":"/b/c~1d","to":"number"}])"),
           R"({"a": 1, "b":{"c/d":1299.50,"e":null}})");
  CHECK_EQ(fix(item, R"([{"action":"cast","pointer":"/b/c~1d","to":"integer"}])"), item);
  CHECK_EQ(fix(item, R"([{"action":"cast","pointer":"/a","to":"string"}])"),
           R"({"a": "1", "b":{"c/d":"1.299,50","e":null}})");
  CHECK_EQ(fix(item, R"([{"action":"cast","pointer":"/a","to":"boolean"}])"),
           R"({"a": true, "b":{"c/d":"1.299,50","e":null}})");
  CHECK_EQ(fix(item, R"([{"action":"default","pointer":"/b/e","value":[1]}])"),
           R"({"a": 1, "b":{"c/d":"1.299,50","e":[1]}})");
  CHECK_EQ(fix(item, R"([{"action":"default","pointer":"/b/f~0","value":2}])"),
           R"({"a": 1, "b":{"f~":2,"c/d":"1.299,50","e":null}})");
  CHECK_EQ(fix(item, R"([{"action":"default","pointer":"/a","value":2}])"), item);
  CHECK_EQ(fix("{}", R"([{"action":"default","pointer":"/a","value":2}])"), R"({"a":2})");
  CHECK_EQ(fix(item, R"([{"action":"drop","pointer":"/b/e"},{"action":"drop","pointer":"/z"}])"),
           R"({"a": 1, "b":{"c/d":"1.299,50"}})");
  CHECK_EQ(fix("[1]", R"([{"action":"drop","pointer":"/0"}])"), "the item is no JSON object");
  JsonDocument bad;
  REQUIRE(bad.own(R"([{"action":"explode","pointer":"/a"}])").ok());
  CHECK_FALSE(read_fixes(bad.tape(), 0).ok());
}

TEST_CASE("a dry run shows before, after and what would still be wrong, and sends nothing") {
  Bench bench;
  const auto answer = bench.ask(
      "replay_quarantine", {},
      R"({"filter":{"reason":"it's"},"fixes":[{"action":"rename","pointer":"/properties/order","to":"order_id"}]})");
  CHECK_EQ(answer.status, 200);
  CHECK(bench.sent.empty());
  REQUIRE_EQ(bench.statements.size(), 1);
  CHECK_NE(bench.statements[0].find("reason = 'it''s'"), std::string::npos);
  JsonDocument json;
  REQUIRE(json.own(answer.body).ok());
  const std::uint32_t item = node_at(json.tape(), 0, "/items/0");
  REQUIRE_NE(item, kNoNode);
  CHECK_EQ(text_of(json.tape(), item, "before"), bench.raw);
  CHECK_NE(text_of(json.tape(), item, "after").find(R"("order_id":"o'1")"), std::string::npos);
  CHECK_NE(text_of(json.tape(), item, "after").find(R"("messageId":"quarantine-0-17")"), std::string::npos);
  CHECK_EQ(text_of(json.tape(), node_at(json.tape(), 0, "/items/0/faults/0"), "pointer"),
           "/properties/revenue");
}

TEST_CASE("a replay sends the repaired item as its source, with the same id each time, and marks it") {
  Bench bench;
  const char* const body = R"({"fixes":[{"action":"drop","pointer":"/properties/revenue"}],"dry_run":false})";
  CHECK_NE(bench.ask("list_quarantine", {}).body.find(R"("state":"open")"), std::string::npos);
  const auto answer = bench.ask("replay_quarantine", {}, body);
  CHECK_NE(answer.body.find(R"("sent":1,"accepted":1,"quarantined":0)"), std::string::npos);
  CHECK_EQ(bench.marks->state({0, 17}), QuarantineState::replayed);
  CHECK_NE(bench.ask("list_quarantine", {}).body.find(R"("state":"replayed")"), std::string::npos);
  // The next one leaves it out, in SQL; were it sent all the same, it would be the same item.
  bench.ask("replay_quarantine", {}, body);
  CHECK_NE(bench.statements.back().find(R"(NOT (("partition" = 0 AND "offset" IN (17))))"),
           std::string::npos);
  REQUIRE_EQ(bench.sent.size(), 2);
  CHECK_EQ(bench.sent[0], bench.sent[1]);
  CHECK_EQ(bench.sent[0].substr(0, 24), R"(web /v1/import {"batch":)");
  CHECK_NE(bench.sent[0].find(R"("replayed_from":"0/17")"), std::string::npos);
  bench.raw = "not json";
  CHECK_NE(bench.ask("replay_quarantine", {}, body).body.find(R"("not_repairable":1)"), std::string::npos);
  CHECK_EQ(bench.sent.size(), 2);
}

TEST_CASE("an item that its visitor's consent keeps out is done with, and counted") {
  for (const std::string verdict : {"consent_dropped", "suppressed"}) {
    Bench bench;
    bench.answer_of_door =
        R"({"success":true,"received":1,"accepted":0,"quarantined":0,"items":[{"index":0,"verdict":")" +
        verdict + R"("}]})";
    const auto answer = bench.ask("replay_quarantine", {}, R"({"dry_run":false})");
    CHECK_NE(answer.body.find(R"("accepted":0,"quarantined":0,"dropped":1,)"), std::string::npos);
    CHECK_EQ(bench.marks->state({0, 17}), QuarantineState::replayed);
  }
}

TEST_CASE("what is turned away again is no item more to mend, however often a replay fails") {
  Bench bench;
  const std::string repeats(QuarantineMarks::repeats());
  bench.ask("replay_quarantine", {}, R"({"dry_run":false})");
  CHECK_NE(bench.statements.back().find("AND NOT " + repeats), std::string::npos);
  // The mark that the condition looks for is the first that the bytes of a replay say.
  const auto mark = [&](const std::string& item) { return item.rfind(R"({"replayed_from":")", 0) == 0; };
  const std::string sent = bench.sent.back();
  CHECK(mark(sent.substr(sent.find('[') + 1)));
  bench.ask("list_quarantine", {}, {}, {{"state", "open"}});
  CHECK_NE(bench.statements.back().find("AND NOT " + repeats), std::string::npos);
  bench.ask("list_quarantine", {}, {}, {{"state", "repeated"}});
  CHECK_NE(bench.statements.back().find(") AND " + repeats), std::string::npos);
  // What has no mark yet: the one of this bench was taken above.
  Bench another;
  CHECK_NE(another.ask("list_quarantine", {}).body.find(R"("state":"open")"), std::string::npos);
  another.repeated = "true";
  CHECK_NE(another.ask("list_quarantine", {}).body.find(R"("state":"repeated")"), std::string::npos);
  CHECK_EQ(another.ask("mark_quarantined", {"0", "17"}, R"({"state":"repeated"})").status, 400);
  CHECK_EQ(another.ask("mark_quarantined", {"0", "17"}, R"({"state":"ignored"})").status, 200);
  CHECK_NE(another.ask("list_quarantine", {}).body.find(R"("state":"ignored")"), std::string::npos);
}

TEST_CASE("an item that is turned away again stays open, and one that a person left is ignored") {
  Bench bench;
  bench.answer_of_door =
      R"({"success":true,"received":1,"accepted":0,"quarantined":1,"items":[{"index":0,"verdict":"quarantined"}]})";
  bench.ask("replay_quarantine", {}, R"({"dry_run":false})");
  CHECK_EQ(bench.marks->state({0, 17}), QuarantineState::open);
  CHECK_EQ(bench.ask("mark_quarantined", {"0", "17"}, R"({"state":"replayed"})").status, 400);
  CHECK_EQ(bench.ask("mark_quarantined", {"0", "x"}, R"({"state":"ignored"})").status, 400);
  CHECK_EQ(bench.ask("mark_quarantined", {"0", "17"}, R"({"state":"ignored"})").status, 200);
  CHECK_EQ(bench.marks->state({0, 17}), QuarantineState::ignored);
  CHECK_EQ(*disk::read_file(bench.disk, "contracts/quarantine"),
           "ignored 0 17 " + std::to_string(bench.clock.wall().ms) + "\n");
  const auto again = QuarantineMarks::open(bench.disk, bench.clock);
  REQUIRE(again.ok());
  CHECK_EQ((*again)->state({0, 17}), QuarantineState::ignored);
  CHECK_EQ((*again)->condition(QuarantineState::replayed), "(false)");
  bench.ask("list_quarantine", {}, {}, {{"state", "ignored"}});
  CHECK_NE(bench.statements.back().find(R"(WHERE (("partition" = 0 AND "offset" IN (17))))"),
           std::string::npos);
  CHECK_EQ(bench.ask("list_quarantine", {}, {}, {{"state", "lost"}}).status, 400);
  CHECK_EQ(bench.ask("mark_quarantined", {"0", "17"}, R"({"state":"open"})").status, 200);
  CHECK_EQ(bench.marks->state({0, 17}), QuarantineState::open);
}

TEST_CASE("items of other dialects go back through their own endpoints, as the same event at its own time") {
  const auto replayed = [](std::string item) {
    JsonDocument document;
    REQUIRE(document.own(item).ok());
    const auto form = replay_form(document.tape());
    REQUIRE(form);
    const std::string marked = marked_for_replay(item, *form, {"0", "17", {1'795'000'000'000}});
    CHECK_EQ(marked_for_replay(marked, *form, {"0", "17", {1'799'000'000'000}}), marked);
    return std::string(replay_path(*form)) + " " + replay_body(*form, {marked, marked});
  };
  const std::string snowplow =
      replayed(R"({"e":"pv","duid":"d","dtm":"1794999990000","stm":"1794999999000"})");
  CHECK_NE(snowplow.find(R"(/com.snowplowanalytics.snowplow/tp2 {"data":[{)"), std::string::npos);
  CHECK_NE(snowplow.find(R"("eid":"quarantine-0-17")"), std::string::npos);
  CHECK_NE(snowplow.find(R"("ttm":"1794999991000")"), std::string::npos);
  const std::string protocol = replayed(R"({"client_id":"c","name":"purchase","params":{"value":5}})");
  CHECK_NE(protocol.find(R"(/mp/collect {"events":[{)"), std::string::npos);
  CHECK_NE(protocol.find(R"("timestamp_micros":"1795000000000000")"), std::string::npos);
  CHECK_NE(protocol.find(R"("messageId":"quarantine-0-17")"), std::string::npos);
  const std::string hit = replayed(
      R"({"v":"2","tid":"G","cid":"c","en":"purchase","ep":{"a b":"x&y"},"epn":{"value":"5"},"items":[{"id":"p","size":"4~3"}]})");
  CHECK_NE(hit.find("&tid=G&cid=c&en=purchase&ep%2Ea%20b=x%26y&epn%2Evalue=5&pr1=idp%7Ek0size%7Ev04%7E%7E3"),
           std::string::npos);
  CHECK_NE(hit.find("\n"), std::string::npos);
  // Whatever members it has besides, a webhook is one by its mark.
  const std::string hook = replayed(R"({"type":"paid","millrace_webhook":{"kind":"json"}})");
  CHECK_NE(hook.find(R"(/webhooks/replay {"batch":[{)"), std::string::npos);
  CHECK_NE(hook.find(R"("millrace_webhook":{"received_at":1795000000000,"kind":"json"})"), std::string::npos);
  CHECK_NE(hook.find(R"("messageId":"quarantine-0-17")"), std::string::npos);
  CHECK_NE(hook.find(R"("replayed_from":"0/17")"), std::string::npos);
  for (const char* item :
       {R"({"id":5,"line_items":[]})", R"({"type":"track","event":"x","batch_left_out":true})"}) {
    JsonDocument document;
    REQUIRE(document.own(item).ok());
    CHECK_FALSE(replay_form(document.tape()));
  }
}

TEST_CASE("a call without a time of its own is replayed as of its receipt, one with a time as it is") {
  const ReplayedFrom from{"0", "17", {1'795'000'000'000}};
  const auto marked = [&](std::string item) {
    return marked_for_replay(std::move(item), ReplayForm::call, from);
  };
  const std::string without = marked(R"({"type":"track","event":"x","originalTimestamp":"soon"})");
  CHECK_NE(without.find(R"("originalTimestamp":"2026-11-18T11:06:40.000Z")"), std::string::npos);
  CHECK_EQ(without.find("soon"), std::string::npos);
  CHECK_EQ(marked_for_replay(without, ReplayForm::call, {"0", "17", {1'799'000'000'000}}), without);
  for (const char* const member :
       {R"("timestamp":"2026-11-01T00:00:00Z")", R"("originalTimestamp":"2026-11-01T00:00:00Z")"}) {
    const std::string with = marked(std::string(R"({"type":"track","event":"x",)") + member + "}");
    CHECK_NE(with.find(member), std::string::npos);
    CHECK_EQ(with.find("2026-11-18"), std::string::npos);
  }
}

TEST_CASE("what a filter does not know is refused, and never reaches SQL") {
  Bench bench;
  CHECK_EQ(bench.ask("list_quarantine", {}, {}, {{"n", "0"}}).status, 400);
  CHECK_EQ(bench.ask("list_quarantine", {}, {}, {{"where", "1=1"}}).status, 400);
  CHECK_EQ(bench.ask("list_quarantine", {}, {}, {{"from", "now()"}}).status, 400);
  CHECK_EQ(bench.ask("list_quarantine", {}, {}, {{"after", "0/1 OR 1=1"}}).status, 400);
  CHECK_EQ(bench.ask("get_quarantined", {"0", "1;"}).status, 400);
  CHECK_EQ(bench.ask("replay_quarantine", {}, R"({"filter":{"x":1}})").status, 400);
  CHECK_EQ(bench.ask("replay_quarantine", {}, R"({"limit":501})").status, 400);
  CHECK_EQ(bench.ask("replay_quarantine", {}, "[]").status, 400);
  CHECK(bench.statements.empty());
  CHECK_EQ(
      bench.ask("list_quarantine", {}, {}, {{"source", "it's"}, {"n", "5"}, {"from", "2026-11-21"}}).status,
      200);
  CHECK_NE(
      bench.statements[0].find("source = 'it''s' AND received_at >= TIMESTAMPTZ '2026-11-21T00:00:00.000Z'"),
      std::string::npos);
}

TEST_CASE("one item is shown whole with what is wrong with it now") {
  Bench bench;
  const auto answer = bench.ask("get_quarantined", {"0", "17"});
  JsonDocument json;
  REQUIRE(json.own(answer.body).ok());
  CHECK_EQ(text_of(json.tape(), 0, "text"), bench.raw);
  CHECK_EQ(*decode_base64(text_of(json.tape(), 0, "raw")), bench.raw);
  CHECK_NE(node_at(json.tape(), 0, "/faults_now/0"), kNoNode);
}

TEST_CASE("the API stores, shows, checks and deletes schemas, and says why not") {
  Bench bench;
  const std::vector<std::string> name = {"shop", "spin", "jsonschema", "1-0-0"};
  CHECK_EQ(bench.ask("put_contract", name, R"({"minimum":3})").status, 200);
  CHECK_EQ(bench.ask("iglu_schema", name).body, R"({"minimum":3})");
  CHECK_NE(bench.ask("check_contract", name, "2").body.find(R"("keyword":"minimum")"), std::string::npos);
  CHECK_EQ(bench.ask("check_contract", name, "3").body, R"({"faults":[]})");
  CHECK_EQ(bench.ask("put_contract", {"shop", "spin", "jsonschema", "1-0-1"}, R"({"minimum":4})").status,
           409);
  CHECK_EQ(bench.ask("put_contract", {"shop", "spin", "jsonschema", "1-1-0"}, R"({"magic":4})").status, 400);
  CHECK_EQ(bench.ask("put_contract", {"..", "spin", "jsonschema", "1-1-0"}, "{}").status, 400);
  CHECK_EQ(bench.ask("put_contract", name, "{").status, 400);
  CHECK_EQ(
      bench.ask("set_contract_modes", {}, R"({"rules":[{"source":"web","contract":"spin","mode":"reject"}]})")
          .status,
      200);
  CHECK_EQ(bench.ask("set_contract_modes", {}, R"({"rules":[{"source":"nobody","mode":"reject"}]})").status,
           400);
  CHECK_EQ(bench.ask("set_contract_modes", {}, R"({"rules":[{"mode":"explode"}]})").status, 400);
  CHECK_NE(bench.ask("contract_modes", {}).body.find("reject"), std::string::npos);
  CHECK_NE(bench.ask("list_contracts", {}).body.find(R"("versions":["1-0-0"])"), std::string::npos);
  CHECK_EQ(bench.ask("delete_contract", name).status, 200);
  CHECK_EQ(bench.ask("get_contract", name).status, 404);
  CHECK_EQ(bench.ask("contract_violations", {}).status, 200);
  CHECK_EQ(bench.ask("set_quality_rules", {}, R"({"rules":[{"name":"t","kind":"timestamp"}]})").status, 200);
  CHECK_EQ(bench.ask("set_quality_rules", {}, R"({"rules":[{"name":"t","kind":"magic"}]})").status, 400);
  CHECK_NE(bench.ask("quality_rules", {}).body.find(R"("name":"t")"), std::string::npos);
  QualityBoard again;
  ContractApi reopened({bench.disk, *bench.registry, again, *bench.discovery, bench.quarantine});
  REQUIRE(reopened.load().ok());
  CHECK_EQ(again.rules()->size(), 1);
}

TEST_CASE(
    "samples of what broke a contract or a rule are shown without personal values, and ids cut only then") {
  Bench bench;
  ContractApi api({bench.disk, *bench.registry, bench.quality, *bench.discovery, bench.quarantine,
                   [](std::string_view text) {
                     const auto at = text.find("4111111111111111");
                     std::string clean(text);
                     return at == std::string_view::npos ? clean : clean.replace(at, 16, "T");
                   }});
  const std::string planted = "4111111111111111";
  const auto* contract =
      bench.registry->rules()->find(*SchemaKey::parse("com.millrace/order_completed/jsonschema/1-0-0"));
  REQUIRE(contract);
  contract->tally->add({{1},
                        "web",
                        std::string(56, 'i') + planted,
                        "1-0-0",
                        "/properties/" + planted,
                        "type",
                        "What " + planted + " is.",
                        Mode::observe});
  const auto tally = bench.quality.rules()->front();
  tally->samples.push_front({{1}, 0, "other", std::string(56, 'q') + planted, "It is wrong."});
  for (const char* operation : {"contract_violations", "quality_rules"}) {
    CAPTURE(operation);
    http::Response answer;
    api.answer(operation, {}, [&](http::Response given) { answer = std::move(given); });
    CAPTURE(answer.body);
    CHECK_EQ(answer.body.find("4111"), std::string::npos);
    CHECK_NE(answer.body.find("T"), std::string::npos);
  }
}
