"""What a model is asked: a file of questions, or a public benchmark, told by its name or its fields."""

from dataclasses import dataclass, field
from pathlib import Path

from caugym.core.errors import InputError
from caugym.data.manifest import NAME as MANIFEST
from caugym.data.questions import Question, questions
from caugym.evaluate.benchmarks import BENCHMARKS, Benchmark, checksum, recognise


@dataclass(frozen=True)
class Source:
    """Questions and where they came from.

    Attributes:
        name: As given.
        questions: In the order of the files.
        benchmark: The public benchmark whose rules grade the replies; None for all else.
        files: SHA-256 of each file of the benchmark, by name.
    """

    name: str
    questions: tuple[Question, ...]
    benchmark: Benchmark | None = None
    files: dict[str, str] = field(default_factory=dict)

    def about(self) -> list[str]:
        """Whose the files are, their licence, whom to cite, how replies are graded, and the digests."""
        if self.benchmark is None:
            return []
        return [
            self.benchmark.about(),
            f"Official metric: {self.benchmark.metric}",
            *(f"{name}: sha256 {digest}" for name, digest in self.files.items()),
        ]


def source(spec: str | Path) -> Source:
    """The questions that a spec names.

    Args:
        spec: A path, of which the benchmark (if it is of one) is told by the fields of its records; or
            ``NAME:PATH``, with the short name of a benchmark.

    Raises:
        InputError: If there is nothing to read, or it is not of the named benchmark.
    """
    name, _, rest = str(spec).partition(":")
    benchmark = BENCHMARKS.get(name)
    if benchmark is None or Path(spec).exists():
        path = Path(spec)
        if rest and not path.exists():
            known = ", ".join(BENCHMARKS)
            raise InputError(f"there is no file {spec}, and no benchmark {name!r}; those known: {known}")
        benchmark = None if (path / MANIFEST).exists() else _recognised(path)
    elif not rest:
        raise InputError(
            f"{benchmark.title} is not bundled; get its files from {benchmark.url} and give --set {name}:PATH"
        )
    else:
        path = Path(rest)
        if not benchmark.recognises(path):
            raise InputError(f"{path} is not of {benchmark.title}; its first record has other fields")
    if benchmark is None:
        return Source(str(spec), tuple(questions(path)))
    files = sorted({record.file for record in benchmark.source(path)})
    digests = {file.name: checksum(file) for file in files}
    return Source(str(spec), tuple(benchmark.load(path)), benchmark, digests)


def _recognised(path: Path) -> Benchmark | None:
    try:
        return recognise(path)
    except InputError:
        return None  # whether it can be read at all, the reader of questions says
