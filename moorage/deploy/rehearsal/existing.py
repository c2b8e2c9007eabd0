"""Creates what templates expect to exist: images, parameters, secrets, certificates, hosted zones,
a role, clusters, functions and policies."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable
from contextlib import suppress
from typing import Any
from zipfile import ZipFile

from moto.acm.models import acm_backends
from moto.route53.models import route53_backends

from moorage.cfn.needs import Need
from moorage.deploy.aws import Aws
from moorage.deploy.preflight import find_stack_needs
from moorage.deploy.rehearsal.models import NOT_CREATED
from moorage.deploy.rehearsal.resources import IMAGES, api, push_image
from moorage.deploy.target import Target
from moorage.facts.regions import partition

_ROLE = "rehearsal"
"""The role of Lambda functions that exist already."""


def list_needs(target: Target, account: str) -> list[Need]:
    """What the stacks of a target need, each once."""
    needs = {
        (need.kind, need.name, need.version): need
        for stack in target.stacks
        for need in find_stack_needs(stack, target.region, account)
    }
    return list(needs.values())


def create_clusters(aws: Aws, target: Target) -> list[str]:
    """Creates the ECS clusters that services name. Returns the names."""
    names = {
        properties["Cluster"]
        for stack in target.stacks
        for resource in stack.body.get("Resources", {}).values()
        if isinstance((properties := resource.get("Properties", {})).get("Cluster"), str)
    }
    for name in sorted(names):
        aws.ecs.create_cluster(clusterName=name.split("/")[-1])
    return sorted(names)


def list_not_created(target: Target) -> list[str]:
    """The types of a target's resources that only get an ID in a rehearsal."""
    resources = (
        resource for stack in target.stacks for resource in stack.body.get("Resources", {}).values()
    )
    return sorted({resource["Type"] for resource in resources} & NOT_CREATED)


def create_functions(target: Target) -> list[str]:
    """Creates the Lambda functions that templates give permissions. Returns their ARNs."""
    arns = {
        resource["Properties"]["FunctionName"]
        for stack in target.stacks
        for resource in stack.body.get("Resources", {}).values()
        if resource["Type"] == "AWS::Lambda::Permission"
    }
    if not arns:
        return []
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = api(target.region)("iam").create_role(RoleName=_ROLE, AssumeRolePolicyDocument=trust)
    content = io.BytesIO()
    with ZipFile(content, "w") as file:
        file.writestr("index.py", "")
    for arn in sorted(arns):
        api(target.region)("lambda").create_function(
            FunctionName=arn.split(":function:")[-1],
            Runtime="python3.13",
            Handler="index.handler",
            Role=role["Role"]["Arn"],
            Code={"ZipFile": content.getvalue()},
        )
    return sorted(arns)


def create_policies(target: Target) -> list[str]:
    """Creates the customer managed policies that roles attach. Returns their ARNs."""
    arns = {
        arn
        for stack in target.stacks
        for resource in stack.body.get("Resources", {}).values()
        if resource["Type"] == "AWS::IAM::Role"
        for arn in resource["Properties"].get("ManagedPolicyArns", ())
        if isinstance(arn, str) and re.match(r"arn:[a-z-]+:iam::[0-9]{12}:policy/", arn)
    }
    for arn in sorted(arns):
        path, _, name = arn.split(":policy", 1)[1].rpartition("/")
        statement = {"Effect": "Allow", "Action": "sts:GetCallerIdentity", "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        api(target.region)("iam").create_policy(
            PolicyName=name, Path=f"{path}/", PolicyDocument=document
        )
    return sorted(arns)


def create_what_exists(aws: Aws, needs: Iterable[Need], account: str) -> None:
    """Creates these in the server of this process."""
    for need in needs:
        _create(aws, need, account)


def _create(aws: Aws, need: Need, account: str) -> None:
    if need.kind == "own-image":
        IMAGES.setdefault(need.name, set()).add(need.version)
    elif need.kind == "image":
        with suppress(aws.ecr.exceptions.RepositoryAlreadyExistsException):
            aws.ecr.create_repository(repositoryName=need.name)
        push_image(aws.ecr, need.name, need.version)
    elif need.kind == "parameter":
        aws.ssm.put_parameter(Name=need.name, Value="rehearsal", Type="SecureString")
    elif need.kind == "secret":
        name = need.name.split(":")[-1]  # moto finds an ARN by all of its last part
        aws.secretsmanager.create_secret(Name=name, SecretString="{}")
    elif need.kind == "role":
        aws.other("iam").create_service_linked_role(AWSServiceName="ecs.amazonaws.com")
    elif need.kind == "zone":  # Route 53 chooses the ID of a zone, as ACM does below
        zones: Any = route53_backends[account][partition(aws.region)]
        zone = zones.create_hosted_zone(f"{need.name}.example".lower(), private_zone=False)
        zones.zones[need.name] = zone
    else:  # ACM chooses the ARN of a certificate, so it is put at the one that the template has
        backend: Any = acm_backends[account][aws.region]
        created = backend.request_certificate("rehearsal.example", None, [], [])
        backend._certificates[need.name] = backend._certificates[created]
