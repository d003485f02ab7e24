#include <doctest/doctest.h>

#include "admin/access_guard.h"
#include "admin/audit_entry.h"
#include "admin/session_seal.h"
#include "admin/token_book.h"
#include "base/random.h"

using namespace millrace;
using namespace millrace::admin;

namespace {

constexpr base::WallTime kNow{1'795'258'800'000};

struct Clock final : base::Clock {
  base::Instant now() const override { return {}; }
  base::WallTime wall() const override { return time; }
  base::WallTime time = kNow;
};

TokenSeed seed(char digit) { return {std::string(12, digit), std::string(64, digit)}; }

using Headers = std::vector<std::pair<std::string_view, std::string_view>>;
http::Request asking(http::Method method, Headers headers = {}) {
  http::Request request;
  request.method = method;
  request.headers = std::move(headers);
  if (request.header("Host").empty()) request.headers.emplace_back("Host", "localhost:8080");
  return request;
}

struct Door {
  explicit Door(AccessSettings settings = {})
      : guard(
            settings, SessionSeal(std::string(32, 'k')),
            [this](const http::Request&) { return key_admitted; }, clock) {}
  // The token's text.
  std::string add(Role role, char digit, base::WallTime expires_at = {}) {
    const auto made = book.create(role, std::string(to_string(role)) + digit, kNow, expires_at, seed(digit));
    REQUIRE(made);
    guard.replace(book);
    return *made;
  }
  int status(Access access, const http::Request& request) const {
    const auto refusal = guard.refuse(access, request);
    return refusal ? refusal->status : 200;
  }
  std::string code(Access access, const http::Request& request) const {
    const auto refusal = guard.refuse(access, request);
    if (!refusal) return "";
    const auto at = refusal->body.find("\"code\":\"") + 8;
    return refusal->body.substr(at, refusal->body.find('"', at) - at);
  }
  Clock clock;
  bool key_admitted = false;
  TokenBook book;
  AccessGuard guard;
};

}  // namespace

TEST_CASE("a token is known by its text alone, until it is revoked or has expired") {
  TokenBook book;
  const auto shown = book.create(Role::analyst, "bi tool", kNow, kNow + 1000, seed('a'));
  REQUIRE(shown);
  CHECK(shown->starts_with("mr_"));
  CHECK(shown->size() == 67);
  REQUIRE(book.find(*shown, kNow) != nullptr);
  CHECK(book.find(*shown, kNow)->name == "bi tool");
  CHECK(book.find(*shown, kNow + 1000) == nullptr);
  for (std::size_t i = 0; i < shown->size(); ++i) {
    std::string wrong = *shown;
    wrong[i] ^= 1;
    CHECK(book.find(wrong, kNow) == nullptr);
  }
  for (const std::string& wrong : {std::string(), std::string("mr_"), shown->substr(0, 66), *shown + "a",
                                   *shown + std::string(1, '\0'), std::string(100'000, 'm')}) {
    CHECK(book.find(wrong, kNow) == nullptr);
  }
  CHECK(book.text().find(shown->substr(3)) == std::string::npos);
  REQUIRE(book.revoke("bi tool"));
  CHECK(book.find(*shown, kNow) == nullptr);
  CHECK_FALSE(book.revoke("bi tool"));
}

TEST_CASE("a book of tokens is read back as it was written, and nothing else is") {
  TokenBook book;
  const auto a = book.create(Role::admin, "Ada L.", kNow, {}, seed('1'));
  const auto b = book.create(Role::viewer, "wall-screen@shop", kNow, kNow + 5, seed('2'));
  REQUIRE(a);
  REQUIRE(b);
  CHECK_FALSE(book.create(Role::viewer, "Ada L.", kNow, {}, seed('3')));
  CHECK_FALSE(book.create(Role::viewer, "late", kNow, kNow, seed('3')));
  for (const std::string name : {"", " x", "x ", "a\nb", "a\"b", "ümlaut"}) {
    CHECK_FALSE(book.create(Role::viewer, name, kNow, {}, seed('4')));
  }
  const std::string text = book.text();
  const auto again = TokenBook::parse(text);
  REQUIRE(again);
  CHECK(again->text() == text);
  CHECK(again->find(*a, kNow)->role == Role::admin);
  // SHA-256 of "mr_" and 64 times '1'.
  CHECK(text.starts_with("millrace tokens 1\ntoken 111111111111 admin 1795258800000 0 "));
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    const auto part = TokenBook::parse(text.substr(0, cut));
    if (part) CHECK(text[cut - 1] == '\n');
  }
  std::uint64_t state = 7;
  for (int i = 0; i < 2000; ++i) {
    std::string damaged = text;
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    damaged[(state >> 33) % damaged.size()] = static_cast<char>(state >> 20);
    (void)TokenBook::parse(damaged).ok();
  }
  CHECK(TokenBook::parse("")->tokens().empty());
  CHECK_FALSE(TokenBook::parse("millrace tokens 2\n"));
}

TEST_CASE("a session is good until its time, and only as it was sealed") {
  const SessionSeal seal(std::string(32, 'k'));
  const std::string sealed = seal.seal("abc", kNow + 1000);
  REQUIRE(seal.open(sealed, kNow));
  CHECK(seal.open(sealed, kNow)->token_id == "abc");
  CHECK(seal.open(sealed, kNow)->until == kNow + 1000);
  CHECK_FALSE(seal.open(sealed, kNow + 1000));
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string wrong = sealed;
    wrong[i] = wrong[i] == '1' ? '2' : '1';
    CHECK_FALSE(seal.open(wrong, kNow));
  }
  CHECK_FALSE(SessionSeal(std::string(32, 'x')).open(sealed, kNow));
  for (const std::string_view wrong : {"", ".", "..", "a.b.c", "abc.9999999999999"})
    CHECK_FALSE(seal.open(wrong, kNow));
}

