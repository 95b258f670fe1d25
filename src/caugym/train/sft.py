"""Supervised fine-tuning through TRL: the loss is on the solution alone."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trl import SFTConfig, SFTTrainer

from caugym.core.errors import InputError
from caugym.train import settings
from caugym.train.optimizer import make
from caugym.train.recipe import Recipe


def prepare(rows: Sequence[Mapping[str, Any]], tokenizer: Any, context: int) -> list[dict[str, Any]]:
    """Token ids and labels of rows with a ``prompt`` and a ``completion`` (lists of messages).

    Raises:
        InputError: If a row lacks a part, or no row fits the context.
    """
    prompts, endings = [], []
    for number, row in enumerate(rows):
        if "prompt" not in row or "completion" not in row:
            raise InputError(f"row {number} has no prompt and completion; make rows with: caugym data sft")
        opened = tokenizer.apply_chat_template(row["prompt"], add_generation_prompt=True, tokenize=False)
        whole = tokenizer.apply_chat_template([*row["prompt"], *row["completion"]], tokenize=False)
        if not whole.startswith(opened):
            raise InputError("the chat template of this model rewrites the prompt once a reply follows it")
        prompts.append(opened)
        endings.append(whole[len(opened) :].rstrip("\n"))
    heads = tokenizer(prompts, add_special_tokens=False)["input_ids"]
    tails = tokenizer(endings, add_special_tokens=False)["input_ids"]
    prepared = [
        {"input_ids": head + tail, "labels": [-100] * len(head) + tail, "length": len(head) + len(tail)}
        for head, tail in zip(heads, tails, strict=True)
        if len(head) + len(tail) <= context
    ]
    if not prepared:
        raise InputError(f"no row fits the model's context of {context} tokens")
    return prepared


def trainer(model: Any, tokenizer: Any, data: Any, recipe: Recipe, out: Path) -> SFTTrainer:
    """The TRL trainer of a recipe on prepared rows."""
    fields = {
        "max_length": None,
        "train_sampling_strategy": "group_by_length",
        "remove_unused_columns": True,
    } | settings.arguments(recipe, len(data), out)
    optimizer = make(model, recipe.matrix_rate, recipe.learning_rate) if recipe.matrix_rate else None
    return SFTTrainer(
        model=model,
        args=settings.configuration(SFTConfig, fields),
        train_dataset=data,
        processing_class=tokenizer,
        optimizers=(optimizer, None),
    )
