"""Pages of a release next to the explorer: one per ranked cluster with its preview image, the method, the dictionary.

Belongs here: what each page is given, and the frame that all share (`page_base.html`).
Does not: any figure (`explorer.page_facts`), pictures (`cluster_charts`, `preview`), wording (the templates).

A page is self-contained: style and script are in it, its policy allows these and pictures next to it, and no other
address. Everything from a table is escaped by the templates. The same tables give the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from gii_pipeline.releases import PROVISIONAL, ReleaseInfo
from gii_pipeline.releases.search import economy_name
from gii_pipeline.report import cluster_charts
from gii_pipeline.report.colours import colours
from gii_pipeline.report.facts import FactTables, fact_sheet
from gii_pipeline.report.frame import policy, resource
from gii_pipeline.report.preview import preview
from gii_pipeline.report.sureness import sureness_picture

FOLDER = Path("report")
CLUSTERS = FOLDER / "clusters"
METHOD, DICTIONARY = FOLDER / "method.html", FOLDER / "dictionary.html"
DOWNLOADS = (
    ("Ranking, CSV", "ranking.csv"),
    ("Ranking, CSV for Excel", "ranking_excel.csv"),
    ("Ranking, XLSX", "ranking.xlsx"),
    ("Ranking, Parquet", "ranking.parquet"),
    ("All figures, SQLite", "ranking.sqlite"),
    ("Footprints, GeoJSON", "footprints.geojson"),
    ("Contributions, Parquet", "contributions.parquet"),
    ("Data package", "datapackage.json"),
)
BY_CLUSTER = (
    "cluster_metrics",
    "contributions",
    "rank_changes",
    "rank_stability",
    "rank_variants",
    "rank_events",
    "rank_history",
)
EMBED = '<iframe src="{{address}}" width="100%" height="900" title="{title}"></iframe>'
Facts = Mapping[str, Any]


def write_pages(folder: Path, tables: Mapping[str, pd.DataFrame], facts: Facts, info: ReleaseInfo) -> None:
    """Write the pages of an edition below `report/`.

    `method.html`, `dictionary.html`, and for each ranked cluster `clusters/<slug>.html`, its preview `<slug>.png` and
    the picture `<slug>_how_sure.svg`.
    tables: of the edition, by name; facts: `explorer.page_facts` of them.
    """
    (folder / CLUSTERS).mkdir(parents=True, exist_ok=True)
    parts = {name: dict(iter(tables[name].groupby("cluster_id"))) for name in BY_CLUSTER}
    for cluster in facts["clusters"]:
        page = folder / CLUSTERS / cluster["slug"]
        mine = {name: found.get(cluster["id"], tables[name].head(0)) for name, found in parts.items()}
        how_sure = how_sure_picture(cluster, mine, facts)
        _write(page.with_suffix(".html"), cluster_page(cluster, {**tables, **mine}, facts, info, how_sure))
        page.with_suffix(".png").write_bytes(preview(cluster, facts))
        _write(page.with_name(f"{page.name}_how_sure.svg"), how_sure)
    _write(folder / METHOD, method_page(info, facts["version"]))
    _write(folder / DICTIONARY, dictionary_page(folder, info, facts["version"]))


def cluster_page(
    cluster: Facts, tables: Mapping[str, pd.DataFrame], facts: Facts, info: ReleaseInfo, how_sure: str
) -> str:
    """The page of one cluster.

    cluster: one of `facts["clusters"]`; tables: those of BY_CLUSTER may have its rows only; how_sure: its picture, SVG.
    """
    change = cluster["change"] or {}
    edition, rank = change.get("previous_edition"), change.get("previous_rank")
    same = None if edition is None or rank is None else (int(edition), int(rank))
    history = tables["rank_history"]
    mine = history[history["cluster_id"] == cluster["id"]].sort_values("edition", ascending=False)
    sure, outline = cluster["stability"], cluster.get("outline")
    breaks = {int(edition): what for edition, what in facts["breaks"].items()}
    return _page(
        "page_cluster.html",
        info,
        facts["version"],
        up="../",
        script=resource("pages.js"),
        cluster=cluster,
        metrics=facts["metrics"],
        method=facts["method"],
        sentence=fact_sheet(_fact_tables(tables, facts, info), cluster["id"]),
        citation=f"gii_pipeline: {cluster['name']}. {info.title}, version {facts['version']}.",
        embed=EMBED.format(title=escape(cluster["name"])),
        slugs={one["id"]: one["slug"] for one in facts["clusters"]},
        same=same,
        breaks=sorted(breaks.items()),
        history=mine.to_dict("records"),
        rank_line=Markup(cluster_charts.rank_line(cluster["history"], same, breaks)),  # noqa: S704
        interval=Markup(_interval(cluster, facts)) if sure else "",  # noqa: S704
        how_sure=Markup(how_sure),  # noqa: S704
        footprint=_drawn(cluster_charts.footprint(outline, cluster["at"])) if outline else None,
        downloads=[(text, f"../../{name}") for text, name in DOWNLOADS],
    )


def _drawn(footprint: tuple[str, int]) -> tuple[Markup, int]:
    return Markup(footprint[0]), footprint[1]  # noqa: S704


def how_sure_picture(cluster: Facts, tables: Mapping[str, pd.DataFrame], facts: Facts) -> str:
    """How sure the ranks of a cluster are, as SVG; tables: `rank_variants` may have its rows only."""
    variants, titles = tables["rank_variants"], {metric["key"]: metric["title"] for metric in facts["metrics"]}
    return sureness_picture(cluster, cluster["stability"], variants[variants["cluster_id"] == cluster["id"]], titles)


def _interval(cluster: Facts, facts: Facts) -> str:
    lowest = max(one["stability"]["rank_high"] for one in facts["clusters"] if one["stability"])
    sure = cluster["stability"]
    return cluster_charts.interval(
        cluster["rank"], sure["rank_low"], sure["rank_high"], max(lowest, len(facts["clusters"]))
    )


def _fact_tables(tables: Mapping[str, pd.DataFrame], facts: Facts, info: ReleaseInfo) -> FactTables:
    read: dict[str, Any] = {name: tables[name] for name in FactTables._fields if name in tables}
    provisional = info.maturity == "provisional"
    return FactTables(
        **read,
        version=facts["version"],
        made_up=info.made_up,
        provisional=provisional,
        notes=info.notes,
        registry=info.registry,
        whole=info.whole,
    )


def method_page(info: ReleaseInfo, version: str) -> str:
    """Every setting of the edition with its tag and source."""
    metrics = info.settings.get("metrics", {})
    own = {name: value for name, value in info.settings.items() if name != "metrics"}
    groups = [("Clusters and ranking", list(_settings(own)))] if own else []
    groups += [(info.registry.title(name), list(_settings(chosen))) for name, chosen in metrics.items()]
    return _page("page_method.html", info, version, groups=groups)


def _settings(settings: Mapping[str, Any]) -> Iterable[dict[str, str]]:
    for name, setting in settings.items():
        if isinstance(setting, Mapping) and "value" in setting:
            value = json.dumps(setting["value"], ensure_ascii=False)
            yield {"name": name.replace("_", " "), "value": value, "tag": setting["tag"], "source": setting["source"]}


def dictionary_page(folder: Path, info: ReleaseInfo, version: str) -> str:
    """Every Parquet file of the folder: its columns, as their fields describe themselves."""
    tables = []
    for path in sorted(folder.glob("*.parquet")):
        found = pq.read_metadata(path)
        schema = found.schema.to_arrow_schema()
        purpose = (schema.metadata or {}).get(b"description", b"").decode()
        columns = [
            {
                "name": field.name,
                "type": str(field.type),
                **{key: _said(field.metadata, key) for key in ("unit", "description")},
            }
            for field in schema
        ]
        also = [path.with_suffix(suffix) for suffix in (".csv", ".xlsx")]
        addresses = [(one.name, f"../{one.name}") for one in (path, *also) if one.exists()]
        tables.append(
            {"name": path.stem, "purpose": purpose, "rows": found.num_rows, "columns": columns, "files": addresses}
        )
    return _page("page_dictionary.html", info, version, tables=tables)


def _said(metadata: Mapping[bytes, bytes] | None, key: str) -> str:
    return (metadata or {}).get(key.encode(), b"").decode()


def _page(template: str, info: ReleaseInfo, version: str, *, up: str = "", script: str = "", **given: Any) -> str:  # noqa: ANN401
    nav = [
        ("Ranking and map", f"{up}index.html"),
        ("Method", f"{up}{METHOD.name}"),
        ("Dictionary", f"{up}{DICTIONARY.name}"),
        ("Read me", f"../{up}README.md"),
    ]
    return render(
        template,
        title=info.title,
        script=script,
        tints=colours(info.registry),
        version=version,
        made_up=info.made_up,
        provisional=PROVISIONAL if info.maturity == "provisional" else "",
        notes=info.notes,
        whole=info.whole,
        sources=[source for _, source in sorted(info.sources.items())],
        nav=nav,
        **given,
    )


def render(template: str, *, script: str = "", tints: str = "", **given: Any) -> str:  # noqa: ANN401
    """A template in the frame of all pages, with its style and script, and a policy that allows these only.

    tints: the colours of the metrics, as a style sheet.
    """
    style = resource("common.css") + resource("pages.css") + tints
    return (
        _templates()
        .get_template(template)
        .render(
            policy=policy(style, script, images="'self' data:"),
            style=Markup(style),  # noqa: S704
            script=Markup(script),  # noqa: S704
            **given,
        )
    )


@cache
def _templates() -> Environment:
    loader = PackageLoader("gii_pipeline.report", ".")
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters["economy"] = lambda code: economy_name(code) if code else "an unknown economy"
    made.filters["few"] = cluster_charts.few
    made.filters["bar"] = lambda share, tint: Markup(cluster_charts.bar(share, tint))  # noqa: S704
    return made


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
