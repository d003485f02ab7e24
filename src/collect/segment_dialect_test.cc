#include "collect/segment_dialect.h"

#include <doctest/doctest.h>
#include <zlib.h>

#include "collect/answers.h"
#include "collect/endpoint_paths.h"
#include "collect/segment_pixel.h"
#include "collect/sink_recorder.h"

using namespace millrace;
using namespace millrace::collect;
using event::Text;

namespace {

constexpr base::WallTime kNow{1'750'000'000'000};
using Headers = std::vector<std::pair<std::string_view, std::string_view>>;

SourceTable closed_sources() {
  return *SourceTable::make({{1, "shop", "wk", "", true},
                             {2, "app", "wk2", "", true},
                             {3, "server", "wk3", "s3cret", true},
                             {4, "old", "gone", "", false}},
                            {});
}

ItemLimits small_limits() {
  ItemLimits limits;
  limits.inflated_bytes_max = 100'000;
  limits.items_max = 10;
  return limits;
}

// One request after the other through one reader, with the answer its client would get.
class Door {
 public:
  explicit Door(SourceTable sources = closed_sources())
      : sources_(std::move(sources)), dialect(sources_, small_limits()), reader_(dialect.reader()) {}

  http::Response post(std::string_view target, std::string_view body, Headers headers = {}) {
    return send(http::Method::post, target, body, std::move(headers));
  }
  http::Response get(std::string_view target, Headers headers = {}) {
    return send(http::Method::get, target, {}, std::move(headers));
  }
  http::Response send(http::Method method, std::string_view target, std::string_view body, Headers headers) {
    http::Request request;
    request.method = method;
    request.target = target;
    request.headers = std::move(headers);
    request.body = body;
    REQUIRE(http::parse_target(target, request));
    const auto recorder_of_answer = std::make_shared<http::Response>();
    http::Router router;
    for (const auto& endpoint : dialect.endpoints()) {
      for (const std::string& path : paths_of(endpoint)) {
        router.add(
            endpoint.method, path,
            [this, endpoint, recorder_of_answer](const http::Request& asked, http::Responder responder) {
              *recorder_of_answer = endpoint.role == Dialect::Endpoint::Role::informs
                                        ? dialect.inform(asked, endpoint.id)
                                        : collect(asked, endpoint.id);
              std::move(responder).send({});
            });
      }
    }
    recorder_of_answer->status = 404;
    router.dispatch(request, http::Responder(std::make_shared<Ignored>()));
    return *recorder_of_answer;
  }

  SinkRecorder sink;

 private:
  struct Ignored final : http::Responder::Connection {
    void send(http::Response) override {}
    std::shared_ptr<http::Stream> stream(http::Response) override { return nullptr; }
  };
  http::Response collect(const http::Request& request, int endpoint) {
    sink.intake.begin(kNow, request.body.size());
    if (const auto refusal = reader_->read(request, endpoint, kNow, sink.intake)) {
      return dialect.refuse(request, endpoint, *refusal);
    }
    auto response = dialect.answer(request, endpoint, sink.intake.outcome());
    sink.decode();
    return response;
  }
  const SourceTable sources_;

 public:
  const SegmentDialect dialect;

 private:
  const std::unique_ptr<Reader> reader_;
};

std::string_view header(const http::Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return {};
}

std::string gzipped(std::string_view text) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

bool has_code(const http::Response& response, std::string_view code) {
  return response.body.find("{\"error\":{\"code\":\"" + std::string(code) + "\"") == 0;
}

const std::string kTrack = R"({"type":"track","event":"x","userId":"u","messageId":"m"})";

}  // namespace

