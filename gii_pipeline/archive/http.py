"""HTTP: one session a source, and which failures wait, which are tried again and which stop the fetch.

Belongs here: sending, redirects, time-outs, retries, the meaning of statuses, keeping keys where they belong.
Does not: what is requested (`sources.fetching`), resuming files (`download`), following lists (`listing`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self, TypeVar
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from gii_pipeline.archive.client import CLIENT
from gii_pipeline.archive.connecting import connection
from gii_pipeline.archive.pacing import Clock, Patience, TokenBucket, moment, retry_after_s
from gii_pipeline.archive.redaction import Redactor, public_address
from gii_pipeline.archive.request import Answer, Key, Request
from gii_pipeline.errors import FetchStoppedError, InputError, TransientError

logger = logging.getLogger(__name__)
logging.getLogger("urllib3").setLevel(logging.INFO)  # at DEBUG it writes addresses as they are, signatures included

T = TypeVar("T")

REDIRECTS = 5
LONGEST_ERROR_BODY = 65_536
LONGEST_PAGE = 64 << 20
READ = 65_536
TRANSIENT_CLIENT_ERRORS = (408, 425)
DAMAGED_TRIES = 2

StopRule = Callable[[Answer], str | None]
Note = Callable[[str, int, str], None]


@dataclass
class AgainError(Exception):
    """This try failed in a way that the next may not.

    wait_s: as the source asked; None waits by backoff, at_least_s long. progress: something was gained;
    damaged: what came was broken.
    """

    reason: str
    wait_s: float | None = None
    at_least_s: float = 0
    progress: bool = False
    damaged: bool = False


class HttpClient:
    """The connection to one source.

    key: sent to the source's own host, never to one that it redirects to. per_second: the pace. stop: a source's own
    rule that shows, from an error answer, why the fetch must stop; None leaves it to the status. note: called with
    address, status and reason of every answer that is not data. resume: the command that continues after a stop.
    """

    def __init__(
        self,
        source: str,
        *,
        key: Key | None = None,
        headers: Mapping[str, str] | None = None,
        patience: Patience | None = None,
        per_second: float = 10,
        stop: StopRule = lambda _: None,
        note: Note = lambda _address, _status, _reason: None,
        resume: str = "gii ingest",
        clock: Clock | None = None,
    ) -> None:
        self.source = source
        self.patience = patience or Patience()
        self.clock = clock or Clock()
        self.resume = resume
        self._key = key
        self._bucket = TokenBucket(per_second, self.clock)
        self._stop = stop
        self._note = note
        self._session = requests.Session()
        self._session.auth = _no_auth
        self._session.headers.update({"User-Agent": CLIENT, **(headers or {})})

    @property
    def redactor(self) -> Redactor:
        return Redactor(self._key.read()) if self._key else Redactor()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def page(self, request: Request) -> Answer:
        """One answer in full, tried until it comes. Keys in it are redacted."""

        def try_once() -> Answer:
            with self.open(request) as response:
                until = self.clock.monotonic() + self.patience.page_s
                body = bytearray()
                for chunk in self.chunks(response, until=until, decode=True):
                    body += chunk
                    if len(body) > LONGEST_PAGE:
                        raise self.stopped(request, f"its response is larger than {LONGEST_PAGE >> 20} MB unpacked")
                return Answer(response.status_code, response.headers, self.redactor.data(bytes(body)))

        return self.retrying(request, try_once)

    @contextmanager
    def open(
        self, request: Request, headers: Mapping[str, str] | None = None, accept: tuple[int, ...] = ()
    ) -> Iterator[requests.Response]:
        """One try. Returns an answer of status 200 (or one of `accept`) whose body is still to be read."""
        self._bucket.take()
        with self._reported(request):
            response = self._follow(request, headers or {})
        try:
            if response.status_code not in (200, *accept):
                self._fail(request, response)
            yield response
        finally:
            response.close()

    def chunks(
        self, response: requests.Response, *, until: float | None = None, decode: bool = False
    ) -> Iterator[bytes]:
        """The body as it comes in. Breaking off early is AgainError."""
        try:
            while chunk := response.raw.read1(READ, decode_content=decode):
                yield chunk
                if until is not None and self.clock.monotonic() > until:
                    raise AgainError("the body arrived too slowly")
        except (urllib3.exceptions.HTTPError, OSError, EOFError) as error:
            raise AgainError(f"the connection broke during the body ({type(error).__name__})") from None

    def retrying(self, request: Request, try_once: Callable[[], T]) -> T:
        """Call until it gives an answer. TransientError when the patience is used up."""
        failures = damaged = 0
        while True:
            try:
                return try_once()
            except AgainError as again:
                failures = 1 if again.progress else failures + 1
                damaged += again.damaged
                reason, wait = self.redactor.text(again.reason), self._wait(again, failures)
            if failures >= self.patience.attempts or damaged >= DAMAGED_TRIES:
                raise TransientError(
                    f"{self.source}: {request.address}: {reason}, after {max(failures, damaged)} attempts. "
                    f"Fetched files are kept. Try again later with `{self.resume}`."
                )
            logger.info("%s: %s: %s; next attempt in %.1f s", self.source, request.address, reason, wait)
            self.clock.sleep(wait)

    def stopped(self, request: Request, reason: str, status: int = 200) -> FetchStoppedError:
        """The error that ends a fetch which no retry can fix, and says how to continue."""
        reason = self.redactor.text(reason)
        self._note(request.address, status, reason)
        return FetchStoppedError(
            f"{self.source}: {request.address}: {reason}. Fetched files are kept. Resume with `{self.resume}`."
        )

    def _wait(self, again: AgainError, failures: int) -> float:
        return max(again.at_least_s, self.patience.backoff(failures) if again.wait_s is None else again.wait_s)

    @contextmanager
    def _reported(self, request: Request) -> Iterator[None]:
        """Connection errors in our words: those of the library name signed addresses."""
        try:
            yield
        except requests.exceptions.SSLError as error:
            raise self.stopped(request, f"the server's certificate is not accepted ({type(error).__name__})") from None
        except (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema, requests.exceptions.InvalidSchema):
            raise InputError(f"{self.source}: {request.address} is not an address. Fix it in the profile.") from None
        except requests.exceptions.InvalidHeader:
            raise self.stopped(request, "its response has contradictory headers") from None
        except requests.exceptions.RequestException as error:
            raise AgainError(f"no response ({_cause(error)})") from None
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            raise self.stopped(request, f"its redirect cannot be followed ({_cause(error)})") from None

    def _follow(self, request: Request, headers: Mapping[str, str]) -> requests.Response:
        url, home = request.full_url, _origin(request.full_url)
        for _ in range(REDIRECTS + 1):
            response = self._send(request, url, headers, with_key=_origin(url) == home)
            target = response.headers.get("Location")
            if not (response.is_redirect and target):
                return response
            response.close()
            url, before = self._target(request, url, target), url
            if urlsplit(before).scheme == "https" and urlsplit(url).scheme != "https":
                raise self.stopped(request, f"it redirects to an open connection, {public_address(url)}")
            if request.body is not None and response.status_code not in (307, 308):
                raise self.stopped(request, f"it has moved to {public_address(url)}; change the address in the profile")
        raise self.stopped(request, f"more than {REDIRECTS} redirects")

    def _target(self, request: Request, url: str, target: str) -> str:
        """The address that a redirect leads to, if it is one."""
        try:
            found = urljoin(url, target)
            scheme, host, _ = _origin(found)
            (host or "").encode("idna")
        except ValueError:  # a port or a host that cannot be one
            raise self.stopped(request, f"it redirects to {target[:200]!r}, which is not an address") from None
        if scheme not in ("http", "https") or not host:
            raise self.stopped(request, f"it redirects to {target[:200]!r}, which is not an HTTP address")
        return found

    def _send(self, request: Request, url: str, headers: Mapping[str, str], *, with_key: bool) -> requests.Response:
        reached, host = connection(url)
        sent = {**headers, **host, **(self._key_header() if with_key else {})}
        if request.body is not None:
            sent["Content-Type"] = "application/json"
        return self._session.request(
            "GET" if request.body is None else "POST",
            reached,
            headers=sent,
            data=request.content.encode() or None,
            timeout=(self.patience.connect_s, self.patience.read_s),
            allow_redirects=False,
            stream=True,
        )

    def _key_header(self) -> dict[str, str]:
        key = self._key.read() if self._key else ""
        return {self._key.header: self._key.template.format(key=key)} if self._key and key else {}

    def _fail(self, request: Request, response: requests.Response) -> None:
        """Raise what an error status means."""
        status, answer = response.status_code, self._error(response)
        said = f"status {status}{_excerpt(answer)}"
        if reason := self._stop(answer):
            raise self.stopped(request, f"{reason} ({said})", status)
        if status == 202:
            self._note(request.address, status, said)
            raise AgainError(f"the response is still being prepared ({said})", self._told_to_wait(answer))
        if status == 429:
            raise self._rate_limited(request, answer, said)
        if status < 400 or status > 599:
            raise self.stopped(request, f"the response has a status without a file ({said})", status)
        if status >= 500 or status in TRANSIENT_CLIENT_ERRORS:
            self._note(request.address, status, said)
            raise AgainError(said, self._told_to_wait(answer))
        if status in (401, 403):
            named = f"; check the environment variable {self._key.variable}" if self._key else ""
            raise self.stopped(request, f"the source refuses access{named} ({said})", status)
        if status == 410:
            raise self.stopped(request, f"the source is retired ({said})", status)
        if status == 404:
            raise self.stopped(request, f"not found: renamed, retired or not yet published ({said})", status)
        self._note(request.address, status, said)
        raise InputError(f"{self.source}: {request.address}: the request is refused ({said}). Fix it in the profile.")

    def _rate_limited(self, request: Request, answer: Answer, said: str) -> Exception:
        wait = retry_after_s(answer.headers, self.clock.now())
        if wait is not None and wait > self.patience.wait_cap_s:
            until = moment(self.clock.now(), wait)
            return self.stopped(request, f"it refuses access until {until} ({said})", answer.status)
        self._note(request.address, answer.status, said)
        return AgainError(said, wait, at_least_s=self.patience.rate_limit_wait_s)

    def _told_to_wait(self, answer: Answer) -> float | None:
        wait = retry_after_s(answer.headers, self.clock.now())
        return None if wait is None else min(wait, self.patience.wait_cap_s)

    def _error(self, response: requests.Response) -> Answer:
        body = b""
        try:
            for chunk in self.chunks(response, until=self.clock.monotonic() + self.patience.read_s, decode=True):
                body += chunk
                if len(body) > LONGEST_ERROR_BODY:
                    break
        except AgainError:
            logger.debug("%s: the body of an error response was interrupted", self.source)
        return Answer(response.status_code, response.headers, self.redactor.data(body))


def _no_auth(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keeps the library from sending what a `.netrc` holds."""
    return prepared


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def _cause(error: BaseException) -> str:
    """What the system said at the bottom of it, without the address that is in the message above."""
    kind = type(error).__name__
    while (below := error.__cause__ or error.__context__) is not None:
        error = below
    return f"{kind}: {error.strerror}" if isinstance(error, OSError) and error.strerror else kind


def _excerpt(answer: Answer, longest: int = 300) -> str:
    text = "an HTML page" if answer.is_html else " ".join(answer.text.split())
    return f": {text[:longest]}" if text else ""
