"""The JSON Schema of explanations, made from the classes that hold them."""

from __future__ import annotations

import inspect
import re
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from limelight.results._notice import LEVELS, Notice
from limelight.results.explanation import SCHEMA_VERSION, Explanation
from limelight.results.json_values import list_fields
from limelight.results.shape import ANCHORS, Shape
from limelight.results.view_registry import VIEWS
from limelight.results.views import View

__all__ = ["json_schema"]

_PLAIN: dict[Any, dict[str, Any]] = {
    bool: {"type": "boolean"},
    bytes: {"type": "string", "contentEncoding": "base64", "contentMediaType": "application/zlib"},
    float: {"type": ["number", "null"]},  # null stands for NaN
    int: {"type": "integer"},
    str: {"type": "string"},
    NoneType: {"type": "null"},
}
_CHOICES: dict[tuple[type, str], tuple[str, ...]] = {
    (Explanation, "output_kind"): ("probabilities", "scores"),
    (Notice, "level"): LEVELS,
}  # of fields whose annotation is just str


def json_schema() -> dict[str, Any]:
    """The JSON Schema [1]_ of what `Explanation.to_dict` and `Explanation.to_json` give.

    A copy is in the documentation, as ``explanation.schema.json``.

    Returns
    -------
    schema : dict
        Of draft 2020-12, in JSON's types. Views of classes that are registered from outside may be any objects.

    References
    ----------
    .. [1] https://json-schema.org/draft/2020-12

    Examples
    --------
    >>> import limelight
    >>> schema = limelight.json_schema()
    >>> schema["properties"]["predictions"]["items"]
    {'type': ['number', 'null']}
    """
    definitions: dict[str, Any] = {}
    schema = _describe_object(Explanation, definitions, {"schema": {"const": SCHEMA_VERSION}})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:limelight:explanation:{SCHEMA_VERSION}",
        "title": "An explanation of one prediction, from limelight",
        **schema,
        "$defs": dict(sorted(definitions.items())),
    }


json_schema.__module__ = "limelight"  # where users import it from


def _describe(annotation: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of a value that is annotated like this; classes are added to the definitions."""
    if annotation in _PLAIN:
        return dict(_PLAIN[annotation])
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is tuple:
        return {"type": "array", "items": _describe(arguments[0], definitions)}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (Union, UnionType):
        return {"anyOf": [_describe(argument, definitions) for argument in arguments]}
    name = annotation.__name__
    if name not in definitions:
        definitions[name] = {}  # a class may hold others of its own kind
        definitions[name] = _define(annotation, definitions)
    return {"$ref": f"#/$defs/{name}"}


def _define(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if kind is View:
        return _describe_views(definitions)
    if kind is Shape:
        return _describe_shapes()
    if hasattr(kind, "_fields"):
        return _describe_array([_describe(annotation, definitions) for _, annotation in list_fields(kind)])
    return _describe_object(kind, definitions, {"kind": {"const": kind.kind}} if issubclass(kind, View) else {})


def _describe_object(kind: Any, definitions: dict[str, Any], first: dict[str, Any]) -> dict[str, Any]:
    """The schema of an object with a property for each field of a dataclass, after the first ones."""
    explained, properties = _read_docstring(kind), dict(first)
    for name, annotation in list_fields(kind):
        described = _describe(annotation, definitions)
        if (kind, name) in _CHOICES:
            described = {"enum": list(_CHOICES[kind, name])}
        properties[name] = {**described, **({"description": explained[name]} if name in explained else {})}
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _describe_array(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "array", "prefixItems": items, "minItems": len(items), "items": False}


def _describe_views(definitions: dict[str, Any]) -> dict[str, Any]:
    own = {name: VIEWS.load(name) for name in VIEWS if VIEWS.owns(name)}
    other = {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string", "not": {"enum": sorted(own)}}}}
    return {"anyOf": [*(_describe(own[name], definitions) for name in sorted(own)), other]}


def _describe_shapes() -> dict[str, Any]:
    """What `Shape.to_list` gives: the kind, the numbers, and what else there is."""
    number, count, text = {"type": "number"}, {"type": "integer", "minimum": 1}, _PLAIN[str]
    numbers: dict[str, Any] = {"type": "array", "items": number}
    more: dict[str, list[dict[str, Any]]] = {
        "line": [number],
        "polygon": [],
        "rectangle": [],
        "circle": [],
        "text": [text, {"enum": list(ANCHORS)}],
        "raster": [count, count, _PLAIN[bytes]],
    }
    return {"anyOf": [_describe_array([{"const": kind}, numbers, *rest]) for kind, rest in more.items()]}


def _read_docstring(kind: Any) -> dict[str, str]:
    """What a class's docstring says about each of its attributes, without its references."""
    entries = re.findall(r"^(\w+(?:, \w+)*) : .*\n((?:    .*(?:\n|$))+)", inspect.getdoc(kind) or "", re.MULTILINE)
    return {name: " ".join(re.sub(r" \[\d+\]_", "", text).split()) for names, text in entries for name in names.split(", ")}
