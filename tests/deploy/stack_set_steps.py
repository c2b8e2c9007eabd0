"""Deployments of stack sets, as tests call them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from fake_aws import make_stack, make_target
from fake_stack_sets import FakeStackSets

from moorage.deploy.stack_sets.execute import Outcome, SetExecution
from moorage.deploy.stack_sets.organization import read_members
from moorage.deploy.stack_sets.plan import SetPlan, plan_stack_sets
from moorage.deploy.stack_sets.removal import plan_set_removals, remove_stack_sets
from moorage.deploy.stack_sets.requests import call_as
from moorage.deploy.stack_sets.state import read_stack_sets
from moorage.deploy.stack_sets.status import read_environment
from moorage.deploy.target import DeployStack, Target
from moorage.model import Share, Targets

ONE, TWO, THREE = "111111111111", "222222222222", "333333333333"
CENTRAL, WEST = "eu-central-1", "eu-west-1"
TARGETS = Targets((CENTRAL, WEST), (ONE, TWO), max_concurrent=Share(2))
NETWORK, CLUSTER = make_stack("network"), make_stack("cluster")
WEB = make_stack("web", "cluster", "network")


def target(*stacks: DeployStack, targets: Targets = TARGETS) -> Target:
    return replace(make_target(*(stacks or (NETWORK, CLUSTER, WEB))), targets=targets)


def plan(aws: FakeStackSets, chosen: Target) -> list[SetPlan]:
    assert chosen.targets is not None
    names = [stack.stack_name for stack in chosen.stacks]
    client = aws.clients().cloudformation
    existing = read_stack_sets(client, names, call_as(chosen.targets))
    return plan_stack_sets(chosen, existing, read_members(aws.clients(), chosen.targets))


def start(aws: FakeStackSets, chosen: Target) -> SetExecution:
    assert chosen.targets is not None
    return SetExecution(aws.context(), plan(aws, chosen), chosen.targets)


def deploy(aws: FakeStackSets, chosen: Target) -> dict[str, Outcome]:
    return start(aws, chosen).run(aws.events.append, 5)


def results(outcomes: Mapping[str, Outcome]) -> dict[str, str]:
    return {name: outcome.result for name, outcome in outcomes.items()}


def places(aws: FakeStackSets, name: str = "shop-dev-web") -> list[tuple[str, str]]:
    aws._settle()
    return sorted(aws.sets[name].instances)


def asked(aws: FakeStackSets, name: str = "") -> list[str]:
    return [
        operation for operation, request in aws.requests if name in ("", request["StackSetName"])
    ]


def destroy(aws: FakeStackSets, chosen: Target) -> dict[str, str]:
    assert chosen.targets is not None
    statuses = read_environment(aws.clients(), chosen)
    removals = plan_set_removals(chosen, statuses)
    return remove_stack_sets(aws.context(), removals, chosen.targets, 5)
