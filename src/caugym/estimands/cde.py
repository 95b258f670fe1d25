"""CDE: the controlled direct effect (rung 2).

Asks:        With some other variables held at stated levels, how much does setting the treatment to one level
             rather than the other change the chance of the outcome?
Definition:  CDE(h) = P(Y=y | do(X=to, H=h)) - P(Y=y | do(X=original, H=h)), changed-to minus original.
Formula:     sum_z P(z) * [P(Y=y | X=to, h, z) - P(Y=y | X=original, h, z)]
Holds when:  Z meets the back-door criterion for the joint intervention on X and H: no member of Z is affected
             by X or H, and Z blocks every path from X or H to Y that starts with an arrow into X or H; and
             every combination (x, h, z) with P(z) > 0 occurs.
Range, unit: [-1, 1]; a difference of probabilities. Positive: the change raises the chance.
Not to be confused with: NDE, where the mediators keep the levels they would have had under the original
             treatment, person by person; and ATE within the stratum H=h, which selects instead of holding.
Source:      Pearl, "Direct and indirect effects" (UAI 2001), section 3.2; Pearl, Causality (2nd ed., 2009),
             section 4.5.2 and, for adjustment under joint intervention, Definition 3.3.1 for sets.

Worked example. X -> M -> Y with X -> Y, and M held at 0. With P(Y=1 | X=1, M=0) = 0.7 and
P(Y=1 | X=0, M=0) = 0.4 the effect that does not pass M is 0.7 - 0.4 = 0.3.

>>> from caugym.core.estimand import Sets
>>> from caugym.core.expr import Symbols
>>> query = Query("CDE", treatment=0, outcome=2, to=1, level=1, held=((1, 0),))
>>> expr = formula(query, Sets())
>>> print(expr.text(Symbols(("X", "M", "Y"))))
P(Y=1 | X=1, M=0) - P(Y=1 | X=0, M=0)
>>> round(expr.evaluate(lambda t: {1: 0.7, 0: 0.4}[t.given[0][1]]), 4)
0.3
"""

from functools import lru_cache

from caugym.core.estimand import Estimand, Sets
from caugym.core.exact import probability
from caugym.core.expr import Expr, free, prob, total
from caugym.core.graph import DAG, mask
from caugym.core.identify import sets
from caugym.core.query import Query
from caugym.core.scm import SCM, Array


def definition(scm: SCM, query: Query) -> Array:
    """``P(Y=y | do(X=to, H=h)) - P(Y=y | do(X=original, H=h))`` of each model, by enumeration."""
    event = ((query.outcome, query.level),)
    to = probability(scm, event, do=((query.treatment, query.to), *query.held))
    return to - probability(scm, event, do=((query.treatment, query.original), *query.held))


def zero(dag: DAG, query: Query) -> bool:
    """Whether every directed path from X to Y passes a held variable."""
    held = mask(v for v, _ in query.held)
    return dag.without_arrows_into(held).directed_path(query.treatment, query.outcome) is None


@lru_cache(maxsize=1 << 12)
def formula(query: Query, chosen: Sets) -> Expr:
    """The adjustment formula of the joint intervention, conditioning on the held variables."""
    z = free(chosen.adjust)
    to, original = (
        prob({query.outcome: query.level}, {query.treatment: x, **dict(query.held), **z})
        for x in (query.to, query.original)
    )
    return total(chosen.adjust, prob(z) * (to - original)) if z else to - original


CDE = Estimand(
    code="CDE",
    name="controlled direct effect",
    rung=2,
    low=-1,
    high=1,
    effect=True,
    definition=definition,
    zero=zero,
    identify=sets,
    formula=formula,
    page=__doc__,
)
