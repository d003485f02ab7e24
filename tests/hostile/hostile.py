"""Runs the cases of cases.py against a server of its own: hostile.py MILLRACE [NAME-PART] [--show]

--show prints what came instead of failing, for writing new cases."""
import json
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

import cases

RESIDENT_BYTES_MAX = 512 << 20
DEADLINE_S = 15
SETTINGS = [
    "http.header_timeout_ms=600", "http.body_timeout_ms=600", "http.idle_timeout_ms=60000", "lake.commit_interval_ms=500",
    "bots.filter=off", "sql.timeout_ms=400", "sql.memory_bytes=268435456"]
CONFIG = """
[[source]]
name = "shopify"
write_key = "hooks"
secret = "%(secret)s"
[[source]]
name = "warehouse"
write_key = "ware"
secret = "%(secret)s"
mapping = "%(root)s/ware.toml"
"""
MAPPING = """
items = "/rows"
event = "/kind"
time = "/at"
[events]
paid = "order_completed"
[fields]
message_id = "/id"
anonymous_id = "/who"
order_id = "/no"
total = "/sum"
[lines]
array = "/goods"
product_id = "/sku"
quantity = "/n"
price = "/each"
"""
PROBE = b"GET /healthz HTTP/1.1\r\nHost: probe\r\nX-Probe: 1\r\n\r\n"
ACCOUNTED = ("accepted", "duplicate", "quarantined", "suppressed", "bot", "consent_dropped")


class Server:
    def __init__(self, binary, root):
        (root / "ware.toml").write_text(MAPPING)
        (root / "millrace.toml").write_text(CONFIG % {"secret": cases.SECRET, "root": root})
        command = [binary, "serve", "--config", root / "millrace.toml", "--data", root / "data", "--port", "0", "--port-file", root / "port"]
        self.log = root / "log"
        self.process = subprocess.Popen(command + [part for each in SETTINGS for part in ("--set", each)],
                                        stdout=open(self.log, "a"), stderr=subprocess.STDOUT)
        self.wait_for(lambda: (root / "port").exists() and (root / "port").read_text().strip())
        self.port = int((root / "port").read_text())
        self.wait_for(lambda: self.get("/readyz")[0] == 200)

    def wait_for(self, condition):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            assert self.process.poll() is None, "the server ended:\n" + self.log.read_text()[-3000:]
            try:
                if answer := condition():
                    return answer
            except OSError:
                pass
            time.sleep(0.002)
        raise AssertionError("waited in vain")

    def get(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=DEADLINE_S) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def ledger(self):
        """Verdicts so far, once all that was acknowledged is in them."""
        answer = json.loads(self.get("/v1/ledger?step=range")[1])
        total = answer["total"]
        assert answer["closed"] and total["received"] == sum(total[name] for name in ACCOUNTED), answer
        return total

    def resident_bytes(self, field="VmRSS"):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split(field + ":")[1].split()[0]) * 1024


class Answers:
    """Reads what a connection answers: (status, error code) each, until it ends or is quiet for good."""

    def __init__(self, connection):
        self.connection, self.buffer, self.ended = connection, b"", False

    def fill(self):
        try:
            chunk = self.connection.recv(1 << 16)
        except (ConnectionResetError, BrokenPipeError):
            chunk = b""
        self.ended = self.ended or not chunk
        self.buffer += chunk
        return bool(chunk)

    def next(self):
        """None at the end of the connection; TimeoutError when nothing comes."""
        while b"\r\n\r\n" not in self.buffer:
            if not self.fill():
                assert not self.buffer, f"ends within a head: {self.buffer[:200]!r}"
                return None
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        lines = head.split(b"\r\n")
        assert lines[0].startswith(b"HTTP/1.1 "), head[:200]
        status = int(lines[0].split()[1])
        if status == 100:
            return self.next()
        fields = {name.lower(): value.strip() for name, value in (line.split(b":", 1) for line in lines[1:])}
        if fields.get(b"content-type", b"").startswith(b"text/event-stream"):
            return status, "stream", b""
        size = int(fields.get(b"content-length", b"0"))
        while len(self.buffer) < size:
            assert self.fill(), f"ends within a body after {head!r}"
        body, self.buffer = self.buffer[:size], self.buffer[size:]
        code = ""
        if status >= 400 and fields.get(b"content-type", b"").startswith(b"application/json"):
            code = json.loads(body)["error"]["code"]
        return status, code, body


def send(connection, case):
    try:
        for part in case.parts():
            if isinstance(part, float):
                time.sleep(part)
            else:
                connection.sendall(part)
    except (ConnectionResetError, BrokenPipeError):
        pass  # It was answered before it was all sent.


