"""Further wordings, for items that tell the problems of `caugym.problems.wording` in other words.

None of them occurs in a base problem, so a model that has learnt the base wordings has seen none of these.
The questions never use the name of a task or the words of its formula.
"""

import re
from dataclasses import replace

from caugym.core.query import Task
from caugym.problems.wording import BASE, Gathering, Listing, Pool, Wording, table

REPHRASED = Pool(
    frames=(
        "The causal picture below is complete.",
        "Here is all that acts on anything in this setting.",
        "What follows lists every causal link of a small system.",
        "Picture a system in which nothing acts on anything else except as stated.",
        "All causal relations among the factors are given next.",
        "No hidden causes are at work; the links are these.",
        "Take the following causal account as complete.",
        "Imagine that the causal story told here leaves nothing out.",
    ),
    edges=table(
        "{Cause} {cause:acts} directly on {effect}.",
        "One direct cause of {effect} is {cause}.",
        "{Effect} {effect:responds} directly to {cause}.",
        "An arrow runs from {cause} to {effect}.",
        "{Cause} {cause:is} a direct cause of {effect}.",
        "{Effect} {effect:is} directly shaped by {cause}.",
        "What happens to {effect} hinges directly on {cause}.",
        "A change in {cause} directly changes {effect}.",
    ),
    fans_out=table(
        "{Cause} {cause:exerts} a direct influence on each of {effects}.",
        "Each of {effects} is directly driven by {cause}.",
        "From {cause}, direct arrows run to {effects}.",
        "There are direct effects of {cause} on {effects}.",
        "{Effects} each answer directly to {cause}.",
    ),
    fans_in=table(
        "{Causes} each exert a direct influence on {effect}.",
        "{Effect} {effect:has} more than one direct cause: {causes}.",
        "Direct arrows run from {causes} to {effect}.",
        "The direct causes of {effect} include {causes}.",
        "Each of {causes} directly moves {effect}.",
    ),
    shared_levels=table(
        "For all factors, the possible levels are {levels}.",
        "Whatever the factor, its level is {levels}.",
        "Only the levels {levels} occur.",
        "Any one of the factors may be {levels}.",
        "Possible levels throughout: {levels}.",
        "One finds {levels} for all of these factors.",
        "The scale used for all factors is {levels}.",
        "Throughout, a factor can only be {levels}.",
    ),
    levels=(
        Listing("", Wording.of("{X} may be {levels}."), "", ""),
        Listing("", Wording.of("For {x}, the levels are {levels}."), "", ""),
        Listing("The factors, with their levels: ", Wording.of("{x}, which {x:is} {levels}"), "; ", "."),
        Listing("The factors take these levels: ", Wording.of("{x}: {levels}"), "; ", "."),
        Listing("", Wording.of("{X} {x:takes} one of the levels {levels}."), "", ""),
        Listing("", Wording.of("One finds {x} to be {levels}."), "", ""),
        Listing("", Wording.of("The state of {x} is {levels}."), "", ""),
        Listing("As to levels, ", Wording.of("{x} may be {levels}"), "; ", "."),
    ),
    marginals=table(
        "{Event:is} with a chance of {share}.",
        "The likelihood of {event:being} is {share}.",
        "Overall, {event:is} with probability {share}.",
        "One meets {event:being} with probability {share}.",
        "In general, the chance of {event:being} is {share}.",
        "A share of {share} of all cases shows {event:being}.",
        "Without any condition, the probability that {event:is} equals {share}.",
        "It holds with probability {share} that {event:is}.",
    ),
    joints=table(
        "The combined chance of {event:being} is {share}.",
        "Together, {event:is} with probability {share}.",
        "Jointly, the chance of {event:being} is {share}.",
        "The probability for {event:being} to hold jointly is {share}.",
        "Taken as one event, {event:being} comes with probability {share}.",
        "It happens with probability {share} that {event:is} together.",
        "A share of {share} of all cases combines {event:being}.",
        "{Event:being} coincide with probability {share}.",
    ),
    conditionals=table(
        "Provided that {given:is}, the chance that {event:is} equals {share}.",
        "If {given:is}, then the probability of {event:being} is {share}.",
        "Of those with {given:being}, a share of {share} has {event:being}.",
        "The chance of {event:being} among those with {given:being} is {share}.",
        "Where {given:is}, one finds {event:being} with probability {share}.",
        "{Event:being} comes with probability {share} once {given:is}.",
        "Restricted to those with {given:being}, the probability that {event:is} is {share}.",
        "Take those with {given:being}: for them, the chance of {event:being} is {share}.",
    ),
    gathered=(
        Gathering.of("The probabilities are {members}.", "{share} for {event:being}"),
        Gathering.of("The chances, one by one: {members}.", "with {share}, {event:is}", simple=False),
        Gathering.of("Without any condition, these are the chances: {members}.", "{share} that {event:is}"),
        Gathering.of("One finds, overall, {members}.", "{share} of cases with {event:being}", simple=False),
    ),
    cases=(
        Gathering.of(
            "The probability of {event:being} is {members}.", "{share} for those with {given:being}"
        ),
        Gathering.of("{Event:being} has a chance of {members}.", "{share} given {given:being}"),
        Gathering.of(
            "How likely it is that {event:is} varies: {members}.",
            "with {given:being}, it is {share}",
            simple=False,
        ),
        Gathering.of("{Event:is} with probability {members}.", "{share} if {given:is}"),
    ),
    instructions=table(
        "Determine the {task} of {x} on {y}, written {code}.",
        "Your target is the {code} of {x} on {y}.",
        "At stake is the {task} ({code}) of {x} on {y}.",
        "Compute the {task} of {x} on {y}.",
        "This asks for the {code} ({task}) of {x} on {y}.",
        "How large is the {task} of {x} on {y}?",
        "Work out the {code} that {x} {x:has} on {y}.",
        "With {x} as the treatment and {y} as the outcome, find the {task} ({code}).",
    ),
    questions={
        "ATE": table(
            "Were everyone to have {x} at {to}, would this make it {more} likely that {y} {y:is} {level}?",
            "Suppose one sets {x} to {to} for all: does {y} being {level} become {more} likely?",
            "Does fixing {x} at {to} throughout the population make {y} being {level} {more} likely?",
            "Is {y} being {level} {more} likely in a world where all have {x} at {to} "
            "than in one where all have {x} at {original}?",
            "If one could bring {x} to {to} rather than {original} for all, "
            "would one find {y} {more} likely to be {level}?",
            "Compare a world where all have {x} at {to} with one where all have {x} at {original}: "
            "would {y} be {more} likely to be {level} in the first?",
            "An intervention brings {x} to {to} for everyone: "
            "does this make {y} {more} likely to be {level}?",
            "Would {level} be a {more} likely state of {y} after an intervention that puts {x} at {to} "
            "for everyone?",
        ),
        "CDE": table(
            "Keeping {held:fixed at} by intervention, would putting {x} at {to} "
            "make {y} {more} likely to be {level}?",
            "Suppose an intervention has {held:kept at}: does moving {x} to {to} then "
            "make {y} {more} likely to be {level}?",
            "Does bringing {x} to {to} make {y} {more} likely to be {level}, all with {held:fixed at}?",
            "Everyone has {held:fixed at}; would {y} be {more} likely to be {level} "
            "were {x} put at {to} as well?",
            "With {held:kept at} throughout, would changing {x} to {to} "
            "make it {more} likely that {y} {y:is} {level}?",
            "Two worlds both have {held:fixed at}: is {y} being {level} {more} likely in the one with {x} "
            "forced to {to} than in the one with {x} forced to {original}?",
            "With {held:fixed at} no matter what, does {y} become {more} likely to be {level} "
            "once {x} {x:is} turned to {to} instead of {original}?",
            "By force, {held:is}: would also forcing {x} to be {to} make {y} {more} likely to be {level}?",
        ),
        "ETT": table(
            "Look at those with {x} at {original}: had {x} been {to} for them, "
            "would they have been {more} likely to show {y} at {level}?",
            "Among those whose {x} {x:was} {original}, would {y} have been {more} likely to be {level} "
            "if their {x} had been {to}?",
            "Imagine changing the past for those with {x} at {original}: with {x} at {to} instead, "
            "would they have been {more} likely to have {y} at {level}?",
            "Would a past with {x} at {to} have made {y} {more} likely to be {level} "
            "for those who actually had {x} at {original}?",
            "Some had {x} at {original}: would {y} have been {more} likely to be {level} for them "
            "had {x} been {to}?",
            "For the group with {x} at {original}, would having {x} at {to} instead have made "
            "{y} at {level} {more} likely?",
            "In hindsight, would those with {x} at {original} have been {more} likely to have {y} at {level} "
            "with {x} at {to} instead?",
            "Had those with {x} at {original} had {x} at {to} instead, "
            "would {y} at {level} have been {more} likely among them?",
        ),
        "NDE": table(
            "Let {x} be changed to {to} while everything between {x} and {y} remains as under "
            "{x} at {original}: will {y} be {more} likely to be {level}?",
            "Freeze all that lies on the way from {x} to {y} as it is with {x} at {original}: "
            "does bringing {x} to {to} make {y} {more} likely to be {level}?",
            "Would {x} at {to} rather than {original} make {y} {more} likely to be {level} "
            "if all that lies between them were as under {x} at {original}?",
            "Only the straight path from {x} to {y} responds when {x} {x:is} changed to be {to} "
            "rather than {original}: does {y} become {more} likely to be {level}?",
            "Suppose nothing between {x} and {y} responds as {x} {x:is} turned to {to} "
            "rather than {original}: would {y} be {more} likely to be {level}?",
            "With everything through which {x} {x:works} on {y} kept as under {x} at {original}, "
            "would {x} at {to} have made {y} {more} likely to be {level}?",
            "Hold the go-betweens of {x} and {y} at their values under {x} at {original}: "
            "had {x} been {to}, would {y} have been {more} likely to be {level}?",
            "The go-betweens of {x} and {y} keep the values that they take with {x} at {original}; "
            "would {y} be {more} likely to be {level} with {x} itself at {to}?",
        ),
        "NIE": table(
            "Leave {x} at {original}, but give everything between {x} and {y} the value that it would have "
            "with {x} at {to}: will {y} be {more} likely to be {level}?",
            "Would {y} be {more} likely to be {level} if {x} remained {original} "
            "while all that lies between {x} and {y} behaved as under {x} at {to}?",
            "Suppose all between {x} and {y} responds as though {x} were {to}, but {x} {x:remains} "
            "{original}: would {y} be {more} likely to be {level}?",
            "Only the roundabout paths from {x} to {y} respond, as if {x} were {to}, with {x} itself left at "
            "{original}: does {y} become {more} likely to be {level}?",
            "With {x} itself left at {original}, would {y} be {more} likely to be {level} "
            "if the go-betweens of {x} and {y} took their values under {x} at {to}?",
            "Hand the go-betweens of {x} and {y} the values that they take with {x} at {to}, "
            "but keep {x} at {original}: would {y} have been {more} likely to be {level}?",
            "Does {y} become {more} likely to be {level} when {x} {x:remains} {original} "
            "and everything through which {x} {x:works} on {y} changes to its value under {x} at {to}?",
            "Let everything through which {x} {x:works} on {y} shift to its value under {x} at {to}, "
            "while {x} itself {x:remains} {original}: would {y} being {level} be {more} likely?",
        ),
        "PN": table(
            "{X} {x:was} {original} and {y} {y:was} {other}: at the {bound} bound, how probable is it "
            "that {y} would have been {level} instead had {x} been {to}?",
            "In a case with {x} at {original} and {y} at {other}, what is the {extreme} possible probability "
            "that with {x} at {to} instead {y} would have been {level}?",
            "What is the {extreme} value that the probability of {y} having been {level} can take, "
            "had {x} not been {original} but {to}, where in fact {x} {x:was} {original} and {y} {y:was} "
            "{other}?",
            "One sees {x} at {original} and {y} at {other}: give the {bound} bound on the probability "
            "that {y} would have turned out {level} had {x} been {to}.",
            "Taking {x} back to {to} after {x} {x:was} {original} and {y} {y:was} {other}, "
            "by the {bound} bound how likely is it that {y} would have been {level}?",
            "What {bound} bound holds for the probability that {y} would not have been {other} but {level} "
            "had {x} been {to}, when in fact {x} {x:was} {original} and {y} {y:was} {other}?",
            "Where {x} {x:was} {original} and {y} {y:was} {other}, how likely is it by the {bound} bound "
            "that without the former {y} would have been {level}, {x} being {to}?",
            "State the {extreme} possible probability that {y} would have been {level} with {x} at {to}, "
            "for a case in which {x} {x:was} {original} and {y} {y:was} {other}.",
        ),
        "PS": table(
            "{X} {x:was} {original} and {y} {y:was} {other}: at the {bound} bound, how probable is it "
            "that bringing {x} to {to} would have been enough to turn {y} to {level}?",
            "In a case with {x} at {original} and {y} at {other}, what is the {extreme} possible probability "
            "that {x} at {to} alone would have brought {y} to {level}?",
            "What is the {extreme} value that the probability of {x} at {to} producing {y} at {level} "
            "can take, where in fact {x} {x:was} {original} and {y} {y:was} {other}?",
            "One sees {x} at {original} and {y} at {other}: give the {bound} bound on the probability "
            "that a change of {x} to {to} would by itself have turned {y} to {level}.",
            "After {x} {x:was} {original} and {y} {y:was} {other}, by the {bound} bound how likely is it "
            "that {x} at {to} could have produced {y} at {level}?",
            "What {bound} bound holds for the probability that {x} at {to} would have done for {y} "
            "to be {level}, when in fact {x} {x:was} {original} and {y} {y:was} {other}?",
            "Where {x} {x:was} {original} and {y} {y:was} {other}, how likely is it by the {bound} bound "
            "that nothing more than {x} at {to} was missing for {y} to be {level}?",
            "State the {extreme} possible probability that {x} at {to} would have brought about {y} "
            "at {level}, for a case in which {x} {x:was} {original} and {y} {y:was} {other}.",
        ),
    },
    formats=(
        "Finish with {json}, four decimals; if the numbers given leave the answer open, "
        "write LACK_CONDITION instead.",
        "Your last line should be {json} with four decimals, or LACK_CONDITION when the facts stated "
        "do not fix the answer.",
        "Write the answer as {json} (rounded to four decimals). Should something needed be missing, "
        "write LACK_CONDITION.",
        "State the result, to four decimals, like this: {json}. Where it cannot be worked out, "
        "state LACK_CONDITION.",
        "The reply expected is {json} with four decimals, or LACK_CONDITION if no unique answer follows.",
        "End your reply with {json}, giving four decimals; for an answer that is not determined, "
        "put LACK_CONDITION.",
        "Put the final answer in the shape {json}, at four decimals, or say LACK_CONDITION if more would "
        "have to be known.",
        "Report {json} rounded to four decimals; report LACK_CONDITION where the facts do not settle "
        "the answer.",
    ),
)
"""At least eight wordings of every kind of sentence, and sentences that tell several arrows or numbers."""

_HINT = re.compile(r"mediator|suffic|necess|natural|controlled|treat|average", re.IGNORECASE).search


def _unnamed(task: Task) -> tuple[Wording, ...]:
    """Base questions without a word of the task's name or formula; where all have one, further ones."""
    plain = tuple(each for each in BASE.questions[task] if not _HINT(each.template))
    return plain or REPHRASED.questions[task]


OMITTED = replace(BASE, instructions=(), questions={task: _unnamed(task) for task in BASE.questions})
"""The base wordings, but nothing names the task: there is no instruction, and no question gives a hint."""

POOLS = {"base": BASE, "rephrased": REPHRASED, "omitted": OMITTED}
"""By the name of the set that is told so; every other set is told out of the base pool."""
