"""The controls of AWS Security Hub that look at resources which Moorage builds.

Each control has a function that looks at the templates of an environment as Security Hub looks at
the deployed resources. docs/security-hub.md is written from the results. Source: AWS Security Hub
user guide, the pages of controls by service ("Security Hub CSPM controls for Amazon ECS" and so
on), looked up in November 2026. The titles are our own words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Properties = Mapping[str, Any]


@dataclass(frozen=True)
class Template:
    """The resources of one template, by logical ID."""

    resources: Mapping[str, Mapping[str, Any]]

    def of(self, kind: str) -> Iterator[tuple[str, Properties]]:
        for name, resource in self.resources.items():
            if resource["Type"] == kind:
                yield name, resource.get("Properties", {})


Look = Callable[[Template], Iterator[bool]]
"""Whether each resource that a control looks at passes."""


@dataclass(frozen=True)
class Control:
    """A control, and how Moorage meets it."""

    id: str
    title: str
    how: str
    look: Look


def _each(kind: str, passes: Callable[[Properties], bool]) -> Look:
    return lambda template: (passes(properties) for _, properties in template.of(kind))


def _each_container(passes: Callable[[Properties], bool]) -> Look:
    return _each(
        "AWS::ECS::TaskDefinition",
        lambda properties: all(map(passes, properties["ContainerDefinitions"])),
    )


def _never(kind: str) -> Look:
    """For what CloudFormation cannot set."""
    return _each(kind, lambda properties: False)


# ECS -------------------------------------------------------------------------------------------


def _has_private_addresses(service: Properties) -> bool:
    network = service.get("NetworkConfiguration", {}).get("AwsvpcConfiguration", {})
    return network.get("AssignPublicIp", "DISABLED") == "DISABLED"


def _is_secure_in_host_mode(task: Properties) -> bool:
    return task["NetworkMode"] != "host" or all(
        container.get("User", "root") != "root" or container.get("Privileged")
        for container in task["ContainerDefinitions"]
    )


_SECRETS = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "ECS_ENGINE_AUTH_DATA"}


def _has_no_credentials(container: Properties) -> bool:
    return not {variable["Name"] for variable in container.get("Environment", [])} & _SECRETS


def _has_insights(cluster: Properties) -> bool:
    settings = {entry["Name"]: entry["Value"] for entry in cluster.get("ClusterSettings", [])}
    return settings.get("containerInsights") in ("enabled", "enhanced")


def _encrypts_efs(task: Properties) -> bool:
    volumes = [volume.get("EFSVolumeConfiguration") for volume in task.get("Volumes", [])]
    return all(volume.get("TransitEncryption") == "ENABLED" for volume in volumes if volume)


def _protects_instances(template: Template) -> Iterator[bool]:
    for _, provider in template.of("AWS::ECS::CapacityProvider"):
        if group := provider.get("AutoScalingGroupProvider"):
            yield group.get("ManagedTerminationProtection") == "ENABLED"


def _is_not_root(container: Properties) -> bool:
    return str(container.get("User", "0")).split(":")[0] not in ("0", "root")


ECS = (
    Control(
        "ECS.1",
        "Containers that use the network of the host are not run by root",
        "`network_mode: host` is a setting for tasks on instances only.",
        _each("AWS::ECS::TaskDefinition", _is_secure_in_host_mode),
    ),
    Control(
        "ECS.2",
        "Tasks of services get no public addresses",
        "With `egress: public` of the network they do, since they have no other way out.",
        _each("AWS::ECS::Service", _has_private_addresses),
    ),
    Control(
        "ECS.3",
        "Tasks do not share the processes of the host",
        "There is no setting for it.",
        _each("AWS::ECS::TaskDefinition", lambda task: task.get("PidMode") != "host"),
    ),
    Control(
        "ECS.4",
        "Containers are not privileged",
        "`privileged:` is a setting for tasks on instances only.",
        _each_container(lambda container: not container.get("Privileged")),
    ),
    Control(
        "ECS.5",
        "The root file system of containers is read-only",
        "`readonly_root_filesystem: true` of each container, with `tmpfs:` or volumes for what it "
        "writes. Health sidecars and OpenTelemetry collectors have it, and log routers that do not "
        "buffer for S3.",
        _each_container(lambda container: container.get("ReadonlyRootFilesystem") is True),
    ),
    Control(
        "ECS.8",
        "Credentials are not in environment variables",
        "`secrets:` refers to them, and `task_role:` replaces access keys.",
        _each_container(_has_no_credentials),
    ),
    Control(
        "ECS.9",
        "Containers have a log driver",
        "Every container writes to the log group of its stack, or to FireLens.",
        _each_container(lambda container: "LogConfiguration" in container),
    ),
    Control(
        "ECS.10",
        "Services on Fargate use the latest platform version",
        "`LATEST` is written into the template.",
        _each(
            "AWS::ECS::Service",
            lambda service: service.get("PlatformVersion", "LATEST") == "LATEST",
        ),
    ),
    Control(
        "ECS.12",
        "Clusters have Container Insights",
        '`container_insights: "on"` or `enhanced` of the cluster; it is charged for.',
        _each("AWS::ECS::Cluster", _has_insights),
    ),
    Control(
        "ECS.18",
        "EFS volumes are encrypted in transit",
        "Every EFS volume is.",
        _each("AWS::ECS::TaskDefinition", _encrypts_efs),
    ),
    Control(
        "ECS.19",
        "Instances with tasks are not terminated by a scale-in",
        "`termination_protection:` of `capacity: {ec2: ...}`, which is on.",
        _protects_instances,
    ),
    Control(
        "ECS.20",
        "Containers do not run as root",
        "`user:` of each container. Health sidecars and the proxy have it; OpenTelemetry "
        "collectors run as the user of their image.",
        _each_container(_is_not_root),
    ),
)

# Load balancers --------------------------------------------------------------------------------

_LB, _LISTENER = (
    "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "AWS::ElasticLoadBalancingV2::Listener",
)
_TARGETS = "AWS::ElasticLoadBalancingV2::TargetGroup"
_POLICIES = {
    f"ELBSecurityPolicy-TLS13-{name}"
    for name in (
        *("1-3-2021-06", "1-3-FIPS-2023-04", "1-2-Res-2021-06", "1-2-Res-FIPS-2023-04"),
        *("1-2-Res-PQ-2025-09", "1-3-PQ-2025-09", "1-2-Res-FIPS-PQ-2025-09"),
        "1-3-FIPS-PQ-2025-09",
    )
}


def _attributes(balancer: Properties) -> dict[str, str]:
    return {entry["Key"]: entry["Value"] for entry in balancer.get("LoadBalancerAttributes", [])}


def _applications(passes: Callable[[dict[str, str]], bool]) -> Look:
    return lambda template: (
        passes(_attributes(balancer))
        for _, balancer in template.of(_LB)
        if balancer["Type"] == "application"
    )


def _redirects(template: Template) -> Iterator[bool]:
    for _, listener in template.of(_LISTENER):
        if listener["Protocol"] == "HTTP":
            actions = listener["DefaultActions"]
            yield all(
                action.get("RedirectConfig", {}).get("Protocol") == "HTTPS" for action in actions
            )


def _uses_recommended_policies(template: Template) -> Iterator[bool]:
    for _, listener in template.of(_LISTENER):
        if listener["Protocol"] in ("HTTPS", "TLS"):
            yield listener.get("SslPolicy") in _POLICIES


ELB = (
    Control(
        "ELB.1",
        "HTTP is redirected to HTTPS",
        "`certificate:` of the `alb`.",
        _redirects,
    ),
    Control(
        "ELB.4",
        "Invalid headers are dropped",
        "`drop_invalid_headers:` is on.",
        _applications(lambda a: a["routing.http.drop_invalid_header_fields.enabled"] == "true"),
    ),
    Control(
        "ELB.5",
        "Application Load Balancers log requests",
        "`access_logs: true` of the `alb`, which creates a bucket.",
        _applications(lambda attributes: attributes["access_logs.s3.enabled"] == "true"),
    ),
    Control(
        "ELB.6",
        "Load balancers are protected from deletion",
        "`deletion_protection: true` of the `alb` or `nlb`.",
        _each(_LB, lambda lb: _attributes(lb)["deletion_protection.enabled"] == "true"),
    ),
    Control(
        "ELB.12",
        "Requests that servers read in different ways are blocked",
        "The default of Elastic Load Balancing, `defensive`, is kept.",
        _applications(
            lambda a: a.get("routing.http.desync_mitigation_mode", "defensive") != "monitor"
        ),
    ),
    Control(
        "ELB.13",
        "Load balancers are in several Availability Zones",
        "A network has at least two.",
        _each(_LB, lambda lb: len(lb.get("Subnets", lb.get("SubnetMappings", []))) > 1),
    ),
    Control(
        "ELB.17",
        "HTTPS and TLS listeners have a recommended security policy",
        "`ssl_policy:` is `ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09`.",
        _uses_recommended_policies,
    ),
    Control(
        "ELB.18",
        "Every listener uses HTTPS or TLS",
        "An `alb` always has a listener on port 80: with `certificate:` it only redirects. "
        "Listeners for UDP cannot use TLS.",
        _each(_LISTENER, lambda listener: listener["Protocol"] in ("HTTPS", "TLS")),
    ),
    Control(
        "ELB.21",
        "Health checks of target groups use HTTPS",
        "`health_check: {protocol: HTTPS}`, where the container has a certificate. Not for TCP.",
        _each(_TARGETS, lambda targets: targets.get("HealthCheckProtocol") == "HTTPS"),
    ),
    Control(
        "ELB.22",
        "Traffic to targets is encrypted",
        "`protocol: HTTPS` or, behind an `nlb`, `target_tls: true`, where the container has a "
        "certificate. Not for UDP.",
        _each(_TARGETS, lambda targets: targets["Protocol"] in ("HTTPS", "TLS")),
    ),
)

# Networks and instances ------------------------------------------------------------------------

_LAUNCH = "AWS::EC2::LaunchTemplate"
_ANYONE = ("0.0.0.0/0", "::/0")


def _has_flow_log(template: Template) -> Iterator[bool]:
    for name, _ in template.of("AWS::EC2::VPC"):
        logs = [log["ResourceId"] for _, log in template.of("AWS::EC2::FlowLog")]
        yield {"Ref": name} in logs


def _open_rules(template: Template) -> Iterator[Properties]:
    """The rules of security groups that allow every address."""
    rules = [rule for _, rule in template.of("AWS::EC2::SecurityGroupIngress")]
    for _, group in template.of("AWS::EC2::SecurityGroup"):
        rules += group.get("SecurityGroupIngress", [])
    for rule in rules:
        if rule.get("CidrIp") in _ANYONE or rule.get("CidrIpv6") in _ANYONE:
            yield rule


def _opens_http_only(template: Template) -> Iterator[bool]:
    """Every address can reach the ports 80 and 443 only."""
    for rule in _open_rules(template):
        yield rule["FromPort"] == rule["ToPort"] and rule["FromPort"] in (80, 443)


def _launch_data(passes: Callable[[Properties], bool]) -> Look:
    return _each(_LAUNCH, lambda launch: passes(launch["LaunchTemplateData"]))


def _encrypts_disks(data: Properties) -> bool:
    mappings = data.get("BlockDeviceMappings", [])
    return bool(mappings) and all(entry["Ebs"].get("Encrypted") is True for entry in mappings)


def _has_no_public_interface(data: Properties) -> bool:
    interfaces = data.get("NetworkInterfaces", [])
    return not any(entry.get("AssociatePublicIpAddress") for entry in interfaces)


def _has_endpoint(service: str) -> Look:
    def look(template: Template) -> Iterator[bool]:
        for _ in template.of("AWS::EC2::VPC"):
            yield any(
                str(endpoint["ServiceName"]).endswith(f".{service}")
                for _, endpoint in template.of("AWS::EC2::VPCEndpoint")
            )

    return look


_ENDPOINTS = "`egress: endpoints` of the network."

EC2 = (
    Control(
        "EC2.2",
        "The default security group of a VPC allows nothing",
        "CloudFormation cannot change its rules. Nothing that Moorage builds uses it: remove its "
        "rules by hand.",
        _never("AWS::EC2::VPC"),
    ),
    Control(
        "EC2.6",
        "VPCs have flow logs",
        "`flow_logs: true` of the network.",
        _has_flow_log,
    ),
    Control(
        "EC2.15",
        "Subnets do not assign public addresses",
        "Tasks that need one, with `egress: public`, get it from their service.",
        _each("AWS::EC2::Subnet", lambda subnet: not subnet.get("MapPublicIpOnLaunch")),
    ),
    Control(
        "EC2.18",
        "Only HTTP and HTTPS are open to all addresses",
        "`clients:` of a listener limits other ports of a Network Load Balancer.",
        _opens_http_only,
    ),
    Control(
        "EC2.19",
        "Ports with a high risk are not open to all addresses",
        "HTTP and HTTPS are not among them. `clients:` of a listener limits other ports of a "
        "Network Load Balancer.",
        _opens_http_only,
    ),
    Control(
        "EC2.25",
        "Launch templates do not assign public addresses",
        "Instances are in private subnets.",
        _launch_data(_has_no_public_interface),
    ),
    Control(
        "EC2.55", "The VPC has an endpoint for the API of ECR", _ENDPOINTS, _has_endpoint("ecr.api")
    ),
    Control(
        "EC2.56", "The VPC has an endpoint for images of ECR", _ENDPOINTS, _has_endpoint("ecr.dkr")
    ),
    Control(
        "EC2.57", "The VPC has an endpoint for Systems Manager", _ENDPOINTS, _has_endpoint("ssm")
    ),
    Control(
        "EC2.170",
        "Instances use IMDSv2",
        "The launch template requires it.",
        _launch_data(lambda data: data["MetadataOptions"]["HttpTokens"] == "required"),
    ),
    Control(
        "EC2.181",
        "Disks of instances are encrypted",
        "The launch template encrypts them.",
        _launch_data(_encrypts_disks),
    ),
)

# Storage, queues, permissions ------------------------------------------------------------------

_FILES, _REPOSITORY, _QUEUE = "AWS::EFS::FileSystem", "AWS::ECR::Repository", "AWS::SQS::Queue"


def _is_not_public(policy: Properties) -> bool:
    return all(
        statement["Effect"] == "Deny" or statement["Principal"] not in ("*", {"AWS": "*"})
        for statement in policy["PolicyDocument"]["Statement"]
    )


def _statements(role: Properties) -> Iterator[Properties]:
    for policy in role.get("Policies", []):
        yield from policy["PolicyDocument"]["Statement"]


def _allows_no_wildcard_action(role: Properties) -> bool:
    return not any(
        action.endswith("*") for statement in _statements(role) for action in statement["Action"]
    )


def _decrypts_with_named_keys(role: Properties) -> bool:
    return not any(
        action in ("kms:Decrypt", "kms:ReEncryptFrom") and "*" in statement["Resource"]
        for statement in _statements(role)
        for action in statement["Action"]
    )


def _requires_tls(template: Template) -> Iterator[bool]:
    for name, _ in template.of("AWS::S3::Bucket"):
        policies = [
            policy["PolicyDocument"]["Statement"]
            for _, policy in template.of("AWS::S3::BucketPolicy")
            if policy["Bucket"] == {"Ref": name}
        ]
        yield any(
            statement["Effect"] == "Deny"
            and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
            for statements in policies
            for statement in statements
        )


_TABLE = "AWS::DynamoDB::Table"

STORAGE = (
    Control(
        "ECR.1",
        "Images are scanned",
        "`scan_on_push:` of a repository is on.",
        _each(_REPOSITORY, lambda r: r["ImageScanningConfiguration"]["ScanOnPush"] is True),
    ),
    Control(
        "ECR.2",
        "Tags of images are immutable",
        "`immutable_tags:` of a repository is on.",
        _each(_REPOSITORY, lambda r: r["ImageTagMutability"].startswith("IMMUTABLE")),
    ),
    Control(
        "ECR.3",
        "Repositories have a lifecycle policy",
        "`keep_images:` or `expire_untagged_after:` of a repository.",
        _each(_REPOSITORY, lambda repository: "LifecyclePolicy" in repository),
    ),
    Control(
        "EFS.1",
        "File systems are encrypted with KMS",
        "Every file system is; `kms_key:` chooses the key.",
        _each(_FILES, lambda files: files["Encrypted"] is True),
    ),
    Control(
        "EFS.2",
        "File systems are in a backup plan",
        "Automatic backups of EFS are a plan of AWS Backup; `backups:` of a volume is on.",
        _each(_FILES, lambda files: files["BackupPolicy"]["Status"] == "ENABLED"),
    ),
    Control(
        "EFS.3",
        "Access points have a root directory",
        "Each volume has its own directory.",
        _each("AWS::EFS::AccessPoint", lambda p: p["RootDirectory"]["Path"] != "/"),
    ),
    Control(
        "EFS.4",
        "Access points have a user",
        "`owner:` of a volume; `1000:1000` by default.",
        _each("AWS::EFS::AccessPoint", lambda point: "PosixUser" in point),
    ),
    Control(
        "EFS.6",
        "Mount targets are in subnets that assign no public addresses",
        "No subnet that Moorage builds assigns them.",
        _each("AWS::EC2::Subnet", lambda subnet: not subnet.get("MapPublicIpOnLaunch")),
    ),
    Control(
        "EFS.7",
        "File systems have automatic backups",
        "`backups:` of a volume is on.",
        _each(_FILES, lambda files: files["BackupPolicy"]["Status"] == "ENABLED"),
    ),
    Control(
        "EFS.8",
        "File systems are encrypted",
        "Every file system is.",
        _each(_FILES, lambda files: files["Encrypted"] is True),
    ),
    Control(
        "S3.5",
        "Buckets refuse requests without TLS",
        "Every bucket does.",
        _requires_tls,
    ),
    Control(
        "S3.8",
        "Buckets block public access",
        "Every bucket does.",
        _each("AWS::S3::Bucket", lambda b: all(b["PublicAccessBlockConfiguration"].values())),
    ),
    Control(
        "S3.9",
        "Requests to buckets are logged",
        "A log needs a bucket of its own, which `overrides:` of a `bucket` can name.",
        _each("AWS::S3::Bucket", lambda bucket: "LoggingConfiguration" in bucket),
    ),
    Control(
        "SQS.1",
        "Queues are encrypted",
        "With a key of SQS, or `kms_key:`.",
        _each(_QUEUE, lambda q: q.get("SqsManagedSseEnabled") is True or "KmsMasterKeyId" in q),
    ),
    Control(
        "SQS.3",
        "Queues are not public",
        "Their policies deny requests without TLS, and let only the topics in `topics:` send.",
        _each("AWS::SQS::QueuePolicy", _is_not_public),
    ),
    Control(
        "DynamoDB.1",
        "Tables scale with demand",
        "Tables are billed by request.",
        _each(_TABLE, lambda table: table["BillingMode"] == "PAY_PER_REQUEST"),
    ),
    Control(
        "DynamoDB.2",
        "Tables have point-in-time recovery",
        "Every table has.",
        _each(
            _TABLE,
            lambda t: t["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True,
        ),
    ),
    Control(
        "DynamoDB.6",
        "Tables are protected from deletion",
        "`keep:` of a table is on.",
        _each(_TABLE, lambda table: table.get("DeletionProtectionEnabled") is True),
    ),
    Control(
        "IAM.21",
        "Policies do not allow every action of a service",
        "Moorage's statements name each action. What you write below `task_role:` is yours.",
        _each("AWS::IAM::Role", _allows_no_wildcard_action),
    ),
    Control(
        "KMS.2",
        "Roles cannot decrypt with every key",
        "`kms_keys:` and `kms_key:` name the keys.",
        _each("AWS::IAM::Role", _decrypts_with_named_keys),
    ),
    Control(
        "StepFunctions.1",
        "State machines have logs",
        "`execution_logs: true` of a scheduled task.",
        _each(
            "AWS::StepFunctions::StateMachine",
            lambda machine: machine.get("LoggingConfiguration", {}).get("Level", "OFF") != "OFF",
        ),
    ),
)

SECTIONS = (
    ("Amazon ECS", ECS),
    ("Elastic Load Balancing", ELB),
    ("Networks and instances", EC2),
    ("Storage, queues and permissions", STORAGE),
)
