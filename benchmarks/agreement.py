"""How the solver's answers compare with the labels of CaLM Lite and of the CauGym release.

    python benchmarks/agreement.py DATA > docs/agreement.md

DATA is a folder with `calm_lite/*-basic_EN.json` and `caugym_release/*_dataset.json`. Every question is read
from its words, solved from its stated numbers, and compared with its label. Where a value differs, the script
shows the arithmetic and the range of values that the stated numbers allow, each being a rounded number.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from pathlib import Path

from caugym.core.expr import Expr
from caugym.core.query import Term
from caugym.data.questions import Question, questions
from caugym.problems.derive import RULES, Derivation, term_text
from caugym.problems.problem import Answer
from caugym.problems.read import Unreadable, read
from caugym.problems.solve import Solution, rounded, solve

TOLERANCE = Fraction(5, 10_000)
DEAD_ZONE = Fraction(1, 1000)
HALF_UNIT = Fraction(1, 20_000)

SETS = {
    "CaLM Lite, basic, English": "calm_lite/*-basic_EN.json",
    "release: base": "caugym_release/base_dataset.json",
    "release: deconfounding": "caugym_release/deconfounding_dataset.json",
    "release: redundant": "caugym_release/redundant_dataset.json",
    "release: insufficient": "caugym_release/insufficient_dataset.json",
}

DAMAGED = {
    "redundant_dataset-0199": ": in the file, one of its statements begins in the middle of a sentence"
}

OPENING = """# Agreement with the labels of public questions

Written by `python benchmarks/agreement.py DATA > docs/agreement.md`; do not edit by hand.

A value agrees within 0.0005. Yes/no follows the wording of the question; ETT is factual minus counterfactual,
so its yes/no is that of minus the value. Letters stand for variables in the order of the text.

