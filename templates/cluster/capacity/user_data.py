"""The AMI of an instance, and the user data that makes it join the cluster."""

from __future__ import annotations

from typing import Any

from troposphere import Base64, Sub

from .instance_types import find_architecture
from .params import Ec2


def image_id(params: Ec2) -> Any:
    """The AMI: the one of the params, or AWS's newest ECS-optimized one.

    CloudFormation reads the ID of the latter from a public SSM parameter when it creates or updates
    the stack (Amazon ECS developer guide, "Retrieving Amazon ECS-optimized Linux AMI metadata").
    The launch template itself could contain `resolve:ssm:`, too, but EC2 would read it at the start
    of each instance, so the AMI could change without a deployment.
    """
    if params.ami:
        return params.ami
    arm = find_architecture(params.instance_types) == "ARM64"
    variant = "gpu/" if params.gpu else "arm64/" if arm else ""
    path = f"/aws/service/ecs/optimized-ami/amazon-linux-2023/{variant}recommended/image_id"
    return f"{{{{resolve:ssm:{path}}}}}"


def user_data(params: Ec2) -> Any:
    """A script that writes the settings of the ECS agent."""
    settings = {
        "ECS_CLUSTER": "${Cluster}",
        "ECS_AWSVPC_BLOCK_IMDS": "" if params.instance_metadata else "true",
        "ECS_ENABLE_AWSLOGS_EXECUTIONROLE_OVERRIDE": "true",
        "ECS_ENABLE_SPOT_INSTANCE_DRAINING": "true" if params.spot else "",
        **{key: value.replace("${", "${!") for key, value in sorted(params.agent.items())},
    }
    lines = [f"{key}={value}" for key, value in settings.items() if value]
    return Base64(
        Sub("\n".join(["#!/bin/bash", "cat >> /etc/ecs/ecs.config <<'END'", *lines, "END", ""]))
    )
