#!/bin/sh
# The experiment on one GPU: a second base of 30 million parameters, what a step of each method costs with either
# base, and five methods from either at four times the problems and tokens.
#
#   runs/gpu.sh [OUT]
#
# Models this small leave a GPU waiting for the processor: three trainings side by side take no longer than one,
# so the experiment trains six at a time. Stopped, it goes on where it was with the same command. Where a GPU is
# paid for by the minute, make the corpus before: the first command with --prepare needs none.
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
[ -x "$python" ] || python=python3
out=${1:-gpu-out}

# 1. The larger base, taught as the bundled one was, on more problems.
"$python" -m caugym.train.base "$out/large-base" --size large --problems 210000 --seed 0

# 2. Seconds a step and tokens a second of the five methods in bfloat16; where a GRPO step spends its time.
# 3. Five methods, three seeds, controls and ablations; a page.
compare() { # NAME BASE
    "$python" benchmarks/methods.py --model "$2" --steps 20 --profile --set micro=64
    for arms in "" --ablations; do
        "$python" -m caugym.experiment run "$out/$1" --base "$2" --problems 1200 --tokens 12000000 \
            --set micro=64 --parallel 6 $arms
    done
    "$python" -m caugym.experiment page "$out/$1" "$out/$1/results.md"
}
compare nano nano
compare large "$out/large-base/model"
echo "see $out/nano/results.md and $out/large/results.md"
