"""Problem -> text. What `verbalise` writes, `caugym.problems.read` reads back, whatever the style.

Names and levels must be sayable: no `RESERVED` word, no punctuation of ``. , : ; ? ( )``, at most 80
characters, and no capital before a small letter at the start of a name (``"GDP growth"`` is fine, ``"English
skills"`` is not: at the start of a sentence nobody could tell whether the name has the capital).
Every variable has an arrow, and variables are numbered as the arrows mention them, cause before effect. A
controlled direct effect holds at least one variable fixed. No wording tells a probability under ``do``.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from random import Random
from typing import TypeVar

from caugym.core.query import Assignment, Query
from caugym.problems.problem import Problem, Statement, Variable
from caugym.problems.rewording import POOLS
from caugym.problems.shares import FORMS
from caugym.problems.shares import told as share
from caugym.problems.wording import TASK_NAMES, VERBS, Gathering, Pool, Wording, opened

_FORMS = tuple({verb: numbers[plural] for verb, numbers in VERBS.items()} for plural in (False, True))

T = TypeVar("T")
Edge = tuple[int, int]
"""A cause and its effect."""
Said = Mapping[str, str]
"""The forms in which a role can be told: "" plain, "^" at the start of a sentence, or a verb."""


@dataclass(frozen=True, slots=True)
class Style:
    """Which wording each kind of sentence has, as indices into the tables of its pool.

    An index beyond the end of a table starts over.

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
        pool: Where the wordings come from, a key of `caugym.problems.rewording.POOLS`.
        gather: Whether arrows, and numbers, that stand together and share a variable are told in one
            sentence, where the pool has sentences for that.
        shares: How numbers are printed, an index into `caugym.problems.shares.FORMS`; other
            pools than the rephrased one print decimals.
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
    pool: str = field(default="base", kw_only=True)
    gather: bool = field(default=False, kw_only=True)
    shares: int = field(default=0, kw_only=True)


_LAYOUTS = ((" ", "\n"), (" ", "\n\n"), ("\n", "\n"), (" ", " "))
_MOST_GATHERED = 4  # longer sentences are tiring


def _choices(pool: Pool) -> tuple[int, ...]:
    """How many choices each field of a style has before ``pool``."""
    return (
        len(pool.frames) + 1,
        len(pool.edges),
        len(pool.levels),
        len(pool.marginals),
        len(pool.joints),
        len(pool.conditionals),
        max(1, len(pool.instructions)),
        max(map(len, pool.questions.values())),
        len(pool.formats),
        3,
        2,
        len(_LAYOUTS),
    )


_CHOICES = {name: _choices(pool) for name, pool in POOLS.items()}


def random_style(rng: Random, pool: str = "base", instruction: bool = True) -> Style:
    """A style drawn evenly; half of all styles keep to one wording a kind.

    Args:
        rng: Where the choices come from.
        pool: A key of `caugym.problems.rewording.POOLS`.
        instruction: Whether a sentence names the task; the pool ``"omitted"`` has no such sentence.
    """
    seed = rng.getrandbits(62)
    picked = []
    for choices in _CHOICES[pool]:
        seed, choice = divmod(seed, choices)
        picked.append(choice)
    picked[0] -= 1
    if not instruction or not POOLS[pool].instructions:
        picked[6] = -1
    picked[10] *= seed & 0xFFFFFFFF
    style = Style(*picked)
    if pool == "base":
        return style
    if pool == "rephrased":  # with its larger tables it needs more than was drawn
        gather, shares = rng.random() < 0.5, rng.randrange(len(FORMS))
        style = replace(style, alternate=picked[10] and rng.getrandbits(32), gather=gather, shares=shares)
    return replace(style, pool=pool)


