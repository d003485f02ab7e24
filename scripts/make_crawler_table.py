#!/usr/bin/env python3
"""Writes the patterns of crawler-user-agents.json as the C++ array that src/privacy/bot_list.h declares: IN, or nothing when it is absent, to OUT."""
import json
import pathlib
import sys

source, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
patterns = [row["pattern"] for row in json.loads(source.read_text())] if source.exists() else []
# A headless browser has a score of its own (BotList::is_headless): a shop's tests use them too.
patterns = [pattern for pattern in patterns if pattern not in ("HeadlessChrome", "PhantomJS")]
rows = "".join(f"    std::string_view({json.dumps(p, ensure_ascii=True)}),\n" for p in patterns)
body = f"  static constexpr std::string_view kPatterns[] = {{\n{rows}  }};\n  return kPatterns;\n" if patterns else "  return {};\n"
out.write_text(f"""// Written by scripts/make_crawler_table.py.
#include "privacy/bot_list.h"

namespace millrace::privacy {{

std::span<const std::string_view> crawler_patterns() {{
{body}}}

}}  // namespace millrace::privacy
""")
