"""The typed model of an edition: which years it reads, and by which method it ranks.

Belongs here: what an edition must say to be whole, and the rule for an edition under another edition's method.
Does not: values. Those are data, in `editions.yaml` or in a user's profile.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any, Generic, Literal, NamedTuple, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Value = TypeVar("Value")

Tag = Literal["F", "I", "A"]
MergeRule = Literal["distance", "distance_and_ties", "none"]
FootprintRule = Literal["members", "catchment", "settlements"]
ShareBase = Literal["located", "all"]


class Window(NamedTuple):
    """The data years that a metric is counted over, both ends included."""

    first_year: int
    last_year: int

    @property
    def years(self) -> tuple[int, ...]:
        return tuple(range(self.first_year, self.last_year + 1))

    def shifted(self, years: int) -> Window:
        return Window(self.first_year + years, self.last_year + years)

    def __str__(self) -> str:
        return f"{self.first_year}–{self.last_year}"


def _in_order(window: Window) -> Window:
    if window.first_year > window.last_year:
        raise ValueError(f"the window's first year {window.first_year} is after its last year {window.last_year}")
    return window


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Setting(_Settings, Generic[Value]):
    """A value, whether it is a fact (F), an inference (I) or an assumption (A), and where it comes from."""

    value: Value
    tag: Tag
    source: str = Field(min_length=1)


Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]


class MetricSettings(_Settings):
    """How one metric takes part in an edition.

    `record_types` None counts every type; otherwise only records whose `record_type` is listed. `min_weight_alone`: the
    density threshold where a profile has this metric and none that makes density, so that it makes density itself.
    """

    window: Setting[Annotated[Window, AfterValidator(_in_order)]]
    weight: Setting[Annotated[float, Field(ge=0, allow_inf_nan=False)]]
    in_density: Setting[bool]
    record_types: Setting[tuple[str, ...] | None]
    min_weight_alone: Setting[Positive] | None = None


class Method(_Settings):
    """The parameters of the clusters and of the ranking, apart from the years."""

    radius_km: Setting[Positive]
    min_weight: Setting[Positive]
    location_decimals: Setting[Annotated[int, Field(ge=0, le=4)]]
    merge_rule: Setting[MergeRule]
    merge_distance_km: Setting[Annotated[float, Field(ge=0, allow_inf_nan=False)]]
    noise_min_records: Setting[Annotated[int, Field(ge=1)]]
    footprint: Setting[FootprintRule] = Setting(value="members", tag="A", source="if an edition does not define it")
    footprint_distance_km: Setting[Positive]
    economy_min_share: Setting[Share]
    name_places: Setting[Annotated[int, Field(ge=1)]]
    name_min_share: Setting[Share]
    share_base: Setting[ShareBase]
    ranking_length: Setting[Annotated[int, Field(ge=1)]]


class Edition(Method):
    """One edition of the ranking under one method.

    `edition` is the year whose data is read, `method` the edition whose rules are followed; they are the same
    unless the edition was made with `under`. `provisional`: its windows and its method are not published yet.
    `left_out`: metrics that it would count, and that a profile has no source for.
    """

    edition: int
    method: int
    provisional: bool = False
    population_year: Setting[int]
    metrics: dict[str, MetricSettings] = Field(min_length=1)
    left_out: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _something_makes_density(self) -> Self:
        if not any(metric.in_density.value for metric in self.metrics.values()):
            raise ValueError("no metric takes part in the density step: set in_density for at least one")
        return self

    @property
    def label(self) -> str:
        """The edition's partition key: `2025`, or `2024@2025` for the data of 2024 under the method of 2025."""
        return str(self.edition) if self.edition == self.method else f"{self.edition}@{self.method}"

    @property
    def largest_size_score(self) -> float:
        """What a cluster with all of the world's records would have."""
        return 100 * sum(metric.weight.value for metric in self.metrics.values())

    @property
    def data_years(self) -> dict[str, tuple[int, ...]]:
        """Metric -> the data years that its window demands."""
        return {name: metric.window.value.years for name, metric in self.metrics.items()}

    @property
    def rules(self) -> dict[str, Any]:
        """What decides ranks, apart from where each value comes from: setting -> value, `vc_deals.weight` of a metric.

        A setting that an edition does not have is None.
        """
        found = {name: getattr(self, name) for name in Method.model_fields}
        for metric, own in self.metrics.items():
            found |= {f"{metric}.{name}": getattr(own, name) for name in MetricSettings.model_fields}
        return {name: setting and setting.value for name, setting in found.items()}

    def provisional_for(self, year: int) -> Edition:
        """The edition of a later year before its own settings are published: windows moved on, the rest as here.

        Every value is an assumption.
        """
        moved = year - self.edition

        def assumed(setting: Setting[Any], value: object = None) -> Setting[Any]:
            words = (
                f"As in {self.edition}"
                if value is None
                else f"{moved} {'year' if moved == 1 else 'years'} later than in {self.edition}"
            )
            kept = setting.value if value is None else value
            return setting.model_copy(
                update={"value": kept, "tag": "A", "source": f"{words}: edition {year} is not published"}
            )

        own = {name: assumed(getattr(self, name)) for name in Method.model_fields}
        metrics = {
            name: MetricSettings(
                window=assumed(metric.window, metric.window.value.shifted(moved)),
                weight=assumed(metric.weight),
                in_density=assumed(metric.in_density),
                record_types=assumed(metric.record_types),
                min_weight_alone=metric.min_weight_alone and assumed(metric.min_weight_alone),
            )
            for name, metric in self.metrics.items()
        }
        population_year = assumed(self.population_year, self.population_year.value + moved)
        return self.model_copy(
            update={
                **own,
                "edition": year,
                "method": year,
                "provisional": True,
                "population_year": population_year,
                "metrics": metrics,
            }
        )

    def scaled(self, part: float, why: str) -> Edition:
        """This edition for a part of the world's records: the density threshold is the same part of the method's."""
        least = self.min_weight
        scaled = Setting[float](value=least.value * part, tag="A", source=f"{least.value:g} × {part:g}: {why}")
        return self.model_copy(update={"min_weight": scaled})

    def counting(self, metric: str, types: tuple[str, ...], why: str) -> Edition:
        """This edition with a metric's record types set; itself where it does not count the metric."""
        if metric not in self.metrics:
            return self
        chosen = Setting[tuple[str, ...] | None](value=types, tag="A", source=why)
        settings = self.metrics[metric].model_copy(update={"record_types": chosen})
        return self.model_copy(update={"metrics": {**self.metrics, metric: settings}})

    def having(self, sources: Collection[str], why: str) -> Edition | None:
        """This edition with the metrics that there are sources for; None where it counts none of them.

        Where no metric is left that makes density, those that are left do, by their own thresholds. why: what to say
        of that change.
        """
        left_out = tuple(name for name in self.metrics if name not in sources)
        metrics = {name: metric for name, metric in self.metrics.items() if name in sources}
        if not left_out or not metrics:
            return self if metrics else None
        changes: dict[str, Any] = {"left_out": left_out, "metrics": metrics}
        if not any(metric.in_density.value for metric in metrics.values()):
            makes = Setting[bool](value=True, tag="A", source=why)
            changes["metrics"] = {
                name: metric.model_copy(update={"in_density": makes}) for name, metric in metrics.items()
            }
            alone = [metric.min_weight_alone for metric in metrics.values() if metric.min_weight_alone]
            changes |= {"min_weight": min(alone, key=lambda least: least.value)} if alone else {}
        return self.model_copy(update=changes)

    def under(self, other: Edition) -> Edition:
        """This edition's data under the method of `other`.

        Parameters, metrics, weights and record types are those of `other`. Windows stay this edition's own; a metric
        that this edition did not have gets the window of `other`, moved by the years between the two editions.
        """
        if other.edition == self.edition:
            return self
        moved = self.edition - other.edition
        metrics = {}
        for name, metric in other.metrics.items():
            window = metric.window
            own = self.metrics[name].window if name in self.metrics else None
            derived = Setting[Window](
                value=window.value.shifted(moved),
                tag="A",
                source=f"The window of {other.edition}, moved by {moved} years",
            )
            metrics[name] = metric.model_copy(update={"window": own or derived})
        return other.model_copy(
            update={
                "edition": self.edition,
                "method": other.method,
                "provisional": self.provisional or other.provisional,
                "population_year": self.population_year,
                "metrics": metrics,
            }
        )
