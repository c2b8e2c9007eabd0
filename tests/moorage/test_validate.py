"""All mistakes in params are reported at once, each at its line, without those that only follow."""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Annotated, Any, Literal

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import AfterValidator, Field

from moorage.findings.codes import CODES
from moorage.findings.finding import Finding, Path, Place, Problem
from moorage.model import Base, Environment, wrong
from moorage.pipeline.document import Document
from moorage.pipeline.validate import validate
from templates import TEMPLATES
from templates.common.fields import OneOrMany, Switch

HEADER = {"app": "shop", "region": "eu-central-1"}


def check_even(value: int) -> int:
    if value % 2:
        raise wrong("M1109", f"`{value}` is odd", "Write an even number.")
    return value


Even = Annotated[int, AfterValidator(check_even)]


class Inner(Base):
    """A map inside of the stack."""

    size: int = Field(3, ge=1, le=9, description="How large.")
    name: str = Field("x", description="Its name.")
    image: Literal["plain", "fancy"] = Field("plain", description="Its image.")


class Params(Base):
    """A stack for tests."""

    name: str = Field("x", description="Its name.")
    inner: Switch[Inner] = Field(None, description="A feature.")
    things: dict[str, Inner] = Field({}, description="Things by name.")
    code: str = Field("a1", pattern="^[a-z][0-9]$", description="A letter and a digit.")
    numbers: list[int] = Field([], description="Numbers.")
    items: list[Inner] = Field([], min_length=1, description="Items.")
    words: OneOrMany[str] = Field([], description="A text or a list.")
    wait: Even = Field(30, description="How long.")
    either: Inner | int | None = Field(None, description="A thing or a number.")


class Strict(Base):
    """A stack with required keys."""

    size: int = Field(description="How large.")
    near: Inner = Field(description="A map.")


def problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """Large items are a problem, and so is a name that is not that of the first item."""
    for index, item in enumerate(params.items):
        if item.size > 5:
            yield Problem("M1218", ("items", index, "size"), "It is too large", "Write 5.")
    if params.items and params.items[0].name != params.name:
        because: list[Path] = [("items", 0, "name"), ("items",)]
        yield Problem("M1201", ("name",), "The name is not that of the first item", because=because)
    if env.region not in ("", "eu-central-1"):
        yield Problem("M1210", (), f"Not in `{env.region}`")


KINDS: Any = {
    "thing": SimpleNamespace(Params=Params, problems=problems),
    "strict": SimpleNamespace(Params=Strict),
}


def findings(data: Any, places: dict[Path, Place] | None = None) -> list[Finding]:
    return validate(Document("dev", "dev.yaml", data, places or {}), KINDS)[1]


def codes(stacks: Any, **header: Any) -> list[tuple[str, str]]:
    """Code and path of each finding in these stacks."""
    reported = findings(HEADER | header | {"stacks": stacks})
    return sorted((finding.code, ".".join(map(str, finding.path))) for finding in reported)


def only(stacks: Any) -> Finding:
    (finding,) = findings(HEADER | {"stacks": stacks})
    return finding


def test_valid_params_become_an_environment() -> None:
    stacks = {"web": {"template": "thing", "inner": True, "overrides": {"Outputs": {}}}}
    data = HEADER | {"tags": {"team": "web"}, "stacks": stacks}
    env, reported = validate(Document("dev", "dev.yaml", data, {}), KINDS)
    assert reported == []
    assert env is not None
    assert (env.name, env.app, env.tags) == ("dev", "shop", {"team": "web"})
    assert env.stacks["web"].params == Params(inner=Inner())
    assert env.stacks["web"].overrides == {"Outputs": {}}
    assert env.stacks["web"].template == "thing"


# Shape -----------------------------------------------------------------------------------------


def test_a_misspelled_key_gets_a_suggestion() -> None:
    finding = only({"thing": {"inner": {"sise": 3}}})
    assert (finding.code, finding.path) == ("M1101", ("stacks", "thing", "inner", "sise"))
    assert finding.hint == "Did you mean `size`?"


def test_an_unknown_key_gets_a_list_of_all() -> None:
    finding = only({"thing": {"inner": {"zzz": 3}}})
    assert finding.hint == "Known keys here: image, name, size."


def test_a_missing_key_is_reported_once_even_if_it_is_misspelled() -> None:
    assert codes({"strict": {"near": {}}}) == [("M1102", "stacks.strict.size")]
    assert codes({"strict": {"near": {}, "sise": 3}}) == [("M1101", "stacks.strict.sise")]


def test_a_key_that_the_map_has_already_is_not_suggested() -> None:
    reported = codes({"thing": {"inner": {"size": 0, "sizes": 3}}})
    assert reported == [("M1101", "stacks.thing.inner.sizes"), ("M1105", "stacks.thing.inner.size")]


