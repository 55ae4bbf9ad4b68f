"""The story of an edition: who leads, since when, ahead of whom, and how sure that is to be read right.

Belongs here: the wording, in the languages of `languages.yaml`. Does not: any comparison; those are rows of
`rank_events`. Nothing is said that no row says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pandas as pd
from babel.lists import format_list
from babel.numbers import format_decimal

from gii_pipeline.errors import InputError
from gii_pipeline.registry import Registry, shipped
from gii_pipeline.releases import Release
from gii_pipeline.releases.events import OWN_METHOD, SAME_METHOD
from gii_pipeline.report.frame import resource
from gii_pipeline.wording import ordinal
from gii_pipeline.yaml import read_yaml

FIRSTS = ("first_for_the_first_time", "first_again", "stays_first", "leads")
NUMBERS = ("rank", "compared_edition", "compared_rank", "editions", "since", "editions_under_name", "since_under_name")
Words = Mapping[str, Any]


@dataclass(frozen=True)
class Story:
    """One release, as its sentence needs it: its tables, and what the sentence must not leave out."""

    ranking_size: pd.DataFrame
    rank_events: pd.DataFrame
    cluster_metrics: pd.DataFrame
    version: str
    made_up: bool = False
    provisional: bool = False
    notes: tuple[str, ...] = ()
    registry: Registry = field(default_factory=shipped)

    def sentence(self, language: str = "en") -> str:
        """Who leads by each comparison, with its figures per million; empty where no cluster is ranked.

        Ends with the version, and says that an edition is provisional or its records made up, and in English what it
        lacks. Raises InputError for a language that does not exist.
        """
        words = _words(language)
        if self.ranking_size.empty:
            return ""
        first = self.ranking_size.sort_values("rank").iloc[0]
        sentences = [
            self._lead(first, words),
            self._by_this_method(first, words),
            self._figures(first, words, language),
            words["provisional"] if self.provisional else "",
            words["made_up"] if self.made_up else "",
            *(self.notes if language == "en" else ()),
        ]
        told = ""
        for sentence in filter(None, sentences):
            told = words["and"].format(before=told, sentence=sentence) if told else sentence
        return f"{told} ({self.version})"

    def _lead(self, first: pd.Series, words: Words) -> str:
        """Own method: who is first, ahead of whom, and after which streak."""
        events = self._events(OWN_METHOD if OWN_METHOD in set(self.rank_events["basis"]) else SAME_METHOD, first)
        event = next(name for name in FIRSTS if name in events)
        lead = words[event].format(**events[event]) if event != "stays_first" else _running(events["streak"], words)
        second = self.ranking_size.loc[self.ranking_size["rank"] == 2, "name"]
        if len(second):
            lead = words["ahead"].format(lead=lead, other=second.iloc[0])
        return f"{lead}{_after(events.get('streak_ended'), words)}{words.get('stop', '.')}"

    def _by_this_method(self, first: pd.Series, words: Words) -> str:
        """The same leader with the data of the edition before, by this edition's method."""
        own = self._events(OWN_METHOD, first)
        row = next((found for name, found in self._events(SAME_METHOD, first).items() if name in FIRSTS), None)
        if not own or row is None or pd.isna(row["compared_rank"]):
            return ""
        led_then = any(name in own for name in ("stays_first", "leads"))
        then = int(row["compared_rank"])
        key = "not_first_then" if then != 1 else "first_then_too" if led_then else "already_first"
        return str(words[key].format(compared=row["compared_edition"], method=row["method"], place=_place(then, words)))

    def _figures(self, first: pd.Series, words: Words, language: str) -> str:
        mine = self.cluster_metrics[self.cluster_metrics["cluster_id"] == first["cluster_id"]].set_index("metric")
        known = mine.loc[[name for name in self.registry if name in mine.index]].dropna(subset="per_million")
        if known.empty:
            return ""
        figures = [
            words.get("metric", "{value} {title}").format(
                value=format_decimal(round(row["per_million"]), locale=language),
                title=self.registry[str(name)].title_in(language),
            )
            for name, row in known.iterrows()
        ]
        years = int((known["window_last_year"] - known["window_first_year"]).max()) + 1
        counted = _number(years, words)
        return str(words["figures"].format(figures=format_list(figures, locale=language), years=counted))

    def _events(self, basis: str, first: pd.Series) -> dict[str, dict[str, Any]]:
        """Event -> its row, of the cluster, under one comparison."""
        events = self.rank_events
        mine = events[(events["basis"] == basis) & (events["cluster_id"] == first["cluster_id"])]
        return {row["event"]: row for row in mine.astype(dict.fromkeys(NUMBERS, "Int64")).to_dict("records")}


def story_of(release: Release) -> Story:
    """The story of a release, from its tables."""
    return Story(
        release.table("ranking_size"),
        release.table("rank_events"),
        release.table("cluster_metrics"),
        str(release.version),
        made_up=bool(release.package["made_up"]),
        provisional=release.maturity == "provisional",
        notes=release.notes,
        registry=release.registry,
    )


@cache
def languages() -> dict[str, Words]:
    """Code of a language -> its words."""
    return dict(read_yaml(resource("languages.yaml"), "languages.yaml"))


def _words(language: str) -> Words:
    if language not in languages():
        known = ", ".join(f"{code} ({words['title']})" for code, words in languages().items())
        raise InputError(f"There are no sentences in {language!r}. Available: {known}.")
    return languages()[language]


def _running(streak: Mapping[str, Any], words: Words) -> str:
    """That the cluster stays first: for how many editions under its present name, and for how many as a cluster."""
    facts = {**streak, **_counted(streak, words), "until": streak["edition"]}
    as_cluster = str(words["stays_first"].format(**facts))
    if streak["editions_under_name"] in {0, 1, streak["editions"]}:
        return as_cluster
    named = {**facts, "editions": facts["editions_under_name"], "since": streak["since_under_name"]}
    return str(words["stays_first"].format(**named)) + str(words["and_as_cluster"].format(**facts))


def _after(ended: Mapping[str, Any] | None, words: Words) -> str:
    """What the cluster was before: the streak that ended, under its present name and as a cluster."""
    if ended is None:
        return ""
    facts = {
        **ended,
        **_counted(ended, words),
        "until": ended["compared_edition"],
        "place": _place(int(ended["compared_rank"]), words),
    }
    under_name = int(ended["editions_under_name"])
    if under_name in {0, int(ended["editions"])}:
        return str(words["after_under_name" if under_name else "after"].format(**facts))
    return str((words["after_under_name"] + words["and_as_cluster"]).format(**facts))


def _counted(streak: Mapping[str, Any], words: Words) -> dict[str, str]:
    """A streak's numbers of editions, as words."""
    return {name: _number(int(streak[name]), words) for name in ("editions", "editions_under_name")}


def _number(number: int, words: Words) -> str:
    counts = words.get("counts", [])
    return str(counts[number - 1]) if 0 < number <= len(counts) else str(number)


def _place(rank: int, words: Words) -> str:
    places = words.get("places", [])
    named = places[rank - 1] if rank <= len(places) else None
    return str(named or words["place"].format(rank=rank, ordinal=ordinal(rank)))
