"""YAML: the one way in which this project reads it.

Belongs here: a safe loader that refuses a key given twice, which plain YAML settles silently in favour of the last.
Does not: what a file must say.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import yaml

from gii_pipeline.errors import InputError

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MERGE = "tag:yaml.org,2002:merge"


class _Loader(_Base):  # type: ignore[misc]
    """Safe YAML without duplicate keys. A key next to a merge (`<<`) may repeat one of the merged mapping's."""

    def construct_document(self, node: yaml.Node) -> Any:  # noqa: ANN401
        """Look for duplicates before merges are resolved, which writes the merged keys into the nodes."""
        self._refuse_duplicates(node, set())
        return super().construct_document(node)

    def _refuse_duplicates(self, node: yaml.Node, seen: set[int]) -> None:
        if isinstance(node, yaml.ScalarNode) or id(node) in seen:
            return
        seen.add(id(node))
        lines: dict[Hashable, int] = {}
        for part in node.value:
            key_node, value = part if isinstance(node, yaml.MappingNode) else (None, part)
            self._refuse_duplicates(value, seen)
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag == _MERGE:
                continue
            key, line = self.construct_object(key_node), key_node.start_mark.line + 1
            if key in lines:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands twice, in lines {lines[key]} and {line}", key_node.start_mark
                )
            lines[key] = line


def read_yaml(text: str, where: str) -> Any:  # noqa: ANN401
    """The document in a YAML text.

    where: the file, for errors. Raises InputError for text that is not valid YAML, or that gives a key twice.
    """
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - derived from the safe loader
    except yaml.YAMLError as error:
        raise InputError(f"{where} is not valid YAML: {error}") from error
