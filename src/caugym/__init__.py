"""CauGym: causal-estimation problems with proved answers, post-training on them, honest measurement."""

__version__ = "0.1.0"
