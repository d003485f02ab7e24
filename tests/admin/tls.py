"""TLS: what is refused at start, what is spoken, what is not, and new certificates while it serves."""
import socket
import ssl
import subprocess
import threading
import time

from rig import Server, command, passed, until


def make_certificate(directory, serial):
    """In files of other names first, as what renews certificates does it."""
    directory.mkdir(exist_ok=True)
    for name in ("cert.new", "key.new"):
        (directory / name).unlink(missing_ok=True)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-set_serial", str(serial), "-keyout",
                    str(directory / "key.new"), "-out", str(directory / "cert.new")], check=True, capture_output=True)
    (directory / "cert.new").rename(directory / "cert.pem")
    (directory / "key.new").rename(directory / "key.pem")


def serial(server):
    with socket.create_connection((server.host, server.port), timeout=10) as plain:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with context.wrap_socket(plain) as secured:
            certificate = secured.getpeercert(True)
    text = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-serial"], input=certificate, capture_output=True, check=True).stdout
    return int(text.decode().strip().partition("=")[2], 16)


def s_client(server, *options, stdin=b""):
    return subprocess.run(["openssl", "s_client", "-connect", f"{server.host}:{server.port}", *options], input=stdin, capture_output=True, timeout=30)


def raw(server, data, close_early=False):
    with socket.create_connection((server.host, server.port), timeout=10) as plain:
        plain.sendall(data)
        if close_early:
            return b""
        everything = b""
        try:
            while piece := plain.recv(65536):
                everything += piece
        except (ConnectionResetError, TimeoutError):
            pass
        return everything


