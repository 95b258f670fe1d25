"""PN and PS: Tian-Pearl bounds on the probabilities of necessity and sufficiency (rung 3). One page each."""

from functools import lru_cache

from caugym.core.bounds import tian_pearl
from caugym.core.errors import InputError
from caugym.core.estimand import Estimand, Sets
from caugym.core.exact import causation_bound
from caugym.core.expr import Expr
from caugym.core.graph import DAG
from caugym.core.identify import sets
from caugym.core.query import Query
from caugym.core.scm import SCM, Array

PN_PAGE = """PN: bounds on the probability of necessity (rung 3).

Asks:        Among those who had the treatment and the outcome, how likely is it, at least or at most, that
             the outcome would not have happened without the treatment?
Definition:  PN = P(Y_{X=x'} = y' | X=x, Y=y), x' and y' the levels that did not happen; the bound is the
             least or greatest value among all models that agree on P(x, y), P(y | do(x)) and P(y | do(x')).
Formula:     lower: max{0, [P(Y=y) - P(Y=y | do(X=x'))] / P(X=x, Y=y)}
             upper: min{1, [P(Y=y' | do(X=x')) - P(X=x', Y=y')] / P(X=x, Y=y)}
             with P(Y | do(X=x')) = sum_z P(Y | X=x', z) * P(z)
Holds when:  Z meets the back-door criterion for (X, Y), 0 < P(X=x' | z) wherever P(z) > 0, and
             P(X=x, Y=y) > 0. The bounds need no more; PN itself is not identified without monotonicity.
Range, unit: [0, 1]; a probability.
Not to be confused with: PS, which asks about those who had neither; and the excess risk ratio
             1 - P(y | x') / P(y | x), which is PN only under monotonicity and without confounding.
Source:      Tian and Pearl, "Probabilities of causation: bounds and identification" (Annals of Mathematics
             and Artificial Intelligence 28, 2000), section 4.2; Pearl, Causality (2nd ed., 2009),
             Definition 9.2.1.

Worked example. No confounding; P(Y=1) = 0.5, P(Y=1 | X=0) = 0.2 and P(X=1, Y=1) = 0.4. The lower bound of
PN is max{0, (0.5 - 0.2) / 0.4} = 0.75.

>>> from caugym.core.estimand import Sets
>>> from caugym.core.expr import Symbols
>>> from caugym.core.query import Query
>>> from caugym.estimands.causation import formula
>>> query = Query("PN", treatment=0, outcome=1, to=0, level=0, bound="lower")
>>> expr = formula(query, Sets())
>>> print(expr.text(Symbols(("X", "Y"))))
max{0, [P(Y=1) - P(Y=1 | X=0)] / P(X=1, Y=1)}
>>> numbers = [0.5, 0.2, 0.4]
>>> round(expr.evaluate(dict(zip(expr.terms(), numbers, strict=True)).get), 4)
0.75
"""

PS_PAGE = """PS: bounds on the probability of sufficiency (rung 3).

Asks:        Among those who had neither the treatment nor the outcome, how likely is it, at least or at most,
             that the treatment would have brought the outcome?
Definition:  PS = P(Y_{X=x} = y | X=x', Y=y'), x' and y' the levels that happened; the bound is the least or
             greatest value among all models that agree on P(x, y), P(y | do(x)) and P(y | do(x')).
Formula:     lower: max{0, [P(Y=y') - P(Y=y' | do(X=x))] / P(X=x', Y=y')}
             upper: min{1, [P(Y=y | do(X=x)) - P(X=x, Y=y)] / P(X=x', Y=y')}
             with P(Y | do(X=x)) = sum_z P(Y | X=x, z) * P(z)
Holds when:  Z meets the back-door criterion for (X, Y), 0 < P(X=x | z) wherever P(z) > 0, and
             P(X=x', Y=y') > 0. The bounds need no more; PS itself is not identified without monotonicity.
Range, unit: [0, 1]; a probability.
Not to be confused with: PN, which asks about those who had both; and P(Y=y | do(X=x)), which asks about
             everybody.
Source:      Tian and Pearl, "Probabilities of causation: bounds and identification" (Annals of Mathematics
             and Artificial Intelligence 28, 2000), section 4.2; Pearl, Causality (2nd ed., 2009),
             Definition 9.2.2.

Worked example. No confounding; P(Y=1 | X=1) = 0.8, P(X=1, Y=1) = 0.4 and P(X=0, Y=0) = 0.5. The upper bound
of PS is min{1, (0.8 - 0.4) / 0.5} = 0.8.

>>> from caugym.core.estimand import Sets
>>> from caugym.core.expr import Symbols
>>> from caugym.core.query import Query
>>> from caugym.estimands.causation import formula
>>> query = Query("PS", treatment=0, outcome=1, to=1, level=1, bound="upper")
>>> expr = formula(query, Sets())
>>> print(expr.text(Symbols(("X", "Y"))))
min{1, [P(Y=1 | X=1) - P(X=1, Y=1)] / P(X=0, Y=0)}
>>> numbers = [0.8, 0.4, 0.5]
>>> round(expr.evaluate(dict(zip(expr.terms(), numbers, strict=True)).get), 4)
0.8
"""

__test__ = {"PN": PN_PAGE, "PS": PS_PAGE}


def definition(scm: SCM, query: Query) -> Array:
    """The extreme of ``P(Y_to = level | X = original, Y = 1 - level)`` over all compatible response types."""
    if query.bound is None:
        raise InputError(f"{query.task} has a lower and an upper bound; say which one is asked for")
    return causation_bound(scm, (query.treatment, query.to), (query.outcome, query.level), query.bound)


def zero(dag: DAG, query: Query) -> bool:
    """Never: a bound is not an effect, and may be positive where there is none."""
    return False


@lru_cache(maxsize=1 << 12)
def formula(query: Query, chosen: Sets) -> Expr:
    """The Tian-Pearl bound with the adjustment formula put in."""
    return tian_pearl(query, chosen.adjust)


PN = Estimand(
    code="PN",
    name="probability of necessity",
    rung=3,
    low=0,
    high=1,
    effect=False,
    definition=definition,
    zero=zero,
    identify=sets,
    formula=formula,
    page=PN_PAGE,
)

PS = Estimand(
    code="PS",
    name="probability of sufficiency",
    rung=3,
    low=0,
    high=1,
    effect=False,
    definition=definition,
    zero=zero,
    identify=sets,
    formula=formula,
    page=PS_PAGE,
)
