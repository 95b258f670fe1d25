"""Certificates: a joint distribution that has every printed number, which proves the numbers possible.

The certificate of a problem is JSON: ``adjust`` and ``mediators``, the sets of the formula, and ``tables``,
for each variable its P(level 1 | parents) in units of 1e-12, parent levels counted in binary with the first
parent as the lowest bit. `faults` checks it from definitions alone: the oracle on this joint must give
every stated probability and the gold answer, by code that shares nothing with the formula.

Where the answer is that it cannot be known, ``witness`` holds two more models, table entries in full
precision, and their ``values``: both have every printed number, and their answers differ by 0.01 or more.
"""

import json
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from caugym.core.errors import InputError
from caugym.core.estimand import Sets
from caugym.core.exact import probability
from caugym.core.graph import bits
from caugym.core.scm import SCM, Array
from caugym.core.witness import Witness, verify
from caugym.estimands import TABLE
from caugym.problems.problem import Answer, Problem

_written = json.JSONEncoder(separators=(",", ":")).encode

UNIT = 10**12
CLOSE = 1e-9  # tables are stored to 1e-12, and a printed number conditions on events of at least 0.02


def certificate(sets: Sets, tables: Sequence[Sequence[float]], witness: Witness | None = None) -> str:
    """The certificate as JSON."""
    content: dict[str, object] = {
        "adjust": list(bits(sets.adjust)),
        "mediators": list(bits(sets.mediators)),
        "tables": [[round(p * UNIT) for p in table] for table in tables],
    }
    if witness:
        pair = [[_entries(table) for table in scm.tables] for scm in (witness.first, witness.second)]
        content["witness"] = {"tables": pair, "values": list(witness.values)}
    return _written(content)


def _entries(table: Array) -> list[float]:
    """P(level 1 | parents) of one variable, the first parent's level the lowest bit."""
    on = table[0, ..., 1]
    entries: list[float] = on.transpose(range(on.ndim - 1, -1, -1)).ravel().tolist()
    return entries


def model(problem: Problem, text: str) -> SCM:
    """The structural model that a certificate holds, over the problem's own variables.

    Raises:
        InputError: If the text is no certificate for this graph.
    """
    return _model(problem, lambda: json.loads(text)["tables"], UNIT)


def witness(problem: Problem, text: str) -> Witness:
    """The two models of a certificate that show that a problem cannot be answered.

    Raises:
        InputError: If the text holds no such models for this graph.
    """
    first = _model(problem, lambda: json.loads(text)["witness"]["tables"][0], 1)
    second = _model(problem, lambda: json.loads(text)["witness"]["tables"][1], 1)
    try:
        one, other = (float(value) for value in json.loads(text)["witness"]["values"])
    except (ValueError, TypeError, KeyError) as error:
        raise _misfit(error) from None
    return Witness(first, second, (one, other))


def _model(problem: Problem, tables: Callable[[], Sequence[Sequence[float]]], unit: int) -> SCM:
    try:
        laws, entries = [], tables()
        for v, parents in enumerate(problem.dag.parents):
            k = parents.bit_count()
            on = np.array(entries[v], dtype=float).reshape((1, *(2,) * k)) / unit
            on = on.transpose(0, *range(k, 0, -1))
            laws.append(np.stack([1 - on, on], axis=-1))
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise _misfit(error) from None
    return SCM(problem.dag, tuple(laws))


def _misfit(error: Exception) -> InputError:
    return InputError(f"the certificate does not fit the problem ({error}); make the item again")


