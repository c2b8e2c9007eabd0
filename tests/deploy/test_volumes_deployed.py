"""Volumes, deployed: the task mounts what the stack created, and has access to it."""

from __future__ import annotations

from pathlib import Path

from cloud import Cloud, built

PARAMS = """\
app: shelf
region: eu-north-1
stacks:
  network: {}
  cluster: {}
  web:
    template: service
    volumes:
      uploads: {efs: {owner: "101:1000", infrequent_access_after: 30d}}
      cache: {}
    containers:
      prepare: {image: "ecr:shelf/web:1", init: true, mounts: {cache: /out}}
      web:
        image: ecr:shelf/web:1
        mounts: {uploads: /srv/uploads, cache: {path: /srv/cache, read_only: true}}
"""


def test_a_service_mounts_its_file_system_in_every_zone(cloud: Cloud, tmp_path: Path) -> None:
    (tmp_path / "params").mkdir()
    (tmp_path / "params/dev.yaml").write_text(PARAMS)
    deployment = built(tmp_path / "params", "dev", cloud, tmp_path / "out")
    process = deployment.run()
    assert process.returncode == 0, process.stdout

    ids, efs = deployment.ids("web"), deployment.client("efs")
    (system,) = efs.describe_file_systems()["FileSystems"]
    assert system["Encrypted"]
    targets = efs.describe_mount_targets(FileSystemId=system["FileSystemId"])["MountTargets"]
    network = deployment.ids("network")
    assert {target["SubnetId"] for target in targets} == {
        network["PrivateSubnetA"],
        network["PrivateSubnetB"],
    }
    groups = {
        group
        for target in targets
        for group in efs.describe_mount_target_security_groups(
            MountTargetId=target["MountTargetId"]
        )["SecurityGroups"]
    }
    assert groups == {ids["MountTargetSecurityGroup"]}
    assert deployment.admitted(*groups) == {("tcp", 2049, ids["SecurityGroup"])}
    (point,) = efs.describe_access_points(FileSystemId=system["FileSystemId"])["AccessPoints"]
    assert (point["PosixUser"]["Uid"], point["PosixUser"]["Gid"]) == (101, 1000)
    assert point["RootDirectory"]["Path"] == "/uploads"

    (service,) = deployment.services()
    task = deployment.task_definition(service["taskDefinition"])
    volumes = {volume["name"]: volume for volume in task["volumes"]}
    assert volumes["uploads"]["efsVolumeConfiguration"] == {
        "rootDirectory": "/",  # of the access point
        "fileSystemId": system["FileSystemId"],
        "transitEncryption": "ENABLED",
        "authorizationConfig": {"accessPointId": point["AccessPointId"], "iam": "ENABLED"},
    }
    prepare, web = sorted(
        task["containerDefinitions"], key=lambda container: str(container["name"])
    )
    assert not prepare["essential"]
    assert web["dependsOn"] == [{"containerName": "prepare", "condition": "SUCCESS"}]
    statement = deployment.policies(ids["TaskRole"])["MountUploads"]
    assert statement["Resource"] == [system["FileSystemArn"]]
    assert statement["Condition"] == {
        "StringEquals": {"elasticfilesystem:AccessPointArn": point["AccessPointArn"]}
    }
