"""Changed code, as a recipe sees it: a module of ours has one statement more, and its file stays."""

from __future__ import annotations

import ast

import pytest

from gii_pipeline import fingerprints


def with_code(monkeypatch: pytest.MonkeyPatch, module: str, statement: str) -> None:
    """Let a module of ours have one statement more, as if its file had; `forget` afterwards."""
    file, said = fingerprints._file(module), fingerprints._said
    assert file is not None
    tree = ast.parse(f"{file.read_text(encoding='utf-8')}\n{statement}\n")
    changed = fingerprints._canonical(fingerprints._without_docstrings(tree))
    monkeypatch.setattr(fingerprints, "_said", lambda name: changed if name == module else said(name))
    forget()


def forget() -> None:
    """Forget the fingerprints that were taken."""
    for function in (fingerprints.code_of, fingerprints.libraries):
        function.cache_clear()
