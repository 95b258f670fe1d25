"""Training rows as the trainers take them: tokenised once, before any worker starts."""

from collections.abc import Mapping, Sequence
from typing import Any

from caugym.backends.local import tokenise
from caugym.core.errors import InputError

Rows = Sequence[Mapping[str, Any]]

ONLINE = ("prompt", "id", "task", "gold", "tolerance")
"""Columns of a row whose reply is drawn and rewarded during training."""


def supervised(rows: Rows, tokenizer: Any, context: int) -> list[dict[str, Any]]:
    """Token ids and labels of rows with a ``prompt`` and a ``completion`` (lists of messages).

    Labels of the prompt are -100: the loss is on the completion alone. Rows longer than ``context`` are left
    out.

    Raises:
        InputError: If a row lacks a part, or no row fits.
    """
    prompts, endings = [], []
    for number, row in enumerate(rows):
        _demand(row, number, ("prompt", "completion"), "sft")
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


def online(rows: Rows, tokenizer: Any, context: int) -> list[dict[str, Any]]:
    """Rows with the columns that the reward needs; prompts longer than ``context`` are left out.

    Raises:
        InputError: If a row lacks a column, or no row fits.
    """
    for number, row in enumerate(rows):
        _demand(row, number, ONLINE, "rl")
    prepared = [
        {name: row[name] for name in ONLINE} | {"length": length}
        for row in rows
        if (length := len(tokenise(tokenizer, row["prompt"]))) <= context
    ]
    if not prepared:
        raise InputError("no prompt leaves room for a reply of rollout.max_tokens in the model's context")
    return prepared


def _demand(row: Mapping[str, Any], number: int, columns: Sequence[str], kind: str) -> None:
    """Refuse a row that lacks a column."""
    for name in columns:
        if name not in row:
            raise InputError(f"training row {number} has no {name}; make rows with: caugym data {kind}")
