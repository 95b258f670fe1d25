import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from caugym.core import exact
from caugym.core.graph import DAG, bits, mask
from caugym.core.identify import on_indirect_paths
from caugym.core.query import Assignment, Query
from caugym.core.scm import SCM, Array, random_scm
from caugym.estimands import TABLE
from tests.core.units import dags, population, simulate

SEEDS = st.integers(0, 2**32)


def assignment(draw: st.DrawFn, variables: list[int], cards: tuple[int, ...]) -> Assignment:
    chosen = draw(st.sets(st.sampled_from(variables))) if variables else set()
    return tuple((v, draw(st.integers(0, cards[v] - 1))) for v in sorted(chosen))


def from_joint(joint: Array, event: Assignment) -> Array:
    where: list[slice | int] = [slice(None)] * joint.ndim
    for v, level in event:
        where[1 + v] = level
    result: Array = joint[tuple(where)].reshape(len(joint), -1).sum(1)
    return result


def surgery(scm: SCM, do: Assignment) -> SCM:
    """The model in which the variables of ``do`` have no parents and one level."""
    tables = list(scm.tables)
    for v, level in do:
        tables[v] = np.broadcast_to(np.eye(scm.cards[v])[level], (scm.batch, scm.cards[v]))
    return SCM(scm.dag.without_arrows_into(mask(v for v, _ in do)), tuple(tables), scm.cards)


@given(st.data(), dags(1, 6), SEEDS)
def test_probabilities_are_sums_over_the_joint_of_the_mutilated_model(
    data: st.DataObject, dag: DAG, seed: int
) -> None:
    cards = tuple(data.draw(st.lists(st.integers(2, 3), min_size=dag.n, max_size=dag.n)))
    scm = random_scm(dag, np.random.default_rng(seed), batch=3, cards=cards, low=0.05)
    everything = list(range(dag.n))
    event, condition, do = (data.draw(st.composite(assignment)(everything, cards)) for _ in range(3))
    joint = surgery(scm, do).joint()
    together = dict(condition)
    consistent = all(together.setdefault(v, level) == level for v, level in event)
    both = from_joint(joint, tuple(together.items())) if consistent else np.zeros(3)
    below = from_joint(joint, condition)
    expected = np.divide(both, below, out=np.full(3, np.nan), where=below > 0)
    actual = exact.probability(scm, event, condition, do)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-12)


def test_an_impossible_condition_gives_nan() -> None:
    scm = SCM(DAG((0, 1)), (np.array([[1.0, 0.0]]), np.array([[[0.5, 0.5], [0.5, 0.5]]])))
    assert np.isnan(exact.probability(scm, ((1, 1),), given=((0, 1),)))
    assert np.isnan(exact.had_it_been(scm, ((1, 1),), do=((0, 0),), given=((0, 1),)))


@settings(max_examples=40)
@given(st.data(), dags(2, 4, parents=2), SEEDS)
def test_oracle_equals_a_population_of_response_types(data: st.DataObject, dag: DAG, seed: int) -> None:
    scm = random_scm(dag, np.random.default_rng(seed), low=0.05)
    units = population(scm, 0)
    x, y = data.draw(st.permutations(range(dag.n)))[:2]
    to, level = data.draw(st.integers(0, 1)), data.draw(st.integers(0, 1))
    indirect = DAG(dag.parents).descendants(1 << x) & dag.ancestors(1 << y) & ~(1 << x | 1 << y)
    for task in ("ATE", "CDE", "ETT", "NDE", "NIE"):
        held = tuple((v, data.draw(st.integers(0, 1))) for v in bits(indirect)) if task == "CDE" else ()
        query = Query(task, x, y, to, level, held=held)
        assert TABLE[task].definition(scm, query)[0] == pytest.approx(simulate(units, query), abs=1e-12)
    actual = simulate(units, Query("PN", x, y, to, level))
    for bound, sign in (("lower", 1), ("upper", -1)):
        query = Query("PN", x, y, to, level, bound=bound)  # type: ignore[arg-type]
        assert sign * TABLE["PN"].definition(scm, query)[0] <= sign * actual + 1e-12


@settings(max_examples=40)
@given(st.data(), dags(2, 5), SEEDS)
def test_bounds_equal_the_linear_programme(data: st.DataObject, dag: DAG, seed: int) -> None:
    scm = random_scm(dag, np.random.default_rng(seed), low=0.1)
    x, y = data.draw(st.permutations(range(dag.n)))[:2]
    to, level = data.draw(st.integers(0, 1)), data.draw(st.integers(0, 1))
    types = [(a, b, c) for a in (0, 1) for b in (0, 1) for c in (0, 1)]  # (X, Y had X been 0, had it been 1)
    rows, right = [], []
    for a in (0, 1):
        for b in (0, 1):
            rows.append([float(t[0] == a and t[1 + a] == b) for t in types])
            right.append(float(exact.probability(scm, ((x, a), (y, b)))[0]))
        rows.append([float(t[1 + a] == 1) for t in types])
        right.append(float(exact.probability(scm, ((y, 1),), do=((x, a),))[0]))
    wanted = np.array(
        [float(t[0] == 1 - to and t[2 - to] == 1 - level and t[1 + to] == level) for t in types]
    )
    seen = exact.probability(scm, ((x, 1 - to), (y, 1 - level)))[0]
    for bound, sign in (("lower", 1), ("upper", -1)):
        solved = linprog(sign * wanted, A_eq=rows, b_eq=right, bounds=(0, 1), method="highs")
        assert solved.success
        ours = exact.causation_bound(scm, (x, to), (y, level), bound)[0]  # type: ignore[arg-type]
        assert ours == pytest.approx(sign * solved.fun / seen, abs=1e-7)


