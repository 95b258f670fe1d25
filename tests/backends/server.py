"""A server on loopback that behaves, or misbehaves, as it is told: one script of acts for each prompt."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = dict[str, Any]
Act = Callable[["Handler", Body], None]


def completion(text: str | None, finish: str = "stop", tokens: int = 3, **message: Any) -> Body:
    """A chat completion as servers write it."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text, **message},
                "finish_reason": finish,
            }
        ],
        "usage": {"prompt_tokens": 5, "completion_tokens": tokens, "total_tokens": 5 + tokens},
    }


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Read the request, note it, and act."""
        server = self.server
        assert isinstance(server, Server)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        prompt = body["messages"][-1]["content"]
        with server.lock:
            server.requests.append((self.path, body))
            server.headers.append(dict(self.headers))
            server.times.append(time.monotonic())
            server.busy += 1
            self.counted = True
            server.busiest = max(server.busiest, server.busy)
            acts = server.script.get(prompt, [])
            act = acts.pop(0) if acts else server.default
        try:
            act(self, body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            self.answered()

    def answered(self) -> None:
        """The request is under way no longer: its client may send the next as soon as it has the reply."""
        server = self.server
        assert isinstance(server, Server)
        with server.lock:
            server.busy -= self.counted
            self.counted = False

    def send(self, status: int, content: Any, **headers: str) -> None:
        """A whole response: JSON, or bytes as they are."""
        self.answered()
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content_Type": "application/json", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """The server and its notes.

    Attributes:
        script: Acts by prompt, taken one a request; then `default`.
        requests: Path and body of each request, in order of arrival.
        headers: Of each.
        times: Of each, on the monotonic clock.
        busiest: Most requests that were under way at a time.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.script: dict[str, list[Act]] = {}
        self.default: Act = echo
        self.requests: list[tuple[str, Body]] = []
        self.headers: list[dict[str, str]] = []
        self.times: list[float] = []
        self.busy = self.busiest = 0

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def bodies(self, prompt: str) -> list[Body]:
        """The requests for one prompt."""
        return [body for _, body in self.requests if body["messages"][-1]["content"] == prompt]


@contextmanager
def serving() -> Iterator[Server]:
    """A server that runs."""
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def echo(handler: Handler, body: Body) -> None:
    """Answer with the prompt and, where it samples, the seed; the limit cuts characters."""
    text = f"{body['messages'][-1]['content']} seen"
    if body.get("temperature"):
        text += f" with {body['seed']}"
    limit = int(body.get("max_tokens") or body["max_completion_tokens"])
    cut = len(text) > limit
    handler.send(200, completion(text[:limit], "length" if cut else "stop", min(len(text), limit)))


def says(content: Any, status: int = 200, **headers: str) -> Act:
    """Send this."""
    return lambda handler, body: handler.send(status, content, **headers)


def fails(status: int, message: str = "", param: str = "", code: str = "", **headers: str) -> Act:
    """Fail as OpenAI does."""
    return says({"error": {"message": message, "param": param, "code": code}}, status, **headers)


def hangs(seconds: float, then: Act = echo) -> Act:
    """Take the request and say nothing for a while."""

    def act(handler: Handler, body: Body) -> None:
        time.sleep(seconds)
        then(handler, body)

    return act


def cuts(handler: Handler, body: Body) -> None:
    """Promise more than is sent, and hang up."""
    data = json.dumps(completion("never whole")).encode()
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data[: len(data) // 2])
    handler.close_connection = True


def cuts_chunks(handler: Handler, body: Body) -> None:
    """Hang up between two chunks."""
    data = json.dumps(completion("never whole")).encode()[:40]
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
    handler.close_connection = True


def hangs_up(handler: Handler, body: Body) -> None:
    """Close without a word."""
    handler.close_connection = True


def drips(piece: bytes, pause: float, times: int, end: bytes = b"") -> Act:
    """Send the same piece again and again, then the end, in chunks."""

    def act(handler: Handler, body: Body) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for _ in range(times):
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            time.sleep(pause)
        handler.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(end), end))

    return act


def refuses(field: str, message: str, status: int = 400, **fault: str) -> Act:
    """Fail where the request holds a field; echo where it does not."""

    def act(handler: Handler, body: Body) -> None:
        if field in body:
            fails(status, message, **fault)(handler, body)
        else:
            echo(handler, body)

    return act
