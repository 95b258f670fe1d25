from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caugym.core.errors import InputError
from caugym.core.graph import DAG, bits, mask
from tests.core.units import dags


def is_open(dag: DAG, path: list[int], observed: set[int]) -> bool:
    for a, v, b in zip(path, path[1:], path[2:], strict=False):
        if dag.parents[v] >> a & 1 and dag.parents[v] >> b & 1:
            if not observed & set(bits(dag.descendants(1 << v))):
                return False
        elif v in observed:
            return False
    return True


def paths(dag: DAG, a: int, b: int) -> list[list[int]]:
    """All simple paths, arrows in any direction."""
    found, stack = [], [[a]]
    while stack:
        path = stack.pop()
        if path[-1] == b:
            found.append(path)
            continue
        beside = dag.parents[path[-1]] | dag.children[path[-1]]
        stack += [[*path, v] for v in bits(beside) if v not in path]
    return found


@given(dags(2, 6), st.data())
def test_separation_is_the_absence_of_an_open_path(dag: DAG, data: st.DataObject) -> None:
    a, b = data.draw(st.permutations(range(dag.n)))[:2]
    observed = data.draw(st.sets(st.sampled_from(range(dag.n)))) - {a, b}
    any_open = any(is_open(dag, path, observed) for path in paths(dag, a, b))
    assert dag.separated(1 << a, 1 << b, mask(observed)) is not any_open
    shown = dag.open_path(1 << a, 1 << b, mask(observed))
    assert (shown is not None) == any_open
    if shown is not None:
        assert shown in paths(dag, a, b)
        assert is_open(dag, shown, observed)


@given(dags(3, 6), st.data())
def test_sets_are_separated_exactly_when_their_members_are(dag: DAG, data: st.DataObject) -> None:
    roles = data.draw(st.lists(st.sampled_from("abgo"), min_size=dag.n, max_size=dag.n))
    a, b, observed = (mask(v for v in range(dag.n) if roles[v] == role) for role in "abg")
    by_members = all(dag.separated(1 << u, 1 << v, observed) for u in bits(a) for v in bits(b))
    assert dag.separated(a, b, observed) == by_members == (dag.open_path(a, b, observed) is None)


@given(dags(2, 7))
def test_ancestors_descendants_and_paths_agree(dag: DAG) -> None:
    for u, v in combinations(range(dag.n), 2):
        for a, b in ((u, v), (v, u)):
            path = dag.directed_path(a, b)
            assert (path is not None) == bool(dag.descendants(1 << a) >> b & 1)
            assert (path is not None) == bool(dag.ancestors(1 << b) >> a & 1)
            if path is not None:
                assert (path[0], path[-1]) == (a, b)
                assert set(pairwise(path)) <= set(dag.edges())


@given(dags(2, 7), st.data())
def test_surgery_removes_the_named_arrows_and_no_others(dag: DAG, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, (1 << dag.n) - 1))
    assert dag.without_arrows_into(cut).edges() == [e for e in dag.edges() if not cut >> e[1] & 1]
    assert dag.without_arrows_out_of(cut).edges() == [e for e in dag.edges() if not cut >> e[0] & 1]


@given(dags(2, 7))
def test_order_puts_causes_first(dag: DAG) -> None:
    assert sorted(dag.order) == list(range(dag.n))
    assert all(dag.order.index(cause) < dag.order.index(effect) for cause, effect in dag.edges())
    assert DAG.from_edges(dag.n, dag.edges()) == dag


@given(dags(3, 6), st.data())
def test_a_graph_with_a_cycle_is_refused_and_the_cycle_shown(dag: DAG, data: st.DataObject) -> None:
    cause, effect = data.draw(st.permutations(range(dag.n)))[:2]
    back = dag.directed_path(effect, cause)
    if back is None:
        return
    with pytest.raises(InputError) as caught:
        DAG.from_edges(dag.n, [*dag.edges(), (cause, effect)])
    message = str(caught.value)
    assert "\n" not in message
    shown = [int(v) for v in message.removeprefix("the arrows ").split(" form ")[0].split(" -> ")]
    assert shown[0] == shown[-1]
    assert set(pairwise(shown)) <= {*dag.edges(), (cause, effect)}


@pytest.mark.parametrize(
    ("n", "edges", "message"),
    [
        (2, [(0, 0)], "the arrows 0 -> 0 form a cycle; remove one of them"),
        (2, [(0, 2)], "the arrow 0 -> 2 names a variable outside 0 to 1"),
        (2, [(-1, 0)], "the arrow -1 -> 0 names a variable outside 0 to 1"),
    ],
)
def test_impossible_arrows_are_refused(n: int, edges: list[tuple[int, int]], message: str) -> None:
    with pytest.raises(InputError, match=f"^{message}$"):
        DAG.from_edges(n, edges)


def test_a_parent_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InputError, match="variable 1 has a parent outside 0 to 1"):
        DAG((0, 0b100))


@given(dags(2, 6), st.data())
def test_what_is_relevant_is_the_smallest_sufficient_condition(dag: DAG, data: st.DataObject) -> None:
    event = 1 << data.draw(st.integers(0, dag.n - 1))
    condition = data.draw(st.integers(0, (1 << dag.n) - 1)) & ~event
    kept = dag.relevant(event, condition)
    assert dag.separated(event, condition & ~kept, kept)
    for v in bits(kept):
        assert not dag.separated(event, condition & ~(kept ^ 1 << v), kept ^ 1 << v)
