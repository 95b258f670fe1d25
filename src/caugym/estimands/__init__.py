"""The estimands: one family, one file, and the table of all of them.

To add one, write its file and add its name to `TABLE`; the tests of every estimand then run on it too.
"""

from typing import Any

from caugym.core.estimand import Estimand
from caugym.core.query import Query
from caugym.estimands.ate import ATE
from caugym.estimands.causation import PN, PS
from caugym.estimands.cde import CDE
from caugym.estimands.ett import ETT
from caugym.estimands.mediation import NDE, NIE

TABLE: dict[str, Estimand] = {estimand.code: estimand for estimand in (ATE, CDE, ETT, NDE, NIE, PN, PS)}


def yes(value: Any, query: Query) -> bool:  # noqa: ANN401 (any number: Fraction, float, Decimal)
    """Whether the question of an effect is answered Yes.

    The question asks whether the outcome becomes more (``query.polarity``: or less) likely under the change
    to ``query.to``. ETT is factual minus counterfactual, so its change is minus its value. Zero is No for
    both polarities.

    >>> yes(0.2, Query("ATE", 0, 1, to=1, level=1)), yes(0.2, Query("ETT", 0, 1, to=0, level=1))
    (True, False)
    """
    change = -value if query.task == "ETT" else value
    return bool(change > 0 if query.polarity == "more" else change < 0)
