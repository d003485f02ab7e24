"""What a person meets who mistypes, starts twice or points a command at the wrong place."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

MILLRACE = os.path.abspath(sys.argv[1])
failures = []


def run(*arguments, seconds=20):
    done = subprocess.run([MILLRACE, *arguments], capture_output=True, text=True, timeout=seconds)
    return done.returncode, done.stdout + done.stderr


def check(name, arguments, *said):
    """The command fails, not by a signal, and says each of `said`."""
    code, text = run(*arguments)
    ok = 0 < code < 128 and all(words in text for words in said)
    print(f"{'ok    ' if ok else 'FAILED'} {name}")
    if not ok:
        failures.append(name)
        print(f"    exit code {code}: {text.strip()[-500:]}")


def main(directory):
    first, other = directory + "/first", directory + "/other"
    port_file = directory + "/port"
    server = subprocess.Popen([MILLRACE, "serve", "--data", first, "--port", "0", "--port-file", port_file, "--set", "sql.memory_bytes=134217728"],
                              stderr=subprocess.PIPE)
    try:
        until = time.monotonic() + 30
        while not os.path.exists(port_file) and time.monotonic() < until:
            time.sleep(0.02)
        with open(port_file) as file:
            port = file.read().strip()
        to = f"http://127.0.0.1:{port}"

        # Three times: what had begun before the port was found taken must end in order.
        for turn in range(3):
            check(f"a taken port is named, time {turn + 1}", ["serve", "--data", other, "--port", port], port, "in use")
        check("a taken port is named by the demo, too", ["demo", "--data", other, "--port", port, "--seconds", "1"], port)
        check("a port file that cannot be written",
              ["serve", "--data", other, "--port", "0", "--port-file", first + "/lock/port"], "lock")
        check("a data directory in use", ["serve", "--data", first, "--port", "0"], "another process")
        check("verify of a directory in use", ["verify", "--data", first], "another process")

        check("a mistyped command is named", ["sevre"], '"sevre"', "--help")
        check("a mistyped setting has a nearest", ["serve", "--data", other, "--set", "http.prt=1"], '"http.port"')
        check("an address that no webhook can be posted to", ["serve", "--data", directory + "/hook", "--port", "0", "--set", "webhook.url=ftp://shop.example"], "webhook.url")
        config = directory + "/c.toml"
        for text, said in [("[[sources]]\nname='a'\nwrite_key='k'\n", "[[source]]"),
                           ("[[source]]\nname='a'\nwrite_key='k'\n[[source]]\nname='a'\nwrite_key='l'\n",
                            'two are named "a"')]:
            with open(config, "w") as file:
                file.write(text)
            check(f"in a file: {said}", ["serve", "--data", other, "--config", config], "c.toml", said)

        code, text = run("sql", "selec 1", "--to", to)
        assert code == 1 and "selec" in text and "{" not in text, (code, text)
        code, text = run("events", "--to", to, "--verdict", "good")
        assert code == 1 and "One of: accepted" in text and "{" not in text, (code, text)
        print("ok     what the server refuses is told as sentences")
        check("rows that a CSV has not are told by the exit code", ["sql", "FROM range(10001) ORDER BY range", "--format", "csv", "--to", to],
              "9999\n", "first 10000 rows")
        code, text = run("sql", "FROM range(10000) ORDER BY range", "--format", "csv", "--to", to)
        assert code == 0 and "first" not in text, (code, text[-200:])
        # DuckDB does not count what a median keeps: these would be gigabytes.
        check("a statement that takes too much of the heap is stopped",
              ["sql", "SELECT median(range), mode(range) FROM range(1000000000)", "--to", to], "more than 160 MiB")

        heard = 1 << signal.SIGTERM - 1
        for task in os.listdir(f"/proc/{server.pid}/task"):
            with open(f"/proc/{server.pid}/task/{task}/status") as file:
                status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
            # jemalloc's own threads hold back all signals; the main thread waits for this one.
            assert task == str(server.pid) or int(status["SigBlk"], 16) & heard, f"thread {status['Name']} would die of SIGTERM, and the server with it"
        print("ok     no thread but the main one takes the signal to stop")

        mapping, rows = directory + "/m.toml", directory + "/r.csv"
        for path, text in [(mapping, "[fields]\nuser_id = '/who'\n"), (rows, "who\nanna\n")]:
            with open(path, "w") as file:
                file.write(text)
        with open(directory + "/a.log", "w") as file:
            file.write('192.0.2.1 - - [21/Nov/2025:10:00:00 +0100] "GET /a HTTP/1.1" 200 5 "-" "Mozilla/5.0"\n')
        for command in [["import", rows, "--mapping", mapping], ["sql", "select 1"],
                        ["tail", directory + "/a.log", "--once", "--from-start", "--site", "https://s.example", "--position", directory + "/no"]]:
            check(f"{command[0]}: who speaks no TLS is not asked by https", [*command, "--to", f"https://127.0.0.1:{port}"], "no TLS with it")
        check("import: a file of certificates that is not there", ["import", rows, "--mapping", mapping, "--to", f"https://127.0.0.1:{port}", "--ca-file", directory + "/no.pem"],
              "no.pem: cannot be read as certificates")

        with open(directory + "/t.toml", "w") as file:
            file.write('time = "/at"\n[fields]\nuser_id = "/who"\n')
        with open(directory + "/t.csv", "w") as file:
            file.write("who,at\na,2025-03-01 10:00:00\nb,1740823200\nc,01.03.2025\nd,\ne,1740823200000\nf,soon\n")
        check("import: items whose time nobody can read are left out", ["import", directory + "/t.csv", "--mapping", directory + "/t.toml", "--to", to],
              "2 items have a time", 'the first "01.03.2025"', "all others were sent")
        code, text = run("sql", "select count(*) as n from conformed.events where visitor_id in ('a', 'b', 'e') and event_time between '2025-03-01' and '2025-03-02'", "--to", to, "--format", "csv")
        assert code == 0 and text.split()[-1] == "3", (code, text)
        print("ok     import: times in seconds and in milliseconds are the same")

        line = '192.0.2.%d - - [21/Nov/2025:10:00:00 +0100] "GET /%s HTTP/1.1" 200 5 "https://r.example/%s" "Mozilla/5.0"\n'
        with open(directory + "/long.log", "w") as file:
            file.writelines(line % (i % 250, i, "") for i in range(40_000))
            file.writelines(line % (i % 250, "x" * 7000, "y" * 7000) for i in range(600))
        code, text = run("tail", directory + "/long.log", "--to", to, "--once", "--from-start", "--position", directory + "/long-position")
        assert code == 0 and "40600 page views sent" in text, (code, text)
        print("ok     tail: long addresses make smaller requests")

        with socket.create_server(("127.0.0.1", 0)) as silent:
            tail = subprocess.Popen([MILLRACE, "tail", directory + "/a.log", "--to", f"http://127.0.0.1:{silent.getsockname()[1]}", "--site", "https://s.example",
                                     "--position", directory + "/position", "--from-start"], stdout=subprocess.PIPE, text=True)
            connection, _ = silent.accept()
            connection.settimeout(20)
            assert connection.recv(65536)
            tail.send_signal(signal.SIGTERM)
            said = tail.communicate(timeout=20)[0]
            connection.close()
        assert tail.returncode == 0 and "0 page views sent" in said and "next start: 1 lines" in said, (tail.returncode, said)
        print("ok     tail: what was not answered for is not said to be sent")
        six = subprocess.Popen([MILLRACE, "serve", "--data", directory + "/six", "--port", "0", "--address", "::1",
                                "--port-file", directory + "/six-port"], stderr=subprocess.PIPE)
        try:
            until = time.monotonic() + 30
            while not os.path.exists(directory + "/six-port") and six.poll() is None and time.monotonic() < until:
                time.sleep(0.02)
            if six.poll() is not None:
                print("SKIP   no IPv6 here: " + six.stderr.read().decode()[-200:])
            else:
                with open(directory + "/six-port") as file:
                    to = f"http://[::1]:{file.read().strip()}"
                code, text = run("import", rows, "--mapping", mapping, "--to", to)
                assert code == 0 and "1 items acknowledged: 1 accepted" in text, (code, text)
                code, text = run("load", "--to", to, "--seconds", "1", "--connections", "1")
                assert code == 0, (code, text)
                code, text = run("sql", "select count(*) > 1 as more from raw.events", "--to", to)
                assert code == 0 and "true" in text, (code, text)
                print("ok     a server with an IPv6 address is named by it in brackets")
        finally:
            six.send_signal(signal.SIGTERM)
            six.wait(30)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)
    if failures:
        sys.exit(f"{len(failures)} failed")


with tempfile.TemporaryDirectory() as scratch:
    main(scratch)
