"""Deployments against AWS in memory: order, failures, interruptions, and what the user sees."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fake_aws import (
    SERVICE,
    FakeAws,
    RefusalError,
    Step,
    deployed,
    fail_creation,
    fail_update,
    make_stack,
    make_target,
    succeed,
)

from moorage.deploy.aws import AwsError
from moorage.deploy.execute import Execution, Outcome
from moorage.deploy.preview import delete_change_sets, find_due_tasks, preview_stacks
from moorage.deploy.progress import Progress, reduce
from moorage.deploy.progress_lines import event_lines
from moorage.deploy.stack_state import read_states
from moorage.deploy.target import Target
from moorage.plan import TrafficPair

NETWORK = make_stack("network")
CLUSTER = make_stack("cluster")
WEB = make_stack("web", "cluster", "network", imports=("shop-dev-network-Name",))
SHOP = make_target(NETWORK, CLUSTER, WEB)


def start(aws: FakeAws, target: Target, *, wait: bool = True) -> Execution:
    context = aws.context()
    states = read_states(context.aws.cloudformation)
    previews = preview_stacks(context, target, states)
    due = find_due_tasks(context, previews, states)
    return Execution(context, previews, due, states, {"web": 100}, wait=wait)


def deploy(aws: FakeAws, target: Target, parallel: int = 5) -> dict[str, Outcome]:
    execution = start(aws, target)
    outcomes = execution.run(aws.events.append, parallel)
    delete_change_sets(execution.context)
    return outcomes


def results(outcomes: dict[str, Outcome]) -> dict[str, str]:
    return {name: outcome.result for name, outcome in outcomes.items()}


def lines(aws: FakeAws) -> list[str]:
    """What a user sees who has no terminal."""
    progress: Progress = {}
    shown: list[str] = []
    for event in aws.events:
        before, progress = progress, reduce(progress, event)
        shown += event_lines(before, event, progress)
    return shown


# Order -----------------------------------------------------------------------------------------


def test_independent_stacks_are_deployed_side_by_side_and_others_after_them() -> None:
    aws = FakeAws()
    outcomes = deploy(aws, SHOP)
    assert results(outcomes) == dict.fromkeys(("network", "cluster", "web"), "succeeded")
    shown = lines(aws)
    assert shown[:2] == ["00:00 network: creating", "00:00 cluster: creating"]
    assert shown.index("00:12 web: creating, usually 01:40") > shown.index(
        "00:12 network: created in 00:12"
    )
    assert shown[-1] == "00:24 web: created in 00:12"


def test_one_at_a_time_if_asked() -> None:
    aws = FakeAws()
    deploy(aws, SHOP, parallel=1)
    assert [line for line in lines(aws) if "creating" in line or "created" in line] == [
        *("00:00 network: creating", "00:12 network: created in 00:12"),
        *("00:12 cluster: creating", "00:24 cluster: created in 00:12"),
        *("00:24 web: creating, usually 01:40", "00:36 web: created in 00:12"),
    ]


def test_events_are_shown_once() -> None:
    aws = FakeAws(scripts={"shop-dev-network": [succeed(seconds=40)]})
    deploy(aws, make_target(NETWORK))
    assert lines(aws) == [
        "00:00 network: creating",
        "00:39 network: Cluster (AWS::ECS::Cluster) CREATE_COMPLETE",
        "00:42 network: created in 00:42",
    ]


def test_unchanged_stacks_take_one_request_each_and_no_time() -> None:
    stacks = tuple(make_stack(f"s{number}") for number in range(20))
    aws = FakeAws(stacks=deployed(stacks))
    execution = start(aws, make_target(*stacks))
    assert {preview.kind for preview in execution.previews} == {"nothing"}
    assert aws.count() == {"DescribeStacks": 1, "GetTemplate": 20}
    assert aws.time == 0


def test_a_stack_whose_imports_are_missing_is_previewed_when_they_are_there() -> None:
    aws = FakeAws()
    execution = start(aws, SHOP)
    assert [preview.kind for preview in execution.previews] == ["create", "create", "later"]
    assert aws.count()["CreateChangeSet"] == 2
    execution.run(aws.events.append, 5)
    assert aws.stacks["shop-dev-web"].status == "CREATE_COMPLETE"


def test_a_stack_is_not_deployed_without_the_stack_that_it_imports_from() -> None:
    execution = start(FakeAws(), SHOP.select(["web"]))
    (preview,) = execution.previews
    assert preview.problems[0].message == (
        "It imports shop-dev-network-Name, which no stack exports yet. Deploy `cluster`, `network` "
        "first"
    )


def test_nobody_waits_for_stacks_that_no_other_needs() -> None:
    aws = FakeAws()
    outcomes = start(aws, SHOP, wait=False).run(aws.events.append, 5)
    assert results(outcomes) == {"network": "succeeded", "cluster": "succeeded", "web": "started"}
    assert lines(aws)[-1] == "00:12 web: creating, not waited for"


# Failures --------------------------------------------------------------------------------------


def test_the_first_failure_of_a_release_is_the_reason() -> None:
    """The weights cannot be read after it."""
    pair = TrafficPair("Live", "Rule", "Primary", "Alternate")
    web = replace(make_stack("web", text="v2"), pairs=(pair,))
    aws = FakeAws(
        stacks=deployed((make_stack("web"),)),
        scripts={"shop-dev-web": [fail_update("No capacity")]},
        later_refusals={5: ("ListStackResources", RefusalError("AccessDenied", "not allowed"))},
    )
    aws.stacks["shop-dev-web"].parameters = {"Live": "primary"}
    outcome = deploy(aws, make_target(web))["web"]
    assert outcome.reason == (
        "Cluster (AWS::ECS::Cluster): No capacity. The stack is UPDATE_ROLLBACK_COMPLETE"
    )
    assert outcome.state is not None
    assert "AWS refuses ListStackResources: not allowed" in "".join(lines(aws))


def test_the_first_failure_is_the_reason_if_the_stack_cannot_be_read_after_it() -> None:
    aws = FakeAws(
        stacks=deployed((make_stack("web"),)),
        scripts={"shop-dev-web": [fail_update("No capacity")]},
    )
    aws.later_refusals[1] = ("DescribeStacks", RefusalError("AccessDenied", "not allowed"))
    outcome = deploy(aws, make_target(make_stack("web", text="v2")))["web"]
    assert outcome.result == "failed"
    assert outcome.reason.startswith("Cluster (AWS::ECS::Cluster): No capacity")
    assert outcome.state is None


def test_a_failed_creation_stops_the_deployment_with_its_first_failure() -> None:
    reason = "Resource handler returned message: The maximum number of VPCs has been reached."
    aws = FakeAws(scripts={"shop-dev-network": [fail_creation(reason)]})
    outcomes = deploy(aws, SHOP)
    assert results(outcomes) == {"network": "failed", "cluster": "succeeded"}
    assert outcomes["network"].reason == (
        "Cluster (AWS::ECS::Cluster): Resource handler returned message: The maximum number of "
        "VPCs has been reached. The stack is ROLLBACK_COMPLETE"
    )
    assert [line for line in lines(aws) if " network: " in line] == [
        "00:00 network: creating",
        f"00:06 network: Cluster (AWS::ECS::Cluster) CREATE_FAILED: {reason}",
        "00:06 network: Other (AWS::ECS::Cluster) CREATE_FAILED: Resource creation cancelled",
        "00:06 network: ROLLBACK_IN_PROGRESS: The following resource(s) failed: [Cluster].",
        "00:09 network: FAILED after 00:09: Cluster (AWS::ECS::Cluster): Resource handler returned "
        "message: The maximum number of VPCs has been reached. The stack is ROLLBACK_COMPLETE",
    ]
    assert "shop-dev-web" not in aws.stacks


def test_a_failed_update_leaves_other_change_sets_unexecuted_and_deletes_them() -> None:
    aws = FakeAws(stacks=deployed((NETWORK, CLUSTER, WEB)))
    aws.scripts = {"shop-dev-network": [fail_update("No")]}
    changed = make_target(
        make_stack("network", text="v2"), CLUSTER, make_stack("web", "network", text="v2")
    )
    outcomes = deploy(aws, changed)
    assert results(outcomes) == {"network": "failed", "cluster": "unchanged"}
    assert outcomes["network"].reason.endswith("No. The stack is UPDATE_ROLLBACK_COMPLETE")
    assert aws.change_sets == {}
    assert aws.stacks["shop-dev-web"].template == WEB.text
    assert results(deploy(aws, changed)) == {
        **dict.fromkeys(("network", "web"), "succeeded"),
        "cluster": "unchanged",
    }, "the next deployment ends well"


def test_the_validation_of_a_change_set_is_shown_before_anything_is_executed() -> None:
    finding = {
        "EventId": "1",
        "EventType": "VALIDATION_ERROR",
        "LogicalResourceId": "Cluster",
        "ValidationName": "NAME_CONFLICT_VALIDATION",
        "ValidationStatus": "FAILED",
        "ValidationFailureMode": "FAIL",
        "ValidationStatusReason": "A cluster of this name exists already",
        "ValidationPath": "/Resources/Cluster/Properties/ClusterName",
    }
    aws = FakeAws(findings={"shop-dev-network": [finding]})
    execution = start(aws, make_target(NETWORK))
    (problem,) = execution.previews[0].problems
    assert (problem.level, problem.logical_id) == ("error", "Cluster")
    assert problem.message == "A cluster of this name exists already"
    delete_change_sets(execution.context)
    assert (aws.change_sets, aws.stacks) == ({}, {})


def test_a_warning_of_the_validation_does_not_stop_a_deployment() -> None:
    finding = {
        "EventId": "1",
        "EventType": "VALIDATION_ERROR",
        "ValidationFailureMode": "WARN",
        "ValidationStatusReason": "The quota is nearly reached",
    }
    aws = FakeAws(findings={"shop-dev-network": [finding]})
    execution = start(aws, make_target(NETWORK))
    assert [problem.level for problem in execution.previews[0].problems] == ["warning"]
    assert results(execution.run(aws.events.append, 1)) == {"network": "succeeded"}


def test_somebody_else_has_updated_the_stack_in_the_meantime() -> None:
    aws = FakeAws(stacks=deployed((NETWORK,)))
    execution = start(aws, make_target(make_stack("network", text="v2")))
    aws.refusals["ExecuteChangeSet"] = [RefusalError("InvalidChangeSetStatus", "OBSOLETE")]
    (outcome,) = execution.run(aws.events.append, 1).values()
    assert outcome.reason == (
        "the stack was updated by somebody else after this deployment had read it. Deploy again"
    )


def test_who_deploys_the_stack_with_the_roles_is_said() -> None:
    roles = replace(make_stack("deployment"), for_administrators=True)
    aws = FakeAws()
    aws.refusals["ExecuteChangeSet"] = [RefusalError("AccessDenied", "explicit deny")]
    outcome = deploy(aws, make_target(roles))["deployment"]
    assert outcome.result == "failed"
    assert outcome.reason == (
        "AWS refuses ExecuteChangeSet: explicit deny. An administrator must deploy this stack"
    )


def test_somebody_else_has_deleted_the_change_set_by_an_update() -> None:
    aws = FakeAws(stacks=deployed((NETWORK,)))
    execution = start(aws, make_target(make_stack("network", text="v2")))
    aws.change_sets.clear()
    (outcome,) = execution.run(aws.events.append, 1).values()
    assert outcome.reason == (
        "the stack was updated by somebody else after this deployment had read it. Deploy again"
    )
    assert delete_change_sets(execution.context) == []


def test_a_minute_without_network_does_not_stop_a_deployment() -> None:
    aws = FakeAws(scripts={"shop-dev-network": [succeed(seconds=100)]}, offline=(20, 80))
    assert results(deploy(aws, make_target(NETWORK))) == {"network": "succeeded"}
    assert lines(aws)[1] == (
        "00:21 network: AWS does not answer: Could not connect to the endpoint URL: "
        '"https://cloudformation.example". Check the network, proxy and region. Trying again.'
    )
    assert sum("does not answer" in line for line in lines(aws)) == 1


def test_no_network_for_long_ends_the_command_and_not_the_update() -> None:
    aws = FakeAws(scripts={"shop-dev-network": [succeed(seconds=2000)]}, offline=(20, 1500))
    outcomes = deploy(aws, make_target(NETWORK))
    assert results(outcomes) == {"network": "failed"}
    assert outcomes["network"].reason.endswith("CloudFormation goes on with the update")


def test_credentials_that_expire_in_the_middle() -> None:
    aws = FakeAws()
    execution = start(aws, make_target(NETWORK))
    aws.refusals["DescribeStackEvents"] = [*[RefusalError("ExpiredToken", "expired")] * 2]
    (outcome,) = execution.run(aws.events.append, 1).values()
    assert outcome.reason == (
        "The AWS credentials have expired. Log in again, then repeat the command."
    )


def test_previews_are_deleted_if_one_of_them_cannot_be_created() -> None:
    aws = FakeAws()
    aws.refusals["DescribeChangeSet"] = [RefusalError("ExpiredToken")]
    with pytest.raises(AwsError, match="have expired"):
        start(aws, make_target(NETWORK, CLUSTER))
    assert len(aws.change_sets) == 1, "the first one failed"
    assert delete_change_sets(aws.last_context) == []
    assert (aws.change_sets, aws.stacks) == ({}, {})


def test_a_change_set_that_is_being_created_is_deleted_when_that_is_possible() -> None:
    aws = FakeAws(interrupt_at=2, change_set_seconds=5)
    with pytest.raises(KeyboardInterrupt):
        start(aws, make_target(NETWORK, CLUSTER))
    assert len(aws.change_sets) == 2
    assert delete_change_sets(aws.last_context) == []
    assert (aws.change_sets, aws.stacks) == ({}, {})
    assert 5 <= aws.time < 8


def test_change_sets_that_cannot_be_deleted_are_named() -> None:
    aws = FakeAws()
    execution = start(aws, make_target(NETWORK, CLUSTER))
    aws.refusals["DeleteChangeSet"] = [RefusalError("AccessDenied")]
    assert delete_change_sets(execution.context) == ["network"]
    assert [name for name, *_ in aws.change_sets.values()] == ["shop-dev-network"]


def test_ctrl_c_leaves_what_is_under_way_and_the_update_can_be_cancelled() -> None:
    aws = FakeAws(stacks=deployed((NETWORK, CLUSTER)), interrupt_at=4)
    changed = make_target(make_stack("network", text="v2"), CLUSTER, WEB)
    execution = start(aws, changed)
    with pytest.raises(KeyboardInterrupt):
        execution.run(aws.events.append, 5)
    assert [*execution.under_way] == ["network"]
    execution.cancel(["network"])
    aws.sleep(20)
    assert execution.context.aws.cloudformation.describe_stacks()["Stacks"][0]["StackStatus"] == (
        "UPDATE_ROLLBACK_COMPLETE"
    )
    assert delete_change_sets(execution.context) == []
    assert aws.change_sets == {}


# Services and tasks ----------------------------------------------------------------------------


def test_the_rollout_of_a_service_is_shown_while_it_changes() -> None:
    arn = "arn:aws:ecs:eu-central-1:111122223333:service/shop/shop-dev-web"

    def service(time: float) -> dict[str, object]:
        running = min(2, int(time // 10))
        deployment = {
            "status": "PRIMARY",
            "desiredCount": 2,
            "runningCount": running,
            "pendingCount": 2 - running,
            "failedTasks": 1 if time > 15 else 0,
            "rolloutState": "IN_PROGRESS",
        }
        balancer = {"targetGroupArn": "arn:group"}
        return {"deployments": [deployment], "loadBalancers": [balancer]}

    steps = [
        Step(0, "", "CREATE_IN_PROGRESS"),
        Step(1, "Service", "CREATE_IN_PROGRESS", type=SERVICE),
        Step(28, "Service", "CREATE_COMPLETE", type=SERVICE),
        Step(29, "", "CREATE_COMPLETE"),
    ]
    aws = FakeAws(
        scripts={"shop-dev-web": [steps]}, services={arn: service}, targets=["initial", "healthy"]
    )
    deploy(aws, make_target(make_stack("web")))
    assert [line for line in lines(aws) if "Service:" in line] == [
        "00:03 web: Service: 0 of 2 tasks run, 2 start, 1 of 2 targets healthy",
        "00:12 web: Service: 1 of 2 tasks run, 1 start, 1 of 2 targets healthy",
        "00:18 web: Service: 1 of 2 tasks run, 1 start, 1 failed, 1 of 2 targets healthy",
        "00:21 web: Service: 2 of 2 tasks run, 1 failed, 1 of 2 targets healthy",
    ]


def test_without_access_to_ecs_a_deployment_goes_on_without_the_rollout() -> None:
    steps = [
        Step(0, "", "CREATE_IN_PROGRESS"),
        Step(1, "Service", "CREATE_IN_PROGRESS", type=SERVICE),
        Step(20, "Service", "CREATE_COMPLETE", type=SERVICE),
        Step(21, "", "CREATE_COMPLETE"),
    ]
    aws = FakeAws(scripts={"shop-dev-web": [steps]})
    aws.refusals["DescribeServices"] = [RefusalError("AccessDeniedException", "Not allowed")]
    assert results(deploy(aws, make_target(make_stack("web")))) == {"web": "succeeded"}
    assert (
        "00:03 web: AWS refuses DescribeServices: Not allowed. The rollout is not shown"
        in lines(aws)
    )


MIGRATE = make_stack("migrate", run=True)
APP = make_stack("app", "migrate")
PARAMETERS = {"parameter": '{"cluster": "shop", "taskDefinition": "migrate"}'}


SUCCEEDED = "moorage:succeeded"


def migrated(version: str = "1", **more: object) -> FakeAws:
    """An environment with a task whose last run has succeeded with this version of its request."""
    tags = {"parameter": {SUCCEEDED: version}}
    aws = FakeAws(
        stacks=deployed((MIGRATE, APP)),
        parameters=PARAMETERS,
        parameter_tags=tags,
        **more,  # type: ignore[arg-type]
    )
    aws.stacks["shop-dev-migrate"].outputs = {"shop-dev-RunTask": "parameter"}
    return aws


def test_a_task_runs_before_the_stacks_that_wait_for_it() -> None:
    aws = migrated("0", exit_codes=[0])
    changed = make_target(MIGRATE, make_stack("app", "migrate", text="v2"))
    assert results(deploy(aws, changed)) == {"migrate": "unchanged", "app": "succeeded"}
    assert lines(aws)[:4] == [
        "00:00 migrate: running the task 0123",
        "00:00 migrate: the task has ended with exit code 0",
        "00:00 migrate: nothing to change: its task has run",
        "00:00 app: updating",
    ]
    assert aws.parameter_tags["parameter"] == {SUCCEEDED: "1"}


def test_a_task_runs_if_its_stack_changes_or_its_last_run_has_not_succeeded() -> None:
    target, app = make_target(MIGRATE, APP), make_stack("app", "migrate", text="v2")
    changed = make_target(make_stack("migrate", run=True, text="v2"), APP)
    assert start(migrated(), target).due_tasks == frozenset()
    assert start(migrated(), make_target(MIGRATE, app)).due_tasks == frozenset()
    assert start(migrated(), changed).due_tasks == {"migrate"}
    for version in ("", "0", "running"):
        assert start(migrated(version), target).due_tasks == {"migrate"}, version


def test_the_record_of_a_task_takes_two_requests_and_what_may_not_be_read_is_a_failure() -> None:
    aws = migrated()
    start(aws, make_target(MIGRATE, APP))
    assert (aws.count()["GetParameter"], aws.count()["ListTagsForResource"]) == (1, 1)
    denied = RefusalError("AccessDeniedException")
    for operation in ("GetParameter", "ListTagsForResource"):
        aws = migrated(refusals={operation: [denied]})
        assert start(aws, make_target(MIGRATE, APP)).due_tasks == {"migrate"}


def test_a_task_that_may_not_be_recorded_says_so() -> None:
    aws = migrated("", exit_codes=[0])
    aws.refusals["AddTagsToResource"] = [RefusalError("AccessDeniedException", "Not allowed")]
    assert results(deploy(aws, make_target(MIGRATE, APP)))["migrate"] == "unchanged"
    assert lines(aws)[2] == (
        "00:00 migrate: AWS refuses AddTagsToResource: Not allowed. The next deployment runs the "
        "task again"
    )


def test_a_failed_task_stops_the_deployment_and_runs_again_in_the_next_one() -> None:
    aws = migrated(exit_codes=[3, 0])
    changed = make_target(
        make_stack("migrate", run=True, text="v2"), make_stack("app", "migrate", text="v2")
    )
    aws.next_outputs["shop-dev-migrate"] = {"shop-dev-RunTask": "parameter"}
    outcomes = deploy(aws, changed)
    assert outcomes["migrate"].reason == (
        "the container `migrate` of its task ended with exit code 3. Essential container in task "
        "exited"
    )
    assert "app" not in outcomes
    assert aws.parameter_tags["parameter"] == {SUCCEEDED: "running"}
    assert results(deploy(aws, changed)) == {"migrate": "unchanged", "app": "succeeded"}
    assert start(aws, changed).due_tasks == frozenset()


def test_a_task_that_takes_too_long_is_stopped() -> None:
    aws = migrated("0")
    outcomes = deploy(aws, make_target(MIGRATE, APP))
    assert outcomes["migrate"].reason == "the task is being stopped: it took more than 60 seconds"
    assert aws.log[-1] in ("StopTask", "DeleteChangeSet", "DescribeStacks")
    assert aws.count()["StopTask"] == 1
