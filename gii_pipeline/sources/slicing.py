"""A national slice of a profile: what its sources offer for one country.

Belongs here: which sources are asked, by which client, and which are left out. Does not: counting only what is in the
country (`defs.inputs`), or saying so (`defs.lacking`).
"""

from __future__ import annotations

from typing import Any

from gii_pipeline.errors import InputError
from gii_pipeline.profiles import Fetch, Input, Profile
from gii_pipeline.sources import SOURCES
from gii_pipeline.sources.fetching import FETCHERS


def sliced(profile: Profile, country: str) -> Profile:
    """The profile for one country (ISO 3166-1 alpha-2), without metrics whose sources cannot be queried by it.

    Local files are read as they are. Raises InputError where no metric is left.
    """
    metrics = {name: of for name, source in profile.metrics.items() if (of := _of_country(source, country))}
    if not metrics:
        clients = sorted({fetch.fetch for source in profile.metrics.values() for fetch in source.fetches().values()})
        raise InputError(
            f"The profile {profile.name!r} has no source that can be queried by country: {', '.join(clients)} "
            f"only offer the world. Use the client `openalex_api`, or local files"
        )
    kept: dict[str, Any] = {
        name: {metric: of for metric, of in getattr(profile, name).items() if metric in metrics}
        for name in ("official_totals", "calibration")
    }
    schedule = {metric: of for metric, of in profile.schedule.sources.items() if metric in metrics}
    return profile.model_copy(
        update={
            **kept,
            "name": f"{profile.name}-{country.lower()}",
            "title": f"National slice of {country}, not a ranking of the world ({profile.title})",
            "country": country,
            "metrics": metrics,
            "schedule": profile.schedule.model_copy(update={"sources": schedule}),
        }
    )


def _of_country(source: Input, country: str) -> Input | None:
    """The source queried for one country; None where it cannot be."""
    files: dict[str, Any] = {}
    gone = SOURCES[source.reader].gone if source.reader in SOURCES else {}
    for role, given in source.files.items():
        if not isinstance(given, Fetch):
            files[role] = given
        elif role in gone:  # lists of the snapshot; who asks for records gets none that are gone
            continue
        elif (client := FETCHERS[given.fetch].by_country) and (fetch := _asked(given, client, country)):
            files[role] = fetch
        else:
            return None
    return source.model_copy(update={"files": files, "keep": "raw"})


def _asked(given: Fetch, client: str, country: str) -> Fetch | None:
    """A fetch by the client that can be queried by country; None where the one given asks for something else."""
    if given.options.get("entity", "works") != "works":
        return None
    options = given.options if client == given.fetch else {}
    return Fetch(fetch=client, **{**options, "country": country})
