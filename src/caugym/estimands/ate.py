"""ATE: the average treatment effect (rung 2).

Asks:        How much does setting the treatment to one level rather than the other change the chance of the
             outcome?
Definition:  ATE = P(Y=y | do(X=to)) - P(Y=y | do(X=original)), changed-to minus original.
Formula:     sum_z P(z) * [P(Y=y | X=to, z) - P(Y=y | X=original, z)]
Holds when:  Z meets the back-door criterion for (X, Y): no member of Z is affected by X, and Z blocks every
             path between X and Y that enters X by an arrow; and 0 < P(X=to | z) < 1 wherever P(z) > 0.
Range, unit: [-1, 1]; a difference of probabilities. Positive: the change raises the chance.
Not to be confused with: P(Y=y | X=to) - P(Y=y | X=original), equal only if Z may be empty; and ETT, which
             asks only about those who have one of the levels.
Source:      Pearl, Causality (2nd ed., 2009), Definition 3.2.1 (effect), Definition 3.3.1 and Theorem 3.3.2
             (back-door adjustment).

Worked example. Severity Z worsens the outcome and makes treatment likelier; half of the people are severe.
Recovery: 0.8 treated and 0.5 untreated among the mild (Z=0), 0.4 and 0.1 among the severe (Z=1). Every
stratum gains 0.3, and so does everybody: 0.5 * (0.8 - 0.5) + 0.5 * (0.4 - 0.1) = 0.3.

>>> from caugym.core.estimand import Sets
>>> from caugym.core.expr import Symbols
>>> query = Query("ATE", treatment=0, outcome=1, to=1, level=1)
>>> expr = formula(query, Sets(adjust=0b100))
>>> print(expr.text(Symbols(("X", "Y", "Z"))))
sum_z P(z) * [P(Y=1 | X=1, z) - P(Y=1 | X=0, z)]
>>> numbers = {(1, 0): 0.8, (0, 0): 0.5, (1, 1): 0.4, (0, 1): 0.1}
>>> round(expr.evaluate(lambda t: numbers[t.given[0][1], t.given[1][1]] if t.given else 0.5), 4)
0.3
"""

from functools import lru_cache

from caugym.core.bounds import interventional
from caugym.core.estimand import Estimand, Sets
from caugym.core.exact import probability
from caugym.core.expr import Expr, free, prob, total
from caugym.core.graph import DAG
from caugym.core.identify import sets
from caugym.core.query import Query
from caugym.core.scm import SCM, Array


def definition(scm: SCM, query: Query) -> Array:
    """``P(Y=y | do(X=to)) - P(Y=y | do(X=original))`` of each model, by enumeration."""
    event = ((query.outcome, query.level),)
    to = probability(scm, event, do=((query.treatment, query.to),))
    return to - probability(scm, event, do=((query.treatment, query.original),))


def zero(dag: DAG, query: Query) -> bool:
    """Whether no directed path leads from X to Y."""
    return not dag.descendants(1 << query.treatment) >> query.outcome & 1


@lru_cache(maxsize=1 << 12)
def formula(query: Query, chosen: Sets) -> Expr:
    """The back-door adjustment formula."""
    if not chosen.adjust:
        to = interventional(query, query.to, query.level, 0)
        return to - interventional(query, query.original, query.level, 0)
    z = free(chosen.adjust)
    to, original = (
        prob({query.outcome: query.level}, {query.treatment: x, **z}) for x in (query.to, query.original)
    )
    return total(chosen.adjust, prob(z) * (to - original))


ATE = Estimand(
    code="ATE",
    name="average treatment effect",
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
