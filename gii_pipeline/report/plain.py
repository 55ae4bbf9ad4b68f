"""Text of other people as it is shown on a terminal: what a terminal would obey is shown as text instead.

Belongs here: making control characters visible. Does not: escaping for HTML, which each page does for itself.
"""

from __future__ import annotations

import re

_OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters but tab and newline, and those that reverse the direction of the text around them."""


def plain(text: str) -> str:
    r"""The text with its control characters written out.

    >>> plain("Oslo\x1b]0;title\x07")
    'Oslo\\x1b]0;title\\x07'
    """
    return _OBEYED.sub(lambda found: ascii(found[0])[1:-1], text)
