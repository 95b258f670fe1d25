"""Worked solutions: graph check, sets and why, formula, numbers, arithmetic, conclusion, final answer.

Every step is one short line. The lines are the training target of SFT and what a user reads, so they are
compact, symbolic and correct; `check_steps` verifies every equation in them. How variables and levels are
written is in `caugym.problems.notation`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, product

from caugym.core.estimand import Sets
from caugym.core.graph import bits, mask
from caugym.core.identify import open_back_door
from caugym.core.query import Assignment, Term
from caugym.estimands import TABLE
from caugym.problems.arithmetic import Arithmetic, Number, equations, number, printed
from caugym.problems.derive import RULES, Derivation
from caugym.problems.notation import Notation
from caugym.problems.problem import Answer
from caugym.problems.solve import Solution

BUDGET = 4
"""How hard a number that is not stated is searched for."""

NO_PATH = "no directed path"
"""Said of a bound, which may be positive where there is no effect."""


def check_steps(steps: tuple[str, ...] | list[str]) -> list[str]:
    """The equations in the steps that do not hold; empty when all is right."""
    return [equation for step in steps for equation, holds in equations(step) if not holds]


def final_answer(answer: Answer) -> str:
    """The reply that the question asks for, e.g. ``{"ANSWER": "Yes", "PROB": "0.1234"}``."""
    if answer.status != "identified":
        return "LACK_CONDITION"
    if answer.answer is None:
        return f'{{"PROB": "{answer.value}"}}'
    return f'{{"ANSWER": "{answer.answer}", "PROB": "{answer.value}"}}'


def worked(solution: Solution) -> tuple[str, ...]:
    """The worked solution, a step a line; the last line is the final answer."""
    return (*Writer(solution).lines(), final_answer(solution.answer))


@dataclass
class Writer:
    """Writes one solution; a mistaken one is written by a subclass that misreads or leaves out."""

    solution: Solution
    derived: dict[Term, list[str]] = field(default_factory=dict)
    written: dict[Term, Number] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.problem, sets = self.solution.problem, self.solution.sets or Sets()
        self.z, self.m = tuple(bits(sets.adjust)), tuple(bits(sets.mediators))
        self.notation = Notation(self.problem, sets)
        self.places = max((len(s.value.partition(".")[2]) for s in self.problem.statements), default=4)
        percent = self.places <= 2
        self.places = max(2, self.places)
        self.known = {s.term: printed(s.value, self.places) for s in self.problem.statements}
        self.arithmetic = Arithmetic(percent=percent and self._whole())

    def _whole(self) -> bool:
        """Whether all numbers of the formula are hundredths; what follows by products is not."""
        expr, known = self.solution.expr, self.solution.knowledge
        unstated = [] if expr is None else [term for term in expr.terms() if term not in self.known]
        keys = [key for key in map(known.keys.of, unstated) if known.derive(key, BUDGET)]
        return all((known.exact(key) * 100).denominator == 1 for key in keys)

    def lines(self) -> Iterator[str]:
        """The steps, without the final answer."""
        q, answer = self.problem.query, self.solution.answer
        yield from self.notation.asked()
        estimand = TABLE[q.task]
        if self.solution.zero:
            yield self._absent()
            yield f"{q.task} = 0.0000: {answer.answer}"
            return
        yield from self._graph()
        yield self._formula()
        yield from self.listed()
        if answer.status != "identified":
            missing = (f"P({self.notation.text(term)})" for term in self.solution.missing)
            yield f"not stated: {', '.join(missing)}"
            return
        if estimand.effect:
            arithmetic, total = self._effect()
            sign = ">" if total.units > 0 else "<" if total.units < 0 else "="
            arithmetic = [*arithmetic, f"{q.task} = {answer.value} {sign} 0: {answer.answer}"]
        else:
            arithmetic = list(self._bound(answer))
        yield from self._derived()
        yield from arithmetic

    def _absent(self) -> str:
        """The way by which there would be an effect."""
        q, dag = self.problem.query, self.problem.dag
        on_the_way = dag.descendants(1 << q.treatment) & dag.ancestors(1 << q.outcome)
        free = on_the_way & ~mask((q.treatment, q.outcome, *(v for v, _ in q.held)))
        if q.task == "NIE":
            return "no path from X to Y through a mediator"
        if q.task == "CDE" and free:
            return "no directed path from X to Y past what is held"
        return "no edge X -> Y" if q.task in ("CDE", "NDE") else "no directed path from X to Y"

    def _graph(self) -> Iterator[str]:
        """Paths, mediators and what is adjusted for; a path comes before the letters that it calls for."""
        q, dag = self.problem.query, self.problem.dag
        held = mask(v for v, _ in q.held)
        past = dag.without_arrows_into(held) if held else dag  # the graph itself has its children at hand
        if q.task != "NIE":
            path = past.directed_path(q.treatment, q.outcome)
            if path is None:
                yield NO_PATH
            elif q.task in ("CDE", "NDE") and len(path) == 2:
                yield "edge X -> Y"
            else:
                yield f"path {self._walk(path)}"
        if q.task in ("NDE", "NIE"):
            mediated = past.without_arrow(q.treatment, q.outcome).directed_path(q.treatment, q.outcome)
            if mediated:
                yield f"path {self._walk(mediated)}"
            yield self.notation.named(self.m) or "M = none"
        opened = open_back_door(dag, q, 0, mask(self.m)) if self.z else None
        if opened and mask(opened) & mask(self.z):  # a wrong set may close nothing
            yield f"open {self._walk(opened, self.m)}"
        yield self.notation.named(self.z) or "Z = none"

    def _walk(self, path: Sequence[int], named: Sequence[int] = ()) -> str:
        """A path with letters for X, Y, what is held and ``named``, and names for what has no letter yet."""
        unnamed = {*self.z, *self.m}.difference(named)
        names = self.problem.variables

        def name(v: int) -> str:
            return names[v].name if v in unnamed else self.notation.name(v)

        return self.problem.dag.walk(path, name)

    def _formula(self) -> str:
        q = self.problem.query
        z = "z" if self.z else ""
        over_z = "sum_z P(z) " if z else ""
        to, original = "x", "x'"

        def p(event: str, *given: str) -> str:
            return f"P({event} | {', '.join(g for g in given if g)})"

        m = "m" if self.m or q.held else ""
        if q.task == "ETT":
            contrast = f"{p('y', original)} - {p('y', to, z)}"
            return f"ETT = sum_z {p('z', original)} [{contrast}]" if z else f"ETT = {contrast}"
        if q.task == "NIE":
            weights = f"[{p('m', to, z)} - {p('m', original, z)}]"
            return f"NIE = {over_z}sum_m {p('y', original, 'm', z)} {weights}"
        if TABLE[q.task].effect:
            contrast = f"{p('y', to, m, z)} - {p('y', original, m, z)}"
            if q.task == "NDE" and m:
                return f"NDE = {over_z}sum_m [{contrast}] {p('m', original, z)}"
            return f"{q.task} = {over_z}[{contrast}]" if z else f"{q.task} = {contrast}"
        if q.bound == "lower":
            return f"{q.task} >= max(0, [P(y') - P(y' | do({to}))] / P({original}, y'))"
        return f"{q.task} <= min(1, [P(y | do({to})) - P({to}, y)] / P({original}, y'))"

    def p(self, event: Assignment, given: Assignment = ()) -> Number:
        """P(event | given) as a number."""
        term = Term(_sorted(event), _sorted(given))
        found = self.known.get(term)
        return self._derive(term) if found is None else found

    def _derive(self, term: Term) -> Number:
        """The number of a term that is not stated as such; how it follows is kept for `_derived`."""
        (variable, level), *more = term.event
        opposite = Term(((variable, 1 - level),), term.given)
        other = None if more else self.known.get(opposite)
        if other is not None and other.exact:  # by far the most frequent case, without a search
            found = Number(10**other.places - other.units, other.places)
            whole = "100" if self.arithmetic.percent and other.places == 2 else "1"
            left = f"{whole} - {self.arithmetic.show(other)}"
            self.derived[term] = [f"P({self.notation.text(term)}) = {self.arithmetic.equation(left, found)}"]
        else:
            known = self.solution.knowledge
            derivation = known.derivation(known.keys.of(term))
            for step in derivation.steps():
                if step.term not in self.derived:
                    self.derived[step.term] = self._equation(step)
            found = self._number(derivation)
        self.known[term] = found
        return found

    def listed(self) -> Iterator[str]:
        """All stated numbers, in the order of the text, whether they are used or not."""
        for statement in self.problem.statements:
            number = self.arithmetic.show(self.known[statement.term])
            yield f"P({self.notation.stated(statement.term)}) = {number}"

    def _derived(self) -> Iterator[str]:
        """How the terms that are not stated as such follow from those that are."""
        return chain.from_iterable(self.derived.values())

    def _equation(self, step: Derivation) -> list[str]:
        if step.rule == "independent":
            self.written[step.term] = self._number(step.parts[0])
            return [f"P({self.notation.text(step.term)}) = P({self.notation.text(step.parts[0].term)})"]
        additive = step.rule in ("complement", "rest", "sum") or step.rule.startswith("cells")
        parts = [self._number(part) for part in step.parts]
        exact, result = all(part.exact for part in parts), number(step.value, self.places)
        if not exact:
            rounded = number(RULES[step.rule].apply(*(part.value for part in parts)), self.places)
            if rounded.value != result.value:  # else the decimals end, whatever was rounded on the way
                result = rounded._replace(exact=False)
        self.written[step.term] = result
        whole = self.arithmetic.percent and additive and all(n.places == 2 for n in (*parts, result))
        writing, pattern = Arithmetic(whole), RULES[step.rule].pattern
        right = (pattern.replace("1 -", "100 -") if whole else pattern).format(*map(writing.show, parts))
        shown = result._replace(exact=exact and result.exact)
        return [f"P({self.notation.text(step.term)}) = {writing.equation(right, shown)}"]

    def _number(self, step: Derivation) -> Number:
        """What a derived term was written as, so that what follows from it agrees to the last decimal."""
        return self.written.get(step.term) or number(step.value, self.places)

    def _cells(self, variables: tuple[int, ...]) -> Iterator[Assignment]:
        for levels in product((0, 1), repeat=len(variables)):
            yield tuple(zip(variables, levels, strict=True))

    def _effect(self) -> tuple[list[str], Number]:
        q = self.problem.query
        among = ((q.treatment, q.original),) if q.task == "ETT" else ()
        lines, parts = [], []
        for z in self._cells(self.z):
            inner_lines, part = self._inner(z)
            if z:
                weighed, part = self.arithmetic.product(part, self.p(z, among))
                if len(inner_lines) == 1:
                    inner_lines[0] += f", {weighed}"
                else:
                    inner_lines.append(f"{self.notation.setting(z)}: {weighed}")
            lines += inner_lines
            parts.append(part)
        sums, total = self.arithmetic.total(parts)
        return lines + sums, total

    def _inner(self, z: Assignment) -> tuple[list[str], Number]:
        """The effect within one stratum of the covariates."""
        q = self.problem.query
        y, x1, x0 = ((q.outcome, q.level),), ((q.treatment, q.to),), ((q.treatment, q.original),)
        lines, parts = [], []
        factor: Number | None
        for m in self._cells(self.m):
            head = self.notation.setting((*z, *m))
            if q.task == "NIE":
                line, part = self.arithmetic.difference(self.p(m, x1 + z), self.p(m, x0 + z))
                factor = self.p(y, x0 + m + z)
            elif q.task == "ETT":
                line, part = self._contrast(self.p(y, x0), self.p(y, x1 + z))
                factor = None
            else:
                held = q.held + m + z
                line, part = self.arithmetic.difference(self.p(y, x1 + held), self.p(y, x0 + held))
                factor = self.p(m, x0 + z) if m else None
            if factor is not None:
                weighed, part = self.arithmetic.product(part, factor)
                line += f", {weighed}"
            lines.append(f"{head}: {line}" if head else line)
            parts.append(part)
        sums, total = self.arithmetic.total(parts)
        return lines + sums, total

    def _contrast(self, factual: Number, counterfactual: Number) -> tuple[str, Number]:
        """ETT in one stratum: what is minus what would have been."""
        return self.arithmetic.difference(factual, counterfactual)

    def _bound(self, answer: Answer) -> Iterator[str]:
        q, do = self.problem.query, self.arithmetic
        asked = 1 - q.level if q.bound == "lower" else q.level
        y, x1, x0 = ((q.outcome, asked),), ((q.treatment, q.to),), ((q.treatment, q.original),)
        happened = ((q.outcome, 1 - q.level),)
        if self.z:
            parts = []
            for z in self._cells(self.z):
                line, part = do.product(self.p(y, x1 + z), self.p(z))
                yield f"{self.notation.setting(z)}: {line}"
                parts.append(part)
            sums, intervened = do.total(parts)
            yield from sums
        else:
            intervened = self.p(y, x1)
        other = self.p(y) if q.bound == "lower" else self.p(x1 + y)
        evidence = self.p(x0 + happened)
        if self.z:
            if do.percent:
                yield ", ".join(f"{do.show(n)} * 100 = {do.show(_scaled(n))}" for n in (other, evidence))
            other, evidence = _scaled(other), _scaled(evidence)
        sums, numerator = do.total([other, -intervened] if q.bound == "lower" else [intervened, -other])
        yield from sums
        yield from do.clipped(numerator, evidence)
        yield f"{q.bound} bound = {answer.value}"


def _scaled(n: Number) -> Number:
    """The same number in the unit of a product of two."""
    return Number(n.units * 10**n.places, 2 * n.places, 2, n.exact)


def _sorted(assignment: Assignment) -> Assignment:
    return tuple(sorted(assignment)) if len(assignment) > 1 else assignment
