"""Keys of other tools, and the keys of params that have their meaning."""

from __future__ import annotations

from collections.abc import Mapping

from moorage.records import record

COMPOSE, COPILOT, KUBERNETES, ECS = "Docker Compose", "AWS Copilot", "Kubernetes", "the ECS API"
CDK, TERRAFORM = "AWS CDK", "Terraform"


@record
class ForeignWord:
    """A key of another tool."""

    tool: str
    keys: tuple[str, ...] = ()
    """Keys of params with the same meaning, the most likely first."""
    note: str = ""
    """An additional note, for example if the value has another form."""
    same_value: bool = False
    """Whether the value is written in the same way."""


def _word(tool: str, *keys: str, note: str = "", same: bool = False) -> ForeignWord:
    return ForeignWord(tool, keys, note, same)


_FORMS = {
    "role": "A role that exists is `existing: <ARN>` below it.",
    "size": "1024 CPU units are one vCPU; memory is in MiB.",
    "expose": "An entry names the load balancer's stack in `via:` and the requests in `paths:` or "
    "`hosts:`.",
    "vpc": "A VPC that exists is a stack of kind `network` with `existing:`.",
    "none": "Remove it: Moorage does this by itself.",
    "part": "It is a part of `image:`, as in `ecr:<repository>:<tag>`.",
    "port": "An entry is a port: `ports: [8080]`.",
    "override": "Moorage has no key for it: write the property of the template below `overrides:`.",
    "name": "Remove it: the key of a stack or of a container is its name.",
}

NO_KEY = _FORMS["override"]

