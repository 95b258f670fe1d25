"""The dataset card: ``README.md`` in the Hugging Face layout, so that ``load_dataset(FOLDER)`` works."""

from caugym.data.manifest import Manifest
from caugym.data.row import CANARY
from caugym.estimands import TABLE

_CARD = """---
configs:
- config_name: {set}
  default: true
  data_files:
  - split: {split}
    path: data/{set}/{split}-*.parquet
pretty_name: CauGym {set} {level}
license: apache-2.0
language:
- en
task_categories:
- question-answering
- text-generation
size_categories:
- {size}
tags:
- causal-inference
- reasoning
- math
- synthetic
---

# CauGym: {set}, {level}

{rows:,} causal-estimation problems with proved answers ({split} split, seed {seed}): {tasks}.
Every answer is the formula over exactly the numbers that the text prints, and follows from the text alone;
every row carries its worked solution and a certificate: a joint distribution that has every printed number.

Made by
`caugym make OUT --set {set} --task {codes} --level {level} --n {n} --seed {seed} --split {split}{order}`
(caugym {code}, generator {generator}). `caugym check OUT` proves it again from the text.

| field | holds |
|---|---|
| `id` | set, level, task, split, seed and index; stable |
| `prompt` | the question in words, and how to answer |
| `gold` | `status` (identified or not), `value` (decimal string), `answer` (Yes, No, null), `missing` |
| `tolerance` | how far a reply's value may be from gold |
| `solution` | the worked solution, a step each; the last is the final answer |
| `variables`, `edges`, `statements`, `query` | the problem as numbers: variables and levels counted from 0 |
| `certificate` | JSON: the sets of the formula; P(level 1 given parents) of each variable in units of 1e-12 |
| `difficulty` | counted: variables, statements, adjustment, mediators, products of the formula, digits |
| `provenance` | generator version, seed, index within the task, refused draws before this one |

Where a language model was asked for other words, `provenance.rewriter` names it, and `refused` says why its
words were not taken; it is empty where they were.

Rows: {rows}. SHA-256 over the rows: `{sha256}`.
{warning}
Canary: `{canary}`
"""

_WARNING = """
**Do not train on this split.** It is made to measure. The canary stands in every row; leave pages that
hold it out of training corpora.
"""


def card(manifest: Manifest) -> str:
    """The card of a complete set."""
    config = manifest.config
    bounds = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
    return _CARD.format(
        set=config.set,
        split=config.split,
        level=config.level,
        seed=config.seed,
        order=" --curriculum" * config.curriculum
        + (f" --rewriter {config.rewriter}" if config.rewriter else ""),
        n=config.n,
        size=next((size for bound, size in bounds if manifest.rows < bound), "n>1M"),
        rows=manifest.rows,
        tasks=", ".join(f"{TABLE[task].name} ({task})" for task in config.tasks),
        codes="all" if len(config.tasks) == len(TABLE) else ",".join(config.tasks),
        code=manifest.code,
        generator=manifest.generator,
        sha256=manifest.sha256,
        warning="" if config.split.startswith("train") else _WARNING,
        canary=CANARY,
    )
