"""Terms as bitmasks, and the canonical form that the graph gives them.

Terms that are equal in every distribution of the graph, because some of their conditions do not matter, have
the same canonical form.
"""

from functools import lru_cache

from caugym.core.errors import InputError
from caugym.core.expr import Prob, Symbols
from caugym.core.graph import DAG, bits
from caugym.core.query import Term
from caugym.problems.rules import Key

LETTERS = Symbols(tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
"""Names for variables where no words are at hand."""


class Keys:
    """Terms over the binary variables of one graph.

    Attributes:
        everything: All variables, as a bitmask.
    """

    def __init__(self, dag: DAG) -> None:
        self.dag = dag
        self.n = dag.n
        self.everything = (1 << dag.n) - 1
        self._masks = _masks(dag.n)
        self._complete = len(dag.edges()) == dag.n * (dag.n - 1) // 2
        self._canonical: dict[Key, Key] = {}

    def of(self, term: Term) -> Key:
        """The term as bitmasks.

        Raises:
            InputError: If the term is no probability over the variables of the graph.
        """
        masks, event, event_levels, given, given_levels, twice = self._masks, 0, 0, 0, 0, 0
        try:
            for setting in term.event:
                bit, high = masks[setting]
                twice |= event & bit
                event |= bit
                event_levels |= high
            for setting in term.given:
                bit, high = masks[setting]
                twice |= (event | given) & bit
                given |= bit
                given_levels |= high
            for setting in term.do:
                bit, high = masks[setting]
                twice |= (event | given | given >> self.n) & bit
                given |= bit << self.n
                given_levels |= high << self.n
        except KeyError:
            raise InputError(
                f"{term_text(term)} names a variable that is not in the graph, or a level that is not 0 or 1"
            ) from None
        if twice or not event:
            raise InputError(f"{term_text(term)} is no probability: each variable may stand in it only once")
        return event, event_levels, given, given_levels

    def term(self, key: Key) -> Term:
        """The key as a term."""
        event, event_levels, given, given_levels = key
        return Term(
            tuple((v, event_levels >> v & 1) for v in bits(event)),
            tuple((v, given_levels >> v & 1) for v in bits(given & self.everything)),
            tuple((v, given_levels >> v + self.n & 1) for v in bits(given >> self.n)),
        )

    def involved(self, key: Key) -> int:
        """All variables that the term is about, as a bitmask."""
        return key[0] | (key[2] | key[2] >> self.n) & self.everything

    def canonical(self, key: Key) -> Key:
        """The same probability without the conditions that the graph makes irrelevant."""
        if self._complete and not key[2] >> self.n:
            return key  # every condition matters
        short = self._canonical.get(key)
        if short is None:
            event, event_levels, given, levels = key
            if given >> self.n:
                levels, kept = self._without_do(event, given, levels)
            else:
                kept = self.dag.relevant(event, given) if given else 0
            short = self._canonical[key] = event, event_levels, kept, levels & kept
        return short

    def _without_do(self, event: int, given: int, levels: int) -> tuple[int, int]:
        """The levels and the condition with each do() dropped or turned into seeing where do-calculus allows.

        Rules 2 and 3 of Pearl, Causality (2nd ed., 2009), Theorem 3.4.1, one variable at a time.
        """
        n = self.n
        changed = True
        while changed:
            changed = False
            do, seen = given >> n, given & (1 << n) - 1
            for v in bits(do):
                bit, rest = 1 << v, do & ~(1 << v)
                graph = self.dag.without_arrows_into(rest)
                inert = graph if graph.ancestors(seen) & bit else graph.without_arrows_into(bit)
                if inert.separated(event, bit, seen | rest):
                    given &= ~(bit << n)
                    changed = True
                elif graph.without_arrows_out_of(bit).separated(event, bit, seen | rest):
                    given = given & ~(bit << n) | bit
                    levels |= bit if levels >> v + n & 1 else 0
                    changed = True
                if changed:
                    break
        do, seen = given >> n, given & (1 << n) - 1
        graph = self.dag.without_arrows_into(do)
        return levels, do << n | graph.relevant(event, seen | do) & seen


def term_text(term: Term) -> str:
    """The term in symbols: A, B, C, .. for the variables in the order of the problem.

    >>> term_text(Term(((2, 1),), ((0, 0),)))
    'P(C=1 | A=0)'
    """
    return Prob(term).text(LETTERS)


@lru_cache
def _masks(n: int) -> dict[tuple[int, int], tuple[int, int]]:
    """For each of n variables at each level: its bit, and that bit if the level is 1."""
    return {(v, level): (1 << v, level << v) for v in range(n) for level in (0, 1)}
