#!/bin/sh
# Train the bundled base model from scratch, and put it into the package.
#
#   runs/nano_base.sh [OUT]
#
# About three million parameters; caugym/train/corpus.py says what they are taught. Three trainings one after the other,
# each from the one before with problems of its own, so that each fits an evening, and a short last one that makes the
# model unreliable again. Making the corpora takes twelve minutes on two cores, learning them, 100 million tokens, four
# hours with two single-threaded processes; a GPU learns a hundred times as fast. Stopped, it goes on where it was with
# the same command. A corpus depends on its seed alone, the weights on the machine and the number of processes too.
# `python runs/nano_card.py OUT/card` then measures what the model card says.
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
[ -x "$python" ] || python=python3
out=${1:-nano-base-out}

"$python" -m caugym.train.base "$out/first" --problems 80000 --seed 0 --workers 2
"$python" -m caugym.train.base "$out/second" --model "$out/first/model" --problems 60000 --seed 1 --workers 2
"$python" -m caugym.train.base "$out/third" --model "$out/second/model" --problems 30000 --seed 2 --workers 2
"$python" -m caugym.train.base "$out/last" --model "$out/third/model" --course last --problems 4000 --seed 3 --workers 2

bundled=src/caugym/backends/nano
mkdir -p "$bundled"
cp "$out"/last/model/* "$bundled"/
echo "see $bundled"
