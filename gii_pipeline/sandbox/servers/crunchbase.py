"""The Crunchbase API v4: searching funding rounds, page by page behind the last uuid.

Belongs here: predicates, order, paging, refusals, and the limit of 200 calls a minute that shows no wait.
Does not: the rounds (see `deals`).
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any

from gii_pipeline.sandbox.deals import funding_rounds
from gii_pipeline.sandbox.plan import YEARS
from gii_pipeline.sandbox.servers.faults import Fault
from gii_pipeline.sandbox.servers.http import Asked, Reply, json_reply
from gii_pipeline.sandbox.world import World

SEARCH = "/v4/data/searches/funding_rounds"
CALLS_PER_MINUTE = 200
DEFAULT_LIMIT, MOST = 50, 1000
_BODY = {"field_ids", "query", "order", "limit", "after_id", "before_id"}
_WRONG_TOTAL = 1000

Round = Mapping[str, Any]


class RefusedError(Exception):
    """The request is not one that the API answers."""


class Crunchbase:
    """The API. calls_per_minute: more are refused."""

    def __init__(self, world: World, key: str, calls_per_minute: int = CALLS_PER_MINUTE) -> None:
        self._world = world
        self._key = key
        self._limit = calls_per_minute
        self._calls: deque[float] = deque()
        self._lock = Lock()
        self._years: dict[int, list[Round]] = {}

    def reply(self, asked: Asked, fault: Fault | None) -> Reply:
        """401 (an array) for a wrong key, 429 without a wait, 400 (an array) for what is not understood."""
        if self._key not in (asked.headers.get("x-cb-user-key"), asked.query.get("user_key")):
            return json_reply([{"status": 401, "code": "LA401", "message": "Unauthorized user_key"}], 401)
        if fault in (Fault.RATE_LIMITED, Fault.BUDGET_SPENT) or self._too_many():
            return json_reply([{"status": 429, "code": "LA429", "message": "Usage limit exceeded"}], 429)
        if asked.path != SEARCH or asked.method != "POST":
            return json_reply([{"status": 404, "code": "MD404", "message": "Not found"}], 404)
        try:
            return json_reply(self._page(json.loads(asked.body or b"{}"), fault))
        except (RefusedError, json.JSONDecodeError) as error:
            return json_reply([{"status": 400, "code": "MD400", "message": str(error)}], 400)

    def _too_many(self) -> bool:
        now = time.monotonic()
        with self._lock:
            while self._calls and self._calls[0] < now - 60:
                self._calls.popleft()
            if len(self._calls) >= self._limit:
                return True
            self._calls.append(now)
            return False

    def _page(self, body: Mapping[str, Any], fault: Fault | None) -> dict[str, Any]:
        if unknown := set(body) - _BODY:
            raise RefusedError(f"unknown property {', '.join(sorted(unknown))}")
        limit = body.get("limit", DEFAULT_LIMIT)
        if not isinstance(limit, int) or not 1 <= limit <= MOST:
            raise RefusedError(f"limit must be between 1 and {MOST}")
        if "after_id" in body and "before_id" in body:
            raise RefusedError("after_id and before_id exclude each other")
        found = self._found(body.get("query", []), body.get("order", []))
        begin = _begin(found, body.get("after_id"))
        if fault is Fault.CHANGED_PAGE:
            begin = max(begin - 1, 0)
        if fault is Fault.REPEATED_CURSOR and begin:
            begin = max(begin - limit, 0)
        fields = set(body.get("field_ids", ["identifier"]))
        page = [
            {"uuid": each["uuid"], "properties": {k: v for k, v in each["properties"].items() if k in fields}}
            for each in found[begin : begin + limit]
        ]
        return {"count": len(found) + _WRONG_TOTAL * (fault is Fault.WRONG_TOTAL), "entities": page}

    def _found(self, query: Sequence[Mapping[str, Any]], order: Sequence[Mapping[str, str]]) -> list[Round]:
        rounds = [each for year in self._years_of(query) for each in self._year(year)]
        for predicate in query:
            rounds = [each for each in rounds if _holds(predicate, each["properties"])]
        rounds.sort(key=lambda each: each["uuid"])
        for by in reversed(order):
            field, descending = by.get("field_id", ""), by.get("sort") == "desc"
            rounds.sort(key=lambda each, field=field: str(each["properties"].get(field, "")), reverse=descending)  # type: ignore[misc]
        return rounds

    def _years_of(self, query: Sequence[Mapping[str, Any]]) -> list[int]:
        """The years that a search is about, so that others need not be made."""
        for predicate in query:
            if (predicate.get("field_id"), predicate.get("operator_id")) == ("announced_on", "between"):
                first, last = (int(str(value)[:4]) for value in predicate["values"])
                return [year for year in YEARS if first <= year <= last]
        return list(YEARS)

    def _year(self, year: int) -> list[Round]:
        with self._lock:
            if year not in self._years:
                self._years[year] = list(funding_rounds(self._world, year))
            return self._years[year]


def _begin(found: Sequence[Round], after: str | None) -> int:
    if after is None:
        return 0
    for position, each in enumerate(found):
        if each["uuid"] == after:
            return position + 1
    raise RefusedError(f"after_id {after} is not among the results")


def _holds(predicate: Mapping[str, Any], properties: Mapping[str, Any]) -> bool:
    value, values = properties.get(predicate.get("field_id", "")), predicate.get("values", [])
    match predicate.get("operator_id"):
        case "between":
            return value is not None and str(values[0]) <= str(value) <= str(values[1])
        case "includes" | "eq":
            return value in values
        case "not_includes" | "not_eq":
            return value not in values
        case "gte":
            return value is not None and str(value) >= str(values[0])
        case "lte":
            return value is not None and str(value) <= str(values[0])
        case "blank":
            return value is None
        case other:
            raise RefusedError(f"unknown operator_id {other}")
