"""The cases: a name, what is sent, and what must come of it.

`expected` is what the connection answers: statuses with the error's code, commas between, and "close" when it must end then; a
connection that goes on is asked for /healthz, which must be the next thing it answers. `items` are the verdicts that the ledger
gains."""
import base64
import dataclasses
import functools
import gzip
import hashlib
import hmac
import json
import re
import typing
import urllib.parse
import zlib

SECRET = "hostile-secret"
BAD = "400 malformed_request close"


@dataclasses.dataclass
class Case:
    name: str
    expected: str
    sent: typing.Any  # Bytes, or a list of bytes and of pauses in seconds, or a function that gives one of these.
    items: dict = dataclasses.field(default_factory=dict)
    ends: str = ""  # half-close, leave (the client goes away), reset (without a goodbye)
    slow: bool = False

    def parts(self):
        sent = self.sent() if callable(self.sent) else self.sent
        return [sent] if isinstance(sent, bytes) else sent


def message_id(name):
    return hashlib.md5(name.encode()).hexdigest()[:16]


def track(name, **members):
    item = {"event": "Product Viewed", "anonymousId": "hostile", "messageId": message_id(name), "properties": {"product_id": "p1", "price": 5}}
    return json.dumps(item | members).encode()


def head(method="POST", path="/v1/track", *fields, version="1.1", host=True):
    lines = [f"{method} {path} HTTP/{version}"] + (["Host: x"] if host else []) + list(fields)
    return "".join(line + "\r\n" for line in lines).encode("latin-1") + b"\r\n"


def post(path, body, *fields):
    return head("POST", path, *fields, f"Content-Length: {len(body)}") + body


def chunk(body, extension=b""):
    return b"%x%s\r\n%s\r\n" % (len(body), extension, body)


def accepted(count=1):
    return {"accepted": count}


def quarantined(count=1):
    return {"quarantined": count}


