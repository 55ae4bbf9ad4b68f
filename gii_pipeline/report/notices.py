"""A notice on the pages of a version that was withdrawn: its files never change, so it is added where they are shown.

Belongs here: the notice, and where it goes in a page. Does not: which versions are withdrawn (`releases`).
"""

from __future__ import annotations

from html import escape

BODY = "<body>"


def with_notice(page: str, version: str, because: str) -> str:
    """The page of a release with a notice above everything that the version was withdrawn, and why.

    >>> with_notice("<body><h1>Towns</h1>", "v2025.1", "a <source> was wrong")
    '<body><div class="notice" role="alert"><strong>v2025.1 was withdrawn.</strong> a &lt;source&gt; was wrong</div><h1>Towns</h1>'
    """  # noqa: E501
    said = f'<div class="notice" role="alert"><strong>{escape(version)} was withdrawn.</strong> {escape(because)}</div>'
    return page.replace(BODY, BODY + said, 1)
