"""Tokens and roles: the whole matrix, spellings of paths, sessions, revocation while it serves, and the audit log of all that."""
import http.client
import re
import socket
import stat
import threading
import time

from rig import Server, command, passed, until

ROLES = ["none", "viewer", "analyst", "operator", "admin"]
SCHEMA = "/v1/contracts/schemas/com.example/none/jsonschema/1-0-0"
# Method, path, the role it takes, a body that changes nothing. A copy, so that a slip in the server's own table shows.
ROUTES = [
    ("GET", "/healthz", "none", None), ("GET", "/readyz", "none", None), ("GET", "/metrics", "viewer", None),
    ("GET", "/v1/recommendations?items=a", "none", None), ("GET", "/v1/trending", "none", None), ("GET", "/v1/offers?visitor=a", "none", None), ("GET", "/v1/id?anonymous=1", "none", None),
    ("POST", "/v1/id?anonymous=1", "none", ""), ("DELETE", "/v1/id", "none", None), ("OPTIONS", "/v1/id", "none", None),
    ("GET", "/v1/products", "viewer", None), ("GET", "/v1/products/none", "viewer", None), ("GET", "/v1/sessions", "viewer", None),
    ("GET", "/v1/funnel", "viewer", None), ("GET", "/v1/ledger", "viewer", None), ("GET", "/v1/live", "viewer", None),
    ("GET", "/v1/actions", "viewer", None), ("GET", "/v1/lake", "viewer", None), ("GET", "/v1/status", "viewer", None),
    ("GET", "/v1/sources", "viewer", None), ("GET", "/v1/contracts", "viewer", None), ("GET", SCHEMA, "viewer", None),
    ("GET", "/api/schemas/com.example/none/jsonschema/1-0-0", "viewer", None), ("GET", "/v1/contracts/modes", "viewer", None),
    ("GET", "/v1/contracts/alerts", "viewer", None), ("GET", "/v1/contracts/rules", "viewer", None),
    ("GET", "/v1/visitors/nobody", "analyst", None), ("GET", "/v1/events/recent", "analyst", None), ("GET", "/v1/events/stream", "analyst", None),
    ("POST", "/v1/sql", "analyst", '{"sql":"select 1"}'), ("GET", "/iceberg/v1/config", "analyst", None), ("POST", "/iceberg/v1/none", "analyst", "{}"),
    ("DELETE", "/iceberg/v1/none", "analyst", None), ("POST", SCHEMA + "/check", "analyst", "{"), ("GET", "/v1/contracts/violations", "analyst", None),
    ("GET", "/v1/contracts/proposals", "analyst", None), ("GET", "/v1/quarantine", "analyst", None), ("GET", "/v1/quarantine/0/0", "analyst", None),
    ("GET", "/v1/privacy/suppressions", "analyst", None),
    ("PUT", SCHEMA, "operator", "{"), ("DELETE", SCHEMA, "operator", None), ("PUT", "/v1/contracts/modes", "operator", "{"),
    ("POST", "/v1/contracts/proposals/none/accept", "operator", "{}"), ("POST", "/v1/contracts/proposals/none/ignore", "operator", "{}"),
    ("PUT", "/v1/contracts/rules", "operator", "{"), ("POST", "/v1/quarantine/replay", "operator", "{"),
    ("PUT", "/v1/quarantine/0/0/state", "operator", "{"),
    ("PUT", "/v1/privacy/suppressions/" + "x" * 2000, "operator", ""), ("DELETE", "/v1/privacy/suppressions/nobody", "operator", None),
    ("PUT", "/v1/stock/none", "operator", "{"), ("POST", "/v1/clock", "operator", "{}"),
    ("POST", "/v1/stock/reservations", "operator", "{}"), ("POST", "/v1/stock/reservations/none/commit", "operator", "{}"),
    ("DELETE", "/v1/stock/reservations/none", "operator", None),
    ("DELETE", "/v1/privacy/persons/nobody", "operator", None), ("POST", "/v1/vault/open", "admin", "{"), ("GET", "/v1/vault/openings", "admin", None),
    ("GET", "/v1/admin/session", "none", None), ("DELETE", "/v1/admin/session", "none", None),
    ("GET", "/v1/admin/tokens", "admin", None), ("POST", "/v1/admin/tokens", "admin", "{"), ("DELETE", "/v1/admin/tokens/nobody", "admin", None),
    ("GET", "/v1/admin/keys", "admin", None), ("POST", "/v1/admin/keys", "admin", "{"), ("PUT", "/v1/admin/keys/none", "admin", "{}"),
    ("POST", "/v1/admin/keys/none/rotate", "admin", "{}"), ("DELETE", "/v1/admin/keys/none", "admin", None), ("GET", "/v1/admin/audit", "admin", None),
]


