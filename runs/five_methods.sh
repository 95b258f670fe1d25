#!/bin/sh
# Five methods from one base on the same problems and the same token budget, with controls; then the page.
#
#   runs/five_methods.sh [--quick] [OUT [OPTION..]]
#
# --quick: one seed, few problems, no ablations, half an hour to an hour on two cores. Without it: three seeds of sixteen
# trainings of seven times the tokens, a night on two cores. Stopped, it goes on where it was with the same
# command, and with a larger --seeds adds the seeds that are missing. Options, such as another base or size, are
# those of python -m caugym.experiment run. Two minutes:
#
#   runs/five_methods.sh --quick OUT --problems 8 --tokens 15000 --tests 14 --samples 2 \
#       --set processes=1 --set batch=16
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
[ -x "$python" ] || python=python3

quick=
if [ "${1:-}" = --quick ]; then quick=--quick; shift; fi
out=${1:-five-methods-out$quick}
[ $# -eq 0 ] || shift

# 1. Problems to train on (split `post`, none of which the base has seen) and seven sets to measure on.
# 2. sft, dpo, kto, ppo, grpo; SFT then GRPO; controls: continued base training, random and format-only reward.
# 3. Every model on every set: greedy, eight samples at T = 1, and `standard` without having seen it.
"$python" -m caugym.experiment run "$out" $quick "$@"

# 4. GRPO with one thing changed: parts of the reward, a weight on leaving the base, group size, warm-up.
[ -n "$quick" ] || "$python" -m caugym.experiment run "$out" --ablations "$@"

# 5. Tables with intervals and paired tests, and pictures, from the run files alone.
page=docs/results.md
[ -z "$quick" ] || page="$out/results.md"
"$python" -m caugym.experiment page "$out" "$page"
echo "see $page"
