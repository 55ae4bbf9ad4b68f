"""What pages are put together from: texts of the package, and the policy that allows a page these only.

Belongs here: reading them, and the policy. Does not: what a page shows.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files


@cache
def resource(name: str) -> str:
    """A text that is next to this module: a template, a style sheet, a script."""
    return files("gii_pipeline.report").joinpath(name).read_text(encoding="utf-8")


def policy(style: str, script: str = "", images: str = "data:") -> str:
    """A content security policy: this style sheet, this script, such images, no other address."""
    allowed = f"default-src 'none'; img-src {images}; base-uri 'none'; form-action 'none'"
    scripts = f"; script-src '{_hash(script)}'" if script else ""
    return f"{allowed}{scripts}; style-src '{_hash(style)}'"


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
