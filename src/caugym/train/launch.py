"""Data-parallel workers on one machine's CPU.

A small model leaves most of a thread pool waiting; as many single-threaded processes as there are cores,
which exchange gradients over loopback, train it about twice as fast.
"""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from caugym.core.errors import InputError
from caugym.train.settings import cores


def launch(out: Path, processes: int) -> None:
    """Run a prepared directory with this many workers, and wait for the end.

    Raises:
        InputError: If the workers stopped on a fault of the input.
        RuntimeError: If one crashed.
    """
    error = out / "error.txt"
    error.unlink(missing_ok=True)
    port = free_port()
    common = os.environ | {
        "WORLD_SIZE": str(processes),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "OMP_NUM_THREADS": str(max(1, cores() // processes)),
    }
    workers = [
        subprocess.Popen(  # noqa: S603 (our own module, in our own interpreter)
            [sys.executable, "-m", "caugym.train.worker", str(out)],
            env=common | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdin=subprocess.PIPE,
        )
        for rank in range(processes)
    ]
    try:
        while any(worker.poll() is None for worker in workers):
            if any(worker.poll() for worker in workers):
                break
            time.sleep(0.1)
        else:
            if not any(worker.returncode for worker in workers):
                return
        _wait_for(error)
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
            if worker.stdin is not None:
                worker.stdin.close()
    if error.exists():
        raise InputError(error.read_text(encoding="utf-8"))
    codes = [worker.returncode for worker in workers]
    raise RuntimeError(f"training workers ended with {codes}; their messages stand above")


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait_for(error: Path, seconds: float = 3.0) -> None:
    """Give the first worker a moment to say why, when another one ended before it."""
    end = time.monotonic() + seconds
    while not error.exists() and time.monotonic() < end:
        time.sleep(0.1)