TEST_CASE("every way to carry a write key is taken, and the head goes before the body") {
  struct Row {
    std::string_view target;
    Headers headers;
    std::string body;
    int status;
    int source;
  };
  const std::string batch = R"({"batch":[)" + kTrack + "]}";
  const Row rows[] = {
      {"/v1/track", {{"Authorization", "Basic d2s6"}}, kTrack, 200, 1},
      {"/v1/track", {{"Authorization", "Basic d2s"}}, kTrack, 200, 1},
      {"/v1/track?writeKey=wk2", {}, kTrack, 200, 2},
      {"/v1/track",
       {{"X-Write-Key", "wk3:s3cret"}},
       R"({"event":"x","userId":"u","writeKey":"wk3:***"})",
       200,
       3},
      {"/v1/track", {{"X-Write-Key", "wk3:wrong"}}, kTrack, 401, 0},
      {"/v1/track", {{"X-Write-Key", "wk3"}}, kTrack, 401, 0},
      {"/v1/track", {}, R"({"event":"x","userId":"u","writeKey":"wk2"})", 200, 2},
      {"/v1/track",
       {{"Authorization", "Bearer t"}},
       R"({"event":"x","userId":"u","writeKey":"wk2"})",
       200,
       2},
      {"/v1/track",
       {{"Authorization", "Basic d2s6"}},
       R"({"event":"x","userId":"u","writeKey":"wk2"})",
       200,
       1},
      {"/v1/track",
       {{"Authorization", "Basic bm9uZTo="}},
       R"({"event":"x","userId":"u","writeKey":"wk2"})",
       401,
       0},
      {"/v1/track", {}, kTrack, 401, 0},
      {"/v1/track", {}, R"({"event":"x","userId":"u","writeKey":"gone"})", 404, 0},
      {"/v1/batch", {}, R"({"writeKey":"wk2","batch":[)" + kTrack + "]}", 200, 2},
      {"/v1/batch", {}, R"({"batch":[)" + kTrack + R"(],"writeKey":"wk2"})", 200, 2},
      {"/v1/batch", {}, R"({"batch":[)" + kTrack + R"(],"writeKey":"none"})", 401, 0},
      {"/v1/batch", {}, R"({"batch":[{"type":"track","event":"x","userId":"u","writeKey":"wk2"}]})", 200, 2},
      {"/v1/batch", {}, batch, 401, 0},
      {"/beacon/v1/batch?writeKey=wk", {{"Content-Type", "text/plain"}}, batch, 200, 1},
  };
  for (const Row& row : rows) {
    CAPTURE(row.target);
    CAPTURE(row.body);
    Door door;
    const auto response = door.post(row.target, row.body, row.headers);
    CHECK(response.status == row.status);
    if (row.status != 200) continue;
    REQUIRE(door.sink.events.size() == 1);
    CHECK(door.sink.events[0].source == row.source);
  }
}

TEST_CASE("items with a foreign write key are refused and not stored, the others are taken") {
  Door door;
  const auto response =
      door.post("/v1/batch", R"({"batch":[{"type":"track","event":"x","userId":"u","writeKey":"wk"},)"
                             R"({"type":"track","event":"x","userId":"u","writeKey":"zz"}]})");
  CHECK(response.status == 200);
  CHECK(
      response.body.find(
          R"("received":2,"accepted":1,"quarantined":0,"refused":1,"items":[{"index":1,"verdict":"refused",)"
          R"("reason":"unknown_write_key")") != std::string::npos);
  CHECK(door.sink.events.size() == 1);
  CHECK(door.sink.quarantined.empty());
}

TEST_CASE("an open door takes any write key and none") {
  Door door(*SourceTable::make({{1, "shop", "wk", "", true}}, {true, 0, "default"}));
  CHECK(door.post("/v1/track", kTrack).status == 200);
  CHECK(door.sink.events.at(0).source == 0);
  CHECK(door.post("/v1/track?writeKey=whatever", kTrack).status == 200);
  CHECK(door.post("/v1/track?writeKey=wk", kTrack).status == 200);
  CHECK(door.sink.events.at(0).source == 1);
}

TEST_CASE("the content type says nothing, and gzip is undone with or without its header") {
  const std::string batch = R"({"batch":[)" + kTrack + "," + kTrack + "]}";
  const std::string packed = gzipped(batch);
  for (const std::string_view type :
       {"text/plain", "application/x-www-form-urlencoded", "application/json;charset=UTF-8", ""}) {
    Door door;
    const Headers head = {{"X-Write-Key", "wk"}, {"Content-Type", type}};
    CHECK(door.post("/v1/batch", batch, head).status == 200);
    CHECK(door.post("/v1/batch", packed, head).status == 200);
    CHECK(door.sink.events.size() == 2);
    Headers coded = head;
    coded.emplace_back("Content-Encoding", "gzip");
    CHECK(door.post("/v1/batch", packed, coded).status == 200);
    CHECK(door.sink.events.size() == 2);
  }
}

