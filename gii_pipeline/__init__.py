"""The ranking of the world's innovation clusters, recomputed in the open.

>>> from gii_pipeline import open_release  # doctest: +SKIP
>>> open_release("gii_data").table("ranking_size")  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gii_pipeline.releases.reader import open_release

__all__ = ["open_release"]


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Import the reader on first use, so that `import gii_pipeline` stays cheap."""
    if name != "open_release":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from gii_pipeline.releases.reader import open_release  # noqa: PLC0415

    return open_release
