"""Stack sets against AWS in memory: order, failures, interruptions, and what the user sees."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace

import pytest
from fake_aws import RefusalError, make_stack
from fake_stack_sets import FakeStackSets
from hypothesis import given, settings
from hypothesis import strategies as st
from stack_set_steps import (
    CENTRAL,
    CLUSTER,
    NETWORK,
    ONE,
    TARGETS,
    THREE,
    TWO,
    WEB,
    WEST,
    asked,
    deploy,
    destroy,
    places,
    plan,
    results,
    start,
    target,
)
from test_execute import lines

from moorage.commands.stack_sets import destroy_sets, execute_sets
from moorage.commands.usage import FailedError, TerminatedError, UsageError, interruption_code
from moorage.deploy.progress import Ended, Started
from moorage.deploy.stack_sets.failures import (
    failures_json,
    failures_text,
    find_set_failures,
)
from moorage.deploy.stack_sets.plan_text import count_plans, plans_json, plans_text
from moorage.deploy.stack_sets.removal import (
    plan_set_removals,
    set_removals_json,
    set_removals_text,
)
from moorage.deploy.stack_sets.state import Instance
from moorage.deploy.stack_sets.status import read_environment, statuses_json, statuses_text
from moorage.deploy.target import DeployStack
from moorage.model import Share, Targets

# Order -----------------------------------------------------------------------------------------


def test_a_stack_set_waits_for_those_that_it_imports_from() -> None:
    aws = FakeStackSets()
    assert results(deploy(aws, target())) == dict.fromkeys(
        ("network", "cluster", "web"), "succeeded"
    )
    shown = lines(aws)
    assert shown[:2] == ["00:00 network: creating", "00:00 cluster: creating"]
    assert shown.index("00:20 web: creating") > shown.index("00:20 network: created in 00:20")
    assert f"00:10 network: {ONE} {CENTRAL} (stack) CREATE_COMPLETE" in shown
    assert f"00:20 network: {TWO} {WEST} (stack) CREATE_COMPLETE" in shown
    assert shown[-1] == "00:40 web: created in 00:20"
    assert places(aws) == [(ONE, CENTRAL), (ONE, WEST), (TWO, CENTRAL), (TWO, WEST)]


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_the_order_of_any_environment_is_kept(data: st.DataObject) -> None:
    """Creation, growth, and removal of accounts, each in the order of the dependencies."""
    stacks: list[DeployStack] = []
    for number in range(data.draw(st.integers(1, 6))):
        names = [stack.name for stack in stacks]
        needed = data.draw(st.sets(st.sampled_from(names))) if names else set()
        stacks.append(make_stack(f"stack{number}", *sorted(needed)))
    aws = FakeStackSets()
    deploy(aws, target(*stacks))
    began, ended = _times(aws)
    for stack in stacks:
        assert all(ended[name] <= began[stack.name] for name in stack.depends_on)
    aws.events.clear()
    moved = target(*stacks, targets=replace(TARGETS, accounts=(ONE, THREE)))
    assert set(results(deploy(aws, moved)).values()) == {"succeeded"}
    began, ended = _times(aws)  # the last thing that was done with each: the removal
    for stack in stacks:
        assert all(ended[stack.name] <= began[name] for name in stack.depends_on)
        assert {account for account, _ in places(aws, stack.stack_name)} == {ONE, THREE}


def _times(aws: FakeStackSets) -> tuple[dict[str, float], dict[str, float]]:
    began = {event.stack: event.at for event in aws.events if isinstance(event, Started)}
    ended = {event.stack: event.at for event in aws.events if isinstance(event, Ended)}
    return began, ended


def test_nothing_to_change_takes_few_requests() -> None:
    aws = FakeStackSets()
    stacks = [make_stack(f"stack{number}") for number in range(20)]
    deploy(aws, target(*stacks))
    aws.log.clear()
    plans = plan(aws, target(*stacks))
    assert [item.kind for item in plans] == ["nothing"] * 20
    assert plans_text(plans) == f"Nothing to change: {', '.join(s.name for s in stacks)}\n"
    assert len(aws.log) <= 1 + 3 * 20


# Updates ---------------------------------------------------------------------------------------


def test_an_update_shows_what_changes_and_reaches_every_stack() -> None:
    aws = FakeStackSets()
    deploy(aws, target())
    text = "Resources: {Cluster: {Type: AWS::ECS::Cluster, Properties: {ClusterName: a}}}\n"
    changed = target(NETWORK, CLUSTER, replace(WEB, text=text))
    plans = plan(aws, changed)
    assert plans_text(plans) == (
        "web (stack set shop-dev-web) will be updated\n"
        "  ~ Cluster  AWS::ECS::Cluster  REPLACED, because ClusterName changes\n"
        "      ClusterName: a (new)\n"
        "      Every service in it is replaced.\n"
        "  updates 4 stacks\n"
        "\n"
        "Nothing to change: network, cluster\n"
    )
    assert count_plans(plans) == "update 1 stack set"
    aws.requests.clear()
    assert results(deploy(aws, changed))["web"] == "succeeded"
    assert asked(aws) == ["UpdateStackSet"]
    assert aws.sets["shop-dev-web"].request["TemplateBody"] == text


def test_accounts_and_regions_come_and_go() -> None:
    aws = FakeStackSets()
    deploy(aws, target())
    moved = target(targets=Targets(("us-east-1", CENTRAL), (ONE, THREE)))
    shown = plans_text(plan(aws, moved)).splitlines()
    assert shown[:6] == [
        "network (stack set shop-dev-network) will be updated",
        f"  + {ONE}, {THREE} in us-east-1",
        f"  + {THREE} in {CENTRAL}",
        f"  - {TWO} in {CENTRAL}: deleted",
        f"  - {ONE}, {TWO} in {WEST}: deleted",
        "",
    ]
    aws.requests.clear()
    deploy(aws, moved)
    wanted = [(ONE, CENTRAL), (ONE, "us-east-1"), (THREE, CENTRAL), (THREE, "us-east-1")]
    assert places(aws) == wanted == places(aws, "shop-dev-network")
    assert plan(aws, moved)[0].kind == "nothing"


def test_preferences_are_those_of_the_params() -> None:
    aws = FakeStackSets()
    chosen = Targets(
        (WEST, CENTRAL),
        (ONE,),
        region_concurrency="parallel",
        max_concurrent=Share(50, is_percentage=True),
        failure_tolerance=Share(10, is_percentage=True),
        concurrency_mode="soft",
        managed_execution=True,
        administration_role=f"arn:aws:iam::{ONE}:role/admin",
        execution_role="execution",
    )
    deploy(aws, target(NETWORK, targets=chosen))
    (_, made), (_, filled) = aws.requests
    assert made["PermissionModel"] == "SELF_MANAGED"
    assert made["AdministrationRoleARN"] == f"arn:aws:iam::{ONE}:role/admin"
    assert made["ExecutionRoleName"] == "execution"
    assert made["ManagedExecution"] == {"Active": True}
    assert "AutoDeployment" not in made
    assert filled["Accounts"] == [ONE]
    assert filled["Regions"] == [WEST, CENTRAL]
    assert filled["OperationPreferences"] == {
        "RegionConcurrencyType": "PARALLEL",
        "RegionOrder": [WEST, CENTRAL],
        "MaxConcurrentPercentage": 50,
        "FailureTolerancePercentage": 10,
        "ConcurrencyMode": "SOFT_FAILURE_TOLERANCE",
    }


def test_managed_execution_changes_in_an_operation_of_its_own() -> None:
    aws = FakeStackSets()
    deploy(aws, target(NETWORK))
    aws.requests.clear()
    tagged = replace(NETWORK, tags={**NETWORK.tags, "team": "web"})
    changed = target(tagged, targets=replace(TARGETS, managed_execution=True))
    assert "  changes: tags, managed execution\n" in plans_text(plan(aws, changed))
    assert results(deploy(aws, changed)) == {"network": "succeeded"}
    assert [request.get("UsePreviousTemplate") for _, request in aws.requests] == [True, None]
    assert plan(aws, changed)[0].kind == "nothing"


# Failures --------------------------------------------------------------------------------------

RESOURCE = "ResourceLogicalId:Cluster, ResourceType:AWS::ECS::Cluster"
TAKEN = f"{RESOURCE}, ResourceStatusReason:shop already exists."


def test_a_failure_stops_the_operation_and_the_deployment() -> None:
    aws = FakeStackSets(failing={("shop-dev-network", TWO, CENTRAL): [TAKEN]})
    outcomes = deploy(aws, target())
    assert results(outcomes) == {"network": "failed", "cluster": "succeeded"}
    assert outcomes["network"].reason == (
        f"{TWO} {CENTRAL}: {TAKEN.rstrip('.')}; not begun in 2 more"
    )
    assert [(item.place, item.status) for item in outcomes["network"].failures] == [
        (f"{TWO} {CENTRAL}", "FAILED"),
        (f"{ONE} {WEST}", "CANCELLED"),
        (f"{TWO} {WEST}", "CANCELLED"),
    ]
    assert f"00:10 network: {TWO} {CENTRAL} (stack) CREATE_FAILED: {TAKEN}" in lines(aws)

    shown = plans_text(plan(aws, target()))
    assert f"  ! {TWO} {CENTRAL} is OUTDATED (FAILED): {TAKEN}\n" in shown
    assert set(results(deploy(aws, target())).values()) == {"succeeded", "unchanged"}
    assert all(status.healthy for status in read_environment(aws.clients(), target()))


def test_tolerated_failures_do_not_stop_what_comes_after() -> None:
    aws = FakeStackSets(failing={("shop-dev-network", TWO, CENTRAL): [TAKEN]})
    tolerant = target(targets=replace(TARGETS, failure_tolerance=Share(1)))
    outcomes = deploy(aws, tolerant)
    assert results(outcomes) == dict.fromkeys(("network", "cluster", "web"), "succeeded")
    assert [item.place for item in outcomes["network"].failures] == [f"{TWO} {CENTRAL}"]


def test_the_reasons_of_all_stacks_are_gathered() -> None:
    reasons = {("shop-dev-network", name, CENTRAL): [TAKEN] for name in (ONE, TWO)}
    aws = FakeStackSets(failing=reasons)
    deploy(aws, target())
    statuses = read_environment(aws.clients(), target())
    assert [status.healthy for status in statuses] == [False, True, False]
    assert statuses_text(statuses[:1]) == (
        "network (stack set shop-dev-network)  4 stacks: 4 OUTDATED\n"
        f"  !! {ONE} {CENTRAL} is OUTDATED (FAILED): {TAKEN}\n"
        f"  !! {ONE} {WEST} is OUTDATED (CANCELLED): Cancelled since failure tolerance has "
        "exceeded\n"
        f"  !! {TWO} {CENTRAL} is OUTDATED (FAILED): {TAKEN}\n"
        f"  !! {TWO} {WEST} is OUTDATED (CANCELLED): Cancelled since failure tolerance has "
        "exceeded\n"
    )
    aws.log.clear()
    found = [*find_set_failures(aws.context(), statuses, TARGETS)]
    assert aws.log == ["ListStackSetOperationResults"], "each operation is read once"
    assert failures_text(found) == (
        "network (stack set shop-dev-network): 4 stacks are not current\n"
        "\n"
        "1. AWS has such a resource already.\n"
        "   Cluster (AWS::ECS::Cluster)\n"
        "   AWS: shop already exists\n"
        "   Its name, or what identifies it, is taken: by another stack, by somebody by hand, "
        "or by an\n"
        "   earlier stack that kept the resource.\n"
        "   What to do: Delete the other resource if nothing needs it, or change what identifies "
        "this\n"
        "   one.\n"
        "   See: python build.py explain W9961 E9983\n"
        f"   FAILED: {ONE} {CENTRAL}\n"
        f"   FAILED: {TWO} {CENTRAL}\n"
        "\n"
        "2. Cancelled since failure tolerance has exceeded\n"
        f"   CANCELLED: {ONE} {WEST}\n"
        f"   CANCELLED: {TWO} {WEST}\n"
    )


def test_results_that_come_late_are_waited_for() -> None:
    failing = {("shop-dev-network", ONE, WEST): [TAKEN]}
    aws = FakeStackSets(failing=failing, results_late_by=8)
    outcomes = deploy(aws, target(NETWORK))
    assert [item.place for item in outcomes["network"].failures] == [f"{ONE} {WEST}"]


def test_another_operation_is_waited_for() -> None:
    aws = FakeStackSets()
    deploy(aws, target(NETWORK))
    changed = target(replace(NETWORK, tags={**NETWORK.tags, "team": "web"}))
    execution = start(aws, changed)
    other = aws.sets["shop-dev-network"]
    aws._begin(other, "UPDATE", list(other.instances), {"StackSetName": "", "OperationId": "x"})
    assert results(execution.run(aws.events.append, 5)) == {"network": "succeeded"}
    assert "00:20 network: waits for another operation of the stack set" in lines(aws)


def test_an_error_of_aws_names_the_operation() -> None:
    aws = FakeStackSets()
    refusal = RefusalError("LimitExceededException", "too many stack instances")
    aws.refusals["CreateStackInstances"] = [refusal]
    outcomes = deploy(aws, target(NETWORK))
    assert outcomes["network"].reason == "CreateStackInstances: too many stack instances"
    assert results(deploy(aws, target(NETWORK))) == {"network": "succeeded"}


def test_a_lost_connection_does_not_stop_the_deployment() -> None:
    aws = FakeStackSets(offline=(4, 64))
    assert results(deploy(aws, target(NETWORK))) == {"network": "succeeded"}
    assert any("Trying again" in line for line in lines(aws))


def test_an_interrupted_operation_can_be_stopped_and_continued() -> None:
    aws = FakeStackSets(interrupt_at=5)
    execution = start(aws, target(NETWORK))
    with pytest.raises(KeyboardInterrupt):
        execution.run(aws.events.append, 5)
    assert list(execution.under_way) == ["network"]
    execution.stop()
    aws.time += 10
    statuses = read_environment(aws.clients(), target(NETWORK))
    assert "2 CURRENT, 2 OUTDATED" in statuses_text(statuses)
    assert results(deploy(aws, target(NETWORK))) == {"network": "succeeded"}
    assert read_environment(aws.clients(), target(NETWORK))[0].healthy


def test_an_interruption_says_what_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    aws = FakeStackSets(interrupt_at=5)
    arguments = argparse.Namespace(format="text", parallel=5, env="dev")
    assert execute_sets(arguments, start(aws, target())) == 130
    assert capsys.readouterr().err == (
        "interrupted; CloudFormation goes on with network, cluster\n"
        "the same command waits for them and continues\n"
    )
    aws.time += 60
    assert execute_sets(arguments, start(aws, target())) == 0


@pytest.mark.parametrize(
    ("interruption", "questions"), [(KeyboardInterrupt(), 1), (TerminatedError(), 0)]
)
def test_operations_are_stopped_after_asking_and_sigterm_asks_nothing(
    interruption: KeyboardInterrupt, questions: int, capsys: pytest.CaptureFixture[str]
) -> None:
    answered = []

    def agree(question: str) -> bool:
        answered.append(question)
        return True

    aws = FakeStackSets(interrupt_at=5, interruption=interruption)
    arguments = argparse.Namespace(format="text", parallel=5, env="dev")
    code = execute_sets(arguments, start(aws, target(NETWORK)), agree)
    assert code == interruption_code(interruption)
    assert len(answered) == questions
    stopped = "stacks that are being changed are finished, others are not begun" in (
        capsys.readouterr().err
    )
    assert stopped == bool(questions)


def test_a_deployment_that_was_killed_is_continued() -> None:
    aws = FakeStackSets(interrupt_at=5)
    with pytest.raises(KeyboardInterrupt):
        deploy(aws, target(NETWORK))
    assert results(deploy(aws, target(NETWORK))) == {"network": "succeeded"}
    assert "waits for another operation of the stack set" in "".join(lines(aws))
    assert len(places(aws, "shop-dev-network")) == 4


def test_what_cannot_be_deployed_says_why() -> None:
    aws = FakeStackSets()
    deploy(aws, target(NETWORK))
    managed = Targets((CENTRAL,), organizational_units=("r-ab12",))
    (found,) = plan(aws, target(NETWORK, targets=managed))
    assert "the stack set is SELF_MANAGED, and `targets` needs SERVICE_MANAGED" in found.problems[0]
    aws.sets["shop-dev-network"].request["Tags"] = [
        {"Key": key, "Value": "other"} for key in ("app", "env", "stack")
    ]
    (found,) = plan(aws, target(NETWORK))
    assert "belongs to app `other`, env `other`, stack `other`" in found.problems[0]


# Deletion --------------------------------------------------------------------------------------


def test_deletion_is_in_the_reverse_order_and_finds_what_the_params_lost() -> None:
    aws = FakeStackSets()
    deploy(aws, target(NETWORK, CLUSTER, WEB, make_stack("old", "network")))
    statuses = read_environment(aws.clients(), target())
    assert "old (stack set shop-dev-old)  4 stacks: 4 CURRENT, NOT IN THE PARAMS" in statuses_text(
        statuses
    )
    removals = plan_set_removals(target(), statuses)
    assert [item.name for item in removals] == ["old", "web", "cluster", "network"]
    assert set_removals_text(removals).startswith(
        "old (stack set shop-dev-old) and 4 stacks will be deleted\n"
        f"  - {ONE}, {TWO} in {CENTRAL}, {WEST}\n"
    )
    aws.requests.clear()
    assert set(destroy(aws, target()).values()) == {""}
    assert aws.sets == {}
    gone = [asked["StackSetName"] for name, asked in aws.requests if name == "DeleteStackSet"]
    assert gone[:2] == ["shop-dev-old", "shop-dev-web"]


def test_a_stack_set_of_another_environment_is_not_deleted() -> None:
    aws = FakeStackSets()
    deploy(aws, target())
    aws.sets["shop-dev-web"].request["Tags"] = [
        {"Key": key, "Value": value}
        for key, value in (("app", "shop"), ("env", "other"), ("stack", "web"))
    ]
    options = {"unprotect": False, "empty": None, "task_definitions": False}
    arguments = argparse.Namespace(stacks=[], yes=True, format="text", parallel=5, **options)
    with pytest.raises(FailedError, match="shop-dev-web belongs to app `shop`, env `other`"):
        destroy_sets(arguments, target(), aws.clients(), ONE)
    assert len(aws.sets) == 3


@pytest.mark.parametrize(
    ("option", "value", "name"),
    [
        ("unprotect", True, "--unprotect"),
        ("empty", "all", "--empty"),
        ("task_definitions", True, "--task-definitions"),
    ],
)
def test_what_needs_access_to_the_accounts_is_refused(
    option: str, value: object, name: str
) -> None:
    options = {"unprotect": False, "empty": None, "task_definitions": False, option: value}
    arguments = argparse.Namespace(stacks=[], yes=True, format="text", parallel=5, **options)
    aws = FakeStackSets()
    with pytest.raises(UsageError, match=f"{name} does not fit `targets`"):
        destroy_sets(arguments, target(), aws.clients(), ONE)
    assert aws.requests == []


def test_a_deletion_that_fails_keeps_what_it_needs() -> None:
    aws = FakeStackSets()
    deploy(aws, target())
    aws.failing["shop-dev-web", ONE, CENTRAL] = ["Service cannot be deleted"]
    results = destroy(aws, target())
    assert list(results) == ["web"]
    assert results["web"].startswith(f"{ONE} {CENTRAL}: Service cannot be deleted")
    assert "shop-dev-network" in aws.sets
    (found,) = plan(aws, target(WEB))
    assert found.problems[0].startswith(f"the stack in {ONE} {CENTRAL} is INOPERABLE")


def test_one_at_a_time_if_asked() -> None:
    aws = FakeStackSets()
    start(aws, target()).run(aws.events.append, 1)
    began, ended = _times(aws)
    assert ended["network"] <= began["cluster"]


def test_a_suspended_account_is_nothing_to_repair() -> None:
    skipped = Instance(ONE, CENTRAL, "OUTDATED", "SKIPPED_SUSPENDED_ACCOUNT")
    assert skipped.current


def test_output_for_machines_says_the_same() -> None:
    aws = FakeStackSets(failing={("shop-dev-network", ONE, CENTRAL): [TAKEN]})
    (preview,) = [json.loads(line) for line in plans_json(plan(aws, target(NETWORK))).splitlines()]
    assert (preview["kind"], preview["stack_set"]) == ("create", "shop-dev-network")
    assert preview["added"][0]["accounts"] == [ONE, TWO]
    deploy(aws, target(NETWORK))
    statuses = read_environment(aws.clients(), target(NETWORK))
    (status,) = json.loads(statuses_json(statuses))
    assert (status["deployed"], status["healthy"], len(status["instances"])) == (True, False, 4)
    (failures,) = json.loads(failures_json([*find_set_failures(aws.context(), statuses, TARGETS)]))
    assert failures["reasons"][0]["reason"] == TAKEN
    removals = plan_set_removals(target(NETWORK), statuses)
    (removal,) = [json.loads(line) for line in set_removals_json(removals).splitlines()]
    assert removal["instances"][0] == f"{ONE} {CENTRAL}"
