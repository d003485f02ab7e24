#!/usr/bin/env python3
"""The vault end to end: values open for what their person grants, an abandoned cart's webhook has them, erasure holds against a copy of the directory,
and a server of one region takes nothing of another. Prints one line a check; exits 1 at the first that fails."""
import atexit
import http.server
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

sys.argv = sys.argv[:2]
MILLRACE = str(pathlib.Path(sys.argv[1]).resolve())
EMAIL = {"ada": "ada@analytical.example", "bob": "bob@builder.example"}


class Receiver:
    """Takes webhooks and keeps their bodies."""

    def __init__(self):
        bodies = self.bodies = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Server:
    def __init__(self, directory, *settings, config=None, fails=False):
        port_file = directory.parent / f"{directory.name}.port"
        port_file.unlink(missing_ok=True)
        self.log = open(directory.parent / f"{directory.name}.log", "ab")
        command = [MILLRACE, "serve", "--data", str(directory), "--port", "0", "--port-file", str(port_file)]
        for name in settings:
            command += ["--set", name]
        if config:
            command += ["--config", str(config)]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)
        atexit.register(self.process.kill)  # Of a test that fails.
        deadline = time.monotonic() + 30
        while not port_file.exists():
            if self.process.poll() is not None:
                assert fails, "the server stopped at once: " + (directory.parent / f"{directory.name}.log").read_text()[-400:]
                self.base = None
                return
            assert time.monotonic() < deadline, "the server does not come up"
            time.sleep(0.02)
        assert not fails, "the server came up"
        self.base = f"http://127.0.0.1:{port_file.read_text().strip()}"

    def ask(self, path, body=None, method=None, key="wk"):
        request = urllib.request.Request(self.base + path, None if body is None else json.dumps(body).encode(), {"X-Write-Key": key}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"{}")

    def open(self, token, purpose="marketing"):
        status, answer = self.ask("/v1/vault/open", {"tokens": [token], "purpose": purpose})
        assert status == 200, answer
        return answer["values"][0]

    def stop(self, kill=False):
        self.process.kill() if kill else self.process.terminate()
        self.process.wait(30)
        self.log.close()


def passed(what):
    print(f"ok: {what}", flush=True)


def wait_for(what, condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)
    return found


def added(person, **consent):
    event = {"type": "track", "event": "Product Added", "userId": person, "anonymousId": f"browser-{person}",
             "properties": {"product_id": "p1", "price": 5, "quantity": 1, "currency": "EUR", "contact": EMAIL[person]}}
    if consent:
        event["context"] = {"consent": {"categoryPreferences": consent}}
    return event


def token_of(data, value):
    return subprocess.run([MILLRACE, "keys", "token", value, "--data", str(data)], check=True, capture_output=True, text=True).stdout.split()[-1]