WORDS: Mapping[str, ForeignWord] = {
    # AWS Copilot manifests
    "count": _word(COPILOT, "desired_count", note="A range is `scaling: {min: 1, max: 4}`.",
                   same=True),
    "variables": _word(COPILOT, "environment"),
    "exec": _word(COPILOT, "enable_execute_command", same=True),
    "platform": _word(COPILOT, "cpu_architecture", note="It takes `X86_64` or `ARM64`."),
    "http": _word(COPILOT, "expose", note=_FORMS["expose"]),
    "storage": _word(COPILOT, "volumes", "ephemeral_storage"),
    "taskdef_overrides": _word(COPILOT, "overrides"),
    "env_file": _word(COMPOSE, "environment_files", note="Files are named by their ARN in S3."),
    "type": _word(COPILOT, "template"),
    "port": _word(COPILOT, "ports", same=True),
    "location": _word(COPILOT, "image", same=True),
    "alias": _word(COPILOT, "hosts", note="A DNS record is an entry of `aliases:` of the load "
                   "balancer's stack."),
    "placement": _word(COPILOT, "subnets", note="It takes `public` or `private`."),
    "spot": _word(COPILOT, "capacity_providers", note="All tasks on Fargate Spot are "
                  "`capacity_providers: {FARGATE_SPOT: {}}`."),
    "deployment": _word(COPILOT, "minimum_healthy_percent", "maximum_percent"),
    "range": _word(COPILOT, "min", "max"),
    "observability": _word(COPILOT, "sidecars", note="`sidecars: {otel: true}` sends traces."),
    "publish": _word(COPILOT, "uses", note="A topic is a stack: `uses: {events: send}`."),
    "subscribe": _word(COPILOT, "queue", note="Topics are `queue: {topics: {events: true}}`."),
    # Docker Compose files
    "cmd": _word(COMPOSE, "command", same=True),
    "tag": _word(COMPOSE, note=_FORMS["part"]),
    "digest": _word(COMPOSE, note=_FORMS["part"]),
    "name": _word(COMPOSE, note=_FORMS["name"]),
    "extra_hosts": _word(COMPOSE, note=_FORMS["override"]),
    "dns": _word(COMPOSE, note=_FORMS["override"]),
    "security_opt": _word(COMPOSE, note=_FORMS["override"]),
    "profiles": _word(COMPOSE, note="Remove it. An environment removes a container by `null`."),
    "extends": _word(COMPOSE, note="Write what is shared into `base.yaml`, or use an anchor of "
                     "YAML."),
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
    "securityContext": _word(
        KUBERNETES, "user", "readonly_root_filesystem", "privileged", "drop_capabilities"
    ),
    "runAsUser": _word(KUBERNETES, "user", note='It takes text: `user: "1000"`.'),
    "runAsNonRoot": _word(KUBERNETES, "user", note='It takes text: `user: "1000"`.'),
    "allowPrivilegeEscalation": _word(KUBERNETES, "privileged"),
    "capabilities": _word(KUBERNETES, "add_capabilities", "drop_capabilities"),
    "imagePullSecrets": _word(KUBERNETES, "repository_credentials"),
    "lifecycle": _word(KUBERNETES, "stop_timeout"),
    "strategy": _word(KUBERNETES, "minimum_healthy_percent", "maximum_percent"),
    "selector": _word(KUBERNETES, note="Remove it: Moorage does this by itself."),
    "configMap": _word(KUBERNETES, "environment"),
    "affinity": _word(KUBERNETES, "placement_constraints", "placement_strategies"),
    "tolerations": _word(KUBERNETES, "placement_constraints"),
    "initialDelaySeconds": _word(KUBERNETES, "start_period", note="It takes a duration: `10s`."),
    "periodSeconds": _word(KUBERNETES, "interval", note="It takes a duration: `10s`."),
    "timeoutSeconds": _word(KUBERNETES, "timeout", note="It takes a duration: `10s`."),
    "failureThreshold": _word(KUBERNETES, "retries", "unhealthy_threshold", same=True),
    "successThreshold": _word(KUBERNETES, "healthy_threshold", same=True),
    "httpGet": _word(KUBERNETES, "command", note="A check over HTTP by the load balancer is "
                     "`health_check: {path: /}` in an entry of `expose:`."),
    "imagePullPolicy": _word(KUBERNETES, note="Remove it: each new task pulls its image."),
    "kind": _word(KUBERNETES, "template"),
    "apiVersion": _word(KUBERNETES, note="Params are not Kubernetes manifests. Remove it."),
    "metadata": _word(KUBERNETES, note="Params are not Kubernetes manifests. Remove it."),
    "spec": _word(KUBERNETES, note="Write its keys one level higher."),
    # ECS API and CloudFormation
    "containerDefinitions": _word(ECS, "containers"),
    "portMappings": _word(ECS, "ports", note=_FORMS["port"]),
    "containerPort": _word(ECS, "ports", note=_FORMS["port"]),
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
    "role": _word(ECS, "task_role", note=_FORMS["role"]),
    "linuxParameters": _word(ECS, "init_process_enabled", "add_capabilities", "drop_capabilities",
                             "tmpfs", "devices"),
    "firelensConfiguration": _word(ECS, "sidecars", note="It is `sidecars: {firelens: ...}`."),
    "resourceRequirements": _word(ECS, "gpus"),
    "dockerSecurityOptions": _word(ECS, note=_FORMS["override"]),
    "dnsServers": _word(ECS, note=_FORMS["override"]),
    "extraHosts": _word(ECS, note=_FORMS["override"]),
    "softLimit": _word(ECS, "soft", same=True),
    "hardLimit": _word(ECS, "hard", same=True),
    "containerName": _word(ECS, "container", same=True),
    "sourceVolume": _word(ECS, note="The key below `mounts:` is the name of the volume."),
    "containerPath": _word(ECS, "path", same=True),
    "valueFrom": _word(ECS, note="Write `NAME: ssm:<name>` or `NAME: secretsmanager:<name>` below "
                       "`secrets:`."),
    "targetGroupArn": _word(ECS, "expose", note=_FORMS["expose"]),
    "targetGroups": _word(ECS, "expose", note=_FORMS["expose"]),
    "listeners": _word(ECS, "expose", note=_FORMS["expose"]),
    "deploymentCircuitBreaker": _word(ECS, "circuit_breaker"),
    "propagateTags": _word(ECS, note=_FORMS["none"]),
    "schedulingStrategy": _word(ECS, note=_FORMS["override"]),
    "serviceConnectConfiguration": _word(ECS, "service_connect"),
    "serviceRegistries": _word(ECS, "discovery"),
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
    "maxAzs": _word(CDK, "availability_zones", same=True),
    "natGateways": _word(CDK, "egress", note="It takes `nat` or `nat-per-az`, among others."),
    "vpc": _word(CDK, "network", note=_FORMS["vpc"]),
    "vpc_id": _word(TERRAFORM, "network", "vpc", note=_FORMS["vpc"]),
    "subnet_ids": _word(TERRAFORM, "subnets", "private_subnets", note=_FORMS["vpc"]),
    "container_definitions": _word(TERRAFORM, "containers"),
    "port_mappings": _word(TERRAFORM, "ports", note=_FORMS["port"]),
    "load_balancer": _word(TERRAFORM, "expose", note=_FORMS["expose"]),
    "task_role_arn": _word(TERRAFORM, "task_role", note=_FORMS["role"]),
    "execution_role_arn": _word(TERRAFORM, "execution_role", note=_FORMS["role"]),
}  # fmt: skip
"""Foreign keys. Keys that are also keys of params, such as `secrets`, are not listed, nor are keys
that differ only in case, such as `desiredCount`."""

VALUES: Mapping[str, str] = {
    "service_started": "START",
    "service_healthy": "HEALTHY",
    "service_completed_successfully": "SUCCESS",
    "linux/amd64": "X86_64",
    "amd64": "X86_64",
    "linux/arm64": "ARM64",
    "aarch64": "ARM64",
}
"""Values of other tools, with the values of params that have the same meaning."""

TOP_KEYS: Mapping[str, str] = {
    **dict.fromkeys(
        ("env", "environment", "stage"),
        "Remove it: the name of the file is the name of the environment.",
    ),
    **dict.fromkeys(
        ("Resources", "Parameters", "Outputs", "resources", "parameters"),
        "Params are not a template. Write `overrides:` below a stack to change its template.",
    ),
    "vpc": "Write a stack of kind `network` below `stacks:`.",
    "name": "Write `app:`, the name of the application.",
    "provider": "Write `region:` at the top of the file.",
}
"""Keys that other tools have at the top of a file, and what to do about them."""