def status_of(server, method, target, token=None, body=None, headers=None):
    connection = http.client.HTTPConnection(server.host, server.port, timeout=20)
    try:
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        if token:
            connection.putheader("Authorization", f"Bearer {token}")
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body.encode() if body else None)
        return connection.getresponse().status
    finally:
        connection.close()


def open_without(work):
    """As in the README: nothing is asked for."""
    server = Server(work / "data-open")
    try:
        for method, path, _, body in ROUTES:
            assert status_of(server, method, path, body=body) not in (401, 403), (method, path)
        for page in ("cross-site", "same-site"):
            assert status_of(server, "POST", "/v1/admin/tokens", body='{"name":"x","role":"admin"}', headers={"Sec-Fetch-Site": page}) == 403
        assert status_of(server, "PUT", "/v1/stock/a", body='{"on_hand":1}', headers={"Origin": "https://evil.example"}) == 403
        refused = server.ask("POST", "/v1/admin/tokens", {"name": "x", "role": "viewer"})
        assert (refused.status, refused.code) == (409, "admin_first"), refused.body
        made = server.ask("POST", "/v1/admin/tokens", {"name": "first", "role": "admin"})
        assert made.status == 201 and made.json["token"].startswith("mr_"), made.body
        assert server.ask("GET", "/v1/status").status == 401, "the first token closes the door"
        assert server.ask("GET", "/v1/status", token=made.json["token"]).status == 200
        refused = server.ask("DELETE", "/v1/admin/tokens/first", token=made.json["token"])
        assert (refused.status, refused.code) == (409, "last_admin"), refused.body
        command("tokens", "revoke", "first", "--data", str(server.directory))
        until("without tokens it is open again", lambda: server.ask("GET", "/v1/status").status == 200, 5)
    finally:
        server.stop()
    server = Server(work / "data-never", "admin.require_token=never", address="0.0.0.0")
    try:
        assert server.ask("GET", "/v1/status").status == 200
    finally:
        server.stop()
    server = Server(work / "data-network", address="0.0.0.0")
    try:
        answer = server.ask("GET", "/v1/status")
        assert answer.status == 401 and "millrace tokens create" in answer.json["error"]["hint"], answer.body
        assert answer.header("WWW-Authenticate").startswith("Bearer")
        assert server.ask("POST", "/v1/track", {"event": "E", "anonymousId": "a"}).status == 200
        assert server.ask("GET", "/").status == 200 and server.ask("GET", "/openapi.json").status == 200
        assert "there is no token" in server.log()
    finally:
        server.stop()
    passed("roles: on this machine without a token nothing is asked for; with one, and from the network, it is; foreign pages change nothing")


def matrix(server, tokens):
    described = {(method.upper(), path) for path, methods in server.ask("GET", "/openapi.json").json["paths"].items() for method in methods}
    patterns = [(method, re.compile("^" + re.sub(r"\\\{path\\\}", ".+", re.sub(r"\\\{(?!path)\w+\\\}", "[^/]+", re.escape(path))) + "$")) for method, path in described]
    tried = {(method, pattern.pattern) for method, path, _, _ in ROUTES for m, pattern in patterns if m == method and pattern.match(path.partition("?")[0])}
    missing = {(m, p.pattern) for m, p in patterns} - tried - {("POST", "^/v1/admin/session$")}
    assert not missing, f"not in this test: {missing}"
    for method, path, needed, body in ROUTES:
        for role in ROLES:
            status = status_of(server, method, path, tokens.get(role), body)
            if ROLES.index(role) >= ROLES.index(needed):
                assert status not in (401, 403), (method, path, role, status)
            else:
                assert status == (401 if role == "none" else 403), (method, path, role, status)
            if method == "GET" and "stream" not in path and "live" not in path:
                head = status_of(server, "HEAD", path, tokens.get(role))
                assert head == status or not {head, status} & {401, 403}, ("HEAD", path, role, head)
    passed(f"roles: {len(ROUTES)} routes x {len(ROLES)} roles, GET and HEAD alike; every described route is among them")


