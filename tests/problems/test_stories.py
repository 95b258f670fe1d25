"""Stories and nonsense names: what every name must keep to, and what `place` and `nonsense` promise."""

import re
from collections import Counter
from itertools import combinations, permutations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caugym.core.graph import DAG
from caugym.problems import names
from caugym.problems.names import half, nonsense
from caugym.problems.problem import Variable
from caugym.problems.stories import STORIES, Story, place
from caugym.problems.wording import RESERVED

FIELDS = ("economics", "education", "engineering", "environment", "everyday", "law", "medicine")
SPLITS = ("train", "validation", "test")
MORE_UNSAYABLE = """
a all among an and answer be bound cause causes chance do effect for from given had has have if in
influences is it its lead leads less level levels likely mediator more no nor not on only or other people
probability suppose than that the their then those to unaffected was were which who with without would yes
"""
UNSAYABLE = RESERVED.union(MORE_UNSAYABLE.split())
VARIABLES = [(story, v) for story in STORIES for v in story.variables]
SEEDS = st.integers(min_value=0, max_value=2**32)
TELLERS = {v.name: story for story, v in VARIABLES}
DISTINCT = Counter(v.name for _, v in VARIABLES)


def words(text: str) -> list[str]:
    return text.lower().split(" ")


def inside(shorter: str, longer: str) -> bool:
    return re.search(rf"\b{re.escape(shorter)}\b", longer, re.IGNORECASE) is not None


@st.composite
def dags(draw: st.DrawFn, most: int = 10) -> DAG:
    n = draw(st.integers(min_value=1, max_value=most))
    order = draw(st.permutations(range(n)))
    arrows = [(order[i], order[j]) for i, j in combinations(range(n), 2) if draw(st.integers(0, 2)) == 0]
    return DAG.from_edges(n, arrows)


def told(variables: tuple[Variable, ...]) -> Story:
    [story] = {id(TELLERS[v.name]): TELLERS[v.name] for v in variables}.values()
    return story


def test_number_of_stories_and_fields() -> None:
    assert len(STORIES) >= 70
    assert tuple(sorted({story.field for story in STORIES})) == FIELDS
    assert min(Counter(story.field for story in STORIES).values()) >= 8


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.title)
class TestStory:
    def test_is_long_enough_for_any_graph_of_ten(self, story: Story) -> None:
        assert 10 <= len(story.variables) <= 12
        assert len({v.name for v in story.variables}) == len(story.variables)

    def test_names_can_be_said_and_read_back(self, story: Story) -> None:
        for v in story.variables:
            assert re.fullmatch(r"[A-Za-z]+(?:-[a-z]+)?(?: [A-Za-z]+)*", v.name), v.name
            assert 1 <= len(words(v.name)) <= 4, v.name
            assert v.name[:2].islower() or v.name[:2].isupper(), v.name
            assert not UNSAYABLE & set(words(v.name)), v.name

    def test_levels_are_two_short_words(self, story: Story) -> None:
        for v in story.variables:
            assert len(v.levels) == 2, v
            assert v.levels[0] != v.levels[1], v
            for level in v.levels:
                assert re.fullmatch(r"[a-z]+(?: [a-z]+)?", level), v
                assert not UNSAYABLE & set(words(level)), v

    def test_no_name_stands_inside_another(self, story: Story) -> None:
        for a, b in permutations(story.variables, 2):
            assert not inside(a.name, b.name), (a.name, b.name)

    def test_no_level_stands_inside_a_name(self, story: Story) -> None:
        levels = {level for v in story.variables for level in v.levels}
        for v in story.variables:
            assert not [level for level in levels if inside(level, v.name)], v.name

    def test_verbs_agree(self, story: Story) -> None:
        for v in story.variables:
            head = v.name.split(" of ")[0]
            assert v.plural == looks_plural(head), v


def looks_plural(name: str) -> bool:
    last = name.split(" ")[-1]
    return last.endswith("s") and not last.endswith(("ss", "us", "is", "ics")) and last != "diabetes"


def test_no_two_stories_share_a_name() -> None:
    assert [name for name, count in DISTINCT.items() if count > 1] == []


