"""Write keys: made, rotated, revoked and limited while it serves, with the ledger closing after each."""
import base64
import hashlib
import hmac
import time

from rig import Server, command, passed, until

CONFIG = """
[collect]
unknown_write_keys = "refuse"
[lake]
commit_interval_ms = 300
[[source]]
name = "fixed"
write_key = "wk-fixed"
"""


def track(server, key, n=1, headers=(), visitor="v"):
    body = {"batch": [{"type": "track", "event": "Product Viewed", "anonymousId": f"{visitor}{i}", "properties": {"product_id": "p", "n": time.time_ns()}} for i in range(n)]}
    return server.ask("POST", "/v1/batch", body, headers=[f"X-Write-Key: {key}", *headers])


def ledger(server, received):
    def total():
        got = server.ask("GET", "/v1/ledger").json["total"]
        return got if got["received"] >= received else None
    found = until(f"the ledger counts {received}", total)
    assert found["received"] == received == sum(found[v] for v in ("accepted", "duplicate", "quarantined", "suppressed", "bot", "consent_dropped")), found


def lifetimes(server):
    made = server.ask("POST", "/v1/admin/keys", {"source": "web shop"})
    assert made.status == 201 and made.json["write_key"].startswith("wk_"), made.body
    first = made.json["write_key"]
    sent = 0
    assert track(server, first, 3).json["accepted"] == 3, "in effect when it is answered"
    sent += 3
    listed = server.ask("GET", "/v1/admin/keys")
    assert first not in listed.body and listed.json["keys"][0]["key_ends"] == "..." + first[-4:], listed.body
    assert server.ask("POST", "/v1/admin/keys", {"source": "web shop"}).status == 409
    second = server.ask("POST", "/v1/admin/keys/web%20shop/rotate", {"grace_s": 2}).json["write_key"]
    assert second != first
    assert track(server, first).status == 200 and track(server, second).status == 200
    sent += 2
    until("the old key's time is over", lambda: track(server, first, 0).status == 401, 10)
    assert track(server, second).status == 200
    sent += 1
    third = server.ask("POST", "/v1/admin/keys/web%20shop/rotate", {"grace_s": 0}).json["write_key"]
    assert (track(server, second).status, track(server, second).code) == (401, "unknown_write_key")
    assert server.ask("PUT", "/v1/admin/keys/web%20shop", {"state": "disabled"}).status == 200
    assert (track(server, third).status, track(server, third).code) == (404, "source_disabled")
    assert server.ask("PUT", "/v1/admin/keys/web%20shop", {"state": "enabled"}).status == 200
    assert track(server, third).status == 200
    sent += 1
    assert server.ask("DELETE", "/v1/admin/keys/web%20shop").status == 200
    assert track(server, third).status == 401
    assert track(server, "wk-fixed").status == 200
    sent += 1
    ledger(server, sent)
    def by_source():
        rows = server.ask("POST", "/v1/sql", {"sql": "select source, count(*) from conformed.events group by 1 order by 1"}).json["rows"]
        return rows if rows == [["fixed", 1], ["web shop", sent - 1]] else None
    until("the tables know the source by its name", by_source)
    names = [row["source"] for row in server.ask("GET", "/v1/ledger?step=range").json["rows"]]
    assert sorted(names) == ["fixed", "web shop"], names
    for wrong in ({}, {"source": "default"}, {"source": "a\nb"}, {"source": "x", "origins": ["shop.example"]}, {"source": "x", "burst": 5}, {"source": "x", "events_per_s": -1},
                  {"source": "x", "secret": " y"}, {"source": "x", "mapping": "time = \"/at\""}, {"source": "x", "secret": "y", "mapping": "colour = 1"}, {"source": "x", "key": "y"}, {"source": "x", "origins": "https://a"}, {"source": "x", "state": "on"}):
        assert server.ask("POST", "/v1/admin/keys", wrong).status == 400, wrong
    assert server.ask("PUT", "/v1/admin/keys/nobody", {}).status == 404
    passed("keys: made, rotated with and without grace, disabled and revoked, each in effect when it is answered; the ledger closes")
    return sent