| set | questions | read | values agree | yes/no agree | differs: sign copied, dead zone |
|---|---|---|---|---|---|"""

EXPLAINED = """
*Sign copied*: the label's yes/no is the sign of an ETT value, against the question. *Dead zone*: the label
says No to every effect smaller than 0.001.
"""


@dataclass
class Tally:
    """What was counted over one set."""

    asked: int = 0
    unread: list[str] = field(default_factory=list)
    values: int = 0
    near: int = 0
    words: int = 0
    same_word: int = 0
    inverted: int = 0
    dead_zone: int = 0
    lacking: int = 0
    named: int = 0
    far: list[tuple[Question, Solution]] = field(default_factory=list)
    status: list[tuple[Question, Solution]] = field(default_factory=list)

    def add(self, question: Question, label: Answer) -> None:
        """Reads, solves and compares one question."""
        self.asked += 1
        try:
            solution = solve(read(question.text))
        except Unreadable:
            self.unread.append(question.id)
            return
        answer = solution.answer
        if label.status == "insufficient":
            self.lacking += 1
            self.named += bool(answer.missing)
        if answer.status != label.status:
            self.status.append((question, solution))
        elif label.value is not None and solution.value is not None:
            self.values += 1
            near = abs(Fraction(rounded(solution.value)) - Fraction(label.value)) <= TOLERANCE
            self.near += near
            if not near:
                self.far.append((question, solution))
            if label.answer is not None:
                self.word(label, solution.value, label.answer == answer.answer)

    def word(self, label: Answer, value: Fraction, same: bool) -> None:
        """Compares yes with no, and sorts a difference by its cause."""
        self.words += 1
        self.same_word += same
        if not same and abs(value) < DEAD_ZONE:
            self.dead_zone += 1
        elif not same:
            self.inverted += (label.answer == "Yes") == (value > 0)


def main(data: Path) -> None:
    """Prints the page."""
    tallies = {}
    for name, pattern in SETS.items():
        tallies[name] = tally = Tally()
        for path in sorted(data.glob(pattern)):
            for question in questions(path):
                if question.label:
                    tally.add(question, question.label)
    print(OPENING)
    for name, t in tallies.items():
        if t.values:
            words = f"{t.same_word}/{t.words} | {t.inverted}, {t.dead_zone}" if t.words else "- | -"
            share = f"{t.near}/{t.values} ({t.near / t.values:.1%})"
            print(f"| {name} | {t.asked} | {t.asked - len(t.unread)} | {share} | {words} |")
    print(EXPLAINED)
    for name, t in tallies.items():
        if t.lacking:
            done = t.lacking - len(t.status)
            print(
                f"**{name}**: {done} of {t.lacking} answered insufficient, {t.named} with the missing terms."
            )
    for name, t in tallies.items():
        lines = [f"* {id_} could not be read{DAMAGED.get(id_, '')}" for id_ in t.unread]
        lines += [line for question, solution in t.far for line in miss(question, solution)]
        lines += [line for question, solution in t.status for line in solved(question, solution)]
        if lines:
            print(f"\n## {name}\n")
            print("\n".join(lines).rstrip())


def miss(question: Question, solution: Solution) -> Iterator[str]:
    """The arithmetic of one value that differs, and whether rounding explains the label."""
    assert question.label
    assert question.label.value
    assert solution.expr
    assert solution.value is not None
    label = Fraction(question.label.value)
    low, high = spread(solution)
    explained = low - HALF_UNIT <= label <= high + HALF_UNIT
    query = solution.problem.query
    yield f"**{question.id}** ({query.task}{f', {query.bound} bound' if query.bound else ''})\n"
    yield f"* stated: {stated(solution)}"
    yield f"* value: {solution.expr.numbers(lambda term: decimal(solution.derivations[term].value))}"
    yield f"  = {float(solution.value):.6f}; label: {question.label.value}"
    yield f"* each number off by up to half a unit of its last place: {float(low):.6f} to {float(high):.6f};"
    yield (
        "  holds the label, which stems from hidden decimals"
        if explained
        else "  **does not hold the label**"
    )
    yield ""


def solved(question: Question, solution: Solution) -> Iterator[str]:
    """How a question that its label calls insufficient is answered after all, or the reverse."""
    assert question.label
    task, found = solution.problem.query.task, solution.answer
    yield f"**{question.id}** ({task}): label {question.label.status}, found {found.status}\n"
    if solution.expr:
        yield f"* stated: {stated(solution)}"
        steps = {step.term: step for d in solution.derivations.values() for step in d.steps()}
        for step in steps.values():
            right = RULES[step.rule].pattern.format(*(term_text(part.term) for part in step.parts))
            yield f"* {term_text(step.term)} = {right} = {decimal(step.value)} ({step.rule})"
        yield f"* value {found.value}"
    yield ""


def stated(solution: Solution) -> str:
    """The statements that the answer uses, in letters."""
    used = set[Term]().union(*map(leaves, solution.derivations.values()))
    return ", ".join(
        f"{term_text(s.term)} = {s.value}" for s in solution.problem.statements if s.term in used
    )


def decimal(value: Fraction) -> str:
    """The shortest decimal of a number, to 10 places."""
    return f"{float(value):.10f}".rstrip("0").rstrip(".")


def spread(solution: Solution) -> tuple[Fraction, Fraction]:
    """The least and greatest value when each stated number may be off by half a unit of its last place.

    The formula is a ratio of multilinear forms, hence monotone in each number: the extremes lie at corners.
    """
    assert solution.expr
    used = set[Term]().union(*map(leaves, solution.derivations.values()))
    centre = {s.term: Fraction(s.value) for s in solution.problem.statements if s.term in used}
    places = {s.term: len(s.value.partition(".")[2]) for s in solution.problem.statements}
    values = []
    for signs in product((-1, 1), repeat=len(centre)):
        moved = {
            t: centre[t] + Fraction(sign, 2 * 10 ** places[t]) for t, sign in zip(centre, signs, strict=True)
        }
        values.append(evaluate(solution.expr, solution.derivations, moved.__getitem__))
    return min(values), max(values)


def leaves(derivation: Derivation) -> set[Term]:
    """The stated terms that a derivation rests on."""
    if not derivation.parts:
        return {derivation.term}
    return set[Term]().union(*map(leaves, derivation.parts))


def evaluate(
    expr: Expr, derivations: Mapping[Term, Derivation], number: Callable[[Term], Fraction]
) -> Fraction:
    """The formula with other numbers in the place of the stated ones."""

    def value(derivation: Derivation) -> Fraction:
        if not derivation.parts:
            return number(derivation.term)
        return Fraction(RULES[derivation.rule].apply(*map(value, derivation.parts)))

    return expr.evaluate(lambda term: value(derivations[term]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
