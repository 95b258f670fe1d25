"""What holds for every test: no network, one thread a worker, no time limit on a property's example."""

import os

from hypothesis import settings

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("OMP_NUM_THREADS", "1")  # pytest-xdist already uses every core

settings.register_profile("caugym", settings.default, deadline=None)
settings.load_profile("caugym")
