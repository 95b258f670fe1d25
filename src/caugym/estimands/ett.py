"""ETT: the effect of treatment on the treated (rung 3).

Asks:        Among those who have one level of the treatment, how much did having it, rather than the other,
             change the chance of the outcome?
Definition:  ETT = P(Y=y | X=x) - P(Y_{X=to}=y | X=x), where x is the level they have (the original) and
             "to" is the other: factual minus counterfactual.
Formula:     P(Y=y | X=x) - sum_z P(Y=y | X=to, z) * P(z | X=x)
Holds when:  Z meets the back-door criterion for (X, Y), and P(X=to | z) > 0 wherever P(z | X=x) > 0.
Range, unit: [-1, 1]; a difference of probabilities. Positive: what they have raised their chance, so having
             the other level instead would make the outcome less likely. A question "would it be more likely
             had they had the other level?" is therefore answered Yes when the value is negative.
Not to be confused with: ATE, which weights strata by P(z) instead of P(z | X=x).
Source:      Pearl, Causality (2nd ed., 2009), section 8.2.5; Shpitser and Pearl, "Effects of treatment on
             the treated: identification and generalization" (UAI 2009).

Worked example. Mild cases (Z=0) gain 0.5 from treatment (0.9 against 0.4), severe ones gain 0.1 (0.3 against
0.2); of the treated 0.8 are mild. Treated they recover at 0.8 * 0.9 + 0.2 * 0.3 = 0.78, untreated they would
have at 0.8 * 0.4 + 0.2 * 0.2 = 0.36: the effect on them is 0.42.

>>> from caugym.core.expr import Symbols
>>> query = Query("ETT", treatment=0, outcome=1, to=0, level=1)
>>> expr = formula(query, Sets(adjust=0b100))
>>> print(expr.text(Symbols(("X", "Y", "Z"))))
P(Y=1 | X=1) - sum_z P(Y=1 | X=0, z) * P(z | X=1)
>>> numbers = [0.78, 0.4, 0.8, 0.2, 0.2]
>>> round(expr.evaluate(dict(zip(expr.terms(), numbers, strict=True)).get), 4)
0.42
"""

from functools import lru_cache

from caugym.core.estimand import Estimand, Sets
from caugym.core.exact import had_it_been, probability
from caugym.core.expr import Expr, free, prob, total
from caugym.core.graph import DAG
from caugym.core.identify import sets
from caugym.core.query import Query
from caugym.core.scm import SCM, Array


def definition(scm: SCM, query: Query) -> Array:
    """``P(Y=y | X=original) - P(Y_{X=to}=y | X=original)`` of each model, by enumeration."""
    event, factual = ((query.outcome, query.level),), ((query.treatment, query.original),)
    return probability(scm, event, factual) - had_it_been(scm, event, ((query.treatment, query.to),), factual)


def zero(dag: DAG, query: Query) -> bool:
    """Whether no directed path leads from X to Y."""
    return not dag.descendants(1 << query.treatment) >> query.outcome & 1


@lru_cache(maxsize=1 << 12)
def formula(query: Query, chosen: Sets) -> Expr:
    """Adjustment with the weights of those who have the factual level."""
    event, factual = {query.outcome: query.level}, {query.treatment: query.original}
    z = free(chosen.adjust)
    other = prob(event, {query.treatment: query.to, **z})
    if z:
        other = total(chosen.adjust, other * prob(z, factual))
    return prob(event, factual) - other


ETT = Estimand(
    code="ETT",
    name="effect of treatment on the treated",
    rung=3,
    low=-1,
    high=1,
    effect=True,
    definition=definition,
    zero=zero,
    identify=sets,
    formula=formula,
    page=__doc__,
)