def check_vault(work):
    data = work / "data"
    receiver = Receiver()
    settings = ["privacy.vault=email:marketing", f"webhook.url={receiver.url}", "lake.commit_interval_ms=300", "time=events"]
    server = Server(data, *settings)
    assert server.ask("/v1/batch", {"batch": [added("ada"), added("bob")]})[0] == 200
    server.stop(kill=True)  # What was answered is durable.
    server = Server(data, *settings)
    tokens = {name: token_of(data, address) for name, address in EMAIL.items()}
    for name, token in tokens.items():
        value = server.open(token)
        assert (value["state"], value["value"]) == ("opened", EMAIL[name]), value
        assert server.open(token, "analytics")["state"] == "not_granted"
    assert server.open("tok_1_" + "0" * 32)["state"] == "unknown"
    openings = server.ask("/v1/vault/openings")[1]["openings"]
    assert len(openings) == 5 and openings[0]["state"] == "unknown" and openings[-1]["token"] == tokens["ada"], openings
    passed("values open after a kill, for their purpose alone, and each opening is listed")

    # Whoever is known by an address as user id: the payload names it.
    person = dict(added("ada"), userId=EMAIL["ada"], anonymousId="by-address", messageId="by-address")
    assert server.ask("/v1/track", person)[0] == 200
    later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86_400))
    assert server.ask("/v1/clock", {"advance_to": later})[0] == 200
    body = wait_for("a webhook for the cart", lambda: next((b for b in receiver.bodies if b["user_id"] == EMAIL["ada"]), None), 40)
    assert body["kind"] == "cart_abandoned" and EMAIL["ada"] in json.dumps(body["payload"]), body
    assert EMAIL["ada"] not in json.dumps(server.ask("/v1/actions")[1]), "the listed action has the value"
    passed("an abandoned cart's webhook has the address, the stored action has the token")

    assert server.ask("/v1/track", dict(added("bob", Advertising=False, Analytics=True), messageId="withdrawn"))[0] == 200
    assert server.open(tokens["bob"])["state"] == "not_granted"
    assert server.ask("/v1/track", dict(added("bob"), messageId="granted again"))[0] == 200
    assert server.open(tokens["bob"])["state"] == "opened"
    server.ask("/v1/privacy/suppressions/bob", method="PUT")
    assert server.open(tokens["bob"])["state"] == "suppressed"
    server.ask("/v1/privacy/suppressions/bob", method="DELETE")
    passed("what the person grants last is what counts, and a suppressed person's values stay closed")

    before = {path: path.read_bytes() for path in (data / "privacy" / "vault").iterdir()}
    for who in ("ada", EMAIL["ada"]):
        assert server.ask("/v1/privacy/persons/" + who, method="DELETE") == (200, {"erased": True})
    assert server.ask("/v1/privacy/persons/nobody", method="DELETE") == (200, {"erased": False})
    assert server.open(tokens["ada"])["state"] == "gone"
    server.stop(kill=True)  # Right after the answer.
    copy = work / "copy"
    shutil.copytree(data, copy)
    persons = before[data / "privacy" / "vault" / "persons"]
    everything = b"".join(path.read_bytes() for path in copy.rglob("*") if path.is_file())
    places = [persons[at:at + 128] for at in range(128, len(persons), 128)]
    left = [place for place in places if place[44:92] in everything]
    assert len(places) == 3 and len(left) == 1, (len(places), len(left))
    for place in places:
        if place not in left:
            assert not any(place[at:at + 12] in everything for at in range(32, 80)), "a part of a destroyed key is left"
    for address in EMAIL.values():
        assert address.encode() not in everything, address
    # A copy opens at the place of what it is a copy of.
    shutil.rmtree(data)
    shutil.copytree(copy, data)
    again = Server(data, *settings)
    assert again.open(tokens["ada"])["state"] == "gone" and again.open(tokens["bob"])["state"] == "opened"
    again.stop()
    (data / "privacy" / "vault" / "values").write_bytes(before[data / "privacy" / "vault" / "values"])
    again = Server(data, *settings)
    assert again.open(tokens["ada"])["state"] == "gone"
    again.stop()
    passed("an erased person's key is in no byte of the directory, and a copy with the old values opens none of theirs")

    server = Server(data, *settings)
    assert server.ask("/v1/track", dict(added("ada"), messageId="back"))[0] == 200
    assert server.open(tokens["ada"])["value"] == EMAIL["ada"]
    server.stop()
    server = Server(data, "time=events")  # Without rules nothing more is sealed, and erasing still works.
    assert server.open(tokens["bob"])["state"] == "opened"
    assert server.ask("/v1/privacy/persons/bob", method="DELETE") == (200, {"erased": True})
    assert server.open(tokens["bob"])["state"] == "gone"
    server.stop()
    passed("whoever comes back has a new key; without rules a vault still erases")


def check_regions(work):
    data = work / "region"
    config = work / "region.toml"
    config.write_text('[region]\nname = "eu-west"\n[[source]]\nname = "eu"\nwrite_key = "eu"\nregion = "eu-west"\n'
                      '[[source]]\nname = "us"\nwrite_key = "us"\nregion = "us-east"\n[[source]]\nname = "any"\nwrite_key = "any"\n')
    server = Server(data, config=config)
    event = {"type": "track", "event": "Seen", "anonymousId": "planted-in-the-wrong-region"}
    status, answer = server.ask("/v1/track", event, key="us")
    assert status == 421 and answer["error"]["code"] == "other_region" and answer["error"]["hint"], (status, answer)
    for key in ("eu", "any"):
        assert server.ask("/v1/track", dict(event, anonymousId=key), key=key)[0] == 200
    total = wait_for("two items in the ledger", lambda: (t := server.ask("/v1/ledger")[1]["total"]) and t["received"] >= 2 and t)
    assert total["received"] == total["accepted"] == 2, total
    with urllib.request.urlopen(server.base + "/metrics") as metrics:
        assert b"millrace_collect_items_other_region_total 1" in metrics.read()
    server.stop()
    assert not any(b"planted-in-the-wrong-region" in path.read_bytes() for path in data.rglob("*") if path.is_file())
    passed("an event for a source of another region is refused, counted and stored nowhere")
    Server(data, "region.name=us-east", fails=True)
    Server(data, fails=True)
    (data / "region").unlink()
    Server(data, "region.name=us-east", fails=True)  # The lake knows as well.
    assert "belong to the region" in (work / "region.log").read_text()
    passed("neither the directory nor the lake opens under another region")


def main():
    work = pathlib.Path(tempfile.mkdtemp(prefix="millrace-vault-"))
    try:
        check_vault(work)
        check_regions(work)
    finally:
        shutil.rmtree(work, ignore_errors=True)


main()
