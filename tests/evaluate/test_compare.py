"""Summaries and comparisons of runs, and the tables that show them."""

from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from scipy import stats as scipy_stats

from caugym.core.errors import InputError
from caugym.evaluate.compare import compare
from caugym.evaluate.prose import sentences
from caugym.evaluate.records import Run
from caugym.evaluate.run import run
from caugym.evaluate.summary import parts, scores, summary
from caugym.evaluate.tables import NONE, accuracy_sheet, comparison_sheet, percent, probability
from tests.evaluate.toy import TASKS, Toy, questions


def test_a_summary_counts_every_reply_once(pair: tuple[Run, Run]) -> None:
    whole, divided = summary(pair[0].path), parts(pair[0].path)
    assert whole.strict.problems == 140
    assert whole.strict.replies == sum(whole.verdicts.values()) == 420
    assert list(divided) == list(TASKS)
    assert sum(part.strict.replies for part in divided.values()) == 420
    right = sum(record["strict"]["correct"] for record in pair[0].records)
    assert whole.strict.value == pytest.approx(right / 420)
    assert whole.verdicts["correct"] == right


def test_one_try_never_beats_several(pair: tuple[Run, Run]) -> None:
    for each in (summary(pair[0]), summary(pair[1])):
        assert each.passed.value is not None
        assert each.voted.value is not None
        assert each.strict.value is not None
        assert each.strict.value <= each.passed.value
        assert each.voted.value <= each.passed.value


def test_a_run_does_not_differ_from_itself(pair: tuple[Run, Run]) -> None:
    for row in compare([pair[0], pair[0]]):
        assert row.difference.value == 0
        assert row.difference.p == row.adjusted == 1
        assert row.difference.low is None
        assert row.difference.reason == "no problem differs"


def test_a_stronger_run_is_found_stronger(pair: tuple[Run, Run]) -> None:
    first, *tasks = compare(pair)
    assert first.name == "all"
    assert [row.name for row in tasks] == list(TASKS)
    assert first.before.value is not None
    assert first.after.value is not None
    assert first.difference.value == pytest.approx(first.after.value - first.before.value)
    assert first.difference.low is not None
    assert first.difference.low > 0
    assert first.adjusted is not None
    assert first.adjusted < 0.001
    adjusted = [row.adjusted for row in tasks]
    raw = [row.difference.p for row in tasks]
    assert all(a is not None and p is not None and a >= p for a, p in zip(adjusted, raw, strict=True))


def test_the_probability_agrees_with_scipy(pair: tuple[Run, Run]) -> None:
    one, other = scores(pair[0]), scores(pair[1])
    steps = [other[i][0] - one[i][0] for i in one]
    theirs = scipy_stats.wilcoxon(steps, zero_method="wilcox")
    ours = compare(pair)[0].difference.p
    assert ours is not None
    assert (ours < 0.05) == (theirs.pvalue < 0.05)
    few = steps[:12]
    exact = scipy_stats.permutation_test(
        (few,), lambda x: abs(sum(x)), permutation_type="samples", alternative="greater", n_resamples=10**6
    )
    from caugym.evaluate.stats import sign_flip

    assert sign_flip(few) == pytest.approx(exact.pvalue)


def test_only_common_problems_are_compared(pair: tuple[Run, Run], tmp_path: Path) -> None:
    part = run(Toy(), questions(200)[100:], tmp_path / "part", samples=1, progress=False)
    assert compare([pair[0], part])[0].difference.problems == 40
    other = run(Toy(), questions(9, prefix="other"), tmp_path / "other", samples=1, progress=False)
    with pytest.raises(InputError, match="share no problem"):
        compare([pair[0], other])
    reworded = [replace(q, text=q.text + " Really?") for q in questions(9)]
    changed = run(Toy(), reworded, tmp_path / "changed", samples=1, progress=False)
    with pytest.raises(InputError, match="reads differently"):
        compare([pair[0], changed])
    with pytest.raises(InputError, match="at least two"):
        compare([pair[0]])


def test_problems_answered_in_part_are_not_compared(pair: tuple[Run, Run]) -> None:
    partly = replace(pair[1], info={**pair[1].info, "finished": None}, records=pair[1].records[:100])
    assert compare([pair[0], partly])[0].difference.problems == 33
    assert any("100 of 420 replies" in note for note in comparison_sheet([pair[0], partly]).notes)


def test_tables_fit_a_terminal(pair: tuple[Run, Run], tmp_path: Path) -> None:
    long = run(Toy(), questions(140), tmp_path / "a-run-with-a-very-long-name-indeed", progress=False)
    console = Console(width=80, record=True, file=None, force_terminal=False)
    sheets = [accuracy_sheet(long), comparison_sheet(pair), comparison_sheet([*pair, long])]
    with console.capture() as capture:
        for sheet in sheets:
            console.print(sheet.rich())
    lines = capture.get().splitlines()
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    for task in TASKS:
        assert task in text
    for row in sheets[2].rows:  # nothing was folded or cut
        assert any(all(cell in line for cell in row) for line in lines), row


def test_undefined_is_a_dash_with_its_reason(tmp_path: Path) -> None:
    asked = [replace(q, label=None) for q in questions(4)]
    unlabelled = run(Toy(), asked, tmp_path / "run", samples=2, progress=False)
    row = accuracy_sheet(unlabelled).rows[-1]
    assert row[2:] == (NONE,) * 6
    assert sentences([unlabelled]) == ["“run” cannot be judged: no graded reply."]
    same = comparison_sheet([unlabelled, unlabelled])
    assert any("no graded problem in common" in note for note in same.notes)


def test_markdown_has_one_cell_a_column(pair: tuple[Run, Run]) -> None:
    for sheet in (accuracy_sheet(pair[0]), comparison_sheet(pair), comparison_sheet([*pair, pair[0]])):
        table = [line for line in sheet.markdown().splitlines() if line.startswith("|")]
        assert len({line.count("|") for line in table}) == 1
        assert len(table) == len(sheet.rows) + 2


def test_figures_are_printed_plainly() -> None:
    assert percent(None) == NONE
    assert percent(-0.0312, sign=True) == "\N{MINUS SIGN}3.1"
    assert percent(0.0001, sign=True) == "0.0"
    assert probability(0.0) == "<0.001"


def test_sentences_say_what_was_found(pair: tuple[Run, Run]) -> None:
    lead, tasks = sentences(pair)
    assert "a gain of" in lead
    assert "p < 0.001" in lead
    assert "a clear loss on none" in tasks
    assert "a loss of" in sentences(pair[::-1])[0]
    assert sentences([pair[0], pair[0]])[0].endswith("no difference.")
    assert "140 problems, 3 replies to each" in sentences([pair[0]])[0]
