"""One address of an HTTP server that takes and gives JSON, asked with patience.

What may pass (a busy server, a cut connection, a broken reply) is tried again, later each time; what will
not pass (a wrong key, a wrong name) stops at once with one line. The key is read from the environment, goes
into one header, and appears nowhere else: redirects are not followed, and it is cut out of whatever the
server says.
"""

import json
import os
import re
import socket
import ssl
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPResponse
from ipaddress import ip_address
from threading import Event, Lock
from typing import Any, TypeVar
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request

from caugym.core.errors import InputError
from caugym.core.streams import stream

T = TypeVar("T")

PASSING = frozenset({408, 409, 425, 429}) | frozenset(range(500, 600)) - {501, 505}
"""Statuses that another try may mend."""

LONGEST_PAUSE = 60.0
"""Seconds that a pause grows to where the server does not say how long to wait."""

LONGEST_WAIT = 600.0
"""A server that asks for a longer wait than this, in seconds, has no more to give today."""

LARGEST_BODY = 64 * 2**20
"""Bytes of a reply; a server that sends more is broken."""


class Passing(Exception):
    """A failure that another try may mend.

    Args:
        reason: What happened.
        wait: Seconds that the server asks to be left alone, where it says so.
    """

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class Refused(Exception):
    """The server does not take the request as it is.

    Attributes:
        status: Of the response.
        fault: The server's account: ``message``, and ``param`` and ``code`` where it gives them.
    """

    def __init__(self, status: int, fault: dict[str, str]) -> None:
        super().__init__(fault["message"])
        self.status, self.fault = status, fault


class Stopped(Exception):
    """Given up because the work around it has ended."""


class Endpoint:
    """Where requests go, and how long they may take.

    Attributes:
        url: As shown in messages; it holds no secret.
        requests: Requests sent so far.
        retries: Those of them that followed a failure.

    Args:
        base_url: Such as ``http://127.0.0.1:8000`` or ``https://api.openai.com/v1``; ``/v1`` is added where
            there is no path.
        path: Under it.
        key_name: The environment variable that holds the key; the request goes without one where it is unset.
        timeout: Seconds of silence, or of a body that does not end, after which a request is given up.
        attempts: Tries of one request before it is given up.
        pause: Seconds before the second try; doubles with each, up to a minute.

    Raises:
        InputError: If the address or the key cannot be used.
    """

    def __init__(
        self, base_url: str, path: str, *, key_name: str, timeout: float, attempts: int, pause: float
    ) -> None:
        if not (timeout > 0 and attempts >= 1 and pause >= 0):
            raise InputError("timeout must be above 0, attempts at least 1, pause at least 0")
        self.url = _address(base_url) + path
        self.key_name, self._key = key_name, _key(key_name)
        self.timeout, self.attempts, self.pause = timeout, attempts, pause
        self.requests = self.retries = 0
        self._heard = False
        self._lock = Lock()
        self._opener = OpenerDirector()  # with no handler that follows redirects: they would carry the key on
        proxies = ProxyHandler({} if _loopback(self.url) else None)
        for handler in (proxies, HTTPHandler(), HTTPSHandler(context=ssl.create_default_context())):
            self._opener.add_handler(handler)

    @property
    def has_key(self) -> bool:
        """Whether requests carry a key."""
        return self._key is not None

    def post(self, body: dict[str, Any], read: Callable[[Any], T], name: str, stop: Event) -> T:
        """Send ``body`` until ``read`` can make something of the answer.

        Args:
            body: Sent as JSON.
            read: Turns the decoded answer into a result; raises KeyError, IndexError, TypeError or ValueError
                where it is not what it should be, which counts as a broken reply.
            name: Names the random stream of the pauses.
            stop: Set when nobody waits any more.

        Raises:
            InputError: If the server keeps failing, or will never do what is asked.
            Refused: If it objects to the request itself.
            Stopped: If ``stop`` was set between two tries.
        """
        for attempt in range(self.attempts):
            try:
                return self._once(body, read, again=attempt > 0)
            except Passing as failure:
                reason, wait = str(failure), failure.wait
            if wait is not None and wait > LONGEST_WAIT:
                raise InputError(f"{self.url} asks to wait {wait:.0f} s ({reason}); run it again after that")
            if attempt + 1 < self.attempts:
                jitter = 0.5 + stream("pause", name, attempt).random() / 2
                grown = jitter * min(self.pause * 2**attempt, LONGEST_PAUSE)
                if stop.wait(max(grown, (wait or 0.0) + jitter * self.pause)):
                    raise Stopped
        raise InputError(f"{self.url} failed {self.attempts} times, last with: {reason}; try again later")

    def _once(self, body: dict[str, Any], read: Callable[[Any], T], again: bool) -> T:
        with self._lock:
            self.requests += 1
            self.retries += again
        status, headers, content = self._exchange(json.dumps(body).encode())
        try:
            answer = self._clean(json.loads(content))
        except ValueError:
            answer = None
        if status == 200 and isinstance(answer, dict) and answer.get("error"):
            status = _status_within(answer["error"])  # some routers report failures under a 200
        if status != 200:
            raise self._failure(status, headers, _fault(answer))
        if headers.get_content_type() == "text/html":
            raise InputError(f"{self.url} is a web page and no model server; check --base-url")
        try:
            return read(answer)
        except (KeyError, IndexError, TypeError, ValueError):
            raise Passing("a reply that is cut short or not a chat completion") from None

    def _exchange(self, body: bytes) -> tuple[int, Any, bytes]:
        """Status, headers and body of the response to one request."""
        headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "caugym"}
        if self._key is not None:
            headers["Authorization"] = f"Bearer {self._key}"
        # The scheme was checked to be http or https.
        request = Request(self.url, data=body, headers=headers, method="POST")  # noqa: S310
        deadline = time.monotonic() + self.timeout
        try:
            with self._opener.open(request, timeout=self.timeout) as response:
                self._heard = True
                return response.status, response.headers, _body(response, deadline)
        except (OSError, HTTPException) as error:
            raise self._broken(error) from None

    def _broken(self, error: Exception) -> Exception:
        """What a failure of the connection means."""
        if isinstance(error, URLError) and isinstance(error.reason, Exception):
            error = error.reason
        if isinstance(error, TimeoutError):
            return Passing(f"no full reply within {self.timeout:g} s")
        if isinstance(error, ssl.SSLCertVerificationError):
            return InputError(f"{self.url} has no valid certificate: {error.verify_message}")
        if isinstance(error, ssl.SSLError) and not self._heard:
            return InputError(f"{self.url} speaks no TLS; check whether --base-url begins with http or https")
        if isinstance(error, ConnectionRefusedError | socket.gaierror) and not self._heard:
            return InputError(f"nothing answers at {self.url}; start the server, or check --base-url")
        return Passing(f"a cut connection ({type(error).__name__})")

    def _failure(self, status: int, headers: Any, fault: dict[str, str]) -> Exception:
        """What a status other than 200 means."""
        said = f"HTTP {status}" + (f": {fault['message']}" if fault["message"] else "")
        if fault["code"] == "insufficient_quota":
            return InputError(f"{self.url} gives no more replies to this key ({said}); add credit")
        if status in PASSING:
            return Passing(said, _wait(headers))
        if status in (401, 403):
            if self.has_key:
                return InputError(
                    f"{self.url} refuses the key in {self.key_name} (HTTP {status}); set another"
                )
            return InputError(
                f"{self.url} wants a key (HTTP {status}); set the environment variable {self.key_name}, "
                "or name another with --api-key-env"
            )
        if status == 404:
            return InputError(
                f"{self.url} has no such model or address ({said}); check openai:ID and --base-url"
            )
        if status in (400, 422):
            return Refused(status, fault)
        return InputError(f"{self.url} does not do this ({said}); check --base-url")

    def _clean(self, answer: Any) -> Any:
        """What the server says without the key. Keys as short as a word are placeholders, and stay."""
        match answer:
            case str() if self._key and len(self._key) >= 8:
                return answer.replace(self._key, "[key]")
            case list():
                return [self._clean(item) for item in answer]
            case dict():
                return {name: self._clean(item) for name, item in answer.items()}
            case _:
                return answer


