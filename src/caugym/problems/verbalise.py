"""Problem -> text. What `verbalise` writes, `caugym.problems.read` reads back, whatever the style.

Names and levels must be sayable: no `RESERVED` word, no punctuation of ``. , : ; ? ( )``, at most 80
characters, and no capital before a small letter at the start of a name (``"GDP growth"`` is fine, ``"English
skills"`` is not: at the start of a sentence nobody could tell whether the name has the capital).
Every variable has an arrow, and variables are numbered as the arrows mention them, cause before effect. A
controlled direct effect holds at least one variable fixed. No wording tells a probability under ``do``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from caugym.core.query import Assignment, Query
from caugym.problems import wording
from caugym.problems.problem import Problem, Statement, Variable
from caugym.problems.wording import TASK_NAMES, VERBS, Wording, opened

_FORMS = tuple({verb: numbers[plural] for verb, numbers in VERBS.items()} for plural in (False, True))

Said = Mapping[str, str]
"""The forms in which a role can be told: "" plain, "^" at the start of a sentence, or a verb."""


@dataclass(frozen=True, slots=True)
class Style:
    """Which wording each kind of sentence has, as indices into the tables of `caugym.problems.wording`.

    Attributes:
        frame: The sentence before the graph; -1 for none.
        edge: Arrows.
        levels: Declaration of the levels.
        marginal: Statements about one variable.
        joint: Statements about several variables at once.
        conditional: Statements with a condition.
        instruction: The sentence that names the task; -1 for none (the question alone says it all).
        question: The question.
        format: How to answer.
        order: How a list of assignments is told: 0 as recorded, 1 backwards, 2 rotated by one.
        alternate: Bit i set: the i-th arrow or statement takes the wording after the chosen one.
        layout: 0 a section a line, 1 with blank lines between, 2 a sentence a line, 3 all in one line.
    """

    frame: int = 0
    edge: int = 0
    levels: int = 0
    marginal: int = 0
    joint: int = 0
    conditional: int = 0
    instruction: int = 0
    question: int = 0
    format: int = 0
    order: int = 0
    alternate: int = 0
    layout: int = 0


_LAYOUTS = ((" ", "\n"), (" ", "\n\n"), ("\n", "\n"), (" ", " "))
_CHOICES = (
    len(wording.FRAMES) + 1,
    len(wording.EDGES),
    len(wording.LEVELS),
    len(wording.MARGINALS),
    len(wording.JOINTS),
    len(wording.CONDITIONALS),
    len(wording.INSTRUCTIONS),
    min(map(len, wording.QUESTIONS.values())),
    len(wording.EFFECT_FORMATS),
    3,
    2,
    len(_LAYOUTS),
)


def random_style(rng: Random) -> Style:
    """A style drawn evenly; half of all styles keep to one wording a kind. The task is always named."""
    seed = rng.getrandbits(62)
    picked = []
    for choices in _CHOICES:
        seed, choice = divmod(seed, choices)
        picked.append(choice)
    picked[0] -= 1
    picked[10] *= seed & 0xFFFFFFFF
    return Style(*picked)


def verbalise(problem: Problem, style: Style) -> str:
    """The problem in words; `caugym.problems.read.read` gives an equal problem back.

    Raises:
        KeyError, IndexError: If the problem refers to variables or levels it does not have.
    """
    variables = problem.variables
    said: list[Said] = [
        {**_FORMS[variable.plural], "": variable.name, "^": opened(variable.name)} for variable in variables
    ]
    tell = _Lists(variables, said, style.order)
    sentence, section = _LAYOUTS[style.layout]
    query = problem.query
    sections = [
        sentence.join(_edges(problem.edges, said, style)),
        _levels(variables, said, style, sentence),
        sentence.join(_statements(problem.statements, tell, style)),
        _instruction(query, said, style),
        _question(query, variables, said, tell, style),
        (wording.EFFECT_FORMATS if query.bound is None else wording.PROBABILITY_FORMATS)[style.format],
    ]
    if style.frame >= 0:
        sections[0] = wording.FRAMES[style.frame] + sentence + sections[0]
    return section.join(filter(None, sections))


def _fill(template: Wording, roles: Mapping[str, Said]) -> str:
    return template.format % tuple([roles[role][form] for role, form in template.slots])


def _edges(edges: tuple[tuple[int, int], ...], said: list[Said], style: Style) -> list[str]:
    pair = _alternatives(wording.EDGES, style.edge)
    alternate = style.alternate
    return [
        _fill(pair[alternate >> i & 1], {"cause": said[cause], "effect": said[effect]})
        for i, (cause, effect) in enumerate(edges)
    ]


def _alternatives(table: tuple[Wording, ...], chosen: int) -> tuple[Wording, Wording]:
    return table[chosen], table[(chosen + 1) % len(table)]


def _levels(variables: tuple[Variable, ...], said: list[Said], style: Style, sentence: str) -> str:
    shared = variables[0].levels
    if all(variable.levels == shared for variable in variables):
        return _fill(wording.SHARED_LEVELS[style.levels], {"levels": {"": " or ".join(shared)}})
    listing = wording.LEVELS[style.levels]
    items = [
        _fill(listing.item, {"x": said[v], "levels": {"": " or ".join(variable.levels)}})
        for v, variable in enumerate(variables)
    ]
    return listing.opening + (listing.between or sentence).join(items) + listing.closing


class _Lists(dict[tuple[Assignment, str], str]):
    """Assignments in words, e.g. "x being high, y being low and z being high"; each told once."""

    def __init__(self, variables: tuple[Variable, ...], said: list[Said], order: int) -> None:
        self.variables, self.said, self.order = variables, said, order

    def __missing__(self, key: tuple[Assignment, str]) -> str:
        assignment, form = key
        if form[-1] == "^":
            text = opened(self[assignment, form[:-1]])
        else:
            told = [
                f"{self.said[v]['']} {self.said[v][form]} {self.variables[v].levels[level]}"
                for v, level in assignment
            ]
            if self.order == 1:
                told.reverse()
            elif self.order == 2:
                told.append(told.pop(0))
            last = told.pop()
            text = f"{', '.join(told)} and {last}" if told else last
        self[key] = text
        return text


def _statements(statements: tuple[Statement, ...], tell: _Lists, style: Style) -> list[str]:
    marginal = _alternatives(wording.MARGINALS, style.marginal)
    joint = _alternatives(wording.JOINTS, style.joint)
    conditional = _alternatives(wording.CONDITIONALS, style.conditional)
    alternate = style.alternate
    sentences = []
    for i, statement in enumerate(statements):
        term = statement.term
        pair = conditional if term.given else marginal if len(term.event) == 1 else joint
        template = pair[alternate >> i & 1]
        values = []
        for role, form in template.slots:
            if role == "p":
                values.append(statement.value)
            else:
                values.append(tell[term.event if role == "event" else term.given, form])
        sentences.append(template.format % tuple(values))
    return sentences


def _instruction(query: Query, said: list[Said], style: Style) -> str:
    if style.instruction < 0:
        return ""
    roles = {
        "x": said[query.treatment],
        "y": said[query.outcome],
        "code": {"": query.task},
        "task": {"": TASK_NAMES[query.task]},
    }
    return _fill(wording.INSTRUCTIONS[style.instruction], roles)


def _question(
    query: Query, variables: tuple[Variable, ...], said: list[Said], tell: _Lists, style: Style
) -> str:
    template = wording.QUESTIONS[query.task][style.question]
    treatment, outcome = variables[query.treatment].levels, variables[query.outcome].levels
    roles: dict[str, Said] = {
        "x": said[query.treatment],
        "y": said[query.outcome],
        "to": {"": treatment[query.to]},
        "original": {"": treatment[query.original]},
        "level": {"": outcome[query.level]},
        "other": {"": outcome[1 - query.level]},
        "more": {"": query.polarity},
        "bound": {"": query.bound or ""},
    }
    if query.held:
        roles["held"] = {form: tell[query.held, form] for role, form in template.slots if role == "held"}
    return _fill(template, roles)
