"""Stacks in a status that needs a decision: what the user reads, and what is done about it."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_aws import (
    FakeAws,
    FakeStack,
    Step,
    deployed,
    fail_update,
    make_stack,
    make_target,
)

from moorage.commands.deployment import find_stack
from moorage.commands.usage import FailedError
from moorage.deploy.guards import (
    Obstacle,
    find_account_problem,
    find_foreign_stacks,
    find_obstacles,
    obstacle_text,
)
from moorage.deploy.jobs import run_job
from moorage.deploy.recovery import Removal, remove_obstacle, skip_question
from moorage.deploy.stack_state import read_states

WEB = make_stack("web")
TARGET = make_target(WEB)
PAGE = Path("docs/deploy/recovery.md")


def obstacles(aws: FakeAws) -> list[Obstacle]:
    return [*find_obstacles(TARGET.stacks, read_states(aws.clients().cloudformation))]


def with_status(status: str, **more: object) -> FakeAws:
    stack = FakeStack("shop-dev-web", status, tags=dict(WEB.tags), **more)  # type: ignore[arg-type]
    return FakeAws(stacks={stack.name: stack})


@pytest.mark.parametrize(
    "status",
    [
        *("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"),
        "REVIEW_IN_PROGRESS",
    ],
)
def test_a_stack_that_can_be_updated_is_no_obstacle(status: str) -> None:
    assert obstacles(with_status(status)) == []


def test_a_failed_creation_is_deleted_after_asking() -> None:
    aws = with_status("ROLLBACK_COMPLETE", reason="The following resource(s) failed: [Service].")
    (obstacle,) = obstacles(aws)
    assert obstacle_text(obstacle) == (
        "shop-dev-web is ROLLBACK_COMPLETE (The following resource(s) failed: [Service].). Its "
        "creation failed, and CloudFormation can only delete it. It has no resources that work; "
        "those with `DeletionPolicy: Retain` stay."
    )
    assert obstacle.question == "Delete what is left of it"
    assert run_job(remove_obstacle(aws.context(), obstacle), aws.clock).done
    assert obstacles(aws) == []


def test_a_creation_without_rollback_is_deleted_knowing_what_exists() -> None:
    (obstacle,) = obstacles(with_status("CREATE_FAILED"))
    assert obstacle_text(obstacle) == (
        "shop-dev-web is CREATE_FAILED. Its creation failed with rollback disabled. The resources "
        "that were created still exist, and are deleted with it; those with `DeletionPolicy: "
        "Retain` stay."
    )
    assert (obstacle.remedy, obstacle.question) == ("delete", "Delete it, with what was created")


def test_the_page_shows_what_the_user_reads() -> None:
    reason = "The following resource(s) failed to create: [Service]."
    (obstacle,) = obstacles(with_status("ROLLBACK_COMPLETE", reason=reason))
    page = PAGE.read_text().replace("kelp-dev-web", "shop-dev-web")
    assert f"dev: {obstacle_text(obstacle)}\n" in page
    assert f"{obstacle.question}? [y/N]\n" in page
    (obstacle,) = obstacles(with_status("UPDATE_ROLLBACK_FAILED"))
    assert f"{skip_question(obstacle, ['Service'])}. [y/N]\n" in page


def test_a_protected_stack_is_not_deleted() -> None:
    (obstacle,) = obstacles(with_status("ROLLBACK_COMPLETE", protected=True))
    assert obstacle.remedy is None
    assert "termination protection is on" in obstacle_text(obstacle)


def test_a_failed_rollback_is_continued() -> None:
    aws = with_status("UPDATE_ROLLBACK_FAILED")
    (obstacle,) = obstacles(aws)
    assert (obstacle.remedy, obstacle.question) == ("continue-rollback", "Continue the rollback")
    steps = [
        Step(0, "", "UPDATE_ROLLBACK_IN_PROGRESS"),
        Step(5, "", "UPDATE_ROLLBACK_COMPLETE"),
    ]
    aws.scripts["shop-dev-web"] = [steps]
    assert run_job(remove_obstacle(aws.context(), obstacle), aws.clock).done
    assert obstacles(aws) == []


def test_a_rollback_that_fails_again_names_the_resources_that_can_be_skipped() -> None:
    aws = with_status("UPDATE_ROLLBACK_FAILED")
    (obstacle,) = obstacles(aws)
    aws.scripts["shop-dev-web"] = [fail_update("It was deleted by hand", "UPDATE_ROLLBACK_FAILED")]
    removal = run_job(remove_obstacle(aws.context(), obstacle), aws.clock)
    assert removal == Removal(done=False, stuck=("Cluster",))
    assert getattr(aws.events[-1], "reason", "") == (
        "Cluster (AWS::ECS::Cluster): It was deleted by hand. The stack is UPDATE_ROLLBACK_FAILED"
    )
    aws.scripts["shop-dev-web"] = [[Step(5, "", "UPDATE_ROLLBACK_COMPLETE")]]
    assert run_job(remove_obstacle(aws.context(), obstacle, removal.stuck), aws.clock).done
    assert aws.skipped == ["Cluster"]
    assert obstacles(aws) == []


def test_an_operation_that_is_under_way_is_waited_for() -> None:
    aws = with_status("UPDATE_IN_PROGRESS")
    aws.stacks["shop-dev-web"].steps = [(30, Step(30, "", "UPDATE_COMPLETE"))]
    (obstacle,) = obstacles(aws)
    assert run_job(remove_obstacle(aws.context(), obstacle), aws.clock).done
    assert aws.time == 30
    assert obstacles(aws) == []


def test_what_only_the_user_can_solve_has_no_remedy() -> None:
    (obstacle,) = obstacles(with_status("UPDATE_FAILED"))
    assert obstacle.remedy is None
    assert "aws cloudformation rollback-stack" in obstacle_text(obstacle)


def test_another_account_is_refused() -> None:
    assert find_account_problem("dev", "111122223333", "111122223333") == ""
    assert find_account_problem("dev", None, "111122223333") == ""
    assert find_account_problem("dev", "111122223333", "444455556666") == (
        "these credentials are for the account 444455556666, and dev belongs to 111122223333. "
        "Choose a profile for 111122223333 with --profile"
    )


def test_a_stack_of_another_environment_with_the_same_name_is_refused() -> None:
    """`shop-dev` in `web` and `shop` in `dev-web` have stacks of the same name."""
    aws = FakeAws(stacks=deployed((WEB,)))
    states = read_states(aws.clients().cloudformation)
    assert [*find_foreign_stacks(TARGET.stacks, states)] == []
    aws.stacks["shop-dev-web"].tags = {"app": "shop-dev", "env": "web", "stack": "api"}
    states = read_states(aws.clients().cloudformation)
    assert [*find_foreign_stacks(TARGET.stacks, states)] == [
        "the stack shop-dev-web exists already and belongs to app `shop-dev`, env `web`, stack "
        "`api`. Rename `app`, the environment or the stack `web`"
    ]


def test_commands_for_one_stack_refuse_that_of_another_environment() -> None:
    aws = with_status("UPDATE_COMPLETE")
    assert find_stack(aws.clients(), WEB).stack_name == "shop-dev-web"
    aws.stacks["shop-dev-web"].tags["env"] = "other"
    with pytest.raises(FailedError, match="belongs to app `shop`, env `other`"):
        find_stack(aws.clients(), WEB)
    aws.stacks.clear()
    with pytest.raises(FailedError, match="shop-dev-web is not deployed yet"):
        find_stack(aws.clients(), WEB)