def _address(base_url: str) -> str:
    """The base URL without a slash at its end, with a path.

    Raises:
        InputError: If it is none, or holds anything that might be secret.
    """
    advice = "give --base-url like http://127.0.0.1:8000/v1"
    try:
        parts = urlsplit(base_url.strip())
        valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        valid = False
    if not valid or re.search(r"[\s\x00-\x1f]", base_url.strip()):
        raise InputError(f"that is no address of a server; {advice}")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise InputError(f"the address must hold no password, ? or #; {advice}, and a key by --api-key-env")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/') or '/v1'}"


def _loopback(url: str) -> bool:
    """Whether the server is on this machine, so that no proxy can be meant."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _key(name: str) -> str | None:
    """The key in an environment variable; None where there is none."""
    key = os.environ.get(name, "").strip()
    if not re.fullmatch(r"[\x21-\x7e]*", key):  # http.client would print it in its complaint
        raise InputError(f"the key in {name} holds spaces, line ends or letters beyond ASCII; set it again")
    return key or None


def _body(response: HTTPResponse, deadline: float) -> bytes:
    """The body, however slowly it comes, until the deadline."""
    content = bytearray()
    while chunk := response.read1(2**16):
        content += chunk
        if time.monotonic() > deadline:
            raise TimeoutError
        if len(content) > LARGEST_BODY:
            raise HTTPException("a reply without end")
    return bytes(content)


def _status_within(error: Any) -> int:
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int) and 400 <= code < 600 else 502


def _fault(answer: Any) -> dict[str, str]:
    """What the server says is wrong, in the forms of OpenAI, vLLM and FastAPI."""
    found: Any = answer
    if isinstance(answer, dict):
        found = answer.get("error") or answer.get("detail") or answer
    if isinstance(found, list) and found and isinstance(found[0], dict):  # FastAPI lists fields
        where = [str(part) for part in found[0].get("loc", ())]
        found = {"message": f"{found[0].get('msg', '')}: {'.'.join(where)}", "param": "".join(where[-1:])}
    fields = found if isinstance(found, dict) else {"message": found if isinstance(found, str) else ""}
    fault = {name: str(fields.get(name) or "") for name in ("message", "param", "code")}
    fault["message"] = " ".join(fault["message"].split())[:300]
    return fault


def _wait(headers: Any) -> float | None:
    """Seconds in a Retry-After header, which holds seconds or a date."""
    text = (headers.get("Retry-After") or "").strip()
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError):
        return None
