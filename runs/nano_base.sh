#!/bin/sh
# Train the bundled base model from scratch, and put it into the package.
#
#   runs/nano_base.sh [OUT]
#
# About three million parameters; caugym/train/corpus.py says what they are taught. Making the corpus takes five
# minutes on two cores. Learning it, 43 million tokens, takes an hour and three quarters with two single-threaded
# processes, of which each learns 3,500 tokens a second on cores with AVX-512; a GPU learns a hundred times as fast.
# Stopped, it goes on where it was with the same command. The corpus depends on the seed alone, the weights on the
# machine and the number of processes too. `python runs/nano_card.py OUT/card` then measures what the model card says.
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
[ -x "$python" ] || python=python3
out=${1:-nano-base-out}

"$python" -m caugym.train.base "$out" --problems 80000 --seed 0 --workers 2

bundled=src/caugym/backends/nano
mkdir -p "$bundled"
cp "$out"/model/* "$bundled"/
echo "see $bundled"