def spellings(server, tokens):
    tries = ["//v1/admin/tokens", "/v1//admin/tokens", "/v1/admin//tokens", "/v1/admin/tokens/", "/v1/%61dmin/tokens", "/v1/admin%2ftokens", "/%76%31/admin/tokens",
             "/v1/admin/%74okens", "/V1/ADMIN/TOKENS", "/v1/./admin/tokens", "/v1/x/../admin/tokens", "/healthz/../v1/admin/tokens", "/v1/admin/tokens;a=b",
             "/v1/admin/tokens?", "/v1/admin/tokens?role=admin", "/v1/admin/tokens#x", "/v1/admin/tokens%00", "/v1/admin/tokens%20", "/v1/admin/tokens%3f",
             "http://x/v1/admin/tokens", "https://x/v1/admin/tokens", "/v1/admin%252ftokens", "/v1/admin\\tokens", "/v1/trending/../admin/tokens", "/assets/../v1/admin/tokens"]
    for target in tries:
        for token in (None, tokens["viewer"], tokens["operator"]):
            for method in ("GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT", "TRACE", "get"):
                head = f"{method} {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n"
                head += f"Authorization: Bearer {token}\r\n" if token else ""
                head += "X-HTTP-Method-Override: GET\r\nX-Original-URL: /healthz\r\nX-Forwarded-For: 127.0.0.1\r\n\r\n"
                with socket.create_connection((server.host, server.port), timeout=10) as plain:
                    plain.sendall(head.encode())
                    answer = b""
                    while piece := plain.recv(65536):
                        answer += piece
                assert int(answer.split()[1]) in (400, 401, 403, 404, 405), (method, target, answer)
                assert b"created_at" not in answer, (method, target)
    right = f"Authorization: Bearer {tokens['admin']}"
    for headers in ([right, "Authorization: Bearer mr_x"], ["Authorization: Basic d2s6", right], ["Authorization: Bearer mr_x"], [right + "x"], [right[:-1]],
                    [right.replace("mr_", "MR_")], ["Cookie: millrace_session=" + tokens["admin"]], ["X-Write-Key: " + tokens["admin"]]):
        assert server.ask("GET", "/v1/admin/tokens", headers=headers).status == 401, headers
    assert server.ask("GET", f"/v1/admin/tokens?token={tokens['admin']}&access_token={tokens['admin']}").status == 401
    assert server.ask("GET", "/v1/admin/tokens", headers=[right.lower().replace("authorization: bearer", "AUTHORIZATION:  bEaReR ")]).status == 200
    passed(f"roles: {len(tries)} spellings of an admin's path x 8 methods lead nowhere without its token, and neither do 10 wrong ways to show one")


def sessions(server, tokens):
    own = ["Sec-Fetch-Site: same-origin", f"Origin: {server.base}"]
    refused = server.ask("POST", "/v1/admin/session", {"token": "mr_" + "0" * 64}, headers=own)
    assert (refused.status, refused.code) == (401, "unknown_token") and not refused.header("Set-Cookie")
    assert server.ask("POST", "/v1/admin/session", {"token": tokens["viewer"]}, headers=["Sec-Fetch-Site: cross-site"]).status == 403
    signed = server.ask("POST", "/v1/admin/session", {"token": tokens["operator"]}, headers=own)
    cookie = signed.header("Set-Cookie")
    assert signed.status == 200 and signed.json["role"] == "operator", signed.body
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Secure" not in cookie and tokens["operator"] not in cookie, cookie
    session = "Cookie: " + cookie.partition(";")[0]
    assert server.ask("GET", "/v1/events/recent", headers=[session]).status == 200
    who = server.ask("GET", "/v1/admin/session", headers=[session]).json
    assert who == {"required": True, "role": "operator", "name": "test-operator", "signed_in": True}, who
    assert server.ask("GET", "/v1/admin/session").json == {"required": True, "role": None, "name": None, "signed_in": False}
    put = lambda *headers: server.ask("PUT", "/v1/stock/tea", {"on_hand": 5}, headers=[session, *headers])
    assert put(*own).status == 200
    assert put(f"Origin: {server.base}").status == 200
    for headers in ([], ["Origin: https://evil.example"], ["Origin: null"], ["Sec-Fetch-Site: cross-site", f"Origin: {server.base}"], ["Sec-Fetch-Site: same-site"]):
        assert (put(*headers).status, put(*headers).code) == (403, "foreign_page"), headers
    value = cookie.partition(";")[0].partition("=")[2]
    for wrong in (value[:-1] + ("0" if value[-1] != "0" else "1"), value.replace(".", ".9", 1), "a.9999999999999." + "0" * 64, ".", "=" * 500):
        assert server.ask("GET", "/v1/status", headers=[f"Cookie: millrace_session={wrong}"]).status == 401, wrong
    out = server.ask("DELETE", "/v1/admin/session", headers=[session, *own])
    assert out.status == 204 and "Max-Age=0" in out.header("Set-Cookie")
    passed("roles: a session is signed, of its token's role, and changes something for a page of this server's own alone")


