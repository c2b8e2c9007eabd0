"""How many Availability Zones a template can count on in a region."""

from __future__ import annotations

_MORE_OR_FEWER = {"us-east-1": 6, "us-west-1": 2, "us-west-2": 4, "ap-northeast-2": 4}
_USUAL = 3


def count_zones(region: str) -> int:
    """The number of zones that `Fn::GetAZs` lists in every account; 3 for an unknown region.

    From cfn-lint's table AVAILABILITY_ZONES (1.58.0, compared on 2026-11-27). The fourth zones that
    it has for ap-northeast-1 and ca-central-1 do not count: accounts differ there.
    """
    return _MORE_OR_FEWER.get(region, _USUAL)
