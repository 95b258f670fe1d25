"""One process of a training run: ``python -m caugym.train.worker OUT`` does what the run directory says."""

import logging
import os
import sys
import threading
import traceback
import warnings
from pathlib import Path
from typing import Any

from rich.console import Console

from caugym.backends import needs
from caugym.core.errors import InputError

KERNELS = 64
"""Compiled kernels that oneDNN keeps: its own 1,024, of all shapes, come to gigabytes a process."""


def quiet() -> None:
    """Silence the libraries' notices about what is chosen here on purpose, and bound what oneDNN keeps."""
    os.environ["TRL_EXPERIMENTAL_SILENCE"] = "1"  # rollout_func is pinned and tested
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", str(KERNELS))
    if not sys.stderr.isatty():
        os.environ.setdefault("TQDM_DISABLE", "1")  # DPO's and KTO's look at the reference
    import datasets
    import transformers

    datasets.disable_progress_bars()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    for name in ("trl", "accelerate", "torch.distributed"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message=".*gradient_checkpointing.*", category=FutureWarning)


def work(out: Path) -> Any:
    """Train as the run directory says, from its last complete checkpoint if there is one.

    Args:
        out: A directory prepared by `caugym.train.train`.

    Returns:
        The TRL trainer, its work done.

    Raises:
        InputError: If the run cannot go on, e.g. when the loss is not a number.
    """
    quiet()
    needs("train", "trl", "accelerate")
    import datasets
    from transformers import PrinterCallback

    from caugym.backends.local import load
    from caugym.train import directory, settings, trainer_of, watch
    from caugym.train.nano import weights_hash

    record = directory.read(out)
    recipe = directory.recipe(out)
    model, tokenizer = load(record["start"])
    settings.suit(model, recipe)
    data = datasets.load_from_disk(str(out / directory.DATA))
    try:
        trainer = trainer_of(recipe.method)(model, tokenizer, data, recipe, out)
    except (ValueError, NotImplementedError) as error:
        raise InputError(f"TRL refuses this recipe: {' '.join(str(error).split())}") from error
    trainer.remove_callback(PrinterCallback)
    console = Console(stderr=True)
    curve = watch.Curve(out / directory.METRICS, console)
    trainer.add_callback(curve)
    trainer.add_callback(watch.Complete())
    if trainer.is_world_process_zero():
        trainer.add_callback(watch.Bar(recipe.method, console, curve))
    checkpoint = watch.last_checkpoint(out / "checkpoints")
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    trainer.accelerator.wait_for_everyone()
    if trainer.is_world_process_zero():
        trained: Any = trainer.accelerator.unwrap_model(trainer.model)
        directory.finish(out, trained, tokenizer, weights_hash(trained))
    return trainer


def _leave_with_parent() -> None:
    """End when the process that started this one does: it holds the other end of standard input."""
    sys.stdin.read()
    os._exit(1)


def main() -> None:
    """Entry of a worker process."""
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    out = Path(sys.argv[1])
    code = 0
    try:
        trainer = work(out)  # held until the end, see below
        trainer.accelerator.wait_for_everyone()
    except InputError as error:
        code = 2
        if os.environ.get("RANK", "0") == "0":
            (out / "error.txt").write_text(str(error), encoding="utf-8")
    except KeyboardInterrupt:
        code = 130
    except Exception:
        code = 1
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    # All is on disk, and the destructors of gloo's process groups sometimes wait for ever.
    os._exit(code)


if __name__ == "__main__":
    main()
