"""The structure of a dashboard's body, as far as Moorage uses it.

Amazon CloudWatch API reference, "Dashboard Body Structure and Syntax": up to 500 widgets on a grid
of 24 columns; a graph has a region and metrics, which are lists of a namespace, a name and pairs of
dimensions, with rendering properties at the end, or only an expression.
"""

from __future__ import annotations

from typing import Any

_TEXT = {"type": "string", "minLength": 1}
_RENDERING: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "label": {"type": "string"},
        "stat": {"type": "string", "pattern": r"^(Sum|Average|Minimum|Maximum|p[0-9]{2})$"},
    },
}
_EXPRESSION: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["expression"],
    "properties": {
        "expression": _TEXT,
        "id": {"type": "string", "pattern": "^[a-z][A-Za-z0-9_]*$"},
        "label": {"type": "string"},
    },
}
_METRIC: dict[str, Any] = {
    "oneOf": [
        {"type": "array", "items": _EXPRESSION, "minItems": 1, "maxItems": 1},
        *(
            {
                "type": "array",
                "items": [*([_TEXT] * (2 + 2 * dimensions)), _RENDERING],
                "additionalItems": False,
                "minItems": 3 + 2 * dimensions,
            }
            for dimensions in (1, 2)
        ),
    ]
}
_PLACE: dict[str, Any] = {
    "x": {"type": "integer", "minimum": 0, "maximum": 23},
    "y": {"type": "integer", "minimum": 0},
    "width": {"type": "integer", "minimum": 1, "maximum": 24},
    "height": {"type": "integer", "minimum": 1, "maximum": 1000},
}


def _widget(kind: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["type", "x", "y", "width", "height", "properties"],
        "properties": {"type": {"const": kind}, **_PLACE, "properties": properties},
    }


SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["widgets"],
    "properties": {
        "widgets": {
            "type": "array",
            "minItems": 1,
            "maxItems": 500,
            "items": {
                "oneOf": [
                    _widget(
                        "metric",
                        {
                            "type": "object",
                            "additionalProperties": False,
                            "required": ["region", "metrics"],
                            "properties": {
                                "title": _TEXT,
                                "region": _TEXT,
                                "view": {"enum": ["timeSeries", "singleValue", "bar", "pie"]},
                                "period": {"type": "integer", "multipleOf": 60, "minimum": 60},
                                "metrics": {"type": "array", "items": _METRIC, "minItems": 1},
                                "yAxis": {
                                    "type": "object",
                                    "additionalProperties": False,
                                    "properties": {
                                        "left": {
                                            "type": "object",
                                            "additionalProperties": False,
                                            "properties": {"min": {"type": "number"}},
                                        }
                                    },
                                },
                            },
                        },
                    ),
                    _widget(
                        "alarm",
                        {
                            "type": "object",
                            "additionalProperties": False,
                            "required": ["alarms"],
                            "properties": {
                                "title": _TEXT,
                                "alarms": {
                                    "type": "array",
                                    "items": _TEXT,
                                    "minItems": 1,
                                    "maxItems": 100,
                                    "uniqueItems": True,
                                },
                            },
                        },
                    ),
                ]
            },
        }
    },
}
