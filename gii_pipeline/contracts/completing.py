"""Completing a contract: from its short form in `data_contracts/` to a complete document of the standard.

Belongs here: what every contract shares (`shared.yaml`), what a declaration implies, and what stands once per metric.
Does not: what the parts of a document mean (see `reading` and `translation`).

A short contract has `columns` and `rules`, each by name, in place of the standard's `schema`. A column without a type,
and a rule without content, are those of `shared.yaml`; what stands next to them changes them. What stands under
`each_metric` is written once for every metric of the registry. `{{title}}` stands for the metric's title, `{{table}}`
for the table, `{{metrics}}` for the names of all metrics (`Metric.words`). `only_if` and `unless` name a property of
the metric.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from gii_pipeline.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gii_pipeline.registry import Metric, Registry

Document = dict[str, Any]

EACH_METRIC = "each_metric"
LOGICAL = {
    "string": "string",
    "int32": "integer",
    "int64": "integer",
    "double": "number",
    "bool": "boolean",
    "binary": "string",
}
OPTIONS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "pattern")
IMPLYING = (
    "type",
    "description",
    "required",
    "unique",
    "key",
    "partition",
    "unit",
    "classification",
    "values",
    "rules",
)
COLUMN = frozenset({*IMPLYING, *OPTIONS})
BOUNDS = ("GreaterThan", "GreaterOrEqualTo", "LessThan", "LessOrEqualTo", "Between")
LIBRARY = ("metric", "arguments", "unit", "mustBe", *(f"mustBe{bound}" for bound in BOUNDS))
"""What a rule of the standard's own library says."""
RULE = frozenset({"description", "dimension", "severity", "expect", "measures", "references", *LIBRARY})
_TOKEN = re.compile(r"\{\{(\w+)\}\}")


def complete(
    table: str, written: Mapping[str, Any], shared: Mapping[str, Any], registry: Registry, metric: Metric | None = None
) -> Document:
    """The document of a table's contract. metric: the one whose records the table has.

    A document of the standard's own form is taken as it is, with its words filled in.
    Raises InputError naming the table and the column or rule that is not understood.
    """
    words = {"table": table, "metrics": _listed(list(registry)), **(metric.words if metric else {})}
    if "schema" in written:
        return dict(_filled(written, words, table))
    layer = shared["layers"][written["layer"]]
    properties = [_property(name, spec, shared, table) for name, spec in _each(written["columns"], registry, metric)]
    quality = [_quality(name, spec, shared, table) for name, spec in _each(written["rules"], registry, metric)]
    head = shared["contract"]
    document = {
        "apiVersion": head["apiVersion"],
        "kind": head["kind"],
        "id": f"gii_pipeline.{table}",
        "name": table,
        "version": written["version"],
        **{name: head[name] for name in ("status", "domain", "dataProduct")},
        "description": {name: written[name] for name in ("purpose", "usage", "limitations")},
        "team": head["team"],
        "servers": layer["servers"],
        "slaProperties": layer["slaProperties"],
        "customProperties": _custom({name: written[name] for name in ("layer", "maturity")}),
        "schema": [
            {
                "name": table,
                "logicalType": "object",
                "physicalType": "table",
                "physicalName": table,
                "description": written["purpose"],
                "dataGranularityDescription": written["grain"],
                "properties": properties,
                "quality": quality,
            }
        ],
    }
    return dict(_filled(document, words, table))


