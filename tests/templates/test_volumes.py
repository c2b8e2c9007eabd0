"""Volumes, repositories and names: who may do what, what stays where it is, what comes first."""

from __future__ import annotations

from typing import Any

import pytest

from moorage.pipeline.compose import compose
from moorage.pipeline.load import Document
from moorage.pipeline.render import render
from moorage.pipeline.validate import validate
from templates import TEMPLATES
from templates.tasks.containers import Container, apply_init

IMAGE = "ecr:shop/web:1"
EXISTING = {"file_system": "fs-0a1b2c3d", "access_point": "fsap-0a1b2c3d"}
OLD_NETWORK = {
    "vpc": "vpc-0123456789abcdef0",
    "private_subnets": ["subnet-0000000000000000c", "subnet-0000000000000000d"],
}


def bodies(**stacks: Any) -> dict[str, Any]:
    """The bodies of all stacks of an environment with a network and a cluster."""
    data = {
        "app": "shop",
        "region": "eu-central-1",
        "stacks": {"network": {}, "cluster": {}, **stacks},
    }
    document = Document("dev", "params/dev.yaml", data, {})
    env, findings = validate(document, TEMPLATES)
    assert env is not None
    assert findings == []
    found = {}
    for stack in compose(env, TEMPLATES):
        rendering, faults = render(stack, document, "yaml")
        assert rendering is not None, faults
        found[stack.name] = rendering.body
    return found


def service(**given: Any) -> dict[str, Any]:
    container = {"image": IMAGE, **given.pop("container", {})}
    return {"template": "service", "containers": {"web": container}, **given}


def stored(volume: dict[str, Any], mount: Any = "/data", **given: Any) -> dict[str, Any]:
    """The resources of a service whose one container mounts one volume `data`."""
    one = service(volumes={"data": volume}, container={"mounts": {"data": mount}}, **given)
    return dict(bodies(web=one)["web"]["Resources"])


def properties(resources: dict[str, Any], name: str) -> Any:
    return resources[name]["Properties"]


def mounting(resources: dict[str, Any]) -> list[str]:
    """What the task role may do with file systems, without the service's prefix."""
    policies = properties(resources, "TaskRole").get("Policies", [])
    (volumes,) = [one for one in policies if one["PolicyName"] == "Volumes"]
    (statement,) = volumes["PolicyDocument"]["Statement"]
    assert statement["Condition"]["StringEquals"].keys() == {"elasticfilesystem:AccessPointArn"}
    return [action.removeprefix("elasticfilesystem:Client") for action in statement["Action"]]


# Volumes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("efs", "mount", "allowed"),
    [
        (True, "/data", ["Mount", "Write"]),
        (True, {"path": "/data", "read_only": True}, ["Mount"]),
        ({"owner": "0:1000"}, "/data", ["Mount", "Write", "RootAccess"]),
        ({"owner": "1000:0"}, {"path": "/d", "read_only": True}, ["Mount", "RootAccess"]),
        ({"owner": "10:10"}, "/data", ["Mount", "Write"]),
        ({"existing": EXISTING}, "/data", ["Mount", "Write"]),
        ({"existing": {**EXISTING, "root": True}}, "/data", ["Mount", "Write", "RootAccess"]),
    ],
)
def test_the_task_role_may_do_what_the_mounts_take(
    efs: Any, mount: Any, allowed: list[str]
) -> None:
    assert mounting(stored({"efs": efs}, mount)) == allowed


def test_an_existing_task_role_is_left_alone() -> None:
    role = {"existing": "arn:aws:iam::123456789012:role/old"}
    resources = stored({"efs": True}, task_role=role)
    assert "TaskRole" not in resources
    assert "DataFileSystem" in resources


def test_mount_targets_stay_when_tasks_move_to_other_subnets() -> None:
    targets = [
        {
            name: one
            for name, one in stored({"efs": True}, subnets=where).items()
            if "Target" in name
        }
        for where in ("public", "private")
    ]
    assert targets[0] == targets[1]
    assert targets[0]["DataMountTargetA"]["Properties"]["SubnetId"] == {
        "Fn::ImportValue": "shop-dev-network-PrivateSubnetAId"
    }


def test_mount_targets_stay_when_a_list_of_subnets_is_put_in_another_order() -> None:
    def targets(subnets: list[str]) -> dict[str, Any]:
        existing = {**OLD_NETWORK, "private_subnets": subnets}
        one = service(volumes={"data": {"efs": True}}, container={"mounts": {"data": "/data"}})
        every = bodies(network={"existing": existing}, web=one)["web"]["Resources"]
        return {name: its for name, its in every.items() if its["Type"].endswith("MountTarget")}

    subnets = OLD_NETWORK["private_subnets"]
    assert isinstance(subnets, list)
    assert targets(subnets) == targets(subnets[::-1])
    assert len(targets(subnets)) == 2


