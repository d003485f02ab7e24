import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

millrace = pathlib.Path(sys.argv[1]).resolve()
guides = pathlib.Path(__file__).resolve().parent.parent.parent / "docs" / "guide"
NAMES = ["segment", "rudderstack", "snowplow", "ga4", "webhooks", "import", "load"]
DEADLINE_S = 20
# Asks alone may be repeated until what was sent before them is seen.
SENDS = re.compile(r"serve|--follow|\s-d\s|--data|<<|-X ")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wrapper(port):
    """`millrace` as it would be found in the PATH, asking the server of this guide unless told otherwise."""
    return f'#!/bin/sh\ncase "$1" in\n  sql|events) exec "{millrace}" "$@" --to http://127.0.0.1:{port} ;;\nesac\nexec "{millrace}" "$@"\n'


def blocks_of(text):
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S):
        wanted = [line[2:].strip() for line in block.splitlines() if line.startswith("#>")]
        yield "\n".join(line for line in block.splitlines() if not line.startswith("#>")), wanted


def run_guide(name, root):
    text = (guides / f"{name}.md").read_text()
    port = free_port()
    (root / "bin").mkdir()
    command = root / "bin" / "millrace"
    command.write_text(wrapper(port))
    command.chmod(0o755)
    work = root / "work"
    work.mkdir()
    environment = os.environ | {"PATH": f"{root / 'bin'}:{os.environ['PATH']}"}
    # One shell for the whole guide, as its reader has it; a line of its own ends each block's output.
    shell = subprocess.Popen(["bash"], cwd=work, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             start_new_session=True, text=True)

    def run(block):
        shell.stdin.write(block.replace("8080", str(port)) + '\necho "END-OF-BLOCK $?"\n')
        shell.stdin.flush()
        output = ""
        for line in shell.stdout:
            if "END-OF-BLOCK" in line:
                return output + line.split("END-OF-BLOCK")[0], int(line.rsplit(" ", 1)[1])
            output += line
        raise AssertionError(f"{name}: the shell ended\n{output}")

    steps = checks = 0
    try:
        for block, wanted in blocks_of(text):
            end = time.monotonic() + DEADLINE_S
            output, code = run(block)
            while not all(each in output for each in wanted) and not SENDS.search(block) and time.monotonic() < end:
                time.sleep(0.1)
                output, code = run(block)
            missing = [each for each in wanted if each not in output]
            assert code == 0 and not missing, f"{name}: code {code}, missing {missing}\n--- ran\n{block}\n--- said\n{output}"
            steps += 1
            checks += len(wanted)
        assert steps >= 3 and checks >= 3, f"{name}.md has no steps that could be tested"
    finally:
        end_group(shell)
    return steps, checks


# The shell and the server that it began, which commits before it goes: nothing writes into the guide's folder after this.
def end_group(shell):
    os.killpg(shell.pid, signal.SIGTERM)
    end = time.monotonic() + DEADLINE_S
    while True:
        shell.poll()
        try:
            os.killpg(shell.pid, 0 if time.monotonic() < end else signal.SIGKILL)
        except ProcessLookupError:
            return
        time.sleep(0.02)


chosen = sys.argv[2:] or NAMES
for name in chosen:
    root = pathlib.Path(tempfile.mkdtemp(prefix=f"millrace-guide-{name}-"))
    try:
        steps, checks = run_guide(name, root)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    print(f"guide {name}: {steps} blocks run, {checks} answers as it says")
