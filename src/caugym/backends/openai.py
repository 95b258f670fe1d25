"""Models behind a server that speaks OpenAI's chat completions: vLLM, llama.cpp, Ollama, hosted services."""

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread
from typing import Any, Literal
from urllib.parse import urlsplit

from caugym.backends import Prompt, Reply, Sampling, messages
from caugym.backends.endpoint import Endpoint, Refused, Stopped
from caugym.core.errors import InputError
from caugym.core.streams import stream

OPENAI = "https://api.openai.com/v1"
"""The server, unless another is named."""

KEY_NAME = "OPENAI_API_KEY"
"""The environment variable that holds the key, unless another is named."""

LIMITS = ("max_completion_tokens", "max_tokens")
"""The two names of the limit on a reply: OpenAI's newer models take the first alone, older servers the
second alone."""

OPTIONAL = ("temperature", "top_p", "seed")
"""Fields that a request can go without."""

OBJECTION = re.compile(
    r"unsupported|not support|unrecogni[sz]ed|unknown|unexpected|extra"
    r"|not (permitted|allowed)|only the default",
    re.IGNORECASE,
)
"""How servers say that they do not know a field, as against its value being out of range."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Usage:
    """What replies took, by the server's own count.

    Attributes:
        replies: Replies received.
        uncounted: Those of them for which the server gave no count of tokens.
        prompt_tokens: Tokens read.
        completion_tokens: Tokens written, reasoning included.
        cost: Sum of the costs that the server states, in its own currency; None where it states none.
    """

    replies: int = 0
    uncounted: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None

    def add(self, counts: Any) -> None:
        """Count one reply, from the ``usage`` of its answer."""
        counts = counts if isinstance(counts, dict) else {}
        self.replies += 1
        self.uncounted += not _whole(counts.get("completion_tokens"))
        self.prompt_tokens += _whole(counts.get("prompt_tokens")) or 0
        self.completion_tokens += _whole(counts.get("completion_tokens")) or 0
        cost = counts.get("cost")
        if isinstance(cost, int | float) and not isinstance(cost, bool):
            self.cost = (self.cost or 0.0) + cost


class ServedModel:
    """A model behind an OpenAI-compatible server.

    Each reply is a request of its own with its own seed, so a reply depends on its key as far as the server
    keeps to seeds; many do so only at temperature 0.

    Args:
        model: The model's id on the server.
        name: As reported; ``openai:ID`` by default.
        base_url: The server; see `Endpoint`.
        api_key_env: The environment variable that holds the key. The key itself is never given, shown or
            stored.
        concurrency: Requests under way at a time.
        timeout: Seconds that one request may take.
        attempts: Tries of one request before it is given up.
        pause: Seconds before the second try; doubles with each.

    Raises:
        InputError: If an option cannot be used.
    """

    def __init__(
        self,
        model: str,
        *,
        name: str | None = None,
        base_url: str = OPENAI,
        api_key_env: str = KEY_NAME,
        concurrency: int = 8,
        timeout: float = 600.0,
        attempts: int = 9,
        pause: float = 1.0,
    ) -> None:
        if not model:
            raise InputError("no model is named; write openai:ID, with the id that the server knows")
        if concurrency < 1:
            raise InputError(f"concurrency is {concurrency}; give at least 1")
        self.model, self.name, self.concurrency = model, name or f"openai:{model}", concurrency
        self.endpoint = Endpoint(
            base_url,
            "/chat/completions",
            key_name=api_key_env,
            timeout=timeout,
            attempts=attempts,
            pause=pause,
        )
        hosted = urlsplit(self.endpoint.url).hostname == urlsplit(OPENAI).hostname
        if not self.endpoint.has_key and api_key_env != KEY_NAME:  # which may be the key itself: say it not
            raise InputError("--api-key-env takes the name of an environment variable that holds the key")
        if not self.endpoint.has_key and hosted:
            raise InputError(f"the environment variable {KEY_NAME} is not set; put the key there")
        self.limits = LIMITS if hosted else LIMITS[::-1]
        self.refused: set[str] = set()
        self.usage = Usage()
        self._lock = Lock()

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling, keys: Sequence[str]) -> list[Reply]:
        """One reply a prompt; see `Backend.generate`."""
        replies = dict(self.stream(prompts, sampling, keys))
        return [replies[index] for index in range(len(prompts))]

    def stream(
        self, prompts: Sequence[Prompt], sampling: Sampling, keys: Sequence[str]
    ) -> Iterator[tuple[int, Reply]]:
        """Replies as they arrive, each with the position of its prompt.

        Where one fails for good, those under way are waited for and given first: they may have cost money.

        Raises:
            InputError: If the server fails for good.
        """
        todo: SimpleQueue[int] = SimpleQueue()
        done: SimpleQueue[tuple[int, Reply | Exception | None]] = SimpleQueue()
        stop = Event()
        for index in range(len(prompts)):
            todo.put(index)

        def work() -> None:
            while not stop.is_set():
                try:
                    index = todo.get_nowait()
                except Empty:
                    break
                try:
                    done.put((index, self._ask(prompts[index], sampling, keys[index], stop)))
                except Exception as error:
                    stop.set()
                    done.put((index, error))
            done.put((-1, None))

        workers = min(self.concurrency, len(prompts))
        for _ in range(workers):
            Thread(target=work, daemon=True).start()  # a daemon, so that Ctrl-C need not wait for replies
        failure: Exception | None = None
        try:
            while workers:
                index, outcome = done.get()
                if outcome is None:
                    workers -= 1
                elif isinstance(outcome, Reply):
                    yield index, outcome
                elif failure is None or isinstance(failure, Stopped):
                    failure = outcome
        finally:
            stop.set()
        if failure is not None:
            raise failure

    def account(self) -> dict[str, Any]:
        """The server, requests, tokens, and the fields that it refused; no secret among them."""
        return {
            "url": self.endpoint.url,
            "requests": self.endpoint.requests,
            "retries": self.endpoint.retries,
            **asdict(self.usage),
            "refused": sorted(self.refused),
        }

    def request(self, prompt: Prompt, sampling: Sampling, key: str) -> dict[str, Any]:
        """The body of one request, less what the server refused before."""
        body = {
            "model": self.model,
            "messages": messages(prompt),
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "seed": stream("reply", sampling.seed, key).getrandbits(31),
        }
        limit = next(name for name in self.limits if name not in self.refused)
        return {name: body[name] for name in body if name not in self.refused} | {limit: sampling.max_tokens}

    def _ask(self, prompt: Prompt, sampling: Sampling, key: str, stop: Event) -> Reply:
        while True:
            body = self.request(prompt, sampling, key)
            try:
                return self.endpoint.post(body, self._read, f"{sampling.seed}/{key}", stop)
            except Refused as refusal:
                self._adapt(body, refusal)

    def _read(self, answer: Any) -> Reply:
        reply = read(answer)
        with self._lock:
            self.usage.add(answer.get("usage"))
        return reply

    def _adapt(self, body: dict[str, Any], refusal: Refused) -> None:
        """Leave out from now on the field that the server does not know.

        Raises:
            InputError: If it objects to something else, or to something that is needed.
        """
        field = _field(body, refusal.fault)
        with self._lock:
            refused = self.refused | {field}
            if not field or set(LIMITS) <= refused:
                raise InputError(
                    f"{self.endpoint.url} refuses the request (HTTP {refusal.status}: "
                    f"{refusal.fault['message'] or 'no reason given'}); change the model or the options"
                )
            if field in OPTIONAL and field not in self.refused:
                logger.warning("%s takes no %s: replies are drawn without it", self.name, field)
            self.refused.add(field)


def read(answer: Any) -> Reply:
    """The reply in an answer; reasoning stands before it in ``<think>`` tags, as models themselves write it.

    Raises:
        KeyError, IndexError, TypeError, ValueError: If the answer is not a chat completion.
    """
    choice = answer["choices"][0]
    message = choice["message"]
    if not isinstance(message, dict):
        raise TypeError
    text = _text(message.get("content")) or _text(message.get("refusal"))
    reasoning = _text(message.get("reasoning_content")) or _text(message.get("reasoning"))
    if reasoning:
        text = f"<think>{reasoning}</think>{text}"
    finishes: dict[Any, Literal["length", "filter"]] = {"length": "length", "content_filter": "filter"}
    counts = answer.get("usage")
    tokens = _whole(counts.get("completion_tokens")) if isinstance(counts, dict) else None
    return Reply(text, finishes.get(choice.get("finish_reason"), "stop"), tokens)


def _text(content: Any) -> str:
    """Text that is given whole, or in parts of which some are text."""
    if isinstance(content, list):
        return "".join(part["text"] for part in content if part["type"] == "text")
    if content is not None and not isinstance(content, str):
        raise TypeError
    return content or ""


def _field(body: dict[str, Any], fault: dict[str, str]) -> str:
    """The field of ``body`` that a complaint says is unknown, or nothing."""
    said = f"{fault['code']} {fault['message']}"
    if not OBJECTION.search(said):
        return ""
    fields = [name for name in (*LIMITS, *OPTIONAL) if name in body]
    if fault["param"] in fields:
        return fault["param"]
    places = [(found.start(), name) for name in fields if (found := re.search(rf"\b{name}\b", said))]
    return min(places)[1] if places else ""


def _whole(number: Any) -> int | None:
    return number if isinstance(number, int) and not isinstance(number, bool) and number >= 0 else None