def framing():
    """Where one request ends and the next begins may be read in one way only."""
    evil = b"GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n"
    body = track("framing")

    def posted(*fields, after=body):
        return head("POST", "/v1/track", *fields) + after

    length = f"Content-Length: {len(body)}"
    yield "cl-te", BAD, posted("Content-Length: 6", "Transfer-Encoding: chunked", after=b"0\r\n\r\n" + evil)
    yield "te-cl", BAD, posted("Transfer-Encoding: chunked", "Content-Length: 4", after=chunk(body) + b"0\r\n\r\n" + evil)
    yield "cl-twice-equal", BAD, posted(length, length)
    yield "cl-twice-different", BAD, posted("Content-Length: 0", length)
    for name, value in {
            "list": "5, 5", "plus": "+5", "negative": "-5", "negative-zero": "-0", "blank-inside": "1 0", "hexadecimal": "0x10", "empty": "",
            "fraction": "5.0", "exponent": "1e2", "semicolon": "5;", "overflow": "18446744073709551616", "overflow-by-far": "9" * 400, "letters": "many",
            "quoted": '"5"', "vertical-tab": "\x0b5", "nul": "5\0", "thousands": "1,000", "arabic": "\xd9\xa5"}.items():
        yield f"cl-{name}", BAD, posted(f"Content-Length: {value}")
    yield "cl-largest", "413 body_too_large close", posted("Content-Length: 18446744073709551615")
    yield "cl-leading-zeros", "200", posted(f"Content-Length: 000{len(body)}"), accepted()
    yield "cl-tab-around", "200", posted(f"Content-Length:\t{len(body)}\t", after=track("cl-tab-around")), accepted() | {"accepted": 1}
    yield "cl-blank-before-colon", BAD, posted(f"Content-Length : {len(body)}")
    yield "cl-first-line-blank", BAD, b"POST /v1/track HTTP/1.1\r\n Content-Length: 5\r\nHost: x\r\n\r\n12345"
    yield "cl-too-short", "200,200", posted(length, after=track("framing")) + evil, {"duplicate": 1}
    for name, value in {
            "xchunked": "xchunked", "identity": "identity", "gzip-chunked": "gzip, chunked", "chunked-gzip": "chunked, gzip", "chunked-twice": "chunked, chunked",
            "parameter": "chunked;q=1", "empty": "", "quoted": '"chunked"', "comma": "chunked,", "joined": "chunkedchunked", "cow": "cow"}.items():
        yield f"te-{name}", "501 unsupported_transfer_encoding close", posted(f"Transfer-Encoding: {value}", after=chunk(body) + b"0\r\n\r\n")
        yield f"te-{name}-cl", BAD, posted(f"Transfer-Encoding: {value}", length)
    yield "te-twice", BAD, posted("Transfer-Encoding: chunked", "Transfer-Encoding: chunked", after=chunk(body) + b"0\r\n\r\n")
    yield "te-twice-identity", "501 unsupported_transfer_encoding close", posted("Transfer-Encoding: identity", "Transfer-Encoding: chunked", after=chunk(body) + b"0\r\n\r\n")
    yield "te-vertical-tab", BAD, posted("Transfer-Encoding: \x0bchunked", after=chunk(body) + b"0\r\n\r\n")
    yield "te-blank-before-colon", BAD, posted("Transfer-Encoding : chunked", after=chunk(body) + b"0\r\n\r\n")
    yield "te-folded", BAD, posted("Transfer-Encoding:\r\n chunked", after=chunk(body) + b"0\r\n\r\n")
    yield "te-bare-cr", BAD, posted("X: y\rTransfer-Encoding: chunked", length)
    yield "te-bare-lf", BAD, posted("X: y\nTransfer-Encoding: chunked", length)
    yield "te-1.0", BAD, head("POST", "/v1/track", "Transfer-Encoding: chunked", version="1.0") + chunk(body) + b"0\r\n\r\n"
    yield "te-upper-case", "200", posted("TRANSFER-ENCODING: CHUNKED", after=chunk(track("te-upper-case")) + b"0\r\n\r\n"), accepted()
    yield "te-underscore", "200", posted("Transfer_Encoding: chunked", f"Content-Length: {len(body)}"), {"duplicate": 1}
    yield "pipelined", "200,200,200", evil * 3
    yield "pipelined-after-error", "200,400 malformed_request close", evil + head("GET", "/healthz", host=False) + evil
    yield "pipelined-after-bad-item", "200,200", post("/v1/track", b'{"event":5,"anonymousId":"a"}') + evil, quarantined()
    yield "pipelined-after-refusal", "400 invalid_json,200", post("/v1/track", b"{") + evil
    yield "pipelined-a-hundred", ",".join(["200"] * 100), evil * 100
    yield "body-on-get", "200,200", head("GET", "/healthz", "Content-Length: 5") + b"12345" + evil
    yield "expect-continue", "200", posted("Expect: 100-continue", f"Content-Length: {len(body)}"), {"duplicate": 1}
    yield "expect-unknown", "200", posted("Expect: a-miracle", f"Content-Length: {len(body)}"), {"duplicate": 1}
    yield "upgrade-h2c", "200", head("GET", "/healthz", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA")


def chunks():
    body = track("chunks")

    def sent(text, *fields):
        return head("POST", "/v1/track", "Transfer-Encoding: chunked", *fields) + text

    bad = "400 malformed_chunk close"
    end = b"0\r\n\r\n"
    yield "one-by-one", "200", sent(b"".join(chunk(body[i:i + 1]) for i in range(len(body))) + end), accepted()
    yield "extension", "200", sent(chunk(body, b';a=b;c="d"') + b"0;last\r\n\r\n"), {"duplicate": 1}
    yield "extension-of-5-KB", bad, sent(chunk(body, b";" + b"x" * 5000) + end)
    yield "extension-bare-lf", bad, sent(chunk(body, b";a\n") + end)
    yield "extension-nul", bad, sent(chunk(body, b";a\0b") + end)
    yield "trailers", "200", sent(chunk(body) + b"0\r\nX-Sum: 5\r\n\r\n"), {"duplicate": 1}
    yield "trailer-content-length", bad, sent(chunk(body) + b"0\r\nContent-Length: 5\r\n\r\n")
    yield "trailer-transfer-encoding", bad, sent(chunk(body) + b"0\r\nTransfer-Encoding: identity\r\n\r\n")
    yield "trailers-of-5-KB", bad, sent(chunk(body) + b"0\r\n" + b"X: y\r\n" * 900 + b"\r\n")
    yield "trailer-without-colon", bad, sent(chunk(body) + b"0\r\nnonsense\r\n\r\n")
    for name, size in {
            "overflow": b"1" + b"0" * 16, "overflow-by-far": b"f" * 400, "negative": b"-1", "plus": b"+5", "prefix": b"0x5", "blank-before": b" 5",
            "blank-after": b"5 5", "empty": b"", "letters": b"zz", "quoted": b'"5"', "nul": b"5\0"}.items():
        yield f"size-{name}", bad, sent(size + b"\r\n" + body + b"\r\n" + end)
    yield "size-largest", "413 body_too_large close", sent(b"ffffffffffffffff\r\n" + body)
    yield "size-5-MB", "413 body_too_large close", sent(b"500000\r\n" + body)
    yield "size-leading-zeros", "200", sent(b"0000%x\r\n%s\r\n" % (len(body), body) + b"000\r\n\r\n"), {"duplicate": 1}
    yield "sum-of-5-MB", "413 body_too_large close", sent(chunk(b"x" * 65536) * 80 + end)
    yield "no-line-end-after", bad, sent(b"%x\r\n%s" % (len(body), body) + end + b"\r\n\r\n")
    yield "longer-than-said", bad, sent(b"5\r\n" + body + b"\r\n" + end)
    yield "bare-lf", bad, sent(b"%x\n%s\n0\n\n" % (len(body), body) + b"\r\n")
    yield "bare-cr", bad, sent(b"%x\r%s\r0\r\r" % (len(body), body) + b"\r\n")


def heads():
    def line(text):
        return text + b"\r\nHost: x\r\n\r\n"

    def field(text):
        return b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + text + b"\r\n\r\n"

    yield "bare-lf-lines", BAD, b"GET /healthz HTTP/1.1\nHost: x\n\n"
    yield "bare-lf-last", BAD, b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: y\n\n"
    yield "bare-cr-lines", BAD, b"GET /healthz HTTP/1.1\rHost: x\r\r\n\r\n"
    yield "empty-lines-before", "200", b"\r\n\r\n" + field(b"X: y")
    yield "0.9", BAD, b"GET /healthz\r\n"
    yield "0.9-whole", BAD, line(b"GET /healthz")
    yield "1.0", "200 close", b"GET /healthz HTTP/1.0\r\n\r\n"
    yield "1.0-keep-alive", "200", b"GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    yield "2.0-preface", "505 unsupported_version close", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
    for version in ("HTTP/1.2", "HTTP/2.0", "HTTP/3.0", "HTTP/0.9", "HTTP/9.9"):
        yield f"version-{version}", "505 unsupported_version close", line(b"GET /healthz " + version.encode())
    for version in ("HTTP/1", "HTTP/11.1", "HTTP/1.10", "http/1.1", "HTTP/1.1 ", "HTTP/ 1.1", "HTTP/a.b", "HTP/1.1", "HTTP/1,1"):
        yield f"version-{version!r}", BAD, line(b"GET /healthz " + version.encode())
    yield "tls-hello", BAD, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(1, 200)) + b"\r\n\r\n"
    yield "noise", BAD, bytes(range(14, 256)) + b"\r\n\r\n"
    yield "no-method", BAD, line(b" /healthz HTTP/1.1")
    yield "two-blanks", BAD, line(b"GET  /healthz HTTP/1.1")
    yield "tabs", BAD, line(b"GET\t/healthz\tHTTP/1.1")
    yield "method-lower-case", "405 method_not_allowed", line(b"get /healthz HTTP/1.1")
    yield "method-unknown", "405 method_not_allowed", line(b"BREW /healthz HTTP/1.1")
    yield "method-of-300", "405 method_not_allowed", line(b"A" * 300 + b" /healthz HTTP/1.1")
    yield "method-bracket", BAD, line(b"G(T /healthz HTTP/1.1")
    yield "connect", BAD, line(b"CONNECT x:443 HTTP/1.1")
    yield "options-star", "405 method_not_allowed", line(b"OPTIONS * HTTP/1.1")
    yield "get-star", BAD, line(b"GET * HTTP/1.1")
    yield "absolute-form", "200", line(b"GET http://other.example/healthz?a=b HTTP/1.1")
    yield "absolute-form-no-path", "200", line(b"GET http://other.example HTTP/1.1")
    yield "absolute-form-query-only", BAD, line(b"GET http://other.example?x HTTP/1.1")
    yield "authority-form", BAD, line(b"GET other.example:80 HTTP/1.1")
    yield "relative", BAD, line(b"GET healthz HTTP/1.1")
    yield "backslash", "404 unknown_path", line(b"GET /..\\..\\healthz HTTP/1.1")
    yield "fragment", "200", line(b"GET /healthz#x HTTP/1.1")
    for name, path, expected in (
            ("up", "/../../../../etc/passwd", "404 unknown_path"), ("up-coded", "/%2e%2e/%2e%2e/etc/passwd", "404 unknown_path"),
            ("up-coded-slash", "/assets/..%2f..%2f..%2fetc/passwd", "404 unknown_path"), ("up-twice-coded", "/%252e%252e/etc/passwd", "404 unknown_path"),
            ("nul", "/healthz%00", "404 unknown_path"), ("line-end", "/healthz%0d%0aX:%20y", "404 unknown_path"), ("incomplete", "/healthz%", BAD),
            ("half", "/healthz%4", BAD), ("not-hexadecimal", "/%zz", BAD), ("in-query", "/healthz?x=%", BAD), ("unicode", "/%u0041", BAD),
            ("invalid-utf8", "/%ff%fe", "404 unknown_path"), ("overlong-slash", "/..%c0%af..", "404 unknown_path"), ("two-slashes", "//healthz", "404 unknown_path"),
            ("parameter-nul", "/v1/visitors/a%00b", "404 unknown_visitor"), ("parameter-of-5-KB", "/v1/visitors/" + "a" * 5000, "404 unknown_visitor")):
        yield f"path-{name}", expected, line(f"GET {path} HTTP/1.1".encode())
    yield "path-blank", BAD, line(b"GET /health z HTTP/1.1")
    yield "path-raw-nul", BAD, line(b"GET /health\0z HTTP/1.1")
    yield "path-raw-high", "404 unknown_path", line(b"GET /\xff\xfe HTTP/1.1")
    yield "query-of-ten-thousand", "200", line(b"GET /healthz?" + b"a&" * 10_000 + b" HTTP/1.1")
    yield "request-line-too-long", "414 uri_too_long close", line(b"GET /" + b"a" * 20_480 + b" HTTP/1.1")
    yield "request-line-of-1-MB", "414 uri_too_long close", b"GET /" + b"a" * 1_000_000
    yield "header-too-large", "431 headers_too_large close", field(b"X: " + b"a" * 33_000)
    yield "header-of-1-MB", "431 headers_too_large close", b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 1_000_000
    yield "header-name-of-64-KB", "431 headers_too_large close", field(b"X" * 65_536 + b": y")
    yield "a-hundred-headers", "200", field(b"\r\n".join(b"X-%d: y" % i for i in range(99)))
    yield "too-many-headers", "431 too_many_headers close", field(b"\r\n".join(b"X-%d: y" % i for i in range(100)))
    yield "ten-thousand-headers", "431 headers_too_large close", field(b"\r\n".join(b"X-%d: y" % i for i in range(10_000)))
    yield "header-folded", BAD, field(b"X: y\r\n z")
    yield "header-folded-blank-first", BAD, field(b"X:\r\n y")
    yield "header-folded-tab", BAD, field(b"X: y\r\n\tz")
    yield "header-nul-in-value", BAD, field(b"X: a\0b")
    yield "header-nul-in-name", BAD, field(b"X\0Y: a")
    yield "header-control-in-value", BAD, field(b"X: a\x01b")
    yield "header-delete-in-value", BAD, field(b"X: a\x7fb")
    yield "header-high-in-value", "200", field(b"X: caf\xe9 \xff")
    yield "header-high-in-name", BAD, field(b"caf\xe9: y")
    yield "header-without-colon", BAD, field(b"nonsense")
    yield "header-without-name", BAD, field(b": y")
    yield "header-blank-in-name", BAD, field(b"X Y: z")
    yield "header-bracket-in-name", BAD, field(b"X(: z")
    yield "host-missing", BAD, b"GET /healthz HTTP/1.1\r\nX: y\r\n\r\n"
    yield "host-twice", BAD, field(b"Host: y")
    yield "origin-with-line-end", "200", post("/v1/track", track("origin"), "Origin: https://a.example%0d%0aSet-Cookie: x"), accepted()
    yield "peer-claims", "200", head("GET", "/healthz", "X-Forwarded-For: " + "1.2.3.4, " * 500)


