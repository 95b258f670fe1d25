#!/bin/sh
# Train the bundled base model from scratch, and put it into the package.
#
#   runs/nano_base.sh [OUT]
#
# About three million parameters; caugym/train/corpus.py says what they are taught. Two trainings one after the other,
# the second from the first with problems of its own, so that each fits an evening. Making the corpora takes nine minutes
# on two cores, learning them, 76 million tokens, three hours with two single-threaded processes; a GPU
# learns a hundred times as fast. Stopped, it goes on where it was with the same command. A corpus depends on its seed
# alone, the weights on the machine and the number of processes too. `python runs/nano_card.py OUT/card` then measures
# what the model card says.
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
[ -x "$python" ] || python=python3
out=${1:-nano-base-out}

"$python" -m caugym.train.base "$out/first" --problems 80000 --seed 0 --workers 2
"$python" -m caugym.train.base "$out/second" --model "$out/first/model" --problems 60000 --seed 1 --workers 2

bundled=src/caugym/backends/nano
mkdir -p "$bundled"
cp "$out"/second/model/* "$bundled"/
echo "see $bundled"
