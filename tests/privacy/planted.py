#!/usr/bin/env python3
"""Starts Millrace on a fresh data directory, sends it events with personal values in all their places, stops it, and looks for the values in
every file, as they are and in what lz4, zstd and Parquet pages hold (read back through SQL). Then suppression, consent and bots, with the ledger
closing after each. Prints one line a check; exits 1 at the first that fails."""
import atexit
import base64
import gzip
import json
import pathlib
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

import card_paths
import consent_counts

MILLRACE = str(pathlib.Path(sys.argv[1]).resolve())
CARDS = ["4111111111111111", "5555 5555 5555 4444", "3782-822463-10005", "6011%201111%201111%201117", "3530.1113.3330.0000",
         "3 0 5 6 9 3 0 9 0 2 5 9 0 4", "4222222222222"]
PERSONAL = ["ada.lovelace@analytical.example", "grace%40hopper.example", "+49 30 90182047", "+14155550132", "DE89 3704 0044 0532 0130 00",
            "GB82WEST12345698765432", "192.0.2.177", "2001:db8::8a2e:370:7334"]


def needles():
    """What must be nowhere: as planted, without separators, and parts that would give a value away."""
    found = set()
    for value in CARDS + PERSONAL:
        plain = urllib.parse.unquote(value)
        found |= {value, plain, re.sub(r"[ .-]", "", plain) if "@" not in plain and ":" not in plain and "192" not in plain else plain}
    return sorted(n.encode() for n in found if len(n) > 8)


class Server:
    def __init__(self, directory, config=None):
        self.directory = directory
        self.port_file = directory.parent / f"{directory.name}.port"
        self.port_file.unlink(missing_ok=True)
        self.log = open(directory.parent / f"{directory.name}.log", "ab")
        command = [MILLRACE, "serve", "--data", str(directory), "--port", "0", "--port-file", str(self.port_file)]
        for name in ("lake.commit_interval_ms=300", "journal.compression=none"):
            command += ["--set", name]
        if config:
            command += ["--config", str(config)]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)
        atexit.register(self.process.kill)  # Of a test that fails.
        deadline = time.monotonic() + 30
        while not self.port_file.exists():
            assert self.process.poll() is None, "the server stopped at once"
            assert time.monotonic() < deadline, "the server does not come up"
            time.sleep(0.02)
        self.base = f"http://127.0.0.1:{self.port_file.read_text().strip()}"

    def ask(self, path, body=None, method=None, headers=None):
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, headers or {}, method=method)
        if not request.has_header("X-write-key"):
            request.add_header("X-Write-Key", "wk")
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {error.code} {error.read()[:300]}")

    def sql(self, statement):
        return self.ask("/v1/sql", {"sql": statement})["rows"]

    def ledger(self):
        return self.ask("/v1/ledger")["total"]

    def settled(self, received):
        """The ledger once it has counted so many items."""
        deadline = time.monotonic() + 20
        while (total := self.ledger())["received"] < received:
            assert time.monotonic() < deadline, f"the ledger stays at {total}"
            time.sleep(0.05)
        assert total["received"] == sum(total[v] for v in ("accepted", "duplicate", "quarantined", "suppressed", "bot", "consent_dropped")), total
        assert total["received"] == received, total
        return total

    def stop(self):
        self.process.terminate()
        assert self.process.wait(30) == 0
        self.log.close()


def passed(what):
    print(f"ok: {what}", flush=True)


def planted_items():
    items = []
    for number, value in enumerate(CARDS + PERSONAL):
        text = f"before {value} after"
        items.append({"type": "track", "event": "Planted", "anonymousId": f"visitor-{number}", "messageId": f"m-{number}",
                      "userId": value, "properties": {"note": text, value: "key", "list": [value, {"deep": text}], "coupon": value,
                                                      "products": [{"product_id": value, "name": text}]},
                      "context": {"page": {"url": f"https://shop.example/pay?x={urllib.parse.quote(value)}&y=1", "title": text},
                                  "ip": "192.0.2.177", "device": {"id": value}, "campaign": {"name": value}}})
        items.append({"type": "identify", "anonymousId": value, "messageId": f"id-{value}", "traits": {"email": PERSONAL[0], "phone": value}})
        items.append({"type": "track", "event": text, "anonymousId": "a", "messageId": value})
        items.append({"type": "track", "event": "order completed", "anonymousId": "b", "properties": {"order_id": value, "revenue": 5}})
        # Breaks its contract and rules of quality, of which samples are shown: its id, also where it would be cut in two, and its names.
        items.append({"type": "track", "event": "order completed", "anonymousId": "b", "messageId": value, "properties": {"revenue": "many", value: 1}})
        items.append({"type": "track", "event": "order completed", "anonymousId": "b", "messageId": f"{'i' * 50} {value}", "properties": {"revenue": {value: 1}}})
        items.append({"type": "track", "properties": {"bad": text}, "anonymousId": "q"})  # No event name: quarantined.
        items.append({"type": "track", "event": "x", "userId": {"bad": value}, "anonymousId": "q"})
    items.append({"type": "track", "event": "number", "anonymousId": "n", "properties": {"card": 4111111111111111, "cards": [5555555555554444]}})
    return items


