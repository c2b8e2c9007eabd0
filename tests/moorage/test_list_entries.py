"""Lists whose entries have an id: merged entry by entry."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from moorage.findings.finding import Finding
from moorage.pipeline.document import Document
from moorage.pipeline.list_entries import LISTS
from moorage.pipeline.load import load
from templates import TEMPLATES

BASE = """\
app: shop
region: eu-central-1
stacks:
  web:
    expose:
      - id: shop
        via: public
        hosts: [shop.example.com]
        health_check: {path: /health, interval: 10s}
      - {id: api, via: public, paths: [/api/*]}
      - {id: old, via: public, paths: [/old]}
"""


def read(folder: Path, expose: str, base: str = BASE) -> tuple[Document, list[Finding]]:
    (folder / "base.yaml").write_text(base)
    (folder / "dev.yaml").write_text(f"stacks:\n  web:\n    expose:\n{expose}")
    document, findings = load(folder, "dev")
    assert document is not None
    return document, findings


def merged(folder: Path, expose: str, base: str = BASE) -> Any:
    document, findings = read(folder, expose, base)
    assert findings == []
    return document.data["stacks"]["web"]["expose"]


SHOP = {
    "via": "public",
    "hosts": ["shop.example.com"],
    "health_check": {"path": "/health", "interval": "10s"},
}
API = {"via": "public", "paths": ["/api/*"]}
OLD = {"via": "public", "paths": ["/old"]}


def test_an_entry_is_merged_by_its_id(tmp_path: Path) -> None:
    entry = "      - {id: shop, hosts: [dev.example.com], health_check: {interval: 30s}}\n"
    changed = SHOP | {
        "hosts": ["dev.example.com"],
        "health_check": {"path": "/health", "interval": "30s"},
    }
    assert merged(tmp_path, entry) == [changed, API, OLD]


def test_entries_are_added_changed_and_deleted(tmp_path: Path) -> None:
    expose = """\
      - {id: staff, via: internal}
      - {id: old, delete: true}
      - {id: api, paths: [/v2/*]}
"""
    added = {"via": "internal"}
    assert merged(tmp_path, expose) == [SHOP, API | {"paths": ["/v2/*"]}, added]


def test_all_entries_can_be_deleted(tmp_path: Path) -> None:
    expose = "".join(f"      - {{id: {name}, delete: true}}\n" for name in ("shop", "api", "old"))
    assert merged(tmp_path, expose) == []


def test_null_deletes_a_key_of_an_entry(tmp_path: Path) -> None:
    shop = {key: value for key, value in SHOP.items() if key != "health_check"}
    assert merged(tmp_path, "      - {id: shop, health_check: null}\n") == [shop, API, OLD]


@pytest.mark.parametrize(
    "expose", ["      - {via: internal}\n", "      - {id: shop, via: internal}\n      - {via: b}\n"]
)
def test_a_list_in_which_an_entry_has_no_id_replaces_that_of_the_base(
    tmp_path: Path, expose: str
) -> None:
    first, *_ = merged(tmp_path, expose)
    assert first == {"via": "internal"}


def test_entries_of_the_base_without_an_id_stay(tmp_path: Path) -> None:
    base = BASE.replace("{id: api, ", "{")
    assert merged(tmp_path, "      - {id: old, paths: [/o]}\n", base) == [
        SHOP,
        API,
        OLD | {"paths": ["/o"]},
    ]


def test_without_a_list_in_the_base_ids_are_only_removed(tmp_path: Path) -> None:
    base = "app: shop\nregion: eu-central-1\n"
    assert merged(tmp_path, "      - {id: a, via: b}\n", base) == [{"via": "b"}]


def test_each_value_keeps_its_line(tmp_path: Path) -> None:
    expose = """\
      - {id: staff, via: internal}
      - id: api
        paths: [/v2/*]
      - {id: shop, delete: true}
"""
    document, _ = read(tmp_path, expose)
    root = ("stacks", "web", "expose")
    assert [(e.get("via"), e.get("paths")) for e in document.data["stacks"]["web"]["expose"]] == [
        ("public", ["/v2/*"]),
        ("public", ["/old"]),
        ("internal", None),
    ]
    lines = {
        path[3:]: (Path(document.place((*root, *path[3:])).file).name, document.place(path).line)
        for path in [(*root, 0, "via"), (*root, 0, "paths"), (*root, 1, "paths"), (*root, 2, "via")]
    }
    assert lines == {
        (0, "via"): ("base.yaml", 10),
        (0, "paths"): ("dev.yaml", 6),
        (1, "paths"): ("base.yaml", 11),
        (2, "via"): ("dev.yaml", 4),
    }


@pytest.mark.parametrize(
    ("expose", "line", "message", "hint"),
    [
        (
            *("      - {id: shpo, delete: true}\n", 4),
            *(
                "There is no entry with the id `shpo` to delete in base.yaml",
                "Did you mean `shop`?",
            ),
        ),
        (
            *("      - {id: shop, delete: true, via: a}\n", 4),
            "An entry with `delete: true` has other keys, too",
            "Write `{id: shop, delete: true}`, or remove `delete`.",
        ),
        (
            *("      - {id: shop, delete: false}\n", 4),
            "`delete` has another value than `true`",
            "Write `{id: shop, delete: true}`, or remove `delete`.",
        ),
        (
            *("      - {via: a}\n      - {id: shop, delete: true}\n", 5),
            "`delete` deletes nothing here",
            "Write it in the file of an environment, where each entry has an `id`.",
        ),
        (
            *("      - {id: null}\n", 4),
            *("The `id` has no value", "Write an id, or remove the key."),
        ),
        (
            *("      - {id: shop}\n      - {id: shop}\n", 5),
            *("Two entries of this list have the id `shop`", "Give each entry an id of its own."),
        ),
        (
            *("      - {id: 3}\n", 4),
            "`3` cannot be the id of an entry",
            "Use letters, digits, `_` and `-`, and begin with a letter.",
        ),
    ],
)
def test_ids_that_cannot_be_merged(
    tmp_path: Path, expose: str, line: int, message: str, hint: str
) -> None:
    _, (finding,) = read(tmp_path, expose)
    assert (finding.code, finding.level, finding.place.line) == ("M1017", "error", line)
    assert (finding.message, finding.hint) == (message, hint)
    assert finding.path[:3] == ("stacks", "web", "expose")
    assert "\0" not in str(finding.path)


def test_entries_that_cannot_be_merged_are_not_incomplete(tmp_path: Path) -> None:
    document, _ = read(tmp_path, "      - {id: shop}\n      - {id: shop}\n")
    assert document.broken == {("stacks", "web", "expose")}


def test_nothing_is_deleted_in_the_base(tmp_path: Path) -> None:
    base = BASE.replace("{id: old,", "{id: old, delete: true,")
    for expose in ("      - {id: shop}\n", "      - {via: public}\n"):
        _, findings = read(tmp_path, expose, base)
        found = [(finding.code, finding.place.line, finding.message) for finding in findings]
        assert found == [("M1017", 11, "`delete` deletes nothing here")]


def test_a_list_with_ids_replaces_another_value(tmp_path: Path) -> None:
    for value in ("{id: shop, via: b}", "text", "[text]", "[{id: shop}, text]"):
        base = f"app: shop\nregion: eu-central-1\nstacks: {{web: {{expose: {value}}}}}\n"
        assert merged(tmp_path, "      - {id: shop, via: a}\n", base) == [{"via": "a"}]


def test_a_replaced_list_has_no_lines_of_the_base(tmp_path: Path) -> None:
    document, _ = read(tmp_path, "      - {paths: [/*]}\n")
    place = document.place(("stacks", "web", "expose", 0, "via"))
    assert (Path(place.file).name, place.line) == ("dev.yaml", 4)


def test_overrides_are_no_params(tmp_path: Path) -> None:
    overrides = "{Resources: {A: {Properties: {rules: [{id: a, x: 1}]}}}}"
    base = f"app: a\nstacks: {{web: {{overrides: {overrides}}}}}\n"
    (tmp_path / "base.yaml").write_text(base)
    (tmp_path / "dev.yaml").write_text("region: eu-central-1\n")
    document, _ = load(tmp_path, "dev")
    assert document is not None
    properties = document.data["stacks"]["web"]["overrides"]["Resources"]["A"]["Properties"]
    assert properties == {"rules": [{"id": "a", "x": 1}]}


# The table of lists ----------------------------------------------------------------------------


def lists_of_maps(annotation: Any, key: str, seen: set[Any]) -> Iterator[str]:
    """The keys below a type whose value is a list of models or maps."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if annotation not in seen:
            seen.add(annotation)
            for name, field in annotation.model_fields.items():
                yield from lists_of_maps(field.annotation, name, seen)
        return
    arguments = typing.get_args(annotation)
    if typing.get_origin(annotation) in (list, tuple):
        for inner in arguments:
            base = typing.get_origin(inner) or inner
            if isinstance(base, type) and issubclass(base, BaseModel | dict):
                yield key
    for inner in arguments:
        yield from lists_of_maps(inner, key, seen)


def test_the_table_has_all_lists_of_maps() -> None:
    seen: set[Any] = set()
    keys = {key for module in TEMPLATES.values() for key in lists_of_maps(module.Params, "", seen)}
    assert keys == LISTS
