"""The deletion of environments: what goes, what stays, in which order."""

from __future__ import annotations

import json

from fake_aws import FakeAws, FakeStack, Step, deployed, make_stack, make_target, succeed

from moorage.deploy.removal import (
    find_remaining_users,
    plan_removal,
    removals_json,
    removals_text,
    remove_stacks,
    turn_protection_off,
)
from moorage.deploy.stack_state import read_states
from moorage.deploy.status import find_orphans

NETWORK, MIGRATE = make_stack("network"), make_stack("migrate")
WEB = make_stack("web", "migrate")
TARGET = make_target(NETWORK, MIGRATE, WEB)
IMPORTING = """
Resources:
  Cluster:
    Type: AWS::ECS::Cluster
    DeletionPolicy: Retain
    Properties: {ClusterName: !ImportValue shop-dev-network-Name}
"""


def environment() -> FakeAws:
    """Three stacks; `web` imports from `network` as it is deployed, which the params do not say."""
    aws = FakeAws(stacks=deployed(TARGET.stacks))
    aws.stacks["shop-dev-web"].template = IMPORTING
    return aws


def test_stacks_are_deleted_after_those_that_use_them() -> None:
    aws = environment()
    context = aws.context()
    states = read_states(context.aws.cloudformation)
    removals = plan_removal(context.aws, TARGET, states, [])
    assert [removal.name for removal in removals] == ["web", "migrate", "network"]
    assert {removal.name: removal.after for removal in removals} == {
        "web": (),
        "migrate": ("web",),
        "network": ("web",),
    }
    assert removals_text(removals).splitlines()[:2] == [
        "web (shop-dev-web) and 0 resources will be deleted",
        "  stays: Cluster  AWS::ECS::Cluster  shop-dev-web-Cluster",
    ]
    assert json.loads(removals_json(removals).splitlines()[1])["deleted"] == ["Cluster"]
    assert remove_stacks(context, removals, 5) == {"web": "", "migrate": "", "network": ""}
    assert read_states(context.aws.cloudformation) == {}


def test_the_first_failure_stops_the_deletion() -> None:
    aws = environment()
    aws.scripts["shop-dev-web"] = [
        [
            Step(0, "", "DELETE_IN_PROGRESS"),
            Step(3, "Bucket", "DELETE_FAILED", "The bucket is not empty", "AWS::S3::Bucket"),
            Step(4, "", "DELETE_FAILED"),
        ]
    ]
    context = aws.context()
    states = read_states(context.aws.cloudformation)
    results = remove_stacks(context, plan_removal(context.aws, TARGET, states, []), 5)
    assert results == {
        "web": "Bucket (AWS::S3::Bucket): The bucket is not empty. The stack is DELETE_FAILED"
    }
    aws.scripts["shop-dev-web"] = [succeed("DELETE")]
    states = read_states(context.aws.cloudformation)
    again = remove_stacks(context, plan_removal(context.aws, TARGET, states, []), 5)
    assert set(again.values()) == {""}, "the next deletion ends well"


def test_a_stack_in_use_is_not_deleted_alone() -> None:
    aws = environment()
    clients = aws.clients()
    states = read_states(clients.cloudformation)
    removals = plan_removal(clients, TARGET.select(["migrate"]), states, [])
    assert [*find_remaining_users(removals, TARGET, states)] == ["`web` needs `migrate`"]


def test_stacks_that_are_not_in_the_params_any_more_are_deleted_too() -> None:
    aws = environment()
    tags = {"app": "shop", "env": "dev", "stack": "old"}
    old = FakeStack("shop-dev-old", "CREATE_COMPLETE", IMPORTING, tags)
    other = FakeStack("shop-dev-x", "CREATE_COMPLETE", "", {"app": "shop-dev", "env": "x"})
    aws.stacks |= {old.name: old, other.name: other}
    clients = aws.clients()
    states = read_states(clients.cloudformation)
    orphans = find_orphans(TARGET, states)
    assert [state.stack_name for state in orphans] == ["shop-dev-old"]
    names = [removal.name for removal in plan_removal(clients, TARGET, states, orphans)]
    assert names.index("old") < names.index("network")


def test_termination_protection_is_turned_off_when_told_to() -> None:
    aws = environment()
    aws.stacks["shop-dev-web"].protected = True
    clients = aws.clients()
    states = read_states(clients.cloudformation)
    removals = plan_removal(clients, TARGET, states, [])
    turn_protection_off(clients, removals)
    assert aws.stacks["shop-dev-web"].protected is False
    assert aws.count()["UpdateTerminationProtection"] == 1
