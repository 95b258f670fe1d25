"""Small files in the formats of public benchmarks; every sentence and number in them is our own."""

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

WORLD = (
    "Imagine a self-contained, hypothetical world with only the following conditions, and without any "
    "unmentioned factors or causal relationships: "
)
ARROWS = "Watering has a direct effect on growth. Growth has a direct effect on harvest."
STATED = (
    "For those with watering being low, the probability of growth being high is 0.2500. "
    "For those with watering being high, the probability of growth being high is 0.7500. "
)
CHANGE = "If watering is changed to be high, will growth be more likely to be high?"
TREATED = (
    "For those with watering being low, if their watering had been high, "
    "would the growth have been more likely to be high?"
)


def calm(
    gold: float | str, task: str = "ATE", question: str = CHANGE, stated: str = STATED
) -> dict[str, Any]:
    """An item of CaLM Lite."""
    names = {
        "ATE": "average treatment effect (ATE)",
        "ETT": "effect of treatment on the treated (ETT)",
        "PN": "probability of necessity (PN)",
    }
    return {
        "index": 1,
        "Background": {"graph": "", "real_world_meaning": "", "data_info": stated, "data_info_math": ""},
        "Instruction": f"Consider the {names[task]} of watering on growth.",
        "Question": question,
        "Reason": {},
        "Type": task,
        "Mode": "REAL",
        "gt_answer": gold,
        "given_info": WORLD + ARROWS,
    }


def release(answer: str, task: str = "ETT", question: str = TREATED, stated: str = STATED) -> dict[str, Any]:
    """An item of the CauGym release."""
    item = calm(0, task, question, stated)
    return {
        "problem": f"Input Info: {WORLD}{ARROWS}\n{stated}\nInstruction: {item['Instruction']}\n"
        f"Question: {question}\nProvide the calculation result to four decimal places.",
        "answer": answer,
        "Reason": {"Step 1": "ETT=0.5>0 so the answer is No."},
        "Type": task,
    }


DIAMOND = {
    "model_id": 7,
    "story_id": "garden",
    "graph_id": "arrowhead",
    "background": WORLD
    + "Sun has a direct effect on soil and crop. Rain has a direct effect on soil and crop. "
    "Soil has a direct effect on crop.",
    "structure": "X->V3,V2->V3,X->Y,V2->Y,V3->Y",
    "params": {
        "p(X)": 0.4,
        "p(V2)": [0.3],
        "p(V3 | X, V2)": [[0.1, 0.9], [0.2, 0.7]],
        "p(Y | X, V2, V3)": [[[0.1, 0.2], [0.3, 0.9]], [[0.4, 0.5], [0.6, 0.8]]],
    },
}


def cladder(
    number: int, task: str, truth: float | list[str] | str, answer: str, **meta: object
) -> dict[str, Any]:
    """A question of CLadder about the model `DIAMOND`."""
    return {
        "question_id": number,
        "given_info": "The overall probability of sun is 40%.",
        "question": "Will sun increase the chance of a crop?",
        "answer": answer,
        "meta": {
            "query_type": task,
            "model_id": 7,
            "treatment": "X",
            "outcome": "Y",
            "groundtruth": truth,
            "polarity": True,
        }
        | meta,
        "reasoning": None,
    }


TABLES = """Here's a structural causal model. Here are the Values they can take on.

v0 can take values in [0, 1]
v1 can take values in [0, 1]

strict digraph {
v0;
v1;
v0 -> v1;
}

CPTs for v0:
P(v0) = [0.33, 0.67]

CPTs for v1:
P(v1 | v0=0) = [0.1, 0.9]
P(v1 | v0=1) = [0.6, 0.4]


Here's your Question: """


def rlcausal(question: str, reference: list[float]) -> dict[str, Any]:
    """An item of RLCausal."""
    return {"example": {"system": "Be exact.", "user": TABLES + question, "reference": json.dumps(reference)}}


SEEN = "What is the marginal distribution of v0 given it is observed that v1=1?"
SET = "What is the marginal distribution of v1 given we intervented to set v0 to 1?"
BOTH = (
    "What is the marginal distribution of v1 given we first observed v0 = 0 "
    "and then intervened to set v0 to 1?"
)


def json_lines(file: Path, records: Sequence[dict[str, Any]]) -> Path:
    """Write JSON lines."""
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    return file


def json_array(file: Path, records: Sequence[dict[str, Any]]) -> Path:
    """Write one JSON array."""
    file.write_text(json.dumps(records))
    return file


def _cladder(folder: Path) -> Path:
    json_array(folder / "test-model-meta.json", [DIAMOND])
    return json_array(folder / "test.json", [cladder(1, "ate", 0.2, "yes"), cladder(2, "ate", 0.2, "no")])


def _corr2cause(folder: Path) -> Path:
    file = folder / "test.csv"
    with file.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["input", "label"])
        writer.writerow(["Premise: A correlates with B. Hypothesis: A directly affects B.", "0"])
        writer.writerow(["Premise: A correlates with B,\nno more. Hypothesis: A and B are dependent.", "1"])
    return file


def _causalprobe(folder: Path) -> Path:
    item = {"context": "Rain fell.", "question": "Why is it wet?"}
    item |= {f"choice_{i}": text for i, text in enumerate(("Rain.", "Wind.", "Frost.", "A leak."), 1)}
    return json_array(folder / "M.json", [item | {"id": 1, "answer": [1, 4]}, item | {"id": 2, "answer": 1}])


EXAMPLES = [
    {"input": "Ann pushed. Did Ann cause it?", "target": "Yes"},
    {"input": "Bob slept. Did Bob cause it?", "target": "No"},
    {"input": "Both pushed. Did Ann cause it?", "target": "Ambiguous"},
]

SAMPLES: dict[str, Callable[[Path], Path]] = {
    "calm": lambda folder: json_lines(folder / "ATE-P_ATE-basic_EN.json", [calm(0.5), calm(0.5000001)]),
    "calm-yes-no": lambda folder: json_lines(folder / "ATE-B_ATE-natural_EN.json", [calm("Yes"), calm("No")]),
    "release": lambda folder: json_array(
        folder / "base_dataset.json",
        [release('{"ANSWER": "Yes", "PROB": "-0.5"}'), release("LACK_CONDITION"), release('{"PROB": "0.5"}')],
    ),
    "cladder": _cladder,
    "rlcausal": lambda folder: json_array(
        folder / "interventional_distribution.json", [rlcausal(SET, [0.6, 0.4]), rlcausal(SEEN, [0.53, 0.47])]
    ),
    "corr2cause": _corr2cause,
    "bbeh-causal": lambda folder: json_array(folder / "task.json", [{"examples": EXAMPLES}]),
    "causalprobe": _causalprobe,
}
"""By benchmark: what writes a small file of it and returns its path."""
