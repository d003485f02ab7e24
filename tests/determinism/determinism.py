"""One input, replayed on event time three times: as it is; with kill -9 in between, which may change nothing, down to the bytes of the state;
and over four partitions, which may change no total."""
import argparse
import datetime
import json
import pathlib
import random
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

parser = argparse.ArgumentParser()
parser.add_argument("millrace")
parser.add_argument("--items", type=int, default=6_000)
parser.add_argument("--seed", type=int, default=20261121)
options = parser.parse_args()
root = pathlib.Path(tempfile.mkdtemp(prefix="millrace-same-"))
START_MS = 1_780_000_000_000
BATCH = 150
print(f"seed {options.seed}, {options.items} items, {root}")


def iso(ms):
    return datetime.datetime.fromtimestamp(ms / 1000, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}Z"


def make_input():
    """Batches of items: sessions of many visitors over some days, in order but for a few seconds, with everything that happens to orders."""
    rng, items, orders, now = random.Random(options.seed), [], [], START_MS
    channels = ["", "?utm_medium=cpc&utm_source=google", "?utm_medium=email&utm_source=news", "?gclid=1"]
    for number in range(options.items):
        now += rng.randrange(60_000)
        visitor = f"v-{rng.randrange(300)}"
        at = now - rng.randrange(20_000)
        item = {"type": "track", "anonymousId": visitor, "messageId": f"m-{options.seed}-{number}", "timestamp": iso(at),
                "context": {"page": {"url": f"https://shop.example/{rng.choice(channels)}", "path": "/"}}}
        if rng.random() < 0.2:
            item["userId"] = f"u-{visitor}"  # Of one visitor: carts of a user join within a partition only.
        sku = min(int(rng.paretovariate(0.9)), 60)
        product = {"product_id": f"p-{sku}", "name": f"Product {sku}", "category": f"c-{sku % 5}", "price": 5 + sku, "quantity": 1,
                   "currency": "EUR"}
        kind = rng.random()
        if kind < 0.25:
            item |= {"type": "page", "name": "Page"}
        elif kind < 0.7:
            item |= {"event": "Product Viewed", "properties": product}
        elif kind < 0.88:
            item |= {"event": "Product Added", "properties": product}
        elif kind < 0.91:
            item |= {"event": "Checkout Started", "properties": {"products": [product]}}
        elif kind < 0.97:
            order = {"order_id": f"o-{number}", "currency": "EUR", "products": [product, {**product, "product_id": f"p-{sku % 7}"}]}
            orders.append(order)
            item |= {"event": "Order Completed", "properties": order}
        elif orders and kind < 0.985:
            # The shop's server tells of the same order, as nobody's visitor.
            order = rng.choice(orders[-5:])
            item |= {"event": "Order Completed", "anonymousId": f"server-{rng.randrange(3)}", "properties": order}
            item.pop("userId", None)
        elif len(orders) > 40 and kind < 0.993:
            # One that every partition has long seen: what overtakes its order is another matter.
            order = rng.choice(orders[:-40])
            item |= {"event": "Order Refunded", "properties": {"order_id": order["order_id"], "currency": "EUR",
                                                               "products": order["products"][:1]}}
        else:
            item = {"type": "track", "anonymousId": visitor, "timestamp": iso(at)}  # Without an event's name: quarantined.
        items.append(item)
        if rng.random() < 0.02:
            items.append(rng.choice(items[-50:]))  # Sent again.
    return [items[i:i + BATCH] for i in range(0, len(items), BATCH)], now


class Platform:
    def __init__(self, name, partitions):
        self.data, self.port_file, self.partitions = root / name, root / f"{name}.port", partitions
        self.settings = ["--set", f"journal.event_partitions={partitions}", "--set", f"journal.fact_partitions={partitions}",
                         "--set", "lake.commit_interval_ms=300", "--set", "sql.rows_max=1000000"]
        self.start()

    def start(self):
        self.port_file.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [options.millrace, "serve", "--data", self.data, "--port", "0", "--port-file", self.port_file, "--time", "events",
             *self.settings], stderr=open(root / "log", "a"))
        began = time.monotonic()
        while not self.port_file.exists():
            assert self.process.poll() is None, (root / "log").read_text()[-2000:]
            assert time.monotonic() - began < 60, "not ready after 60 s"
            time.sleep(0.01)
        self.url = f"http://127.0.0.1:{self.port_file.read_text().strip()}"

    def end(self, how):
        self.process.send_signal(how)
        self.process.wait(90)

    def ask(self, path, body=None):
        request = urllib.request.Request(self.url + path, None if body is None else json.dumps(body).encode(),
                                         headers={"X-Write-Key": "shop"})
        return json.load(urllib.request.urlopen(request, timeout=60))

    def rows(self, statement):
        answer = self.ask("/v1/sql", {"sql": statement})
        assert not answer.get("truncated"), statement
        return answer["rows"]

    def settle(self):
        """Until the facts that the facts gave have been read too."""
        quiet, before = 0, None
        deadline = time.monotonic() + 120
        while quiet < 5:
            assert time.monotonic() < deadline, "processing did not catch up"
            partitions = self.ask("/v1/status")["journal"]["partitions"]
            quiet = quiet + 1 if partitions == before and all(p["applied"] == p["end"] for p in partitions) else 0
            before = partitions
            time.sleep(0.1)

    def wait_for_checkpoint(self):
        end = next(p["end"] for p in self.ask("/v1/status")["journal"]["partitions"] if p["name"] == "events/0")
        deadline = time.monotonic() + 60
        while True:
            text = urllib.request.urlopen(self.url + "/metrics", timeout=60).read().decode()
            if f'millrace_stage_checkpoint_offset{{partition="events/0"}} {end}\n' in text:
                return
            assert time.monotonic() < deadline, "no checkpoint of all events: " + "\n".join(
                line for line in text.splitlines() if line.startswith(("millrace_stage_", "millrace_lake_")))
            time.sleep(0.1)

    def digests(self):
        verify = subprocess.run([options.millrace, "verify", "--data", self.data, "--time", "events", *self.settings],
                                capture_output=True, text=True)
        print(verify.stdout, verify.stderr, sep="", end="")
        assert verify.returncode == 0, "the state is not what the journal gives"
        return {line.split(":")[0]: line.split("digest ")[1].split(",")[0] for line in verify.stdout.splitlines() if "digest" in line}


