"""The deletion of environments: what goes, what stays, in which order."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from fake_aws import (
    FakeAws,
    FakeStack,
    RefusalError,
    Step,
    deployed,
    make_stack,
    make_target,
    succeed,
)

from moorage.deploy.aws import AwsError
from moorage.deploy.contents import empty_resource
from moorage.deploy.progress import Noted
from moorage.deploy.protection import is_protected
from moorage.deploy.removal import (
    Consent,
    Removal,
    find_remaining_users,
    plan_removal,
    remove_stacks,
)
from moorage.deploy.removal_text import removals_json, removals_text
from moorage.deploy.stack_state import read_states, to_state
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
        "  stays: Cluster  AWS::ECS::Cluster  shop-dev-web-Cluster; free of charge",
    ]
    assert json.loads(removals_json(removals).splitlines()[1])["deleted"] == ["Cluster"]
    assert remove_stacks(context, removals, 5, Consent()) == {
        "web": "",
        "migrate": "",
        "network": "",
    }
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
    results = remove_stacks(context, plan_removal(context.aws, TARGET, states, []), 5, Consent())
    assert results == {
        "web": "Bucket (AWS::S3::Bucket): The bucket is not empty. The stack is DELETE_FAILED"
    }
    aws.scripts["shop-dev-web"] = [succeed("DELETE")]
    states = read_states(context.aws.cloudformation)
    again = remove_stacks(context, plan_removal(context.aws, TARGET, states, []), 5, Consent())
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


def test_a_nested_stack_is_left_to_the_stack_that_it_belongs_to() -> None:
    """CloudFormation gives it the tags of that one."""
    tags = {"app": "shop", "env": "dev", "stack": "web"}
    described = {
        "StackName": "shop-dev-web-Queue-1A2B",
        "StackStatus": "CREATE_COMPLETE",
        "ParentId": "arn:aws:cloudformation:eu-central-1:111122223333:stack/shop-dev-web/1",
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }
    nested = to_state(described)  # type: ignore[arg-type]
    assert find_orphans(TARGET, {nested.stack_name: nested}) == []
    name = "shop-dev-old"
    alone = replace(nested, nested=False, stack_name=name, tags=tags | {"stack": "old"})
    assert find_orphans(TARGET, {name: alone}) == [alone]


def test_a_stack_of_a_stack_set_is_left_to_the_stack_set() -> None:
    name = "StackSet-shop-dev-old-1a2b"
    tags = {"app": "shop", "env": "dev", "stack": "old"}
    aws = environment()
    aws.stacks[name] = FakeStack(name, "CREATE_COMPLETE", IMPORTING, tags)
    assert find_orphans(TARGET, read_states(aws.clients().cloudformation)) == []


def test_termination_protection_is_turned_off_immediately_before_the_deletion() -> None:
    aws = environment()
    for name in ("web", "network"):
        aws.stacks[f"shop-dev-{name}"].protected = True
    clients = aws.clients()
    states = read_states(clients.cloudformation)
    removals = plan_removal(clients, TARGET, states, [])
    aws.scripts["shop-dev-migrate"] = [[Step(0, "", "DELETE_FAILED", "in use")]]
    results = remove_stacks(aws.context(), removals, 1, Consent(unprotected=True))
    assert [*results] == ["web", "migrate"]
    assert aws.stacks["shop-dev-web"].status == "DELETE_COMPLETE"
    assert aws.count()["UpdateTerminationProtection"] == 1
    assert aws.stacks["shop-dev-network"].protected, "it was not reached"


# What is in the way, and what stays ------------------------------------------------------------

FILLED = """
Resources:
  Uploads: {Type: AWS::S3::Bucket}
  Old: {Type: AWS::S3::Bucket, DeletionPolicy: Retain}
  Images: {Type: AWS::ECR::Repository}
  Scratch: {Type: AWS::ECR::Repository, Properties: {EmptyOnDelete: true}}
  Log: {Type: AWS::Logs::LogGroup, DeletionPolicy: Retain}
  Address: {Type: AWS::EC2::EIP, DeletionPolicy: Retain}
  Stream: {Type: AWS::Kinesis::Stream, DeletionPolicy: Retain}
  Database: {Type: AWS::RDS::DBInstance, DeletionPolicy: Snapshot}
  TaskDefinition: {Type: AWS::ECS::TaskDefinition, DeletionPolicy: Retain}
