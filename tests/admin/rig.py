"""A Millrace to ask: starts it on a free port, asks it by curl, ends it."""
import atexit
import json
import pathlib
import signal
import subprocess
import sys
import time

MILLRACE = str(pathlib.Path(sys.argv[1]).resolve())


class Answer:
    def __init__(self, status, head, body):
        self.status, self.head, self.body = status, head, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """Of an error; empty when it is none."""
        return self.json.get("error", {}).get("code", "")

    def header(self, name):
        for line in self.head.splitlines():
            key, _, value = line.partition(":")
            if key.lower() == name.lower():
                return value.strip()
        return None


class Server:
    def __init__(self, directory, *settings, config=None, address="127.0.0.1", tls=None):
        self.directory, self.tls, self.address = directory, tls, address
        self.port_file = directory.parent / f"{directory.name}.port"
        self.port_file.unlink(missing_ok=True)
        self.log_file = directory.parent / f"{directory.name}.log"
        command = [MILLRACE, "serve", "--data", str(directory), "--port", "0", "--address", address, "--port-file", str(self.port_file)]
        if tls:
            settings += (f"http.tls_certificate_file={tls / 'cert.pem'}", f"http.tls_key_file={tls / 'key.pem'}")
        for setting in settings:
            command += ["--set", setting]
        if config:
            command += ["--config", str(config)]
        self.process = subprocess.Popen(command, stdout=open(self.log_file, "ab"), stderr=subprocess.STDOUT)
        atexit.register(self.process.kill)  # Of a test that fails.
        until("the server listens", lambda: self.port_file.exists() or self.process.poll() is not None)
        assert self.process.poll() is None, self.log()
        self.port = int(self.port_file.read_text())
        self.host = "127.0.0.1" if address == "0.0.0.0" else address
        self.base = f"{'https' if tls else 'http'}://{self.host}:{self.port}"

    def log(self):
        return self.log_file.read_text()

    def ask(self, method, path, body=None, token=None, headers=(), insecure=True):
        command = ["curl", "-sS", "-i", "--path-as-is", "--max-time", "20", self.base + path]
        command += ["--head"] if method == "HEAD" else ["-X", method]
        if insecure and self.tls:
            command.append("-k")
        if body is not None:
            command += ["--data-binary", "@-", "-H", "Content-Type: application/json"]
        if token:
            command += ["-H", f"Authorization: Bearer {token}"]
        for header in headers:
            command += ["-H", header]
        text = "" if body is None else body if isinstance(body, str) else json.dumps(body)
        done = subprocess.run(command, input=text, capture_output=True, text=True)
        assert done.returncode == 0, (command, done.stderr)
        text = done.stdout.replace("\r\n", "\n")
        while text.startswith("HTTP/1.1 100"):
            text = text.partition("\n\n")[2]
        head, _, rest = text.partition("\n\n")
        return Answer(int(head.split()[1]), head, rest)

    def hang_up(self):
        self.process.send_signal(signal.SIGHUP)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=60)

    def kill(self):
        self.process.kill()
        self.process.wait()


def command(*arguments, good=True):
    """The standard output of a command of the binary."""
    done = subprocess.run([MILLRACE, *arguments], capture_output=True, text=True)
    assert (done.returncode == 0) == good, (arguments, done.stdout, done.stderr)
    return done.stdout.strip() if good else done.stderr


def until(what, condition, seconds=30):
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"not in {seconds} s: {what}"
        time.sleep(0.02)
    return value


def passed(what):
    print(f"ok  {what}", flush=True)
