import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caugym.core.errors import InputError
from caugym.core.graph import DAG, bits
from caugym.core.scm import SCM, random_scm
from tests.core.units import dags


@given(dags(1, 5), st.integers(0, 2**32), st.data())
def test_the_joint_is_the_product_of_the_tables(dag: DAG, seed: int, data: st.DataObject) -> None:
    cards = tuple(data.draw(st.lists(st.integers(1, 3), min_size=dag.n, max_size=dag.n)))
    scm = random_scm(dag, np.random.default_rng(seed), batch=2, cards=cards)
    joint = scm.joint()
    assert joint.shape == (2, *cards)
    for state in np.ndindex(*cards):
        expected = np.ones(2)
        for v in range(dag.n):
            expected *= scm.tables[v][(slice(None), *(state[p] for p in bits(dag.parents[v])), state[v])]
        assert np.allclose(joint[(slice(None), *state)], expected, rtol=0, atol=1e-15)


def test_random_tables_stay_above_the_floor() -> None:
    scm = random_scm(DAG((0, 1)), np.random.default_rng(0), batch=1000, low=0.1)
    assert min(table.min() for table in scm.tables) >= 0.1
    assert scm.batch == 1000


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[1.2, -0.2]], "the table of variable 0 contains 1.2; a probability lies in [0, 1]"),
        ([[1.2, 0.0]], "the table of variable 0 contains 1.2; a probability lies in [0, 1]"),
        ([[float("nan"), 1.0]], "the table of variable 0 contains a number that is not finite"),
        ([[float("inf"), 0.0]], "the table of variable 0 contains a number that is not finite"),
        ([[0.5, 0.4]], "the rows of the table of variable 0 must each sum to 1"),
        ([[0.5, 0.25, 0.25]], "the table of variable 0 has shape (1, 3); it must be (1, 2)"),
        ([0.5, 0.5], "the table of variable 0 has shape (2,); it must be (2, 2)"),
    ],
)
def test_what_is_not_a_distribution_is_refused_in_one_line(rows: list[float], message: str) -> None:
    with pytest.raises(InputError) as caught:
        SCM(DAG((0,)), (np.array(rows),))
    assert str(caught.value) == message


def test_every_variable_needs_a_table() -> None:
    with pytest.raises(InputError, match="needs as many tables"):
        SCM(DAG((0, 1)), (np.array([[0.5, 0.5]]),))
