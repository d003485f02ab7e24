"""Replays two public data sets into a fresh Millrace on event time and compares sessions, purchases and abandoned carts."""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

millrace, data = sys.argv[1], pathlib.Path(sys.argv[2])


def ask(url, path, body=None):
    request = urllib.request.Request(url + path, json.dumps(body).encode() if body else None)
    return json.load(urllib.request.urlopen(request, timeout=60))


def run(name, file, check):
    root = pathlib.Path(tempfile.mkdtemp(prefix="millrace-golden-"))
    server = subprocess.Popen(
        [millrace, "serve", "--data", root / "data", "--port", "0", "--port-file", root / "port", "--time", "events",
         "--set", "cart.silence_ms=0"], stderr=open(root / "log", "w"))
    try:
        while not (root / "port").exists():
            assert server.poll() is None, (root / "log").read_text()
            time.sleep(0.02)
        url = f"http://127.0.0.1:{(root / 'port').read_text().strip()}"
        subprocess.run([millrace, "replay", "--format", name, data / file, "--to", url, "--finish"], check=True)
        deadline = time.monotonic() + 60
        while True:
            try:
                check(url)
                break
            except AssertionError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
        print(f"{name}: as published")
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(root, ignore_errors=True)


def rows(url, sql):
    return ask(url, "/v1/sql", {"sql": sql})["rows"]


def actions(url):
    found = {}
    for action in ask(url, "/v1/actions?n=1000")["items"]:
        found[action["kind"]] = found.get(action["kind"], 0) + 1
    return found


def retailrocket(url):
    assert rows(url, "select count(*), count(distinct visitor_id) from curated.sessions") == [[6229, 5000]], "sessions"
    # 34 more were disarmed by a purchase in time; 5 purchases came after the action.
    assert actions(url) == {"cart_abandoned": 123, "cart_abandonment_cancelled": 5}, actions(url)


def retentioneering(url):
    assert rows(url, "select count(*) from curated.sessions") == [[3605]], "sessions"
    funnel = ask(url, "/v1/funnel?from=2024-01-01T00:00:00Z&to=2025-01-01T00:00:00Z&by=channel")
    purchases = {row["channel"]: row["sessions"][-1] for row in funnel["rows"]}
    assert purchases == {"paid": 161, "organic": 161, "email": 75, "social": 55, "direct": 18}, purchases
    ledger = ask(url, "/v1/ledger?from=2024-01-01T00:00:00Z&to=2025-01-01T00:00:00Z")
    assert ledger["closed"] and ledger["total"]["received"] == 31106, ledger["total"]


run("retailrocket", "retailrocket_sample_events_5000_visitors.csv", retailrocket)
run("retentioneering", "retentioneering_ecom.csv.gz", retentioneering)
