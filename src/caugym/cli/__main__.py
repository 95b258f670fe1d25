"""``python -m caugym.cli``."""

from caugym.cli import main

main()
