"""Direct preference optimisation through TRL: the right solution over a typed mistake.

Source: Rafailov et al., arXiv 2305.18290.
"""

from pathlib import Path
from typing import Any

from trl import DPOConfig, DPOTrainer

from caugym.train import order, preference
from caugym.train.recipe import Recipe


class PreparedDPO(preference.Prepared, order.Ordered, DPOTrainer):  # type: ignore[misc, unused-ignore]
    """DPO on prepared pairs, in an order that survives a resumption."""


def trainer(model: Any, tokenizer: Any, data: Any, recipe: Recipe, out: Path) -> DPOTrainer:
    """The TRL trainer of a recipe on prepared rows; see `caugym.train.prepare.paired`."""
    fields = {"train_sampling_strategy": "group_by_length"}
    return preference.make(PreparedDPO, DPOConfig, fields, model, tokenizer, data, recipe, out)
