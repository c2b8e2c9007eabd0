"""Volumes: permissions of the task role, dependencies, and what an update or a deletion keeps."""

from __future__ import annotations

from typing import Any

import pytest
from stack_bodies import build_bodies, properties, service

EXISTING = {"file_system": "fs-0a1b2c3d", "access_point": "fsap-0a1b2c3d"}
EXISTING_NETWORK = {
    "vpc": "vpc-0123456789abcdef0",
    "private_subnets": ["subnet-0000000000000000c", "subnet-0000000000000000d"],
}


def build_with_volume(
    volume: dict[str, Any], mount: Any = "/data", egress: str = "nat", **params: Any
) -> Any:
    """The resources of a service whose only container mounts a volume `data`."""
    mounts = {"mounts": {"data": mount}}
    web = service(volumes={"data": volume}, container=mounts, **params)
    return build_bodies(network={"egress": egress}, web=web)["web"]["Resources"]


def mount_actions(resources: dict[str, Any]) -> list[str]:
    """The actions that the task role allows on the file system, without `Client`."""
    policies = properties(resources, "TaskRole").get("Policies", [])
    (volumes,) = [policy for policy in policies if policy["PolicyName"] == "Volumes"]
    (statement,) = volumes["PolicyDocument"]["Statement"]
    assert statement["Condition"]["StringEquals"].keys() == {"elasticfilesystem:AccessPointArn"}
    return [action.removeprefix("elasticfilesystem:Client") for action in statement["Action"]]


@pytest.mark.parametrize(
    ("efs", "mount", "actions"),
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
def test_the_task_role_allows_what_the_mounts_need(
    efs: Any, mount: Any, actions: list[str]
) -> None:
    assert mount_actions(build_with_volume({"efs": efs}, mount)) == actions


def test_an_existing_task_role_is_not_changed() -> None:
    role = {"existing": "arn:aws:iam::123456789012:role/old"}
    resources = build_with_volume({"efs": True}, task_role=role)
    assert "TaskRole" not in resources
    assert "DataFileSystem" in resources


def test_mount_targets_stay_when_tasks_move_to_other_subnets() -> None:
    public, private = (
        {
            name: resource
            for name, resource in build_with_volume({"efs": True}, egress=egress).items()
            if "Target" in name
        }
        for egress in ("public", "nat")
    )
    assert public == private
    assert public["DataMountTargetA"]["Properties"]["SubnetId"] == {
        "Fn::ImportValue": "shop-dev-network-PrivateSubnetAId"
    }


def test_mount_targets_stay_when_existing_subnets_are_listed_in_another_order() -> None:
    def mount_targets(subnets: list[str]) -> dict[str, Any]:
        existing = {**EXISTING_NETWORK, "private_subnets": subnets}
        web = service(volumes={"data": {"efs": True}}, container={"mounts": {"data": "/data"}})
        resources = build_bodies(network={"existing": existing}, web=web)["web"]["Resources"]
        return {
            name: resource
            for name, resource in resources.items()
            if resource["Type"].endswith("MountTarget")
        }

    subnets = EXISTING_NETWORK["private_subnets"]
    assert isinstance(subnets, list)
    assert mount_targets(subnets) == mount_targets(subnets[::-1])
    assert len(mount_targets(subnets)) == 2


def test_the_service_depends_on_every_mount_target() -> None:
    resources = build_with_volume({"efs": True})
    assert resources["Service"]["DependsOn"] == ["DataMountTargetA", "DataMountTargetB"]


def test_the_security_group_of_an_existing_file_system_allows_the_tasks() -> None:
    group = {"security_group": "sg-0123456789abcdef0"}
    resources = build_with_volume({"efs": {"existing": {**EXISTING, **group}}})
    rule = properties(resources, "Sg0123456789abcdef0Nfs")
    assert (rule["GroupId"], rule["FromPort"]) == ("sg-0123456789abcdef0", 2049)
    assert resources["Service"]["DependsOn"] == ["Sg0123456789abcdef0Nfs"]
    assert "DependsOn" not in build_with_volume({"efs": {"existing": EXISTING}})["Service"]


@pytest.mark.parametrize(("keep", "policy"), [(True, "RetainExceptOnCreate"), (False, "Delete")])
def test_a_file_system_is_kept_by_default(keep: bool, policy: str) -> None:
    file_system = build_with_volume({"efs": {"keep": keep}})["DataFileSystem"]
    assert file_system["DeletionPolicy"] == policy
    assert file_system["Properties"]["Encrypted"] is True


def test_an_ebs_volume_is_configured_by_the_service_and_encrypted() -> None:
    resources = build_with_volume({"ebs": {"size": 20}})
    (volume,) = properties(resources, "TaskDefinition")["Volumes"]
    assert volume == {"Name": "data", "ConfiguredAtLaunch": True}
    (configuration,) = properties(resources, "Service")["VolumeConfigurations"]
    assert configuration["ManagedEBSVolume"]["Encrypted"] is True
    assert properties(resources, "TaskRole").get("Policies") is None


def test_a_plain_volume_needs_no_other_resource() -> None:
    resources = build_with_volume({})
    assert properties(resources, "TaskDefinition")["Volumes"] == [{"Name": "data"}]
    assert "DependsOn" not in resources["Service"]
