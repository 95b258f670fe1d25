"""Audit of CLadder's generated questions, by exact inference on the parameters of their models.

Each question names a model; the file of models beside the questions gives its graph and its conditional
probabilities in full precision. Both the record's number (``groundtruth``) and its yes/no are recomputed
from them: once by `caugym.core.exact`, once by brute force. Only where the two agree is anything disputed.

The labels come from loopy belief propagation, which takes the causes of a variable as independent where they
are not. `_independent` repeats that shortcut, so that a proof can name where a number is from.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from caugym.core.exact import had_it_been, nested, probability
from caugym.core.graph import DAG, bits, mask
from caugym.core.identify import why_invalid
from caugym.core.query import Query
from caugym.core.scm import SCM
from caugym.data.records import Record, records
from caugym.evaluate.audit.dispute import Dispute, Examined
from caugym.evaluate.audit.worlds import World, chance
from caugym.evaluate.benchmarks.cladder import identifier, models

SAME = 1e-6
SHOWN = 0.005  # the texts give whole percents; CLadder says No to smaller effects
SURE = 1e-9


def examined(path: Path) -> Iterator[Examined]:
    """What becomes of each question of a file, in order."""
    known: dict[Path, Mapping[int, Mapping[str, Any]]] = {}
    for record in records(path):
        beside = known.setdefault(record.file.parent, models(record.file.parent))
        yield examine(record, beside.get(record.fields["meta"].get("model_id"), {}))


def examine(record: Record, model: Mapping[str, Any]) -> Examined:
    """Recomputes the number and the yes/no of one question."""
    meta = record.fields["meta"]
    identity, task = identifier(record), str(meta.get("query_type"))
    if "params" not in model:
        return Examined(identity, task, undecided="the parameters of its model are not there")
    if any(meta.get(key) is False for key in ("treated", "result", "baseline")):
        return Examined(identity, task, undecided="a rare form of question")
    case = _Case(identity, task, meta, str(record.fields["answer"]).lower(), _Model.of(model))
    if task == "backadj":
        return case.adjustment()
    if task == "collider_bias":
        return case.collider()
    if task in _QUANTITIES:
        return case.quantity(*_QUANTITIES[task])
    return Examined(identity, task, undecided=f"queries of type {task} are not recomputed")


@dataclass(frozen=True)
class _Model:
    """A model of the file as an SCM."""

    names: tuple[str, ...]
    scm: SCM

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> "_Model":
        """From ``structure`` ("X->Y,...") and ``params`` (``p(Y | X, V2)``: chance of level 1)."""
        edges = [edge.split("->") for edge in fields["structure"].split(",")]
        names = tuple(sorted({name for edge in edges for name in edge}))
        number = {name: i for i, name in enumerate(names)}
        dag = DAG.from_edges(len(names), [(number[a], number[b]) for a, b in edges])
        tables: list[Any] = [None] * len(names)
        for head, values in fields["params"].items():
            child, *given = re.findall(r"\w+", head.removeprefix("p"))
            chances = np.asarray(values, dtype=float)
            chances = chances.reshape((2,) * len(given))
            chances = chances.transpose(np.argsort([number[name] for name in given])) if given else chances
            tables[number[child]] = np.stack([1 - chances, chances], -1)[None]
        return cls(names, SCM(dag, tuple(tables)))

    @cached_property
    def number(self) -> dict[str, int]:
        """The variable of each name."""
        return {name: i for i, name in enumerate(self.names)}

    def arrows(self) -> str:
        """The graph."""
        return ", ".join(f"{self.names[a]} -> {self.names[b]}" for a, b in self.scm.dag.edges())

    def formula(self) -> str:
        """The parameters, rounded for reading."""
        parts = []
        for v, table in enumerate(self.scm.tables):
            given = [self.names[p] for p in bits(self.scm.dag.parents[v])]
            values = json.dumps(np.round(table[0, ..., 1], 4).tolist())
            parts.append(f"P({self.names[v]}=1{' | ' if given else ''}{', '.join(given)}) = {values}")
        return "; ".join(parts)


@dataclass(frozen=True)
class _Case:
    """One question with its model.

    Attributes:
        id: The item.
        task: Type of query.
        meta: The record's formal part.
        answer: Its yes/no.
        model: Its model.
    """

    id: str
    task: str
    meta: Mapping[str, Any]
    answer: str
    model: _Model

    @property
    def x(self) -> int:
        """The treatment."""
        return self.model.number[self.meta["treatment"]]

    @property
    def y(self) -> int:
        """The outcome."""
        return self.model.number[self.meta["outcome"]]

    def quantity(self, exact: "_Quantity", brute: "_Quantity", definition: str) -> Examined:
        """A query whose record holds a number."""
        value, again = exact(self), brute(self)
        if abs(value - again) > SURE:
            return self.open("brute force does not confirm the value")
        label = float(self.meta["groundtruth"])
        lines = (
            f"graph: {self.model.arrows()}",
            f"parameters: {self.model.formula()}",
            f"asked: {definition}",
            f"exact: {value:.6f}, by brute force over all states: {again:.6f}",
        )
        disputes = []
        if abs(value - label) > SAME:
            disputes.append(self.number_dispute(value, label, lines))
        truth, certain = self.truth(value)
        if not certain and truth != self.answer:
            return Examined(self.id, self.task, tuple(disputes), "the effect is smaller than the text shows")
        if truth != self.answer:
            disputes.append(Dispute(self.id, "wrong answer", self.task, self.answer, truth, lines))
        return Examined(self.id, self.task, tuple(disputes))

    def number_dispute(self, value: float, label: float, lines: tuple[str, ...]) -> Dispute:
        """The dispute about the record's number, saying where it is from if that is known."""
        shortcut = _SHORTCUTS[self.task](self) if self.task in _SHORTCUTS else None
        proof = [*lines, f"record: {label:.6f}, off by {abs(label - value):.6f}"]
        loopy = shortcut is not None and abs(shortcut - label) < SAME
        if loopy:
            proof.append(
                f"with the causes of each variable taken as independent: {shortcut:.6f}, the record's"
            )
        kind = "loopy value" if loopy else "wrong value"
        return Dispute(self.id, kind, self.task, f"{label:.6f}", f"{value:.6f}", tuple(proof))

    def truth(self, value: float) -> tuple[str, bool]:
        """The yes/no of a value, and whether the text's whole percents can show it."""
        if self.task == "marginal":
            excess = 2 * value - 1
        elif self.task == "det-counterfactual":
            excess = value - 0.5
        else:
            excess = -value if self.task == "ett" else value
        if not self.meta.get("polarity", True):
            excess = -excess
        return ("yes" if excess > SURE else "no"), abs(excess) >= SHOWN

    def adjustment(self) -> Examined:
        """Is the first method more correct than the second?"""
        sets = [mask(self.model.number[name] for name in names) for names in self.meta["given_info"]]
        dag, query = self.model.scm.dag, Query("ATE", self.x, self.y, 1, 1)
        name = self.model.names.__getitem__
        why = [why_invalid(dag, query, adjust, name=name) for adjust in sets]
        if (why[0] is None) == (why[1] is None):
            return self.open("both methods are valid, or neither is")
        if any((reason is None) != self.unbiased(adjust) for reason, adjust in zip(why, sets, strict=True)):
            return self.open("brute force does not confirm the value")
        right = (why[0] is None) == bool(self.meta.get("polarity", True))
        truth = "yes" if right else "no"
        if truth == self.answer:
            return Examined(self.id, self.task)
        proof = tuple(
            f"method {i}: {'valid' if reason is None else reason}" for i, reason in enumerate(why, 1)
        )
        return Examined(
            self.id, self.task, (Dispute(self.id, "wrong answer", self.task, self.answer, truth, proof),)
        )

    def unbiased(self, adjust: int) -> bool:
        """Whether adjusting gives the effect of X on Y, by brute force on this model."""
        scm, x, y = self.model.scm, self.x, self.y
        chosen = list(bits(adjust))

        def seen(*event: tuple[int, int]) -> float:
            return chance(scm, (World(),), [(0, v, level) for v, level in event])

        adjusted = 0.0
        for levels in product((0, 1), repeat=len(chosen)):
            z = tuple(zip(chosen, levels, strict=True))
            below = [seen(*z, (x, a)) for a in (0, 1)]
            if min(below) == 0:
                return False
            ratio = [seen(*z, (x, a), (y, 1)) / below[a] for a in (0, 1)]
            adjusted += seen(*z) * (ratio[1] - ratio[0])
        return abs(adjusted - _do(self)) < SURE

    def collider(self) -> Examined:
        """Does X affect Y? The graph says; being chosen by a common effect changes nothing about that."""
        affects = bool(self.model.scm.dag.descendants(1 << self.x) >> self.y & 1)
        truth = "yes" if affects == bool(self.meta.get("polarity", True)) else "no"
        if truth == self.answer:
            return Examined(self.id, self.task)
        return self.open("the wording is not certain")

    def open(self, reason: str) -> Examined:
        """Nothing can be said, and why."""
        return Examined(self.id, self.task, undecided=reason)


