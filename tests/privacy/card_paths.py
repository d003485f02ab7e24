"""Card numbers by every way on which bytes come in: a number of its own for each, so that what is found later says where it came through.

plant() sends them; needles() are what must be nowhere on the disk: the number, the number as it was written, and most of it."""
import base64
import gzip
import hashlib
import hmac
import json
import random
import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request

QUARANTINE_BYTES_MAX = 64 * 1024
SECRET = "signs-webhooks"
CONFIG = f'[[source]]\nname = "shop"\nwrite_key = "hook"\nsecret = "{SECRET}"\n'


class Paths:
    def __init__(self, server):
        self.server = server
        self.random = random.Random(20261121)
        self.planted = {}  # Number: the path it went.
        self.written = set()
        self.items = 0

    def card(self, path, form="{}"):
        """A number that nothing else has; `form` writes it."""
        while True:
            digits = "45" + "".join(str(self.random.randrange(10)) for _ in range(13))
            total = sum(d if i % 2 else (2 * d if d < 5 else 2 * d - 9) for i, d in enumerate(int(c) for c in reversed(digits)))
            number = digits + str(-total % 10)
            assert luhn(number)
            if number not in self.planted and digits[2:6] not in digits[6:] and number[-1] != "0":
                break
        self.planted[number] = path
        written = form(number) if callable(form) else form.format(number)
        self.written.add(written)
        return written

    def post(self, path, body, items, headers=None, fails=False):
        request = urllib.request.Request(self.server.base + path, body if isinstance(body, bytes) else json.dumps(body).encode(), headers or {})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                answer.read()
        except urllib.error.HTTPError as error:
            assert fails, (path, error.code, error.read()[:300])
        self.items += items

    def get(self, path, items, headers=None, fails=False):
        request = urllib.request.Request(self.server.base + path, headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                answer.read()
        except urllib.error.HTTPError as error:
            assert fails, (path, error.code, error.read()[:300])
        self.items += items


def luhn(number):
    return sum(d if i % 2 == 0 else (2 * d if d < 5 else 2 * d - 9) for i, d in enumerate(int(c) for c in reversed(number))) % 10 == 0


def grouped(gap, size=4):
    return lambda number: gap.join(number[i:i + size] for i in range(0, len(number), size))


def each(change):
    return lambda number: "".join(change(c) for c in number)


def in_base64(number, url_safe=False):
    coded = (base64.urlsafe_b64encode if url_safe else base64.b64encode)(json.dumps({"card": number, "n": 1}).encode()).decode()
    return coded.rstrip("=") if url_safe else coded


FORMS = {
    "plain": "{}", "blanks": grouped(" "), "dashes": grouped("-"), "dots": grouped("."), "slashes": grouped("/"), "no-break": grouped("\u00a0"),
    "thin": grouped("\u2009"), "dash of typography": grouped("\u2013"), "line ends": grouped("\n"), "tabs": grouped("\t"), "single": grouped(" ", 1),
    "letters": "abc{}xyz", "digits behind a letter": "x{}", "zeros before": "0000{}", "with date and code": "{}1229987", "percent": each(lambda c: f"%{ord(c):02X}"),
    "percent twice": each(lambda c: f"%25{ord(c):02x}"), "percent dashes": grouped("%2D"), "percent no-break": grouped("%C2%A0"),
    "full width": each(lambda c: chr(0xff10 + int(c))), "arabic": each(lambda c: chr(0x660 + int(c))), "mathematical": each(lambda c: chr(0x1d7ce + int(c))),
    "references": each(lambda c: f"&#{ord(c)};"), "nbsp": grouped("&nbsp;"), "json in a string": lambda n: json.dumps({"card": n}),
    "escapes in a string of a string": each(lambda c: f"\\u00{ord(c):02x}"), "base64": in_base64, "base64 for URLs": lambda n: in_base64(n, True),
    "exponent in a text": lambda n: f"{n[0]}.{n[1:]}E15",
}


def track(event="Paid", **more):
    return {"type": "track", "event": event, "anonymousId": "payer", **more}


def segment(paths):
    batch = []
    for name, form in FORMS.items():
        card = lambda place: paths.card(f"segment {place}: {name}", form)
        batch.append(track(properties={"note": card("property")}))
        batch.append(track(properties={"o": {card("name of a member"): [1, {"x": True}]}}))
        batch.append(track(event=card("event"), properties={"coupon": card("coupon"), "order_id": card("order")[:200], "products": [
            {"product_id": card("product"), "sku": card("sku"), "name": "n " + card("name"), "category": card("category")}]}))
        batch.append(track(context={"page": {"url": "https://s/?c=" + card("url") + "#x", "referrer": "https://r/" + card("referrer"), "title": card("title")},
                                    "userAgent": "UA/" + card("agent"), "campaign": {"name": card("campaign")}, "device": {"id": card("device")}}))
        batch.append({"type": "identify", "anonymousId": card("anonymous"), "userId": card("user"), "messageId": card("message"), "traits": {"t": card("trait")}})
        batch.append({"type": "track", "anonymousId": "payer", "properties": {"x": card("quarantined")}})
    paths.post("/v1/batch?writeKey=wk", {"batch": batch, "context": {"shared": paths.card("batch context")}}, len(batch))
    # Numbers, which json.dumps would write plainly.
    for form in ("{}", "{}.0", "{}e0", "-{}", lambda n: f"{n[0]}.{n[1:]}E15", lambda n: f"0.{n}e16", lambda n: f"{n}0e-1", lambda n: f"{n}00E-2"):
        number = paths.card("segment number", form)
        paths.post("/v1/track?writeKey=wk", ('{"event":"n","anonymousId":"a","properties":{"a":%s,"b":[%s],"price":%s,"revenue":%s,"quantity":%s,"position":%s},"timestamp":%s}'
                                             % ((number,) * 7)).encode(), 1)
        paths.post("/v1/import?writeKey=wk", ('{"batch":[{"type":"track","event":"n","anonymousId":"a","timestamp":%s}]}' % number).encode(), 1)


def broken(paths):
    raw = lambda name, form="{}": ('{"batch":[{"type":"track","event":"%s",,}]}' % paths.card(name, form)).encode()
    paths.post("/v1/batch?writeKey=wk", raw("malformed item"), 1)
    paths.post("/v1/batch?writeKey=wk", raw("malformed item, escaped", each(lambda c: f"\\u003{c}")), 1)
    paths.post("/v1/batch?writeKey=wk", gzip.compress(raw("malformed item, zipped")), 1, {"Content-Encoding": "gzip"})
    paths.post("/v1/batch?writeKey=wk", ('{"batch":[{"type":"track","event":"x","anonymousId":"q","m":"%s"}' % paths.card("cut off batch")).encode(), 0, fails=True)
    paths.post("/v1/batch?writeKey=wk", gzip.compress(paths.card("zipped rubbish").encode())[:-4], 0, {"Content-Encoding": "gzip"}, fails=True)
    # Items whose end is not kept, cut in the middle of the number.
    for behind in (4, 8, 12, 15):
        for form in ("{}", grouped(" "), each(lambda c: f"\\u003{c}"), each(lambda c: f"%3{c}")):
            card = paths.card(f"cut after {behind}", form)
            start = '{"type":"track","event":"big","anonymousId":"l","p":"'
            for part in range(0, len(card), max(1, len(card) // 16)):
                paths.written.add(card[:max(12, part)])
            item = start + "x" * (QUARANTINE_BYTES_MAX - len(start) - len(card) * behind // 16) + card + "x" * 40 + '"}'
            paths.post("/v1/batch?writeKey=wk", ('{"batch":[%s]}' % item).encode(), 1)


def heads(paths):
    item = track()
    for name in ("User-Agent", "Referer", "Cookie", "X-Forwarded-For", "X-Request-Id", "Origin", "Sec-CH-UA"):
        paths.post("/v1/track?writeKey=wk", item, 1, {name: "v/" + paths.card("header " + name)})
        paths.get("/i?e=pv&p=web&tv=t&aid=wk&duid=d", 1, {name: "v/" + paths.card("header of a pixel " + name)})
    paths.post("/v1/track", item, 1, {"X-Write-Key": paths.card("write key")})
    paths.post("/v1/track", item, 1, {"Authorization": "Basic " + base64.b64encode((paths.card("basic") + ":").encode()).decode()})
    paths.post("/v1/track", dict(item, writeKey=paths.card("write key in the body")), 1)
    paths.get("/v1/nothing/" + paths.card("unknown path"), 0, fails=True)
    paths.get("/v1/recommendations?visitor=" + paths.card("visitor"), 0, fails=True)
    paths.get("/v1/visitors/" + paths.card("visitor's view"), 0, fails=True)


def pixels(paths):
    quoted = lambda name, form="{}": urllib.parse.quote(paths.card(name, form))
    paths.get("/pixel/v1/track?writeKey=wk&event=Pix&anonymousId=px&properties.c=" + quoted("pixel"), 1)
    paths.get("/pixel/v1/track?writeKey=wk&event=Pix&anonymousId=px&properties.c=" + quoted("pixel, blanks", grouped(" ")), 1)
    data = base64.b64encode(json.dumps(track(properties={"c": paths.card("pixel in base64")})).encode()).decode()
    paths.get("/pixel/v1/track?writeKey=wk&data=" + urllib.parse.quote(data), 1)


def snowplow(paths):
    def event(card):
        return {"schema": "iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0",
                "data": {"schema": "iglu:com.acme/pay/jsonschema/1-0-0", "data": {"card": card}}}
    coded = lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    base = {"e": "ue", "p": "web", "tv": "t", "aid": "wk", "duid": "d"}
    rows = [dict(base, ue_px=coded(json.dumps(event(paths.card("snowplow ue_px"))))),
            dict(base, ue_pr=json.dumps(event(paths.card("snowplow ue_pr")))),
            dict(base, e="se", se_ca=paths.card("snowplow se_ca"), se_va=paths.card("snowplow se_va")),
            dict(base, e="pv", url="https://s/?c=" + paths.card("snowplow url"), page=paths.card("snowplow page")),
            # Not JSON once decoded, not base64, not an event.
            dict(base, ue_px=coded(json.dumps(event(paths.card("snowplow broken ue_px")))[:-3] + ",,")),
            dict(base, ue_px=coded(json.dumps(event(paths.card("snowplow bad base64")))) + "!"),
            dict(base, cx=coded(json.dumps(event(paths.card("snowplow unknown event")))), e="zz")]
    paths.post("/com.snowplowanalytics.snowplow/tp2",
               {"schema": "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4", "data": rows}, len(rows), {"Content-Type": "application/json"})
    paths.get("/i?" + urllib.parse.urlencode(dict(base, ue_px=coded(json.dumps(event(paths.card("snowplow GET ue_px")))))), 1)
    paths.get("/i?" + urllib.parse.urlencode(dict(base, ue_px=coded(json.dumps(event(paths.card("snowplow GET broken")))) + "*")), 1)


def google(paths):
    paths.post("/mp/collect?measurement_id=wk&api_secret=x", {"client_id": paths.card("ga4 client"), "events": [
        {"name": "purchase", "params": {"transaction_id": paths.card("ga4 order"), "items": [{"item_id": paths.card("ga4 item")}]}}]}, 1)
    paths.post("/mp/collect?measurement_id=wk", ('{"client_id":"c","timestamp_micros":%s,"events":[{"name":"x"}]}' % paths.card("ga4 micros")).encode(), 1)
    paths.post("/mp/collect?measurement_id=wk", ('{"client_id":"c","events":[{"name":"%s"' % paths.card("ga4 cut off")).encode(), 1)
    paths.post("/g/collect?v=2&tid=wk&cid=c&dl=" + urllib.parse.quote("https://s/?c=" + paths.card("gtag page")),
               ("en=a&ep.c=" + paths.card("gtag line") + "\nen=b&ep.c=" + paths.card("gtag line, percent", each(lambda c: f"%3{c}")) +
                "\nen=purchase&pr1=id" + paths.card("gtag product") + "~nmX~pr9").encode(), 3)


def webhooks(paths):
    def hook(body, topic="orders/create"):
        sign = base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest()).decode()
        paths.post("/webhooks/shopify/hook", body, 1, {"X-Shopify-Topic": topic, "X-Shopify-Hmac-Sha256": sign,
                                                          "X-Shopify-Webhook-Id": paths.card("webhook id"), "X-Shopify-Shop-Domain": paths.card("webhook shop")})
    hook(json.dumps({"id": 1, "note": paths.card("webhook note"), "total_price": "5.00", "currency": "EUR",
                     "line_items": [{"sku": paths.card("webhook sku"), "quantity": 1, "price": "5.00"}]}).encode())
    hook(('{"id":%s}' % paths.card("webhook number")).encode())
    hook(("{broken " + paths.card("webhook broken")).encode())


def administration(paths):
    card = paths.card("stock")
    for method, path, body in (("PUT", "/v1/stock/" + card, {"on_hand": 1}), ("PUT", "/v1/stock/S", {"on_hand": 1, "reference": card}),
                               ("POST", "/v1/stock/reservations", {"id": card, "lines": [{"sku": "S", "quantity": 1}]}),
                               ("POST", "/v1/stock/reservations", {"id": "r", "lines": [{"sku": card, "quantity": 1}]}),
                               ("POST", f"/v1/stock/reservations/{card}/commit", {}), ("DELETE", f"/v1/stock/reservations/{card}", None)):
        request = urllib.request.Request(paths.server.base + path, None if body is None else json.dumps(body).encode(), method=method)
        try:
            urllib.request.urlopen(request, timeout=20)
            raise AssertionError(f"{method} {path} was taken")
        except urllib.error.HTTPError as error:
            assert error.code == 400 and b"card number" in error.read(), error.code
    card = paths.card("suppression")
    paths.server.ask("/v1/privacy/suppressions/" + card, method="PUT")
    paths.server.ask("/v1/privacy/suppressions/" + card, method="DELETE")
    paths.post("/v1/sql", {"sql": f"select '{paths.card('SQL')}', count(*) from conformed.events"}, 0)
    paths.post("/v1/sql", {"sql": f"select from {paths.card('SQL that fails')}"}, 0, fails=True)
    paths.post("/v1/quarantine/replay", {"filter": {"reason": paths.card("replay")}}, 0, fails=True)


def access_log(paths, millrace, work):
    log = work / "access.log"
    lines = [f'192.0.2.177 - - [21/Nov/2026:10:00:00 +0000] "GET /pay?c={paths.card("access log")} HTTP/1.1" 200 5 "https://r/{paths.card("log referrer")}" "Mozilla/5.0 {paths.card("log agent")}"',
             f'192.0.2.177 - {paths.card("log user")} [21/Nov/2026:10:00:00 +0000] "GET /{paths.card("log path", each(lambda c: f"%3{c}"))} HTTP/1.1" 200 5 "-" "Mozilla/5.0 (X11) Firefox/1"',
             f'{paths.card("log rubbish")} rubbish']
    log.write_text("\n".join(lines) + "\n")
    done = subprocess.run([millrace, "tail", str(log), "--to", paths.server.base, "--site", "https://s.example", "--position", str(work / "position"), "--from-start", "--once"],
                          check=True, capture_output=True, text=True)
    log.unlink()
    paths.items += int(re.search(r"(\d+) page views sent", done.stdout)[1])


def plant(server, millrace, work):
    paths = Paths(server)
    for step in (segment, broken, heads, pixels, snowplow, google, webhooks, administration):
        step(paths)
    access_log(paths, millrace, work)
    return paths


def needles(paths):
    """Bytes, and the way that they came."""
    found = {}
    for number, path in paths.planted.items():
        for part in (number, number[:12], number[4:], grouped(" ")(number), f"{number[0]}.{number[1:12]}"):
            found[part.encode()] = path
        coded = base64.b64encode(number.encode()).decode().rstrip("=")[:12]
        found[coded.encode()] = path + " (base64)"
    for written in paths.written:
        found[written.encode()] = "as written"
        found[json.dumps(written)[1:-1].encode()] = "as written, in JSON"
        if len(written) > 14:
            found[written[:-2].encode()] = "most of it as written"
    return {needle: path for needle, path in found.items() if len(needle) >= 12}
