"""A deployment, step by step: params -> out/ -> deploy.sh -> AWS CLI -> a server on loopback."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from moorage.cfn.needs import Need, find_needs
from moorage.pipeline.build import build
from moorage.pipeline.write import write
from moorage.plan import Plan
from templates import TEMPLATES


def read_all_stacks(cloudformation: Any) -> list[Any]:
    """CloudFormation's descriptions of all stacks. Those of other tests are among them, so the
    first page need not have the expected ones."""
    pages = cloudformation.get_paginator("describe_stacks").paginate()
    return [stack for page in pages for stack in page["Stacks"]]


@dataclass(frozen=True)
class Cloud:
    """AWS as the server on loopback implements it."""

    url: str
    programs: Path
    """The folder with the AWS CLI."""

    def environ(self) -> dict[str, str]:
        """The environment variables that make the AWS CLI call this server only."""
        nowhere = os.path.join(os.sep, "nonexistent")
        ours = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        path = os.pathsep.join([str(self.programs), ours["PATH"]])
        return ours | {
            "PATH": path,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_CONFIG_FILE": nowhere,
            "AWS_SHARED_CREDENTIALS_FILE": nowhere,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_PAGER": "",
        }

    def client(self, service: str, region: str) -> Any:
        return _client(self.url, service, region)


@cache
def _client(url: str, service: str, region: str) -> Any:
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=url,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


@dataclass(frozen=True)
class Deployment:
    """An environment that was built into a folder, and the cloud that it is deployed to."""

    cloud: Cloud
    plan: Plan
    folder: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs deploy.sh, with stderr in stdout."""
        return subprocess.run(
            ["bash", str(self.folder / "deploy.sh"), *arguments],
            env=self.cloud.environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )

    def needs(self) -> list[Need]:
        """What the stacks expect to exist."""
        env = self.plan.environment
        return [
            need
            for stack in self.plan.stacks
            for need in find_needs(stack.rendering.body, env.region, env.account)
        ]

    def client(self, service: str) -> Any:
        return self.cloud.client(service, self.plan.environment.region)

    def stacks(self) -> dict[str, Any]:
        """CloudFormation's description of each stack of the environment, by name in the params."""
        names = {stack.stack_name: stack.name for stack in self.plan.stacks}
        descriptions = read_all_stacks(self.client("cloudformation"))
        return {names[s["StackName"]]: s for s in descriptions if s["StackName"] in names}

    def events(self) -> list[str]:
        """Ids of all that has happened to the stacks so far."""
        describe = self.client("cloudformation").describe_stack_events
        return [
            event["EventId"]
            for stack in self.plan.stacks
            for event in describe(StackName=stack.stack_name)["StackEvents"]
        ]

    def ids(self, stack: str) -> dict[str, str]:
        """Physical ids of a stack's resources by their logical ids."""
        return {item["LogicalResourceId"]: item["PhysicalResourceId"] for item in self._of(stack)}

    def all(self, kind: str) -> list[str]:
        """Physical ids of all resources of a type, in the order of their stacks."""
        resources = [item for stack in self.plan.stacks for item in self._of(stack.name)]
        return [
            resource["PhysicalResourceId"]
            for resource in resources
            if resource["ResourceType"] == kind
        ]

    def _of(self, stack: str) -> list[Any]:
        name = self.plan.environment.stack_name(stack)
        answer = self.client("cloudformation").describe_stack_resources(StackName=name)
        resources: list[Any] = answer["StackResources"]
        return resources

    def exports(self) -> dict[str, str]:
        """The exports of all stacks of the region; a page has at most a hundred."""
        pages = self.client("cloudformation").get_paginator("list_exports").paginate()
        return {export["Name"]: export["Value"] for page in pages for export in page["Exports"]}

    # What AWS says of the resources.

    def task_definition(self, arn: str) -> Any:
        return self.client("ecs").describe_task_definition(taskDefinition=arn)["taskDefinition"]

    def services(self) -> list[Any]:
        arns = self.all("AWS::ECS::Service")
        (cluster,) = self.all("AWS::ECS::Cluster")
        return self.client("ecs").describe_services(cluster=cluster, services=arns)["services"]

    def target_group(self, arn: str) -> Any:
        answer = self.client("elbv2").describe_target_groups(TargetGroupArns=[arn])
        return answer["TargetGroups"][0]

    def load_balancers(self) -> list[Any]:
        arns = self.all("AWS::ElasticLoadBalancingV2::LoadBalancer")
        answer = self.client("elbv2").describe_load_balancers(LoadBalancerArns=arns)
        return list(answer["LoadBalancers"])

    def load_balancer(self, kind: str = "application") -> Any:
        (balancer,) = [
            load_balancer
            for load_balancer in self.load_balancers()
            if load_balancer["Type"] == kind
        ]
        return balancer

    def listeners(self, balancer: str) -> list[Any]:
        answer = self.client("elbv2").describe_listeners(LoadBalancerArn=balancer)
        return list(answer["Listeners"])

    def rules(self, listener: str) -> list[Any]:
        """The rules of a listener without its default, by priority."""
        rules = self.client("elbv2").describe_rules(ListenerArn=listener)["Rules"]
        without_default = [rule for rule in rules if not rule["IsDefault"]]
        return sorted(without_default, key=lambda rule: int(rule["Priority"]))

    def admitted(self, group: str) -> set[Opening]:
        """What a security group lets in."""
        return _openings(self._group(group)["IpPermissions"])

    def let_out(self, group: str) -> set[Opening]:
        """What a security group lets out."""
        return _openings(self._group(group)["IpPermissionsEgress"])

    def _group(self, group: str) -> Any:
        return self.client("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"][0]

    def policies(self, role: str) -> dict[str, dict[str, Any]]:
        """The statements of a role's inline policies by their Sid."""
        iam = self.client("iam")
        names = iam.list_role_policies(RoleName=role)["PolicyNames"]
        documents = [
            iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names
        ]
        return {
            statement["Sid"]: statement
            for document in documents
            for statement in document["Statement"]
        }