TEST_CASE("with no token, on this machine, nothing is asked for; with one, or from the network, it is") {
  Door door;
  CHECK(door.status(Access::admin, asking(http::Method::post)) == 200);
  const auto token = door.add(Role::admin, 'a');
  CHECK(door.code(Access::viewer, asking(http::Method::get)) == "token_required");
  CHECK(door.status(Access::open, asking(http::Method::get)) == 200);
  CHECK(door.status(Access::health, asking(http::Method::get)) == 200);
  CHECK(door.status(Access::metrics, asking(http::Method::get)) == 401);
  const std::string bearer = "Bearer " + token;
  CHECK(door.status(Access::admin, asking(http::Method::post, {{"Authorization", bearer}})) == 200);

  AccessSettings network;
  network.reach = Reach::network;
  CHECK(Door(network).status(Access::viewer, asking(http::Method::get)) == 401);
  network.require = RequireToken::never;
  CHECK(Door(network).status(Access::admin, asking(http::Method::get)) == 200);
  AccessSettings always;
  always.require = RequireToken::always;
  always.health = Openness::viewer;
  always.metrics = Openness::open;
  CHECK(Door(always).status(Access::viewer, asking(http::Method::get)) == 401);
  CHECK(Door(always).status(Access::health, asking(http::Method::get)) == 401);
  CHECK(Door(always).status(Access::metrics, asking(http::Method::get)) == 200);
}

TEST_CASE("where nothing is asked for, a name that somebody may point at this machine is not taken as Host") {
  Door door;
  const auto code = [](const Door& at, Access access, std::string_view host) {
    return at.code(access, asking(http::Method::get, {{"Host", host}}));
  };
  for (const std::string_view host :
       {"localhost", "LOCALHOST:8080", "shop.localhost:8080", "127.0.0.1", "127.0.0.1:8080", "10.1.2.3:80",
        "[::1]", "[::1]:8080", "[fe80::1]:8080", "millrace", "millrace:8080"}) {
    CAPTURE(host);
    CHECK(code(door, Access::viewer, host).empty());
  }
  for (const std::string_view host :
       {"evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", "127.0.0.1.",
        "localhost.", "evil.", "evil.example:", "[::1].evil.example", "[evil.example]", "[::1",
        "127.0.0.1:80:80", "localhost.:8080", ".localhost."}) {
    CAPTURE(host);
    CHECK(code(door, Access::viewer, host) == "foreign_host");
    CHECK(code(door, Access::admin, host) == "foreign_host");
    CHECK(code(door, Access::open, host).empty());
    CHECK(code(door, Access::health, host).empty());
    CHECK(code(door, Access::write_key, host).empty());
  }
  const std::string bearer = "Bearer " + door.add(Role::viewer, 'a');
  CHECK(door.status(Access::viewer,
                    asking(http::Method::get, {{"Host", "shop.example"}, {"Authorization", bearer}})) == 200);
  AccessSettings never;
  never.require = RequireToken::never;
  CHECK(code(Door(never), Access::viewer, "shop.example").empty());
}

