"""Terms as bitmasks, and the canonical form that the graph gives them.

Terms that are equal in every distribution of the graph, because some of their conditions do not matter, have
the same canonical form.
"""

from caugym.core.errors import InputError
from caugym.core.expr import Prob, Symbols
from caugym.core.graph import DAG, bits
from caugym.core.query import Assignment, Term
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
        self._canonical: dict[Key, Key] = {}

    def of(self, term: Term) -> Key:
        """The term as bitmasks."""
        event, event_levels = self._masks(term, term.event)
        given, given_levels = self._masks(term, term.given)
        if term.do:
            do, do_levels = self._masks(term, term.do)
            if do & (event | given):
                raise InputError(f"{term_text(term)} sets a variable and also observes it; leave one out")
            given |= do << self.n
            given_levels |= do_levels << self.n
        if not event or event & given:
            raise InputError(f"{term_text(term)} is no probability: each variable may stand on one side only")
        return event, event_levels, given, given_levels

    def _masks(self, term: Term, assignment: Assignment) -> tuple[int, int]:
        members = levels = 0
        for variable, level in assignment:
            bit = 1 << variable if 0 <= variable < self.n else 0
            if not bit or members & bit or level not in (0, 1):
                what = "a variable twice, one that is not in the graph, or a level that is not 0 or 1"
                raise InputError(f"{term_text(term)} names {what}")
            members |= bit
            levels |= bit * level
        return members, levels

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
