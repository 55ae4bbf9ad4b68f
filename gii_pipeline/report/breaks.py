"""Breaks of a series: what is new in an edition's method, so that ranks before and after it are not by one rule.

Belongs here: naming the settings that differ from one edition to the next. Does not: the settings (`editions`).

Windows move every year and population years with them; they are not breaks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

from gii_pipeline.editions import Edition
from gii_pipeline.editions.model import Method, MetricSettings
from gii_pipeline.registry import Registry

WORDS = {
    "radius_km": "radius of the density step, km",
    "min_weight": "inventors and authors within the radius",
    "location_decimals": "decimals of a location",
    "merge_rule": "rule of merging neighbours",
    "merge_distance_km": "distance of merging neighbours, km",
    "footprint": "rule of the borders",
    "footprint_distance_km": "reach of the borders, km",
    "share_base": "records that a share is of",
    "ranking_length": "length of the ranking",
}
METRIC_WORDS = {"weight": "weight", "in_density": "part in the density step", "record_types": "record types"}


def method_breaks(editions: Iterable[Edition], registry: Registry) -> dict[int, str]:
    """Edition -> what differs from the method of the edition before it; editions without a break are left out.

    editions: of one series, in any order.
    """
    series = sorted(editions, key=lambda edition: edition.edition)
    found = {now.edition: "; ".join(_differences(before, now, registry)) for before, now in pairwise(series)}
    return {edition: told for edition, told in found.items() if told}


def _differences(before: Edition, now: Edition, registry: Registry) -> Iterator[str]:
    for name in Method.model_fields:
        old, new = getattr(before, name).value, getattr(now, name).value
        if old != new:
            yield f"{WORDS.get(name, name.replace('_', ' '))} {_shown(old)} → {_shown(new)}"
    for metric in sorted({*before.metrics, *now.metrics}):
        title = registry.title_in_text(metric)
        if metric not in before.metrics:
            yield f"{title} are counted"
        elif metric not in now.metrics:
            yield f"{title} are no longer counted"
        else:
            yield from _of_metric(title, before.metrics[metric], now.metrics[metric])


def _of_metric(title: str, before: MetricSettings, now: MetricSettings) -> Iterator[str]:
    for name, words in METRIC_WORDS.items():
        old, new = getattr(before, name).value, getattr(now, name).value
        if old != new:
            yield f"{words} of {title}: {_shown(old)} → {_shown(new)}"


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(str(one).replace("_", " ") for one in value)
    if isinstance(value, float):
        return f"{value:,g}"
    return "all" if value is None else str(value).replace("_", " ")
