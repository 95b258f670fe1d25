"""Worker processes, begun by a real process that is then killed, interrupted, or fails."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = """
import os, sys, time
from pathlib import Path
from caugym.core.pool import Pool

def work(out):
    Path(out, str(os.getpid())).touch()
    time.sleep(60)

if __name__ == "__main__":
    with Pool(2) as pool:
        for _ in range(4):
            pool.submit(work, sys.argv[1])
        while len(os.listdir(sys.argv[1])) < 2:
            time.sleep(0.01)
        print("working", flush=True)
        if len(sys.argv) > 2:
            raise ValueError("a failure")
        time.sleep(60)
"""


def alive(process: int) -> bool:
    """Whether a process runs; one that has ended but is not yet collected does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks /proc what runs")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, None])
def test_no_worker_outlives_its_parent(tmp_path: Path, how: signal.Signals | None) -> None:
    script, out = tmp_path / "script.py", tmp_path / "out"
    script.write_text(SCRIPT)
    out.mkdir()
    command = [sys.executable, str(script), str(out), *(() if how else ("fail",))]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline() == "working\n"
        workers = [int(path.name) for path in out.iterdir()]
        assert len(workers) == 2
        if how is signal.SIGINT:
            os.killpg(process.pid, how)  # as a terminal does: to the whole group
        elif how:
            process.send_signal(how)
        errors = process.stderr.read()
        assert process.wait() != 0
    end = time.monotonic() + 30
    while any(map(alive, workers)) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(map(alive, workers))
    assert errors.count("Traceback") == (how in (signal.SIGINT, None))  # the parent's own
