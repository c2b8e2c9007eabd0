"""Records: frozen dataclasses that are made faster.

`dataclass` compiles the source of six methods for a frozen class, which takes half a millisecond. A
build imports some two hundred of these classes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def record(cls: type[T]) -> type[T]:
    """A dataclass of which only `__init__` is compiled. Its objects are compared, hashed and shown
    as those of a frozen dataclass, and `dataclasses.replace` makes changed ones. That they are
    frozen is left to type checkers.
    """
    return _add_comparison(_make_dataclass(cls))


@dataclass_transform(frozen_default=True)
def frozen_record(cls: type[T]) -> type[T]:
    """A record that refuses changes, and from which frozen dataclasses can be derived. Three
    methods are compiled."""
    return _add_comparison(_make_dataclass(cls, frozen=True))


def _add_comparison(made: type[T]) -> type[T]:
    key = _compared_values(made)

    def equals(self: T, other: object) -> bool:
        return key(self) == key(other) if other.__class__ is self.__class__ else NotImplemented

    made.__eq__ = equals  # type: ignore[assignment, method-assign]
    made.__hash__ = lambda self: hash(key(self))  # type: ignore[method-assign]
    return made


@dataclass_transform(eq_default=False, frozen_default=True)
def entity(cls: type[T]) -> type[T]:
    """A record that equals only itself."""
    return _make_dataclass(cls)


def _make_dataclass(cls: type[T], *, frozen: bool = False) -> type[T]:
    if cls.__doc__ is None:  # `dataclass` would write the signature into it
        cls.__doc__ = cls.__name__
    if "__repr__" not in vars(cls):
        cls.__repr__ = _show  # type: ignore[method-assign]
    return dataclass(eq=False, repr=False, frozen=frozen)(cls)


def _compared_values(cls: type[Any]) -> Callable[[Any], Any]:
    names = [field.name for field in fields(cls) if field.compare]
    return attrgetter(*names) if names else lambda _: ()


def _show(self: Any) -> str:
    values = (f"{field.name}={getattr(self, field.name)!r}" for field in fields(self) if field.repr)
    return f"{type(self).__qualname__}({', '.join(values)})"
