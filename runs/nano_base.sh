#!/bin/sh
# Train the bundled base model from scratch, and put it into the package.
#
#   runs/nano_base.sh [OUT]
#
# About three million parameters; caugym/train/corpus.py says what they are taught. Making the corpus takes twenty
# minutes on two cores. Learning it, 112 million tokens, takes five minutes on a GPU, or under three hours with four
# single-threaded processes on CPUs that compute in bfloat16 (10,500 tokens a second), and 14 GB of memory. Stopped,
# it goes on where it was with the same command. The tokenizer is kept as it is bundled, so that bases compare;
# leave --tokenizer out to fit a new one. The corpus depends on the seed alone, the weights also on the machine.
# `python runs/nano_card.py OUT/card` then measures what the model card says.
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
[ -x "$python" ] || python=python3
out=${1:-nano-base-out}

"$python" -m caugym.train.base "$out" --problems 210000 --seed 0 --workers 4 --tokenizer nano

bundled=src/caugym/backends/nano
mkdir -p "$bundled"
cp "$out"/model/* "$bundled"/
echo "see $bundled"
