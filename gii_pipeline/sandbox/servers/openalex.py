"""The OpenAlex API: lists of works and of institutions, by page and by cursor, with key, budget and limits.

Belongs here: parameters, paging, headers and refusals, as the API's own server and its edge have them (SOURCES.md).
Does not: filters (see `openalex_lists`), single objects, search or group_by; those are refused in so many words.
"""

from __future__ import annotations

import base64
import json
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import msgspec

from gii_pipeline.sandbox.servers.faults import Fault
from gii_pipeline.sandbox.servers.files import Workshop
from gii_pipeline.sandbox.servers.http import Asked, Reply, json_reply
from gii_pipeline.sandbox.servers.openalex_lists import Lists, RefusedError
from gii_pipeline.sandbox.world import World

PARAMETERS = (
    "filter", "search", "select", "sort", "group_by", "group-by", "page", "per_page", "per-page", "cursor", "sample",
    "seed", "format", "mailto", "api_key", "include_xpac", "data_version",
)  # fmt: skip
SOMETIMES = ("is_authors_truncated",)
NOT_SERVED = ("search", "group_by", "group-by", "sample", "sort")
LONGEST_URL = 8190
DEFAULT_PAGE, LARGEST_PAGE, DEEPEST = 25, 200, 10_000
CREDIT_USD = 0.0001
WRONG_TOTAL = 1000

_decode_line = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


@dataclass
class Plan:
    """What a caller may do: credits a day (a list costs one), requests a second."""

    credits_a_day: int
    per_second: int
    used: int = 0
    day: str = ""
    recent: deque[float] = field(default_factory=deque)


class OpenAlex:
    """The API. A caller without a key gets 1,000 credits a day and 10 requests a second."""

    def __init__(
        self, world: World, workshop: Workshop, key: str, *, credits_a_day: int = 10_000, per_second: int = 100
    ) -> None:
        self._lists = Lists(world, workshop)
        self._key = key
        self._plans = {True: Plan(credits_a_day, per_second), False: Plan(1_000, 10)}
        self._lock = Lock()

    def reply(self, asked: Asked, fault: Fault | None) -> Reply:
        """A page, or the refusal that the API would give."""
        if "limit" in asked.query:
            return _edge_refusal("limit is not a parameter; use per_page")
        key = asked.query.get("api_key", asked.headers.get("authorization", "").removeprefix("Bearer "))
        if key != self._key and (key or "api_key" in asked.query):
            return _error(401, "Invalid or missing API key", "The API key is not known.")
        plan = self._plans[bool(key)]
        if refusal := self._limits(plan, asked.path, fault):
            return refusal
        headers = _budget(plan, credits_used=1)
        try:
            if asked.path == "/rate-limit":
                return json_reply({"rate_limit": _limits_of(plan)}, headers=headers)
            return json_reply(self._page(asked, fault), headers=headers)
        except RefusedError as error:
            return _error(error.status, error.name, str(error), headers)

    def _limits(self, plan: Plan, path: str, fault: Fault | None) -> Reply | None:
        """429 for too many requests a second, or when the day's budget is spent; otherwise one credit is taken."""
        now, today = time.monotonic(), time.strftime("%Y-%m-%d", time.gmtime())
        with self._lock:
            if plan.day != today:
                plan.day, plan.used = today, 0
            while plan.recent and plan.recent[0] < now - 1:
                plan.recent.popleft()
            if fault is Fault.RATE_LIMITED or len(plan.recent) >= plan.per_second:
                return _too_fast(plan)
            plan.recent.append(now)
            if path == "/rate-limit":
                return None
            if fault is Fault.BUDGET_SPENT or plan.used >= plan.credits_a_day:
                return _spent(plan)
            plan.used += 1
        return None

    def _page(self, asked: Asked, fault: Fault | None) -> bytes:
        query = asked.query
        _check_parameters(asked)
        per_page = _number(query.get("per_page", query.get("per-page", str(DEFAULT_PAGE))), "per-page", 1, LARGEST_PAGE)
        matching = self._lists.matching(asked.path.strip("/"), query.get("filter", ""), xpac="include_xpac" in query)
        begin, page = _begin(query, per_page)
        if fault is Fault.CHANGED_PAGE:
            begin = max(begin - 1, 0)
        lines = matching.lines(begin, begin + per_page)
        results = lines if "select" not in query else _selected(lines, query["select"])
        meta: dict[str, Any] = {
            "count": len(matching) + WRONG_TOTAL * (fault is Fault.WRONG_TOTAL),
            "db_response_time_ms": 1,
            "page": page,
            "per_page": per_page,
            "groups_count": None,
            "cost_usd": CREDIT_USD,
            "note": "made up",
        }
        if "cursor" in query:
            full = len(lines) == per_page
            meta["next_cursor"] = _cursor(begin + per_page) if full else None
            if not full:
                self._lists.make_next()
            if fault is Fault.REPEATED_CURSOR:
                meta["next_cursor"] = query["cursor"] if begin else _cursor(0)
        return b'{"meta":' + json.dumps(meta).encode() + b',"results":[' + b",".join(results) + b'],"group_by":[]}'


