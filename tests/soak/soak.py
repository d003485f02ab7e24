"""Loads a server and reads it from all sides at the same time, twice on one data directory: soak.py MILLRACE SECONDS

Fails when a process ends otherwise than with 0, when a sanitizer has said anything, when an answer is neither a good one nor a refusal, or when an
event is missing."""
import atexit
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

millrace, seconds = sys.argv[1], float(sys.argv[2])
root = pathlib.Path(tempfile.mkdtemp(prefix="millrace-soak-"))
# A build with checks in it is many times slower: the rates are such that it keeps up on two cores.
LOADS = [
    ["--rate", "400", "--batch", "10", "--connections", "8", "--visitors", "200", "--probes", "5"],
    ["--rate", "100", "--batch", "1", "--connections", "4", "--visitors", "1", "--seed", "9"],
    ["--target", "recommend", "--batch", "1", "--rate", "50", "--connections", "2"],
]
SETTINGS = ["lake.commit_interval_ms=500", "journal.segment_bytes=4194304", "privacy.vault=email:marketing", "sql.timeout_ms=30000"]
STATEMENTS = [
    "select count(*) from raw.events", "select event_type, count(*) from conformed.events group by 1 order by 2 desc",
    "select * from curated.sessions order by started_at desc limit 5", "select count(*) from curated.orders o join curated.events e using (visitor_id)",
    "from conformed.quarantine limit 3", "select nonsense"]
PATHS = [
    "/healthz", "/readyz", "/metrics", "/v1/status", "/v1/lake", "/v1/actions", "/v1/trending?n=20", "/v1/products", "/v1/sessions?n=20",
    "/v1/funnel", "/v1/ledger", "/v1/recommendations?n=8&visitor=s", "/v1/contracts", "/v1/contracts/proposals", "/v1/contracts/alerts", "/v1/contracts/violations",
    "/v1/contracts/modes", "/v1/contracts/rules", "/v1/quarantine", "/v1/sources", "/v1/events/recent", "/v1/privacy/suppressions",
    "/v1/vault/openings", "/v1/admin/keys", "/v1/admin/tokens", "/v1/admin/audit", "/iceberg/v1/config", "/iceberg/v1/namespaces", "/v1/id", "/"]
MARKS = ("Sanitizer", "runtime error:", "INVARIANT")
problems = []


class Server:
    def __init__(self):
        (root / "port").unlink(missing_ok=True)
        command = [millrace, "serve", "--data", root / "data", "--port", "0", "--port-file", root / "port"]
        self.process = subprocess.Popen(command + [part for each in SETTINGS for part in ("--set", each)],
                                        stdout=open(root / "log", "a"), stderr=subprocess.STDOUT)
        atexit.register(self.process.kill)  # Of a test that fails.
        end = time.monotonic() + 120
        while not ((root / "port").exists() and (root / "port").read_text().strip()):
            assert self.process.poll() is None and time.monotonic() < end, (root / "log").read_text()[-5000:]
            time.sleep(0.02)
        self.port = int((root / "port").read_text())

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request(method, path, body=body if body is None or isinstance(body, (str, bytes)) else json.dumps(body))
        response = connection.getresponse()
        answer = response.read()
        connection.close()
        return response.status, answer

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=300)
        assert code == 0, f"the server ended with {code}:\n" + (root / "log").read_text()[-8000:]


def read_stream(server, path, stop):
    """A client of server-sent events that comes and goes."""
    while not stop.is_set():
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: soak\r\n\r\n".encode())
            until = time.monotonic() + 2
            connection.settimeout(0.5)
            while time.monotonic() < until and not stop.is_set():
                try:
                    if not connection.recv(65536):
                        break
                except TimeoutError:
                    pass


