"""What stated probabilities imply: from terms with numbers to the term that a formula wants.

A `Knowledge` holds the statements of one problem and derives further terms from them by the laws of
probability and the independences of the graph. Search goes backwards from the wanted term: each law that
could yield it names the terms it needs, and so on, breadth first, until stated numbers carry one chain up.
So short derivations are found before long ones, and the order of the statements plays no part.

Every step is one of the `RULES`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from caugym.core.errors import InputError
from caugym.core.graph import DAG, bits
from caugym.core.query import Term
from caugym.problems.keys import Keys, term_text
from caugym.problems.rules import CELLS, RULES, Key, instances, other_cells

__all__ = [
    "RULES",
    "SLACK",
    "Derivation",
    "Key",
    "Knowledge",
    "Number",
    "Supposition",
    "derive",
    "term_text",
]

Number = str | Fraction
"""A stated value: a decimal as printed, a fraction as printed ("43/100"), or an exact fraction."""

LONGEST = 100  # characters of a stated number

PLAIN = ("stated", "independent", *CELLS.values())  # rules whose result is as sound as the statements

SLACK = 0.02  # how far outside [0, 1] finite-sample numbers may push a derived probability


@dataclass(frozen=True)
class Derivation:
    """How one probability follows from the statements.

    Attributes:
        term: What is derived.
        rule: Name of the last step, a key of `RULES`.
        parts: What that step uses, in the order of the rule's pattern; empty where the term is stated.
        value: The exact value.
    """

    term: Term
    rule: str
    parts: tuple["Derivation", ...]
    value: Fraction

    def steps(self) -> Iterator["Derivation"]:
        """All derivations this one rests on, itself last, none twice, stated ones left out."""
        seen: set[Term] = set()

        def visit(step: Derivation) -> Iterator[Derivation]:
            if step.parts and step.term not in seen:
                seen.add(step.term)
                for part in step.parts:
                    yield from visit(part)
                yield step

        return visit(self)


class Knowledge:
    """The stated probabilities of a problem and all that has been derived from them.

    Args:
        dag: The causal graph.
        terms: What is stated, over binary variables.
        values: The stated numbers, one a term.

    Attributes:
        mentioned: The variables that occur in statements.
        contradiction: An equation between statements that gives no probability, if one was met; else None.

    Raises:
        InputError: If a number is no probability, a term makes no sense, or two statements contradict
            each other outright.
    """

    def __init__(self, dag: DAG, terms: Sequence[Term], values: Sequence[Number]) -> None:
        self.keys = Keys(dag)
        self.mentioned = 0
        self._stated: dict[Key, Number] = {}
        self._floats: dict[Key, float] = {}
        self._exact: dict[Key, Fraction] = {}
        self._how: dict[Key, tuple[str, tuple[Key, ...]]] = {}
        self._needs: dict[Key, list[tuple[Key, str, tuple[Key, ...]]]] = {}
        self._parts: dict[tuple[Key, bool], tuple[Key, ...]] = {}
        self._closed: set[Key] = set()
        self._folded = False
        self._shapes: set[tuple[int, int]] = set()
        self.contradiction: str | None = None
        for term, value in zip(terms, values, strict=True):
            self._state(self.keys.of(term), term, value)

    # -- what is stated ---------------------------------------------------------------------------

    def _state(self, key: Key, term: Term, value: Number) -> None:
        number = _float(value)
        if number is None:
            raise InputError(f"the value {str(value)[:40]!r} of {term_text(term)} is not a number")
        if not 0 <= number <= 1:
            raise InputError(f"{term_text(term)} = {str(value)[:40]} is not a probability between 0 and 1")
        before = self._floats.setdefault(key, number)
        if before != number:
            raise InputError(f"{term_text(term)} is stated twice, as {before} and as {number}; keep one")
        self._stated[key] = value
        self._how[key] = ("stated", ())
        self._shapes.add((key[0], key[2]))
        self.mentioned |= self.keys.involved(key)
        others = other_cells(key)
        if others[0] in self._stated and self._stated.keys() >= set(others):
            self._check_sum((key, *others))

    def _check_sum(self, cells: tuple[Key, ...]) -> None:
        """Refuses a distribution whose stated cells do not add up to 1 within their rounding."""
        excess = abs(sum(self._floats[cell] for cell in cells) - 1)
        if excess > 1.001 * sum(_rounding(self._stated[cell]) for cell in cells):
            shown = " + ".join(term_text(self.keys.term(cell)) for cell in cells)
            raise InputError(f"{shown} must be 1, but the stated numbers do not add up to 1")

    def _fold(self) -> None:
        """Makes statements known under their canonical keys too; the shortest condition wins."""
        self._folded = True
        for key in sorted(self._stated, key=lambda k: (k[2].bit_count(), k)):
            short = self.keys.canonical(key)
            if short not in self._floats:
                self._learn(short, "independent", (key,))

    def states(self, event: int, given: int) -> bool:
        """Whether some levels of exactly these variables are stated."""
        return (event, given) in self._shapes

    # -- what follows -----------------------------------------------------------------------------

    def at_once(self, key: Key) -> bool:
        """Whether the term is stated, or all other cells of its distribution are, as it stands."""
        if key in self._floats:
            return True
        others = other_cells(key)
        if others[0] in self._floats and len(others) in CELLS and self._floats.keys() >= set(others):
            self._learn(key, CELLS[len(others)], others)
        return key in self._floats

    def derive(self, key: Key, budget: int, deep: bool = False) -> bool:
        """Whether the term follows from the statements within a search of ``budget`` expanded terms.

        False means that no derivation was found, not that there is none: with ``deep`` and a budget that
        is not used up, all chains of the `RULES` have been tried.
        """
        if self.at_once(key):
            return True
        if not self._folded:
            self._fold()
        goal = self.keys.canonical(key)
        if not self._search(goal, budget, deep):
            return False
        if key not in self._floats:
            self._learn(key, "independent", (goal,))
        return True

    def _search(self, goal: Key, budget: int, deep: bool) -> bool:
        floats = self._floats
        if goal in floats:
            return True
        if self.keys.involved(goal) & ~self.mentioned or goal in self._closed:
            return False
        queue, asked = [goal], {goal}
        for key in queue:
            if budget <= 0:
                return False
            budget -= 1
            for part in self._expanded(key, deep):
                if part not in asked and part not in floats:
                    asked.add(part)
                    queue.append(part)
            if goal in floats:
                return True
        if deep:
            self._closed |= asked  # the whole search space is exhausted, for these terms too
        return False

    def _expanded(self, key: Key, deep: bool) -> tuple[Key, ...]:
        """The terms from which rules would give ``key``: known ones are used now, others when they come."""
        parts = self._parts.get((key, deep))
        if parts is None:
            unknown: dict[Key, None] = {}
            if self.at_once(key):
                return ()
            for rule, used in self._ways(key, deep):
                self._need(key, rule, used)
                if key in self._floats:
                    break
                unknown.update(dict.fromkeys(used))
            parts = self._parts[key, deep] = tuple(unknown)
        return parts

    def _need(self, key: Key, rule: str, parts: tuple[Key, ...]) -> None:
        """Notes that ``rule`` gives ``key`` from ``parts``, and draws all conclusions now possible."""
        missing = [part for part in parts if part not in self._floats]
        if not missing:
            self._learn(key, rule, parts)
        for part in missing:
            self._needs.setdefault(part, []).append((key, rule, parts))

    def _learn(self, key: Key, rule: str, parts: tuple[Key, ...]) -> None:
        floats = self._floats
        todo = [(key, rule, parts)]
        while todo:
            key, rule, parts = todo.pop()
            if key in floats or not all(part in floats for part in parts):
                continue
            value = self._apply(rule, parts)
            if value is None:
                continue
            floats[key] = value
            self._how[key] = (rule, parts)
            todo.extend(reversed(self._needs.pop(key, ())))

    def _apply(self, rule: str, parts: tuple[Key, ...]) -> float | None:
        """The value by a rule, or None where it divides by zero or yields no probability."""
        values = [self._floats[part] for part in parts]
        if rule in ("ratio", "weight"):
            divisor = values[1] - (values[2] if rule == "weight" else 0)
            if abs(divisor) < 1e-9:
                exact = [self.exact(part) for part in parts]
                if not exact[1] - (exact[2] if rule == "weight" else 0):
                    return None
        value = float(RULES[rule].apply(*values))
        if -SLACK <= value <= 1 + SLACK:
            return value
        if rule != "weight" and all(self._how[part][0] in PLAIN for part in parts):
            self.contradiction = f"{self._text(rule, parts)} = {value:.4f}"
        return None

    def _text(self, rule: str, parts: tuple[Key, ...]) -> str:
        return RULES[rule].pattern.format(*(term_text(self.keys.term(part)) for part in parts))

    def _ways(self, key: Key, deep: bool) -> Iterator[tuple[str, tuple[Key, ...]]]:
        """All instances of the rules that would yield a canonical key, with canonical parts."""
        for form in [key, *self._widened(key)] if deep else [key]:
            seen = form[2] & self.keys.everything
            others = self.mentioned & ~self.keys.involved(form)
            for rule, parts in instances(form, seen, others, deep):
                yield rule, tuple(map(self.keys.canonical, parts))

    def _widened(self, key: Key) -> Iterator[Key]:
        """The same probability with one irrelevant condition added."""
        event, event_levels, given, levels = key
        for v in bits(self.mentioned & ~self.keys.involved(key)):
            bit = 1 << v
            for level in (0, bit):
                wide = event, event_levels, given | bit, levels | level
                if self.keys.canonical(wide) == key:
                    yield wide

    # -- values and derivations -------------------------------------------------------------------

    def number(self, key: Key) -> float:
        """The value of a known term in double precision."""
        return self._floats[key]

    def exact(self, key: Key) -> Fraction:
        """The exact value of a known term."""
        value = self._exact.get(key)
        if value is None:
            rule, parts = self._how[key]
            value = RULES[rule].apply(*map(self.exact, parts)) if parts else Fraction(self._stated[key])
            self._exact[key] = value
        return value

    def derivation(self, key: Key) -> Derivation:
        """How a known term follows from the statements."""
        rule, parts = self._how[key]
        return Derivation(self.keys.term(key), rule, tuple(map(self.derivation, parts)), self.exact(key))


class Supposition(Knowledge):
    """What would follow if more were stated; it knows which terms would be known, not their numbers."""

    def __init__(self, known: Knowledge) -> None:
        super().__init__(known.keys.dag, (), ())
        known._fold()
        self.keys, self.mentioned, self._folded = known.keys, known.mentioned, True
        self._floats = dict.fromkeys(known._floats, 0.5)

    def suppose(self, key: Key) -> None:
        """Takes a term as if it were stated."""
        self.mentioned |= self.keys.involved(key)
        self._closed.clear()
        self._parts.clear()
        self._learn(key, "stated", ())
        self._learn(self.keys.canonical(key), "stated", ())

    def _apply(self, rule: str, parts: tuple[Key, ...]) -> float | None:
        return 0.5


def derive(
    dag: DAG, stated: Sequence[tuple[Term, Number]], wanted: Term, budget: int = 400
) -> Derivation | None:
    """Derives one probability from stated ones, or None if no derivation is found.

    >>> dag = DAG.from_edges(2, [(0, 1)])
    >>> stated = [(Term(((0, 1),)), "0.5"), (Term(((1, 1),), ((0, 0),)), "0.2"), (Term(((1, 1),)), "0.4")]
    >>> found = derive(dag, stated, Term(((1, 1),), ((0, 1),)))
    >>> found.value, [step.rule for step in found.steps()]
    (Fraction(3, 5), ['complement', 'chain', 'rest', 'ratio'])
    """
    known = Knowledge(dag, [term for term, _ in stated], [value for _, value in stated])
    key = known.keys.of(wanted)
    return known.derivation(key) if known.derive(key, budget, deep=True) else None


def _rounding(value: Number) -> float:
    """Half a unit of the last place of a decimal; of a fraction nearly nothing."""
    decimal = isinstance(value, str) and "/" not in value
    return 10.0 ** -len(str(value).partition(".")[2]) / 2 if decimal else 1e-9


def _float(value: Number) -> float | None:
    if isinstance(value, str) and len(value) > LONGEST:
        return None
    try:
        return float(value)
    except ValueError:
        pass
    try:
        return float(Fraction(value))
    except (ValueError, ZeroDivisionError):
        return None
