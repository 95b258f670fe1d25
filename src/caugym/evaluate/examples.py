"""Which problems a report shows in full, and what the engine says about them."""

from collections.abc import Sequence
from dataclasses import dataclass

from caugym.core.errors import InputError
from caugym.core.estimand import Sets
from caugym.core.graph import bits
from caugym.data.questions import Question
from caugym.evaluate.diagram import diagram
from caugym.evaluate.records import Record, Run
from caugym.evaluate.stats import Score
from caugym.evaluate.summary import scores
from caugym.problems.problem import Problem
from caugym.problems.read import read
from caugym.problems.solution import worked
from caugym.problems.solve import Solution, solve


@dataclass(frozen=True)
class Example:
    """A problem shown in full.

    Attributes:
        question: The question as asked.
        scores: How each run does on it.
        replies: A typical reply of each run: the first that is graded as most of its replies are.
        graph: Its causal graph as SVG; empty where the text cannot be read.
        steps: The worked solution; empty where there is none.
    """

    question: Question
    scores: tuple[Score, ...]
    replies: tuple[Record, ...]
    graph: str
    steps: tuple[str, ...]


def examples(runs: Sequence[Run]) -> list[Example]:
    """For each task the problem that the last run gained most on, then the most lost and the least solved.

    With one run: for each task the problem that it solves least. Ties go to a problem whose answer is not 0,
    then to the one asked first.
    """
    solved = [scores(run) for run in runs]
    common = [i for i in solved[0] if all(i in each and each[i][1] for each in solved)]
    if not common:
        return []
    questions = runs[0].questions
    common.sort(key=lambda i: getattr(questions[i].label, "value", None) == "0.0000")
    share = [{i: each[i][0] / each[i][1] for i in common} for each in solved]
    first, last = share[0], share[-1]
    gain = {i: last[i] - first[i] if len(runs) > 1 else -last[i] for i in common}
    by_task: dict[str, list[str]] = {}
    for i in common:
        by_task.setdefault(questions[i].task or "", []).append(i)
    chosen = [max(by_task[task], key=gain.__getitem__) for task in sorted(by_task)]
    if len(runs) > 1:
        chosen += [min(common, key=gain.__getitem__), min(common, key=last.__getitem__)]
    return [_example(runs, [each[i] for each in solved], i) for i in dict.fromkeys(chosen)]


def _example(runs: Sequence[Run], each: list[Score], id_: str) -> Example:
    question = runs[0].questions[id_]
    replies = []
    for run, (right, asked) in zip(runs, each, strict=True):
        graded = [record for record in run.replies[id_] if record["strict"]]
        usual = 2 * right >= asked
        replies.append(next(record for record in graded if record["strict"]["correct"] == usual))
    graph, steps = pictured(question.text)
    return Example(question, tuple(each), tuple(replies), graph, steps)


def pictured(text: str) -> tuple[str, tuple[str, ...]]:
    """The graph of a question as SVG and its worked solution; both empty where the text cannot be read."""
    try:
        problem = read(text)
        solution = solve(problem)
    except InputError:
        return "", ()
    names = [variable.name for variable in problem.variables]
    return diagram(problem.dag, names, _roles(problem, solution)), worked(solution)


def _roles(problem: Problem, solution: Solution) -> dict[int, str]:
    query, sets = problem.query, solution.sets or Sets()
    roles = dict.fromkeys(bits(sets.adjust), "adjusted for")
    roles |= dict.fromkeys(bits(sets.mediators), "mediator") | {v: "held fixed" for v, _ in query.held}
    return roles | {query.treatment: "treatment", query.outcome: "outcome"}
