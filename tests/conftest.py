"""What holds for every test: no network, one thread a worker, Ctrl-C works, no time limit on an example."""

import os
import signal

from hypothesis import settings

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("OMP_NUM_THREADS", "1")  # pytest-xdist already uses every core

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's `&`; it would be inherited
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("caugym", settings.default, deadline=None)
settings.load_profile("caugym")
