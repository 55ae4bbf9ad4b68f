"""A national slice asks for one country what can be asked for one, and leaves the rest out."""

from __future__ import annotations

import pytest

from gii_pipeline.errors import InputError
from gii_pipeline.profiles import Fetch, read_profile
from gii_pipeline.sources.fetching import FETCHERS
from gii_pipeline.sources.fetching.openalex_api import OpenalexApiOptions
from gii_pipeline.sources.slicing import sliced


def test_the_open_profile_asks_openalex_for_the_works_of_a_country_and_nobody_else() -> None:
    profile = sliced(read_profile("open"), "CH")
    [(metric, source)] = profile.metrics.items()
    assert (metric, profile.name, profile.country) == ("scientific_publications", "open-ch", "CH")
    assert source.files == {"works": Fetch(fetch="openalex_api", country="CH")}
    assert list(profile.schedule.sources) == ["scientific_publications"]
    assert profile.title.startswith("National slice of CH, not a ranking of the world")
    options = FETCHERS["openalex_api"].parsed(source.fetches()["works"].options)
    assert isinstance(options, OpenalexApiOptions)
    assert options.effective_filter.endswith("is_retracted:false,institutions.country_code:CH")
    assert profile.yearless.keys() == {"population", "institutions"}


def test_a_filter_of_ones_own_stays() -> None:
    open_profile = read_profile("open")
    works = open_profile.metrics["scientific_publications"]
    own = works.model_copy(update={"files": {"works": Fetch(fetch="openalex_api", filter="type:review", per_page=50)}})
    [source] = sliced(
        open_profile.model_copy(update={"metrics": {"scientific_publications": own}}), "AT"
    ).metrics.values()
    options = OpenalexApiOptions.model_validate(source.fetches()["works"].options)
    assert (options.effective_filter, options.per_page) == ("type:review,institutions.country_code:AT", 50)


def test_a_profile_of_which_nothing_can_be_asked_for_a_country_is_refused() -> None:
    open_profile = read_profile("open")
    patents = {"pct_applications": open_profile.metrics["pct_applications"]}
    with pytest.raises(InputError, match="no source that can be queried by country: uspto_odp only offer the world"):
        sliced(open_profile.model_copy(update={"metrics": patents}), "CH")