def talk(port, case):
    """What came: "200", "400 malformed_request close", "200,408 request_timeout close"; "close" alone is an end without an answer."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)
    with connection:
        if case.ends == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        send(connection, case)
        if case.ends in ("reset", "leave"):
            return "left"
        if case.ends == "half-close":
            connection.shutdown(socket.SHUT_WR)
        answers, came = Answers(connection), []
        wanted = len([each for each in case.expected.split(",") if each != "close"]) or 1
        closes = case.expected.endswith("close")
        while len(came) < wanted or closes:
            answer = answers.next()
            if answer is None:
                break
            came.append(f"{answer[0]} {answer[1]}".strip())
            if answer[1] == "stream":
                return ",".join(came)
        if answers.ended:
            return (",".join(came) + " close").strip()
        if case.ends == "half-close":
            return ",".join(came)
        # What follows on the connection is what we send now, and nothing that the case smuggled in.
        connection.sendall(PROBE)
        probe = answers.next()
        if probe is None:
            return (",".join(came) + " close").strip()
        if probe[0] != 200 or b"alive" not in probe[2] or answers.buffer:
            return ",".join(came) + f" then {probe[0]} {probe[2][:80]!r}"
        return ",".join(came)


class Run:
    def __init__(self, server, show):
        self.server, self.show = server, show
        self.before = server.ledger()
        self.failures = []

    def settle(self, wanted):
        """The verdicts that came since the last case, once there are as many as were expected."""
        total, end = self.server.ledger(), time.monotonic() + DEADLINE_S
        while sum(wanted.values()) > total["received"] - self.before["received"] and time.monotonic() < end and not (self.show and time.monotonic() > end - DEADLINE_S + 1):
            time.sleep(0.003)
            total = self.server.ledger()
        came = {name: total[name] - self.before[name] for name in ACCOUNTED if total[name] != self.before[name]}
        self.before = total
        return came

    def check(self, case, came, verdicts):
        wanted = (case.expected, case.items)
        if (came, verdicts) != wanted:
            self.failures.append(f"{case.name}: {came} {verdicts}, expected {wanted[0]} {wanted[1]}")
            if self.show:
                print(self.failures[-1])
        server = self.server
        assert server.process.poll() is None, f"{case.name} ended the server:\n" + server.log.read_text()[-3000:]
        status, body = server.get("/healthz")
        assert status == 200 and b"alive" in body, (case.name, status, body)
        resident = server.resident_bytes()
        assert resident < RESIDENT_BYTES_MAX, f"{case.name}: {resident >> 20} MiB resident"

    def one_by_one(self, chosen):
        for case in chosen:
            try:
                came = talk(self.server.port, case)
            except (TimeoutError, AssertionError) as error:
                came = f"no answer: {error!r}"
            self.check(case, came, self.settle(case.items))

    def at_once(self, chosen):
        """Slow ones wait for the server's limits together."""
        came = {}

        def work(case):
            try:
                came[case.name] = talk(self.server.port, case)
            except (TimeoutError, AssertionError) as error:
                came[case.name] = f"no answer: {error!r}"

        threads = [threading.Thread(target=work, args=[case]) for case in chosen]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for case in chosen:
            self.check(case, came[case.name], self.settle(case.items))


def main():
    binary = sys.argv[1]
    show = "--show" in sys.argv
    part = next((each for each in sys.argv[2:] if not each.startswith("--")), "")
    root = pathlib.Path(tempfile.mkdtemp(prefix="millrace-hostile-"))
    server = None
    began = time.monotonic()
    try:
        server = Server(binary, root)
        started = pathlib.Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
        run = Run(server, show)
        chosen = [case for case in cases.all_cases() if part in case.name]
        assert len({case.name for case in chosen}) == len(chosen), "two cases have one name"
        run.one_by_one([case for case in chosen if not case.slow])
        run.at_once([case for case in chosen if case.slow])
        assert pathlib.Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()[19] == started
        # What was acknowledged reaches the tables: every row of the ledger that keeps its item.
        total = server.ledger()
        statement = json.dumps({"sql": "select count(*)::int from raw.events"}).encode()

        def rows():
            request = urllib.request.Request(f"http://127.0.0.1:{server.port}/v1/sql", data=statement)
            with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
                return json.load(answer)["rows"][0][0]

        server.wait_for(lambda: rows() == total["received"])
        peak = server.resident_bytes("VmHWM")
        server.process.terminate()
        assert server.process.wait(60) == 0, server.log.read_text()[-3000:]
        if run.failures and not show:
            raise AssertionError(f"{len(run.failures)} of {len(chosen)} cases:\n" + "\n".join(run.failures))
        print(f"hostile: {len(chosen)} cases in {time.monotonic() - began:.0f} s, each with its named answer; "
              f"{total['received']} items accounted for; at most {peak >> 20} MiB resident")
    finally:
        if server and server.process.poll() is None:
            server.process.kill()
            server.process.wait()
        shutil.rmtree(root, ignore_errors=True)


main()
