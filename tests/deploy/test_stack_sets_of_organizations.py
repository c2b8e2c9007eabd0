"""Stack sets of organizational units, with service-managed permissions."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fake_aws import RefusalError
from fake_stack_sets import FakeStackSets
from stack_set_steps import (
    CENTRAL,
    NETWORK,
    ONE,
    THREE,
    TWO,
    deploy,
    destroy,
    places,
    plan,
    target,
)

from moorage.deploy.stack_sets.plan_text import plans_text
from moorage.model import Share, Targets

UNIT, OTHER = "ou-ab12-00000001", "ou-ab12-00000002"
MANAGED = Targets(
    (CENTRAL,),
    organizational_units=(UNIT,),
    auto_deployment=True,
    retain_stacks=True,
    call_as="delegated_admin",
    max_concurrent=Share(2),
)


def organization() -> FakeStackSets:
    return FakeStackSets(organization={UNIT: [ONE, TWO], OTHER: [THREE]})


def test_automatic_deployment_knows_the_order() -> None:
    aws = organization()
    deploy(aws, target(targets=MANAGED))
    request = dict(aws.requests)  # the last one of each kind
    assert all(asked["CallAs"] == "DELEGATED_ADMIN" for _, asked in aws.requests)
    created = [asked for operation, asked in aws.requests if operation == "CreateStackSet"]
    web = next(asked for asked in created if asked["StackSetName"] == "shop-dev-web")
    assert web["PermissionModel"] == "SERVICE_MANAGED"
    assert web["AutoDeployment"]["Enabled"]
    assert web["AutoDeployment"]["RetainStacksOnAccountRemoval"]
    assert [arn.split("/")[-1] for arn in web["AutoDeployment"]["DependsOn"]] == [
        "shop-dev-cluster",
        "shop-dev-network",
    ]
    assert request["CreateStackInstances"]["DeploymentTargets"] == {"OrganizationalUnitIds": [UNIT]}
    assert places(aws) == [(ONE, CENTRAL), (TWO, CENTRAL)]
    assert [item.kind for item in plan(aws, target(targets=MANAGED))] == ["nothing"] * 3


@pytest.mark.parametrize(
    ("kind", "left"), [("intersection", [(ONE, CENTRAL)]), ("difference", [(TWO, CENTRAL)])]
)
def test_a_filter_leaves_accounts_out(kind: str, left: list[tuple[str, str]]) -> None:
    aws = organization()
    filtered = replace(MANAGED, accounts=(ONE,), account_filter=kind)  # type: ignore[arg-type]
    deploy(aws, target(NETWORK, targets=filtered))
    assert places(aws, "shop-dev-network") == left
    assert plan(aws, target(NETWORK, targets=filtered))[0].kind == "nothing"
    deploy(aws, target(NETWORK, targets=replace(MANAGED, organizational_units=(UNIT, OTHER))))
    deploy(aws, target(NETWORK, targets=filtered))
    assert places(aws, "shop-dev-network") == left, "others are removed again"


def test_accounts_that_have_come_are_found() -> None:
    aws = organization()
    chosen = replace(MANAGED, auto_deployment=False, retain_stacks=False)
    deploy(aws, target(NETWORK, targets=chosen))
    aws.organization[UNIT].append(THREE)
    aws.below[UNIT] = [OTHER]
    aws.organization[OTHER] = ["444444444444", aws.account]
    (found,) = plan(aws, target(NETWORK, targets=chosen))
    assert f"  + {UNIT} (only {THREE}, 444444444444) in {CENTRAL}\n" in plans_text([found])
    aws.refusals["DescribeOrganization"] = [RefusalError("AccessDeniedException")]
    assert plan(aws, target(NETWORK, targets=chosen))[0].kind == "nothing"
    deploy(aws, target(NETWORK, targets=chosen))
    assert (THREE, CENTRAL) in places(aws, "shop-dev-network")


def test_units_are_deleted_as_units() -> None:
    aws = organization()
    chosen = target(targets=MANAGED)
    deploy(aws, chosen)
    assert destroy(aws, chosen) == dict.fromkeys(("web", "cluster", "network"), "")
    deletion = dict(aws.requests)["DeleteStackInstances"]
    assert deletion["DeploymentTargets"] == {"OrganizationalUnitIds": [UNIT]}
    assert deletion["RetainStacks"] is False
    assert aws.sets == {}