def _listed(names: list[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last


def _each(
    written: Mapping[str, Any], registry: Registry, metric: Metric | None
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Columns or rules by name, those under `each_metric` once for every metric."""
    for name, spec in written.items():
        if name == EACH_METRIC:
            for each in registry.values():
                for inner, inner_spec in _each(spec, registry, each):
                    yield _fill(inner, each.words, inner), _filled(inner_spec, each.words, inner, rest=True)
        elif _applies(spec or {}, metric):
            yield name, {key: value for key, value in (spec or {}).items() if key not in ("only_if", "unless")}


def _applies(spec: Mapping[str, Any], metric: Metric | None) -> bool:
    return not ("only_if" in spec and not getattr(metric, spec["only_if"])) and not (
        "unless" in spec and getattr(metric, spec["unless"])
    )


def _property(name: str, given: Mapping[str, Any], shared: Mapping[str, Any], table: str) -> Document:
    spec = given if "type" in given else {**shared["columns"].get(name, {}), **given}
    _refuse_unknown(spec, COLUMN, f"column {name}", table)
    if "type" not in spec:
        raise InputError(f"Contract of {table}: column {name} has no type, and shared.yaml has no column of this name.")
    quality = [_values(name, spec["values"])] if "values" in spec else []
    quality += [_quality(rule, each or {}, shared, table) for rule, each in spec.get("rules", {}).items()]
    options = {option: spec[option] for option in OPTIONS if option in spec}
    return {
        "name": name,
        "logicalType": LOGICAL[spec["type"]],
        "physicalType": spec["type"],
        "description": spec["description"],
        **{flag: True for flag in ("required", "unique") if spec.get(flag)},
        **({"primaryKey": True, "primaryKeyPosition": spec["key"]} if "key" in spec else {}),
        **({"partitioned": True, "partitionKeyPosition": spec["partition"]} if "partition" in spec else {}),
        **({"classification": spec["classification"]} if "classification" in spec else {}),
        **({"logicalTypeOptions": options} if options else {}),
        **({"customProperties": _custom({"unit": spec["unit"]})} if "unit" in spec else {}),
        **({"quality": quality} if quality else {}),
    }


def _values(column: str, values: list[Any]) -> Document:
    return {
        "name": f"{column}_is_known",
        "description": f"{column} has one of its allowed values.",
        "dimension": "conformity",
        "severity": "error",
        "metric": "invalidValues",
        "arguments": {"validValues": values},
        "mustBe": 0,
    }


def _quality(name: str, given: Mapping[str, Any], shared: Mapping[str, Any], table: str) -> Document:
    """A rule of the standard; a severity that is not given is error."""
    spec = given if "expect" in given or "metric" in given else {**shared["rules"].get(name, {}), **given}
    _refuse_unknown(spec, RULE, f"rule {name}", table)
    if "description" not in spec:
        raise InputError(f"Contract of {table}: rule {name} is empty, and shared.yaml has no rule of this name.")
    custom = {key: spec[key] for key in ("measures", "references") if key in spec}
    if "measures" in custom:
        custom["measures"] = {key: {"sql": m} if isinstance(m, str) else m for key, m in custom["measures"].items()}
    return {
        "name": name,
        "description": spec["description"],
        "dimension": spec["dimension"],
        "severity": spec.get("severity", "error"),
        **(_expectation(spec["expect"]) if "expect" in spec else {key: spec[key] for key in LIBRARY if key in spec}),
        **({"customProperties": _custom(custom)} if custom else {}),
    }


def _expectation(expect: Mapping[str, Any]) -> Document:
    ((what, kwargs),) = expect.items()
    implementation = {"type": f"expect_{what}", "kwargs": kwargs}
    return {"type": "custom", "engine": "greatExpectations", "implementation": implementation}


def _custom(properties: Mapping[str, Any]) -> list[Document]:
    return [{"property": name, "value": value} for name, value in properties.items()]


def _refuse_unknown(spec: Mapping[str, Any], known: frozenset[str], what: str, table: str) -> None:
    if unknown := sorted(set(spec) - known):
        raise InputError(f"Contract of {table}: {what} has {', '.join(unknown)}. Known: {', '.join(sorted(known))}.")


def _filled(value: Any, words: Mapping[str, str], where: str, *, rest: bool = False) -> Any:  # noqa: ANN401
    """A document with its words filled in. rest: words that are not known are left for later."""
    if isinstance(value, dict):
        return {_filled(k, words, where, rest=rest): _filled(v, words, where, rest=rest) for k, v in value.items()}
    if isinstance(value, list):
        return [_filled(item, words, where, rest=rest) for item in value]
    return _fill(value, words, where, rest=rest) if isinstance(value, str) else value


def _fill(text: str, words: Mapping[str, str], where: str, *, rest: bool = False) -> str:
    def word(found: re.Match[str]) -> str:
        if found[1] in words:
            return words[found[1]]
        if rest:
            return found[0]
        raise InputError(f"Contract of {where}: {found[0]} has no meaning here. Known: {', '.join(sorted(words))}.")

    return _TOKEN.sub(word, text)
