#!/usr/bin/env python3
"""Bans that no compiler knows: each with what to use instead and the only files where it may stand."""
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parent.parent

# (pattern, replacement, files or folders under src/ that may use it)
BANS = [
    (r"(system_clock|steady_clock|high_resolution_clock)::now|clock_gettime|gettimeofday|\btime\(nullptr\)",
     "base::Clock", ["app/system_clock.cc", "sim/"]),
    (r"\bsleep_for\b|\bsleep_until\b|\busleep\(|\bnanosleep\(", "a deadline that the driver waits for", ["app/drivers"]),
    (r"std::(thread|jthread|async)\b", "a driver in app", ["app/", "sim/", "http/server", "act/http_transport"]),
    (r"\brandom_device\b|\bmt19937|\brand\(\)|\bgetrandom\(", "base::Random", ["app/system_random.cc"]),
    (r"\bgetenv\(", "a setting", []),
    (r"\bstd::cout\b|\bstd::cerr\b|#include <iostream>", "fmt::print in app, spdlog elsewhere", []),
    (r"^\s*throw\b", "base::Result", []),
    # A factory may hand a private constructor's object to its unique_ptr at once.
    (r"(?<![\w.(])new [A-Za-z_:]+[\w:<>]*[({]", "std::make_unique", []),
    # In C++20 what the call returned is gone before the loop begins: a table that is replaced meanwhile with it.
    (r"\bfor \(.*[^:]: .*(\(\)->|\*.*\(\)\))", "a name for what owns the range", []),
    (r"\b(TODO|FIXME|XXX|HACK)\b", "an issue, or the work itself", []),
]
HEADER_BANS = [(r"#include <(iostream|regex|filesystem)>", "the .cc file")]
SUFFIXES = re.compile(r"^(?:class|struct) (\w*(?:Manager|Handler|Helper|Utils?|Context|Processor|Service|Data|Info|Impl))\b")
COLUMNS_MAX, FILE_LINES_MAX = 150, 400

bad = []


def allowed(relative, places):
    return any(relative.startswith(place) for place in places)


for path in sorted((root / "src").rglob("*.[ch]*")):
    relative = str(path.relative_to(root / "src"))
    is_test = path.name.endswith(("_test.cc", "_main.cc", "_contract.h", "_fixture.h", "scratch_directory.h"))
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines, 1):
        code = re.sub(r'"(\\.|[^"\\])*"', '""', line.split("//")[0])
        checks = BANS + (HEADER_BANS if path.suffix == ".h" and not is_test else [])
        for ban in checks:
            pattern, instead = ban[0], ban[1]
            places = ban[2] if len(ban) > 2 else []
            subject = line if "TODO" in pattern else code
            if re.search(pattern, subject) and not allowed(relative, places):
                if is_test and "std::(thread" in pattern:
                    continue
                bad.append(f"src/{relative}:{number}: {line.strip()[:60]} -> use {instead}")
        match = SUFFIXES.match(line)
        if match:
            bad.append(f"src/{relative}:{number}: class {match.group(1)} ends in a word without meaning")
        if len(line) > COLUMNS_MAX:
            bad.append(f"src/{relative}:{number}: {len(line)} columns")

# Ratchets: a longer file or folder may stay where it is listed, and may not grow.
ratchet_file = root / "scripts" / "length_ratchet.txt"
ratchet = {}
for line in ratchet_file.read_text().splitlines() if ratchet_file.exists() else []:
    if line and not line.startswith("#"):
        name, size = line.rsplit(" ", 1)
        ratchet[name] = int(size)
for path in sorted((root / "src").rglob("*.[ch]*")):
    name = str(path.relative_to(root))
    size = len(path.read_text().splitlines())
    limit = ratchet.get(name, FILE_LINES_MAX)
    if size > limit:
        bad.append(f"{name}: {size} lines, limit {limit}")

if bad:
    print("\n".join(bad))
else:
    print("bans: no clock, sleep, thread, chance, environment or stray output outside its seam; lengths within the ratchet")
sys.exit(bool(bad))