def revoked_while_running(server, tokens):
    shown = command("tokens", "create", "--role", "analyst", "--name", "short lived", "--data", str(server.directory))
    until("a token made on the command line is taken within a second", lambda: server.ask("GET", "/v1/events/recent", token=shown).status == 200, 3)
    signed = server.ask("POST", "/v1/admin/session", {"token": shown}, headers=["Sec-Fetch-Site: same-origin"])
    session = "Cookie: " + signed.header("Set-Cookie").partition(";")[0]
    assert server.ask("GET", "/v1/events/recent", headers=[session]).status == 200
    ended = []

    def watch(path):
        connection = http.client.HTTPConnection(server.host, server.port, timeout=30)
        connection.request("GET", path, headers={"Authorization": f"Bearer {shown}"})
        response = connection.getresponse()
        assert response.status == 200
        while response.read1(65536):
            pass
        ended.append(path)

    watching = [threading.Thread(target=watch, args=(path,)) for path in ("/v1/live", "/v1/events/stream")]
    for each in watching:
        each.start()
    time.sleep(0.5)
    assert not ended
    command("tokens", "revoke", "short lived", "--data", str(server.directory))
    until("a revoked token is worth nothing within a second", lambda: server.ask("GET", "/v1/events/recent", token=shown).code == "unknown_token", 3)
    assert server.ask("GET", "/v1/events/recent", headers=[session]).status == 401
    server.ask("POST", "/v1/track", {"event": "E", "anonymousId": "a"})
    until("its streams end", lambda: len(ended) == 2, 15)
    for each in watching:
        each.join()
    passed("roles: a token made or revoked on the command line is followed within a second; its sessions and streams end")


