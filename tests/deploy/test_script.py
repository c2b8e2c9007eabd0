"""deploy.sh as a user runs it: what it prints, returns and leaves behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from cloud import Cloud, Deployment, built

PARAMS = """
app: {app}
region: eu-central-1
stacks:
  first: {{template: cluster, container_insights: {insights}}}
  second: {{template: cluster, exec_logs: false}}
"""


@pytest.fixture(scope="module")
def two(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """Two clusters, deployed."""
    deployment = _two("calm", cloud, tmp_path_factory.mktemp("two"))
    process = deployment.run()
    assert process.returncode == 0, process.stdout
    return deployment


def _two(app: str, cloud: Cloud, folder: Path, insights: str = "on") -> Deployment:
    params = folder / "params"
    params.mkdir(exist_ok=True)
    (params / "dev.yaml").write_text(PARAMS.format(app=app, insights=insights))
    return built(params, "dev", cloud, folder / "out")


def test_stacks_have_their_names_tags_and_exports(two: Deployment) -> None:
    stacks = two.stacks()
    assert {name: stack["StackStatus"] for name, stack in stacks.items()} == {
        "first": "CREATE_COMPLETE",
        "second": "CREATE_COMPLETE",
    }
    assert stacks["second"]["StackName"] == "calm-dev-second"
    assert {tag["Key"]: tag["Value"] for tag in stacks["second"]["Tags"]} == {
        "app": "calm",
        "env": "dev",
        "stack": "second",
    }
    (cluster,) = two.client("ecs").describe_clusters(clusters=[two.ids("first")["Cluster"]])[
        "clusters"
    ]
    assert cluster["settings"] == [{"name": "containerInsights", "value": "enabled"}]
    assert two.exports()["calm-dev-first-ClusterArn"] == cluster["clusterArn"]


def test_extra_arguments_go_to_every_command(two: Deployment) -> None:
    process = two.run("--fail-on-empty-changeset")
    assert process.returncode != 0
    assert "No changes to deploy. Stack calm-dev-first is up to date" in process.stdout
    assert "calm-dev-second" not in process.stdout


def test_the_script_stops_at_the_first_failure(cloud: Cloud, tmp_path: Path) -> None:
    deployment = _two("rough", cloud, tmp_path)
    template = deployment.folder / "first.yaml"
    text = template.read_text()
    template.write_text(text.replace("!Ref ExecLogGroup", "!ImportValue not-exported"))
    process = deployment.run()
    assert process.returncode != 0
    assert "Failed to create/update the stack" in process.stdout
    assert "second" not in deployment.stacks()
    assert deployment.stacks()["first"]["StackStatus"] == "ROLLBACK_COMPLETE"
    describe = deployment.client("cloudformation").describe_stack_events
    events = describe(StackName="rough-dev-first")["StackEvents"]
    reasons = [event.get("ResourceStatusReason", "") for event in events]
    assert any("No export named not-exported found" in reason for reason in reasons)


def test_a_change_updates_only_its_stack(cloud: Cloud, tmp_path: Path) -> None:
    before = _two("lively", cloud, tmp_path)
    assert before.run().returncode == 0
    ids = before.ids("first")
    after = _two("lively", cloud, tmp_path, insights="enhanced")
    process = after.run()
    assert process.returncode == 0, process.stdout
    assert "No changes to deploy. Stack lively-dev-second is up to date" in process.stdout
    assert after.stacks()["first"]["StackStatus"] == "UPDATE_COMPLETE"
    assert after.ids("first") == ids
    (cluster,) = after.client("ecs").describe_clusters(clusters=[ids["Cluster"]])["clusters"]
    assert cluster["settings"] == [{"name": "containerInsights", "value": "enhanced"}]
    assert after.exports()["lively-dev-first-ClusterArn"] == cluster["clusterArn"]