TEST_CASE("each role may do what those below it may, and no more") {
  Door door;
  const Role roles[] = {Role::viewer, Role::analyst, Role::operator_, Role::admin};
  const Access accesses[] = {Access::viewer, Access::analyst, Access::operator_, Access::admin};
  for (std::size_t r = 0; r < 4; ++r) {
    const std::string bearer = "bearer  " + door.add(roles[r], static_cast<char>('1' + r));
    for (std::size_t a = 0; a < 4; ++a) {
      CAPTURE(r);
      CAPTURE(a);
      CHECK(door.status(accesses[a], asking(http::Method::get, {{"authorization", bearer}})) ==
            (a <= r ? 200 : 403));
    }
  }
}

TEST_CASE("a wrong, revoked or doubled token is refused and said to be so, whatever else is shown") {
  Door door;
  const std::string right = "Bearer " + door.add(Role::admin, 'a');
  const auto get = [](Headers headers) { return asking(http::Method::get, std::move(headers)); };
  CHECK(door.code(Access::viewer, get({{"Authorization", "Bearer mr_wrong"}})) == "unknown_token");
  CHECK(door.code(Access::viewer, get({{"Authorization", right}, {"authorization", right}})) ==
        "ambiguous_authorization");
  CHECK(door.code(Access::viewer, get({{"Authorization", "Basic d2s6"}})) == "token_required");
  CHECK(door.code(Access::viewer, get({{"Authorization", "Bearer "}})) == "token_required");
  const std::string cookie = std::string("a=b; ") + std::string(AccessGuard::kCookie) + "=" +
                             SessionSeal(std::string(32, 'k')).seal(std::string(12, 'a'), kNow + 1000);
  CHECK(door.code(Access::viewer, get({{"Cookie", cookie}})).empty());
  CHECK(door.code(Access::viewer, get({{"Cookie", cookie}, {"Authorization", "Bearer mr_x"}})) ==
        "unknown_token");
  REQUIRE(door.book.revoke(std::string(12, 'a')));
  door.add(Role::admin, 'b');
  CHECK(door.code(Access::viewer, get({{"Authorization", right}})) == "unknown_token");
  CHECK(door.code(Access::viewer, get({{"Cookie", cookie}})) == "unknown_token");
}

TEST_CASE("an answer that goes on does so while whoever asked for it would be let in") {
  const auto cookie_until = [](base::WallTime until) {
    return std::string(AccessGuard::kCookie) + "=" +
           SessionSeal(std::string(32, 'k')).seal(std::string(12, 'a'), until);
  };
  Door door;
  const auto nobody = door.guard.identify(asking(http::Method::get));
  CHECK(door.guard.still_admits(nobody));
  const std::string bearer = "Bearer " + door.add(Role::viewer, 'a', kNow + 5000);
  CHECK_FALSE(door.guard.still_admits(nobody));  // Something is asked for now.
  const std::string cookie = cookie_until(kNow + 1000);
  const auto by_token = door.guard.identify(asking(http::Method::get, {{"Authorization", bearer}}));
  const auto by_session = door.guard.identify(asking(http::Method::get, {{"Cookie", cookie}}));
  CHECK(door.guard.still_admits(by_token));
  CHECK(door.guard.still_admits(by_session));
  door.clock.time = kNow + 1000;
  CHECK(door.guard.still_admits(by_token));
  CHECK_FALSE(door.guard.still_admits(by_session));
  door.clock.time = kNow + 5000;
  CHECK_FALSE(door.guard.still_admits(by_token));
  door.clock.time = kNow;
  REQUIRE(door.book.revoke(std::string(12, 'a')));
  door.add(Role::admin, 'b');
  CHECK_FALSE(door.guard.still_admits(by_token));
  CHECK_FALSE(door.guard.still_admits(by_session));
}