def send(server, items):
    received = 0
    for start in range(0, len(items), 20):
        received += server.ask("/v1/batch", {"batch": items[start:start + 20], "context": {"ip": "192.0.2.177", "note": "4111 1111 1111 1111"}})["received"]
    # What JSON escapes hide, a body that is zipped, a broken item, an item too large for the journal.
    raw = rb'{"batch":[{"type":"track","event":"\u0034111111111111111","anonymousId":"e","properties":{"m":"ada.lovelace\u0040analytical.example","s":"4111\u00a01111\u20131111\u00201111"}}]}'
    received += server.ask("/v1/batch", raw)["received"]
    received += server.ask("/v1/batch", gzip.compress(raw), headers={"Content-Encoding": "gzip"})["received"]
    received += server.ask("/v1/batch", b'{"batch":[{"type":"track","event":"4111111111111111",,"m":"ada.lovelace@analytical.example"}]}')["received"]
    large = {"type": "track", "event": "big", "anonymousId": "l", "properties": {"p": "x" * 40000 + " 4111111111111111 " + "ada.lovelace@analytical.example "}}
    received += server.ask("/v1/batch", {"batch": [large]})["received"]
    pixel = base64.b64encode(json.dumps({"event": "p", "anonymousId": "p", "properties": {"m": PERSONAL[0], "c": CARDS[0]}}).encode()).decode()
    urllib.request.urlopen(server.base + f"/pixel/v1/track?writeKey=wk&event=Pix&anonymousId=px&data={urllib.parse.quote(pixel)}&properties.m={urllib.parse.quote(PERSONAL[0])}").read()
    return received + 1


def look_in(directory, wanted, what):
    """Ends the test when one of `wanted`, bytes and where they come from, is in a file below `directory`."""
    with tempfile.NamedTemporaryFile() as patterns:
        patterns.write(b"\n".join(needle for needle in wanted if b"\n" not in needle))
        patterns.flush()
        found = subprocess.run(["grep", "-raoF", "-f", patterns.name, str(directory)], capture_output=True, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"})
    assert found.returncode in (0, 1), found.stderr
    for line in found.stdout.splitlines():
        path, needle = line.split(b":", 1)
        raise AssertionError(f"{what}: {path.decode()} holds {needle!r}, planted as {wanted.get(needle)}")


def search(directory, wanted):
    # What the search finds when there is something to find.
    assert subprocess.run(["grep", "-raqF", "Planted", str(directory)], env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}).returncode == 0 or directory.name == "strict"
    look_in(directory, wanted, "on the disk")
    files = [path for path in directory.rglob("*") if path.is_file()]
    for path in files:
        assert not any(needle in path.name.encode() for needle in wanted), f"a file's name holds a planted value: {path}"
    return len(files)


def check_tables(server, wanted):
    """Parquet pages are compressed: their text comes back through SQL."""
    with tempfile.TemporaryDirectory(prefix="millrace-rows-") as rows:
        for table in ("raw.events", "conformed.events", "conformed.quarantine", "conformed.orders", "conformed.sessions"):
            columns = [row[0] for row in server.sql(f"select column_name from (describe {table})")]
            joined = " || ' ' || ".join(f"""coalesce({f'''decode("{c}", 'replace')''' if c == 'raw' else f'"{c}"::varchar'}, '')""" for c in columns)
            taken = server.sql(f"select {joined} from {table}")
            assert table != "raw.events" or len(taken) > 100, len(taken)
            (pathlib.Path(rows) / table).write_text("\n".join(row[0] for row in taken))
        for name in ("/v1/events/recent?n=200", "/v1/quarantine", "/v1/actions", "/v1/contracts/proposals", "/v1/contracts/violations", "/v1/contracts/rules", "/v1/contracts/alerts", "/metrics"):
            with urllib.request.urlopen(server.base + name, timeout=20) as answer:
                (pathlib.Path(rows) / re.sub(r"\W", "-", name)).write_bytes(answer.read())
        look_in(pathlib.Path(rows), wanted, "through the API")
    passed("no planted value comes back through SQL or the API")


