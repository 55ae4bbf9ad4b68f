"""The menu of the site: the tables of docs/dictionary and the decisions of docs/adr behind the pages of mkdocs.yml.

Belongs here: what mkdocs calls while it builds. Does not: the order of the other pages.
"""

from __future__ import annotations

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Add every table, by name, and every decision, by number."""
    for title, folder in (("Tables", "dictionary"), ("Decisions", "adr")):
        names = sorted(path.name for path in (Path(config.docs_dir) / folder).glob("*.md"))
        config.nav = [*(config.nav or []), {title: [f"{folder}/{name}" for name in names]}]
    return config