TEST_CASE("a session changes something only for a page of this server's own") {
  Door door;
  const std::string token = "Bearer " + door.add(Role::admin, 'a');
  const std::string cookie = std::string(AccessGuard::kCookie) + "=" +
                             SessionSeal(std::string(32, 'k')).seal(std::string(12, 'a'), kNow + 1000);
  const auto post = [&](Headers headers) {
    headers.emplace_back("Cookie", cookie);
    headers.emplace_back("Host", "shop.example:8080");
    return door.status(Access::operator_, asking(http::Method::post, std::move(headers)));
  };
  CHECK(post({{"Sec-Fetch-Site", "same-origin"}}) == 200);
  CHECK(post({{"Origin", "https://SHOP.example:8080"}}) == 200);
  CHECK(post({}) == 403);
  for (const std::string_view site : {"cross-site", "same-site", "none", "Same-Origin?"}) {
    CHECK(post({{"Sec-Fetch-Site", site}, {"Origin", "https://shop.example:8080"}}) == 403);
  }
  for (const std::string_view origin : {"https://evil.example", "null", "https://shop.example",
                                        "shop.example:8080", "https://shop.example:8080.evil.example"}) {
    CHECK(post({{"Origin", origin}}) == 403);
  }
  CHECK(door.status(Access::operator_, asking(http::Method::get, {{"Cookie", cookie}})) == 200);
  CHECK(door.status(Access::operator_,
                    asking(http::Method::post,
                           {{"Authorization", token}, {"Origin", "https://evil.example"}})) == 200);
  Door open;
  CHECK(open.status(Access::operator_, asking(http::Method::put, {{"Sec-Fetch-Site", "cross-site"}})) == 403);
  CHECK(open.status(Access::operator_, asking(http::Method::put, {{"Origin", "null"}})) == 403);
  CHECK(open.status(Access::operator_, asking(http::Method::put)) == 200);
}

TEST_CASE("a reservation takes a write key, or an operator") {
  Door door;
  const std::string viewer = "Bearer " + door.add(Role::viewer, 'a');
  const std::string operating = "Bearer " + door.add(Role::operator_, 'b');
  const auto post = [&](Headers headers) {
    return door.status(Access::write_key, asking(http::Method::post, std::move(headers)));
  };
  CHECK(post({}) == 401);
  CHECK(post({{"Authorization", viewer}}) == 403);
  CHECK(post({{"Authorization", operating}}) == 200);
  door.key_admitted = true;
  CHECK(post({{"Origin", "https://shop.example"}}) == 200);
}

TEST_CASE("the cookie of a session is for this server alone, and Secure where there is TLS") {
  Door door;
  door.add(Role::viewer, 'a');
  auto request = asking(http::Method::post);
  const Token token = door.book.tokens().front();
  const std::string clear = door.guard.session_cookie(token, request);
  CHECK(clear.find("HttpOnly") != std::string::npos);
  CHECK(clear.find("SameSite=Strict") != std::string::npos);
  CHECK(clear.find("Secure") == std::string::npos);
  request.scheme = http::Scheme::https;
  CHECK(door.guard.session_cookie(token, request).find("; Secure") != std::string::npos);
  CHECK(AccessGuard::end_of_session(request).find("Max-Age=0") != std::string::npos);
}

TEST_CASE("an act is one line, known to be whole, and holds whatever somebody calls things") {
  AuditEntry entry;
  entry.at = kNow;
  entry.act = "token.create";
  entry.target = "line\nbreak \"quoted\" \xff";
  entry.outcome = "done";
  entry.status = 201;
  entry.name = "Ada";
  entry.detail = std::string(10'000, 'x');
  const std::string line = audit_line(entry);
  CHECK(line.find('\n') == line.size() - 1);
  CHECK(line.size() < 1024);
  const std::string whole = line.substr(0, line.size() - 1);
  const auto json = audit_json(whole);
  REQUIRE_FALSE(json.empty());
  CHECK(audit_time(json) == kNow);
  CHECK(json.starts_with(
      R"({"at":"2026-11-21T11:00:00.000Z","act":"token.create","target":"line\nbreak \"quoted\" )"));
  for (std::size_t cut = 0; cut < whole.size(); ++cut) CHECK(audit_json(whole.substr(0, cut)).empty());
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string damaged = whole;
    damaged[i] ^= 4;
    CHECK(audit_json(damaged).empty());
  }
  CHECK(outcome_of(204) == "done");
  CHECK(outcome_of(409) == "refused");
  CHECK(outcome_of(503) == "failed");
}
