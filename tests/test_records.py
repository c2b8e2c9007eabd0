"""Records behave like frozen dataclasses."""

from __future__ import annotations

import copy
import pickle
from dataclasses import (
    FrozenInstanceError,
    asdict,
    dataclass,
    field,
    fields,
    is_dataclass,
    replace,
)
from functools import cached_property
from itertools import product
from typing import Any

import pytest

from moorage.records import entity, frozen_record, record


@record
class Port:
    number: int
    name: str = field(default="", compare=False)
    tags: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def next(self) -> int:
        return self.number + 1


@dataclass(frozen=True)
class FrozenPort:
    number: int
    name: str = field(default="", compare=False)
    tags: dict[str, str] = field(default_factory=dict, repr=False, compare=False)


@record
class Listener(Port):
    """A record with the fields of another one."""

    protocol: str = "HTTP"


@frozen_record
class Stack:
    """A class from which projects derive their own."""

    name: str
    tags: dict[str, str] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class OwnStack(Stack):
    team: str = ""


@record
class Nothing:
    pass


@entity
class Place:
    path: tuple[str, ...]


def test_records_are_equal_as_frozen_dataclasses_are() -> None:
    values: list[Any] = [(80,), (80, "a"), (81,), (81, "a")]
    for one, other in product(values, values):
        same = Port(*one) == Port(*other)
        assert same == (FrozenPort(*one) == FrozenPort(*other))
        assert len({Port(*one), Port(*other)}) == 2 - same
    assert Nothing() == Nothing()
    assert hash(Nothing()) == hash(Nothing())
    assert hash(Port(80)) == hash(Port(80, "a"))
    port: object = Port(80)
    assert port not in (FrozenPort(80), Listener(80))
    assert Listener(80) == Listener(80, "a")
    assert Listener(80) != Listener(80, protocol="HTTPS")


def test_records_are_shown_as_frozen_dataclasses_are() -> None:
    assert repr(Port(80, "a")) == repr(FrozenPort(80, "a")).removeprefix("Frozen")
    assert repr(Listener(80)) == "Listener(number=80, name='', protocol='HTTP')"
    assert repr(Place(("a",))) == "Place(path=('a',))"


def test_functions_for_dataclasses_take_records() -> None:
    port = Port(80, tags={"a": "b"})
    assert is_dataclass(port)
    assert [each.name for each in fields(port)] == ["number", "name", "tags"]
    assert asdict(port) == {"number": 80, "name": "", "tags": {"a": "b"}}
    changed = replace(port, number=81)
    assert (changed, changed.tags, port.number) == (Port(81), {"a": "b"}, 80)
    assert Port(1).tags is not Port(1).tags


def test_records_can_be_copied() -> None:
    port = Port(80, "a")
    assert port.next == 81
    for copied in (copy.copy(port), copy.deepcopy(port), pickle.loads(pickle.dumps(port))):
        assert copied == port
        assert copied.name == "a"


def test_an_entity_equals_only_itself() -> None:
    place = Place(("a",))
    assert place == place
    assert Place(("a",)) != place
    assert len({Place(("a",)), Place(("a",))}) == 2


def test_a_frozen_record_refuses_changes() -> None:
    stack = Stack("web")
    with pytest.raises(FrozenInstanceError):
        stack.name = "api"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del stack.name
    assert replace(stack, name="api") == Stack("api", {"a": "b"})
    assert repr(stack) == "Stack(name='web', tags={})"
    assert len({stack, Stack("web", {"a": "b"})}) == 1


def test_frozen_dataclasses_can_be_derived_from_frozen_records() -> None:
    stack = OwnStack("web", team="a")
    assert (stack.name, stack.team) == ("web", "a")
    assert stack == replace(OwnStack("web"), team="a")
    assert stack != OwnStack("web", team="b")
    own: object = stack
    assert own != Stack("web")
    with pytest.raises(FrozenInstanceError):
        stack.team = "b"  # type: ignore[misc]


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(TypeError, match="number"):
        Port()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="color"):
        Port(80, color="red")  # type: ignore[call-arg]
