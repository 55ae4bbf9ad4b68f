"""The releases as a static site: for any host of files, and for a disk.

Belongs here: which versions it has, its index, and replacing a site as a whole.
Does not: the pages of a version; they are files of the release and are copied, each verified by its hash.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, NamedTuple

from gii_pipeline.errors import InputError, ReleaseError
from gii_pipeline.releases import Release, open_release, versions
from gii_pipeline.releases.shelf import PACKAGE, POINTER, Listed, newest, pointing, today
from gii_pipeline.report.notices import with_notice
from gii_pipeline.report.pages import render
from gii_pipeline.report.story import story_of
from gii_pipeline.verified import sealed

INDEX, MARKER = "index.html", "gii-site.json"
EXPLORER = "report/index.html"
_PICTURE = re.compile(r'(<meta property="og:image" content=")([^":/]+)(">)')


class Site(NamedTuple):
    """What was written: the folder, its versions, and those that are left out because of an embargo."""

    folder: Path
    versions: tuple[str, ...]
    embargoed: tuple[str, ...]


def write_site(root: Path, target: Path, *, address: str = "") -> Site:
    """Write the site of a root's releases to `target`, which is new, empty, or a site that is replaced as a whole.

    address: where it will be served, so that the preview images of its pages have full addresses.
    Raises InputError where `target` is something else, ReleaseError where nothing is released or a file is damaged.
    """
    _check_target(target)
    day = today()
    listed = [one for one in versions(root) if not one.discarded]
    shown = [one for one in listed if one.withdrawn is not None or one.current(day)]
    current = [one for one in shown if one.withdrawn is None]
    if not current:
        raise ReleaseError(f"No release under {root} may be published, so there is no site to write.")
    embargoed = tuple(str(one.version) for one in listed if one not in shown)
    target.parent.mkdir(parents=True, exist_ok=True)
    staged = Path(mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        for one in shown:
            _copy(root, one, staged / str(one.version), address)
        _index(root, shown, staged)
        _replace(staged, target)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return Site(target, tuple(str(one.version) for one in shown), embargoed)


def _check_target(target: Path) -> None:
    if target.is_dir() and any(target.iterdir()) and not (target / MARKER).is_file():
        raise InputError(f"{target} is a folder with other files. Choose a new folder, or that of an earlier site.")
    if target.exists() and not target.is_dir():
        raise InputError(f"{target} is a file. Choose a new folder.")


def _copy(root: Path, one: Listed, into: Path, address: str) -> None:
    """The files of a version as they were published; its pages with a notice where it was withdrawn."""
    release = _open(root, one)
    for path in [PACKAGE, *(resource["path"] for resource in release.package["resources"])]:
        content = release.bytes(path)
        if path.endswith(".html"):
            text = content.decode()
            if address:
                text = _PICTURE.sub(rf"\g<1>{_below(address, one, path)}/\g<2>\g<3>", text)
            if one.withdrawn is not None:
                text = with_notice(text, str(one.version), one.withdrawn)
            content = text.encode()
        copied = into / path
        copied.parent.mkdir(parents=True, exist_ok=True)
        copied.write_bytes(content)


def _below(address: str, one: Listed, path: str) -> str:
    return f"{address.rstrip('/')}/{one.version}/{path.rpartition('/')[0]}"


def _open(root: Path, one: Listed) -> Release:
    from gii_pipeline.releases.reader import open_version  # noqa: PLC0415

    return open_version(root, one.version)


def _index(root: Path, shown: Sequence[Listed], into: Path) -> None:
    """`index.html` over all versions, `latest.json`, and the marker by which a site is known as one."""
    latest = newest(one.version for one in shown if one.withdrawn is None)
    release = open_release(root, str(latest))
    rows = [_row(root, one) for one in reversed(shown)]
    page = render(
        "page_site.html",
        title="Innovation clusters",
        version="",
        made_up=any(row["made_up"] for row in rows),
        provisional="",
        notes=[],
        nav=[],
        latest=next(row for row in rows if row["version"] == str(latest)),
        sentence=story_of(release).sentence(),
        rows=rows,
        clusters=_clusters(release),
    )
    (into / INDEX).write_text(page, encoding="utf-8", newline="\n")
    said = {name: value for name, value in pointing(root, today()).items() if name != "embargoed"}
    (into / POINTER).write_bytes(sealed(said))
    (into / MARKER).write_text(json.dumps({"versions": [row["version"] for row in rows]}) + "\n", encoding="utf-8")
    (into / ".nojekyll").touch()  # GitHub Pages shows every file as it is


def _row(root: Path, one: Listed) -> dict[str, Any]:
    package: Mapping[str, Any] = _open(root, one).package
    has = {resource["path"] for resource in package["resources"]}
    return {
        "version": str(one.version),
        "label": one.version.label,
        "title": package["title"],
        "maturity": package["maturity"],
        "made_up": package["made_up"],
        "withdrawn": one.withdrawn,
        "page": f"{one.version}/{EXPLORER}" if EXPLORER in has else f"{one.version}/README.md",
        "files": [
            (name, f"{one.version}/{name}")
            for name in ("ranking.csv", "ranking.xlsx", "CHANGES.md", PACKAGE)
            if name in has or name == PACKAGE
        ],
    }


def _clusters(release: Release) -> list[dict[str, Any]]:
    """The newest ranking, each cluster with the address of its page where the release has one."""
    from gii_pipeline.releases.search import economy_name, slugs  # noqa: PLC0415

    ranking = release.table("ranking_size").sort_values("rank")
    has = {resource["path"] for resource in release.package["resources"]}
    named = slugs(ranking[["cluster_id", "name", "economies"]].itertuples(index=False, name=None))
    rows = []
    for row in ranking.to_dict("records"):
        page = f"report/clusters/{named[row['cluster_id']]}.html"
        economies = ", ".join(map(economy_name, row["economies"].split("/")))
        address = f"{release.version}/{page}" if page in has else ""
        rows.append({"rank": row["rank"], "name": row["name"], "economies": economies, "page": address})
    return rows


def _replace(staged: Path, target: Path) -> None:
    """Put a finished folder in the place of `target`; a server shows the old site or the new one."""
    staged.chmod(0o755)
    if not target.exists():
        staged.rename(target)
        return
    old = Path(mkdtemp(prefix=f".{target.name}-old-", dir=target.parent))
    try:
        target.rename(old / target.name)
        staged.rename(target)
    finally:
        shutil.rmtree(old, ignore_errors=True)