def over_tls(server, data):
    """All that comes back until the server ends the connection, as it must say by TLS's own means."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection((server.host, server.port), timeout=10) as plain, context.wrap_socket(plain, suppress_ragged_eofs=False) as secured:
        secured.sendall(data)
        everything = b""
        while piece := secured.recv(65536):
            everything += piece
        return everything


def refused_at_start(work):
    files = work / "wrong"
    make_certificate(files, 1)
    serve = ["serve", "--data", str(work / "never"), "--port", "0"]
    pair = lambda cert, key: ["--set", f"http.tls_certificate_file={cert}", "--set", f"http.tls_key_file={key}"]
    says = command(*serve, *pair(files / "absent.pem", files / "key.pem"), good=False)
    assert "http.tls_certificate_file" in says and "No such file" in says, says
    says = command(*serve, *pair(files / "cert.pem", ""), good=False)
    assert "http.tls_key_file" in says, says
    other = work / "other"
    make_certificate(other, 2)
    says = command(*serve, *pair(files / "cert.pem", other / "key.pem"), good=False)
    assert "is not the key of the certificate" in says, says
    says = command(*serve, *pair(files / "key.pem", files / "key.pem"), good=False)
    assert "is no PEM certificate" in says, says
    passed("tls: missing, mismatched and wrong files end the start with a sentence that names the setting")


def spoken(server, files):
    trusted = subprocess.run(["curl", "-sS", "--cacert", str(files / "cert.pem"), server.base + "/healthz"], capture_output=True, text=True)
    assert trusted.stdout == '{"alive":true}', trusted
    for version, good in (("-tls1_3", True), ("-tls1_2", True), ("-tls1_1", False)):
        done = s_client(server, version, "-cipher", "DEFAULT@SECLEVEL=0", "-alpn", "http/1.1", stdin=b"GET /healthz HTTP/1.0\r\n\r\n")
        assert (b"Cipher is (NONE)" not in done.stdout and b"Cipher    : 0000" not in done.stdout) == good, (version, done.stdout[-600:])
        if good:
            assert b"ALPN protocol: http/1.1" in done.stdout, done.stdout
    assert b"no application protocol" in s_client(server, "-alpn", "h2").stderr.lower().replace(b"_", b" "), "h2 alone"
    done = s_client(server, "-tls1_2", "-cipher", "AES128-SHA:AES256-GCM-SHA384")
    assert b"Cipher is (NONE)" in done.stdout, "a cipher without forward secrecy"
    done = s_client(server, "-tls1_2", stdin=b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: \r\nR\r\n")
    passed("tls: 1.2 and 1.3 with HTTP/1.1 and forward secrecy; older versions, other protocols and other ciphers are refused")
    body = '{"batch":[' + ",".join('{"type":"track","event":"E%d","anonymousId":"a%d","properties":{"x":"%s"}}' % (i, i, "y" * 300) for i in range(2000)) + "]}"
    answer = server.ask("POST", "/v1/batch", body, headers=["X-Write-Key: wk"])
    assert answer.status == 200 and answer.json["accepted"] == 2000, answer.body[:300]
    passed("tls: a batch of 700 kB is taken")


def by_command(server, work, files):
    """The commands speak TLS to whom they can believe, and to nobody else."""
    trusting = ["--ca-file", str(files / "cert.pem")]
    assert "41" in command("sql", "select 40 + 1 as sum", "--to", server.base, *trusting)
    assert "41" in command("sql", "select 40 + 1 as sum", "--to", f"https://localhost:{server.port}", *trusting)
    says = command("sql", "select 1", "--to", server.base, good=False)
    assert "its certificate: self-signed certificate" in says or "its certificate: self signed certificate" in says, says
    says = command("sql", "select 1", "--to", f"https://127.1:{server.port}", *trusting, good=False)
    assert "its certificate: " in says and "mismatch" in says, says
    other = work / "another"
    make_certificate(other, 3)
    says = command("events", "--to", server.base, "--ca-file", str(other / "cert.pem"), good=False)
    assert "its certificate: " in says, says
    silent = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=lambda: silent.accept()[0].sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"), daemon=True).start()
    says = command("sql", "select 1", "--to", f"https://127.0.0.1:{silent.getsockname()[1]}", good=False)
    assert "no TLS with it" in says, says
    rows = work / "rows.csv"
    rows.write_text("id,who,what\n" + "".join(f"i{i},u{i},{'x' * 500}\n" for i in range(4000)))
    (work / "rows.toml").write_text('[fields]\nmessage_id = "/id"\nuser_id = "/who"\nquery = "/what"\n')
    says = command("import", str(rows), "--mapping", str(work / "rows.toml"), "--to", server.base, *trusting)
    assert "4000 items acknowledged: 4000 accepted" in says, says
    (work / "access.log").write_text('192.0.2.1 - - [21/Nov/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200 5 "-" "Mozilla/5.0 (X11) Firefox/1"\n')
    tail = ["tail", str(work / "access.log"), "--to", server.base, "--position", str(work / "position"), "--from-start", "--once"]
    says = command(*tail, good=False)
    assert "its certificate: " in says, says
    says = command(*tail, *trusting)
    assert "1 page views sent" in says, says
    answer = command("sql", "select count(*) from conformed.events where user_id like 'u%'", "--to", server.base, "--format", "csv", *trusting)
    assert "4000" in answer, answer
    passed("tls: sql, events, import and tail speak it with a server whose certificate they can believe, and say why when not")


def hostile(server):
    for method in (b"GET", b"POST", b"OPTIONS", b"PRI"):
        answer = raw(server, method + b" /v1/status HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 400 ") and b"https://" in answer, answer
    for garbage in (b"\x16\x03\x01\x40\x00" + b"A" * 16384, b"\x00" * 100, b"\x80\x80\x01\x03\x01" + b"\x00" * 200, b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03",
                    b"\x17\x03\x03\x00\x10" + b"B" * 16, b"\x15\x03\x03\x00\x02\x01\x00"):
        raw(server, garbage, close_early=garbage[0] == 0x16)
    for cut in (1, 5, 40):
        raw(server, (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"C" * 60)[:cut], close_early=True)
    smuggled = over_tls(server, b"POST /v1/track HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
                        b"0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert smuggled.count(b"HTTP/1.1 ") == 1 and smuggled.startswith(b"HTTP/1.1 400 "), smuggled
    renegotiated = s_client(server, "-tls1_2", stdin=b"R\n")
    assert b"alive" not in renegotiated.stdout
    assert server.ask("GET", "/healthz").status == 200
    passed("tls: requests in the clear get a sentence, garbage and half handshakes nothing; what is ambiguous ends the connection")


def slow(work, files):
    server = Server(work / "slow", "http.header_timeout_ms=300", "http.idle_timeout_ms=60000", tls=files)
    try:
        began = time.monotonic()
        open_sockets = [socket.create_connection((server.host, server.port), timeout=20) for _ in range(20)]
        for at, each in enumerate(open_sockets):
            if at % 2:
                each.sendall(b"\x16\x03\x01\x02\x00\x01")
        for each in open_sockets:
            try:
                assert each.recv(100) == b""
            except ConnectionResetError:
                pass
            each.close()
        assert time.monotonic() - began < 15
        assert server.ask("GET", "/healthz").status == 200
    finally:
        server.stop()
    passed("tls: who does not end its handshake in time is let go")


def reload(server, files):
    assert serial(server) == 11
    ending = threading.Event()
    failures = []

    def keep_asking():
        while not ending.is_set():
            try:
                assert server.ask("GET", "/healthz").status == 200
            except AssertionError as failure:
                failures.append(failure)

    asking = threading.Thread(target=keep_asking)
    asking.start()
    context = ssl.create_default_context(cafile=str(files / "cert.pem"))
    with socket.create_connection((server.host, server.port), timeout=10) as plain, context.wrap_socket(plain, server_hostname="localhost") as kept:
        make_certificate(files, 12)
        until("new connections get the new certificate", lambda: serial(server) == 12, 10)
        kept.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert kept.recv(4096).startswith(b"HTTP/1.1 200"), "the old connection goes on"
    good = (files / "cert.pem").read_bytes()
    (files / "cert.bad").write_bytes(good[:200])
    (files / "cert.bad").rename(files / "cert.pem")
    until("the log says that the old one stays", lambda: "the certificate in use stays" in server.log(), 10)
    assert serial(server) == 12
    (files / "cert.pem").write_bytes(good)
    server.hang_up()
    until("SIGHUP reads the files", lambda: server.log().count("new connections get the certificate") >= 2, 10)
    assert serial(server) == 12
    ending.set()
    asking.join()
    assert not failures, failures[0]
    passed("tls: a new certificate is taken within a second while requests go on, a bad one is refused and logged, SIGHUP reads again")


def run(work):
    refused_at_start(work)
    files = work / "tls"
    make_certificate(files, 11)
    server = Server(work / "data-tls", tls=files)
    try:
        spoken(server, files)
        by_command(server, work, files)
        hostile(server)
        reload(server, files)
        figures = server.ask("GET", "/metrics").body
        assert "millrace_tls_handshakes_total" in figures and "millrace_tls_handshakes_failed_total" in figures
    finally:
        server.stop()
    slow(work, files)
