"""R2's dev environment: tasks behind the bridge of an instance, which joins the cluster."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from cloud import Cloud, Deployment, built

R2 = Path("tests/golden/r2/params")
MANIFEST = (
    '{"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json"}'
)


@pytest.fixture(scope="module")
def r2(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    folder = tmp_path_factory.mktemp("r2")
    deployment = built(R2, "dev", cloud, folder / "out")
    ecr = deployment.client("ecr")
    for image, tag in (("api/nginx", "1.27.3-7"), ("api/php", "2026.11.2")):
        deployment.run()  # it ends where an image is not there yet
        ecr.put_image(repositoryName=image, imageManifest=MANIFEST, imageTag=tag)
    process = deployment.run()
    assert process.returncode == 0, process.stdout
    return deployment


def test_an_instance_joins_the_cluster(r2: Deployment) -> None:
    (cluster,) = r2.all("AWS::ECS::Cluster")
    (group,) = r2.client("autoscaling").describe_auto_scaling_groups(
        AutoScalingGroupNames=r2.all("AWS::AutoScaling::AutoScalingGroup")
    )["AutoScalingGroups"]
    assert group["NewInstancesProtectedFromScaleIn"]
    (cluster_description,) = r2.client("ecs").describe_clusters(clusters=[cluster])["clusters"]
    fargate, spot, own_provider = cluster_description["capacityProviders"]
    assert (fargate, spot) == ("FARGATE", "FARGATE_SPOT")
    (provider,) = r2.client("ecs").describe_capacity_providers(capacityProviders=[own_provider])[
        "capacityProviders"
    ]
    assert provider["autoScalingGroupProvider"]["managedScaling"]["status"] == "ENABLED"
    launch_template = group["LaunchTemplate"]
    (template,) = r2.client("ec2").describe_launch_template_versions(
        LaunchTemplateId=launch_template["LaunchTemplateId"], Versions=[launch_template["Version"]]
    )["LaunchTemplateVersions"]
    data = template["LaunchTemplateData"]
    script = base64.b64decode(data["UserData"]).decode()
    assert f"ECS_CLUSTER={cluster.split('/')[-1]}\n" in script
    # moto leaves the reference as it is, and has AWS's public parameters.
    parameter = data["ImageId"].removeprefix("{{resolve:ssm:").removesuffix("}}")
    image_parameter = r2.client("ssm").get_parameter(Name=parameter)["Parameter"]
    assert image_parameter["Value"].startswith("ami-")
    assert data["MetadataOptions"]["HttpTokens"] == "required"


def test_nginx_has_a_link_to_php(r2: Deployment) -> None:
    (service,) = r2.services()
    task = r2.task_definition(service["taskDefinition"])
    nginx = next(c for c in task["containerDefinitions"] if c["name"] == "nginx")
    assert task["networkMode"] == "bridge"
    assert nginx["links"] == ["php"]
    assert {"name": "PHP_HOST", "value": "php"} in nginx["environment"]
    assert nginx["portMappings"][0]["hostPort"] == 0


def test_security_groups_allow_the_dynamic_host_ports(r2: Deployment) -> None:
    ids = r2.all("AWS::EC2::SecurityGroup")
    groups = r2.client("ec2").describe_security_groups(GroupIds=ids)["SecurityGroups"]
    by_id = {group["GroupId"]: group for group in groups}
    instances = next(group for group in groups if group["Description"].startswith("Instances of"))
    (rule,) = instances["IpPermissions"]
    assert (rule["FromPort"], rule["ToPort"]) == (32768, 65535)
    (source,) = rule["UserIdGroupPairs"]
    out = by_id[source["GroupId"]]["IpPermissionsEgress"]
    assert (32768, 65535) in {(rule.get("FromPort"), rule.get("ToPort")) for rule in out}
    (target_group,) = r2.all("AWS::ElasticLoadBalancingV2::TargetGroup")
    assert r2.target_group(target_group)["TargetType"] == "instance"
