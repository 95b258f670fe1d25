"""Problems in the words of a language model, kept only where they still tell the same problem.

A rewrite is read again without the record. It is kept if every arrow, number, name, level and the question
are unchanged (`caugym.problems.meaning`) and its answer is; otherwise the item keeps its own words, and the
row says why the rewrite was refused. What cannot be read is refused too, so a model does best with the
wordings that it is shown.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from caugym.core.estimand import Sets
from caugym.core.streams import stream
from caugym.data.row import Row
from caugym.problems.certificate import translated
from caugym.problems.difficulty import difficulty
from caugym.problems.generate import Item
from caugym.problems.meaning import same_meaning
from caugym.problems.read import read
from caugym.problems.solution import worked
from caugym.problems.solve import solve
from caugym.problems.transforms import TRANSFORMS
from caugym.problems.verbalise import random_style, verbalise

Ask = Callable[[Sequence[str], Sequence[str]], Sequence[str]]
"""Prompts, and a name for the random stream of each, to replies."""

REQUEST = """\
Write the problem below in other words. Keep its meaning to the letter: every direct effect and its \
direction, every probability with all its digits and conditions, every name and level, and the question with \
its "more" or "less". Add nothing, leave nothing out, explain nothing. You may change the order of the \
sentences and, sentence by sentence, use the wording of either text.

PROBLEM
{problem}

THE SAME PROBLEM IN OTHER WORDS
{other}

Reply with the new text alone."""


@dataclass(frozen=True, slots=True)
class Rewriter:
    """A language model that rewrites problems.

    Attributes:
        name: As recorded with every row.
        ask: Asks it.
    """

    name: str
    ask: Ask

    def __call__(self, items: Sequence[Item]) -> list[Item]:
        """The items, each in the model's words where these tell the same problem."""
        replies = self.ask([request(item) for item in items], [item.id for item in items])
        return [
            replace(rewritten(item, reply), rewriter=self.name)
            for item, reply in zip(items, replies, strict=True)
        ]


def request(item: Item) -> str:
    """What the model is asked for an item."""
    style = random_style(stream("rewrite", item.id), TRANSFORMS[item.set].pool)
    return REQUEST.format(problem=item.prompt, other=verbalise(item.problem, style))


def rewritten(item: Item, reply: str) -> Item:
    """The item in the words of a reply; as it was, and ``refused`` says why, if their meaning differs."""
    text = reply.rpartition("</think>")[2].strip().strip("`").strip()
    if reasons := same_meaning(item.problem, text):
        return replace(item, refused=", ".join(dict.fromkeys(reason.partition(":")[0] for reason in reasons)))
    if text == item.prompt:
        return replace(item, refused="unchanged")
    problem = read(text)
    solution = solve(problem)
    answer, gold = solution.answer, item.gold
    if (answer.status, answer.value, answer.answer) != (gold.status, gold.value, gold.answer):
        return replace(item, refused="answer")
    return replace(
        item,
        prompt=text,
        problem=problem,
        gold=answer,
        solution=worked(solution),
        certificate=translated(item.certificate, item.problem, problem, solution.sets or Sets()),
        difficulty=difficulty(solution),
    )


def account(rows: Iterable[Row]) -> str:
    """How many rewrites were kept, and why the others were refused: one line."""
    counts = Counter(row["provenance"]["refused"] for row in rows if row["provenance"]["rewriter"])
    reasons = "; ".join(f"{count:,} {reason}" for reason, count in counts.most_common() if reason)
    return f"{counts['']:,} of {counts.total():,} rewrites kept" + (
        f"; refused: {reasons}" if reasons else ""
    )
