"""Faults on demand: what goes wrong, at which request.

Belongs here: the kinds of faults, and the queue of those that are still to come.
Does not: what each looks like on the wire (see `http`, and each source for those in its own words).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock

from gii_pipeline.errors import InputError


class Fault(StrEnum):
    """What can go wrong."""

    RATE_LIMITED = "rate_limited"
    """429, too many requests at once: a short wait, which the source states or not."""
    BUDGET_SPENT = "budget_spent"
    """429, nothing more today: where a source has such a budget, else as rate_limited."""
    SERVER_ERROR = "server_error"
    """503 with a body in JSON."""
    TRICKLE = "trickle"
    """The complete body, in small pieces with a pause after each."""
    RESET = "reset"
    """The connection is reset in mid body."""
    TRUNCATED_GZIP = "truncated_gzip"
    """The body's compression ends in the middle, though as many bytes come as were announced."""
    HTML = "html"
    """A page for people, with status 200."""
    WRONG_TOTAL = "wrong_total"
    """A list says that it has more records than it gives."""
    REPEATED_CURSOR = "repeated_cursor"
    """A page leads back to itself."""
    CHANGED_PAGE = "changed_page"
    """The list changed between two calls: the page begins with the last record of the page before."""


@dataclass
class _Order:
    fault: Fault
    times: int
    after: int
    path: re.Pattern[str]


@dataclass
class Faults:
    """The faults that a server is still to show, the first that fits a request first."""

    _orders: list[_Order] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def add(self, fault: Fault | str, *, times: int = 1, after: int = 0, path: str = "") -> None:
        """Show a fault at the next `times` requests, after letting `after` pass.

        path: a regular expression; only requests whose path and query it finds count.
        """
        with self._lock:
            self._orders.append(_Order(Fault(fault), times, after, re.compile(path)))

    def add_from(self, query: Mapping[str, str]) -> None:
        """Add what a query string says: fault, and if need be times, after, path. Raises InputError."""
        try:
            times, after = int(query.get("times", 1)), int(query.get("after", 0))
            self.add(query.get("fault", ""), times=times, after=after, path=query.get("path", ""))
        except (ValueError, re.error) as error:
            raise InputError(f"{error}. Say fault=…&times=1&after=0&path=…; faults: {', '.join(Fault)}.") from error

    def take(self, target: str) -> Fault | None:
        """The fault of a request, if it has one; it counts as shown."""
        with self._lock:
            for order in self._orders:
                if order.path.search(target):
                    if order.after > 0:
                        order.after -= 1
                        return None
                    order.times -= 1
                    if order.times <= 0:
                        self._orders.remove(order)
                    return order.fault
        return None

    def clear(self) -> None:
        with self._lock:
            self._orders.clear()