@given(st.data(), dags(3, 6), SEEDS)
def test_renumbering_the_variables_changes_nothing(data: st.DataObject, dag: DAG, seed: int) -> None:
    scm = random_scm(dag, np.random.default_rng(seed), batch=2, low=0.05)
    to = data.draw(st.permutations(range(dag.n)))
    renamed = DAG.from_edges(dag.n, [(to[a], to[b]) for a, b in dag.edges()])
    tables: list[Array] = [scm.tables[0]] * dag.n
    for v, table in enumerate(scm.tables):
        parents = list(bits(dag.parents[v]))
        rank = sorted(range(len(parents)), key=lambda i: to[parents[i]])
        tables[to[v]] = table.transpose(0, *(1 + i for i in rank), 1 + len(parents))
    moved = SCM(renamed, tuple(tables))
    x, y = data.draw(st.permutations(range(dag.n)))[:2]
    held = tuple((v, 1) for v in bits(on_indirect_paths(dag, Query("CDE", x, y, 1, 1))))
    for task, estimand in TABLE.items():
        bound = "upper" if task in ("PN", "PS") else None
        before = Query(task, x, y, 1, 0, bound, held if task == "CDE" else ())  # type: ignore[arg-type]
        fixed = tuple(sorted((to[v], level) for v, level in before.held))
        after = Query(task, to[x], to[y], 1, 0, bound, fixed)  # type: ignore[arg-type]
        np.testing.assert_allclose(
            estimand.definition(scm, before), estimand.definition(moved, after), rtol=0, atol=1e-12
        )


def random_cases(count: int) -> list[tuple[SCM, int, int]]:
    rng = np.random.default_rng(20261122)
    cases: list[tuple[SCM, int, int]] = []
    while len(cases) < count:
        n = int(rng.integers(3, 7))
        order = rng.permutation(n).tolist()
        edges = [(order[i], order[j]) for j in range(n) for i in range(j) if rng.random() < 0.5]
        x, y = order[int(rng.integers(n - 1))], order[-1]
        dag = DAG.from_edges(n, edges)
        if x != y and dag.directed_path(x, y):
            cases.append((random_scm(dag, rng, low=0.05), x, y))
    return cases


# Its compiled types lack __module__; were the warning an error, it would crash the interpreter.
@pytest.mark.filterwarnings("ignore:builtin type .* has no __module__ attribute:DeprecationWarning")
def test_do_and_controlled_effects_agree_with_pyagrum() -> None:
    agrum = pytest.importorskip("pyagrum", reason="pyAgrum is not installed")
    for scm, x, y in random_cases(60):
        net = agrum.BayesNet()
        for v in range(scm.dag.n):
            net.add(agrum.LabelizedVariable(f"V{v}", "", 2))
        for cause, effect in scm.dag.edges():
            net.addArc(f"V{cause}", f"V{effect}")
        for v, table in enumerate(scm.tables):
            parents = list(bits(scm.dag.parents[v]))
            for levels in np.ndindex(*(2,) * len(parents)):
                where = {f"V{p}": level for p, level in zip(parents, levels, strict=True)}
                net.cpt(f"V{v}")[where] = table[(0, *levels)].tolist()
        model = agrum.CausalModel(net)
        between = on_indirect_paths(scm.dag, Query("CDE", x, y, 1, 1))
        for held in {0, between & -between, between}:
            names = {f"V{v}": 1 for v in bits(held)}
            for level in (0, 1):
                _, tensor, _ = agrum.causalImpact(
                    model, on=f"V{y}", doing={f"V{x}", *names}, values={f"V{x}": level, **names}
                )
                do = ((x, level), *((v, 1) for v in bits(held)))
                assert exact.probability(scm, ((y, 1),), do=do)[0] == pytest.approx(tensor[1], abs=1e-12)


@pytest.mark.filterwarnings(r"ignore:`pgmpy\.estimators\.StructureScore` is deprecated:FutureWarning")
def test_single_interventions_agree_with_pgmpy() -> None:
    pytest.importorskip("pgmpy", reason="pgmpy is not installed")
    from pgmpy.factors.discrete import TabularCPD
    from pgmpy.inference import CausalInference
    from pgmpy.models import DiscreteBayesianNetwork

    for scm, x, y in random_cases(15):
        net = DiscreteBayesianNetwork([(f"V{a}", f"V{b}") for a, b in scm.dag.edges()])
        net.add_nodes_from(f"V{v}" for v in range(scm.dag.n))
        for v, table in enumerate(scm.tables):
            evidence = [f"V{p}" for p in bits(scm.dag.parents[v])]
            columns = table[0].reshape(-1, 2).T.tolist()
            net.add_cpds(TabularCPD(f"V{v}", 2, columns, evidence or None, [2] * len(evidence) or None))
        theirs = [
            CausalInference(net).query([f"V{y}"], do={f"V{x}": level}, show_progress=False).values[1]
            for level in (0, 1)
        ]
        ours = [exact.probability(scm, ((y, 1),), do=((x, level),))[0] for level in (0, 1)]
        assert ours == pytest.approx(theirs, abs=1e-9)
        ate = TABLE["ATE"].definition(scm, Query("ATE", x, y, to=1, level=1))[0]
        assert ate == pytest.approx(theirs[1] - theirs[0], abs=1e-9)