_Quantity = Any  # Callable[[_Case], float]


def _do(case: _Case) -> float:
    """The effect of X on the chance of Y, by brute force."""
    high, low = (chance(case.model.scm, (World({case.x: a}),), [(0, case.y, 1)]) for a in (1, 0))
    return high - low


def _exact_do(case: _Case) -> float:
    scm, event = case.model.scm, ((case.y, 1),)
    return float((probability(scm, event, do=((case.x, 1),)) - probability(scm, event, do=((case.x, 0),)))[0])


def _treated(case: _Case) -> float:
    worlds, x, y = (World(), World({case.x: 0})), case.x, case.y
    treated = chance(case.model.scm, worlds, [(0, x, 1)])
    kept = chance(case.model.scm, worlds, [(0, x, 1), (0, y, 1)])
    changed = chance(case.model.scm, worlds, [(0, x, 1), (1, y, 1)])
    return (kept - changed) / treated


def _exact_treated(case: _Case) -> float:
    scm, event, treated = case.model.scm, ((case.y, 1),), ((case.x, 1),)
    return float((probability(scm, event, treated) - had_it_been(scm, event, ((case.x, 0),), treated))[0])


def _nested(case: _Case, direct: int, indirect: int) -> float:
    """``P(Y=1)`` where the arrow X -> Y carries one level and everything else sees the other."""
    scm, x, y = case.model.scm, case.x, case.y
    borrowed = {(p, y): 0 for p in bits(scm.dag.parents[y]) if p != x}
    return chance(scm, (World({x: indirect}), World({x: direct}, borrowed)), [(1, y, 1)])


