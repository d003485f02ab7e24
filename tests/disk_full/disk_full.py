"""A full disk and a failed fsync, as a client of HTTP meets them: nothing acknowledged is lost, nothing refused is done twice, what can go on
goes on, and /readyz says why."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid

millrace = os.path.abspath(sys.argv[1])
root = pathlib.Path(tempfile.mkdtemp(prefix="millrace-disk-"))
SETTINGS = ["--set", "journal.segment_bytes=2097152", "--set", "journal.compression=none", "--set", "lake.commit_interval_ms=400", "--set",
            "bots.filter=off"]
ITEMS = 200
ran, skipped, started = 0, [], []


class Server:
    def __init__(self, data):
        self.data, port_file = data, root / "port"
        port_file.unlink(missing_ok=True)
        self.log = root / "log"
        self.process = subprocess.Popen([millrace, "serve", "--data", data, "--port", "0", "--port-file", port_file, *SETTINGS],
                                        stderr=open(self.log, "a"))
        started.append(self.process)
        began = time.monotonic()
        while not port_file.exists():
            assert self.process.poll() is None, self.log.read_text()[-2000:]
            assert time.monotonic() - began < 60, "not ready after 60 s"
            time.sleep(0.01)
        self.url = f"http://127.0.0.1:{port_file.read_text().strip()}"

    def ask(self, path, body=None, method=None):
        request = urllib.request.Request(self.url + path, method=method, data=None if body is None else json.dumps(body).encode(),
                                         headers={"X-Write-Key": "shop"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read() or b"null"), answer.headers
        except urllib.error.HTTPError as refused:
            return refused.code, json.loads(refused.read() or b"null"), refused.headers

    def rows(self, statement):
        status, answer, _ = self.ask("/v1/sql", {"sql": statement})
        assert status == 200, answer
        return answer["rows"]

    def metric(self, name, labels=""):
        text = urllib.request.urlopen(self.url + "/metrics", timeout=30).read().decode()
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name + "{") and labels in line)

    def end(self, how):
        self.process.send_signal(how)
        self.process.wait(90)

    def assert_goes_on(self):
        """What needs no room answers as before."""
        assert self.process.poll() is None, "the process has ended"
        for path in ["/healthz", "/v1/funnel", "/v1/ledger", "/v1/trending", "/v1/status", "/v1/recommendations?items=disk-1"]:
            status, answer, _ = self.ask(path)
            assert status == 200, f"{path}: {status} {answer}"
        assert self.rows("select count(*) from raw.events")[0][0] > 0


def wait_until(what, condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)


class Client:
    """Sends batches and remembers what was acknowledged."""

    def __init__(self):
        self.acked, self.refused = set(), set()

    def send(self, server):
        ids = [uuid.uuid4().hex for _ in range(ITEMS)]
        batch = [{"type": "track", "event": "Product Viewed", "anonymousId": f"v-{i % 7}", "messageId": message_id,
                  "properties": {"product_id": f"disk-{i % 11}", "padding": "x" * 300}} for i, message_id in enumerate(ids)]
        status, answer, headers = server.ask("/v1/batch", {"batch": batch})
        (self.acked if status == 200 else self.refused).update(ids)
        return status, answer, headers

    def check(self, server):
        """All that was acknowledged is in SQL, and nothing twice."""
        def settled():
            partitions = server.ask("/v1/status")[1]["journal"]["partitions"]
            return all(p["applied"] == p["end"] for p in partitions if p["name"].startswith("events"))
        wait_until("processing catches up", settled)
        def counts():
            return server.rows("select count(*), count(distinct message_id) from raw.events where verdict in ('accepted', 'bot')")[0]
        wait_until("every acknowledged event is in SQL", lambda: counts()[1] >= len(self.acked))
        rows, distinct = counts()
        assert rows == distinct, f"{rows - distinct} events are in the table twice"
        stored = set()
        for digit in "0123456789abcdef":
            part = server.rows(f"select message_id from raw.events where verdict in ('accepted', 'bot') and message_id like '{digit}%' limit 10000")
            assert len(part) < 10000, "a page of ids was cut off"
            stored.update(row[0] for row in part)
        assert not self.acked - stored, f"{len(self.acked - stored)} acknowledged events are gone"
        assert stored <= self.acked | self.refused, "events nobody sent"
        ledger = server.ask("/v1/ledger")[1]
        assert ledger["closed"] and ledger["total"]["accepted"] + ledger["total"]["bot"] == rows, ledger["total"]
        return rows


def verify(data):
    result = subprocess.run([millrace, "verify", "--data", data, *SETTINGS], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def free_bytes(path):
    status = os.statvfs(path)
    return status.f_bavail * status.f_frsize


def full_disk(disk):
    server, client = Server(disk / "data"), Client()
    for _ in range(5):
        assert client.send(server)[0] == 200
    assert server.ask("/v1/stock/disk-1", {"on_hand": 10}, "PUT")[0] == 200
    wait_until("the first commit", lambda: server.metric("millrace_lake_rows", "raw.events") > 0)

    ballast = disk / "ballast"
    with open(ballast, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, free_bytes(disk) - (3 << 20))

    def fill_rest():
        """Room that is left by chance, or that a journal gave back."""
        try:
            with open(disk / "rest", "ab", buffering=0) as file:
                while True:
                    file.write(b"x" * 4096)
        except OSError:
            return True

    sent = 0
    while (answer := client.send(server))[0] == 200:
        sent += 1
        assert sent < 1000, "the disk does not get full"
    status, body, headers = answer
    assert (status, body["error"]["code"]) == (503, "disk_full"), answer
    assert headers["Retry-After"], "503 without Retry-After"
    fill_rest()
    status, body, _ = server.ask("/readyz")
    assert status == 503 and any("full" in reason for reason in body["reasons"]), body

    def waits(answer):
        """For the lake, since when, and what is to be done."""
        return any("takes no commit" in each and " since 20" in each and "Free space" in each for each in answer[1]["waiting"])

    wait_until("/readyz tells that the lake waits for the disk", lambda: fill_rest() and waits(server.ask("/readyz")), 20)
    # The journal of the facts still has the room that was prepared for it.
    for number in range(1000):
        lines = [{"sku": f"{number}-{line}-" + "s" * 150, "quantity": 1} for line in range(100)]
        status, body, headers = server.ask("/v1/stock/reservations", {"id": f"large-{number}", "lines": lines})
        if status != 409:
            break
    assert (status, body["error"]["code"]) == (503, "disk_full") and headers["Retry-After"], (status, body)
    for _ in range(20):
        status, body, _ = client.send(server)
        assert status == 503, body
        time.sleep(0.1)
    server.assert_goes_on()
    lines = server.log.read_text().splitlines()
    ahead = [line for line in lines if "without a segment prepared ahead" in line]
    assert len(ahead) <= 8 and len(lines) < 200, f"{len(lines)} lines of log, of which {len(ahead)} about segments"
    assert server.metric("millrace_journal_disk_full") > 0

    (disk / "ballast").unlink()
    (disk / "rest").unlink(missing_ok=True)
    began = time.monotonic()
    wait_until("events are taken again", lambda: client.send(server)[0] == 200, 20)
    took = time.monotonic() - began
    wait_until("/readyz is 200 again", lambda: server.ask("/readyz")[0] == 200, 20)
    wait_until("nothing waits any more", lambda: not server.ask("/readyz")[1]["waiting"], 30)
    assert server.ask("/v1/stock/disk-1", {"on_hand": 12}, "PUT")[0] == 200
    for _ in range(5):
        assert client.send(server)[0] == 200
    before = server.metric("millrace_stage_checkpoint_offset", "events/0")
    wait_until("checkpoints go on", lambda: server.metric("millrace_stage_checkpoint_offset", "events/0") > before)
    rows = client.check(server)
    wait_until("all rows are committed", lambda: server.metric("millrace_lake_rows", "raw.events") >= rows)
    server.end(signal.SIGKILL)
    server = Server(disk / "data")
    assert client.check(server) == rows, "the restart changed the number of rows"
    assert client.send(server)[0] == 200
    leftovers = [str(path) for path in (disk / "data").rglob("*") if path.is_file() and path.parent.name == "scratch"]
    assert not leftovers, leftovers
    server.end(signal.SIGTERM)
    verify(disk / "data")
    print(f"full disk: {len(client.acked)} acknowledged, {len(client.refused)} refused, {rows} rows, taken again after {took:.1f} s")


def failed_fsync(data):
    server, client = Server(data), Client()
    for _ in range(5):
        assert client.send(server)[0] == 200
    tracer = subprocess.Popen(["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync,fsync",
                               "-e", "inject=fdatasync,fsync:error=EIO", "-p", str(server.process.pid)],
                              stderr=subprocess.PIPE, text=True)
    started.append(tracer)
    began = time.monotonic()
    while client.send(server)[0] == 200:
        if tracer.poll() is not None:
            skipped.append("failed fsync: strace cannot attach: " + tracer.stderr.read().strip())
            server.end(signal.SIGKILL)
            return
        assert time.monotonic() - began < 20, "every fsync succeeds under strace"
    status, body, headers = client.send(server)
    assert (status, body["error"]["code"]) == (503, "journal_unavailable"), body
    assert headers["Retry-After"], "503 without Retry-After"
    status, body, _ = server.ask("/readyz")
    assert status == 503 and any("write or sync failed" in reason for reason in body["reasons"]), body
    server.assert_goes_on()
    tracer.send_signal(signal.SIGINT)
    tracer.wait(20)
    # The disk is well again, but what it holds of the last writes is unknown until the journal is opened anew.
    assert client.send(server)[0] == 503, "a journal whose fsync failed takes events again"
    server.end(signal.SIGKILL)
    server = Server(data)
    assert server.ask("/readyz")[0] == 200
    assert client.send(server)[0] == 200
    rows = client.check(server)
    server.end(signal.SIGTERM)
    verify(data)
    print(f"failed fsync: {len(client.acked)} acknowledged, {len(client.refused)} refused, {rows} rows")


mounted = root / "disk"
try:
    mounted.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256m", "none", mounted], capture_output=True, text=True)
    if mount.returncode == 0:
        full_disk(mounted)
        ran += 1
    else:
        skipped.append("full disk: no file system of our own: " + mount.stderr.strip())
    if shutil.which("strace"):
        failed_fsync(root / "data")
        ran += 1
    else:
        skipped.append("failed fsync: no strace")
finally:
    if sys.exc_info()[0]:
        log = root / "log"
        print((log.read_text() if log.exists() else "")[-4000:])
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()
    subprocess.run(["umount", "-l", mounted], capture_output=True)
    shutil.rmtree(root, ignore_errors=True)
for line in skipped:
    print("SKIP " + line)
sys.exit(0 if ran > 0 else 77)
