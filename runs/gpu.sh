#!/bin/sh
# The experiment on one GPU: a second base of 30 million parameters, what a step of each method costs with either
# base, and five methods from either at four times the problems and tokens.
#
#   runs/gpu.sh [OUT]
#
# Stopped, it goes on where it was with the same command.
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
[ -x "$python" ] || python=python3
out=${1:-gpu-out}

# 1. The larger base, taught as the bundled one was.
"$python" -m caugym.train.base "$out/first" --size large --problems 110000 --seed 0
"$python" -m caugym.train.base "$out/second" --course second --model "$out/first/model" --problems 120000 --seed 1

# 2. Seconds a step and tokens a second of the five methods in bfloat16; where a GRPO step spends its time.
# 3. Five methods, three seeds, controls and ablations; a page.
compare() { # NAME BASE
    "$python" benchmarks/methods.py --model "$2" --steps 20 --profile --set micro=64
    for arms in "" --ablations; do
        "$python" -m caugym.experiment run "$out/$1" --base "$2" --problems 1200 --tokens 12000000 \
            --set micro=64 $arms
    done
    "$python" -m caugym.experiment page "$out/$1" "$out/$1/results.md"
}
compare nano nano
compare large "$out/second/model"
echo "see $out/nano/results.md and $out/large/results.md"
