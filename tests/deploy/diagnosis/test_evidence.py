"""Evidence from AWS: what is read, with how many calls, and what happens when it cannot be read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from answering_aws import FakeAws, refused
from answers import (
    ANSWERS,
    DEPLOYMENT,
    DESCRIBED,
    EVENTS,
    LISTED,
    NAME,
    SERVICE,
    TASK,
    TASK_DEFINITION,
    at,
    event,
    resource,
    stack,
)
from botocore.exceptions import EndpointConnectionError

from moorage.deploy.diagnosis.diagnose import diagnose
from moorage.deploy.diagnosis.evidence import (
    MAX_CALLS,
    Cluster,
    collect_environment,
    collect_stack,
)
from moorage.deploy.diagnosis.reader import Reader


def test_everything_about_a_failed_update_is_read() -> None:
    aws = FakeAws(ANSWERS)
    found = collect_stack(aws, "web", NAME)
    assert found.unread == ()
    assert found.status == "UPDATE_ROLLBACK_COMPLETE"
    assert [each.status for each in found.events][-1] == "UPDATE_IN_PROGRESS"
    (service,) = found.services
    assert (service.running, service.desired) == (1, 2)
    assert service.targets[0].target_group == "WebTargetGroup"
    assert service.deployments[0].threshold == 3
    web, proxy = service.tasks[0].containers
    assert web.log_lines == ("no DATABASE_URL", "bye")
    assert proxy.log_lines == ()
    (only,) = diagnose(found)
    assert (only.known, only.container) == ("exit-1", "web")
    assert len(only.consequences) == 2
    (logs,) = [params for name, params in aws.calls if name == "logs.get_log_events"]
    assert logs["logStreamName"] == "web/web/0a1b2c3d"


def test_a_diagnosis_makes_few_calls() -> None:
    """One of each kind, however many tasks have failed."""
    arns = [f"{TASK['taskArn']}{n}" for n in range(100)]
    tasks = [{**TASK, "taskArn": arn} for arn in arns]
    aws = FakeAws(
        {**ANSWERS, "ecs.list_tasks": {"taskArns": arns}, "ecs.describe_tasks": {"tasks": tasks}}
    )
    (only,) = diagnose(collect_stack(aws, "web", NAME))
    assert only.count == 100
    assert sorted(aws.names()) == sorted(ANSWERS)


def test_a_service_that_the_rollback_removed_is_read_from_its_events_and_tasks() -> None:
    gone = {**DESCRIBED, "status": "INACTIVE", "deployments": []}
    events = [
        event(9, NAME, "ROLLBACK_COMPLETE"),
        event(7, NAME, "ROLLBACK_IN_PROGRESS", LISTED),
        event(6, "Service", "CREATE_FAILED", "Circuit Breaker", PhysicalResourceId=SERVICE),
        event(1, "TaskDefinition", "CREATE_COMPLETE", kind="AWS::ECS::TaskDefinition",
              PhysicalResourceId=TASK_DEFINITION),
        event(0, NAME, "CREATE_IN_PROGRESS", "User Initiated"),
    ]  # fmt: skip
    aws = FakeAws(
        {
            **ANSWERS,
            "cloudformation.describe_stacks": {"Stacks": [stack(NAME, "ROLLBACK_COMPLETE")]},
            "cloudformation.describe_stack_events": {"StackEvents": events},
            "cloudformation.describe_stack_resources": {"StackResources": []},
            "ecs.describe_services": {"services": [gone]},
            "logs.get_log_events": refused("GetLogEvents", "ResourceNotFoundException"),
        }
    )
    found = collect_stack(aws, "web", NAME)
    assert diagnose(found)[0].known == "exit-1"
    (listed,) = [params for name, params in aws.calls if name == "ecs.list_tasks"]
    assert listed["family"] == "kelp-dev-web"
    assert "elbv2.describe_target_health" not in aws.names()
    assert [each.what for each in found.unread] == ["log of container web in group"]
    assert "it does not exist" in found.unread[0].reason


@pytest.mark.parametrize("operation", [name for name in ANSWERS if "describe_stacks" not in name])
def test_what_is_refused_is_named_and_the_rest_is_read(operation: str) -> None:
    for error in (
        refused(operation),
        EndpointConnectionError(endpoint_url="https://ecs.eu-central-1.amazonaws.com"),
    ):
        found = collect_stack(FakeAws({**ANSWERS, operation: error}), "web", NAME)
        assert len(found.unread) == 1, found.unread
        assert found.unread[0].reason
        assert diagnose(found), operation


def test_a_stack_that_does_not_exist_has_no_status() -> None:
    error = refused("DescribeStacks", "ValidationError")
    found = collect_stack(FakeAws({"cloudformation.describe_stacks": error}), "web", NAME)
    assert found.status == ""
    assert diagnose(found) == ()
    assert found.unread == ()


def test_without_the_stack_its_events_say_what_its_state_is() -> None:
    error = refused("DescribeStacks")
    found = collect_stack(
        FakeAws({**ANSWERS, "cloudformation.describe_stacks": error}), "web", NAME
    )
    assert found.status == "UPDATE_ROLLBACK_COMPLETE"
    assert diagnose(found)[0].known == "exit-1"
    assert [each.what for each in found.unread] == [f"stack {NAME}"]


def test_without_a_connection_few_calls_are_made() -> None:
    lost = EndpointConnectionError(endpoint_url="https://cloudformation.amazonaws.com")
    aws = FakeAws(dict.fromkeys(ANSWERS, lost))
    found = collect_stack(aws, "web", NAME)
    assert len(aws.calls) == 2
    assert [each.what for each in found.unread] == [
        f"stack {NAME}",
        f"events of {NAME}",
        f"resources of {NAME}",
    ]


def test_validations_of_a_change_set_are_read() -> None:
    aws = FakeAws(
        {
            **ANSWERS,
            "cloudformation.describe_stacks": {"Stacks": [stack(NAME, "REVIEW_IN_PROGRESS")]},
            "cloudformation.describe_stack_events": {
                "StackEvents": [event(0, NAME, "REVIEW_IN_PROGRESS")]
            },
            "cloudformation.describe_stack_resources": {"StackResources": []},
            "cloudformation.describe_events": {
                "OperationEvents": [
                    {
                        "EventType": "VALIDATION_ERROR",
                        "LogicalResourceId": "Role",
                        "ResourceType": "AWS::IAM::Role",
                        "ValidationName": "NAME_CONFLICT_VALIDATION",
                        "ValidationStatusReason": "Role kelp exists.",
                        "ValidationPath": "/Resources/Role",
                    },
                    {"EventType": "STACK_EVENT"},
                ]
            },
        }
    )
    (only,) = diagnose(collect_stack(aws, "web", NAME))
    assert only.known == "name-taken"


def test_codedeploy_is_asked_about_its_task_set() -> None:
    service = {
        **DESCRIBED,
        "deploymentController": {"type": "CODE_DEPLOY"},
        "taskSets": [
            {"startedBy": "CODE_DEPLOY", "externalId": "d-1", "createdAt": at(1)},
            {"startedBy": "CODE_DEPLOY", "externalId": "d-2", "createdAt": at(2)},
        ],
    }
    aws = FakeAws(
        {
            **ANSWERS,
            "ecs.describe_services": {"services": [service]},
            "ecs.list_tasks": {"taskArns": []},
            "codedeploy.get_deployment": {
                "deploymentInfo": {
                    "status": "Stopped",
                    "errorInformation": {"code": "ALARM_ACTIVE", "message": "One or more alarms"},
                }
            },
        }
    )
    (only,) = diagnose(collect_stack(aws, "web", NAME))
    assert only.known == "codedeploy-alarm"
    assert "d-2" in only.message
    assert "ecs.list_service_deployments" not in aws.names()


def test_of_an_environment_only_the_stacks_in_trouble_are_read() -> None:
    names = {f"s{n}": f"kelp-dev-s{n}" for n in range(20)}
    described = [stack(name, "UPDATE_COMPLETE") for name in names.values()]
    described += [stack(NAME, "UPDATE_ROLLBACK_COMPLETE"), stack("other", "CREATE_FAILED")]
    aws = FakeAws({**ANSWERS, "cloudformation.describe_stacks": {"Stacks": described}})
    (found,) = collect_environment(aws, {**names, "web": NAME}).stacks
    assert found.stack == "web"
    assert sorted(aws.names()) == sorted(ANSWERS)


def test_services_of_stacks_without_trouble_are_read_in_batches() -> None:
    """50 services: their stacks, then ten services a call, then the one that has too few tasks."""
    names = {f"s{n}": f"kelp-dev-s{n}" for n in range(50)}
    output = [{"OutputKey": "ServiceName", "OutputValue": "x"}]
    described = [stack(name, "UPDATE_COMPLETE", Outputs=output) for name in names.values()]
    arn = SERVICE.replace("kelp-dev-web", "{}").format

    def resources(StackName: str) -> dict[str, Any]:  # noqa: N803
        return {"StackResources": [resource("AWS::ECS::Service", "Service", arn(StackName))]}

    def services(cluster: str, services: list[str]) -> dict[str, Any]:
        assert len(services) <= 10
        healthy = {**DESCRIBED, "runningCount": 2, "deployments": []}
        return {
            "services": [
                {**(DESCRIBED if each == arn("kelp-dev-s7") else healthy), "serviceArn": each}
                for each in services
            ]
        }

    aws = FakeAws(
        {
            **ANSWERS,
            "cloudformation.describe_stacks": {"Stacks": described},
            "cloudformation.describe_stack_resources": resources,
            "ecs.describe_services": services,
        }
    )
    (found,) = collect_environment(aws, names).stacks
    assert found.stack == "s7"
    assert found.unread == ()
    assert diagnose(found)[0].known == "exit-1"
    assert len(aws.calls) == 1 + 50 + 5 + 8


def test_an_environment_without_trouble() -> None:
    aws = FakeAws({"cloudformation.describe_stacks": {"Stacks": [stack(NAME, "CREATE_COMPLETE")]}})
    found = collect_environment(aws, {"web": NAME})
    assert (found.stacks, found.deployed) == ((), 1)
    assert len(aws.calls) == 1


def test_calls_have_a_limit() -> None:
    reader, made = Reader(2), []
    for number in range(5):
        reader.read("x", lambda number: made.append(number) or {}, number=number)
    assert made == [0, 1]
    (unread,) = reader.take_unread()
    assert "limit of 2 calls" in unread.reason
    assert reader.take_unread() == ()
    assert MAX_CALLS == 150


def test_events_are_read_until_the_operation_begins() -> None:
    pages = {
        "": {"StackEvents": [event(9, "Service", "UPDATE_FAILED", "x")], "NextToken": "1"},
        "1": {"StackEvents": [event(0, NAME, "UPDATE_IN_PROGRESS")], "NextToken": "2"},
    }

    def answer(StackName: str, NextToken: str = "") -> Any:  # noqa: N803
        return pages[NextToken]

    aws = FakeAws({**ANSWERS, "cloudformation.describe_stack_events": answer})
    found = collect_stack(aws, "web", NAME)
    assert len(found.events) == 2
    assert found.unread == ()


def test_what_is_too_much_is_named() -> None:
    names = {f"s{n:02}": f"kelp-dev-s{n:02}" for n in range(12)}
    described = [stack(name, "CREATE_FAILED") for name in names.values()]
    many = [resource("AWS::ECS::Service", f"S{n}", f"{SERVICE}{n}") for n in range(5)]
    aws = FakeAws(
        {
            **ANSWERS,
            "cloudformation.describe_stacks": {"Stacks": described},
            "cloudformation.describe_stack_resources": {"StackResources": many},
            "ecs.list_tasks": {"taskArns": []},
        }
    )
    found = collect_environment(aws, names)
    assert len(found.stacks) == 12
    assert len(aws.calls) <= MAX_CALLS + 1
    assert [len(each.services) for each in found.stacks[:2]] == [3, 3]
    assert "only 3 services of a stack are read" in [each.reason for each in found.stacks[0].unread]
    assert found.stacks[-1].unread[0].reason == "only 10 stacks are read at once; name this one"


def test_the_documented_actions_are_those_that_are_called() -> None:
    """Those of the answers in this module are all, because a call without an answer fails."""
    called = {*ANSWERS, "cloudformation.describe_events", "codedeploy.get_deployment"}
    actions = {
        "".join(word.capitalize() for word in name.split(".")[1].split("_")) for name in called
    }
    table = [line for line in Path("docs/why.md").read_text().splitlines() if line.startswith("|")]
    assert set(re.findall(r"`(\w+)`", "\n".join(table))) == actions


def test_the_deployment_that_failed_is_read_and_not_the_rollback() -> None:
    listed = [
        {"serviceDeploymentArn": f"{DEPLOYMENT}-{n}", "createdAt": at(n), "status": status}
        for n, status in ((-9, "STOPPED"), (1, "ROLLBACK_SUCCESSFUL"), (8, "SUCCESSFUL"))
    ]
    answers = {**ANSWERS, "ecs.list_service_deployments": {"serviceDeployments": listed}}
    aws = FakeAws(answers)
    collect_stack(aws, "web", NAME)
    (asked,) = [params for name, params in aws.calls if "describe_service_deployments" in name]
    assert asked == {"serviceDeploymentArns": [f"{DEPLOYMENT}-1"]}


def test_a_service_that_the_update_would_have_replaced_is_the_one_to_look_at() -> None:
    new = f"{SERVICE}-new"
    events = [*EVENTS]
    events[2] = {**events[2], "PhysicalResourceId": new}
    aws = FakeAws({**ANSWERS, "cloudformation.describe_stack_events": {"StackEvents": events}})
    collect_stack(aws, "web", NAME)
    asked = [params for name, params in aws.calls if name == "ecs.describe_services"]
    assert [params["services"] for params in asked] == [[new]]


def test_a_stack_without_a_service_is_read_by_its_tasks() -> None:
    """A one-off or scheduled task: the tasks since the last one that has done its work."""
    resources = {
        NAME: [resource("AWS::ECS::TaskDefinition", "TaskDefinition", TASK_DEFINITION)],
        "kelp-dev-cluster": [resource("AWS::ECS::Cluster", "Cluster", "kelp")],
    }
    failed = {**TASK, "stoppedAt": at(9)}
    done = {**TASK, "stoppedAt": at(5), "containers": [{"name": "web", "exitCode": 0}]}
    old = {**TASK, "stoppedAt": at(1), "containers": [{"name": "web", "exitCode": 139}]}

    def of_stack(StackName: str) -> Any:  # noqa: N803
        return {"StackResources": resources[StackName]}

    def collect(*tasks: Any) -> Any:
        aws = FakeAws(
            {
                **ANSWERS,
                "cloudformation.describe_stacks": {"Stacks": [stack(NAME, "CREATE_COMPLETE")]},
                "cloudformation.describe_stack_events": {
                    "StackEvents": [event(0, NAME, "CREATE_IN_PROGRESS")]
                },
                "cloudformation.describe_stack_resources": of_stack,
                "ecs.describe_tasks": {"tasks": list(tasks)},
            }
        )
        return collect_stack(aws, "web", NAME, Cluster(stack_name="kelp-dev-cluster"))

    (only,) = diagnose(collect(old, done, failed))
    assert (only.known, only.count, only.container) == ("exit-1", 1, "web")
    assert (only.logical_id, only.type) == ("TaskDefinition", "AWS::ECS::TaskDefinition")
    assert diagnose(collect(old, done)) == ()
    killed = [*done["containers"], {"name": "proxy", "exitCode": 137}]
    assert diagnose(collect({**done, "containers": killed})) == ()


@pytest.mark.parametrize(
    "operation", ["cloudformation.describe_stack_resources", "ecs.describe_services"]
)
def test_services_that_cannot_be_read_are_not_called_healthy(operation: str) -> None:
    output = [{"OutputKey": "ServiceName", "OutputValue": "x"}]
    described = [stack(NAME, "UPDATE_COMPLETE", Outputs=output)]
    answers = {**ANSWERS, "cloudformation.describe_stacks": {"Stacks": described}}
    aws = FakeAws({**answers, operation: refused(operation)})
    (found,) = collect_environment(aws, {"web": NAME}).stacks
    assert len(found.unread) == 1
    assert diagnose(found) == ()
