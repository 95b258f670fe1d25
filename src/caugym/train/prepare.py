"""Training rows as the trainers take them: tokenised once, before any worker starts."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from caugym.backends.local import tokenise
from caugym.core.errors import InputError
from caugym.core.streams import stream
from caugym.data.rows import Kind

Rows = Sequence[Mapping[str, Any]]

ONLINE = ("prompt", "id", "task", "gold", "tolerance")
"""Columns of a row whose reply is drawn and rewarded during training."""


def prepare(
    kind: Kind, rows: Rows, tokenizer: Any, context: int, *, chunk: int, seed: int
) -> list[dict[str, Any]]:
    """Rows of a kind as its methods take them.

    Args:
        kind: Of the rows.
        rows: As `caugym.data.rows.training_rows` gives them; those longer than ``context`` are left out.
        tokenizer: Of the model.
        context: Most tokens of a row (``"rl"``: of a prompt).
        chunk: Rows a forward pass; KTO compares each with its neighbour in the pass.
        seed: Of the order of KTO's rows; other methods draw theirs while they train.

    Raises:
        InputError: If a row lacks a column, or no row fits.
    """
    if kind == "rl":
        return online(rows, tokenizer, context)
    if kind == "sft":
        return supervised(rows, tokenizer, context)
    if kind == "dpo":
        return paired(rows, tokenizer, context)
    return rated(rows, tokenizer, context, chunk, seed)


def supervised(rows: Rows, tokenizer: Any, context: int) -> list[dict[str, Any]]:
    """Token ids and labels of rows with a ``prompt`` and a ``completion`` (lists of messages).

    Labels of the prompt are -100: the loss is on the completion alone.
    """
    return _fitting(
        [
            {"input_ids": head + tail, "labels": [-100] * len(head) + tail, "length": len(head) + len(tail)}
            for head, tail in _tokens(rows, tokenizer, ("completion",), "sft")
            if len(head) + len(tail) <= context
        ],
        context,
    )


def paired(rows: Rows, tokenizer: Any, context: int) -> list[dict[str, Any]]:
    """Token ids of rows with a ``prompt``, a ``chosen`` and a ``rejected`` reply."""
    return _fitting(
        [
            {
                "prompt_ids": head,
                "chosen_ids": chosen,
                "rejected_ids": rejected,
                "length": 2 * len(head) + len(chosen) + len(rejected),
            }
            for head, chosen, rejected in _tokens(rows, tokenizer, ("chosen", "rejected"), "dpo")
            if len(head) + max(len(chosen), len(rejected)) <= context
        ],
        context,
    )


def rated(rows: Rows, tokenizer: Any, context: int, chunk: int, seed: int) -> list[dict[str, Any]]:
    """Token ids of rows with a ``prompt``, a ``completion`` and its ``label``.

    KTO never shuffles, so it is done here: two rows at a time, since right and wrong ones take turns.
    ``KL_completion_ids`` is the completion of the row before, within each pass of ``chunk`` rows: KTO
    estimates the divergence from the starting model on such mismatched pairs.
    """
    labels = []
    for number, row in enumerate(rows):
        _demand(row, number, ("label",), "kto")
        labels.append(bool(row["label"]))
    tokens = _tokens(rows, tokenizer, ("completion",), "kto")
    prepared: list[dict[str, Any]] = [
        {"prompt_ids": head, "completion_ids": tail, "label": label, "length": len(head) + len(tail)}
        for label, (head, tail) in zip(labels, tokens, strict=True)
        if len(head) + len(tail) <= context
    ]
    pairs = [prepared[start : start + 2] for start in range(0, len(prepared), 2)]
    stream("order", seed).shuffle(pairs)
    prepared = list(chain.from_iterable(pairs))
    for start in range(0, len(prepared), chunk):
        passed = prepared[start : start + chunk]
        for row, before in zip(passed, [passed[-1], *passed[:-1]], strict=True):
            row["KL_completion_ids"] = before["completion_ids"]
    return _fitting(prepared, context)


def online(rows: Rows, tokenizer: Any, context: int) -> list[dict[str, Any]]:
    """Rows with the columns that the reward needs."""
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


def _tokens(
    rows: Rows, tokenizer: Any, replies: Sequence[str], kind: Kind
) -> Iterator[tuple[list[int], ...]]:
    """Token ids of the prompt, and of each of the named replies up to its end token, row by row."""
    prompts: list[str] = []
    endings: list[list[str]] = [[] for _ in replies]
    for number, row in enumerate(rows):
        _demand(row, number, ("prompt", *replies), kind)
        opened = tokenizer.apply_chat_template(row["prompt"], add_generation_prompt=True, tokenize=False)
        prompts.append(opened)
        for reply, texts in zip(replies, endings, strict=True):
            whole = tokenizer.apply_chat_template([*row["prompt"], *row[reply]], tokenize=False)
            if not whole.startswith(opened):
                raise InputError("the chat template of this model rewrites the prompt once a reply follows")
            texts.append(whole[len(opened) :].rstrip("\n"))
    columns = [tokenizer(texts, add_special_tokens=False)["input_ids"] for texts in (prompts, *endings)]
    return zip(*columns, strict=True)


def _fitting(prepared: list[dict[str, Any]], context: int) -> list[dict[str, Any]]:
    """The rows, of which there must be some."""
    if not prepared:
        raise InputError(f"no row fits the model's context of {context} tokens")
    return prepared


def _demand(row: Mapping[str, Any], number: int, columns: Sequence[str], kind: str) -> None:
    """Refuse a row that lacks a column."""
    for name in columns:
        if name not in row:
            raise InputError(f"training row {number} has no {name}; make rows with: caugym data {kind}")