@pytest.mark.parametrize(
    ("params", "code", "path", "words"),
    [
        ({"name": 3}, "M1103", "name", "`3` is written where text"),
        ({"name": True}, "M1103", "name", "`true` is written where text"),
        ({"name": None}, "M1103", "name", "Nothing is written where text"),
        ({"name": []}, "M1103", "name", "A list is written where text"),
        ({"inner": 3}, "M1103", "inner", "got `3`"),
        ({"inner": []}, "M1103", "inner", "true, false or a map"),
        ({"numbers": {}}, "M1103", "numbers", "A map is written where a list"),
        ({"numbers": ["1"]}, "M1103", "numbers.0", "`1` is written where a whole number"),
        ({"numbers": [1.5]}, "M1103", "numbers.0", "`1.5` is written where a whole number"),
        ({"things": []}, "M1112", "things", "A list is written where a map"),
        ({"things": {"a": 1}}, "M1103", "things.a", "`1` is written where a map"),
        ({"words": 3}, "M1103", "words", "`3` is written where a list"),
        ({"code": "aa"}, "M1109", "code", "`aa` does not match `^[a-z][0-9]$`"),
        ({"wait": 31}, "M1109", "wait", "`31` is odd"),
        ({"inner": {"size": 10}}, "M1105", "inner.size", "`10` is above 9"),
        ({"inner": {"image": "fany"}}, "M1104", "inner.image", "`fany` is not a possible value"),
        ({"items": []}, "M1105", "items", "At least 1"),
        ({"overrides": []}, "M1103", "overrides", "`overrides` is not a map"),
        ({"template": 3}, "M1103", "template", "`3` is written where a name"),
        ({"template": ["thing"]}, "M1103", "template", "A list is written where a name"),
        ({"template": "thign"}, "M1106", "template", "There is no stack kind `thign`"),
    ],
)
def test_a_mistake_is_one_finding(params: Any, code: str, path: str, words: str) -> None:
    finding = only({"thing": params})
    assert (finding.code, finding.path[2:]) == (
        code,
        tuple(int(step) if step.isdigit() else step for step in path.split(".")),
    )
    assert words in finding.message
    assert finding.level == "error"


def test_an_unknown_kind_gets_a_suggestion_or_a_list() -> None:
    assert only({"web": {"template": "thign"}}).hint == "Did you mean `thing`?"
    assert only({"web": {"template": "web"}}).hint == "Write one of strict, thing."
    assert only({"thign": {}}).hint == "Name the stack `thing`, or add `template: thing`."
    finding = only({"web": {}})
    assert (finding.path, finding.hint) == (
        ("stacks", "web"),
        "Add `template:` with one of strict, thing.",
    )


def test_an_impossible_value_gets_a_suggestion_and_a_list() -> None:
    hint = only({"thing": {"inner": {"image": "fany"}}}).hint
    assert hint == "Did you mean `fancy`? Possible values: `plain` or `fancy`."


def test_all_mistakes_are_found_at_once() -> None:
    stacks = {
        "thing": {
            "nmae": "x",
            "inner": {"size": 0, "image": "fany"},
            "things": {"a": {"size": 0}, "b": {"sise": 1}},
            "numbers": [1, "2", 3, None],
            "wait": 31,
        },
        "strict": {"near": {"size": "3"}},
        "web": {"template": "thing", "items": [{"size": 8, "name": "y"}]},
        "what": {"template": "nothing"},
        "My_Web": {"template": "thing"},
    }
    assert codes(stacks) == [
        ("M1101", "stacks.thing.nmae"),
        ("M1101", "stacks.thing.things.b.sise"),
        ("M1102", "stacks.strict.size"),
        ("M1103", "stacks.strict.near.size"),
        ("M1103", "stacks.thing.numbers.1"),
        ("M1103", "stacks.thing.numbers.3"),
        ("M1104", "stacks.thing.inner.image"),
        ("M1105", "stacks.thing.inner.size"),
        ("M1105", "stacks.thing.things.a.size"),
        ("M1106", "stacks.what.template"),
        ("M1109", "stacks.thing.wait"),
        ("M1201", "stacks.web.name"),
        ("M1218", "stacks.web.items.0.size"),
        ("M1601", "stacks.My_Web"),
    ]


def test_keys_of_maps_can_have_the_names_of_fields() -> None:
    for name in ("name", "image", "things", "inner", "size"):
        finding = only({"thing": {"things": {name: {"sise": 3}}}})
        assert finding.path[-2:] == (name, "sise")
        assert finding.hint == "Did you mean `size`?"
        finding = only({"thing": {"things": {name: {"size": 0}}}})
        assert finding.hint == "Write 1 to 9. How large."