TEST_CASE("a body that is no request as a whole is refused by name, and nothing of it is kept") {
  struct Row {
    std::string_view target;
    std::string body;
    Headers more;
    int status;
    std::string_view code;
  };
  std::string eleven = R"({"batch":[)" + kTrack;
  for (int i = 0; i < 10; ++i) eleven += "," + kTrack;
  eleven += "]}";
  const std::string half = R"({"batch":[)" + kTrack + R"(,{"type":"tra)";
  const Row rows[] = {
      {"/v1/track", "", {}, 400, "invalid_json"},
      {"/v1/track", "   ", {}, 400, "invalid_json"},
      {"/v1/track", "{", {}, 400, "invalid_json"},
      {"/v1/track", R"({"event":"x","userId":"u")", {}, 400, "invalid_json"},
      {"/v1/track", R"({"event":"x","userId":"u"}})", {}, 400, "invalid_json"},
      {"/v1/track", R"({"event":tru})", {}, 400, "invalid_json"},
      {"/v1/track", "event=x&userId=u", {}, 400, "invalid_json"},
      {"/v1/track", "\xff\xfe{", {}, 400, "invalid_json"},
      {"/v1/batch", half, {}, 400, "invalid_json"},
      {"/v1/batch", R"({"batch":[)" + kTrack + "},", {}, 400, "invalid_json"},
      {"/v1/batch", R"({"batch":[)" + kTrack + " " + kTrack + "]}", {}, 400, "invalid_json"},
      {"/v1/batch", R"({"batch":[)" + kTrack + ",]}", {}, 400, "invalid_json"},
      {"/v1/batch", R"({"batch":[,]})", {}, 400, "invalid_json"},
      {"/v1/batch", R"({"batch":[{]})", {}, 400, "invalid_json"},
      {"/v1/batch", R"({"batch":{}})", {}, 400, "missing_batch"},
      {"/v1/batch", R"({"items":[]})", {}, 400, "missing_batch"},
      {"/v1/batch", R"([])", {}, 400, "missing_batch"},
      {"/v1/batch", "7", {}, 400, "missing_batch"},
      {"/v1/batch", eleven, {}, 413, "too_many_items"},
      {"/v1/batch", gzipped(std::string(200'000, ' ') + "{}"), {}, 413, "inflated_too_large"},
      {"/v1/batch", gzipped("{}").substr(0, 10), {}, 400, "invalid_gzip"},
      {"/v1/batch", "{}", {{"Content-Encoding", "gzip"}}, 400, "invalid_gzip"},
      {"/v1/batch", "{}", {{"Content-Encoding", "br"}}, 415, "unsupported_encoding"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.body.substr(0, 100));
    Door door;
    Headers headers = {{"X-Write-Key", "wk"}};
    headers.insert(headers.end(), row.more.begin(), row.more.end());
    const auto response = door.post(row.target, row.body, headers);
    CHECK(response.status == row.status);
    CHECK(has_code(response, row.code));
    CHECK(door.sink.events.empty());
    // The reader is whole afterwards.
    CHECK(door.post("/v1/track", kTrack, {{"X-Write-Key", "wk"}}).status == 200);
    CHECK(door.sink.events.size() == 1);
  }
}

TEST_CASE("the answer of a batch lists what was not accepted") {
  Door door;
  const Headers head = {{"X-Write-Key", "wk"}};
  CHECK(door.post("/v1/batch", R"({"batch":[]})", head).body ==
        R"({"success":true,"received":0,"accepted":0,"quarantined":0,"items":[]})");
  CHECK(
      door.post("/v1/batch",
                R"({"batch":[{"type":"track","event":"x"},)" + kTrack +
                    R"(,{"type":"track","event":"x","userId":[]}]})",
                head)
          .body ==
      R"({"success":true,"received":3,"accepted":1,"quarantined":2,"items":[{"index":0,"verdict":"quarantined","reason":)"
      R"("missing_identity","pointer":"","detail":"An item needs an anonymous id or a user id of its visitor."},{"index":2,"verdict":)"
      R"("quarantined","reason":"invalid_type","pointer":"/userId","detail":"This value must be a string."}]})");
}

TEST_CASE("browsers are let in from any origin") {
  Door door;
  const auto preflight =
      door.send(http::Method::options, "/v1/t", {},
                {{"Origin", "https://shop.example"},
                 {"Access-Control-Request-Method", "POST"},
                 {"Access-Control-Request-Headers", "anonymousid,authorization,content-type,sentat"}});
  CHECK(preflight.status == 204);
  CHECK(header(preflight, "Access-Control-Allow-Origin") == "https://shop.example");
  CHECK(header(preflight, "Access-Control-Allow-Credentials") == "true");
  CHECK(header(preflight, "Access-Control-Allow-Headers") == "anonymousid,authorization,content-type,sentat");
  CHECK(header(preflight, "Access-Control-Allow-Methods") == "GET, POST, OPTIONS");
  CHECK(std::stoi(std::string(header(preflight, "Access-Control-Max-Age"))) >= 900);
  for (const std::string_view key : {"wk", "none"}) {  // Errors too: without, a page cannot read why.
    const auto answer =
        door.post("/v1/t", kTrack, {{"Origin", "https://shop.example"}, {"X-Write-Key", key}});
    CHECK(header(answer, "Access-Control-Allow-Origin") == "https://shop.example");
    CHECK(header(answer, "Vary") == "Origin");
  }
  CHECK(door.post("/v1/t", kTrack, {{"X-Write-Key", "wk"}}).headers.empty());
}

TEST_CASE("a pixel is an image whatever happens, and its query is an item") {
  Door door;
  const auto response = door.get(
      "/pixel/v1/"
      "track?writeKey=wk&anonymousId=v&event=Product%20Viewed&properties.product_id=p1&properties.price=9.5"
      "&context.page.title=T",
      {{"User-Agent", "Firefox"}, {"Referer", "https://shop.example/p1?gclid=1"}});
  CHECK(response.status == 200);
  CHECK(response.content_type == "image/gif");
  CHECK(response.body == kPixelGif);
  CHECK(response.body.size() == 43);
  REQUIRE(door.sink.events.size() == 1);
  const auto& event = door.sink.events[0];
  CHECK(event.type == event::EventType::product_viewed);
  CHECK(event.products.at(0).price == event::Money{9'500'000});
  CHECK(event[Text::page_title] == "T");
  CHECK(event[Text::user_agent] == "Firefox");
  CHECK(event[Text::page_path] == "/p1");
  CHECK(event[Text::click_id] == "gclid");
  // {"writeKey":"wk","userId":"u"} in base64, as Segment's image does.
  CHECK(door.get("/pixel/v1/page?data=eyJ3cml0ZUtleSI6IndrIiwidXNlcklkIjoidSJ9").body == kPixelGif);
  CHECK(door.sink.events.at(0)[Text::user_id] == "u");
  for (const std::string_view bad :
       {"/pixel/v1/track", "/pixel/v1/track?writeKey=none&userId=u&event=x", "/pixel/v1/page?data=!!",
        "/pixel/v1/page?data=AAAA", "/pixel/v1/track?writeKey=wk"}) {
    CHECK(door.get(bad).status == 200);
    CHECK(door.get(bad).body == kPixelGif);
  }
}

TEST_CASE("browser SDKs find their settings") {
  Door door;
  const auto settings = door.get("/v1/projects/wk/settings", {{"Host", "c.shop.example:8080"}});
  CHECK(settings.status == 200);
  CHECK(settings.body.find(
            R"({"integrations":{"Segment.io":{"apiKey":"wk","apiHost":"c.shop.example:8080/v1")") == 0);
  CHECK(door.get("/v1/projects/none/settings").status == 404);
  for (const std::string_view path : {"/sourceConfig/?writeKey=wk&p=npm", "/sourceConfig?writeKey=wk"}) {
    const auto configuration = door.get(path);
    CHECK(configuration.status == 200);
    CHECK(configuration.body.find(R"({"source":{"id":"shop","name":"shop","writeKey":"wk","enabled":true)") ==
          0);
  }
  CHECK(door.get("/sourceConfig/?writeKey=gone").body.find(R"("enabled":false)") != std::string::npos);
  CHECK(door.get("/sourceConfig/").status == 400);
  CHECK(door.get("/health").body == R"({"status":"ok"})");
}

TEST_CASE(
    "Jitsu's clients post a call to its own path, with the key in a header that goes before the masked one") {
  Door door;
  const std::string body =
      R"({"type":"track","event":"Product Viewed","anonymousId":"v","messageId":"m","writeKey":"wk3:***"})";
  for (const std::string_view path : {"/api/s/track", "/api/s/s2s/track"}) {
    CHECK(door.post(path, body, {{"X-Write-Key", "wk3:s3cret"}}).status == 200);
    REQUIRE(door.sink.events.size() == 1);
    CHECK(door.sink.events[0].source == 3);
    CHECK(door.post(path, body, {{"X-Write-Key", "wk3:wrong"}}).status == 401);
  }
}
