"""Supervised fine-tuning through TRL: the loss is on the solution alone."""

from pathlib import Path
from typing import Any

from trl import SFTConfig, SFTTrainer

from caugym.train import optimizer, order, settings
from caugym.train.head import use_plain_head
from caugym.train.recipe import Recipe


class OrderedSFT(order.Ordered, SFTTrainer):  # type: ignore[misc, unused-ignore]
    """SFT on rows in an order that survives a resumption."""


def trainer(model: Any, tokenizer: Any, data: Any, recipe: Recipe, out: Path) -> SFTTrainer:
    """The TRL trainer of a recipe on prepared rows; see `caugym.train.prepare.supervised`."""
    fields = {"max_length": None, "train_sampling_strategy": "group_by_length"}
    fields |= settings.arguments(recipe, len(data), out)
    made = OrderedSFT(
        model=model,
        args=settings.configuration(SFTConfig, fields),
        train_dataset=data,
        processing_class=tokenizer,
        optimizers=(optimizer.make(model, recipe), None),
    )
    if settings.device() == "cpu":
        use_plain_head(made.model)
    return made
