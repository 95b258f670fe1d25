"""The table of wordings: every sentence that our base problems are told in, each written once.

A wording is a template such as ``"{Cause} {cause:has} a direct effect on {effect}."``. `Wording` derives both
directions from it: the format that `caugym.problems.verbalise` fills and the pattern that
`caugym.problems.read` matches. In a field, the part before the colon is the role, with a capital where the
role opens the sentence; the part after it asks for the verb that agrees with the role, or says how the
members of a list of assignments are told ("x being high", "x is high").

Reading is unambiguous because names and levels contain none of the `RESERVED` words and no punctuation, so
the first place where the words around a field fit is the only one. `caugym.problems.rewording` holds further
wordings, which the base problems never use.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from caugym.core.errors import InputError
from caugym.core.query import Task

_RESERVED = """
    act acts affects after all among and any are as at be become becoming been being between bound but by
    causes chance changes could depends direct directly do does each effect either every exert exerts given
    go-betweens had has have having if include influences instead intervention is it its itself less likely
    mediator more nothing on once only or probability remain remains respond responds than that their them
    then they this those through throughout to was were what when where which while who whose with would
"""
RESERVED = frozenset(_RESERVED.split())
"""Words that names of variables and levels may not contain."""

VERBS = {
    "has": ("has", "have"),
    "is": ("is", "are"),
    "was": ("was", "were"),
    "affects": ("affects", "affect"),
    "depends": ("depends", "depend"),
    "being": ("being", "being"),
    "held at": ("held at", "held at"),
    "acts": ("acts", "act"),
    "exerts": ("exerts", "exert"),
    "fixed at": ("fixed at", "fixed at"),
    "kept at": ("kept at", "kept at"),
    "remains": ("remains", "remain"),
    "responds": ("responds", "respond"),
    "takes": ("takes", "take"),
    "works": ("works", "work"),
}
"""Third person singular and plural of every verb (or its stand-in) that a template asks for."""

TASK_NAMES: dict[Task, str] = {
    "ATE": "average treatment effect",
    "CDE": "controlled direct effect",
    "ETT": "effect of treatment on the treated",
    "NDE": "natural direct effect",
    "NIE": "natural indirect effect",
    "PN": "probability of necessity",
    "PS": "probability of sufficiency",
}
"""The tasks in words."""

NAMES = frozenset({"cause", "effect", "x", "y"})
_PLAIN = r"[^.,:;?()\n]{1,80}"
SHARE = (
    r"(?:[0-9]{1,3}(?:,?[0-9]{3}){0,2} (?:in|out of) 1(?:,?0){1,6}+"
    r"|(?>[0-9]{1,3}(?:\.[0-9]{1,12})?%?))"
)
"""A probability as a decimal, a percentage or a frequency; see `caugym.problems.shares`."""
_FIELDS = {
    "cause": "[^.]{1,80}",  # the loose class is much the fastest; the reader checks names and lists anyway
    "effect": "[^.]{1,80}",
    "event": "[^.]{1,900}",
    "given": "[^.]{1,900}",
    "held": r"[^.:;?()\n]{1,900}",
    "causes": "[^.]{1,900}",
    "effects": "[^.]{1,900}",
    "p": r"(?>[0-9]{1,3}(?:\.[0-9]{1,12})?)",
    "share": SHARE,
    "more": "more|less",
    "bound": "lower|upper",
    "extreme": "smallest|largest",
    "code": "|".join(TASK_NAMES),
    "task": "|".join(TASK_NAMES.values()),
    "levels": r"[^.:;?()\n]{1,200} or [^.:;?()\n]{1,200}",
}

MOST_VARIABLES = 64
"""A graph with more is refused; nobody could solve it."""


class Unreadable(InputError):
    """A text that is not a problem in any wording we know; the message quotes the place."""


def unreadable(why: str, quote: str = "") -> Unreadable:
    """The error for a sentence that cannot be read; long quotes are shortened."""
    quote = " ".join(quote[:300].split())
    short = quote if len(quote) <= 90 else quote[:87] + "..."
    return Unreadable(f"{why}: {short!r}" if short else why)


def opened(text: str) -> str:
    """The text as a sentence begins with it: a capital, unless it starts with an acronym or a lone letter.

    >>> opened("sleep"), opened("GDP growth"), opened("pH value")
    ('Sleep', 'GDP growth', 'pH value')
    """
    return text[0].upper() + text[1:] if text[1:2].islower() else text


def unopened(text: str) -> str:
    """The inverse of `opened`, for names that have no capital of their own before a small letter."""
    return text[0].lower() + text[1:] if text[1:2].islower() else text


@dataclass(frozen=True, slots=True)
class Wording:
    """One way to tell one kind of sentence.

    Attributes:
        template: As in the tables below.
        format: The template with ``%s`` for every field.
        slots: (role, form) of every field. The form is "" for a plain name, level or number, a key of
            `VERBS` otherwise; a final ``^`` says that the field opens the sentence.
        pattern: The regular expression that the sentence matches, with one group for each slot in `groups`.
        groups: The slots that carry meaning (verbs that agree with a name carry none).
    """

    template: str
    format: str
    slots: tuple[tuple[str, str], ...]
    pattern: str
    groups: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, template: str, members: str = "") -> "Wording":
        """Derive both directions from a template; ``members`` is the pattern of a field of that name."""
        text, pattern = "", ""
        slots: list[tuple[str, str]] = []
        groups: list[tuple[str, str]] = []
        for number, part in enumerate(re.split(r"\{(.+?)\}", template)):
            if number % 2 == 0:
                text += part
                pattern += re.escape(part)
                continue
            role, _, verb = part.partition(":")
            slot = (role.lower(), verb + "^" * role[0].isupper())
            text += "%s"
            slots.append(slot)
            if slot[0] in NAMES and verb:
                pattern += f"(?:{'|'.join(dict.fromkeys(VERBS[verb]))})"
                continue
            groups.append(slot)
            pattern += f"({members if slot[0] == 'members' else _FIELDS.get(slot[0], _PLAIN)})"
        return cls(template, text, tuple(slots), pattern, tuple(groups))


@dataclass(frozen=True, slots=True)
class Listing:
    """A way to declare the levels variable by variable: ``opening item between item closing``.

    With nothing between, each item is a sentence of its own.
    """

    opening: str
    item: Wording
    between: str
    closing: str


@dataclass(frozen=True, slots=True)
class Gathering:
    """A way to tell several statements in one sentence.

    Attributes:
        whole: The sentence, with the field ``members``; an event told there is common to all members.
        item: One member.
        simple: Whether commas part members that hold no list; all others are parted by semicolons.
        split: Finds where one member ends and the next begins.
    """

    whole: Wording
    item: Wording
    simple: bool
    split: re.Pattern[str]

    @classmethod
    def of(cls, whole: str, item: str, simple: bool = True) -> "Gathering":
        """Derive both directions from two templates; members begin with a share or a word of their own."""
        start = SHARE.join(map(re.escape, re.split(r"\{(?!share)", item)[0].split("{share}")))
        rest = r"[^.]{0,4000}+(?:\.[0-9][^.]{0,4000}+){0,64}+"  # a full stop before a digit ends nothing
        split = re.compile(f"(?:; and |; |, | and )(?={start})")
        return cls(Wording.of(whole, f"(?={start}){rest}"), Wording.of(item), simple, split)

    def join(self, members: list[str]) -> str:
        """The members as one text."""
        simple = self.simple and not any(" and " in member for member in members)
        return (", " if simple else "; ").join(members[:-1]) + (" and " if simple else "; and ") + members[-1]


@dataclass(frozen=True, slots=True)
class Pool:
    """Wordings of every kind of sentence; a problem is told out of one pool.

    Attributes:
        frames: Before the arrows.
        edges: One arrow.
        fans_out: Several arrows out of one cause.
        fans_in: Several arrows into one effect.
        shared_levels: The levels that all variables have.
        levels: The levels of each variable.
        marginals: The probability of one assignment.
        joints: The probability of several assignments at once.
        conditionals: The probability of one or several assignments under a condition.
        gathered: Several probabilities.
        cases: The probabilities of the same under several conditions.
        instructions: The task's name; none where it is left out.
        questions: By task.
        formats: How to answer, with ``{json}`` for the example.
    """

    frames: tuple[str, ...]
    edges: tuple[Wording, ...]
    shared_levels: tuple[Wording, ...]
    levels: tuple[Listing, ...]
    marginals: tuple[Wording, ...]
    joints: tuple[Wording, ...]
    conditionals: tuple[Wording, ...]
    instructions: tuple[Wording, ...]
    questions: Mapping[Task, tuple[Wording, ...]]
    formats: tuple[str, ...]
    fans_out: tuple[Wording, ...] = ()
    fans_in: tuple[Wording, ...] = ()
    gathered: tuple[Gathering, ...] = ()
    cases: tuple[Gathering, ...] = ()
    effect_formats: tuple[str, ...] = field(init=False)
    probability_formats: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        for name, example in (("effect", EFFECT_EXAMPLE), ("probability", PROBABILITY_EXAMPLE)):
            told = tuple(each.replace("{json}", example) for each in self.formats)
            object.__setattr__(self, f"{name}_formats", told)


EFFECT_EXAMPLE = '{"ANSWER": "Yes", "PROB": "0.1234"}'
PROBABILITY_EXAMPLE = '{"PROB": "0.1234"}'


def table(*templates: str) -> tuple[Wording, ...]:
    """The wordings of one kind of sentence."""
    return tuple(Wording.of(template) for template in templates)


FRAMES = (
    "Consider a closed world in which only the following holds.",
    "Suppose that these are the only causal links.",
    "Nothing but the following direct effects is at work.",
    "Assume that there are no causes beyond those listed here.",
)

EDGES = table(
    "{Cause} {cause:has} a direct effect on {effect}.",
    "{Cause} directly {cause:affects} {effect}.",
    "{Effect} {effect:is} directly influenced by {cause}.",
    "There is a direct effect of {cause} on {effect}.",
    "{Effect} directly {effect:depends} on {cause}.",
)

SHARED_LEVELS = table(
    "Each factor is either {levels}.",
    "Every factor can be {levels}.",
    "The levels of each factor are {levels}.",
    "Each of these takes the level {levels}.",
)

LEVELS = (
    Listing("", Wording.of("{X} {x:is} either {levels}."), "", ""),
    Listing("", Wording.of("{X} can be {levels}."), "", ""),
    Listing("Levels: ", Wording.of("{x} ({levels})"), ", ", "."),
    Listing("In every case, ", Wording.of("{x} {x:is} {levels}"), "; ", "."),
)

MARGINALS = table(
    "The probability of {event:being} is {p}.",
    "The probability that {event:is} is {p}.",
    "{Event:being} has probability {p}.",
    "With probability {p}, {event:is}.",
)

JOINTS = table(
    "The probability of {event:being} is {p}.",
    "The joint probability of {event:being} is {p}.",
    "{Event:being} occur together with probability {p}.",
    "The chance that {event:is} at once is {p}.",
)

CONDITIONALS = table(
    "For those with {given:being}, the probability of {event:being} is {p}.",
    "Given {given:being}, the probability that {event:is} is {p}.",
    "When {given:is}, then {event:is} with probability {p}.",
    "Among those with {given:being}, the chance of {event:being} is {p}.",
    "The conditional probability of {event:being} given {given:being} is {p}.",
)

INSTRUCTIONS = table(
    "Consider the {task} ({code}) of {x} on {y}.",
    "Find the {code} of {x} on {y}.",
    "We want to know the {task} of {x} on {y}.",
    "The quantity of interest is the {code}, or {task}, of {x} on {y}.",
)

QUESTIONS: dict[Task, tuple[Wording, ...]] = {
    "ATE": table(
        "If {x} {x:is} changed to be {to}, will {y} be {more} likely to be {level}?",
        "Would {y} be {more} likely to be {level} if {x} were set to {to} for everyone?",
        "Is {y} {more} likely to be {level} when {x} {x:is} moved from {original} to {to}?",
        "Suppose {x} {x:is} switched from {original} to {to}: will {y} be {more} likely to be {level}?",
    ),
    "CDE": table(
        "With {held:held at}, if {x} {x:is} changed to be {to}, will {y} be {more} likely to be {level}?",
        "Would {y} be {more} likely to be {level} if {x} were set to {to} with {held:held at}?",
        "Imagine {held:held at}: if {x} had been {to}, would {y} have been {more} likely to be {level}?",
        "With {held:held at}, is {y} {more} likely to be {level} "
        "when {x} {x:is} moved from {original} to {to}?",
    ),
    "ETT": table(
        "For those with {x} being {original}, if {x} had been {to}, "
        "would {y} have been {more} likely to be {level}?",
        "Had {x} been {to}, would {y} have been {more} likely to be {level} "
        "among those with {x} being {original}?",
        "Take those with {x} being {original}: would {y} have been {more} likely to be {level} "
        "had {x} been {to}?",
        "Would those with {x} being {original} have been {more} likely to have {y} being {level} "
        "if {x} had been {to}?",
    ),
    "NDE": table(
        "While every mediator stays as under {x} being {original}, if {x} {x:is} changed to be {to}, "
        "will {y} be {more} likely to be {level}?",
        "Would {y} be {more} likely to be {level} if {x} were set to {to}, "
        "with each mediator as it is under {x} being {original}?",
        "Keep each mediator as under {x} being {original}: if {x} had been {to}, "
        "would {y} have been {more} likely to be {level}?",
        "While no mediator responds, is {y} {more} likely to be {level} "
        "when {x} {x:is} moved from {original} to {to}?",
    ),
    "NIE": table(
        "If {x} {x:is} kept {original} but every mediator changes to its value under {x} being {to}, "
        "will {y} be {more} likely to be {level}?",
        "Would {y} be {more} likely to be {level} if {x} were kept at {original}, "
        "with each mediator as it is under {x} being {to}?",
        "Shift each mediator to its value under {x} being {to}: if {x} still had been {original}, "
        "would {y} have been {more} likely to be {level}?",
        "Is {y} {more} likely to be {level} when only the mediator values respond "
        "as if {x} had moved from {original} to {to}?",
    ),
    "PN": table(
        "Given that {x} {x:was} {original} and {y} {y:was} {other}, what is the {bound} bound of the "
        "probability that {y} would have been {level} had {x} been {to}?",
        "What is the {bound} bound of the probability that {y} would have been {level} if {x} had been {to}, "
        "given that {x} {x:was} {original} and {y} {y:was} {other}?",
        "Suppose {x} {x:was} {original} and {y} {y:was} {other}: what is the {bound} bound of the "
        "probability that without this {y} would have been {level}, {x} being {to}?",
        "{X} {x:was} {original} and {y} {y:was} {other}; give the {bound} bound of the probability that "
        "{x} being {to} instead would have left {y} at {level}.",
    ),
    "PS": table(
        "Given that {x} {x:was} {original} and {y} {y:was} {other}, what is the {bound} bound of the "
        "probability that {x} being {to} would have been enough for {y} to be {level}?",
        "What is the {bound} bound of the probability that {x} being {to} would have sufficed for {y} "
        "to be {level}, given that {x} {x:was} {original} and {y} {y:was} {other}?",
        "Suppose {x} {x:was} {original} and {y} {y:was} {other}: what is the {bound} bound of the "
        "probability that turning {x} to {to} is sufficient for {y} to be {level}?",
        "{X} {x:was} {original} and {y} {y:was} {other}; give the {bound} bound of the probability that "
        "{x} being {to} is all it takes for {y} to be {level}.",
    ),
}

FORMATS = (
    "Reply with JSON like {json} (four decimals), or with LACK_CONDITION if the given information does not "
    "determine the answer.",
    "Give the result to four decimals as {json}; if what is given does not determine it, "
    "reply LACK_CONDITION.",
    "If the information above is not enough, answer LACK_CONDITION; otherwise answer {json}, "
    "with four decimals.",
    "Answer in the form {json}, rounded to four decimals. Say LACK_CONDITION if the answer does not follow.",
)

BASE = Pool(
    FRAMES, EDGES, SHARED_LEVELS, LEVELS, MARGINALS, JOINTS, CONDITIONALS, INSTRUCTIONS, QUESTIONS, FORMATS
)
"""The wordings of all sets but `rephrased`, which uses none of them."""
