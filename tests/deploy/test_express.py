"""Express mode: which stacks are created in it, and what the user sees."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from fake_aws import (
    SERVICE,
    FakeAws,
    RefusalError,
    Step,
    deployed,
    fail_creation,
    make_stack,
    make_target,
    succeed,
)
from test_execute import lines, results

from moorage.deploy.execute import Execution
from moorage.deploy.express import choose_express
from moorage.deploy.preview import preview_stacks
from moorage.deploy.preview_text import previews_text
from moorage.deploy.stack_state import read_states
from moorage.deploy.target import DeployStack, Target
from moorage.plan import TrafficPair

NETWORK = make_stack("network")
WEB = make_stack("web", "network")
STANDARD = {"Mode": "STANDARD"}
EXPRESS = {"Mode": "EXPRESS", "DisableRollback": False}
ARN = "arn:aws:ecs:eu-central-1:111122223333:service/shop/shop-dev-web"


def chosen(aws: FakeAws, *stacks: DeployStack) -> list[str]:
    states = read_states(aws.clients().cloudformation)
    target = choose_express(make_target(*stacks), states)
    return [stack.name for stack in target.stacks if stack.express]


def start(aws: FakeAws, target: Target) -> Execution:
    context = aws.context()
    states = read_states(context.aws.cloudformation)
    previews = preview_stacks(context, choose_express(target, states), states)
    return Execution(context, previews, (), states)


def test_only_new_stacks_that_no_other_needs_are_created_in_express_mode() -> None:
    assert chosen(FakeAws(), NETWORK, WEB) == ["web"]
    assert chosen(FakeAws(), NETWORK, WEB, make_stack("after", "web")) == ["after"]
    assert chosen(FakeAws(stacks=deployed((WEB,))), NETWORK, WEB) == [], "an update never is"
    aws = FakeAws(stacks=deployed((WEB,)))
    aws.stacks["shop-dev-web"].status = "REVIEW_IN_PROGRESS"
    assert chosen(aws, WEB) == ["web"], "a change set alone is no stack yet"


def test_stacks_after_whose_creation_something_follows_are_waited_for() -> None:
    pair = TrafficPair("Listener", "Blue", "Green", "Weight")
    assert chosen(FakeAws(), make_stack("migrate", run=True)) == []
    assert chosen(FakeAws(), replace(WEB, code_deploy=600)) == []
    assert chosen(FakeAws(), replace(WEB, pairs=(pair,))) == []


def test_a_stack_that_is_not_deployed_now_counts_as_well() -> None:
    target = choose_express(make_target(NETWORK, WEB), {})
    assert not any(stack.express for stack in target.select(["network"]).stacks)


def test_the_user_sees_the_mode_and_the_services_at_the_end() -> None:
    steps = succeed(seconds=6, name="Service")
    steps = [replace(step, type=SERVICE) for step in steps]
    deployment = {"status": "PRIMARY", "desiredCount": 2, "runningCount": 0, "pendingCount": 2}
    aws = FakeAws(
        scripts={"shop-dev-web": [steps]},
        services={ARN: lambda time: {"deployments": [deployment]}},
        stacks=deployed((NETWORK,)),
    )
    execution = start(aws, make_target(NETWORK, WEB))
    assert previews_text(execution.previews).startswith(
        "web (shop-dev-web) will be created, in express mode\n"
    )
    assert results(execution.run(aws.events.append, 1)) == {
        "network": "unchanged",
        "web": "succeeded",
    }
    assert aws.modes["shop-dev-web"] == EXPRESS
    shown = lines(aws)
    assert shown[-2:] == [
        "00:06 web: Service: 0 of 2 tasks run, 2 start",
        "00:06 web: created in 00:06: CloudFormation has not waited for it. `moorage status dev` "
        "shows whether it runs",
    ]
    page = Path("docs/deploy/deploy.md").read_text()
    assert all(f"{line}\n" in page for line in shown[-2:])
    assert "web (shop-dev-web) will be created, in express mode\n" in page


def test_the_next_update_is_not_in_express_mode() -> None:
    aws = FakeAws()
    start(aws, make_target(NETWORK, WEB)).run(aws.events.append, 1)
    assert aws.modes == {"shop-dev-network": STANDARD, "shop-dev-web": EXPRESS}
    changed = make_target(NETWORK, make_stack("web", "network", text="v2"))
    assert results(start(aws, changed).run(aws.events.append, 1))["web"] == "succeeded"
    assert aws.modes["shop-dev-web"] == STANDARD


def test_a_stack_whose_imports_come_later_is_created_in_express_mode_too() -> None:
    aws = FakeAws()
    web = make_stack("web", "network", imports=("shop-dev-network-Name",))
    start(aws, make_target(NETWORK, web)).run(aws.events.append, 1)
    assert aws.modes["shop-dev-web"] == EXPRESS


def test_a_failed_creation_in_express_mode_is_rolled_back() -> None:
    aws = FakeAws(scripts={"shop-dev-web": [fail_creation("No capacity")]})
    outcomes = start(aws, make_target(NETWORK, WEB)).run(aws.events.append, 1)
    assert outcomes["web"].reason == (
        "Cluster (AWS::ECS::Cluster): No capacity. The stack is ROLLBACK_COMPLETE"
    )


def test_without_access_to_ecs_the_stack_is_created_nevertheless() -> None:
    aws = FakeAws(scripts={"shop-dev-web": [[Step(0, "", "CREATE_COMPLETE")]]})
    aws.services[ARN] = lambda time: {}
    aws.refusals["DescribeServices"] = [RefusalError("AccessDeniedException", "Not allowed")]
    outcomes = start(aws, make_target(WEB)).run(aws.events.append, 1)
    assert results(outcomes) == {"web": "succeeded"}
    assert "AWS refuses DescribeServices: Not allowed. The rollout is not shown" in lines(aws)[-2]
