"""The dashboard where tokens are asked for, in Chromium: in the clear and under TLS."""
import pathlib
import shutil
import subprocess

import tls
from rig import Server, command, passed

HERE = pathlib.Path(__file__).resolve().parent


def run(work):
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium or not shutil.which("node") or not (HERE / "../dashboard/node_modules/playwright-core").exists():
        print("SKIP: the dashboard's form, as there is no chromium, node or tests/dashboard/node_modules")
        return
    files = work / "pages-tls"
    tls.make_certificate(files, 21)
    for name, certificate in (("clear", None), ("tls", files)):
        directory = work / f"data-pages-{name}"
        token = command("tokens", "create", "--role", "operator", "--name", "test-operator", "--data", str(directory))
        command("write-keys", "create", "--source", "metered", "--events-per-s", "2", "--burst", "5", "--data", str(directory))
        server = Server(directory, tls=certificate)
        try:
            if 'id="page"' not in server.ask("GET", "/").body:
                print("SKIP: the dashboard's form, as the binary was built without the dashboard")
                return
            subprocess.run(["node", str(HERE / "sign_in.mjs"), chromium, str(work / f"profile-{name}"), server.base, token], check=True, timeout=120)
        finally:
            server.stop()
    passed("dashboard: asks for a token, keeps none where a script could read it, works with its streams, signs out; in the clear and under TLS")
