#!/bin/sh
# Train the bundled base model from scratch, and put it into the package.
#
#   runs/nano_base.sh [OUT]
#
# About three million parameters; caugym/train/corpus.py says what they are taught. Making the corpus takes twenty
# minutes on two cores. Learning it, 95 million tokens, takes five minutes on a GPU, or about two hours with four
# single-threaded processes, of which each learns some 3,500 tokens a second, and 14 GB of memory. Stopped,
# it goes on where it was with the same command. The corpus depends on the seed alone, the weights on the machine too.
# `python runs/nano_card.py OUT/card` then measures what the model card says.
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
[ -x "$python" ] || python=python3
out=${1:-nano-base-out}

"$python" -m caugym.train.base "$out" --problems 210000 --seed 0 --workers 4

bundled=src/caugym/backends/nano
mkdir -p "$bundled"
cp "$out"/model/* "$bundled"/
echo "see $bundled"
