"""Keys of other tools, and the keys of params that have their meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

COMPOSE, COPILOT, KUBERNETES, ECS = "Docker Compose", "AWS Copilot", "Kubernetes", "the ECS API"
CDK, TERRAFORM = "AWS CDK", "Terraform"


@dataclass(frozen=True)
class ForeignWord:
    """A key of another tool."""

    tool: str
    keys: tuple[str, ...] = ()
    """Keys of params with the same meaning, the most likely first; none where there is none."""
    note: str = ""
    """What else to know, such as a form of the value that differs."""
    same_value: bool = False
    """Whether a number, text or switch is written in the same way."""


def _word(tool: str, *keys: str, note: str = "", same: bool = False) -> ForeignWord:
    return ForeignWord(tool, keys, note, same)


_FORMS = {
    "image": "Moorage builds no images: build and push it, then write "
    "`image: ecr:<repository>:<tag>`.",
    "role": "A role that exists is `existing: <ARN>` below it.",
    "size": "1024 CPU units are one vCPU; memory is in MiB.",
    "expose": "An entry names the load balancer's stack in `via:` and the requests in `paths:` or "
    "`hosts:`.",
    "vpc": "A VPC that exists is a stack of kind `network` with `existing:`.",
    "none": "Remove it: Moorage does this by itself.",
}

WORDS: Mapping[str, ForeignWord] = {
    # AWS Copilot manifests
    "count": _word(COPILOT, "desired_count", note="A range is `scaling: {min: 1, max: 4}`.",
                   same=True),
    "variables": _word(COPILOT, "environment"),
    "exec": _word(COPILOT, "enable_execute_command", same=True),
    "platform": _word(COPILOT, "cpu_architecture", note="It takes `X86_64` or `ARM64`."),
    "http": _word(COPILOT, "expose", note=_FORMS["expose"]),
    "build": _word(COMPOSE, "image", note=_FORMS["image"]),
    "storage": _word(COPILOT, "volumes", "ephemeral_storage"),
    "taskdef_overrides": _word(COPILOT, "overrides"),
    "env_file": _word(COMPOSE, "environment_files", note="Files are named by their ARN in S3."),
    "type": _word(COPILOT, "template"),
    # Docker Compose files
    "services": _word(COMPOSE, "stacks", "containers"),
    "deploy": _word(COMPOSE, "desired_count", "cpu", "memory"),
    "restart": _word(
        COMPOSE, "restart_policy", note="ECS replaces failed tasks of a service in any case."
    ),
    "cpus": _word(COMPOSE, "cpu", note=_FORMS["size"]),
    "mem_limit": _word(COMPOSE, "memory", note=_FORMS["size"]),
    "mem_reservation": _word(COMPOSE, "memory_reservation", note=_FORMS["size"]),
    "test": _word(COMPOSE, "command"),
    "container_name": _word(COMPOSE, note="The key below `containers:` is the container's name."),
    "hostname": _word(COMPOSE, note="ECS chooses the host name of a task."),
    "networks": _word(COMPOSE, "network"),
    "working_dir": _word(COMPOSE, "working_directory", same=True),
    "read_only": _word(COMPOSE, "readonly_root_filesystem", same=True),
    "stop_grace_period": _word(COMPOSE, "stop_timeout"),
    "shm_size": _word(COMPOSE, "shared_memory"),
    "cap_add": _word(COMPOSE, "add_capabilities"),
    "cap_drop": _word(COMPOSE, "drop_capabilities"),
    "tty": _word(COMPOSE, "pseudo_terminal", same=True),
    "stdin_open": _word(COMPOSE, "interactive", same=True),
    "labels": _word(COMPOSE, "docker_labels", "tags"),
    "sysctls": _word(COMPOSE, "system_controls"),
    "logging": _word(COMPOSE, "logs"),
    "scale": _word(COMPOSE, "desired_count", same=True),
    "version": _word(COMPOSE, note="Remove it: params have no version."),
    # Kubernetes manifests
    "replicas": _word(KUBERNETES, "desired_count", same=True),
    "resources": _word(KUBERNETES, "cpu", "memory", note=_FORMS["size"]),
    "requests": _word(KUBERNETES, "cpu", "memory_reservation", note=_FORMS["size"]),
    "limits": _word(KUBERNETES, "memory", note=_FORMS["size"]),
    "env": _word(KUBERNETES, "environment"),
    "envFrom": _word(KUBERNETES, "environment_files"),
    "args": _word(KUBERNETES, "command"),
    "livenessProbe": _word(KUBERNETES, "health_check"),
    "readinessProbe": _word(KUBERNETES, "health_check"),
    "startupProbe": _word(KUBERNETES, "health_check"),
    "volumeMounts": _word(KUBERNETES, "mounts"),
    "initContainers": _word(
        KUBERNETES, "containers", note="A container with `init: true` runs before the others."
    ),
    "terminationGracePeriodSeconds": _word(KUBERNETES, "stop_timeout"),
    "serviceAccountName": _word(KUBERNETES, "task_role"),
    "nodeSelector": _word(KUBERNETES, "placement_constraints"),
    "ingress": _word(KUBERNETES, "expose", note=_FORMS["expose"]),
    "minReplicas": _word(KUBERNETES, "min", same=True),
    "maxReplicas": _word(KUBERNETES, "max", same=True),
    "imagePullPolicy": _word(KUBERNETES, note="Remove it: each new task pulls its image."),
    "kind": _word(KUBERNETES, "template"),
    "apiVersion": _word(KUBERNETES, note="Params are not Kubernetes manifests. Remove it."),
    "metadata": _word(KUBERNETES, note="Params are not Kubernetes manifests. Remove it."),
    "spec": _word(KUBERNETES, note="Write its keys one level higher."),
    # ECS API and CloudFormation
    "containerDefinitions": _word(ECS, "containers"),
    "portMappings": _word(ECS, "ports", note="An entry is a port: `ports: [8080]`."),
    "containerPort": _word(ECS, "ports", note="An entry is a port: `ports: [8080]`."),
    "hostPort": _word(ECS, "ports", note="On a bridge an entry can be `80:8080`."),
    "taskRoleArn": _word(ECS, "task_role", note=_FORMS["role"]),
    "executionRoleArn": _word(ECS, "execution_role", note=_FORMS["role"]),
    "logConfiguration": _word(ECS, "logs"),
    "mountPoints": _word(ECS, "mounts"),
    "launchType": _word(ECS, "launch", note="It takes `fargate`, `ec2` or `managed_instances`."),
    "requiresCompatibilities": _word(ECS, "launch"),
    "networkConfiguration": _word(ECS, "subnets", "security_groups"),
    "assignPublicIp": _word(ECS, "subnets", note="`subnets: public` gives public addresses."),
    "loadBalancers": _word(ECS, "expose", note=_FORMS["expose"]),
    "deploymentConfiguration": _word(ECS, "minimum_healthy_percent", "maximum_percent"),
    "capacityProviderStrategy": _word(ECS, "capacity_providers"),
    "healthCheckGracePeriodSeconds": _word(ECS, "health_check_grace_period"),
    "runtimePlatform": _word(ECS, "cpu_architecture", note="It takes `X86_64` or `ARM64`."),
    "environmentFiles": _word(ECS, "environment_files"),
    "taskDefinition": _word(ECS, note=_FORMS["none"]),
    "family": _word(ECS, note=_FORMS["none"]),
    "serviceName": _word(ECS, note="The name of the stack below `stacks:` names the service."),
    # AWS CDK and Terraform
    "memoryLimitMiB": _word(CDK, "memory", same=True),
    "memoryReservationMiB": _word(CDK, "memory_reservation", same=True),
    "minHealthyPercent": _word(CDK, "minimum_healthy_percent", same=True),
    "maxHealthyPercent": _word(CDK, "maximum_percent", same=True),
    "taskImageOptions": _word(CDK, "containers"),
    "publicLoadBalancer": _word(CDK, "scheme"),
    "internetFacing": _word(CDK, "scheme", note="It takes `internet-facing` or `internal`."),
    "internal": _word(TERRAFORM, "scheme", note="It takes `internet-facing` or `internal`."),
    "certificateArn": _word(CDK, "certificate", same=True),
    "maxAzs": _word(CDK, "availability_zones"),
    "natGateways": _word(CDK, "egress", note="It takes `nat` or `nat-per-az`, among others."),
    "vpc": _word(CDK, "network", note=_FORMS["vpc"]),
    "vpc_id": _word(TERRAFORM, "network", "vpc", note=_FORMS["vpc"]),
    "subnet_ids": _word(TERRAFORM, "subnets", "private_subnets", note=_FORMS["vpc"]),
    "container_definitions": _word(TERRAFORM, "containers"),
    "port_mappings": _word(TERRAFORM, "ports", note="An entry is a port: `ports: [8080]`."),
    "load_balancer": _word(TERRAFORM, "expose", note=_FORMS["expose"]),
    "task_role_arn": _word(TERRAFORM, "task_role", note=_FORMS["role"]),
    "execution_role_arn": _word(TERRAFORM, "execution_role", note=_FORMS["role"]),
}  # fmt: skip
"""Each foreign key. Keys of params that are written alike, such as `secrets`, are not here, and
neither are those that differ in case only, such as `desiredCount`."""

VALUES: Mapping[str, str] = {
    "service_started": "START",
    "service_healthy": "HEALTHY",
    "service_completed_successfully": "SUCCESS",
    "linux/amd64": "X86_64",
    "amd64": "X86_64",
    "linux/arm64": "ARM64",
    "aarch64": "ARM64",
}
"""Values of other tools, and the choices of params with the same meaning."""
