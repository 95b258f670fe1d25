"""Replies to the same prompt as branches of one row: the prompt is computed once for all of them.

A row holds the prompt without its last token, then for each reply that token and the reply. Positions go on
from the prompt in every branch, and a branch sees the prompt and itself, so every token gets the same
log-probability as in a row of its own. A group of 8 replies takes half of the tokens, or fewer.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from caugym.train import settings

STEM, PAD = 0, -1
"""What a token belongs to where it is of no reply: the prompt, or nothing. Replies are counted from 1."""


@dataclass(frozen=True, slots=True)
class Branches:
    """Rows of a rollout, joined by prompt.

    Attributes:
        ids: Tokens (prompts, longest), padded on the right.
        positions: Of each token in its own row.
        owners: The branch of each token, `STEM` or `PAD`.
        labels: The tokens of replies; -100 elsewhere.
        rows, columns: Of each token of a reply: its row and column among the replies as they were given.
        groups, places: Where each of these tokens stands in ``ids``.
        shape: Of the replies as they were given.
    """

    ids: Tensor
    positions: Tensor
    owners: Tensor
    labels: Tensor
    rows: Tensor
    columns: Tensor
    groups: Tensor
    places: Tensor
    shape: tuple[int, int]

    def mask(self) -> Tensor:
        """What is added to the scores of attention: 0 where a token sees another, else the least number."""
        length = self.ids.size(1)
        before = torch.ones(length, length, dtype=torch.bool, device=self.ids.device).tril()
        seen = before & (
            (self.owners == STEM)[:, None, :] | (self.owners[:, :, None] == self.owners[:, None, :])
        )
        return torch.where(seen, 0.0, torch.finfo(torch.float32).min)[:, None]

    def back(self, found: Tensor) -> Tensor:
        """What the model found for each token from the second on, as (rows, columns) of the replies."""
        result = found.new_zeros(self.shape)
        return result.index_put((self.rows, self.columns), found[self.groups, self.places - 1])


def branches(ids: Tensor, seen: Tensor, reply: int) -> Branches:
    """Join the rows that begin alike.

    Args:
        ids: Prompts, padded on the left, and replies, padded on the right (rows, tokens).
        seen: 1 on tokens, 0 on pads.
        reply: Columns of replies, on the right.
    """
    shape, device = (len(ids), reply), ids.device
    groups: dict[tuple[int, ...], list[tuple[int, list[int]]]] = {}
    for row, (text, real) in enumerate(zip(ids.cpu(), seen.bool().cpu(), strict=True)):
        prompt = tuple(text[:-reply][real[:-reply]].tolist())
        groups.setdefault(prompt, []).append((row, text[-reply:][real[-reply:]].tolist()))
    length = (
        max(len(prompt) + sum(1 + len(told) for _, told in group) for prompt, group in groups.items()) - 1
    )
    size = len(groups), -(-length // settings.MULTIPLE) * settings.MULTIPLE
    tokens, positions = (torch.zeros(size, dtype=torch.long) for _ in range(2))
    owners, labels = torch.full(size, PAD), torch.full(size, -100)
    places: list[tuple[int, int, int, int]] = []
    for number, (prompt, group) in enumerate(groups.items()):
        at = start = len(prompt) - 1
        tokens[number, :start] = torch.tensor(prompt[:-1], dtype=torch.long)
        positions[number, :start] = torch.arange(start)
        owners[number, :start] = STEM
        for branch, (row, told) in enumerate(group, 1):
            end = at + 1 + len(told)
            tokens[number, at:end] = torch.tensor([prompt[-1], *told])
            positions[number, at:end] = torch.arange(start, start + 1 + len(told))
            owners[number, at:end] = branch
            labels[number, at + 1 : end] = tokens[number, at + 1 : end]
            places += [(row, column, number, at + 1 + column) for column in range(len(told))]
            at = end
    indices = torch.tensor(places, dtype=torch.long).reshape(-1, 4).T
    rows, columns, numbers, at_each = indices.to(device)
    tokens, positions, owners, labels = (each.to(device) for each in (tokens, positions, owners, labels))
    return Branches(tokens, positions, owners, labels, rows, columns, numbers, at_each, shape)
