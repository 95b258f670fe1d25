"""Tian-Pearl bounds on the probability of necessity and of sufficiency, as expressions.

Both ask for ``P(Y_to = level | X = original, Y = 1 - level)``: among those who had the original treatment
and the opposite outcome, how likely is it that the other treatment would have brought ``level``? Necessity
and sufficiency differ only in which levels are called treatment and success. Source: Tian and Pearl,
"Probabilities of causation: bounds and identification", Annals of Mathematics and Artificial Intelligence
28 (2000), section 4.2 (bounds from experimental and nonexperimental data together, no assumption).
"""

from caugym.core.errors import InputError
from caugym.core.expr import Clip, Expr, free, prob, total
from caugym.core.query import Query


def interventional(query: Query, to: int, level: int, adjust: int) -> Expr:
    """``P(Y=level | do(X=to))`` by the back-door adjustment formula (Pearl 2009, Theorem 3.3.2)."""
    outcome = prob({query.outcome: level}, {query.treatment: to, **free(adjust)})
    return total(adjust, outcome * prob(free(adjust))) if adjust else outcome


def tian_pearl(query: Query, adjust: int) -> Expr:
    """The bound that ``query.bound`` names, with ``P(Y_to)`` replaced by adjustment for ``adjust``.

    Raises:
        InputError: If the query does not say which bound it asks for.
    """
    x, y = query.treatment, query.outcome
    seen = prob({x: query.original, y: 1 - query.level})
    match query.bound:
        case "lower":
            excess = prob({y: 1 - query.level}) - interventional(query, query.to, 1 - query.level, adjust)
            return Clip("lower", excess / seen)
        case "upper":
            done = interventional(query, query.to, query.level, adjust)
            return Clip("upper", (done - prob({x: query.to, y: query.level})) / seen)
        case None:
            raise InputError(f"{query.task} has a lower and an upper bound; say which one is asked for")