def origins(server, sent):
    key = server.ask("POST", "/v1/admin/keys", {"source": "pages", "origins": ["https://Shop.Example:443", "https://*.shop.example"]}).json["write_key"]
    for origin in ("https://shop.example", "https://www.shop.example", "https://a.b.shop.example"):
        answer = track(server, key, headers=[f"Origin: {origin}"])
        assert answer.status == 200 and answer.header("Access-Control-Allow-Origin") == origin, (origin, answer.head)
        sent += 1
    assert track(server, key).status == 200, "a client that is no browser"
    sent += 1
    for origin in ("https://evil.example", "http://shop.example", "https://shop.example.evil.example", "https://evilshop.example", "null", "https://shop.example:8443",
                   "https://.shop.example.evil", "https://evil.example/.shop.example"):
        answer = track(server, key, headers=[f"Origin: {origin}"])
        assert (answer.status, answer.code) == (403, "origin_not_allowed") and answer.header("Access-Control-Allow-Origin") is None, (origin, answer.head)
    assert track(server, key, headers=["Referer: https://evil.example/page"]).status == 403
    assert track(server, key, headers=["Referer: https://shop.example/page"]).status == 200
    sent += 1
    ask = ["Access-Control-Request-Method: POST", "Access-Control-Request-Headers: content-type"]
    good = server.ask("OPTIONS", f"/v1/batch?writeKey={key}", headers=["Origin: https://shop.example", *ask])
    assert good.status == 204 and good.header("Access-Control-Allow-Origin") == "https://shop.example"
    bad = server.ask("OPTIONS", f"/v1/batch?writeKey={key}", headers=["Origin: https://evil.example", *ask])
    assert bad.status == 403 and bad.header("Access-Control-Allow-Origin") is None
    assert server.ask("OPTIONS", "/v1/batch", headers=["Origin: https://evil.example", *ask]).status == 204, "which key is not known, and one takes any page"
    pixel = server.ask("GET", f"/i?e=pv&p=web&aid={key}", headers=["Referer: https://evil.example/"])
    assert pixel.status == 403, pixel.head
    batch = {"batch": [{"type": "track", "event": "E", "anonymousId": "o", "writeKey": key, "properties": {"o": 1}}, {"type": "track", "event": "E", "anonymousId": "o", "writeKey": "wk-fixed", "properties": {"o": 2}}]}
    mixed = server.ask("POST", "/v1/batch", batch, headers=["Origin: https://evil.example"]).json
    assert (mixed["accepted"], mixed["refused"]) == (1, 1) and mixed["items"][0]["verdict"] == "refused", mixed
    sent += 1
    ledger(server, sent)
    passed("keys: pages of other origins are refused with a reason, in preflights, pixels and single items too")
    return sent


def quotas(server, sent):
    key = server.ask("POST", "/v1/admin/keys", {"source": "metered", "events_per_s": 2, "burst": 5}).json["write_key"]
    assert track(server, key, 5).status == 200
    sent += 5
    answer = track(server, key, 1)
    assert (answer.status, answer.code) == (429, "over_quota") and 1 <= int(answer.header("Retry-After")) <= 3, answer.head
    assert track(server, "wk-fixed").status == 200, "others are not delayed"
    sent += 1
    time.sleep(int(answer.header("Retry-After")))
    assert track(server, key, 1).status == 200, "who waits as told is let in"
    sent += 1
    detail = next(each for each in server.ask("GET", "/v1/sources").json["sources"] if each["name"] == "metered")
    assert detail["from"] == "managed" and detail["events_per_s"] == 2 and detail["burst"] == 5 and detail["region"] is None, detail
    assert detail["requests_refused"] == {"over_quota": 1}, detail
    figures = server.ask("GET", "/metrics").body
    assert 'millrace_source_refused_requests_total{source="metered",code="over_quota"} 1\n' in figures, figures
    began, accepted = time.monotonic(), 0
    while time.monotonic() - began < 3:
        accepted += track(server, key).status == 200
    sent += accepted
    assert accepted <= 2 * 3.5 + 5, accepted
    recent = server.ask("GET", "/v1/events/recent?n=500").json["items"]
    assert any(item["reason"] == "over_quota" and item["verdict"] == "refused" for item in recent)
    assert server.ask("PUT", "/v1/admin/keys/metered", {"events_per_s": 0}).status == 200
    assert track(server, key, 500).status == 200
    sent += 500
    ledger(server, sent)
    passed("keys: past its quota a source gets 429 and when to come again, others do not notice, and the ledger closes")
    return sent