def verbalise(problem: Problem, style: Style) -> str:
    """The problem in words; `caugym.problems.read.read` gives an equal problem back.

    Raises:
        KeyError, IndexError: If the problem refers to variables or levels it does not have.
    """
    variables = problem.variables
    said = _said(variables)
    tell = _Lists(variables, said, style.order)
    query, pool = problem.query, POOLS[style.pool]
    formats = pool.effect_formats if query.bound is None else pool.probability_formats
    sections = [
        arrows(variables, problem.edges, style),
        _numbers(variables, problem.statements, style, said, tell),
        _instruction(query, said, style, pool),
        _question(query, variables, said, tell, style, pool),
        _pick(formats, style.format),
    ]
    return _LAYOUTS[style.layout][1].join(filter(None, sections))


def arrows(variables: Sequence[Variable], edges: Sequence[Edge], style: Style) -> str:
    """The graph in words, as `verbalise` begins."""
    pool, sentence = POOLS[style.pool], _LAYOUTS[style.layout][0]
    gather = style.gather and bool(pool.cases)
    told = (_gathered_edges if gather else _edges)(edges, _said(variables), style, pool)
    frame = [_pick(pool.frames, style.frame)] if style.frame >= 0 else []
    return sentence.join([*frame, *told])


def numbers(variables: tuple[Variable, ...], statements: Sequence[Statement], style: Style) -> str:
    """The levels and the stated probabilities in words, as `verbalise` goes on."""
    said = _said(variables)
    return _numbers(variables, statements, style, said, _Lists(variables, said, style.order))


def _numbers(
    variables: tuple[Variable, ...],
    statements: Sequence[Statement],
    style: Style,
    said: list[Said],
    tell: "_Lists",
) -> str:
    pool, (sentence, section) = POOLS[style.pool], _LAYOUTS[style.layout]
    gather = style.gather and bool(pool.cases)
    told = (_gathered_statements if gather else _statements)(statements, tell, style, pool)
    sections = [_levels(variables, said, style, pool, sentence), sentence.join(told)]
    return section.join(filter(None, sections))


def _said(variables: Sequence[Variable]) -> list[Said]:
    return [
        {**_FORMS[variable.plural], "": variable.name, "^": opened(variable.name)} for variable in variables
    ]


def _pick(table: Sequence[T], number: int) -> T:
    return table[number % len(table)]


def _fill(template: Wording, roles: Mapping[str, Said]) -> str:
    return template.format % tuple([roles[role][form] for role, form in template.slots])


def _edges(edges: Sequence[Edge], said: list[Said], style: Style, pool: Pool) -> list[str]:
    pair = _alternatives(pool.edges, style.edge)
    alternate = style.alternate
    return [
        _fill(pair[alternate >> i & 1], {"cause": said[cause], "effect": said[effect]})
        for i, (cause, effect) in enumerate(edges)
    ]


def _gathered_edges(edges: Sequence[Edge], said: list[Said], style: Style, pool: Pool) -> list[str]:
    """Arrows that stand together are told in one sentence if they share their cause, or their effect."""
    singles = _alternatives(pool.edges, style.edge)
    tables = _alternatives(pool.fans_out, style.edge), _alternatives(pool.fans_in, style.edge)
    sentences: list[str] = []
    start = 0
    while start < len(edges):
        pick = style.alternate >> len(sentences) & 1
        runs = [_run(edges[start : start + _MOST_GATHERED], side) for side in (0, 1)]
        side = int(runs[1] > runs[0])
        cause, effect = edges[start]
        if runs[side] == 1:
            template, roles = singles[pick], {"cause": said[cause], "effect": said[effect]}
        else:
            members = _series([said[edge[1 - side]][""] for edge in edges[start : start + runs[side]]])
            listed: Said = {"": members, "^": opened(members)}
            roles = {"causes": listed, "effect": said[effect]} if side else {"cause": said[cause]}
            roles.setdefault("effects", listed)
            template = tables[side][pick]
        sentences.append(_fill(template, roles))
        start += runs[side]
    return sentences


def _run(edges: Sequence[Edge], side: int) -> int:
    """How many of the first edges have the same cause (side 0) or effect (side 1)."""
    return len(list(next(groupby(edges, key=lambda edge: edge[side]))[1]))