def test_titles_are_unique() -> None:
    assert len({story.title for story in STORIES}) == len(STORIES)


def test_a_third_of_every_field_is_reserved_for_tests() -> None:
    assert 0.25 <= sum(story.reserved for story in STORIES) / len(STORIES) <= 0.42
    for field in FIELDS:
        reserved = {story.reserved for story in STORIES if story.field == field}
        assert reserved == {True, False}, field


class TestPlace:
    @given(dags(), SEEDS, st.sampled_from(SPLITS))
    def test_arrows_follow_the_causal_order_of_one_story(self, dag: DAG, seed: int, split: str) -> None:
        placed = place(dag, Random(seed), split)
        assert placed is not None
        assert len({v.name for v in placed}) == dag.n
        story = told(placed)
        assert story.reserved == (split == "test")
        at = {v.name: i for i, v in enumerate(story.variables)}
        assert all(at[placed[cause].name] < at[placed[effect].name] for cause, effect in dag.edges())

    @given(dags(), SEEDS)
    def test_the_same_stream_gives_the_same_names(self, dag: DAG, seed: int) -> None:
        assert place(dag, Random(seed), "train") == place(dag, Random(seed), "train")

    @given(SEEDS)
    def test_no_story_is_long_enough(self, seed: int) -> None:
        assert place(DAG((0,) * 13), Random(seed), "train") is None

    def test_every_variable_is_used_in_its_own_split_only(self) -> None:
        rng, seen = Random(1), {split: set[str]() for split in ("train", "test")}
        chain = DAG.from_edges(5, [(0, 1), (1, 2), (2, 3), (3, 4)])
        for split, called in seen.items():
            for _ in range(5000):
                called.update(v.name for v in place(chain, rng, split) or ())
        assert not seen["train"] & seen["test"]
        assert len(seen["train"] | seen["test"]) == len(DISTINCT)

    def test_every_topological_order_comes_up(self) -> None:
        collider = DAG.from_edges(4, [(0, 3), (1, 3), (2, 3)])
        rng, orders = Random(2), set()
        for _ in range(400):
            placed = place(collider, rng, "train")
            assert placed is not None
            at = [told(placed).variables.index(v) for v in placed]
            orders.add(tuple(sorted(range(4), key=at.__getitem__)))
        assert orders == {(*causes, 3) for causes in permutations(range(3))}


class TestNonsense:
    @settings(max_examples=300)
    @given(SEEDS, st.integers(min_value=0, max_value=12), st.sampled_from(SPLITS))
    def test_names_are_sayable_and_apart(self, seed: int, k: int, split: str) -> None:
        made = nonsense(Random(seed), k, split)
        called = [v.name for v in made]
        assert len(made) == k
        assert {v.levels for v in made} <= {("low", "high")}
        for name in called:
            assert re.fullmatch(r"(?:[^aeiou]{1,2}[aeiou])(?:[^aeiou][aeiou]){1,2}[^aeiou]?", name)
            assert 5 <= len(name) <= 8
        assert not [(a, b) for a, b in permutations(called, 2) if b.startswith(a)]
        assert {half(name) for name in called} <= {int(split == "test")}

    @given(SEEDS, st.integers(min_value=1, max_value=12))
    def test_the_same_stream_gives_the_same_names(self, seed: int, k: int) -> None:
        assert nonsense(Random(seed), k, "train") == nonsense(Random(seed), k, "train")

    def test_halves_are_large_and_disjoint(self) -> None:
        rng = Random(4)
        train, test = ({v.name for _ in range(6000) for v in nonsense(rng, 12, s)} for s in ("train", "test"))
        assert min(len(train), len(test)) > 50_000
        assert not train & test

    def test_no_word_in_use_can_be_made(self) -> None:
        said = {word for _, v in VARIABLES for text in (v.name, *v.levels) for word in words(text)}
        stems, lasts = {stem for stem, _ in names._STEMS}, {last for ends in names._LAST for last in ends}
        for word in said | UNSAYABLE:
            can = any(word[:i] in stems and word[i:] in lasts for i in range(2, len(word)))
            assert len(word) < 5 or not can or word in names._REAL, word
