"""A name in a profile that becomes part of a path or an address is a name as a whole, and leads nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from gii_pipeline.archive import Archive
from gii_pipeline.errors import InputError
from gii_pipeline.profiles import read_profile
from gii_pipeline.sources.checking import check_profile

URL = "http://127.0.0.1:9/x.csv"


@pytest.mark.parametrize(
    ("fetch", "field"),
    [
        ({"fetch": "file_url", "url": URL, "source": "../../elsewhere"}, "source"),
        ({"fetch": "file_url", "url": URL, "source": "deals/2024"}, "source"),
        ({"fetch": "file_url", "url": URL, "source": "deals\n"}, "source"),
        ({"fetch": "file_url", "url": URL, "source": "/etc"}, "source"),
        ({"fetch": "uspto_odp", "table": "g_pct_data/../x"}, "table"),
        ({"fetch": "uspto_odp", "table": "g_pct_data", "product": "../x"}, "product"),
        ({"fetch": "openalex_snapshot", "entity": "../x"}, "entity"),
        ({"fetch": "openalex_snapshot", "deleted_ids": "../x.gz"}, "deleted_ids"),
    ],
)
def test_a_name_with_a_path_in_it_is_refused_with_its_field(tmp_path: Path, fetch: dict[str, str], field: str) -> None:
    path = tmp_path / "profile.yaml"
    metrics = {"vc_deals": {"reader": "sec_form_d", "files": {"sets": fetch}}}
    document = {"name": "x", "title": "x", "metrics": metrics, "population": {"rasters": {2020: "p.tif"}}}
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    with pytest.raises(InputError, match=rf"{field}"):
        check_profile(read_profile(path), str(path))


@pytest.mark.parametrize("name", ["..", "../x", "a/b", "", "a\n", "."])
def test_the_archive_opens_no_shelf_elsewhere(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="not a valid name of a source"):
        Archive(tmp_path).shelf(name)
