#!/usr/bin/env python3
"""Documents that can rot are tested: the code map lists exactly the folders that exist, every relative link and every
file named in backticks exists, and every command shown for ./dev is one that ./dev knows."""
import pathlib
import re
import subprocess
import sys

root = pathlib.Path(__file__).resolve().parent.parent
tracked = set(subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True).stdout.splitlines())
bad = []

architecture = root / "ARCHITECTURE.md"
text = architecture.read_text()
mapped = set(re.findall(r"^\| `src/(\w+)` \|", text, re.M))
existing = {p.name for p in (root / "src").iterdir() if p.is_dir() and any(p.iterdir())}
for name in sorted(mapped ^ existing):
    bad.append(f"ARCHITECTURE.md: code map and src/ disagree about '{name}'")

dev = (root / "dev").read_text()
known = set(re.findall(r"^\s{2}([a-z]+)\)", dev, re.M))
for document in sorted(root.glob("*.md")) + sorted((root / "docs").rglob("*.md")):
    body = document.read_text()
    name = document.relative_to(root)
    for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", body):
        if not re.match(r"[a-z]+:", link) and not (document.parent / link).exists():
            bad.append(f"{name}: link to '{link}' leads nowhere")
    for path in re.findall(r"`((?:src|docs|scripts|tests|bench|fuzz|web|cmake|third_party)/[\w./-]+\.\w+)`", body):
        if path not in tracked and not (root / path).exists():
            bad.append(f"{name}: names '{path}', which does not exist")
    for command in re.findall(r"\./dev ([a-z]+)", body):
        if command not in known:
            bad.append(f"{name}: './dev {command}' is no command of ./dev")

print("\n".join(bad) if bad else "docs: code map, links, file names and commands agree with the tree")
sys.exit(bool(bad))
