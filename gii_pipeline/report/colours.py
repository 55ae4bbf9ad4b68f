"""Colours of the metrics, as a style sheet has them.

Belongs here: a variable per metric for a light and a dark page, and the bars in its colour. Does not: which colour a
metric has (see `registry`).
"""

from __future__ import annotations

from gii_pipeline.registry import Registry


def colours(registry: Registry) -> str:
    """The part of a style sheet that follows from the metrics, before the rest."""
    light, dark = (
        "".join(f"--{metric.name}:{getattr(metric.colour, page)};" for metric in registry.values())
        for page in ("light", "dark")
    )
    bars = "".join(f".place rect.{name}{{fill:var(--{name})}}" for name in registry)
    return f":root{{{light}}}@media(prefers-color-scheme:dark){{:root{{{dark}}}}}{bars}\n"
