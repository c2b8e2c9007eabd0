"""What the rules cost: python bench/rules.py.

Checks templates of 10 to 400 resources with cfn-lint's own rules and with Moorage's, in turn and in
one process, and prints seconds of CPU and their ratio as Markdown. The fastest of several runs
counts, as anything else on the machine can only slow a run down. The templates are built from the
correct ones of the tests: unrelated stacks (`apart`), services that share a network and a load
balancer (`together`), and the latter with six conditions (`conditions`), of which the rules check
every scenario. `releases` are environments of 20 to 80 services that Moorage builds for blue/green
deployments, each with two parameters and conditions of its own. Exits with 1 if the rules take a
fifth of cfn-lint's time or more.
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
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "rules")]

from cfnlint.config import ConfigMixIn  # noqa: E402
from cfnlint.decode.decode import decode_str  # noqa: E402
from cfnlint.runner import Runner, run_template_by_data  # noqa: E402
from corpus import bases  # noqa: E402
from environments import ENV, released, write_params  # noqa: E402
from resource_rewrites import rename_resources  # noqa: E402
from template_parts import Body  # noqa: E402

from moorage.cfn.template import Template  # noqa: E402
from moorage.pipeline.compose import compose  # noqa: E402
from moorage.pipeline.exports import export_imported  # noqa: E402
from moorage.pipeline.load import load  # noqa: E402
from moorage.pipeline.render import render  # noqa: E402
from moorage.pipeline.validate import validate  # noqa: E402
from moorage.rules.runner import run_rules  # noqa: E402
from templates import TEMPLATES  # noqa: E402

SIZES = (10, 50, 100, 200, 400)
SERVICES = (20, 40, 80)
RUNS = 3
MAX_RATIO = 0.2
CONDITIONS = 6
BASES_APART = (
    "alb",
    "vpc",
    "nlb-udp",
    "secrets",
    "efs",
    "codedeploy",
    "vpc-isolated",
    "autoscaling",
)
SHARED_TYPES = ("AWS::EC2::", "AWS::ECS::Cluster", "AWS::ElasticLoadBalancingV2::LoadBalancer")
"""Prefixes of the types of resources that services share."""


def copy_resources(body: Body, number: int, names: list[str]) -> Body:
    """Some resources of a template with a number after their names."""
    renamed = rename_resources(body, {name: f"{name}{number}" for name in names})
    return {f"{name}{number}": renamed["Resources"][f"{name}{number}"] for name in names}


def apart(size: int) -> Body:
    """Whole stacks in one template, until it has enough resources."""
    resources: Body = {}
    parameters: Body = {}
    for number, name in enumerate(cycle(BASES_APART)):
        if len(resources) >= size:
            break
        base = bases()[name]
        parameters |= base.get("Parameters", {})
        resources |= copy_resources(base, number, [*base["Resources"]])
    return {"Parameters": parameters, "Resources": resources}


def together(size: int) -> Body:
    """Services on different ports, until the template has enough resources."""
    base = deepcopy(bases()["alb" if size < 40 else "vpc"])
    ingress = base["Resources"]["LbSecurityGroup"]["Properties"]["SecurityGroupIngress"]
    ingress[0] |= {"FromPort": 80, "ToPort": 80 + size}
    names = [
        name
        for name, resource in base["Resources"].items()
        if not resource["Type"].startswith(SHARED_TYPES) or name == "TaskSecurityGroup"
    ]
    resources = {
        name: resource for name, resource in base["Resources"].items() if name not in names
    }
    for number in range(1 + max(0, size - len(resources)) // len(names)):
        copy = copy_resources(base, number, names)
        copy[f"Listener{number}"]["Properties"]["Port"] = 80 + number
        resources |= copy
    return {**base, "Resources": resources}


def conditions(size: int) -> Body:
    """The same, with a DesiredCount that depends on a condition."""
    body = together(size)
    stages = {
        f"Stage{number}": {"Type": "String", "Default": "dev"} for number in range(CONDITIONS)
    }
    services = [
        resource
        for resource in body["Resources"].values()
        if resource["Type"] == "AWS::ECS::Service"
    ]
    for number, service in enumerate(services):
        count = {"Fn::If": [f"IsProd{number % CONDITIONS}", 4, 2]}
        service["Properties"]["DesiredCount"] = count
    are_prod = {
        f"IsProd{number}": {"Fn::Equals": [{"Ref": f"Stage{number}"}, "prod"]}
        for number in range(CONDITIONS)
    }
    return {**body, "Parameters": {**body["Parameters"], **stages}, "Conditions": are_prod}


SHAPES: tuple[Callable[[int], Body], ...] = (apart, together, conditions)


def releases(services: int) -> list[Body]:
    """The templates of an environment of services with blue/green deployments."""
    with TemporaryDirectory() as folder:
        write_params(Path(folder), released(services))
        document, findings = load(Path(folder, "params"), ENV)
    assert document is not None, findings
    environment, findings = validate(document, TEMPLATES)
    assert environment is not None, findings
    rendered = [render(stack, document, "json")[0] for stack in compose(environment, TEMPLATES)]
    renderings = tuple(rendering for rendering in rendered if rendering is not None)
    renderings = export_imported(renderings, environment, document, "json")
    return [json.loads(rendering.text) for rendering in renderings]


# Measuring -----------------------------------------------------------------------------------


@cache
def runner() -> Any:
    return Runner(ConfigMixIn([]))


def measure(*bodies: Body) -> tuple[float, float]:
    """Seconds of CPU of cfn-lint's own rules and of Moorage's, for the templates of an environment:
    the fastest of several runs."""
    decoded = [decode_str(json.dumps(body)) for body in bodies]
    assert not any(errors for _, errors in decoded), [errors for _, errors in decoded if errors]
    templates = [template for template, _ in decoded]
    cfn_lint_times, rules_times = [], []
    for _ in range(RUNS):
        gc.collect()
        start = time.process_time()
        matches = [
            match
            for template in templates
            for match in run_template_by_data(template, runner().config, runner().rules)
        ]
        cfn_lint_times.append(time.process_time() - start)
        errors = [match.message for match in matches if match.rule.id.startswith("E")]
        assert not errors, [message[:300] for message in errors[:3]]
        gc.collect()
        start = time.process_time()
        problems = run_rules(
            [Template(f"bench-{number}", each) for number, each in enumerate(templates)]
        )
        rules_times.append(time.process_time() - start)
        errors = [problem.message for problem in problems if problem.rule.id.startswith("E")]
        assert not errors, errors[:3]  # the larger templates exceed quotas, which are warnings
    return min(cfn_lint_times), min(rules_times)


def measure_all() -> Iterator[tuple[str, int, float, float]]:
    measure(apart(SIZES[0]))  # fills caches
    for shape in SHAPES:
        for size in SIZES:
            body = shape(size)
            yield shape.__name__, len(body["Resources"]), *measure(body)
    for services in SERVICES:
        bodies = releases(services)
        count = sum(len(body["Resources"]) for body in bodies)
        yield f"{releases.__name__} of {services} services", count, *measure(*bodies)


def main() -> int:
    print("| template | resources | cfn-lint | rules | ms per resource | ratio | at most | |")
    print("|---|--:|--:|--:|--:|--:|--:|---|")
    is_met = True
    for name, count, cfn_lint, rules in measure_all():
        ratio = rules / cfn_lint
        is_met = is_met and ratio < MAX_RATIO
        print(
            f"| {name} | {count} | {cfn_lint:.3f} | {rules:.3f} | {1000 * rules / count:.2f} "
            f"| {ratio:.3f} | {MAX_RATIO:.2f} | {'met' if ratio < MAX_RATIO else 'NOT MET'} |",
            flush=True,
        )
    return int(not is_met)


if __name__ == "__main__":
    sys.exit(main())
