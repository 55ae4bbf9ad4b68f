"""Stand-ins for the sources: their paging, limits, headers and error bodies, as SOURCES.md has them.

Belongs here: what each source answers to a request. Does not: connections and faults (`archive/server.py`).
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gii_pipeline_tests.archive.server import Asked, FileHost, Reply, json_reply

OPENALEX_PARAMETERS = frozenset(
    ["filter", "search", "select", "sort", "group_by", "page", "per_page", "per-page", "cursor", "sample", "seed"]
)
OPENALEX_FILTERS = frozenset(
    [
        "publication_year",
        "type",
        "primary_location.source.is_core",
        "is_retracted",
        "institutions.country_code",
        "updated_date",
    ]
)


def work(number: int, year: int = 2023) -> dict[str, Any]:
    return {
        "id": f"https://openalex.org/W{number:010d}",
        "doi": f"https://doi.org/10.1/{number}",
        "publication_year": year,
        "type": "article",
        "language": "en",
        "is_retracted": False,
        "primary_location": None,
        "primary_topic": None,
        "authorships": [],
        "updated_date": "2026-08-01",
        "title": "left out, nobody selects it",
    }


@dataclass
class OpenAlex:
    """api.openalex.org: lists of works or institutions by cursor, and a budget in credits.

    key: the only one that is let in; None lets everybody in. reset_s: seconds until the budget is renewed.
    """

    records: list[dict[str, Any]]
    key: str | None = None
    budget: int = 10_000
    reset_s: int = 7200

    def __call__(self, asked: Asked) -> Reply:
        sent = asked.headers.get("authorization")
        if sent is not None and sent != f"Bearer {self.key}":
            return json_reply({"error": "Invalid or missing API key", "message": f"{sent} is not a key"}, 401)
        if unknown := set(asked.query) - OPENALEX_PARAMETERS:
            return _refused("Invalid query parameters error.", f"{unknown.pop()} is not a valid parameter.")
        if self.budget < 1:
            return self.spent()
        return self._list(asked)

    def limits(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": "10000",
            "X-RateLimit-Remaining": str(self.budget),
            "X-RateLimit-Reset": str(self.reset_s),
            "X-RateLimit-Onetime-Remaining": "0",
            "X-RateLimit-Prepaid-Remaining-USD": "0",
        }

    def spent(self) -> Reply:
        body = {
            "error": "Rate limit exceeded",
            "message": "Insufficient budget. This request costs $0.0001 but you only have $0 remaining. "
            "Resets at midnight UTC.",
            "retryAfter": self.reset_s,
            "creditsRequired": 1,
            "creditsRemaining": 0,
        }
        headers = {**self.limits(), "Retry-After": str(self.reset_s), "X-RateLimit-Credits-Required": "1"}
        return json_reply(body, 429, headers)

    def too_fast(self) -> Reply:
        message = "Rate limit exceeded: 10 requests per second. Please slow down."
        body = {"error": "Rate limit exceeded", "message": message, "retryAfter": 1}
        return json_reply(body, 429, {**self.limits(), "Retry-After": "1"})

    def _list(self, asked: Asked) -> Reply:
        conditions = dict(part.partition(":")[::2] for part in asked.query.get("filter", "").split(",") if part)
        if unknown := set(conditions) - OPENALEX_FILTERS:
            return _refused("Invalid query parameters error.", f"{unknown.pop()} is not a valid field.")
        if "updated_date" in conditions:
            return json_reply({"error": "Plan upgrade required", "message": "updated_date needs a paid plan"}, 429)
        size, cursor = int(asked.query.get("per_page", "25")), asked.query.get("cursor")
        if not 1 <= size <= 200:
            return _refused("Pagination error.", "per-page parameter must be between 1 and 200.")
        if cursor is None:
            return _refused("Pagination error.", "Cursor pagination is required for records beyond the first 10,000.")
        if (after := _after(cursor)) is None:
            return _refused("Pagination error.", "Invalid cursor value")
        year = conditions.get("publication_year")
        found = [r for r in self.records if year in (None, str(r.get("publication_year")))]
        hits = [record for record in found if record["id"] > after][:size]
        self.budget -= 1
        return self._page(hits, len(found), size, asked.query.get("select"))

    def _page(self, hits: list[dict[str, Any]], count: int, size: int, select: str | None) -> Reply:
        meta = {
            "count": count,
            "db_response_time_ms": 17,
            "page": None,
            "per_page": size,
            "next_cursor": None if len(hits) < size else cursor_behind(hits[-1]["id"]),
            "groups_count": None,
            "cost_usd": 0.0001,
        }
        chosen = set(select.split(",")) if select else None
        results = [{name: hit[name] for name in hit if chosen is None or name in chosen} for hit in hits]
        headers = {**self.limits(), "X-RateLimit-Credits-Used": "1"}
        return json_reply({"meta": meta, "results": results, "group_by": []}, 200, headers)


def cursor_behind(record_id: str) -> str:
    return base64.b64encode(json.dumps(str([0.5, record_id])).encode()).decode()


def _after(cursor: str) -> str | None:
    if cursor == "*":
        return ""
    try:
        return str(re.findall(r"'([^']*)'", json.loads(base64.b64decode(cursor)))[-1])
    except (ValueError, IndexError):
        return None


def _refused(error: str, message: str) -> Reply:
    return json_reply({"error": error, "message": message}, 400)


def funding_round(number: int, year: int = 2024) -> dict[str, Any]:
    uuid = f"{number:08x}-0000-4000-8000-000000000000"
    identifier = {"permalink": f"round-{number}", "uuid": uuid, "entity_def_id": "funding_round", "value": "Seed"}
    return {"uuid": uuid, "properties": {"identifier": identifier, "announced_on": f"{year}-03-{number % 28 + 1:02d}"}}


@dataclass
class Crunchbase:
    """POST /v4/data/searches/funding_rounds: no next token, no rate headers, errors in an array."""

    rounds: list[dict[str, Any]]
    key: str

    def __call__(self, asked: Asked) -> Reply:
        if asked.headers.get("x-cb-user-key") != self.key:
            said = f"Unauthorized user_key {asked.headers.get('x-cb-user-key')}"
            return json_reply([{"status": 401, "code": "LA401", "message": said}], 401)
        if (asked.method, asked.path) != ("POST", "/v4/data/searches/funding_rounds"):
            return json_reply([{"status": 404, "code": "MD404", "message": "Not found"}], 404)
        return self._search(asked.json)

    def _search(self, body: Mapping[str, Any]) -> Reply:
        if not 1 <= body.get("limit", 50) <= 1000:
            return json_reply([{"status": 400, "code": "MD400", "message": "limit must be 1 to 1000"}], 400)
        (first, last) = next(p["values"] for p in body["query"] if p["field_id"] == "announced_on")
        found = [r for r in self.rounds if first <= r["properties"]["announced_on"] <= last]
        found.sort(key=lambda r: (r["properties"]["announced_on"], r["uuid"]))
        start = 0
        if after := body.get("after_id"):
            start = 1 + next(place for place, r in enumerate(found) if r["uuid"] == after)
        return json_reply({"count": len(found), "entities": found[start : start + body.get("limit", 50)]})


@dataclass
class Odp:
    """The USPTO Open Data Portal: refuses without its key, and redirects to a signed address on another host."""

    key: str
    storage: str
    signature: str = "5f2c-signed-only-for-now"

    def __call__(self, asked: Asked) -> Reply:
        sent = asked.headers.get("x-api-key")
        if sent is None:
            return json_reply({"message": "Unauthorized"}, 401)
        if sent != self.key:
            return json_reply({"message": f"Forbidden: {sent}"}, 403)
        if not re.match("/api/v1/datasets/products/files/PV(GPAT|PGPUB)DIS/", asked.path):
            return json_reply({"message": "Not Found"}, 404)
        name = asked.path.rpartition("/")[2]
        return Reply(b"", 302, {"Location": f"{self.storage}/{name}?X-Amz-Signature={self.signature}"})


@dataclass
class Snapshot:
    """The bucket `openalex`: parts by updated_date, a manifest with sizes and records, the list of deleted works."""

    parts: dict[str, list[dict[str, Any]]]
    host: FileHost = field(default_factory=lambda: FileHost({}))

    def __post_init__(self) -> None:
        self.publish()

    def publish(self, date: str = "2026-06-30") -> None:
        listed = [self._part(name, records) for name, records in self.parts.items()]
        manifest = {
            "date": date,
            "format": "jsonl",
            "entity": "works",
            "record_count": sum(map(len, self.parts.values())),
            "content_length": sum(file["meta"]["content_length"] for file in listed),
            "files": listed,
        }
        self.host.files["/data/jsonl/works/manifest.json"] = json.dumps(manifest).encode()
        deleted = gzip.compress(b"work_id,deleted_date\nW1,2026-05-01\n", mtime=0)
        self.host.files["/data/jsonl/works/deleted_ids.csv.gz"] = deleted

    def _part(self, name: str, records: list[dict[str, Any]]) -> dict[str, Any]:
        content = gzip.compress("".join(json.dumps(record) + "\n" for record in records).encode(), mtime=0)
        self.host.files[f"/data/jsonl/works/{name}"] = content
        meta = {"content_length": len(content), "record_count": len(records)}
        return {"url": f"s3://openalex/data/jsonl/works/{name}", "meta": meta}

    def __call__(self, asked: Asked) -> Reply:
        return self.host(asked)


@dataclass
class Sec:
    """www.sec.gov: lets in only who gives a contact, and lists its data sets under folders that change by year."""

    files: dict[str, bytes]

    def __call__(self, asked: Asked) -> Reply:
        if not re.search(r"\S+@\S+\.\w+", asked.headers.get("user-agent", "")):
            return Reply(b"<html>Your Request Originates from an Undeclared Automated Tool</html>", 403)
        if asked.path == "/data-research/sec-markets-data/form-d-data-sets":
            links = "".join(f'<td><a href="{path}" type="application/zip">Form D</a></td>' for path in self.files)
            return Reply(f"<!DOCTYPE html><html>{links}</html>".encode(), 200, {"Content-Type": "text/html"})
        return FileHost(self.files)(asked)


def zipped(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def noise(size: int, seed: int = 0) -> bytes:
    """Bytes that do not compress, the same ones every time."""
    return hashlib.shake_256(str(seed).encode()).digest(size)
