"""What holds for every test: no network, one thread a worker, Ctrl-C works, no time limit on an example."""

import os
import signal

import pytest
from hypothesis import settings

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("OMP_NUM_THREADS", "1")  # pytest-xdist already uses every core

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's `&`; it would be inherited
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("caugym", settings.default, deadline=None)
settings.load_profile("caugym")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow tests first: one that starts last keeps one core busy while the others wait."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