def run(name, partitions, kills):
    rng = random.Random(options.seed + 1)
    batches, last = make_input()
    platform = Platform(name, partitions)
    try:
        kill_before = set(rng.sample(range(1, len(batches)), kills))
        for number, batch in enumerate(batches):
            if number in kill_before:
                time.sleep(rng.uniform(0, 0.5))
                platform.end(signal.SIGKILL)
                platform.start()
            platform.ask("/v1/import", {"batch": batch})
        # All sessions end and all carts are given up.
        platform.ask("/v1/clock", {"advance_to": iso(last + 3 * 86_400_000)})
        platform.settle()
        if partitions == 1:
            platform.wait_for_checkpoint()
        result = collect(platform, last)
        platform.end(signal.SIGTERM)
        result["digests"] = platform.digests()
        return result
    finally:
        if platform.process.poll() is None:
            platform.end(signal.SIGKILL)


def collect(platform, last):
    whole = f"from={iso(START_MS - 86_400_000)}&to={iso(last + 86_400_000)}"
    money = "sum(items_net)::varchar, sum(order_net)::varchar, sum(order_gross)::varchar"
    ledger = platform.ask(f"/v1/ledger?{whole}")
    assert ledger["closed"], "the ledger does not close"
    actions = platform.ask("/v1/actions?n=1000")["items"]
    assert len(actions) < 1000, "the list of actions was cut off"
    products = {}
    for sku in range(61):
        try:
            product = platform.ask(f"/v1/products/p-{sku}")
        except urllib.error.HTTPError:
            continue
        products[sku] = {key: product[key] for key in ["views", "carts", "purchases", "units_sold", "revenue"]}
    return {
        "raw": platform.rows("select verdict, count(*), count(distinct message_id) from raw.events group by all order by all"),
        "events": platform.rows("select event_type, count(*), sum(value)::varchar from conformed.events group by all order by all"),
        "sessions": platform.rows("select visitor_id, started_at, ended_at, events, page_views, product_views, cart_adds, "
                                  "orders, revenue::varchar, channel, device, level, category from curated.sessions order by all"),
        "orders": platform.rows(f"select count(*), {money} from curated.orders"),
        "orders by id": platform.rows("select order_id, status, version, order_net::varchar from curated.orders order by order_id"),
        "funnel table": platform.rows("select minute, channel, device, category, sum(landing), sum(browse), sum(product_view), "
                                      "sum(add_to_cart), sum(checkout), sum(payment), sum(purchase) from curated.funnel "
                                      "group by all having sum(landing) > 0 order by all"),
        "funnel": platform.ask(f"/v1/funnel?{whole}&by=channel,device,category"),
        "ledger": ledger["total"],
        "actions": sorted((a["kind"], a["visitor_id"], a["at"]) for a in actions),
        "products": products,
        # Of one partition: the rows as they are, with their positions.
        "event rows": platform.rows("select * from conformed.events order by partition, \"offset\""),
        "session rows": platform.rows("select * from conformed.sessions order by session_id, version"),
    }


def compare(name, expected, found, keys):
    for key in keys:
        if expected[key] == found[key]:
            continue
        if isinstance(expected[key], list):
            only = [[row for row in one if row not in other] for one, other in [(expected[key], found[key]), (found[key], expected[key])]]
            raise AssertionError(f"{name}: {key}: only without it {only[0][:20]}, only with it {only[1][:20]}")
        raise AssertionError(f"{name}: {key}: {expected[key]} against {found[key]}"[:4000])


try:
    plain = run("plain", 1, 0)
    killed = run("killed", 1, 8)
    assert plain["ledger"]["duplicate"] > 0 and plain["ledger"]["quarantined"] > 0, plain["ledger"]
    positions = ["event rows", "session rows"]
    everything = [key for key in plain if key not in ["digests", *positions]]
    compare("killed", plain, killed, everything + positions)
    # Facts lie at other offsets after a crash, since some are written twice; what visitors did lies where it lay.
    assert plain["digests"]["events/0"] == killed["digests"]["events/0"], "the state of the events differs"
    # Carts are abandoned and taken back by a partition's own watermark, which with --time events its own visitors alone move.
    spread = [key for key in everything if key != "actions"]
    compare("four partitions", plain, run("four", 4, 0), spread)
    compare("four partitions, killed", plain, run("four-killed", 4, 4), spread)
    print(f"{len(plain['sessions'])} sessions, {plain['orders'][0]} orders, {len(plain['actions'])} actions: the same four times")
except BaseException:
    print((root / "log").read_text()[-4000:])
    raise
finally:
    shutil.rmtree(root, ignore_errors=True)
