"""Databases and caches, deployed and deleted: RDS and ElastiCache take every property, the tasks
are let in, and a snapshot stays."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from cloud import Cloud, built
from command_line import main

REGION = "eu-south-1"
PARAMS = f"""\
app: larder
region: {REGION}
stacks:
  network: {{}}
  cluster: {{}}
  shop-db: {{template: database, engine: postgresql, storage: {{size: 30}}}}
  reports-db: {{template: database, engine: mysql, aurora: {{readers: 1}}, final_snapshot: false}}
  sessions: {{template: cache, nodes: true}}
  web:
    template: service
    uses: {{shop-db: connect, reports-db: reach, sessions: connect}}
    containers:
      web: {{image: "ecr:larder/web:1"}}
"""


@pytest.fixture(autouse=True)
def credentials(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the server, and no others."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in cloud.environ().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)


def test_tasks_reach_databases_and_caches_and_a_snapshot_stays(
    cloud: Cloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "params").mkdir()
    (tmp_path / "params/dev.yaml").write_text(PARAMS)
    deployment = built(tmp_path / "params", "dev", cloud, tmp_path / "out")
    where = ["dev", "--params", str(tmp_path / "params"), "--yes"]
    assert main(["deploy", *where]) == 0

    rds = deployment.client("rds")
    databases = rds.describe_db_instances()["DBInstances"]
    (shop,) = [item for item in databases if item["DBInstanceIdentifier"] == "larder-dev-shop-db"]
    assert shop["StorageEncrypted"]
    assert shop["DeletionProtection"]
    assert (shop["AllocatedStorage"], shop["MaxAllocatedStorage"]) == (30, 100)
    (cluster,) = rds.describe_db_clusters()["DBClusters"]
    assert len(cluster["DBClusterMembers"]) == 2
    for stack, port in (("shop-db", 5432), ("reports-db", 3306), ("sessions", 6379)):
        group = deployment.ids(stack)["SecurityGroup"]
        tasks = deployment.ids("web")["SecurityGroup"]
        assert deployment.admitted(group) == {("tcp", port, tasks)}

    assert variables(deployment)["SHOP_DB_HOST"] == shop["Endpoint"]["Address"]
    secrets = deployment.client("secretsmanager")
    arn, key, _, _ = variables(deployment)["SHOP_DB_PASSWORD"].rsplit(":", 3)
    values = json.loads(secrets.get_secret_value(SecretId=arn)["SecretString"])
    assert values["username"] == "dbadmin"
    assert len(values[key]) == 32

    assert main(["destroy", *where]) == 2, "a protected database is not deleted by --yes alone"
    assert "protection of shop-db.Database, reports-db.Cluster is on" in capsys.readouterr().err
    assert main(["destroy", *where, "--unprotect"]) == 0
    assert "a snapshot stays: Database  AWS::RDS::DBInstance  larder-dev-shop-db; charged by" in (
        capsys.readouterr().out
    )
    assert rds.describe_db_instances()["DBInstances"] == []
    assert rds.describe_db_clusters()["DBClusters"] == []
    snapshots = rds.describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    assert [item["DBInstanceIdentifier"] for item in snapshots] == ["larder-dev-shop-db"]
    of_clusters = rds.describe_db_cluster_snapshots(SnapshotType="manual")
    assert of_clusters["DBClusterSnapshots"] == []


def variables(deployment: Any) -> dict[str, str]:
    """The variables of the service's container, with the ValueFrom of secrets."""
    (service,) = deployment.services()
    (web,) = deployment.task_definition(service["taskDefinition"])["containerDefinitions"]
    found = {item["name"]: item["value"] for item in web["environment"]}
    return found | {item["name"]: item["valueFrom"] for item in web["secrets"]}
