"""The portrait of a cluster in words: one page for a terminal, and the sentences of its fact sheet.

Belongs here: wording, rounding and what is left out. Does not: any figure (see `releases.portrait`).
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from gii_pipeline.registry import in_text
from gii_pipeline.releases.info import WORLD
from gii_pipeline.releases.portrait import NOT_KNOWN, InMetric, Portrait
from gii_pipeline.report.plain import plain
from gii_pipeline.wording import listed, nth

WIDTH = 80
SHOWN = 5
IN_SENTENCE = 3
_WAYS = {
    "within": "in the cluster alone",
    "clusters": "with other clusters",
    "outside": "with places outside clusters",
    "unlocated": "with people of unknown place",
    "economies": "in several economies",
}
_ORIGINS = {
    "cluster": "in the cluster",
    "economy": "elsewhere in its economy",
    "abroad": "abroad",
    "individuals": "individuals",
    "unknown": "unknown",
}


def page(portrait: Portrait, edition: str, notes: Iterable[str] = (), whole: str = WORLD) -> str:
    """One page of 80 columns on a cluster. notes: sentences that belong under every page of its release.

    whole: what shares are of.
    """
    ranked = f"{nth(portrait.rank)} by size" if portrait.rank else "not among the ranked clusters"
    people = f", {portrait.population / 1e6:,.2f} million inhabitants" if portrait.population else ""
    lines = [f"{plain(portrait.name)} ({plain(portrait.economies)}), edition {edition}: {ranked}{people}", ""]
    for part in portrait.metrics:
        lines += [*_in_metric(part, whole), ""]
    wrapped = [text for line in [*lines, *notes] for text in _wrapped(line)]
    return "\n".join(wrapped).rstrip()


def sentences(portrait: Portrait) -> list[str]:
    """The two sentences of WIPO's own profiles: what its counts are about, and who is behind most of them."""
    about = [
        f"its {in_text(part.title)} are "
        f"{listed(f'{each.share_pct:.0f} % {plain(each.name)}' for each in part.fields[:IN_SENTENCE])}"
        for part in portrait.metrics
        if part.fields
    ]
    behind = [
        f"{listed(f'{plain(each.name)} ({each.share_pct:.0f} %)' for each in part.leaders[:IN_SENTENCE])} "
        f"in {in_text(part.title)}"
        for part in portrait.metrics
        if part.leaders
    ]
    told = [
        f"By field, {'; '.join(about)}." if about else "",
        f"Its leaders are {'; '.join(behind)}." if behind else "",
    ]
    return [sentence for sentence in told if sentence]


def _in_metric(part: InMetric, whole: str) -> Iterator[str]:
    grows = f", {part.growth_pct:+.1f} % a year" if part.growth_pct is not None else ""
    yield (
        f"{part.title} {part.first_year}–{part.last_year}: {part.count:,.0f}, {part.share_pct:.2f} % of {whole}, "
        f"{nth(part.metric_rank)} of all clusters{grows}"
    )
    yield _line("years", [f"{year} {count:,.0f}" for year, count in part.years.items()])
    yield _line(
        "leaders",
        [f"{plain(each.name)} {each.share_pct:.1f} %" for each in part.leaders[:SHOWN]],
        part.why_no_leader,
    )
    special = (
        f"{plain(each.name)} {each.share_pct:.1f} %"
        + (f" (x {each.specialisation:.1f} of {whole})" if each.specialisation is not None else "")
        for each in part.fields[:SHOWN]
    )
    yield _line("fields", special, NOT_KNOWN)
    yield _line("made", [f"{_WAYS[way]} {share:.0f} %" for way, share in part.ways.items() if share >= 1])
    if part.partners:
        named = (f"{plain(each.name)} {each.share_pct:.1f} %" for each in part.partners[:SHOWN])
        yield _line("partners", named)
    if part.origin:
        yield _line("applicants", [f"{_ORIGINS[where]} {share:.0f} %" for where, share in part.origin.items()])


def _line(head: str, items: Iterable[str], nothing: str = NOT_KNOWN) -> str:
    return f"  {head:<11}{'; '.join(items) or nothing}"


def _wrapped(line: str) -> list[str]:
    return textwrap.wrap(line, WIDTH, subsequent_indent=" " * 13 if line.startswith("  ") else "") or [""]
