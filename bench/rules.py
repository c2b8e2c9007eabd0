"""What the rules cost: python bench/rules.py.

Lints templates of 10 to 400 resources with cfn-lint's own rules and with Moorage's, in one process
and by turns, and prints seconds and their ratio as Markdown. Of several runs the least counts,
since whatever else the machine does can only slow a run down. The templates are the good ones of
the tests' corpus: side by side as stacks of their own (`apart`), as services that share a network
and a load balancer (`together`), and the latter with six conditions (`conditions`), of which every
choice is looked at. Ends with 1 where the rules cost a fifth of cfn-lint's time or more.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "rules")]

from cfnlint.config import ConfigMixIn  # noqa: E402
from cfnlint.decode.decode import decode_str  # noqa: E402
from cfnlint.runner import Runner, run_template_by_data  # noqa: E402
from corpus import bases  # noqa: E402
from rewriting import Body, rename_resources  # noqa: E402

from moorage.cfn.template import Template  # noqa: E402
from moorage.rules.runner import run_rules  # noqa: E402

SIZES = (10, 50, 100, 200, 400)
TASK_RUNNERS = 3
MOST = 0.2
CONDITIONS = 6
KINDS = ("alb", "vpc", "nlb-udp", "secrets", "efs", "codedeploy", "vpc-isolated", "autoscaling")
"""The bases that stand side by side."""

SHARED = ("AWS::EC2::", "AWS::ECS::Cluster", "AWS::ElasticLoadBalancingV2::LoadBalancer")
"""Types of what services have together."""


def copied(body: Body, number: int, names: list[str]) -> Body:
    """Some resources of a template under names of their own."""
    made = rename_resources(body, {name: f"{name}{number}" for name in names})
    return {f"{name}{number}": made["Resources"][f"{name}{number}"] for name in names}


def apart(size: int) -> Body:
    """Whole stacks, until there are enough resources."""
    resources: Body = {}
    parameters: Body = {}
    for number, kind in enumerate(cycle(KINDS)):
        if len(resources) >= size:
            break
        base = bases()[kind]
        parameters |= base.get("Parameters", {})
        resources |= copied(base, number, [*base["Resources"]])
    return {"Parameters": parameters, "Resources": resources}


def together(size: int) -> Body:
    """Services on ports of their own, until there are enough resources."""
    base = deepcopy(bases()["alb" if size < 40 else "vpc"])
    ingress = base["Resources"]["LbSecurityGroup"]["Properties"]["SecurityGroupIngress"]
    ingress[0] |= {"FromPort": 80, "ToPort": 80 + size}
    own = [
        name
        for name, one in base["Resources"].items()
        if not one["Type"].startswith(SHARED) or name == "TaskSecurityGroup"
    ]
    resources = {name: one for name, one in base["Resources"].items() if name not in own}
    for number in range(1 + max(0, size - len(resources)) // len(own)):
        copy = copied(base, number, own)
        copy[f"Listener{number}"]["Properties"]["Port"] = 80 + number
        resources |= copy
    return {**base, "Resources": resources}


def conditions(size: int) -> Body:
    """The same, with two counts of tasks for most services."""
    body = together(size)
    stages = {f"Stage{at}": {"Type": "String", "Default": "dev"} for at in range(CONDITIONS)}
    services = [one for one in body["Resources"].values() if one["Type"] == "AWS::ECS::Service"]
    for at, service in enumerate(services):
        both = {"Fn::If": [f"IsProd{at % CONDITIONS}", 4, 2]}
        service["Properties"]["DesiredCount"] = both
    truths = {f"IsProd{at}": {"Fn::Equals": [{"Ref": f"Stage{at}"}, "prod"]} for at in range(6)}
    return {**body, "Parameters": {**body["Parameters"], **stages}, "Conditions": truths}


SHAPES: tuple[Callable[[int], Body], ...] = (apart, together, conditions)


# Measuring -----------------------------------------------------------------------------------


@cache
def runner() -> Any:
    return Runner(ConfigMixIn([]))


def measured(body: Body) -> tuple[float, float]:
    """Seconds of cfn-lint's own rules and of ours, the least of several runs."""
    decoded, wrong = decode_str(json.dumps(body))
    assert not wrong, wrong
    lints, ours = [], []
    for _ in range(TASK_RUNNERS):
        gc.collect()
        began = time.perf_counter()
        own = list(run_template_by_data(decoded, runner().config, runner().rules))
        lints.append(time.perf_counter() - began)
        broken = [one.message for one in own if one.rule.id.startswith("E")]
        assert not broken, [one[:300] for one in broken[:3]]
        gc.collect()
        began = time.perf_counter()
        said = run_rules([Template("bench", decoded)])
        ours.append(time.perf_counter() - began)
        assert not said, [one.message for one in said[:3]]
    return min(lints), min(ours)


def rows() -> Iterator[tuple[str, int, float, float]]:
    measured(apart(SIZES[0]))  # what is made once, and kept
    for shape in SHAPES:
        for size in SIZES:
            body = shape(size)
            yield shape.__name__, len(body["Resources"]), *measured(body)


def main() -> int:
    print("| template | resources | cfn-lint | rules | ms per resource | ratio | at most | |")
    print("|---|--:|--:|--:|--:|--:|--:|---|")
    met = True
    for name, count, lint, ours in rows():
        ratio = ours / lint
        met = met and ratio < MOST
        print(
            f"| {name} | {count} | {lint:.3f} | {ours:.3f} | {1000 * ours / count:.2f} "
            f"| {ratio:.3f} | {MOST:.2f} | {'met' if ratio < MOST else 'NOT MET'} |",
            flush=True,
        )
    return int(not met)


if __name__ == "__main__":
    sys.exit(main())
