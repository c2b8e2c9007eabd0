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


def test_a_preview_changes_nothing(two: Deployment, cloud: Cloud, tmp_path: Path) -> None:
    events, before = two.events(), _change_sets(two)
    process = _two("calm", cloud, tmp_path, insights="enhanced").run("--preview")
    assert process.returncode == 0, process.stdout
    assert process.stdout == (
        "calm dev: account 123456789012, region eu-central-1\n"
        "\n[1/2] calm-dev-first\n  Modify  Cluster  AWS::ECS::Cluster  (ClusterSettings)\n"
        "\n[2/2] calm-dev-second\nNothing to deploy\n"
    )
    assert two.events() == events
    assert _change_sets(two) <= before


def _change_sets(deployment: Deployment) -> set[str]:
    client = deployment.client("cloudformation")
    return {
        item["ChangeSetId"]
        for stack in deployment.plan.stacks
        for item in client.list_change_sets(StackName=stack.stack_name)["Summaries"]
    }


def test_a_preview_of_new_stacks_leaves_none(cloud: Cloud, tmp_path: Path) -> None:
    deployment = _two("new", cloud, tmp_path)
    process = deployment.run("--preview")
    assert process.returncode == 0, process.stdout
    assert "  Add  Cluster  AWS::ECS::Cluster\n" in process.stdout
    assert deployment.stacks() == {}


def test_the_script_stops_at_the_first_failure(cloud: Cloud, tmp_path: Path) -> None:
    deployment = _two("rough", cloud, tmp_path)
    template = deployment.folder / "first.yaml"
    text = template.read_text()
    template.write_text(text.replace("!Ref ExecLogGroup", "!ImportValue not-exported"))
    process = deployment.run()
    assert process.returncode == 1
    assert "Stacks that were not started: 1 of 2." in process.stdout
    assert "Status: FAILED. Reason: No export named not-exported found" in process.stdout
    assert "second" not in deployment.stacks()


def test_a_failed_first_deployment_is_deleted_with_consent(cloud: Cloud, tmp_path: Path) -> None:
    deployment = _two("wrong", cloud, tmp_path)
    template = deployment.folder / "first.yaml"
    text = template.read_text()
    template.write_text(text.replace("- FARGATE_SPOT", "- [FARGATE_SPOT]"))
    process = deployment.run()
    assert process.returncode == 1
    assert "wrong-dev-first failed: ROLLBACK_COMPLETE\n  Cluster (AWS::ECS::Cluster)" in (
        process.stdout
    )
    assert "cancelled" not in process.stdout
    template.write_text(text)
    refused = deployment.run()
    assert refused.returncode == 1
    assert "delete-stack --region eu-central-1 --stack-name wrong-dev-first" in refused.stdout
    process = deployment.run("--yes")
    assert process.returncode == 0, process.stdout
    assert {stack["StackStatus"] for stack in deployment.stacks().values()} == {"CREATE_COMPLETE"}


NAMING = """
app: naming
region: eu-central-1
account: "123456789012"
stacks:
  network: {egress: public}
  cluster: {}
  web:
    template: service
    containers:
      web:
        image: ecr:naming/web:1
        secrets: {KEY: ssm:/naming/key, URL: "secretsmanager:naming/database:url"}
"""


def test_what_stacks_name_must_exist_before_anything_is_created(
    cloud: Cloud, tmp_path: Path
) -> None:
    (tmp_path / "params").mkdir()
    (tmp_path / "params/dev.yaml").write_text(NAMING)
    words = (tmp_path / "params", "dev", cloud, tmp_path / "out")
    deployment = built(*words, with_needs=False)
    process = deployment.run()
    assert process.returncode == 1
    missing = [f"{need.kind} {need.name}" for need in deployment.needs()]
    assert len(missing) == 3
    assert all(name in process.stdout for name in missing), process.stdout
    assert deployment.stacks() == {}
    assert deployment.run("network").returncode == 0, "it names none of them"
    process = built(*words).run()
    assert process.returncode == 0, process.stdout


def test_a_change_updates_only_its_stack(cloud: Cloud, tmp_path: Path) -> None:
    before = _two("lively", cloud, tmp_path)
    assert before.run().returncode == 0
    ids = before.ids("first")
    after = _two("lively", cloud, tmp_path, insights="enhanced")
    process = after.run()
    assert process.returncode == 0, process.stdout
    assert "[2/2] lively-dev-second\nNothing to deploy\n" in process.stdout
    assert after.stacks()["first"]["StackStatus"] == "UPDATE_COMPLETE"
    assert after.ids("first") == ids
    (cluster,) = after.client("ecs").describe_clusters(clusters=[ids["Cluster"]])["clusters"]
    assert cluster["settings"] == [{"name": "containerInsights", "value": "enhanced"}]
    assert after.exports()["lively-dev-first-ClusterArn"] == cluster["clusterArn"]