def _exact_nested(case: _Case, direct: int, indirect: int) -> float:
    return float(nested(case.model.scm, case.x, (case.y, 1), direct, indirect)[0])


def _conditional(case: _Case, *given: tuple[int, int]) -> float:
    scm, worlds = case.model.scm, (World(),)
    event = [(0, v, level) for v, level in given]
    return chance(scm, worlds, [*event, (0, case.y, 1)]) / chance(scm, worlds, event)


def _exact_conditional(case: _Case, *given: tuple[int, int]) -> float:
    return float(probability(case.model.scm, ((case.y, 1),), tuple(sorted(given)))[0])


def _evidence(case: _Case) -> dict[int, int]:
    return {case.model.number[name]: int(level) for name, level in case.meta["given_info"].items()}


def _counterfactual(case: _Case) -> float:
    """``P(Y_{X=action} = 1 | evidence)`` in two worlds."""
    worlds, seen = (World(), World({case.x: int(case.meta["action"])})), _evidence(case)
    evidence = [(0, v, level) for v, level in seen.items()]
    below = chance(case.model.scm, worlds, evidence)
    return chance(case.model.scm, worlds, [*evidence, (1, case.y, 1)]) / below


def _exact_counterfactual(case: _Case) -> float:
    """The same from one world, where the evidence is about causes that X does not change."""
    dag, seen = case.model.scm.dag, _evidence(case)
    if mask(seen) & dag.descendants(1 << case.x):
        return float("nan")
    given, do = tuple(sorted(seen.items())), ((case.x, int(case.meta["action"])),)
    return float(probability(case.model.scm, ((case.y, 1),), given, do)[0])