@functools.lru_cache
def gzipped_zeros(mebibytes):
    """A gzip stream of that many MiB of zeros, made of one block said again and again."""
    zeros = bytes(1 << 20)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(zeros) + packer.flush(zlib.Z_FULL_FLUSH)
    crc = 0
    for _ in range(mebibytes):
        crc = zlib.crc32(zeros, crc)
    return b"\x1f\x8b\x08\0\0\0\0\0\2\xff" + block * mebibytes + b"\x03\0" + crc.to_bytes(4, "little") + ((mebibytes << 20) & 0xffffffff).to_bytes(4, "little")


def codings():
    body = b'{"batch":[' + track("codings", type="track") + b"]}"
    packed = gzip.compress(body)
    bad, large = "400 invalid_gzip", "413 inflated_too_large"

    def coded(text, coding="gzip", path="/v1/batch"):
        return post(path, text, f"Content-Encoding: {coding}", "Content-Type: application/json")

    yield "gzip", "200", coded(packed), accepted()
    yield "gzip-unsaid", "200", post("/v1/batch", packed, "Content-Type: application/x-www-form-urlencoded"), {"duplicate": 1}
    yield "gzip-identity", "200", coded(packed, "identity"), {"duplicate": 1}
    yield "gzip-upper-case", "200", coded(packed, "GZIP"), {"duplicate": 1}
    yield "zlib", "200", coded(zlib.compress(body), "deflate"), {"duplicate": 1}
    yield "raw-deflate", bad, coded(zlib.compress(body)[2:-4], "deflate")
    yield "bomb-of-1-GB", large, lambda: coded(gzipped_zeros(1024))
    yield "bomb-of-1-GB-snowplow", large, lambda: coded(gzipped_zeros(1024), path="/com.snowplowanalytics.snowplow/tp2")
    yield "bomb-of-1-GB-ga4", large, lambda: coded(gzipped_zeros(1024), path="/mp/collect?measurement_id=G-1")
    yield "bomb-of-1-GB-gtag", large, lambda: coded(gzipped_zeros(1024), path="/g/collect?v=2&tid=G-1&cid=1&en=page_view")
    yield "bomb-of-17-MB", large, lambda: coded(gzipped_zeros(17))
    yield "bomb-zlib", large, lambda: coded(zlib.compress(bytes(64 << 20), 9), "deflate")
    yield "bomb-in-a-bomb", "400 invalid_json", lambda: coded(gzip.compress(gzipped_zeros(1024)))
    yield "truncated", bad, coded(packed[:-20])
    yield "head-alone", bad, coded(packed[:10])
    yield "wrong-crc", bad, coded(packed[:-8] + b"\0\0\0\0" + packed[-4:])
    yield "wrong-size", bad, coded(packed[:-4] + b"\xff\xff\xff\xff")
    yield "two-members", bad, coded(packed + packed)
    yield "bytes-behind", bad, coded(packed + b"x")
    yield "plain", bad, coded(body)
    yield "nothing", bad, coded(b"")
    yield "brotli", "415 unsupported_encoding", coded(body, "br")
    yield "gzip-twice", "415 unsupported_encoding", coded(gzip.compress(packed), "gzip, gzip")
    yield "wrong-method-in-head", bad, coded(b"\x1f\x8b\x07" + packed[3:])
    yield "signed-and-gzipped-shopify", "401 bad_signature", post("/webhooks/shopify/hooks", packed, "Content-Encoding: gzip")
    yield "body-of-100-MB", "413 body_too_large close", lambda: [head("POST", "/v1/batch", "Content-Length: 104857600")] + [bytes(1 << 20)] * 100
    yield "body-of-100-MB-chunked", "413 body_too_large close", lambda: [head("POST", "/v1/batch", "Transfer-Encoding: chunked")] + [chunk(bytes(1 << 20))] * 100


def shopify(body, topic="carts/update"):
    signature = base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest()).decode()
    return post("/webhooks/shopify/hooks", body, f"X-Shopify-Topic: {topic}", f"X-Shopify-Hmac-Sha256: {signature}", "X-Shopify-Shop-Domain: s.example")


def webhook(body):
    return post("/webhooks/json/ware", body, "X-Signature: " + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest())


DIALECTS = {
    "track": lambda body: post("/v1/track", body),
    "batch": lambda body: post("/v1/batch", body),
    "import": lambda body: post("/v1/import", body),
    "snowplow": lambda body: post("/com.snowplowanalytics.snowplow/tp2", body),
    "ga4": lambda body: post("/mp/collect?measurement_id=G-1", body),
    "gtag": lambda body: post("/g/collect?v=2&tid=G-1", body),
    "jitsu": lambda body: post("/api/s/track", body),
    "shopify": shopify,
    "webhook": webhook,
}
ENVELOPES = {
    "track": (b"", b""), "batch": (b'{"batch":[', b"]}"), "snowplow": (b'{"data":[', b"]}"), "ga4": (b'{"client_id":"c","events":[', b"]}"),
    "shopify": (b"", b""), "webhook": (b'{"rows":[', b"]}")}


