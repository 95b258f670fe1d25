"""Probabilities as they are printed: decimals, percentages and frequencies that mean the same digits."""

import re

FORMS = ("0.43", "43 in 100", "43 out of 100", "43%")
"""How a probability can be told, each by an example."""

_DECIMAL = re.compile(r"[01]\.[0-9]{1,6}").fullmatch
_FREQUENCY = re.compile(r"([0-9,]+) (?:in|out of) 1([0,]+)").fullmatch
_PERCENTAGE = re.compile(r"([0-9]+)(?:\.([0-9]+))?%").fullmatch


def told(value: str, form: int) -> str:
    """A decimal in one of the `FORMS`; what a form cannot tell exactly stays a decimal.

    >>> [told("0.4310", form) for form in range(4)]
    ['0.4310', '4,310 in 10,000', '4,310 out of 10,000', '43.10%']
    >>> [told("0.4", form) for form in range(4)]
    ['0.4', '4 in 10', '4 out of 10', '0.4']
    """
    if form == 0 or not _DECIMAL(value):
        return value
    digits = value.replace(".", "")
    places = len(digits) - 1
    if form < 3:
        return f"{int(digits):,} {'in' if form == 1 else 'out of'} {10**places:,}"
    if places < 2:
        return value
    return f"{int(digits[:3])}{'.' * (places > 2)}{digits[3:]}%"


def decimal(share: str) -> str:
    """The decimal that a probability means, digit for digit; the inverse of `told`.

    >>> decimal("4,310 in 10,000"), decimal("100%"), decimal("3 out of 1,000"), decimal("0.25")
    ('0.4310', '1.00', '0.003', '0.25')
    """
    if found := _FREQUENCY(share):
        return _shifted(found[1].replace(",", ""), found[2].count("0"))
    if found := _PERCENTAGE(share):
        behind = found[2] or ""
        return _shifted(found[1] + behind, 2 + len(behind))
    return share


def _shifted(digits: str, places: int) -> str:
    digits = f"{int(digits):0{places + 1}d}"
    return f"{digits[:-places]}.{digits[-places:]}"
