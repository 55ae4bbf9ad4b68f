"""The menu of the site: the decisions of docs/adr behind the pages that mkdocs.yml lists.

Belongs here: what mkdocs calls while it builds. Does not: the order of the other pages.
"""

from __future__ import annotations

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Add every decision, by number."""
    decisions = sorted(path.name for path in (Path(config.docs_dir) / "adr").glob("*.md"))
    config.nav = [*(config.nav or []), {"Decisions": [f"adr/{name}" for name in decisions]}]
    return config