"""
ARN = "arn:aws:ecs:eu-central-1:111122223333:task-definition/shop-dev-web"


def filled() -> FakeAws:
    """A stack with stores: two buckets, two repositories, and what stays."""
    aws = FakeAws(stacks=deployed((WEB,)))
    aws.stacks["shop-dev-web"].template = FILLED
    kinds = {"Uploads": "S3::Bucket", "Old": "S3::Bucket", "Images": "ECR::Repository"}
    kinds |= {"Scratch": "ECR::Repository", "Log": "Logs::LogGroup", "Address": "EC2::EIP"}
    kinds |= {"Stream": "Kinesis::Stream", "Database": "RDS::DBInstance"}
    resources = [(name, f"AWS::{kind}", name.lower()) for name, kind in kinds.items()]
    resources.append(("TaskDefinition", "AWS::ECS::TaskDefinition", f"{ARN}:7"))
    aws.resources = {"shop-dev-web": resources}
    versions = [(f"{number}.txt", "v1", False) for number in range(7)]
    aws.buckets = {"uploads": [*versions, ("0.txt", "v2", True)], "old": [("a", "null", False)]}
    platforms = {f"sha256:{number}": () for number in range(4)}
    aws.repositories = {"images": {**platforms, "sha256:list": (*platforms,)}, "scratch": {"x": ()}}
    aws.revisions = {f"{ARN}:{number}": "ACTIVE" for number in range(1, 13)}
    aws.revisions |= {f"{ARN}:0": "INACTIVE", f"{ARN}-two:1": "ACTIVE"}
    return aws


def plan(aws: FakeAws) -> list[Removal]:
    clients = aws.clients()
    states = read_states(clients.cloudformation)
    return plan_removal(clients, make_target(WEB), states, [])


def notes(aws: FakeAws) -> list[str]:
    return [event.text for event in aws.events if isinstance(event, Noted)]


def test_the_plan_says_what_is_in_the_way_what_stays_and_what_it_costs() -> None:
    (removal,) = removals = plan(filled())
    assert removals_text(removals).splitlines() == [
        "web (shop-dev-web) and 4 resources will be deleted",
        "  must be emptied: Uploads  AWS::S3::Bucket  uploads (more than 3 versions, 2.0 kB)",
        "  must be emptied: Images  AWS::ECR::Repository  images (more than 3 images, 3.0 MB)",
        "  goes with its content: Scratch  AWS::ECR::Repository  scratch (1 image, 1.0 MB)",
        "  stays: Old  AWS::S3::Bucket  old (1 version, 1.0 kB); charged by the GB-month of its "
        "objects in all versions ($0.023 in us-east-1)",
        "  stays: Log  AWS::Logs::LogGroup  log (5.0 GB); charged by the GB-month of its events "
        "($0.03 in us-east-1)",
        "  stays: Address  AWS::EC2::EIP  address; charged by the hour, in use or idle ($0.005 in "
        "us-east-1)",
        "  stays: Stream  AWS::Kinesis::Stream  stream; it may be charged",
        "  a snapshot stays: Database  AWS::RDS::DBInstance  database; charged by the GB-month of "
        "its snapshot ($0.095 in us-east-1)",
        f"  stays: TaskDefinition  AWS::ECS::TaskDefinition  {ARN}:7; free of charge",
    ]
    shown = json.loads(removals_json(removals))
    assert [item["logical_id"] for item in shown["must_be_emptied"]] == ["Uploads", "Images"]
    assert shown["kept"][0]["content"] == {
        "items": 1,
        "bytes": 1000,
        "more": False,
        "noun": "version",
    }
    assert shown["deleted"] == ["Uploads", "Images", "Scratch", "Database"]
    assert {item["logical_id"]: item["snapshot"] for item in shown["kept"]}["Database"] is True
    assert removal.families == ["shop-dev-web"]


@pytest.mark.parametrize(
    ("kind", "properties", "protected"),
    [
        ("RDS::DBInstance", {"DeletionProtection": True}, True),
        ("RDS::DBCluster", {"DeletionProtection": "true"}, True),
        ("RDS::DBInstance", {"DeletionProtection": False}, False),
        ("RDS::DBInstance", {}, False),
        ("DynamoDB::Table", {"DeletionProtectionEnabled": True}, True),
        ("Neptune::DBCluster", {"DeletionProtection": True}, False),
    ],
)
def test_protections_that_can_be_turned_off_are_known(
    kind: str, properties: dict[str, Any], protected: bool
) -> None:
    assert is_protected({"Type": f"AWS::{kind}", "Properties": properties}) is protected


def test_what_the_user_agrees_to_is_emptied_and_nothing_else() -> None:
    aws = filled()
    removals = plan(aws)
    consent = Consent({("web", "Uploads"), ("web", "Images")})
    assert remove_stacks(aws.context(), removals, 5, consent) == {"web": ""}
    assert aws.buckets == {"uploads": [], "old": [("a", "null", False)]}
    assert aws.repositories == {"images": {}, "scratch": {"x": ()}}
    assert {*aws.revisions.values()} == {"ACTIVE", "INACTIVE"}
    assert notes(aws) == [
        "emptying Uploads: more than 3 versions, 2.0 kB",
        "emptying Images: more than 3 images, 3.0 MB",
    ]
    first_deletion = aws.log.index("DeleteStack")
    assert max(index for index, name in enumerate(aws.log) if name.startswith("Delete")) == (
        first_deletion
    ), "before the deletion"


def test_what_stays_is_emptied_after_the_deletion() -> None:
    aws = filled()
    remove_stacks(aws.context(), plan(aws), 5, Consent({("web", "Old")}))
    assert aws.buckets["old"] == []
    assert aws.log.index("DeleteStack") < aws.log.index("DeleteObjects")


def test_an_object_that_cannot_be_deleted_stops_the_deletion_of_its_stack() -> None:
    aws = filled()
    aws.locked = {"4.txt"}
    results = remove_stacks(aws.context(), plan(aws), 5, Consent({("web", "Uploads")}))
    assert results == {"web": "4.txt in the bucket uploads stays: WORM"}
    assert "DeleteStack" not in aws.log


def test_an_image_that_cannot_be_deleted_is_named() -> None:
    aws = filled()
    aws.repositories["images"] = {"sha256:a": ("sha256:b",), "sha256:b": ("sha256:a",)}
    with pytest.raises(AwsError, match=r"sha256:a in the repository images stays: Requested image"):
        empty_resource(aws.clients(), "AWS::ECR::Repository", "images")


def test_revisions_of_task_definitions_are_deleted_if_asked() -> None:
    aws = filled()
    consent = Consent(task_definitions=True)
    assert remove_stacks(aws.context(), plan(aws), 5, consent) == {"web": ""}
    assert aws.revisions.pop(f"{ARN}-two:1") == "ACTIVE", "another family"
    assert {*aws.revisions.values()} == {"DELETE_IN_PROGRESS"}
    assert aws.count()["DeleteTaskDefinitions"] == 2
    assert notes(aws) == ["13 revisions of shop-dev-web deleted"]


def test_what_may_not_be_looked_at_is_left_to_cloudformation() -> None:
    aws = filled()
    aws.refusals["ListObjectVersions"] = [RefusalError("AccessDenied")] * 2
    text = removals_text(plan(aws))
    assert "must be emptied: Uploads" not in text
    assert "  stays: Old  AWS::S3::Bucket  old; charged by" in text


# Tasks that still run --------------------------------------------------------------------------


def test_a_cluster_is_deleted_when_its_tasks_have_stopped() -> None:
    aws = FakeAws(stacks=deployed((NETWORK,)), running_tasks=lambda time: 2 if time < 12 else 0)
    context = aws.context()
    removals = plan_removal(
        context.aws, make_target(NETWORK), read_states(context.aws.cloudformation), []
    )
    assert remove_stacks(context, removals, 5, Consent()) == {"network": ""}
    assert set(notes(aws)) == {"waits for 2 tasks in its cluster to stop"}
    assert 12 <= aws.time < 40


def test_tasks_that_do_not_stop_are_named_before_the_deletion() -> None:
    aws = FakeAws(stacks=deployed((NETWORK,)), running_tasks=lambda time: 1)
    context = aws.context()
    removals = plan_removal(
        context.aws, make_target(NETWORK), read_states(context.aws.cloudformation), []
    )
    assert remove_stacks(context, removals, 5, Consent()) == {
        "network": "tasks still run in shop-dev-network-Cluster that no service has started. Stop "
        "them with `aws ecs stop-task`, or wait for their end, then repeat the command"
    }
    assert "DeleteStack" not in aws.log


def test_without_access_to_ecs_the_deletion_does_not_wait() -> None:
    aws = FakeAws(stacks=deployed((NETWORK,)), running_tasks=lambda time: 1)
    aws.refusals["DescribeClusters"] = [RefusalError("AccessDeniedException")]
    context = aws.context()
    removals = plan_removal(
        context.aws, make_target(NETWORK), read_states(context.aws.cloudformation), []
    )
    assert remove_stacks(context, removals, 5, Consent()) == {"network": ""}
