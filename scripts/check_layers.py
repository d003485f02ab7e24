#!/usr/bin/env python3
"""Every #include under src/ must follow an edge of the module() calls in CMakeLists.txt, which are the only list of them.

Prints file:line for each edge that is not allowed, and each folder that has no module() call."""
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parent.parent
allowed = {}
calls = re.findall(r"^module\((\w+)([^)]*)\)", (root / "CMakeLists.txt").read_text(), re.M)
for name, arguments in calls:
    depends = re.search(r"DEPENDS((?:\s+(?!LINKS)\w+)+)", arguments)
    allowed[name] = {name} | (set(depends.group(1).split()) if depends else set())

# Only these may see a concrete backend; the test beside a backend sees its own.
backends = {"disk/posix_disk.h", "process/rocks_state_store.h", "lake/local_object_store.h"}

bad = []
for path in sorted((root / "src").rglob("*.[ch]*")):
    folder = path.relative_to(root / "src").parts[0]
    if folder not in allowed:
        bad.append(f"{path.relative_to(root)}: folder '{folder}' has no module() call")
        continue
    is_test = path.name.endswith(("_test.cc", "_main.cc", "_contract.h", "_fixture.h"))
    may = allowed[folder] | ({"sim"} if is_test else set())
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = re.match(r'\s*#include "(\w+)/', line)
        if not match:
            continue
        target = match.group(1)
        if target in allowed and target not in may:
            bad.append(f"{path.relative_to(root)}:{number}: {folder} -> {target} is not an allowed edge")
        header = line.split('"')[1]
        if header in backends and folder not in ("app", "sim", header.split("/")[0]) and not is_test:
            bad.append(f"{path.relative_to(root)}:{number}: only app and sim may include the backend {header}")

print("\n".join(bad) if bad else f"layers: {len(allowed)} folders, every include follows an allowed edge")
sys.exit(bool(bad))
