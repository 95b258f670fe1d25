"""Kahneman-Tversky optimisation through TRL: single replies, right or wrong.

Rows are taken in their order, which pairs each with its neighbour; `caugym.data.rows` has shuffled them.
Source: Ethayarajh et al., arXiv 2402.01306.
"""

from pathlib import Path
from typing import Any

from trl import KTOConfig, KTOTrainer

from caugym.core.errors import InputError
from caugym.train import preference, settings
from caugym.train.recipe import Recipe


class PreparedKTO(preference.Prepared, KTOTrainer):  # type: ignore[misc, unused-ignore]
    """KTO on prepared rows."""


def trainer(model: Any, tokenizer: Any, data: Any, recipe: Recipe, out: Path) -> KTOTrainer:
    """The TRL trainer of a recipe on prepared rows; see `caugym.train.prepare.rated`.

    Raises:
        InputError: If a pass holds a single row, which has no neighbour to be compared with.
    """
    if settings.micro(recipe) < 2:
        raise InputError("kto needs passes of at least 2 rows; raise micro, or batch, or lower processes")
    return preference.make(PreparedKTO, KTOConfig, {}, model, tokenizer, data, recipe, out)
