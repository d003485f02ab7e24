"""Kills Millrace with SIGKILL again and again under load, and then asks what became of every acknowledged event."""
import json
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

millrace, rounds = sys.argv[1], int(sys.argv[2])
seed = 20261121
random.seed(seed)
root = pathlib.Path(tempfile.mkdtemp(prefix="millrace-crash-"))
data, port_file, acked = root / "data", root / "port", root / "acked"
ids = set()
print(f"seed {seed}, {rounds} rounds, {root}")


class Server:
    def __enter__(self):
        port_file.unlink(missing_ok=True)
        began = time.monotonic()
        self.process = subprocess.Popen(
            [millrace, "serve", "--data", data, "--port", "0", "--port-file", port_file, "--set", "lake.commit_interval_ms=700"],
            stderr=open(root / "log", "a"))
        while not port_file.exists():
            assert self.process.poll() is None, (root / "log").read_text()[-2000:]
            assert time.monotonic() - began < 60, "not ready after 60 s"
            time.sleep(0.02)
        self.ready_s = time.monotonic() - began
        self.url = f"http://127.0.0.1:{port_file.read_text().strip()}"
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def get(self, path):
        return json.load(urllib.request.urlopen(self.url + path, timeout=30))

    def sql(self, statement):
        request = urllib.request.Request(self.url + "/v1/sql", json.dumps({"sql": statement}).encode())
        return json.load(urllib.request.urlopen(request, timeout=60))["rows"]


try:
    slowest = 0
    for number in range(rounds):
        with Server() as server:
            slowest = max(slowest, server.ready_s)
            load = subprocess.Popen(
                [millrace, "load", "--to", server.url, "--rate", "4000", "--batch", "10", "--connections", "16", "--seconds", "30",
                 "--seed", str(seed + number), "--visitors", "3000", "--acked-file", acked],
                stdout=subprocess.DEVNULL)
            time.sleep(random.uniform(0.3, 1.5))
            server.process.send_signal(signal.SIGKILL)
            server.process.wait()
            load.send_signal(signal.SIGTERM)
            load.wait()
            # The generator may have been ended in the middle of a line.
            text = acked.read_text() if acked.exists() else ""
            ids.update(text[: text.rfind("\n") + 1].split())
            acked.unlink(missing_ok=True)

    with Server() as server:
        deadline = time.monotonic() + 60
        while True:
            status = server.get("/v1/status")
            if all(p["applied"] == p["end"] for p in status["journal"]["partitions"] if p["name"].startswith("events")):
                break
            assert time.monotonic() < deadline, "processing did not catch up"
            time.sleep(0.1)
        time.sleep(2)
        (rows, distinct), = server.sql("select count(*), count(distinct message_id) from raw.events where verdict = 'accepted'")
        stored = set()
        for digit in "0123456789abcdef":
            for second in "0123456789abcdef":
                part = server.sql(f"select message_id from raw.events where message_id like '{digit}{second}%' limit 10000")
                assert len(part) < 10000, "a page of ids was cut off"
                stored.update(row[0] for row in part)
        missing = ids - stored
        ledger = server.get("/v1/ledger")
        total = ledger["total"]
        print(f"{len(ids)} acknowledged, {rows} rows, {distinct} distinct, {len(missing)} missing, ledger {total}, "
              f"slowest start {slowest:.2f} s")
        assert not missing, f"acknowledged events are gone: {sorted(missing)[:5]}"
        assert rows == distinct, "an event is in the table twice"
        assert ledger["closed"], "the ledger does not close"
        assert total["accepted"] == rows, f"the ledger accepted {total['accepted']}, the table has {rows}"
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(60)
    verify = subprocess.run([millrace, "verify", "--data", data], capture_output=True, text=True)
    print(verify.stdout, verify.stderr)
    assert verify.returncode == 0, "the state is not what the journal gives"
finally:
    shutil.rmtree(root, ignore_errors=True)
