#!/bin/sh
# Train the bundled base model from scratch, and put it into the package.
#
#   runs/nano_base.sh [OUT]
#
# About three million parameters on 110,000 problems and the exercises that caugym/train/corpus.py makes beside
# them; four single-threaded processes, about 95 minutes and 14 GB of memory on a 4-core CPU. Stopped, it goes on
# where it was with the same command. The result depends on the seed and the number of processes, not on speed.
# `python runs/nano_card.py OUT/card` then measures what the model card says.
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
[ -x "$python" ] || python=python3
out=${1:-nano-base-out}

"$python" -m caugym.train.base "$out" --problems 110000 --seed 0 --workers 4

bundled=src/caugym/backends/nano
mkdir -p "$bundled"
cp "$out"/model/* "$bundled"/
echo "see $bundled"
