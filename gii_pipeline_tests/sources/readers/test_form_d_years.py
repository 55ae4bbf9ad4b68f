"""An offering of Form D is one deal: its year is that of the first notice, its place that of the last."""

from __future__ import annotations

from pathlib import Path

from gii_pipeline_tests.sources.readers.conftest import Read
from gii_pipeline_tests.sources.readers.test_deals import Notice, form_d


def test_an_offering_is_of_the_year_of_its_first_notice_and_the_place_of_its_last(read: Read, tmp_path: Path) -> None:
    sets = [
        form_d(tmp_path / "2021Q4_d.zip", Notice("a1", "021-1", "30-DEC-2021", city="AUSTIN")),
        form_d(tmp_path / "2022Q1_d.zip", Notice("b1", "021-1", "03-JAN-2022", "D/A", city="DALLAS")),
        form_d(tmp_path / "2022Q2_d.zip", Notice("c1", "021-1", "04-APR-2022", "D/A", city="HOUSTON")),
    ]
    for order in (sets, sets[::-1]):
        rows = read("sec_form_d", {"sets": order}, "record_id, year, city, source_rows")
        assert rows == [("021-1", 2021, "HOUSTON", 3)]
