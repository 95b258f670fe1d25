"""The order of rows: passes of rows of about one length, determined by the seed and the epoch alone.

A resumed run must see what the uninterrupted one would have seen. TRL's own grouping draws from the global
generator, whose state in the second epoch depends on when the process was started.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from torch.utils.data import Sampler

from caugym.core.streams import stream

POOL = 50
"""Passes that are sorted together: more waste less padding, fewer mix the rows better."""


class ByLength(Sampler[int]):
    """Shuffled rows, sorted by length within pools, cut into passes that are shuffled again.

    Args:
        lengths: Of every row.
        rows: Rows a pass, over all processes.
        seed: Of the order.
    """

    def __init__(self, lengths: Sequence[int], rows: int, seed: int) -> None:
        self.lengths, self.rows, self.seed, self.epoch = list(lengths), rows, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Another order for another epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        random = stream("order", self.seed, self.epoch)
        shuffled = list(range(len(self.lengths)))
        random.shuffle(shuffled)
        size = POOL * self.rows
        pools = [shuffled[start : start + size] for start in range(0, len(shuffled), size)]
        ordered = [row for pool in pools for row in sorted(pool, key=self.lengths.__getitem__)]
        passes = [ordered[start : start + self.rows] for start in range(0, len(ordered), self.rows)]
        short = passes.pop() if len(passes[-1]) < self.rows else []
        random.shuffle(passes)
        return iter([row for each in [*passes, short] for row in each])


class Ordered:
    """Mixed into a TRL trainer whose rows have a ``length``: what `group_by_length` means is `ByLength`."""

    def _get_train_sampler(self, *given: Any) -> Any:
        this: Any = self
        args = this.args
        if args.train_sampling_strategy != "group_by_length":
            return super()._get_train_sampler(*given)  # type: ignore[misc]
        rows = args.per_device_train_batch_size * args.world_size
        return ByLength(this.train_dataset["length"], rows, args.data_seed)
