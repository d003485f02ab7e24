"""Each decision of consent, by two sources and four rules: what is stored, and that the ledger counts what was decided, through a kill and as
`millrace verify` recomputes it. Called by planted.py."""
import collections
import subprocess
import time

RULES = """
[[source]]
name = "web"
write_key = "wk"

[[source]]
name = "app"
write_key = "app-key"

[[consent.rule]]
region = "DE"
when_denied = "drop"
when_unknown = "deny"

[[consent.rule]]
region = "FR"
when_denied = "pseudonymise"

[[consent.rule]]
region = "US"
when_denied = "store"

[[consent.rule]]
region = "*"
when_denied = "anonymise"
"""
DENIED = {"categoryPreferences": {"Analytics": False, "Advertising": False}}
PERSON = "katherine-johnson"
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
DECISIONS = ("store", "pseudonymise", "anonymise", "drop")


def page(number, visitor, country=None, consent=None, **more):
    context = {"userAgent": more.pop("agent", "")}
    if country:
        context["location"] = {"country": country}
    if consent:
        context["consent"] = consent
    return dict({"type": "page", "anonymousId": visitor, "messageId": f"c{number}", "context": context}, **more)


def items():
    """(source, what consent decides, item) for every way there is; None: it is not asked."""
    found = []
    numbers = iter(range(10_000))
    for source, times in (("web", 1), ("app", 2)):
        for _ in range(times):
            found += [
                (source, "drop", page(next(numbers), PERSON, "DE")),
                (source, "drop", page(next(numbers), PERSON, "DE", DENIED)),
                (source, "drop", page(next(numbers), PERSON, "DE", agent=BOT)),
                (source, "pseudonymise", page(next(numbers), PERSON, "FR", DENIED)),
                (source, "anonymise", page(next(numbers), PERSON, None, DENIED)),
                (source, "anonymise", page(next(numbers), PERSON, "JP", DENIED)),
                (source, "anonymise", page(next(numbers), PERSON, "JP", DENIED, agent=BOT)),
                (source, "store", page(next(numbers), "free")),
                (source, "store", page(next(numbers), "free", "US", DENIED)),
                (source, "store", page(next(numbers), "free", agent=BOT)),
                (source, None, page(next(numbers), "free", type="track")),  # No name: quarantined.
                (source, None, page(next(numbers), "left")),  # Suppressed.
            ]
        again = page(next(numbers), PERSON, "FR", DENIED)
        found += [(source, "pseudonymise", again)] * 2  # Its repetition is a duplicate that was decided about as well.
    return found


def counted(server):
    """By source: each row of every minute, summed. Checks that rows and total close, and over consent too."""
    book = server.ask("/v1/ledger?step=minute")
    assert book["closed"], book
    found = collections.defaultdict(collections.Counter)
    for row in book["rows"] + [dict(book["total"], source="total")]:
        decided = sum(row[verdict] for verdict in ("accepted", "duplicate", "bot", "consent_dropped"))
        assert sum(row["consent"].values()) == decided, row
        found[row["source"]].update(row["consent"])
    return found


def check(make_server, data, config, millrace):
    config.write_text(RULES)
    sent = items()
    server = make_server(data, config=config)
    server.ask("/v1/privacy/suppressions/left", method="PUT")
    expected = {name: collections.Counter({decision: 0 for decision in DECISIONS}) for name in ("web", "app", "total")}
    for source, decision, item in sent:
        answer = server.ask("/v1/batch", {"batch": [item], "writeKey": {"web": "wk", "app": "app-key"}[source]},
                            headers={"X-Write-Key": {"web": "wk", "app": "app-key"}[source]})
        assert answer["received"] == 1, answer
        assert answer.get("consent_dropped", 0) == (decision == "drop"), (item, answer)
        if decision:
            expected[source][decision] += 1
            expected["total"][decision] += 1
    total = server.settled(len(sent))
    assert total["consent_dropped"] == expected["total"]["drop"] and total["quarantined"] == 3 and total["suppressed"] == 3, total
    assert total["duplicate"] == 2, total
    found = counted(server)
    for name, decisions in expected.items():
        assert {d: found[name][d] for d in DECISIONS} == dict(decisions), (name, found[name], decisions)
    print(f"ok: the ledger counts each decision of consent by source and minute: {dict(expected['total'])}", flush=True)

    # A row is in SQL within a second of its 200.
    deadline = time.monotonic() + 20
    kept = sum(count for decision, count in expected["total"].items() if decision != "drop")
    while len(rows := server.sql("select coalesce(visitor_id, ''), coalesce(purposes, ''), flags from conformed.events order by 1")) < kept - 2:
        assert time.monotonic() < deadline, f"{len(rows)} of {kept - 2} rows within 20 s"
        time.sleep(0.05)
    assert ["", "necessary,personalisation"] in [row[:2] for row in rows], rows
    by_flag = [sum(1 for row in rows if int(row[2]) & bit) for bit in (512, 1024)]
    assert by_flag == [expected["total"]["pseudonymise"] - 2, expected["total"]["anonymise"]], (by_flag, rows)

    server.process.kill()
    server.process.wait(30)
    server = make_server(data, config=config)
    server.settled(len(sent))
    assert counted(server) == found, (counted(server), found)
    server.stop()
    for path in data.rglob("*"):
        if path.is_file():
            assert PERSON.encode() not in path.read_bytes(), path
    print("ok: an event without consent is dropped or leaves no id, as its region's rule says, and the ledger closes", flush=True)

    verified = subprocess.run([millrace, "verify", "--data", str(data), "--config", str(config)], capture_output=True, text=True)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    print("ok: the counts are the same after kill -9, and as recomputed from the journal", flush=True)