Opening = tuple[str, int | None, str]
"""Protocol, port, and the address or security group at the other end."""


def _openings(permissions: list[Any]) -> set[Opening]:
    keys = {"UserIdGroupPairs": "GroupId", "IpRanges": "CidrIp", "Ipv6Ranges": "CidrIpv6"}
    assert all(permission.get("FromPort") == permission.get("ToPort") for permission in permissions)
    return {
        (permission["IpProtocol"], permission.get("FromPort"), end[key])
        for permission in permissions
        for kind, key in keys.items()
        for end in permission[kind]
    }


MANIFEST = json.dumps(
    {"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json"}
)
"""Of an image without layers."""


def built(
    params: Path, env: str, cloud: Cloud, out: Path, *, with_needs: bool = True
) -> Deployment:
    """Builds and writes one environment, and creates what its stacks expect to exist."""
    result = build(params, env, TEMPLATES)
    assert result.plan is not None, result.findings
    write(result.plan, out / env)
    deployment = Deployment(cloud, result.plan, out / env)
    if with_needs:
        for need in deployment.needs():
            _create(deployment, need)
    return deployment


def _create(deployment: Deployment, need: Need) -> None:
    if need.kind == "parameter":
        deployment.client("ssm").put_parameter(
            Name=need.name, Value="x", Type="SecureString", Overwrite=True
        )
    elif need.kind == "secret":
        with suppress(ClientError):  # it exists already
            deployment.client("secretsmanager").create_secret(Name=need.name, SecretString="x")
    elif need.kind == "image":
        ecr = deployment.client("ecr")
        kind, version = need.version.split("=")
        assert kind == "imageTag"
        with suppress(ClientError):
            ecr.create_repository(repositoryName=need.name)
        with suppress(ClientError):
            ecr.put_image(repositoryName=need.name, imageManifest=MANIFEST, imageTag=version)
