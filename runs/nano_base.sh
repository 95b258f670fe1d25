#!/bin/sh
# Train the bundled base model from scratch, and put it into the package.
#
#   runs/nano_base.sh [OUT]
#
# About three million parameters; caugym/train/corpus.py says what they are taught. Trainings one after the other, each
# from the one before with problems of its own, so that each fits an evening; short last courses make the model
# unreliable again. Making the corpora takes a quarter of an hour on two cores, learning them, 115 million tokens, five
# hours with two single-threaded processes; a GPU learns a hundred times as fast. Stopped, it goes on where it was with
# the same command. A corpus depends on its seed alone, the weights on the machine and the number of processes too.
# `python runs/nano_card.py OUT/card` then measures what the model card says.
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
[ -x "$python" ] || python=python3
out=${1:-nano-base-out}

from=scratch seed=0
for lesson in "whole 80000" "whole 60000" "whole 30000" "last 4000" "whole 16000" "last 4000" "last 2000"; do
    "$python" -m caugym.train.base "$out/$seed" --model "$from" --course "${lesson% *}" --problems "${lesson#* }" \
        --seed "$seed" --workers 2
    from=$out/$seed/model seed=$((seed + 1))
done

bundled=src/caugym/backends/nano
mkdir -p "$bundled"
cp "$from"/* "$bundled"/
echo "see $bundled"
