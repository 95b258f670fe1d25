"""What DPO and KTO share: tokenised rows, and a reference that is asked once, before the training."""

from pathlib import Path
from typing import Any

from caugym.train import optimizer, settings
from caugym.train.head import use_plain_head
from caugym.train.recipe import Recipe


class Prepared:
    """Mixed into a TRL trainer: takes rows of `caugym.train.prepare` as they are.

    The log-probabilities of the starting model, the reference, are computed for all rows at the start
    (``trl.precompute_ref_log_probs``): half the work of a step, and no second model in memory.
    """

    def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
        """TRL would tokenise here."""
        return dataset

    def _precompute_ref_logps(self, dataset: Any, *rest: Any) -> Any:
        """The reference and the training read their log-probabilities from the same head."""
        self.use_fast_heads()
        return super()._precompute_ref_logps(dataset, *rest)  # type: ignore[misc]

    def use_fast_heads(self) -> None:
        """On a CPU, give the model and the reference, if it is kept, the plain head."""
        this: Any = self
        also = ["mean_logits"] + ["log_sum_sq_probs"] * bool(getattr(this.args, "use_weighting", False))
        if settings.device() == "cpu":
            for model in filter(None, (this.model, this.ref_model)):
                use_plain_head(model, also=also)


def make(
    kind: type[Any],
    configuration: type[Any],
    fields: dict[str, Any],
    model: Any,
    tokenizer: Any,
    data: Any,
    recipe: Recipe,
    out: Path,
) -> Any:
    """A trainer of this kind; ``fields`` of its configuration give way to the recipe's own.

    Raises:
        InputError: If the recipe cannot be used.
    """
    fields = {"max_length": None, "remove_unused_columns": False} | fields
    args = settings.configuration(configuration, fields | settings.arguments(recipe, len(data), out))
    made = kind(
        model=model,
        args=args,
        train_dataset=data,
        processing_class=tokenizer,
        optimizers=(optimizer.make(model, recipe), None),
    )
    if not args.precompute_ref_log_probs:
        made.use_fast_heads()
    return made
