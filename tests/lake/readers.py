"""Does PyIceberg find the rows we say there are, by path and through the REST catalog?

python readers.py --warehouse DIR --expect FILE.json [--catalog URL]
FILE.json is what sample_warehouse prints; see README.md beside this file.
"""
import argparse
import datetime
import json
import sys

import pyarrow.compute as pc
from pyiceberg.catalog import load_catalog
from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError
from pyiceberg.expressions import And, GreaterThanOrEqual, LessThan
from pyiceberg.table import StaticTable

passed = failed = 0


def check(name, found, wanted):
    global passed, failed
    if found == wanted:
        passed += 1
    else:
        failed += 1
        print(f"FAILED {name}: found {found}, expected {wanted}")


def milliseconds(value):
    return round(value.timestamp() * 1000)


MEASURES = {
    "sum": lambda column: pc.sum(column).as_py() or 0,
    "sum_micros": lambda column: int((pc.sum(column).as_py() or 0) * 1_000_000),
    "distinct": lambda column: pc.count_distinct(column).as_py(),
    "min_ms": lambda column: milliseconds(pc.min(column).as_py()),
    "max_ms": lambda column: milliseconds(pc.max(column).as_py()),
    "text_bytes": lambda column: pc.sum(pc.binary_length(column)).as_py() or 0,
    "group": lambda column: {item["values"]: item["counts"] for item in column.value_counts().to_pylist()},
}


def measure(rows, wanted):
    found = {"rows": len(rows)}
    for kind, columns in wanted.items():
        if kind != "rows":
            found[kind] = {column: MEASURES[kind](rows[column]) for column in columns}
    return found


def check_pruning(name, table, wanted):
    """A day's rows must be the same with the partitions and bounds used as without."""
    for column, low in wanted.get("min_ms", {}).items():
        start = datetime.datetime.fromtimestamp(low / 1000, datetime.timezone.utc)
        end = start + datetime.timedelta(days=1)
        day = And(GreaterThanOrEqual(column, start.isoformat()), LessThan(column, end.isoformat()))
        scan = table.scan(row_filter=day)
        everything = table.scan().to_arrow()
        inside = pc.and_(pc.greater_equal(everything[column], start), pc.less(everything[column], end))
        check(f"{name}: rows of one day", len(scan.to_arrow()), pc.sum(inside).as_py())
        files, all_files = len(list(scan.plan_files())), len(list(table.scan().plan_files()))
        check(f"{name}: one day needs fewer files than all", files < all_files, True)


def check_summary(name, table, wanted):
    summary = table.current_snapshot().summary
    check(f"{name}: the summary's total", summary["total-records"], str(wanted["rows"]))
    counted = sum(file["record_count"] for file in table.inspect.files().to_pylist())
    check(f"{name}: the manifests' total", counted, wanted["rows"])


def check_catalog(url, tables):
    catalog = load_catalog("millrace", type="rest", uri=url)
    namespaces = sorted({tuple(table.split(".")[:1]) for table in tables})
    check("catalog: namespaces", sorted(catalog.list_namespaces()), namespaces)
    for namespace in namespaces:
        names = sorted(".".join(identifier) for identifier in catalog.list_tables(namespace))
        check(f"catalog: tables of {namespace[0]}", names, sorted(t for t in tables if t.startswith(namespace[0] + ".")))
    check("catalog: a table that is there", catalog.table_exists(tables[0]), True)
    check("catalog: a table that is not there", catalog.table_exists("conformed.nothing"), False)
    for call, error in (
        (lambda: catalog.load_table("conformed.nothing"), NoSuchTableError),
        (lambda: catalog.list_tables("nothing"), NoSuchNamespaceError),
    ):
        try:
            call()
            check(f"catalog: {error.__name__}", "no error", error.__name__)
        except error:
            check(f"catalog: {error.__name__}", error.__name__, error.__name__)
    return catalog


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--warehouse", required=True)
    parser.add_argument("--expect", required=True)
    parser.add_argument("--catalog")
    options = parser.parse_args()
    with open(options.expect, encoding="utf-8") as file:
        expected = json.load(file)
    catalog = check_catalog(options.catalog, sorted(expected)) if options.catalog else None
    for name, wanted in expected.items():
        table = StaticTable.from_metadata(f"{options.warehouse}/{name.replace('.', '/')}")
        check(f"PyIceberg {name} by path", measure(table.scan().to_arrow(), wanted), wanted)
        check_summary(name, table, wanted)
        check_pruning(name, table, wanted)
        if catalog:
            rows = catalog.load_table(name).scan().to_arrow()
            check(f"PyIceberg {name} by catalog", measure(rows, wanted), wanted)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


main()