def faults(problem: Problem, gold: Answer, text: str) -> list[str]:
    """What is wrong with a certificate; empty if it proves the problem.

    Checks that the joint obeys the graph (by its form), is strictly positive, has every printed number,
    that no printed number conditions on an event rarer than 0.02, and that the estimand, computed from its
    definition, is the gold value; or that two models show that there is no one value.
    """
    try:
        scm = model(problem, text)
    except InputError as error:
        return [str(error)]
    found = []
    if not all(0 < p < 1 for table in scm.tables for p in table.ravel()):
        found.append("the joint gives some level the probability 0 or 1")
    for statement in problem.statements:
        term = statement.term
        p = float(probability(scm, term.event, term.given)[0])
        if not abs(p - float(statement.value)) <= CLOSE:
            found.append(f"the joint has {p:.6f} where {statement.value} is printed for {term}")
        if float(probability(scm, term.given or term.event)[0]) < 0.02 - CLOSE:
            found.append(f"{term} divides by an event rarer than 0.02")
    if gold.status == "identified" and gold.value is not None:
        value = float(TABLE[problem.query.task].definition(scm, problem.query)[0])
        if not abs(value - float(gold.value)) <= 0.00005 + CLOSE:
            found.append(f"by definition the value is {value:.6f}, but the gold is {gold.value}")
    else:
        stated = [(statement.term, float(statement.value)) for statement in problem.statements]
        definition = TABLE[problem.query.task].definition
        try:
            found += verify(witness(problem, text), problem.dag, stated, problem.query, definition)
        except InputError as error:
            found.append(str(error))
    return found


def told_tables(
    problem: Problem, slots: Sequence[int], flips: Sequence[int], tables: Mapping[int, Sequence[float]]
) -> list[list[float]]:
    """Tables over slots (`caugym.problems.joint`) as tables over the problem's variables and levels.

    Args:
        problem: The problem as told.
        slots: For each variable its slot.
        flips: For each variable, 1 if its levels are named the other way round.
        tables: For each slot that matters, P(1 | state of the earlier slots that matter). The others are
            effects of what matters and may have any table; they get 1/2.
    """
    result = []
    position = {slot: i for i, slot in enumerate(tables)}
    for v, parents in enumerate(problem.dag.parents):
        table = tables.get(slots[v])
        if table is None:
            result.append([0.5] * (1 << parents.bit_count()))
            continue
        states = [0]
        for p in bits(parents):
            bit = 1 << position[slots[p]]
            low, high = (bit, 0) if flips[p] else (0, bit)
            states = [s | low for s in states] + [s | high for s in states]
        result.append([1 - table[s] if flips[v] else table[s] for s in states])
    return result


def translated(text: str, before: Problem, after: Problem, sets: Sets) -> str:
    """The certificate of a problem for the same problem told in another order.

    Args:
        text: The certificate.
        before: The problem it belongs to.
        after: The problem as told now: the same names, variables and levels in any order.
        sets: The sets of the formula, in the numbers of ``after``.
    """
    content = json.loads(text)
    numbers = {variable.name: number for number, variable in enumerate(before.variables)}
    slots = [numbers[variable.name] for variable in after.variables]
    pairs = zip(after.variables, slots, strict=True)
    flips = [variable.levels[0] != before.variables[slot].levels[0] for variable, slot in pairs]

    def moved(tables: Sequence[Sequence[float]], unit: float) -> list[list[float]]:
        result = []
        for v, parents in enumerate(after.dag.parents):
            place = {p: i for i, p in enumerate(bits(before.dag.parents[slots[v]]))}
            around = list(bits(parents))
            entries = []
            for state in range(1 << len(around)):
                levels = ((state >> k & 1) ^ flips[p] for k, p in enumerate(around))
                old = sum(level << place[slots[p]] for level, p in zip(levels, around, strict=True))
                p_on = tables[slots[v]][old]
                entries.append(unit - p_on if flips[v] else p_on)
            result.append(entries)
        return result

    content |= {"adjust": list(bits(sets.adjust)), "mediators": list(bits(sets.mediators))}
    content["tables"] = moved(content["tables"], UNIT)
    if "witness" in content:
        content["witness"]["tables"] = [moved(each, 1.0) for each in content["witness"]["tables"]]
    return _written(content)
