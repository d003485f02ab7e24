#!/usr/bin/env python3
"""Prints one line a check; exits 1 at the first that fails."""
import pathlib
import shutil
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
import keys  # noqa: E402
import pages  # noqa: E402
import roles  # noqa: E402
import tls  # noqa: E402

work = pathlib.Path(tempfile.mkdtemp(prefix="millrace-admin-"))
parts = {"tls": tls, "roles": roles, "keys": keys, "pages": pages}
try:
    for name in sys.argv[2:] or parts:
        parts[name].run(work)
finally:
    shutil.rmtree(work, ignore_errors=True)