def test_members_of_unions_are_not_part_of_the_path() -> None:
    finding = only({"thing": {"either": {"size": 0}}})
    assert finding.path == ("stacks", "thing", "either", "size")


@pytest.mark.parametrize("name", ["a", "a-b-c", "web2", "a1-2b"])
def test_names_of_stacks(name: str) -> None:
    assert codes({name: {"template": "thing"}}) == []


@pytest.mark.parametrize("name", ["", "A", "2a", "a_b", "a-", "a--b", "-a", "a\n", "ä", "a b"])
def test_names_that_stacks_cannot_have(name: str) -> None:
    assert codes({name: {"template": "thing"}}) == [("M1601", f"stacks.{name}")]


def test_a_long_name_is_checked_quickly() -> None:
    start = time.perf_counter()
    assert codes({"a" * 5000 + "_": {"template": "thing"}}) != []
    assert time.perf_counter() - start < 1


# Header ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "code", "path"),
    [
        ({"app": None}, "M1103", "app"),
        ({"app": "Shop"}, "M1601", "app"),
        ({"region": "Frankfurt"}, "M1602", "region"),
        ({"region": "eu-central-\N{FULLWIDTH DIGIT ONE}"}, "M1602", "region"),
        ({"region": 3}, "M1103", "region"),
        ({"account": 12345678901}, "M1603", "account"),
        ({"account": "12345678901"}, "M1603", "account"),
        ({"account": "123456789012\n"}, "M1603", "account"),
        ({"tags": {"team": 3}}, "M1103", "tags.team"),
        ({"tags": []}, "M1112", "tags"),
        ({"permissions_boundary": {}}, "M1103", "permissions_boundary"),
        ({"regoin": "x"}, "M1101", "regoin"),
    ],
)
def test_mistakes_in_the_header_hide_none_in_the_stacks(header: Any, code: str, path: str) -> None:
    stacks = {
        "thing": {"nmae": "x"},
        "web": {"template": "thing", "items": [{"size": 8, "name": "y"}]},
    }
    assert codes(stacks, **header) == sorted(
        [
            (code, path),
            ("M1101", "stacks.thing.nmae"),
            ("M1201", "stacks.web.name"),
            ("M1218", "stacks.web.items.0.size"),
        ]
    )


def test_problems_use_the_valid_parts_of_an_invalid_header() -> None:
    reported = codes({"thing": {}}, app="Shop", region="eu-west-1")
    assert reported == [("M1210", "stacks.thing"), ("M1601", "app")]
    assert codes({"thing": {}}, region="Ireland") == [("M1602", "region")]


def test_missing_keys_of_the_header() -> None:
    reported = [
        (finding.code, finding.path) for finding in findings({"stacks": {"thing": {"nmae": "x"}}})
    ]
    assert ("M1102", ("app",)) in reported
    assert ("M1102", ("region",)) in reported
    assert ("M1101", ("stacks", "thing", "nmae")) in reported


@pytest.mark.parametrize("stacks", [None, {}, [], "web", 3])
def test_stacks_must_be_a_map_with_entries(stacks: Any) -> None:
    (finding,) = findings(HEADER | {"stacks": stacks})
    assert finding.path == ("stacks",)


def test_an_entry_that_is_not_a_map_hides_no_other() -> None:
    reported = codes({"thing": 3, "web": None, "strict": {"near": {}}})
    assert reported == [
        ("M1102", "stacks.strict.size"),
        ("M1103", "stacks.thing"),
        ("M1103", "stacks.web"),
    ]


# Places ----------------------------------------------------------------------------------------


def test_indices_and_lines_are_right_after_items_were_removed() -> None:
    items = [{"sise": 1}, "x", {"size": 2}, {"size": 8}, {"size": 0}]
    root = ("stacks", "thing", "items")
    places = {(*root, index): Place("dev.yaml", 10 + index) for index in range(len(items))}
    places[(*root, 3, "size")] = Place("base.yaml", 99)
    reported = findings(HEADER | {"stacks": {"thing": {"items": items}}}, places)
    assert [(finding.code, finding.path[3:], str(finding.place)) for finding in reported] == [
        ("M1218", (3, "size"), "base.yaml:99"),
        ("M1101", (0, "sise"), "dev.yaml:10"),
        ("M1103", (1,), "dev.yaml:11"),
        ("M1105", (4, "size"), "dev.yaml:14"),
    ]


def test_findings_are_sorted_by_line() -> None:
    places = {
        ("stacks", "thing", "wait"): Place("dev.yaml", 7),
        ("stacks", "thing", "name"): Place("dev.yaml", 3),
        ("app",): Place("base.yaml", 9),
    }
    data = {"app": 3, "region": "eu-central-1", "stacks": {"thing": {"wait": 3, "name": 3}}}
    assert [str(finding.place) for finding in findings(data, places)] == [
        "base.yaml:9",
        "dev.yaml:3",
        "dev.yaml:7",
    ]