def main():
    work = pathlib.Path(tempfile.mkdtemp(prefix="millrace-privacy-"))
    try:
        data = work / "data"
        config = work / "sources.toml"
        config.write_text(card_paths.CONFIG)
        server = Server(data, config)
        received = send(server, planted_items())
        cards = card_paths.plant(server, MILLRACE, work)
        received += cards.items
        wanted = {needle: "a value of planted.py" for needle in needles()} | card_paths.needles(cards)
        total = server.settled(received)
        passed(f"the ledger closes over {received} items: {total}")
        time.sleep(1.0)  # For a commit or two.
        check_tables(server, wanted)
        rows = server.sql("select count(*) from conformed.events where extra like '%tok_1_%'")
        assert int(rows[0][0]) > 20, rows
        passed("tokens stand where the values were")

        subprocess.run([MILLRACE, "keys", "rotate", "--data", str(data)], check=True, stdout=subprocess.DEVNULL)
        time.sleep(1.2)
        received += server.ask("/v1/batch", {"batch": [{"type": "track", "event": "rotated", "anonymousId": "r", "properties": {"m": PERSONAL[0]}}]})["received"]
        server.settled(received)
        token = subprocess.run([MILLRACE, "keys", "token", PERSONAL[0], "--data", str(data)], check=True, capture_output=True, text=True).stdout.split()
        assert len(token) == 2 and token[1].startswith("tok_2_"), token
        found = server.sql(f"select count(*) from conformed.events where event_name = 'rotated' and contains(extra, '{token[1]}')")
        assert int(found[0][0]) == 1, found
        mode = stat.S_IMODE((data / "privacy" / "keys").stat().st_mode)
        assert mode == 0o600, oct(mode)
        passed("a rotated key is in use within a second, and the key file is its owner's alone")

        person = {"type": "track", "event": "seen", "anonymousId": "dorothy-vaughan", "userId": "dv@langley.example"}
        server.ask("/v1/privacy/suppressions/" + urllib.parse.quote("DV@langley.example"), method="PUT")
        answer = server.ask("/v1/batch", {"batch": [person, dict(person, userId="someone-else")]})
        received += answer["received"]
        assert answer["suppressed"] == 1 and answer["accepted"] == 1, answer
        total = server.settled(received)
        assert total["suppressed"] == 1, total
        server.stop()
        server = Server(data)
        answer = server.ask("/v1/batch", {"batch": [person]})
        received += answer["received"]
        assert answer["suppressed"] == 1, answer
        server.ask("/v1/privacy/suppressions/" + urllib.parse.quote("dv@langley.example"), method="DELETE")
        answer = server.ask("/v1/batch", {"batch": [dict(person, messageId="again")]})
        received += answer["received"]
        assert answer["accepted"] == 1, answer
        server.settled(received)
        passed("a suppressed person is dropped at once, after a restart too, and no more when taken off the list")

        bot = {"type": "page", "anonymousId": "crawler", "context": {"userAgent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}}
        before = server.ledger()["bot"]
        answer = server.ask("/v1/batch", {"batch": [dict(bot, messageId="b1"), dict(bot, messageId="b2"),
                                                    dict(bot, type="track", event="Order Completed", messageId="b3", properties={"order_id": "o-bot", "revenue": 7})]})
        received += answer["received"]
        total = server.settled(received)
        assert total["bot"] == before + 2, total
        rows = server.sql("select verdict, bot_score, bot_reasons from conformed.events where visitor_id = 'crawler' order by 1")
        assert [row[0] for row in rows] == ["accepted", "bot", "bot"] and all(int(row[1]) == 100 for row in rows), rows
        (seen,), = server.sql("select count(*) from curated.events where visitor_id = 'crawler'")
        assert int(seen) == 1, seen
        passed("a crawler's events are out of the figures and in the tables, its order counts")
        server.stop()
        print(f"searched {search(work, wanted)} files for {len(wanted)} byte strings of {len(cards.planted)} cards and more")
        passed("no planted value is in any byte of the data directory or the log")

        verified = subprocess.run([MILLRACE, "verify", "--data", str(data)], capture_output=True, text=True)
        assert verified.returncode == 0, verified.stdout + verified.stderr
        passed("the state is what the journal gives")

        strict = work / "strict"
        consent_counts.check(Server, strict, work / "rules.toml", MILLRACE)
        print(f"searched {search(strict, wanted)} files")
    finally:
        shutil.rmtree(work, ignore_errors=True)


main()
