"""Which names are one organisation.

Belongs here: the plain form of a name, and one key per organisation. An identifier of the source counts first (ROR, the
vendor's id); names without one are the same where nothing but legal form, case, accents and punctuation differs. A
user's table comes before both.
Does not: whether a name is an organisation's at all (see `sources.readers.organisations`).
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from pathlib import Path

import pandas as pd
from cleanco import basename

from gii_pipeline.errors import InputError

NAMES = ["name", "organisation"]
SEPARATOR = "; "
_FORMS = re.compile(
    r"\b(aktiengesellschaft|kabushiki kaisha|aktiebolag|incorporated|naamloze vennootschap|besloten vennootschap)\b"
    r"|株式会社|有限会社|合同会社|股份有限公司|有限责任公司|有限公司|주식회사"
)


def plain(name: str) -> str:
    """A name as it is compared.

    >>> plain("HUAWEI TECHNOLOGIES CO., LTD."), plain("Huawei Technologies Co Ltd")
    ('huawei technologies', 'huawei technologies')
    >>> plain("Société Générale S.A."), plain("株式会社日立製作所"), plain("Co., Ltd.")
    ('societe generale', '日立製作所', 'co ltd')
    """
    text = " ".join(name.split())
    while (shorter := basename(text)) and shorter != text:
        text = shorter
    whole = unicodedata.normalize("NFKD", text.casefold())
    bare = _words("".join(letter for letter in whole if not unicodedata.combining(letter)))
    return _words(_FORMS.sub(" ", unicodedata.normalize("NFC", bare))) or bare


def _words(text: str) -> str:
    return " ".join(re.sub(r"[\W_]+", " ", text).split())


def read_names(path: Path) -> pd.DataFrame:
    """A user's table: `name` (a name or an identifier as the source has it) and the `organisation` that it is.

    Raises InputError naming the file and the line of a column, a name or an organisation that is missing, or of a name
    that comes twice with different organisations.
    """
    try:
        rows: pd.DataFrame = pd.read_csv(path, dtype="str", keep_default_na=False)
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError(f"{path} is not a readable CSV file of organisations: {error}") from error
    if lacking := [name for name in NAMES if name not in rows.columns]:
        raise InputError(f"{path}: a table of organisations has the columns name, organisation; {lacking} is missing.")
    rows = pd.DataFrame({name: rows[name].str.strip() for name in NAMES})
    empty = rows[(rows == "").any(axis=1)]
    if len(empty):
        raise InputError(f"{path}, line {empty.index[0] + 2}: the name or the organisation is empty.")
    rows["form"] = rows["name"].map(plain)
    clash = rows[rows.groupby("form")["organisation"].transform("nunique") > 1]
    if len(clash):
        raise InputError(
            f"{path}, line {clash.index[-1] + 2}: {clash.iloc[-1]['name']!r} is mapped to several organisations: "
            f"{', '.join(sorted(clash[clash['form'] == clash.iloc[-1]['form']]['organisation'].unique()))}."
        )
    return rows


def one_each(names: pd.DataFrame, given: pd.DataFrame | None = None) -> pd.DataFrame:
    """id, name -> key, organisation, organisation_id, names_seen: one key per organisation.

    names: distinct id and name, each null where the source has none, and units. given: as `read_names`.
    The name of an organisation is the one that most is counted under; names_seen are all, the most counted first.
    """
    names = names.assign(form=names["name"].map(_plain_or_none))
    key = names["id"].where(names["id"].notna(), names["form"].map(_ids_by_form(names)))
    key = key.where(key.notna(), "name " + names["form"])
    if given is not None:
        wanted = dict(zip(given["form"], given["organisation"], strict=True))
        meant = names["form"].map(wanted)
        meant = names["id"].map(_plain_or_none).map(wanted).where(lambda found: found.notna(), meant)
        key = ("given " + meant).where(meant.notna(), key)
    found = names.assign(key=key, shown=names["name"].where(names["name"].notna(), names["id"]))
    found = found.sort_values(["key", "units", "shown"], ascending=[True, False, True])
    by_key = found.groupby("key")
    one = pd.DataFrame(
        {
            "organisation": by_key["shown"].first(),
            "organisation_id": by_key["id"].first(),
            "names_seen": by_key["shown"].agg(lambda seen: SEPARATOR.join(dict.fromkeys(seen))),
        }
    )
    is_given = one.index.str.startswith("given ")
    one.loc[is_given, "organisation"] = one.index[is_given].str.removeprefix("given ")
    table: pd.DataFrame = names[["id", "name"]].assign(key=key).merge(one.reset_index(), on="key", validate="m:1")
    return table


def _ids_by_form(names: pd.DataFrame) -> dict[str, str]:
    """Form -> the identifier of the one organisation that has it."""
    known = names.dropna(subset=["id", "form"]).groupby("form")["id"].agg(["first", "nunique"])
    return dict(known.loc[known["nunique"] == 1, "first"])


def _plain_or_none(name: object) -> str | None:
    return _plain(name) or None if isinstance(name, str) else None


@cache
def _plain(name: str) -> str:
    return plain(name)