MAPPING = """event = "/kind"
[signature]
header = "X-Sign"
[events]
paid = "order_completed"
[fields]
user_id = "/who"
order_id = "/order"
total = "/sum"
"""


def signed(server, path, body, header, secret, *headers):
    digest = hmac.new(secret.encode(), body, hashlib.sha256)
    signature = base64.b64encode(digest.digest()).decode() if "shopify" in path else digest.hexdigest()
    return server.ask("POST", path, body.decode(), headers=[f"{header}: {signature}", *headers])


def webhooks(server, sent):
    secret = "hook secret \\ 1"
    made = server.ask("POST", "/v1/admin/keys", {"source": "hooks", "secret": secret, "mapping": MAPPING})
    assert made.status == 201 and made.json["has_secret"] and made.json["mapping"] == MAPPING and "hook secret" not in made.body, made.body
    key = made.json["write_key"]

    def shopify(number, *headers, key=key, secret=secret):
        body = b'{"id":%d,"currency":"EUR","total_price":"3.00","customer":{"id":5}}' % number
        return signed(server, f"/webhooks/shopify/{key}", body, "X-Shopify-Hmac-Sha256", secret, "X-Shopify-Shop-Domain: s.example", *headers)

    topic = "X-Shopify-Topic: orders/create"
    assert shopify(1, topic).json["accepted"] == 1
    assert (shopify(1, topic, secret="other").status, shopify(1, topic, secret="other").code) == (401, "bad_signature")
    assert shopify(2, "X-Shopify-Webhook-Id: w2").json["quarantined"] == 1, "without its topic"
    assert signed(server, f"/webhooks/json/{key}", b'{"kind":"paid","who":"u","order":"A-1","sum":"2.50"}', "X-Sign", secret).json["accepted"] == 1
    assert signed(server, f"/webhooks/json/{key}", b'{"kind":"paid","order":"A-2","sum":"2.50"}', "X-Sign", secret).json["quarantined"] == 1, "of nobody"
    assert track(server, key).status == 401 and track(server, f"{key}:{secret}").status == 200, "other clients must show the secret, too"
    sent += 5
    rotated = server.ask("POST", "/v1/admin/keys/hooks/rotate", {"grace_s": 60}).json["write_key"]
    for each in (key, rotated):
        assert signed(server, f"/webhooks/json/{each}", b'{"kind":"seen","who":"u"}', "X-Sign", secret).json["accepted"] == 1, "both, by the same mapping"
        sent += 1
    ledger(server, sent)

    # What was held back becomes its orders, once, however often it is sent again.
    fixes = [{"action": "default", "pointer": "/millrace_webhook/topic", "value": "orders/create"}, {"action": "default", "pointer": "/who", "value": "guest"}]
    ask = {"filter": {"source": "hooks"}, "fixes": fixes, "dry_run": True}
    shown = until("both are in quarantine", lambda: (found := server.ask("POST", "/v1/quarantine/replay", ask).json)["matched"] == 2 and found)
    assert shown["not_repairable"] == 0 and all('"millrace_webhook":{"received_at":' in item["after"] for item in shown["items"]), shown
    done = server.ask("POST", "/v1/quarantine/replay", ask | {"dry_run": False}).json
    assert (done["sent"], done["accepted"], done["quarantined"]) == (2, 2, 0), done
    sent += 2
    ledger(server, sent)

    def orders():
        rows = server.ask("POST", "/v1/sql", {"sql": "select e.order_id, e.event_type, e.user_id, e.total::varchar, r.message_id, r.replayed_from is not null from conformed.events e "
                                              "join raw.events r using (partition, \"offset\") where e.source = 'hooks' and e.order_id is not null order by 1"}).json["rows"]
        return rows if len(rows) == 4 else None
    rows = until("four orders are in the table", orders)
    assert [row[:4] for row in rows] == [["1", "order_completed", "5", "3.000000"], ["2", "order_completed", "5", "3.000000"],
                                         ["A-1", "order_completed", "u", "2.500000"], ["A-2", "order_completed", "guest", "2.500000"]], rows
    assert rows[1][4] == "shopify:w2" and rows[3][4].startswith("quarantine-") and [bool(row[5]) for row in rows] == [False, True, False, True], rows
    assert shopify(2, topic, "X-Shopify-Webhook-Id: w2").json["accepted"] == 1, "at the door"
    sent += 1
    ledger(server, sent)
    duplicates = next(row["duplicate"] for row in server.ask("GET", "/v1/ledger?step=range").json["rows"] if row["source"] == "hooks")
    assert duplicates == 1, "Shopify's own repetition of what was replayed"
    assert server.ask("PUT", "/v1/admin/keys/hooks", {"secret": "", "mapping": ""}).json["has_secret"] is False
    assert shopify(3, topic).status == 401 and track(server, key).status == 200
    sent += 1
    ledger(server, sent)
    audit = server.ask("GET", "/v1/admin/audit?limit=20").body
    assert ", secret, mapping" in audit and "hook secret" not in audit, audit
    passed("keys: a managed key takes Shopify's and anybody's signed webhooks, rotated too; what was held back is mended and sent again, once")
    return sent


