"""Each entry of a table of facts that rules read occurs in a case."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import pytest
from corpus import bases, cases

from moorage.facts.ebs_volumes import TYPES_WITHOUT_DEFAULT_IOPS
from moorage.facts.ecs_deployments import EVENT_TYPES, TRAFFIC_SHIFTING
from moorage.facts.elb_attributes import STICKINESS_TYPES, TABLES_BY_PROPERTY
from moorage.facts.host_ports import RESERVED_HOST_PORTS
from moorage.facts.load_balancing import NLB_PROTOCOLS, UDP_PROTOCOLS
from moorage.facts.scaling import UTILIZATION_METRICS

TABLES: Mapping[str, Iterable[object]] = {
    "attributes": [key for _, table in TABLES_BY_PROPERTY for key in table],
    "types of events": EVENT_TYPES,
    "metrics of tasks": UTILIZATION_METRICS,
    "protocols": NLB_PROTOCOLS,
    "reserved ports": RESERVED_HOST_PORTS,
    "stickiness": [kind for kinds in STICKINESS_TYPES.values() for kind in kinds],
    "strategies": TRAFFIC_SHIFTING,
    "UDP protocols": UDP_PROTOCOLS,
    "volume types": TYPES_WITHOUT_DEFAULT_IOPS,
}


@cache
def texts_of_cases() -> frozenset[str]:
    bodies: list[Any] = [*bases().values()]
    for case in cases():
        bodies += [case.good, case.bad]
    return frozenset(text for body in bodies for text in _texts(body))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for child in value.values():
            yield from _texts(child)
    elif isinstance(value, list):
        for child in value:
            yield from _texts(child)
    else:
        yield str(value)


@pytest.mark.parametrize("table", TABLES)
def test_every_entry_occurs_in_a_case(table: str) -> None:
    assert [entry for entry in TABLES[table] if str(entry) not in texts_of_cases()] == []
