"""1,000 units, 64 connections, kill -9 again and again: exactly 1,000 are committed, and no answer that was given is taken back."""
import argparse
import json
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

parser = argparse.ArgumentParser()
parser.add_argument("millrace")
parser.add_argument("--attempts", type=int, default=40_000)
parser.add_argument("--seed", type=int, default=20261121)
parser.add_argument("--kill-every-s", type=float, default=0.8, help="on average")
options = parser.parse_args()
UNITS, SKU, CONNECTIONS = 1000, "last-thousand", 64
random.seed(options.seed)
root = pathlib.Path(tempfile.mkdtemp(prefix="millrace-stock-"))
data, port_file, answers = root / "data", root / "port", root / "answers"
# Everything that is reserved is given back, but for what it takes to sell out about two thirds of the way.
released_share = max(0.0, 1 - UNITS / 2 / (options.attempts * 0.66))
print(f"seed {options.seed}, {options.attempts} attempts, {released_share:.4f} of the reservations are released, {root}")


# One that no outgoing connection is given: a client that knocks at a closed port of that range may connect to itself.
def free_port():
    while True:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", random.randrange(20000, 30000)))
                return probe.getsockname()[1]
            except OSError:
                continue


port = free_port()
url = f"http://127.0.0.1:{port}"


class Server:
    def __init__(self):
        port_file.unlink(missing_ok=True)
        began = time.monotonic()
        self.process = subprocess.Popen(
            [options.millrace, "serve", "--data", data, "--port", str(port), "--port-file", port_file, "--set",
             "lake.commit_interval_ms=500"], stderr=open(root / "log", "a"))
        while not port_file.exists():
            assert self.process.poll() is None, (root / "log").read_text()[-2000:]
            assert time.monotonic() - began < 60, "not ready after 60 s"
            time.sleep(0.01)
        self.ready_s = time.monotonic() - began

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def ask(method, path, body=None):
    request = urllib.request.Request(url + path, method=method, data=None if body is None else json.dumps(body).encode())
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read()


def stock_now():
    return json.loads(ask("GET", f"/v1/products/{SKU}")[1])["stock"]


# The stock's journal is ahead of the product's view for a moment.
def wait_for_stock(wanted):
    deadline = time.monotonic() + 60
    while (found := stock_now()) != wanted:
        assert time.monotonic() < deadline, f"the stock is {found}, not {wanted}"
        time.sleep(0.05)


server = Server()
try:
    status, body = ask("PUT", f"/v1/stock/{SKU}", {"on_hand": UNITS, "reference": "opening"})
    assert status == 200, body
    load = subprocess.Popen(
        [options.millrace, "load", "--target", "stock", "--to", url, "--sku", SKU, "--attempts", str(options.attempts),
         "--connections", str(CONNECTIONS), "--seed", str(options.seed), "--released-share", str(released_share),
         "--acked-file", answers], stdout=subprocess.PIPE, text=True)
    kills, slowest = 0, server.ready_s
    next_kill = time.monotonic() + random.uniform(0.2, 0.6)
    while load.poll() is None:
        if time.monotonic() >= next_kill:
            server.kill()
            kills += 1
            server = Server()
            slowest = max(slowest, server.ready_s)
            next_kill = time.monotonic() + random.uniform(0.5, 1.5) * options.kill_every_s
        time.sleep(0.01)
    assert load.returncode == 0
    line = load.stdout.read()
    print(line, f"{kills} kills, slowest start {slowest:.2f} s", sep="")
    report = json.loads(line)
    assert kills > 0, "the load was over before the first kill"
    assert report["unfinished"] == 0 and report["unexpected"] == {}, "attempts without a proper answer"
    assert report["lost"] == 0, "an acknowledged reservation was not there to commit or release"
    assert report["repeated"] > 0 and report["mismatches"] == 0, "the same id got another answer"
    assert report["reserved"] + report["refused"] == options.attempts
    assert report["committed"] + report["released"] == report["reserved"]
    assert report["refused"] > 0, "never sold out: nothing was contended"
    # Whether the last few were given back once more is chance: they are sold now, and not one more.
    left = UNITS - report["committed_units"]
    assert 0 <= left <= 20, f"{report['committed_units']} units were committed, not {UNITS}"
    if left:
        status, body = ask("POST", "/v1/stock/reservations", {"id": "the-rest", "lines": [{"sku": SKU, "quantity": left}], "ttl_s": 60})
        assert status == 201, body
        status, body = ask("POST", "/v1/stock/reservations/the-rest/commit", {})
        assert status == 200, body
    status, body = ask("POST", "/v1/stock/reservations", {"id": "one-more", "lines": [{"sku": SKU, "quantity": 1}], "ttl_s": 60})
    assert status == 409, body
    wait_for_stock({"on_hand": 0, "reserved": 0, "available": 0})

    first = [line.split() for line in answers.read_text().splitlines()]
    assert len(first) == options.attempts and len({row[0] for row in first}) == options.attempts
    reserved = [row for row in first if row[2] == "201"]
    refused = [row for row in first if row[2] == "409"]
    assert len(reserved) == report["reserved"] and len(refused) == report["refused"]
    sample = random.sample(reserved, min(500, len(reserved))) + random.sample(refused, min(500, len(refused)))

    def answer_again(row):
        return ask("POST", "/v1/stock/reservations", {"id": row[0], "lines": [{"sku": SKU, "quantity": int(row[1])}], "ttl_s": 60})

    before = {row[0]: answer_again(row) for row in sample}
    for row in sample:
        assert before[row[0]][0] == int(row[2]), f"{row[0]} was answered {row[2]}, and now {before[row[0]]}"
    server.kill()
    server = Server()
    for row in sample:
        after = answer_again(row)
        assert after == before[row[0]], f"{row[0]}: {before[row[0]]} before the restart, {after} after it"
    status, body = ask("PUT", f"/v1/stock/{SKU}", {"on_hand": 5, "reference": "opening"})
    assert json.loads(body)["on_hand"] == 0, "the repeat of a count was counted"
    wait_for_stock({"on_hand": 0, "reserved": 0, "available": 0})

    server.process.send_signal(signal.SIGTERM)
    server.process.wait(60)
    verify = subprocess.run([options.millrace, "verify", "--data", data], capture_output=True, text=True)
    print(verify.stdout, verify.stderr)
    assert verify.returncode == 0, "the state is not what the journal gives"
finally:
    if server.process.poll() is None:
        server.kill()
    shutil.rmtree(root, ignore_errors=True)
