"""The AMI of an instance, and the user data that makes it join the cluster."""

from __future__ import annotations

from typing import Any

from troposphere import Base64, Sub

from .instance_types import find_architecture
from .params import Ec2


def image_id(params: Ec2) -> Any:
    """The AMI, read from AWS's public parameter when the stack is created or updated (Amazon ECS
    developer guide, "Retrieving Amazon ECS-optimized Linux AMI metadata").

    A dynamic reference and no Parameter, as no template has one; and not `resolve:ssm:`, by which
    each instance would read it anew, so that what runs changed without a deployment.
    """
    if params.ami:
        return params.ami
    arm = find_architecture(params.instance_types) == "ARM64"
    variant = "gpu/" if params.gpu else "arm64/" if arm else ""
    path = f"/aws/service/ecs/optimized-ami/amazon-linux-2023/{variant}recommended/image_id"
    return f"{{{{resolve:ssm:{path}}}}}"


def user_data(params: Ec2) -> Any:
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
