"""NDE and NIE: the natural direct and the natural indirect effect (rung 3). One page each, below."""

from functools import lru_cache

from caugym.core.estimand import Estimand, Sets
from caugym.core.exact import nested, probability
from caugym.core.expr import Expr, Number, free, prob, total
from caugym.core.graph import DAG
from caugym.core.identify import on_indirect_paths, sets
from caugym.core.query import Query
from caugym.core.scm import SCM, Array

NDE_PAGE = """NDE: the natural direct effect (rung 3).

Asks:        How much would setting the treatment to one level rather than the other change the chance of the
             outcome if every mediator stayed what it would have been under the original level?
Definition:  NDE = P(Y_{X=to, M_{X=original}} = y) - P(Y_{X=original} = y)
Formula:     sum_z P(z) * sum_m [P(Y=y | X=to, m, z) - P(Y=y | X=original, m, z)] * P(m | X=original, z)
Holds when:  M intercepts every indirect directed path from X to Y; Z holds nothing affected by X, blocks the
             back-door paths from X to Y and from X to M, and with X those from M to Y; and every
             combination (x, m, z) that the sums meet occurs.
Range, unit: [-1, 1]; a difference of probabilities. Positive: the direct path raises the chance.
Not to be confused with: CDE, which holds the mediators at one level for everybody; and ATE - NIE, which
             differs wherever treatment and mediator interact.
Source:      Pearl, "Direct and indirect effects" (UAI 2001), section 3.3; Pearl, Causality (2nd ed., 2009),
             section 4.5.4; Pearl, "Interpretation and identification of causal mediation" (Psychological
             Methods 19, 2014).

Worked example. X -> M -> Y with X -> Y. Untreated, M=1 in 0.4 of cases. The outcome's chance is 0.5 (treated)
against 0.2 (untreated) where M=0, and 0.7 against 0.6 where M=1: NDE = 0.6 * 0.3 + 0.4 * 0.1 = 0.22.

>>> from caugym.core.estimand import Sets
>>> from caugym.core.expr import Symbols
>>> from caugym.core.query import Query
>>> from caugym.estimands.mediation import nde_formula
>>> query = Query("NDE", treatment=0, outcome=2, to=1, level=1)
>>> expr = nde_formula(query, Sets(mediators=0b010))
>>> print(expr.text(Symbols(("X", "M", "Y"))))
sum_m [P(Y=1 | X=1, m) - P(Y=1 | X=0, m)] * P(m | X=0)
>>> numbers = [0.5, 0.2, 0.6, 0.7, 0.6, 0.4]
>>> round(expr.evaluate(dict(zip(expr.terms(), numbers, strict=True)).get), 4)
0.22
"""

NIE_PAGE = """NIE: the natural indirect effect (rung 3).

Asks:        How much would the chance of the outcome change if the treatment stayed at its original level,
             but every mediator became what it would have been under the other?
Definition:  NIE = P(Y_{X=original, M_{X=to}} = y) - P(Y_{X=original} = y)
Formula:     sum_z P(z) * sum_m P(Y=y | X=original, m, z) * [P(m | X=to, z) - P(m | X=original, z)]
Holds when:  M intercepts every indirect directed path from X to Y; Z holds nothing affected by X, blocks the
             back-door paths from X to Y and from X to M, and with X those from M to Y; and every
             combination (x, m, z) that the sums meet occurs.
Range, unit: [-1, 1]; a difference of probabilities. Positive: the indirect paths raise the chance.
Not to be confused with: ATE - NDE, which differs wherever treatment and mediator interact; that is minus
             the NIE of the opposite change.
Source:      Pearl, "Direct and indirect effects" (UAI 2001), section 3.4; Pearl, Causality (2nd ed., 2009),
             section 4.5.5; Pearl, "Interpretation and identification of causal mediation" (Psychological
             Methods 19, 2014).

Worked example. X -> M -> Y with X -> Y. M=1 in 0.7 of the treated and 0.4 of the untreated; an untreated
person's chance of the outcome is 0.2 where M=0 and 0.6 where M=1: NIE = 0.2 * (-0.3) + 0.6 * 0.3 = 0.12.

>>> from caugym.core.estimand import Sets
>>> from caugym.core.expr import Symbols
>>> from caugym.core.query import Query
>>> from caugym.estimands.mediation import nie_formula
>>> query = Query("NIE", treatment=0, outcome=2, to=1, level=1)
>>> expr = nie_formula(query, Sets(mediators=0b010))
>>> print(expr.text(Symbols(("X", "M", "Y"))))
sum_m P(Y=1 | X=0, m) * [P(m | X=1) - P(m | X=0)]
>>> numbers = [0.2, 0.3, 0.6, 0.6, 0.7, 0.4]
>>> round(expr.evaluate(dict(zip(expr.terms(), numbers, strict=True)).get), 4)
0.12
"""