def _series(told: list[str]) -> str:
    """What is told, as an English list.

    >>> _series(["x"]), _series(["x", "y", "z"])
    ('x', 'x, y and z')
    """
    return f"{', '.join(told[:-1])} and {told[-1]}" if len(told) > 1 else told[0]


def _alternatives(table: Sequence[T], chosen: int) -> tuple[T, T]:
    return table[chosen % len(table)], table[(chosen + 1) % len(table)]


def _levels(
    variables: tuple[Variable, ...], said: list[Said], style: Style, pool: Pool, sentence: str
) -> str:
    shared = variables[0].levels
    if all(variable.levels == shared for variable in variables):
        return _fill(_pick(pool.shared_levels, style.levels), {"levels": {"": " or ".join(shared)}})
    listing = _pick(pool.levels, style.levels)
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
            text = _series(told)
        self[key] = text
        return text


def _statements(statements: Sequence[Statement], tell: _Lists, style: Style, pool: Pool) -> list[str]:
    marginal = _alternatives(pool.marginals, style.marginal)
    joint = _alternatives(pool.joints, style.joint)
    conditional = _alternatives(pool.conditionals, style.conditional)
    alternate = style.alternate
    sentences = []
    for i, statement in enumerate(statements):
        term = statement.term
        pair = conditional if term.given else marginal if len(term.event) == 1 else joint
        sentences.append(_stated(pair[alternate >> i & 1], statement, tell, style.shares))
    return sentences


def _stated(template: Wording, statement: Statement, tell: _Lists, shares: int, members: str = "") -> str:
    """A statement, or what several have in common and their members."""
    values = []
    for role, form in template.slots:
        if role == "p":
            values.append(statement.value)
        elif role == "event":
            values.append(tell[statement.term.event, form])
        elif role == "given":
            values.append(tell[statement.term.given, form])
        else:
            values.append(members or share(statement.value, shares))
    return template.format % tuple(values)


def _gathered_statements(
    statements: Sequence[Statement], tell: _Lists, style: Style, pool: Pool
) -> Iterator[str]:
    """Probabilities that stand together are told in one sentence: of the same in several cases, or plain."""
    for i, (_, group) in enumerate(groupby(statements, key=_common)):
        run = list(group)
        for start in range(0, len(run), _MOST_GATHERED):
            some = run[start : start + _MOST_GATHERED]
            if len(some) == 1:
                yield from _statements(some, tell, replace(style, alternate=style.alternate >> i), pool)
                continue
            table = pool.cases if some[0].term.given else pool.gathered
            gathering = _alternatives(table, style.conditional)[style.alternate >> i & 1]
            yield _stated(
                gathering.whole, some[0], tell, style.shares, _members(gathering, some, tell, style)
            )


def _common(statement: Statement) -> Assignment:
    """What statements must have in common to be gathered: the event, or that they have no condition."""
    return statement.term.event if statement.term.given else ()


def _members(gathering: Gathering, statements: Sequence[Statement], tell: _Lists, style: Style) -> str:
    return gathering.join(
        [_stated(gathering.item, statement, tell, style.shares) for statement in statements]
    )


def _instruction(query: Query, said: list[Said], style: Style, pool: Pool) -> str:
    if style.instruction < 0 or not pool.instructions:
        return ""
    roles = {
        "x": said[query.treatment],
        "y": said[query.outcome],
        "code": {"": query.task},
        "task": {"": TASK_NAMES[query.task]},
    }
    return _fill(_pick(pool.instructions, style.instruction), roles)


def _question(
    query: Query,
    variables: tuple[Variable, ...],
    said: list[Said],
    tell: _Lists,
    style: Style,
    pool: Pool,
) -> str:
    template = _pick(pool.questions[query.task], style.question)
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
        "extreme": {"": "smallest" if query.bound == "lower" else "largest"},
    }
    if query.held:
        roles["held"] = {form: tell[query.held, form] for role, form in template.slots if role == "held"}
    return _fill(template, roles)
