"""The road of a deployment: params -> out/ -> deploy.sh -> AWS CLI -> a server on loopback."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import boto3

from moorage.build import build
from moorage.model import Plan
from moorage.write import write
from templates import TEMPLATES


@dataclass(frozen=True)
class Cloud:
    """AWS as far as this machine has it."""

    url: str

    def environ(self) -> dict[str, str]:
        """The environment variables that lead the AWS CLI here and nowhere else."""
        nowhere = os.path.join(os.sep, "nonexistent")
        ours = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        path = os.pathsep.join([str(Path(sys.executable).parent), ours["PATH"]])
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
    """An environment that was built into a folder, and the cloud that it goes to."""

    cloud: Cloud
    plan: Plan
    folder: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs deploy.sh; both its outputs come as one."""
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

    def client(self, service: str) -> Any:
        return self.cloud.client(service, self.plan.environment.region)

    def stacks(self) -> dict[str, Any]:
        """What CloudFormation says of every stack of the environment, by its name in the params."""
        every = self.client("cloudformation").describe_stacks()["Stacks"]
        names = {stack.stack_name: stack.name for stack in self.plan.stacks}
        return {names[one["StackName"]]: one for one in every if one["StackName"] in names}

    def events(self) -> int:
        """How much has happened to the stacks so far."""
        describe = self.client("cloudformation").describe_stack_events
        return sum(
            len(describe(StackName=stack.stack_name)["StackEvents"]) for stack in self.plan.stacks
        )

    def ids(self, stack: str) -> dict[str, str]:
        """Physical ids of a stack's resources by their logical ids."""
        name = self.plan.environment.stack_name(stack)
        found = self.client("cloudformation").describe_stack_resources(StackName=name)
        return {
            one["LogicalResourceId"]: one["PhysicalResourceId"] for one in found["StackResources"]
        }


def built(params: Path, env: str, cloud: Cloud, out: Path) -> Deployment:
    """Builds and writes one environment."""
    result = build(params, env, TEMPLATES, out)
    assert result.plan is not None, result.findings
    write(result.plan, out / env)
    return Deployment(cloud, result.plan, out / env)
