"""WIPO's gazettes: what a document is, who is one person, and who applied."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from gii_pipeline.errors import InputError
from gii_pipeline_tests.sources.readers.conftest import Read
from gii_pipeline_tests.sources.readers.test_organisations_and_fields import applied, parts


def book(name: str, address: str, country: str, lang: str = "en") -> str:
    where = f"<address><address-1>{address}</address-1><country>{country}</country></address>" if address else ""
    return f'<addressbook lang="{lang}"><name>{name}</name>{where}</addressbook>'


def inventor(*books: str, sequence: int | str = "") -> str:
    return f'<inventor sequence="{sequence}">{"".join(books)}</inventor>'


def document(
    people: str, *, applicants: str = "", date: str = "20190829", kind: str = "A1", more: str = "", office: str = "WO"
) -> str:
    return (
        "<wo-published-application><wo-bibliographic-data><publication-reference><document-id>"
        f"<country>{office}</country><doc-number>2019/105044</doc-number><kind>{kind}</kind><date>{date}</date>"
        f"</document-id></publication-reference>{more}<parties><applicants>{applicants}</applicants>"
        f"<inventors>{people}</inventors></parties></wo-bibliographic-data></wo-published-application>"
    )


def written(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_plain_file_is_xml_whatever_its_name(read: Read, tmp_path: Path, encoding: str) -> None:
    text = document(inventor(book("DOE, Ann", "Oslo", "NO")))
    prolog = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?>\n'
    path = written(tmp_path / "0f3a", prolog + text, encoding)
    assert read("wipo_pct_xml", {"gazettes": path}, "record_id, year, address") == [("WO2019105044", 2019, "Oslo, NO")]


def test_inventors_of_one_name_are_two_and_an_applicant_is_one_of_them(read: Read, tmp_path: Path) -> None:
    two = [inventor(book("LEE, Min", place, "CN"), sequence=nth) for nth, place in enumerate(("Beijing", "Shenzhen"))]
    lee = f'<applicant app-type="applicant-inventor">{book("Lee Min", "", "")}</applicant>'
    path = written(tmp_path / "a.xml", document("".join(two)))
    assert read("wipo_pct_xml", {"gazettes": path}, "address") == [("Beijing, CN",), ("Shenzhen, CN",)]
    with_applicant = written(tmp_path / "b.xml", document("".join(two), applicants=lee))
    assert read("wipo_pct_xml", {"gazettes": with_applicant}, "address") == [("Beijing, CN",), ("Shenzhen, CN",)]


def test_a_person_in_several_languages_is_one(read: Read, tmp_path: Path) -> None:
    within = inventor(book("王伟", "北京", "CN", "zh"), book("WANG, Wei", "Beijing", "CN"), sequence=1)
    apart = inventor(book("李明", "深圳", "CN", "zh"), sequence=2) + inventor(
        book("LI, Ming", "Shenzhen", "CN"), sequence=2
    )
    path = written(tmp_path / "a.xml", document(within + apart))
    rows = read("wipo_pct_xml", {"gazettes": path}, "person_seq, people, address")
    assert rows == [(1, 2, "Beijing, CN"), (2, 2, "Shenzhen, CN")]


def test_an_application_published_again_keeps_both_with_their_dates(read: Read, tmp_path: Path) -> None:
    person = inventor(book("DOE, Ann", "Oslo", "NO"))
    first = written(tmp_path / "a2.xml", document(person, date="20190829", kind="A2"))
    again = written(tmp_path / "a3.xml", document(person, date="20200102", kind="A3"))
    rows = read("wipo_pct_xml", {"gazettes": [again, first]}, "record_id, year, changed")
    assert sorted(rows) == [
        ("WO2019105044", 2019, datetime.fromisoformat("2019-08-29")),
        ("WO2019105044", 2020, datetime.fromisoformat("2020-01-02")),
    ]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (document("", office="EP"), "a document of EP .`wo-published-application`."),
        ('<us-patent-grant country="US"><a/></us-patent-grant>', "a document of US .`us-patent-grant`."),
        ("<html><body>Sign in</body></html>", "a document of another office .`html`."),
    ],
)
def test_a_document_of_another_office_is_refused_by_name(read: Read, tmp_path: Path, text: str, what: str) -> None:
    path = written(tmp_path / "grant.xml", text)
    with pytest.raises(InputError, match=rf"grant.xml: {what}, not of WO"):
        read("wipo_pct_xml", {"gazettes": path})


def test_a_document_of_wipos_that_is_no_publication_is_refused_with_its_reason(read: Read, tmp_path: Path) -> None:
    path = written(tmp_path / "status.xml", "<wo-status><date>20190829</date></wo-status>")
    rows = read("wipo_pct_xml", {"gazettes": path}, "record_id, dropped, source_rows")
    assert rows == [(None, "no_id", 1)]


def test_a_date_that_is_none_is_kept_as_printed(read: Read, tmp_path: Path) -> None:
    path = written(tmp_path / "a.xml", document(inventor(book("DOE, Ann", "Oslo", "NO")), date="2019-13-99"))
    assert read("wipo_pct_xml", {"gazettes": path}, "year, year_text, dropped") == [(None, "2019-13-99", "no_date")]


def test_applicants_and_ipc_give_organisations_and_fields(read: Read, tmp_path: Path) -> None:
    def applicant(name: str, country: str, kind: str = "applicant") -> str:
        return f'<applicant app-type="{kind}">{book(name, "Somewhere", country)}</applicant>'

    symbol = (
        "<classification-ipcr><section>H</section><class>04</class><subclass>W</subclass><main-group>72</main-group>"
        "<subgroup>04</subgroup></classification-ipcr>"
    )
    more = f"<classifications-ipcr>{symbol}<classification-ipcr><text>G06F0017000000</text></classification-ipcr>"
    applicants = (
        applicant("ACME CO., LTD.", "CN")
        + applicant("DOE, Ann", "NO", "applicant-inventor")
        + applicant("ROE, Bea", "SE")
        + applicant("MOE, Tim", "DK")
    )
    path = written(
        tmp_path / "a.xml",
        document(
            inventor(book("ROE, Bea", "Lund", "SE")), applicants=applicants, more=f"{more}</classifications-ipcr>"
        ),
    )
    rows = read("wipo_pct_xml", {"gazettes": path}, "organisations, fields, person_seq")
    assert [row[2] for row in rows] == [1, 2]
    for organisations, fields, _ in rows:
        assert applied(organisations) == [
            ("ACME CO., LTD.", "CN", "organisation", 0.25),
            (None, "NO", "individual", 0.25),
            (None, "SE", "individual", 0.25),
            (None, "DK", "individual", 0.25),
        ]
        assert parts(fields) == {"Computer technology": 0.5, "Digital communication": 0.5}


def test_a_document_in_a_namespace_is_read(read: Read, tmp_path: Path) -> None:
    text = document(inventor(book("DOE, Ann", "Oslo", "NO")))
    named = text.replace("<wo-published-application>", '<wo-published-application xmlns="http://example.org/st36">')
    path = written(tmp_path / "named.xml", named)
    assert read("wipo_pct_xml", {"gazettes": path}, "record_id, year, address") == [("WO2019105044", 2019, "Oslo, NO")]


def test_documents_one_behind_the_other_are_read_one_by_one(read: Read, tmp_path: Path) -> None:
    prolog = '<?xml version="1.0"?>\n<?xml-stylesheet href="wo.xsl"?>\n'
    one = prolog + document(inventor(book("DOE, Ann", "Oslo", "NO")))
    other = prolog + document(inventor(book("ROE, Bea", "Graz", "AT"))).replace("2019/105044", "2019/105045")
    path = written(tmp_path / "week.xml", f"{one}\n{other}")
    assert read("wipo_pct_xml", {"gazettes": path}, "record_id, address") == [
        ("WO2019105044", "Oslo, NO"),
        ("WO2019105045", "Graz, AT"),
    ]
    with pytest.raises(InputError, match=r"week\.xml, document 2: not well-formed XML"):
        read("wipo_pct_xml", {"gazettes": written(path, one + other[:-9])}, "record_id")