def by_command(server, sent):
    directory = str(server.directory)
    key = command("write-keys", "create", "--source", "by hand", "--origin", "https://a.example", "--events-per-s", "1000", "--data", directory)
    until("a key made on the command line is taken within a second", lambda: track(server, key).status == 200, 3)
    sent += 1
    new = command("write-keys", "rotate", "by hand", "--grace-s", "0", "--data", directory)
    until("and rotated", lambda: track(server, new).status == 200, 3)
    sent += 1
    assert track(server, key).status == 401
    assert "by hand" in command("write-keys", "list", "--data", directory)
    acts = [each["act"] for each in server.ask("GET", "/v1/admin/audit?limit=2").json["entries"]]
    assert acts == ["key.rotate", "key.create"], acts
    assert "is taken" not in command("write-keys", "revoke", "nobody", "--data", directory, good=False)
    ledger(server, sent)
    return new


def kept(work, config, key):
    """After a restart, and where unknown keys are taken."""
    server = Server(work / "data-keys", config=config)
    try:
        assert track(server, key).status == 200
        revoked = server.ask("POST", "/v1/admin/keys", {"source": "gone"}).json["write_key"]
        assert track(server, revoked).status == 200
        assert server.ask("DELETE", "/v1/admin/keys/gone").status == 200
        assert track(server, revoked).status == 401, "an open source does not take a revoked key"
        assert track(server, "whatever").status == 200
        extra = server.ask("POST", "/v1/admin/keys", {"source": "fixed", "events_per_s": 1, "burst": 5}).json["write_key"]
        assert track(server, extra, 2).status == 200 and track(server, "wk-fixed", 3).status == 200
        assert track(server, "wk-fixed", 3).status == 429, "a quota holds for the whole source"
        audit = "".join(path.read_text() for path in (server.directory / "admin").glob("audit-*.log"))
        assert revoked not in audit and extra not in audit and "wk-fixed" not in audit
    finally:
        server.stop()
    passed("keys: the command line does the same, a restart keeps all, revoked keys stay refused, no key is in the audit log")


def order(server, key, number, value):
    """One telling of an order."""
    body = {"anonymousId": "buyer", "event": "Order Completed", "messageId": f"{key}-{number}",
            "properties": {"order_id": number, "currency": "EUR", "total": value, "products": [{"product_id": "p", "price": value, "quantity": 1}]}}
    answer = server.ask("POST", "/v1/track", body, headers=[f"X-Write-Key: {key}"])
    assert answer.status == 200 and answer.json.get("accepted", 1) == 1, answer.body