__test__ = {"NDE": NDE_PAGE, "NIE": NIE_PAGE}


def nde_definition(scm: SCM, query: Query) -> Array:
    """Only the arrow X -> Y feels the change, less nothing feels it; of each model, by enumeration."""
    return _change(scm, query, direct=query.to, indirect=query.original)


def nie_definition(scm: SCM, query: Query) -> Array:
    """Every arrow out of X except X -> Y feels the change, less nothing feels it; by enumeration."""
    return _change(scm, query, direct=query.original, indirect=query.to)


def _change(scm: SCM, query: Query, direct: int, indirect: int) -> Array:
    outcome = (query.outcome, query.level)
    changed = nested(scm, query.treatment, outcome, direct, indirect)
    return changed - probability(scm, (outcome,), do=((query.treatment, query.original),))


def nde_zero(dag: DAG, query: Query) -> bool:
    """Whether there is no arrow from X to Y."""
    return not dag.parents[query.outcome] >> query.treatment & 1


def nie_zero(dag: DAG, query: Query) -> bool:
    """Whether no indirect directed path leads from X to Y."""
    return not on_indirect_paths(dag, query)


@lru_cache(maxsize=1 << 12)
def nde_formula(query: Query, chosen: Sets) -> Expr:
    """The mediation formula for the direct effect."""
    to, original = (_outcome(query, x, chosen) for x in (query.to, query.original))
    if not chosen.mediators:
        return _averaged(chosen, to - original)
    weight = _mediators(query, query.original, chosen)
    return _averaged(chosen, total(chosen.mediators, (to - original) * weight))


@lru_cache(maxsize=1 << 12)
def nie_formula(query: Query, chosen: Sets) -> Expr:
    """The mediation formula for the indirect effect; with no mediators there is none, and it is 0."""
    if not chosen.mediators:
        return Number(0)
    to, original = (_mediators(query, x, chosen) for x in (query.to, query.original))
    outcome = _outcome(query, query.original, chosen)
    return _averaged(chosen, total(chosen.mediators, outcome * (to - original)))


def _outcome(query: Query, x: int, chosen: Sets) -> Expr:
    return prob({query.outcome: query.level}, {query.treatment: x, **free(chosen.mediators | chosen.adjust)})


def _mediators(query: Query, x: int, chosen: Sets) -> Expr:
    return prob(free(chosen.mediators), {query.treatment: x, **free(chosen.adjust)})


def _averaged(chosen: Sets, body: Expr) -> Expr:
    return total(chosen.adjust, prob(free(chosen.adjust)) * body) if chosen.adjust else body


NDE = Estimand(
    code="NDE",
    name="natural direct effect",
    rung=3,
    low=-1,
    high=1,
    effect=True,
    definition=nde_definition,
    zero=nde_zero,
    identify=sets,
    formula=nde_formula,
    page=NDE_PAGE,
)

NIE = Estimand(
    code="NIE",
    name="natural indirect effect",
    rung=3,
    low=-1,
    high=1,
    effect=True,
    definition=nie_definition,
    zero=nie_zero,
    identify=sets,
    formula=nie_formula,
    page=NIE_PAGE,
)