def repeat(server, requests, stop):
    turn = 0
    while not stop.is_set():
        method, path, body = requests[turn % len(requests)]
        turn += 1
        status, answer = server.ask(method, path, body)
        if status not in (200, 201, 204, 400, 404, 409, 422, 429, 503):
            problems.append(f"{method} {path}: {status} {answer[:300]!r}")


def changes():
    """What an operator does while events come in."""
    schema = {"type": "object", "properties": {"turns": {"type": "integer", "minimum": 1}}}
    requests = [("PUT", "/v1/contracts/schemas/shop/spin/jsonschema/1-0-0", schema),
                ("PUT", "/v1/contracts/modes", {"rules": [{"source": "", "contract": "spin", "mode": "quarantine"}]}),
                ("POST", "/v1/track", {"type": "track", "event": "Spin", "anonymousId": "s", "messageId": "spin", "properties": {"turns": 0}}),
                ("POST", "/v1/track", {"type": "track", "event": "Later", "properties": {"a": 1}}),
                ("POST", "/v1/quarantine/replay", {"dry_run": True, "limit": 10}),
                ("PUT", "/v1/privacy/suppressions/somebody", None), ("DELETE", "/v1/privacy/suppressions/somebody", None),
                ("POST", "/v1/admin/keys", {"source": "pos"}), ("GET", "/v1/admin/keys", None),
                ("PUT", "/v1/stock/sku-1", {"on_hand": 1000}),
                ("POST", "/v1/stock/reservations", {"id": "r1", "ttl_s": 1, "lines": [{"sku": "sku-1", "quantity": 1}]}),
                ("POST", "/v1/stock/reservations/r1/commit", None)]
    return requests


def rows(server, expected):
    """What SQL shows, once the stages have gone over what was acknowledged; on a busy machine they may be behind."""
    end = time.monotonic() + 60
    while True:
        status, answer = server.ask("POST", "/v1/sql", {"sql": "select count(distinct message_id) from raw.events"})
        assert status == 200, answer
        count = json.loads(answer)["rows"][0][0]
        if count >= expected or time.monotonic() > end:
            return count
        time.sleep(0.2)


def soak(turn, before):
    server = Server()
    stop = threading.Event()
    readers = [threading.Thread(target=read_stream, args=(server, path, stop)) for path in ("/v1/live", "/v1/events/stream")]
    everything = [("GET", path, None) for path in PATHS]
    readers += [threading.Thread(target=repeat, args=(server, requests, stop)) for requests in
                (everything, everything[::-1], [("POST", "/v1/sql", {"sql": each}) for each in STATEMENTS], changes())]
    acked = root / f"acked-{turn}"
    loads = []
    for number, load in enumerate(LOADS):
        command = [millrace, "load", "--to", f"http://127.0.0.1:{server.port}", "--seconds", str(int(seconds))] + load
        if number == 0:
            command += ["--seed", str(100 + turn), "--acked-file", acked]
        loads.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=open(root / "log", "a")))
        atexit.register(loads[-1].kill)
    for thread in readers:
        thread.start()
    for load in loads:
        assert load.wait(timeout=600) == 0, "load:\n" + (root / "log").read_text()[-5000:]
    stop.set()
    for thread in readers:
        thread.join()
    ids = set(acked.read_text().split())
    stored = rows(server, expected=before + len(ids))
    server.stop()
    return len(ids), stored


try:
    acknowledged = 0
    for turn in range(2):
        more, stored = soak(turn, acknowledged)
        acknowledged += more
        assert more > 0 and stored >= acknowledged, f"acknowledged {acknowledged}, in SQL {stored}"
    log = (root / "log").read_text()
    for mark in MARKS:
        assert mark not in log, log[max(0, log.index(mark) - 500):][:8000]
    assert not problems, "\n".join(problems[:20])
    print(f"{acknowledged} events acknowledged in {2 * seconds:.0f} s beside {len(PATHS)} paths, all stored; two clean shutdowns")
finally:
    shutil.rmtree(root, ignore_errors=True)