# Consequences ----------------------------------------------------------------------------------


def test_a_problem_is_reported_where_nothing_else_is_wrong() -> None:
    assert codes({"thing": {"items": [{"name": "y"}]}}) == [("M1201", "stacks.thing.name")]


@pytest.mark.parametrize(
    ("params", "code", "path"),
    [
        # At the path of the problem, or around it.
        ({"name": 3, "items": [{"name": "y"}]}, "M1103", "name"),
        # The misspelt key is the one of the problem.
        ({"nam": "y", "items": [{"name": "y"}]}, "M1101", "nam"),
        # At a path that the problem depends on.
        ({"name": "y", "items": [{"name": 3}]}, "M1103", "items.0.name"),
        ({"name": "y", "items": [{"nmae": "y"}]}, "M1101", "items.0.nmae"),
        ({"name": "y", "items": [3, {"name": "x"}]}, "M1103", "items.0"),
        ({"name": "y", "items": {}}, "M1103", "items"),
    ],
)
def test_a_problem_that_follows_from_another_is_not_reported(
    params: Any, code: str, path: str
) -> None:
    assert codes({"thing": params}) == [(code, f"stacks.thing.{path}")]


def test_a_list_that_is_too_short_after_items_were_removed_is_not_reported() -> None:
    assert codes({"thing": {"items": [3]}}) == [("M1103", "stacks.thing.items.0")]


def test_errors_of_validators_keep_their_code_and_hint() -> None:
    def refuse(name: str, params: Any, env: Environment) -> Iterator[Problem]:
        raise AssertionError("not reached: the stack has a finding")

    class Picky(Base):
        """Refuses."""

        size: int = Field(description="How large.")

        def model_post_init(self, context: Any) -> None:
            raise wrong("M1203", "These do not pair", "Write others.")

    kinds: Any = {"thing": SimpleNamespace(Params=Picky, problems=refuse)}
    data = HEADER | {"stacks": {"thing": {"size": 3}}}
    env, (finding,) = validate(Document("dev", "dev.yaml", data, {}), kinds)
    assert env is None
    assert (finding.code, finding.message, finding.hint) == (
        "M1203",
        "These do not pair",
        "Write others.",
    )
    assert finding.path == ("stacks", "thing")


# Any input --------------------------------------------------------------------------------

WORDS = sorted(
    {key for module in TEMPLATES.values() for key in module.Params.model_fields}
    | {"template", "overrides", "existing", "containers", "image", "ports", "via", "Resources"}
    | {*TEMPLATES, "str", "int", "[key]", "Inner", "0"}
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["30s", "10.0.0.0/16", "public", "80/udp", "ecr:web:1", "${x}", *TEMPLATES])
)
KEYS = st.sampled_from(WORDS) | st.text(max_size=4)
ANY_KEYS = KEYS | st.integers(0, 3)


def nested(keys: Any) -> Any:
    return st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
        max_leaves=12,
    )


def params_of(name: str) -> Any:
    """Params with the right keys and any values."""
    fields = sorted(TEMPLATES[name].Params.model_fields)
    own = st.dictionaries(st.sampled_from(fields or ["none"]), nested(KEYS), max_size=5)
    return own.map(lambda params: {"template": name, **params})


STACKS = st.dictionaries(
    st.sampled_from([*TEMPLATES, "web", "api"]) | ANY_KEYS,
    st.one_of(*(params_of(name) for name in TEMPLATES), nested(ANY_KEYS)),
    max_size=4,
)


def check_findings(data: Any) -> None:
    env, reported = validate(Document("dev", "dev.yaml", data, {}), TEMPLATES)
    assert (env is None) == any(finding.level == "error" for finding in reported)
    for finding in reported:
        assert finding.code in CODES
        assert finding.message.strip()
        assert (finding.place.file, finding.place.line) == ("dev.yaml", 1)
        assert finding.path or finding.code in ("M1103", "M1112")


quick = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)


@quick
@given(STACKS)
def test_no_stacks_raise(stacks: Any) -> None:
    check_findings(HEADER | {"stacks": stacks})


@quick
@given(st.dictionaries(st.sampled_from(["app", "region", "tags", "stacks"]), nested(ANY_KEYS)))
@example({"app": {"environment": {0: 0}}})
def test_no_document_raises(data: Any) -> None:
    check_findings(data)


def test_deep_nesting() -> None:
    deep: Any = {}
    for _ in range(100):
        deep = {"a": [deep]}
    for name, module in TEMPLATES.items():
        for key in module.Params.model_fields:
            check_findings(HEADER | {"stacks": {name: {key: deep, "deep": deep}}})
