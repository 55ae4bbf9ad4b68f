"""The audit of a release as a whole: what one table says must agree with what the others say.

Belongs here: rules over several tables, each an SQL query that returns the rows that break it.
Does not: rules of one table; those are its contract's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import pyarrow as pa

from gii_pipeline import memory
from gii_pipeline.errors import ReleaseError
from gii_pipeline.store import EDITION_TABLES

SHOWN = 5
_NEAR = "greatest({least}, 1e-9 * greatest(abs({a}), abs({b})))"
MILLIONTH = 1e-6
"""Counts and world totals are given to a millionth of a record; the parts that they are sums of are not rounded."""


class Rule(NamedTuple):
    """What must hold, and a query for the rows where it does not."""

    says: str
    breaks: str


def _differ(a: str, b: str, least: float = 1e-9) -> str:
    near = _NEAR.format(a=a, b=b, least=least)
    return f"((({a}) is null) <> (({b}) is null) or abs(({a}) - ({b})) > {near})"


def _one_edition(edition: int, method: int) -> Iterator[Rule]:
    for table in EDITION_TABLES:
        yield Rule(
            f"{table} contains only edition {edition} with method {method}",
            f"select distinct edition, method from {table} where edition <> {edition} or method <> {method}",
        )


def _ranks() -> Iterator[Rule]:
    for table, score in (("ranking_size", "size_score"), ("ranking_intensity", "intensity_score")):
        yield Rule(
            f"the ranks of {table} run from 1 without a gap, the largest {score} first",
            f"""select rank, cluster_id, {score} from (
                  select *, row_number() over (order by rank) as position,
                         lag({score}) over (order by rank) as before from {table})
                where rank <> position or {score} > before""",
        )
    yield Rule(
        "the intensity ranking has the clusters of the size ranking that have an intensity, with the same figures",
        """select cluster_id, s.intensity_rank, i.rank from ranking_size s
            full join ranking_intensity i using (cluster_id)
            where coalesce(s.intensity_rank, 0) <> coalesce(i.rank, 0)
               or i.size_rank <> s.rank or i.size_score <> s.size_score or i.intensity_score <> s.intensity_score""",
    )
    yield Rule(
        "intensity is size score per million inhabitants",
        f"""select rank, cluster_id, intensity_score from ranking_size
            where {_differ("intensity_score", "size_score / nullif(population, 0) * 1e6")}""",
    )


def _members() -> Iterator[Rule]:
    yield Rule(
        "each cluster has the members, the core points and the people listed in `clusters`",
        f"""select cluster_id, c.points, m.points as members, c.core_points, m.cores, c.people, m.people as together
            from clusters c full join (
              select cluster_id, count(*) as points, count(*) filter (role = 'core') as cores, sum(people) as people
              from cluster_members where cluster_id is not null group by 1) m using (cluster_id)
            where c.points is distinct from m.points or c.core_points is distinct from m.cores
               or {_differ("c.people", "m.people")}""",
    )
    yield Rule(
        "every cluster has one footprint with the same name",
        """select cluster_id, c.name, f.name as footprint
           from clusters c full join cluster_footprints f using (cluster_id) where c.name is distinct from f.name""",
    )
    yield Rule(
        "the size ranking has the name, population and area of the cluster",
        f"""select r.rank, r.cluster_id, r.name, c.name as name_of_cluster,
                   r.population, f.population as population_of_footprint
            from ranking_size r
            left join clusters c using (cluster_id) left join cluster_footprints f using (cluster_id)
            where r.name is distinct from c.name or r.economies is distinct from c.economies
               or {_differ("r.population", "f.population")} or {_differ("r.area_km2", "f.area_km2")}""",
    )


def _counts(metrics: Iterable[str]) -> Iterator[Rule]:
    yield Rule(
        "the count of a cluster is the sum of its points",
        f"""select m.cluster_id, m.metric, m.count, p.fractions from cluster_metrics m left join (
              select cluster_id, metric, sum(fractions) as fractions from points
              join cluster_members using (location_id) where cluster_id is not null group by all) p
            using (cluster_id, metric) where {_differ("m.count", "coalesce(p.fractions, 0)", MILLIONTH)}""",
    )
    unequal = _differ("coalesce(m.count, -1)", "coalesce(c.count, 0)", MILLIONTH)
    for level in ("place", "economy"):
        yield Rule(
            f"the contributions by {level} add up to the count of the cluster",
            f"""select cluster_id, metric, m.count, c.count as contributions from cluster_metrics m full join (
                  select cluster_id, metric, sum(count) as count
                  from contributions where level = '{level}' group by all) c
                using (cluster_id, metric) where {unequal}""",
        )
    yield Rule(
        "a share is the count over the world total, which is one per metric and no less than the clusters together",
        f"""select metric, cluster_id, count, world_total, share_pct from (select *,
              min(world_total) over (partition by metric) as least, sum(count) over (partition by metric) as together,
              {MILLIONTH} * (1 + count(*) over (partition by metric)) as rounding
              from cluster_metrics)
            where {_differ("share_pct", "100 * count / world_total")} or world_total <> least
               or together > world_total + rounding""",
    )
    for metric in metrics:
        figures = {"count": "count", "share_pct": "share_pct", "per_million": "per_million", "rank": "metric_rank"}
        unequal = " or ".join(_differ(f"r.{metric}_{wide}", f"m.{long}") for wide, long in figures.items())
        yield Rule(
            f"the size ranking has the figures of cluster_metrics for {metric}",
            f"""select r.rank, r.cluster_id, r.{metric}_count, m.count from ranking_size r
                left join (from cluster_metrics where metric = '{metric}') m using (cluster_id) where {unequal}""",
        )


def _changes() -> Iterator[Rule]:
    for table in ("rank_changes", "rank_stability"):
        yield Rule(
            f"{table} has the clusters and the ranks of the size ranking",
            f"""select cluster_id, r.rank, t.rank as other from ranking_size r full join {table} t using (cluster_id)
                where r.rank is distinct from t.rank""",
        )
    yield Rule(
        "rank_variants has the clusters and the ranks of the rankings",
        """select cluster_id, rank_by, r.rank, v.rank as other
           from rank_variants v left join ranking_size r using (cluster_id)
           where v.rank is distinct from case rank_by when 'size' then r.rank else r.intensity_rank end""",
    )
    yield Rule(
        "the parts of a rank change add up to it",
        """select cluster_id, previous_rank_own_method, rank from rank_changes
           where change_due_to_data + change_due_to_borders + change_due_to_method
                 <> previous_rank_own_method - rank""",
    )


def _settings(settings: Mapping[str, Any]) -> Iterator[Rule]:
    metrics = settings["metrics"]
    windows = ", ".join(f"('{name}', {', '.join(map(str, m['window']['value']))})" for name, m in metrics.items())
    yield Rule(
        "every cluster has every metric of the edition, over the edition's window",
        f"""with expected as (select * from (values {windows}) as t (metric, first_year, last_year), clusters)
            select e.cluster_id, metric, window_first_year, window_last_year from expected e
            full join cluster_metrics m using (cluster_id, metric)
            where window_first_year is distinct from first_year or window_last_year is distinct from last_year""",
    )
    score = " + ".join(f"{m['weight']['value']} * {name}_share_pct" for name, m in metrics.items())
    yield Rule(
        "the size score is the weighted sum of the shares",
        f"select rank, cluster_id, size_score from ranking_size where {_differ('size_score', score)}",
    )
    length = settings["ranking_length"]["value"]
    yield Rule(
        f"the ranking has {length} clusters, or all",
        f"""select count(*) as ranked, (select count(*) from clusters) as clusters from ranking_size
            having ranked <> least({length}, clusters)""",
    )


def rules(edition: int, method: int, settings: Mapping[str, Any], metrics: Iterable[str]) -> list[Rule]:
    """Every rule of the audit; those on windows, weights and length only when the settings are known.

    metrics: those that the size ranking has columns of.
    """
    known = _settings(settings) if settings else iter(())
    return [*_one_edition(edition, method), *_ranks(), *_members(), *_counts(metrics), *_changes(), *known]


def audit(tables: Mapping[str, pa.Table], edition: int, method: int, settings: Mapping[str, Any]) -> list[str]:
    """What is wrong with the tables of one edition taken together: a line for each broken rule, with the first rows."""
    problems = []
    with memory.connect() as connection:
        for name in EDITION_TABLES:
            connection.register(name, tables[name])
        for rule in rules(edition, method, settings, _metrics(tables["ranking_size"])):
            rows = connection.sql(rule.breaks).to_arrow_table().to_pylist()
            if rows:
                problems.append(f"{rule.says}: violated in {len(rows)} rows, such as {_shown(rows)}")
    return problems


def _metrics(ranking_size: pa.Table) -> list[str]:
    ending = "_share_pct"
    return [name.removesuffix(ending) for name in ranking_size.column_names if name.endswith(ending)]


def _shown(rows: list[dict[str, Any]]) -> str:
    return "; ".join(", ".join(f"{name} {value}" for name, value in row.items()) for row in rows[:SHOWN])


def refuse(label: str, problems: list[str]) -> None:
    """ReleaseError with every problem, if there is one."""
    if problems:
        raise ReleaseError(
            f"Edition {label} cannot be released:\n"
            + "\n".join(f"  - {problem}" for problem in problems)
            + f"\nNothing was published. Rebuild its tables with `gii run --edition {label}`, or fix its inputs."
        )