def believed(server, number):
    def rows():
        return server.ask("POST", "/v1/sql", {"sql": f"select source, order_net::double from curated.orders where order_id = '{number}'"}).json["rows"]
    found = until(f"the order {number} is in the table", rows)
    assert len(found) == 1, found
    return found[0]


def precedence(work, config):
    """Of two sources that tell of one order the one made with the higher precedence is believed, whichever comes first, from its first order on."""
    server = Server(work / "data-precedence", config=config)
    data = str(server.directory)
    try:
        made = server.ask("POST", "/v1/admin/keys", {"source": "hook", "precedence": 9})
        assert made.status == 201 and made.json["precedence"] == 9, made.body
        hook, till = made.json["write_key"], command("write-keys", "create", "--source", "till", "--precedence", "5", "--data", data)

        def precedences():
            return {each["name"]: each["precedence"] for each in server.ask("GET", "/v1/sources").json["sources"]}

        until("the key of the command line is taken", lambda: "till" in precedences(), 3)
        of = precedences()
        assert (of["hook"], of["till"], of["fixed"]) == (9, 5, 0), of
        assert server.ask("POST", "/v1/admin/keys", {"source": "x", "precedence": 101}).status == 400
        order(server, "wk-fixed", "o1", 10)
        assert believed(server, "o1") == ["fixed", 10]
        for number, first, second in [("o1", hook, till), ("o2", hook, "wk-fixed"), ("o3", till, hook), ("o4", "wk-fixed", till)]:
            order(server, first, number, 11)
            order(server, second, number, 12)
        # A source that was seen keeps what it has, whatever becomes of its key.
        for source in ["hook", "till"]:
            refused = server.ask("PUT", f"/v1/admin/keys/{source}", {"precedence": 1})
            assert (refused.status, refused.code) == (409, "precedence_fixed"), refused.body
        assert server.ask("PUT", "/v1/admin/keys/hook", {"precedence": 9, "events_per_s": 50}).status == 200
        assert server.ask("DELETE", "/v1/admin/keys/hook").status == 200
        refused = server.ask("POST", "/v1/admin/keys", {"source": "hook", "precedence": 3})
        assert (refused.status, refused.code) == (409, "precedence_fixed"), refused.body
        assert "keeps it" in command("write-keys", "create", "--source", "hook", "--precedence", "3", "--data", data, good=False)
        assert server.ask("POST", "/v1/admin/keys", {"source": "fixed", "precedence": 3}).code == "precedence_fixed"
        expected = {"o1": ["hook", 11], "o2": ["hook", 11], "o3": ["hook", 12], "o4": ["till", 12]}
        for number, row in expected.items():
            until(f"{number} is as {row[0]} told it", lambda: believed(server, number) == row)
    finally:
        server.kill()
    # What was decided is decided again so, after a crash, without the key, and by verify.
    server = Server(work / "data-precedence", config=config)
    try:
        hook = server.ask("POST", "/v1/admin/keys", {"source": "hook"}).json
        assert hook["precedence"] == 9, hook
        order(server, "wk-fixed", "o5", 13)
        order(server, hook["write_key"], "o5", 14)
        for number, row in (expected | {"o5": ["hook", 14]}).items():
            until(f"{number} is as {row[0]} told it", lambda: believed(server, number) == row)
    finally:
        server.stop()
    said = command("verify", "--config", str(config), "--data", data)
    assert "same" in said and "DIFFERENCES" not in said, said
    passed("keys: a source is believed as it was made to be, at once and for good: after a revocation, a crash, and by verify")


def run(work):
    config = work / "keys.toml"
    config.write_text(CONFIG)
    server = Server(work / "data-keys", config=config)
    try:
        sent = lifetimes(server)
        sent = origins(server, sent)
        sent = quotas(server, sent)
        sent = webhooks(server, sent)
        key = by_command(server, sent)
    finally:
        server.stop()
    config.write_text(CONFIG.replace('unknown_write_keys = "refuse"', 'unknown_write_keys = "accept"'))
    kept(work, config, key)
    precedence(work, config)
