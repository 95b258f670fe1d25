#!/bin/sh
# Five methods from one base on the same problems and the same token budget, with controls; then the page.
#
#   runs/five_methods.sh [--quick] [OUT]
#
# --quick: one seed, few problems, half an hour on four cores. Without it: three seeds of nine trainings of
# about ten minutes each, five hours on four cores. Stopped, it goes on where it was with the same command.
# Another size or base: python -m caugym.experiment run --help
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
[ -x "$python" ] || python=python3

quick=
if [ "${1:-}" = --quick ]; then quick=--quick; shift; fi
out=${1:-five-methods-out$quick}

# 1. Problems to train on (split `post`, none of which the base has seen) and seven sets to measure on.
# 2. sft, dpo, kto, ppo, grpo; SFT then GRPO; controls: continued base training, random and format-only reward.
# 3. Every model on every set: greedy, eight samples at T = 1, and `standard` without having seen it.
"$python" -m caugym.experiment run "$out" $quick

# 4. Tables with intervals and paired tests, and pictures, from the run files alone.
page=docs/results.md
[ -z "$quick" ] || page="$out/results.md"
"$python" -m caugym.experiment page "$out" "$page"
echo "see $page"