def _collider(case: _Case) -> tuple[int, int]:
    return case.model.number[case.meta["collider"]], 1


_QUANTITIES: dict[str, tuple[_Quantity, _Quantity, str]] = {
    "ate": (_exact_do, _do, "P(Y=1 | do(X=1)) - P(Y=1 | do(X=0))"),
    "ett": (_exact_treated, _treated, "P(Y=1 | X=1) - P(Y_{X=0}=1 | X=1)"),
    "nde": (
        lambda case: _exact_nested(case, 1, 0) - _exact_nested(case, 0, 0),
        lambda case: _nested(case, 1, 0) - _nested(case, 0, 0),
        "P(Y_{X=1, M_{X=0}}=1) - P(Y_{X=0}=1)",
    ),
    "nie": (
        lambda case: _exact_nested(case, 0, 1) - _exact_nested(case, 0, 0),
        lambda case: _nested(case, 0, 1) - _nested(case, 0, 0),
        "P(Y_{X=0, M_{X=1}}=1) - P(Y_{X=0}=1)",
    ),
    "marginal": (_exact_conditional, _conditional, "P(Y=1)"),
    "correlation": (
        lambda case: _exact_conditional(case, (case.x, 1)) - _exact_conditional(case, (case.x, 0)),
        lambda case: _conditional(case, (case.x, 1)) - _conditional(case, (case.x, 0)),
        "P(Y=1 | X=1) - P(Y=1 | X=0)",
    ),
    "exp_away": (
        lambda case: (
            _exact_conditional(case, (case.x, 1), _collider(case)) - _exact_conditional(case, _collider(case))
        ),
        lambda case: _conditional(case, (case.x, 1), _collider(case)) - _conditional(case, _collider(case)),
        "P(Y=1 | X=1, V=1) - P(Y=1 | V=1), V the common effect",
    ),
    "det-counterfactual": (_exact_counterfactual, _counterfactual, "P(Y_{X=action}=1 | evidence)"),
}
"""By type of query: the value by `caugym.core.exact`, by brute force, and what it is."""


def _independent(case: _Case, do: Mapping[int, float]) -> dict[int, float]:
    """The chance of level 1 of each variable, if parents were independent; ``do`` sets chances."""
    scm, result = case.model.scm, dict(do)
    for v in scm.dag.order:
        if v in result:
            continue
        table = scm.tables[v][0, ..., 1]
        for p in bits(scm.dag.parents[v]):  # ascending, as the axes are
            table = np.tensordot([1 - result[p], result[p]], table, axes=(0, 0))
        result[v] = float(table)
    return result


def _independent_effect(case: _Case) -> float:
    return _independent(case, {case.x: 1})[case.y] - _independent(case, {case.x: 0})[case.y]


def _independent_nested(case: _Case, direct: int, indirect: int) -> float:
    between = [case.model.number[name] for name in case.meta["mediators"]]
    first = _independent(case, {case.x: indirect})
    return _independent(case, {case.x: direct, **{v: first[v] for v in between}})[case.y]


_SHORTCUTS: dict[str, _Quantity] = {
    "ate": _independent_effect,
    "ett": lambda case: _independent_effect(case) if not case.model.scm.dag.parents[case.x] else None,
    "nde": lambda case: _independent_nested(case, 1, 0) - _independent_nested(case, 0, 0),
    "nie": lambda case: _independent_nested(case, 0, 1) - _independent_nested(case, 0, 0),
    "marginal": lambda case: _independent(case, {})[case.y],
}