def bodies():
    """Bodies that are no request of any dialect. Clients of GA4 and of webhooks hear that all is well or send for ever, so that what they
    sent is kept; gtag's lines are never JSON; the others are told."""
    no_json = {
        "open": b"{", "unclosed-string": b'{"a":"', "two-values": b"{} {}", "comment": b"{/* */}", "trailing-comma": b'{"a":1,}', "single-quotes": b"{'a':1}",
        "bom": b"\xef\xbb\xbf{}", "utf-16": '{"a":1}'.encode("utf-16"), "nul": b"\0", "control-inside": b'{"a":"\x01"}', "closers": b"]" * 1000,
        "commas": b"," * 1000, "html": b"<html></html>", "form": b"a=b&c=d", "noise": bytes(range(256)) * 4, "empty": b"", "blanks": b" \r\n\t "}
    no_request = {"null": b"null", "number": b"17", "string": b'"x"', "array": b"[]", "object": b"{}"}
    too_deep = {"deep-arrays": b"[" * 100_000, "deep-objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000}
    said = "400 invalid_json", {}
    kept = {"ga4": ("204", quarantined()), "gtag": ("204", quarantined()), "shopify": ("200", quarantined()), "webhook": ("200", quarantined())}
    item = {"track": ("200", quarantined()), "jitsu": ("200", quarantined()), "batch": ("400 missing_batch", {}), "import": ("400 missing_batch", {})}
    single = {"gtag-noise": ("204", quarantined(5)), "gtag-blanks": ("204", quarantined(2)), "shopify-object": ("200", accepted())}
    for dialect, request in DIALECTS.items():
        for name, body in (no_json | no_request | too_deep).items():
            outcome = kept.get(dialect, said)
            if name in no_request or name in too_deep and dialect in ("track", "jitsu"):
                outcome = item.get(dialect, outcome)
            expected, verdicts = single.get(f"{dialect}-{name}", outcome)
            yield f"{dialect}-{name}", expected, request(body), verdicts
        expected, verdicts = kept[dialect] if dialect in ("shopify", "webhook") else ("400 invalid_gzip", {})
        yield f"{dialect}-gzip-head", expected, request(b"\x1f\x8b\x08"), verdicts


VALID = {
    "track": lambda name: track(name),
    "batch": lambda name: track(name, type="track"),
    "snowplow": lambda name: json.dumps({"e": "pv", "eid": message_id(name), "duid": "hostile", "tv": "x", "p": "web", "aid": "shop", "url": "https://s.example/"}).encode(),
    "ga4": lambda name: json.dumps({"name": "view_item", "params": {"x": message_id(name), "items": [{"item_id": "p1", "price": 5}]}}).encode(),
    "shopify": lambda name: json.dumps({"id": message_id(name), "token": message_id(name), "line_items": [{"product_id": 1, "price": "5.00", "quantity": 1}]}).encode(),
    "webhook": lambda name: json.dumps({"kind": "seen", "id": message_id(name), "who": "hostile", "goods": [{"sku": "p1", "n": 1, "each": 5}]}).encode(),
}


def whole(dialect, item):
    before, after = ENVELOPES[dialect]
    return DIALECTS[dialect](before + item + after)


def odd_items():
    """One item that is wrong, strange or huge, in each dialect whose items are JSON; the same verdict in all of them."""
    def with_member(item, member):
        return item[:-1] + b"," + member + b"}"

    strange = {
        "lone-surrogate": b'"a":"\\ud800"', "surrogates-swapped": b'"a":"\\udc00\\ud800"', "nul-escape": b'"a":"\\u0000"', "nul-key": b'"\\u0000":1',
        "number-1e999999": b'"price":1e999999', "number-minus-1e999999": b'"price":-1e999999', "number-of-400-digits": b'"price":' + b"9" * 400,
        "number-of-400-decimals": b'"price":0.' + b"1" * 400, "number-minus-zero": b'"price":-0', "number-tiny": b'"price":1e-999999',
        "duplicate-keys": b'"a":1,"a":2,"a":{"a":3,"a":4}', "empty-key": b'"":1', "prototype": b'"__proto__":{"admin":true},"constructor":{"prototype":{"x":1}}',
        "a-thousand-members": b",".join(b'"k%d":%d' % (i, i) for i in range(1000)), "long-key": b'"' + b"k" * 20_000 + b'":1',
        "depth-of-20": b'"a":' + b"[" * 20 + b"]" * 20, "escapes": b'"a":"' + b"\\u0041" * 2000 + b'"', "slash-keys": b'"a/b~c":{"~1":1}',
        "direction-marks": '"a":"\u202e\ufeff\u0000"'.replace("\0", "").encode(), "noncharacters": '"a":"\uffff\U0010ffff"'.encode()}
    wrong = {
        "invalid-utf8": b'"a":"\xff"', "overlong-slash": b'"a":"\xc0\xaf"', "overlong-nul": b'"a":"\xc0\x80"', "utf8-surrogate": b'"a":"\xed\xa0\x80"',
        "utf8-cut": b'"a":"\xe2\x82"', "utf8-too-large": b'"a":"\xf4\x90\x80\x80"', "depth-of-200": b'"a":' + b"[" * 200 + b"]" * 200,
        "key-of-1-MB": b'"' + b"k" * (1 << 20) + b'":1', "value-of-1-MB": b'"a":"' + b"v" * (1 << 20) + b'"', "members-of-1-MB": b",".join(b'"k%d":1' % i for i in range(100_000))}
    broken = {
        "nan": b'"a":NaN', "infinity": b'"a":-Infinity', "hexadecimal": b'"a":0x10', "leading-zero": b'"a":01', "plus": b'"a":+1', "no-fraction": b'"a":1.',
        "no-integer": b'"a":.5', "no-exponent": b'"a":1e', "undefined": b'"a":undefined', "true-upper-case": b'"a":True', "raw-nul": b'"a":"\0"',
        "raw-line-end": b'"a":"\n"', "half-escape": b'"a":"\\u12"', "unknown-escape": b'"a":"\\x41"', "bare-key": b"a:1", "no-value": b'"a":', "no-colon": b'"a" 1',
        "two-commas": b'"a":1,,"b":2', "deep-of-100000": b'"a":' + b"[" * 100_000 + b"]" * 100_000}
    no_object = {"null": b"null", "number": b"1", "string": b'"x"', "true": b"true", "array": b"[]", "object": b"{}", "array-in-array": b"[[]]"}
    for dialect, make in VALID.items():
        said = "204" if dialect == "ga4" else "200"
        for name, member in strange.items():
            yield f"{dialect}-{name}", said, whole(dialect, with_member(make(f"{dialect}-{name}"), member)), accepted()
        for name, member in (wrong | broken).items():
            # What is one item and no JSON is no request either.
            refused = dialect == "track" and name in broken and len(member) < 1000
            yield (f"{dialect}-{name}", "400 invalid_json" if refused else said, whole(dialect, with_member(make(f"{dialect}-{name}"), member)),
                   {} if refused else quarantined())
        for name, item in no_object.items():
            whole_cart = (dialect, name) == ("shopify", "object")
            yield f"{dialect}-item-{name}", said, whole(dialect, item), accepted() if whole_cart else quarantined()


def values():
    """Members of the wrong type or beyond all sense: in quarantine where they decide what the item is, else kept as they came."""
    bad_ids = {"object": {}, "array": [], "true": True, "of-300-bytes": "i" * 300, "nested": {"$ne": None}}
    for name, value in bad_ids.items():
        yield f"anonymous-id-{name}", "200", post("/v1/track", track(f"a-{name}", anonymousId=value)), quarantined()
        yield f"message-id-{name}", "200", post("/v1/track", track(f"m-{name}", messageId=value)), quarantined()
        yield f"order-id-{name}", "200", post("/v1/track", track(f"o-{name}", event="Order Completed", properties={"order_id": value})), quarantined()
    for name, value in {"null": None, "empty": ""}.items():
        yield f"anonymous-id-{name}", "200", post("/v1/track", track(f"a-{name}", anonymousId=value)), quarantined()
        yield f"message-id-{name}", "200", post("/v1/track", track(f"m-{name}", messageId=value)), accepted()
    yield "anonymous-id-number", "200", post("/v1/track", track("a-number", anonymousId=-5)), accepted()
    yield "anonymous-id-slashes", "200", post("/v1/track", track("a-slashes", anonymousId="../../../etc/passwd\0")), accepted()
    for name, value in {"null": None, "number": 5, "array": [], "object": {}, "empty": ""}.items():
        yield f"event-{name}", "200", post("/v1/track", track(f"e-{name}", event=value)), quarantined()
    yield "event-of-30-KB", "200", post("/v1/track", track("e-long", event="e" * 30_000)), accepted()
    for name, value in {"null": None, "number": 5, "string": "x", "array": [], "true": True}.items():
        yield f"properties-{name}", "200", post("/v1/track", track(f"p-{name}", properties=value)), accepted()
        yield f"context-{name}", "200", post("/v1/track", track(f"c-{name}", context=value)), accepted()
        yield f"products-{name}", "200", post("/v1/track", track(f"l-{name}", event="Order Completed", properties={"products": value})), accepted()
    strange = [1, None, [], {}, "p1", {"product_id": []}, {"product_id": "p", "price": {}, "quantity": []}, [[{"product_id": "p"}]]]
    yield "products-strange", "200", post("/v1/track", track("l-strange", event="Order Completed", properties={"order_id": "strange", "products": strange})), accepted()
    yield "products-of-900", "200", post("/v1/track", track("l-900", event="Order Completed", properties={"order_id": "900", "products": [{"product_id": f"p{i}"} for i in range(900)]})), accepted()
    times = {"year-minus-1": "-0001-01-01T00:00:00Z", "year-0": "0000-01-01T00:00:00Z", "year-99999": "99999-01-01T00:00:00Z", "year-9999": "9999-12-31T23:59:59.999Z",
             "month-13": "2026-13-01T00:00:00Z", "february-30": "2026-02-30T00:00:00Z", "second-61": "2026-01-01T00:00:61Z", "offset-99": "2026-01-01T00:00:00+99:99",
             "words": "yesterday", "largest": 9223372036854775807, "smallest": -9223372036854775808, "beyond": 10 ** 30, "fraction": 1.5e12, "negative": -1,
             "digits": "9" * 400, "object": {}, "array": [], "true": True, "empty": "", "1-year": "0001-01-01T00:00:00Z"}
    for name, value in times.items():
        yield f"time-{name}", "200", post("/v1/track", track(f"t-{name}", timestamp=value, sentAt=value, originalTimestamp=value)), accepted()
        item = track(f"ti-{name}", type="track", timestamp=value)
        yield f"time-import-{name}", "200", post("/v1/import", b'{"batch":[' + item + b"]}"), accepted()
        yield f"time-ga4-{name}", "204", whole("ga4", json.dumps({"name": "x", "timestamp_micros": value, "params": {"n": name}}).encode()), accepted()
        yield f"time-snowplow-{name}", "200", whole("snowplow", json.dumps({"e": "pv", "eid": message_id(f"ts-{name}"), "duid": "d", "dtm": value, "stm": value, "ttm": value}).encode()), accepted()
    amounts = {"negative": -5, "1e30": 1e30, "1e30-text": "1e30", "largest": 9223372036854775807, "1e-30": 1e-30, "comma": "1.299,50", "words": "free", "currency": "EUR 5",
               "digits": "9" * 400, "two-points": "1.2.3", "minus-minus": "--5", "infinity": "Infinity", "nan": "NaN", "hexadecimal": "0x10", "full-width": "\uff15", "null": None,
               "object": {}, "array": [5], "true": True, "empty": ""}
    for name, value in amounts.items():
        line = {"product_id": "p1", "price": value, "quantity": value, "position": value}
        order = {"order_id": f"amount-{name}", "revenue": value, "total": value, "tax": value, "shipping": value, "discount": value, "currency": value, "products": [line] * 3}
        yield f"amount-{name}", "200", post("/v1/track", track(f"v-{name}", event="Order Completed", properties=order)), accepted()
        yield f"refund-{name}", "200", post("/v1/track", track(f"r-{name}", event="Order Refunded", properties=order)), accepted()
        yield f"amount-webhook-{name}", "200", whole("webhook", json.dumps({"kind": "paid", "id": message_id(f"w-{name}"), "who": "w", "no": f"w-{name}", "sum": value,
                                                                              "goods": [{"sku": "p", "n": value, "each": value}]}).encode()), accepted()
        hit = urllib.parse.urlencode({"en": "purchase", "cid": "1", "_p": "1", "_s": name, "epn.value": value, "ep.transaction_id": f"g-{name}", "pr1": f"idp1~pr{value}~qt{value}~lp{value}"})
        yield f"amount-gtag-{name}", "204", post("/g/collect?v=2&tid=G-1", hit.encode()), accepted()


def batches():
    large = 2500  # collect.batch_items_max
    yield "empty", "200", post("/v1/batch", b'{"batch":[]}')
    yield "empty-snowplow", "200", post("/com.snowplowanalytics.snowplow/tp2", b'{"data":[]}')
    yield "empty-ga4", "204", post("/mp/collect?measurement_id=G", b'{"client_id":"c","events":[]}')
    yield "empty-webhook", "200", webhook(b'{"rows":[]}')
    for name, value in {"null": b"null", "object": b"{}", "string": b'"x"', "number": b"1"}.items():
        yield f"is-{name}", "400 missing_batch", post("/v1/batch", b'{"batch":' + value + b"}")
        yield f"is-{name}-snowplow", "400 invalid_json", post("/com.snowplowanalytics.snowplow/tp2", b'{"data":' + value + b"}")
        yield f"is-{name}-ga4", "204", post("/mp/collect?measurement_id=G", b'{"client_id":"c","events":' + value + b"}"), quarantined()
        yield f"is-{name}-webhook", "200", webhook(b'{"rows":' + value + b"}"), quarantined()
    mixed = b'1,"a",null,[],true,{},' + track("mixed", type="track") + b',{"type":"toString"},{"type":"__proto__"},[[[{}]]]'
    yield "mixed", "200", post("/v1/batch", b'{"batch":[' + mixed + b"]}"), {"accepted": 1, "quarantined": 9}
    yield "twice", "200", post("/v1/batch", b'{"batch":[' + track("twice-1", type="track") + b'],"batch":[' + track("twice-2", type="track") + b"]}"), accepted()
    yield "at-the-limit", "200", post("/v1/batch", b'{"batch":[' + b",".join([b"{}"] * large) + b"]}"), quarantined(large)
    for dialect, (before, after) in ENVELOPES.items():
        if before:
            yield f"of-100000-{dialect}", "413 too_many_items", DIALECTS[dialect](before + b",".join([b"{}"] * 100_000) + after)
            yield f"of-100000-commas-{dialect}", COMMAS[dialect][0], DIALECTS[dialect](before + b"," * 100_000 + after), COMMAS[dialect][1]
    yield "of-100000-gtag", "413 too_many_items", post("/g/collect?v=2&tid=G", b"en=x\n" * 100_000)
    yield "of-100000-import", "413 too_many_items", post("/v1/import", b'{"batch":[' + b",".join([b"{}"] * 100_000) + b"]}")
    yield "write-keys-of-wrong-types", "200", post("/v1/batch", b'{"writeKey":{"a":1},"batch":[{"writeKey":[]}]}'), quarantined()
    yield "write-key-of-20-KB", "200", head("POST", "/v1/track", "X-Write-Key: " + "k" * 20_000, f"Content-Length: {len(track('wk'))}") + track("wk"), accepted()
    yield "authorization-noise", "200", head("POST", "/v1/track", "Authorization: Basic \xff\xff==", f"Content-Length: {len(track('an'))}") + track("an"), accepted()
    yield "sent-at-noise", "200", head("POST", "/v1/track", "SentAt: 99999-99-99", f"Content-Length: {len(track('sa'))}") + track("sa"), accepted()


COMMAS = {"batch": ("400 invalid_json", {}), "snowplow": ("400 invalid_json", {}), "ga4": ("204", quarantined()), "webhook": ("200", quarantined())}


def dialects():
    """What is a dialect's own: forms in base64, pixels, hits, signatures."""
    def snowplow(name, **members):
        return whole("snowplow", json.dumps({"e": "ue", "eid": message_id(name), "duid": "d"} | members).encode())

    def packed(text):
        return base64.urlsafe_b64encode(text).decode()

    yield "snowplow-base64-broken", "200", snowplow("s1", ue_px="%%%"), quarantined()
    yield "snowplow-base64-of-5", "200", snowplow("s2", ue_px="abcde"), quarantined()
    yield "snowplow-base64-of-noise", "200", snowplow("s3", ue_px=packed(bytes(range(256)))), quarantined()
    yield "snowplow-base64-open", "200", snowplow("s4", ue_px=packed(b'{"data":')), quarantined()
    yield "snowplow-base64-breaks-out", "200", snowplow("s5", ue_px=packed(b'{}},{"e":"pv"')), quarantined()
    yield "snowplow-text-breaks-out", "200", snowplow("s6", ue_pr='{},"duid":"other"'), quarantined()
    yield "snowplow-base64-number", "200", snowplow("s7", ue_px=5, cx=[]), accepted()
    yield "snowplow-context-no-list", "200", snowplow("s8", co='{"data":{"schema":5}}'), accepted()
    yield "snowplow-deep-context", "200", snowplow("s9", co='{"data":' + "[" * 5000 + "]" * 5000 + "}"), quarantined()
    yield "snowplow-schema-noise", "200", snowplow("s10", ue_pr='{"schema":"iglu:","data":{"schema":"iglu:com.snowplowanalytics.snowplow/","data":5}}'), accepted()
    yield "snowplow-unknown-e", "200", snowplow("s11", e="__proto__"), quarantined()
    yield "snowplow-pixel", "200", head("GET", "/i?e=pv&eid=" + message_id("px") + "&duid=d&url=%00%ff"), accepted()
    yield "snowplow-pixel-empty", "200", head("GET", "/i"), quarantined()
    yield "snowplow-pixel-noise", "200", head("GET", "/i?" + "&".join(f"{i}=%ff" for i in range(2000))), quarantined()
    yield "snowplow-pixel-base64", "200", head("GET", "/i?e=ue&eid=" + message_id("px2") + "&duid=d&ue_px=" + packed(b"{}")), accepted()
    yield "snowplow-cookie-noise", "200", head("GET", "/i?e=pv&eid=" + message_id("px3"), "Cookie: sp=\xff\xff; sp=; =; ;;;sp"), accepted()
    yield "segment-pixel", "200", head("GET", "/pixel/v1/track?data=" + packed(track("pixel"))), accepted()
    yield "segment-pixel-no-base64", "200", head("GET", "/pixel/v1/track?data=%25%25")
    yield "segment-pixel-no-json", "200", head("GET", "/pixel/v1/track?data=" + packed(b"{"))
    yield "segment-settings-noise", "200", head("GET", "/v1/projects/%22%7d%0d%0a/settings")
    yield "gtag-get", "204", head("GET", "/g/collect?v=2&tid=G-1&cid=1&en=page_view&_p=1&_s=1"), accepted()
    yield "gtag-nameless", "204", head("GET", "/g/collect?v=2&tid=G-1&cid=1"), quarantined()
    yield "gtag-no-visitor", "204", head("GET", "/g/collect?v=2&tid=G-1&en=x"), quarantined()
    yield "gtag-items-noise", "204", post("/g/collect?v=2&tid=G-1&cid=1", b"en=purchase&pr1=~~~&pr2=id~id~&pr3=k0~v0~k9a~v9&pr999=id&pr0=idx&epn.=5&ep=&.=&=&&&&"), accepted()
    yield "gtag-200-items", "204", post("/g/collect?v=2&tid=G-1&cid=1", b"en=purchase&" + b"&".join(b"pr%d=idp%d~pr1" % (i, i) for i in range(1, 201))), accepted()
    yield "gtag-percent-noise", "204", post("/g/collect?v=2&tid=G-1&cid=1", b"en=x%&ep.a=%f&ep.b=%zz&ep.c=%00&ep.d=%ff%fe"), accepted()
    yield "gtag-line-ends", "204", post("/g/collect?v=2&tid=G-1&cid=1", b"\n\r\n\n\ren=x\r\r\n\n"), quarantined()
    yield "ga4-no-key", "204", post("/mp/collect", b'{"client_id":"c","events":[{"name":"x"}]}'), accepted()
    yield "ga4-debug-noise", "200", post("/debug/mp/collect?measurement_id=G", bytes(range(256)))
    yield "ga4-debug-deep", "200", post("/debug/mp/collect?measurement_id=G", b"[" * 100_000)
    yield "ga4-names", "204", whole("ga4", json.dumps({"name": "__proto__", "params": {"__proto__": {}, "items": {"length": 1e9}}}).encode()), accepted()
    yield "shopify-unsigned", "401 bad_signature", post("/webhooks/shopify/hooks", b"{}", "X-Shopify-Topic: carts/update")
    yield "shopify-wrong-key", "401 unknown_write_key", post("/webhooks/shopify/other", b"{}")
    yield "shopify-signature-noise", "401 bad_signature", post("/webhooks/shopify/hooks", b"{}", "X-Shopify-Hmac-Sha256: \xff\xff")
    yield "shopify-signature-of-10-KB", "401 bad_signature", post("/webhooks/shopify/hooks", b"{}", "X-Shopify-Hmac-Sha256: " + "A" * 10_000)
    yield "shopify-topic-unknown", "200", shopify(b'{"id":1}', "__proto__"), accepted()
    yield "shopify-refund-noise", "200", shopify(b'{"order_id":5,"transactions":[1,{"kind":"refund","status":"success","amount":"1e999"},[]],"refund_line_items":{"a":1}}', "refunds/create"), accepted()
    yield "shopify-order-noise", "200", shopify(b'{"id":9,"line_items":[null,5,{"price":-1,"quantity":1e99}],"note_attributes":{"name":"anonymousId"},"refunds":5}', "orders/updated"), accepted()
    yield "shopify-write-key-noise", "401 unknown_write_key", post("/webhooks/shopify/%00%ff%0a", b"{}")
    yield "webhook-unsigned", "401 bad_signature", post("/webhooks/json/ware", b"{}")
    yield "webhook-of-shopify", "404 no_mapping", post("/webhooks/json/hooks", b"{}")
    shown = "X-Write-Key: ware:" + SECRET
    held = b'{"batch":[{"id":1,"millrace_webhook":{"kind":"shopify","topic":"carts/update"}}]}'
    yield "replay-without-secret", "401 bad_signature", post("/webhooks/replay", held, "X-Write-Key: ware")
    yield "replay-wrong-secret", "401 bad_signature", post("/webhooks/replay", held, shown + "x")
    yield "replay-unknown-key", "401 unknown_write_key", post("/webhooks/replay", held)
    yield "replay-noise", "400 missing_batch", post("/webhooks/replay", bytes(range(256)), shown)
    yield "replay-cut-off", "400 missing_batch", post("/webhooks/replay", held[:-2], shown)
    yield "replay-of-nothing", "200", post("/webhooks/replay", b'{"batch":[]}', shown)
    yield "replay-of-no-webhooks", "200", post("/webhooks/replay", b'{"batch":[7,{},[],{"millrace_webhook":{"kind":5}},{"millrace_webhook":[]}]}', shown), quarantined(5)
    yield "replay-of-one", "200", post("/webhooks/replay", held, shown), accepted()


def cut_off():
    """A client that goes away in the middle: nothing of it is kept. And the same bytes as a body that is whole by its length."""
    outcome = {"track": ("400 invalid_json", {}), "batch": ("400 invalid_json", {}), "snowplow": ("400 invalid_json", {}), "ga4": ("204", quarantined()),
               "shopify": ("200", quarantined()), "webhook": ("200", quarantined())}
    for dialect, make in VALID.items():
        before, after = ENVELOPES[dialect]
        body = before + b",".join(make(f"cut-{dialect}-{i}") for i in range(3 if before else 1)) + after
        request = DIALECTS[dialect](body)
        for at in range(1, len(request), 100):
            yield f"{dialect}-request-{at}", "left", request[:at], {}, "leave"
        for at in range(1, len(body), 100):
            expected, verdicts = outcome[dialect]
            yield f"{dialect}-body-{at}", expected, DIALECTS[dialect](body[:at]), verdicts
    gtag = b"en=purchase&cid=1&pr1=idp1~pr5&epn.value=5\r\n" * 5
    for at in range(1, len(gtag), 100):
        yield f"gtag-request-{at}", "left", post("/g/collect?v=2&tid=G-1", gtag)[:-at], {}, "leave"
    yield "reset-in-head", "left", b"POST /v1/track HTTP/1.1\r\nHo", {}, "reset"
    yield "reset-in-body", "left", head("POST", "/v1/track", "Content-Length: 500") + b"{", {}, "reset"
    yield "half-closed", "200 close", post("/v1/track", track("half-closed")), accepted(), "half-close"
    yield "half-closed-in-body", "close", head("POST", "/v1/track", "Content-Length: 500") + b"{", {}, "half-close"
    yield "nothing-at-all", "close", b"", {}, "half-close"


def slow():
    late = "408 request_timeout close"
    yield "line", late, b"POST /v1/tr"
    yield "head", late, b"POST /v1/track HTTP/1.1\r\nHost: x\r\n"
    yield "head-trickling", late, [b"GET /healthz HTTP/1.1\r\nHost: x\r\n"] + [part for i in range(12) for part in (0.1, b"X-%d: y\r\n" % i)]
    yield "body", late, head("POST", "/v1/track", "Content-Length: 100") + b"{"
    yield "body-trickling", late, [head("POST", "/v1/track", "Content-Length: 100")] + [part for _ in range(12) for part in (0.1, b" ")]
    yield "chunks", late, head("POST", "/v1/track", "Transfer-Encoding: chunked") + b"5\r\n{"
    yield "chunks-trickling", late, [head("POST", "/v1/track", "Transfer-Encoding: chunked")] + [part for _ in range(12) for part in (0.1, b"1\r\n \r\n")]
    yield "trailers-trickling", late, [head("POST", "/v1/track", "Transfer-Encoding: chunked") + b"0\r\n"] + [part for i in range(12) for part in (0.1, b"X-%d: y\r\n" % i)]
    yield "expectation-kept-waiting", late, head("POST", "/v1/track", "Content-Length: 100", "Expect: 100-continue")
    yield "second-request", "200,408 request_timeout close", head("GET", "/healthz") + b"GET /healthz HTTP/1.1\r\n"
    for i in range(100):
        yield f"of-a-hundred-{i}", late, head("POST", "/v1/batch", "Content-Length: 4000000") + b"x" * 10_000


def asked():
    """Statements and commands that want out, or everything."""
    def sql(statement):
        return post("/v1/sql", json.dumps({"sql": statement}).encode())

    forbidden = [
        "ATTACH '/tmp/x.db'", "COPY (SELECT 1) TO '/tmp/x.csv'", "COPY raw.events TO 's3://x/y'", "EXPORT DATABASE '/tmp/x'", "IMPORT DATABASE '/tmp/x'", "INSTALL httpfs", "LOAD httpfs",
        "PRAGMA database_list", "PRAGMA enable_logging", "SET enable_external_access=true", "RESET ALL", "CREATE TABLE t(a int)", "DROP VIEW raw.events", "DELETE FROM raw.events",
        "UPDATE raw.events SET source=''", "INSERT INTO raw.events SELECT 1", "CALL pragma_version()", "SELECT 1; SELECT 2", "SELECT 1; ATTACH '/tmp/x.db'", "EXPLAIN ANALYZE SELECT 1",
        "SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM '/etc/passwd'", "SELECT * FROM read_text('/etc/passwd')", "SELECT * FROM read_blob('/etc/*')", "SELECT * FROM glob('/*')",
        "SELECT * FROM parquet_scan('x')", "SELECT * FROM sniff_csv('/etc/passwd')", "SELECT getenv('HOME')", "SELECT current_setting('temp_directory')", "SELECT * FROM duckdb_settings()",
        "SELECT * FROM duckdb_secrets()", "CREATE SECRET s (TYPE s3)", "SELECT * FROM query('SELECT 1')", "SELECT * FROM query_table('raw.events')", "SELECT * FROM postgres_scan('','','')",
        "SELECT * FROM tail_raw_events(0)", "SELECT * FROM 'https://example.com/x.parquet'", "FROM read_json('/proc/self/environ')", "VACUUM", "CHECKPOINT", "BEGIN", "DETACH memory", "USE main",
        "SELECT write_log('x')", "WITH x AS (DELETE FROM raw.events RETURNING *) FROM x", "SHOW ALL TABLES; SELECT 1", "PREPARE p AS SELECT 1"]
    for i, statement in enumerate(forbidden):
        no_table = " '" in statement and "ATTACH" not in statement and "COPY" not in statement and "DATABASE" not in statement
        unreadable = statement.startswith("WITH") or no_table
        yield f"sql-forbidden-{i}-{statement[:24]}", "400 sql_error" if unreadable else "400 sql_not_allowed", sql(statement)
    yield "sql-empty", "400 invalid_member", sql("")
    yield "sql-two-thousand-brackets", "200", sql("SELECT " + "(" * 2000 + "1" + ")" * 2000)
    for i, statement in enumerate([" ", ";", "SELEC 1", "SELECT", "SELECT (((((", "SELECT '", "SELECT \0", "\ufeff", "-- ", "/*", "SELECT " + "1+" * 20_000 + "1"]):
        yield f"sql-wrong-{i}", "400 sql_error", sql(statement)
    for i, statement in enumerate([
            "SELECT count(*) FROM range(1000000000000)", "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r) SELECT max(i) FROM r",
            "SELECT count(*) FROM range(1000000) a, range(1000000) b, range(1000000) c"]):
        yield f"sql-endless-{i}", "408 sql_timeout", sql(statement)
    yield "sql-backtracking", "200", sql("SELECT regexp_matches(repeat('a', 100000), '(a*)*b')")
    yield "sql-too-long", "400 invalid_member", sql("SELECT 1 -- " + "x" * 100_001)
    def named(body):
        """No JSON object, or one with a member that is not usable."""
        try:
            value = json.loads(body or b"{}", parse_constant=lambda name: 1 / 0)
        except (ValueError, ZeroDivisionError, RecursionError):
            return "400 invalid_json"
        # Numbers beyond 64 bits end the reading.
        huge = re.search(rb"\d{20}|e\d{6}", body)
        return "400 invalid_member" if isinstance(value, dict) and not huge else "400 invalid_json"

    for i, body in enumerate([b"", b"{}", b"[]", b"5", b'{"sql":5}', b'{"sql":null}', b'{"sql":"SELECT 1","more":1}', b"{" * 100_000, b'{"sql":"\xff"}', b'{"sql":"SELECT 1"', bytes(range(256))]):
        yield f"sql-body-{i}", named(body), post("/v1/sql", body)

    def put(sku, body):
        return head("PUT", f"/v1/stock/{sku}", f"Content-Length: {len(body)}") + body

    wrong = [b"", b"{}", b"[]", b"null", b'{"on_hand":-1}', b'{"on_hand":1.5}', b'{"on_hand":"5"}', b'{"on_hand":1e3}', b'{"on_hand":1000000000001}', b'{"on_hand":99999999999999999999}',
             b'{"on_hand":NaN}', b'{"on_hand":1,"safety":-1}', b'{"on_hand":1,"more":1}', b'{"on_hand":1,"reference":5}', b'{"on_hand":1,"reference":"' + b"r" * 129 + b'"}', b'{"on_hand":1}{}',
             b"{" * 100_000, b'{"on_hand":true}', b'{"on_hand":null}', b'{"on_hand":[1]}', b'{"on_hand":1e999999}', b'{"on_hand":-0.0}']
    for i, body in enumerate(wrong):
        yield f"stock-count-{i}", named(body), put("sku", body)
    yield "stock-sku-too-long", "400 invalid_parameter", put("s" * 257, b'{"on_hand":1}')
    yield "stock-sku-slashes", "200", put("..%2f..%2fetc%2fpasswd", b'{"on_hand":1}')
    yield "stock-sku-nul", "200", put("a%00b", b'{"on_hand":1}')
    yield "stock-sku-noise", "400 invalid_parameter", put("%ff%fe", b'{"on_hand":1}')

    def reserve(body):
        return post("/v1/stock/reservations", body)

    line = b'{"sku":"sku","quantity":1}'
    for i, body in enumerate([
            b"", b"{}", b"[]", b'{"id":"r"}', b'{"id":"r","lines":[]}', b'{"id":"r","lines":5}', b'{"id":"r","lines":[5]}', b'{"id":"r","lines":[null]}', b'{"id":"r","lines":[{"sku":"a"}]}',
            b'{"id":"r","lines":[{"sku":"a","quantity":0}]}', b'{"id":"r","lines":[{"sku":"a","quantity":-1}]}', b'{"id":"r","lines":[{"sku":"a","quantity":1e30}]}',
            b'{"id":"r","lines":[{"sku":"a","quantity":9223372036854775808}]}', b'{"id":"r","lines":[' + b",".join([line] * 2) + b"]}", b'{"id":"r","lines":[' + b",".join([line] * 101) + b"]}",
            b'{"id":5,"lines":[' + line + b"]}", b'{"id":"","lines":[' + line + b"]}", b'{"id":"' + b"r" * 129 + b'","lines":[' + line + b"]}", b'{"id":"r","lines":[' + line + b'],"ttl_s":0}',
            b'{"id":"r","lines":[' + line + b'],"ttl_s":-1}', b'{"id":"r","lines":[' + line + b'],"ttl_s":1e9}', b'{"id":"r","lines":[{"sku":"' + b"s" * 257 + b'","quantity":1}]}', b"[" * 100_000]):
        yield f"stock-reserve-{i}", named(body), reserve(body)
    yield "stock-commit-noise", "400 invalid_parameter", post("/v1/stock/reservations/%00%ff/commit", b"")
    yield "stock-commit-unknown", "404 unknown_reservation", post("/v1/stock/reservations/%00%c3%bf/commit", b"")
    yield "stock-release-unknown", "404 unknown_reservation", head("DELETE", "/v1/stock/reservations/..%2f..")
    yield "stock-short", "409 stock_short", reserve(b'{"id":"short","lines":[{"sku":"nothing","quantity":1000000000}]}')
    yield "stock-beyond-all", "400 invalid_member", reserve(b'{"id":"all","lines":[{"sku":"nothing","quantity":1000000000000}]}')
    for name, target, expected in (
            ("unknown-parameter", "/v1/funnel?form=2026-01-01", "400 invalid_parameter"), ("twice", "/v1/trending?n=1&n=2", "400 invalid_parameter"),
            ("n-huge", "/v1/trending?n=99999999999999999999", "400 invalid_parameter"), ("n-negative", "/v1/trending?n=-1", "400 invalid_parameter"), ("n-words", "/v1/trending?n=1e3", "400 invalid_parameter"),
            ("time-words", "/v1/funnel?from=yesterday", "400 invalid_parameter"), ("time-year-99999", "/v1/ledger?from=99999-01-01T00:00:00Z", "400 invalid_parameter"),
            ("range-backwards", "/v1/ledger?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "400 invalid_parameter"), ("quarantine-injection", "/v1/quarantine?source=%27%20OR%201=1--", "200"),
            ("quarantine-where", "/v1/quarantine?where=1=1", "400 invalid_parameter"), ("items-of-10-KB", "/v1/recommendations?items=" + "a," * 5000, "400 invalid_parameter"),
            ("visitor-noise", "/v1/recommendations?visitor=%00%ff", "200"), ("iceberg-up", "/iceberg/v1/namespaces/..%2f..%2f..", "404 404"), ("events-contains", "/v1/events/recent?contains=%5b%28%2a", "200")):
        yield f"read-{name}", expected, head("GET", target)
    name = "/v1/contracts/schemas/shop/hostile/jsonschema/1-0-0"

    def schema(body):
        return head("PUT", name, f"Content-Length: {len(body)}") + body

    yield "schema-deep", "400 invalid_json", schema(b'{"not":' * 5000 + b"{}" + b"}" * 5000)
    yield "schema-noise", "400 invalid_json", schema(bytes(range(256)))
    yield "schema-name-up", "400 invalid_name", head("PUT", "/v1/contracts/schemas/..%2f/x/jsonschema/1-0-0", "Content-Length: 2") + b"{}"
    yield "schema-loop", "400 endless_recursion", schema(b'{"$ref":"#"}')
    yield "schema-regular-expression", "200", schema(b'{"properties":{"a":{"pattern":"(a*)*(a*)*b"}}}')
    yield "schema-regular-expression-checked", "200", post(name + "/check", b'{"a":"' + b"a" * 10_000 + b'"}')
    yield "replay-noise", "400 invalid_json", post("/v1/quarantine/replay", b"[]")
    yield "modes-noise", "400 invalid_json", head("PUT", "/v1/contracts/modes", "Content-Length: 4") + b"null"


def all_cases():
    groups = {"framing": framing, "chunk": chunks, "head": heads, "coding": codings, "body": bodies, "item": odd_items, "value": values,
              "batch": batches, "dialect": dialects, "cut-off": cut_off, "asked": asked}
    for group, rows in groups.items():
        for name, expected, sent, *items in rows():
            yield Case(f"{group}-{name}", expected, sent, *items)
    for name, expected, sent in slow():
        yield Case(f"slow-{name}", expected, sent, slow=True)
