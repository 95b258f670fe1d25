"""Nonsense names: pronounceable words that mean nothing, such as ``bramok`` and ``lutevi``.

They keep a solver from answering out of what it knows about the world. Names are made of two or three
syllables, each a consonant or two with a vowel; the last may close with a consonant. 5 to 8 letters.
"""

from random import Random

from caugym.problems.problem import Variable

_ONSETS = ("b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z")
_OPENINGS = (*_ONSETS, "bl", "br", "dr", "fl", "fr", "gl", "gr", "kl", "kr", "pl", "pr", "sl", "st", "tr")
_CODAS = ("k", "l", "m", "n", "p", "z")
_RUDE = ("fa", "fu", "ku", "ni", "pe", "ti", "zi")  # syllables that the next one can turn into an insult


def _syllables(onsets: tuple[str, ...], vowels: str) -> tuple[str, ...]:
    return tuple(onset + vowel for onset in onsets for vowel in vowels if onset + vowel not in _RUDE)


_FIRST = _syllables(_OPENINGS, "aeiou")
_INNER = _syllables(_ONSETS, "aeiou")
_OPEN = _syllables(_ONSETS, "aiou")  # a last "e" would look English
_CLOSED = tuple(syllable + coda for syllable in _INNER for coda in _CODAS)

_ENGLISH = frozenset(
    "babel bagel balak banal banana baron basal basil basin bateman batik baton bazel bazon began begin begun "
    "beluga benin benito bevel bikini bison bitumen bluto bogun boliva bonato boredom boron bosom boson "
    "botana bravado bravo brazen brazil bridal broken bruno brutal burak dalila damera datum delila demon "
    "denim denizen derek develop devil devin digital domino dozen dragon drama driven falafel fatal felik "
    "felon feral filip final fireman flanagan flonum flora florida foreman forum frozen funeral gabana gabon "
    "galina galop garam gavin gemini general geneva gibon gigolo given gluten golan golem golovin gomez "
    "granada granola grapen grateful graven grenada kabana kabuki kamil kanal karen kenan kevin kimono kodak "
    "kosovo label laden laguna lapel lateral latin latino lebanon legal legan lemon lenin level levin liberal "
    "libido linen literal liven logan login lorem lukasa lumen lumina lupin madan madison malik manila marek "
    "marina marital masala mason maven medal melez melik melon merino meson metal mikado milan milon minima "
    "minimum modak modal model modem modula moral morel mubarak mukul mulan mural mutum napoli naruto nasal "
    "natural naval nazim nepal nigel nikita nikola nobel nodal nonagon novak novel novena numeral pagan "
    "pagoda panama panel papal paren patel patina paton pavel pedal penal perusal pesaran petal pinup pitiful "
    "pivotal platen platinum plaza plural pluto pokemon polak pomelo popup potato potoma prada prima primal "
    "promo propel proposal proto proton proven prozak pupil putin rabin radon ramadan ramen raven razim rebel "
    "refusal regen regimen removal renal renato repel resin retina revel riben ribon ripen rival riven rivoli "
    "robin rodola rogem roman romana rosin ruben rural sabin safari salami salamin salina saliva salon samara "
    "satan satin savana sedal sedan selena semen seminal senegal sepal serum setup seven several sigil silan "
    "silikon simon siren slalom slogan slovak sobol soliton solomon somali sorin stalin stamen stefan steven "
    "stolen sudan sudoku sunil suzuki tabak talon tamil tanaka tarik tavan telugu tibetan tidal titan tivoli "
    "token tomato tonal topaz topik total totem travel tribal tribun tripoli tropik tulip tuvalu vadim venal "
    "venema venom verona vidal viral vital volum zonal".split()
)


def half(name: str) -> int:
    """Which half of all names one belongs to, 0 or 1: the parity of its letter codes.

    >>> half("bramok"), half("bramol")
    (0, 1)
    """
    return sum(name.encode()) & 1


_STEMS = tuple(
    (stem, half(stem)) for stem in (*_FIRST * len(_INNER), *(a + b for a in _FIRST for b in _INNER))
)  # as many of two syllables as of three
_LAST = tuple(tuple(end for end in (*_OPEN * len(_CODAS), *_CLOSED) if half(end) == h) for h in (0, 1))


def nonsense(rng: Random, k: int, split: str) -> tuple[Variable, ...]:
    """Fresh variables with the levels ``low`` and ``high``.

    No two of them begin with the same four letters, so none is the beginning of another.

    Args:
        rng: Chooses the names.
        k: How many.
        split: ``"test"`` draws from one half of all names, every other split from the other half.
    """
    random, stems, parity = rng.random, len(_STEMS), int(split == "test")
    found: dict[str, Variable] = {}
    while len(found) < k:
        stem, odd = _STEMS[int(random() * stems)]
        last = _LAST[odd ^ parity]
        name = stem + last[int(random() * len(last))]
        if len(name) > 4 and name[:4] not in found and name not in _ENGLISH:
            found[name[:4]] = Variable(name)
    return tuple(found.values())