def test_tasks_wait_for_every_mount_target() -> None:
    resources = stored({"efs": True})
    assert resources["Service"]["DependsOn"] == ["DataMountTargetA", "DataMountTargetB"]


def test_an_existing_file_system_lets_the_tasks_in_where_its_group_is_said() -> None:
    group = {"security_group": "sg-0123456789abcdef0"}
    resources = stored({"efs": {"existing": {**EXISTING, **group}}})
    rule = properties(resources, "Sg0123456789abcdef0Nfs")
    assert (rule["GroupId"], rule["FromPort"]) == ("sg-0123456789abcdef0", 2049)
    assert resources["Service"]["DependsOn"] == ["Sg0123456789abcdef0Nfs"]
    assert "DependsOn" not in stored({"efs": {"existing": EXISTING}})["Service"]


@pytest.mark.parametrize(("keep", "policy"), [(True, "RetainExceptOnCreate"), (False, "Delete")])
def test_files_outlive_the_stack_unless_one_says_otherwise(keep: bool, policy: str) -> None:
    system = stored({"efs": {"keep": keep}})["DataFileSystem"]
    assert system["DeletionPolicy"] == policy
    assert system["Properties"]["Encrypted"] is True


def test_a_disk_is_each_tasks_own_and_encrypted() -> None:
    resources = stored({"ebs": {"size": 20}})
    (volume,) = properties(resources, "TaskDefinition")["Volumes"]
    assert volume == {"Name": "data", "ConfiguredAtLaunch": True}
    (disk,) = properties(resources, "Service")["VolumeConfigurations"]
    assert disk["ManagedEBSVolume"]["Encrypted"] is True
    assert properties(resources, "TaskRole").get("Policies") is None


def test_a_shared_directory_needs_nothing_else() -> None:
    resources = stored({})
    assert properties(resources, "TaskDefinition")["Volumes"] == [{"Name": "data"}]
    assert "DependsOn" not in resources["Service"]


# Containers that run first -------------------------------------------------------------------


def waits(**containers: dict[str, Any]) -> dict[str, dict[str, str]]:
    every = {name: Container(image=IMAGE, **one) for name, one in containers.items()}
    return {name: dict(one.depends_on) for name, one in apply_init(every).items()}


def test_all_others_wait_for_what_runs_first() -> None:
    assert waits(a={}, first={"init": True}, z={"depends_on": {"a": "START"}}) == {
        "a": {"first": "SUCCESS"},
        "first": {},
        "z": {"first": "SUCCESS", "a": "START"},
    }


def test_what_runs_first_may_wait_for_some_of_them() -> None:
    first = {"init": True, "depends_on": {"agent": "HEALTHY"}}
    assert waits(agent={"depends_on": {"net": "START"}}, net={}, first=first, app={}) == {
        "agent": {"net": "START"},
        "net": {},
        "first": {"agent": "HEALTHY"},
        "app": {"first": "SUCCESS"},
    }


def test_one_may_wait_for_less() -> None:
    assert waits(a={"depends_on": {"first": "START"}}, first={"init": True})["a"] == {
        "first": "START"
    }


# Repositories --------------------------------------------------------------------------------

REGISTRY = {"template": "ecr", "repositories": {"shop/web": {}}}


def image(body: dict[str, Any]) -> Any:
    task = properties(body["Resources"], "TaskDefinition")
    return task["ContainerDefinitions"][0]["Image"]


def test_an_image_of_the_environments_own_repository_is_imported() -> None:
    export = {"Fn::ImportValue": "shop-dev-registry-ShopWebRepositoryUri"}
    found = bodies(registry=REGISTRY, web=service())
    assert image(found["web"]) == {"Fn::Sub": ["${Repository}:1", {"Repository": export}]}


def test_any_other_image_is_the_accounts() -> None:
    host = "${AWS::AccountId}.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}"
    for name in ("shop/web-2", "web"):
        found = bodies(registry=REGISTRY, web=service(container={"image": f"ecr:{name}:1"}))
        assert image(found["web"]) == {"Fn::Sub": f"{host}/{name}:1"}


def test_pulling_is_allowed_on_the_one_repository_wherever_it_comes_from() -> None:
    roles = [
        properties(found["web"]["Resources"], "ExecutionRole")
        for found in (bodies(web=service()), bodies(registry=REGISTRY, web=service()))
    ]
    assert roles[0] == roles[1]


def test_a_repository_and_a_service_are_never_one_stack() -> None:
    for kind, module in TEMPLATES.items():
        fields = module.Params.model_fields
        assert not {"repositories", "containers"} <= fields.keys(), kind