def _check_parameters(asked: Asked) -> None:
    for name in asked.query:
        if name not in PARAMETERS:
            valid = ", ".join(PARAMETERS)
            raise RefusedError(
                f"{name} is not a valid parameter. Valid parameters are: {valid}.", "Invalid query parameters error."
            )
        if name in NOT_SERVED:
            raise RefusedError(f"The sandbox does not serve {name}.", "Invalid query parameters error.")
    if len(asked.path) + sum(len(name) + len(value) + 2 for name, value in asked.query.items()) > LONGEST_URL:
        raise RefusedError("Request URL too long", "Request URL too long")


def _begin(query: Mapping[str, str], per_page: int) -> tuple[int, int | None]:
    """The position of the page's first record, and its number where there is no cursor."""
    page = _number(query.get("page", "1"), "page", 1, 10**9)
    if "cursor" not in query:
        if page * per_page > DEEPEST:
            raise RefusedError(
                f"Maximum results size of {DEEPEST:,} records is exceeded. Cursor pagination is required for records "
                "beyond that: use cursor=*.",
                "Pagination error.",
            )
        return (page - 1) * per_page, page
    if page != 1:
        raise RefusedError("Cannot use page parameter with cursor.", "Pagination error.")
    return _position(query["cursor"]), None


def _cursor(position: int) -> str:
    """base64 of the JSON of the text of the sort values of the last record, here its position."""
    return base64.b64encode(json.dumps(str([position])).encode()).decode()


def _position(cursor: str) -> int:
    if cursor == "*":
        return 0
    if cursor in ("null", "none", ""):
        raise RefusedError("Cursor is null. Likely reached end of results.", "Pagination error.")
    try:
        return int(json.loads(base64.b64decode(cursor, validate=True)).strip("[]"))
    except (ValueError, AttributeError):
        raise RefusedError("Invalid cursor value", "Pagination error.") from None


def _number(text: str, name: str, least: int, most: int) -> int:
    if not text.isdigit() or not least <= int(text) <= most:
        raise RefusedError(f"{name} parameter must be between {least} and {most}.", "Pagination error.")
    return int(text)


def _selected(lines: list[bytes], select: str) -> list[bytes]:
    """The records with the selected fields only; a field that only some records have may be selected too."""
    fields = [name.strip() for name in select.split(",")]
    records = [_decode_line(line) for line in lines]
    valid = list(dict.fromkeys([*(name for record in records for name in record), *SOMETIMES])) if records else fields
    for name in fields:
        if name not in valid:
            raise RefusedError(f"{name} is not a valid select field. Valid fields for select are: {', '.join(valid)}")
    return [msgspec.json.encode({name: record[name] for name in fields if name in record}) for record in records]


def _budget(plan: Plan, credits_used: int) -> dict[str, str]:
    left = max(plan.credits_a_day - plan.used, 0)
    return {
        "X-RateLimit-Limit": str(plan.credits_a_day),
        "X-RateLimit-Remaining": str(left),
        "X-RateLimit-Credits-Used": str(credits_used),
        "X-RateLimit-Reset": str(_seconds_to_midnight()),
        "X-RateLimit-Onetime-Remaining": "0",
        "X-RateLimit-Limit-USD": f"{plan.credits_a_day * CREDIT_USD:.4f}",
        "X-RateLimit-Remaining-USD": f"{left * CREDIT_USD:.4f}",
        "X-RateLimit-Prepaid-Remaining-USD": "0",
        "X-RateLimit-Cost-USD": f"{credits_used * CREDIT_USD:.4f}",
    }


def _limits_of(plan: Plan) -> dict[str, int]:
    left = max(plan.credits_a_day - plan.used, 0)
    return {"credits_limit": plan.credits_a_day, "credits_remaining": left, "resets_in_seconds": _seconds_to_midnight()}


def _too_fast(plan: Plan) -> Reply:
    message = f"Rate limit exceeded: {plan.per_second} requests per second. Please slow down."
    return _error(429, "Rate limit exceeded", message, {**_budget(plan, 0), "Retry-After": "1"})


def _spent(plan: Plan) -> Reply:
    wait = _seconds_to_midnight()
    headers = _budget(plan, 1) | {"X-RateLimit-Remaining": "0", "X-RateLimit-Remaining-USD": "0"}
    headers["X-RateLimit-Credits-Required"] = headers.pop("X-RateLimit-Credits-Used")
    body = {
        "error": "Rate limit exceeded",
        "message": f"Insufficient budget. This request costs ${CREDIT_USD} but you only have $0 remaining. "
        "Resets at midnight UTC.",
        "retryAfter": wait,
        "costUsd": CREDIT_USD,
        "dailyRemainingUsd": 0,
        "prepaidRemainingUsd": 0,
        "creditsRequired": 1,
        "creditsRemaining": 0,
        "onetimeCreditsRemaining": 0,
    }
    return json_reply(body, 429, {**headers, "Retry-After": str(wait)})


def _seconds_to_midnight() -> int:
    return 86_400 - int(time.time()) % 86_400


def _error(status: int, name: str, message: str, headers: Mapping[str, str] | None = None) -> Reply:
    return json_reply({"error": name, "message": message}, status, headers)


def _edge_refusal(message: str) -> Reply:
    body = {
        "error": "Invalid request rejected at the API edge",
        "error_source": "openalex-api-proxy",
        "message": message,
    }
    return json_reply(body, 400, {"x-openalex-edge-reject": "f1:limit_param"})