def audited(server, tokens):
    def entries(query=""):
        return server.ask("GET", f"/v1/admin/audit?limit=1000{query}", token=tokens["admin"]).json["entries"]

    before = len(entries())
    made = server.ask("POST", "/v1/admin/tokens", {"name": "audited", "role": "viewer", "days": 1}, token=tokens["admin"]).json
    assert server.ask("GET", "/v1/status", token=made["token"]).status == 200
    assert server.ask("PUT", "/v1/privacy/suppressions/ada%40example.com", "", token=tokens["operator"]).status == 200
    assert server.ask("PUT", "/v1/stock/audited", {"on_hand": 7}, token=tokens["operator"]).status == 200
    assert server.ask("PUT", "/v1/contracts/modes", "{", token=tokens["operator"]).status == 400
    assert server.ask("DELETE", "/v1/admin/tokens/audited", token=tokens["admin"]).status == 200
    found = entries()
    new = found[: len(found) - before]
    assert [each["act"] for each in new] == ["token.revoke", "contract.modes", "stock.put", "suppression.put", "token.create"], new
    assert [each["outcome"] for each in new] == ["done", "refused", "done", "done", "done"]
    assert new[0]["name"] == "test-admin" and new[0]["role"] == "admin" and new[0]["address"] == "127.0.0.1" and len(new[0]["token"]) == 12
    assert new[2]["target"] == "/v1/stock/audited" and new[3]["target"] == "/v1/privacy/suppressions/{id}"
    assert any(each["act"] == "session.open" and each["outcome"] == "refused" for each in found)
    assert any(each["act"] == "session.open" and each["name"] == "test-operator" for each in found)
    assert any(each["name"] == "command line" and each["act"] == "token.create" for each in found)
    assert entries(f"&from={new[2]['at']}&to={new[0]['at']}")[-1]["at"] >= new[2]["at"]
    assert server.ask("GET", "/v1/admin/audit?limit=2", token=tokens["admin"]).json["complete"] is False
    assert server.ask("GET", "/v1/admin/audit?limit=0", token=tokens["admin"]).status == 400
    # In SQL the same entries, for the same people.
    def sql(statement, role):
        return server.ask("POST", "/v1/sql", {"sql": statement}, token=tokens[role] if role else None)
    everything = "select act, outcome, name, role, target, status from admin.audit order by acted_at, act"
    for role in ["viewer", "analyst", "operator"]:
        for statement in [everything, "with a as (from admin.audit) select count(*) from a, conformed.events", "describe admin.audit"]:
            answer = sql(statement, role)
            assert (answer.status, answer.code) == (403, "role_too_low"), (role, statement, answer.body)
        assert role == "viewer" or "admin.audit" not in sql("show tables", role).body
    assert sql(everything, None).status == 401
    rows = sql(everything, "admin").json["rows"]
    keys = ("act", "outcome", "name", "role", "target", "status")
    assert sorted(rows) == sorted([each[key] for key in keys] for each in entries()), rows
    assert ["admin.audit"] in sql("show tables", "admin").json["rows"]
    recent = sql("select count(*) from admin.audit where acted_at > now() - interval 1 hour and acted_at <= now()", "admin").json["rows"][0][0]
    assert recent == len(rows), recent
    columns = ["acted_at", "act", "target", "outcome", "status", "token", "name", "role", "address", "detail"]
    assert sql("select " + ", ".join(f"max({column})" for column in columns) + " from admin.audit", "admin").status == 200
    joined = sql("select count(*) from admin.audit a left join conformed.events e on e.event_time > a.acted_at", "admin")
    assert joined.status == 200 and joined.json["rows"][0][0] >= len(rows), joined.body
    # Answered means on the disk, and a line that a crash cut off harms nothing.
    made = server.ask("POST", "/v1/admin/tokens", {"name": "before the crash", "role": "viewer"}, token=tokens["admin"])
    server.kill()
    files = sorted((server.directory / "admin").glob("audit-*.log"))
    assert "before the crash" in files[-1].read_text()
    with open(files[-1], "ab") as log:
        log.write(b'0badc0de {"at":"2026-11-21T1')
    for each in (server.directory / "admin").iterdir():
        assert stat.S_IMODE(each.stat().st_mode) == 0o600, each
    secrets = [token for token in tokens.values()] + [made.json["token"]]
    for path in server.directory.rglob("*"):
        if path.is_file():
            bytes_ = path.read_bytes()
            assert not any(secret.encode() in bytes_ or secret[3:].encode() in bytes_ for secret in secrets), path
    assert "ada@example.com" not in files[-1].read_text()
    again = Server(server.directory, "admin.session_ms=60000")
    try:
        assert again.ask("GET", "/v1/status", token=made.json["token"]).status == 200
        assert again.ask("DELETE", "/v1/admin/tokens/before%20the%20crash", token=tokens["admin"]).status == 200
        acts = [each["act"] for each in again.ask("GET", "/v1/admin/audit?limit=2", token=tokens["admin"]).json["entries"]]
        assert acts == ["token.revoke", "token.create"], acts
        failures = [again.ask("POST", "/v1/admin/session", {"token": "mr_no"}).status for _ in range(70)]
        assert set(failures) == {401}
        recorded = [e for e in again.ask("GET", "/v1/admin/audit?limit=1000", token=tokens["admin"]).json["entries"] if e["act"] == "session.open" and e["outcome"] == "refused"]
        assert 60 <= len(recorded) <= 62, len(recorded)
        (again.directory / "admin" / "tokens").chmod(0o644)
        assert again.ask("GET", "/v1/status", token=tokens["viewer"]).status == 200
    finally:
        again.stop()
    says = command("serve", "--data", str(server.directory), "--port", "0", good=False)
    assert "0600" in says, says
    passed("audit: each act once, with who, where and what came of it, durable before its answer; no token and no person in any file")


def run(work):
    open_without(work)
    directory = work / "data-roles"
    tokens = {role: command("tokens", "create", "--role", role, "--name", f"test-{role}", "--data", str(directory)) for role in ROLES[1:]}
    assert len(command("tokens", "list", "--data", str(directory)).splitlines()) == 4
    assert "There is a token of this name" in command("tokens", "create", "--role", "viewer", "--name", "test-viewer", "--data", str(directory), good=False)
    server = Server(directory, "collect.unknown_write_keys=refuse")
    try:
        matrix(server, tokens)
        spellings(server, tokens)
        sessions(server, tokens)
        revoked_while_running(server, tokens)
        audited(server, tokens)
    finally:
        server.stop()
