#!/bin/sh
# Train the bundled base model from scratch, and put it into the package.
#
#   runs/nano_base.sh [OUT]
#
# About three million parameters and two courses (caugym/train/corpus.py says what each teaches), each with four
# single-threaded processes and about 14 GB of memory: MINUTES. Stopped, it goes on
# where it was with the same command. The result depends on the seeds and the number of processes, not on speed.
# `python runs/nano_card.py OUT/card` then measures what the model card says.
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
[ -x "$python" ] || python=python3
out=${1:-nano-base-out}

"$python" -m caugym.train.base "$out/first" --problems 110000 --seed 0 --workers 4
"$python" -m caugym.train.base "$out/second" --course second --model "$out/first/model" \
    --problems 120000 --seed 1 --workers 4

bundled=src/caugym/backends/nano
mkdir -p "$bundled"
cp "$out"/second/model/* "$bundled"/
echo "see $bundled"
