"""Reasons to accept what security scanners report, in the scanners' own form.

With `suppressions: true` at the top of the params, each reason is written into the metadata of the
resources that it applies to. `SUPPRESSIONS` has all of them; docs/security-hub.md is built from it.
Reasons that depend on the application, such as those for the statements of a task role, are not
here: users write them below `overrides:`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from moorage.facts.addresses import ANY_IPV4, ANY_IPV6
from moorage.plan import Stack
from moorage.records import record

_ANYONE = (ANY_IPV4, ANY_IPV6)


@record
class Resource:
    """A resource, and what conditions need to know about its template and environment."""

    logical_id: str
    kind: str
    properties: Mapping[str, Any]
    template_resources: tuple[Mapping[str, Any], ...]
    """All resources of its template."""
    tls_listeners: bool
    """Whether a Network Load Balancer of the environment has a listener for TLS."""


@record
class Suppression:
    """Findings of scanners that are accepted for the resources of a type, with the reason."""

    ids: tuple[str, ...]
    """Checks of checkov (CKV_...) and rules of cdk-nag (AwsSolutions-...)."""
    kind: str
    applies: Callable[[Resource], bool]
    reason: str
    wildcard: str = ""
    """The wildcard that is accepted, for the IAM rule of cdk-nag, which reports each wildcard."""


def _without(key: str) -> Callable[[Resource], bool]:
    return lambda resource: key not in resource.properties


def _is_access_log_bucket(resource: Resource) -> bool:
    return resource.logical_id == "AccessLogsBucket"


def _is_unlogged_bucket(resource: Resource) -> bool:
    """Whether it is the bucket of a stack of that kind."""
    return resource.logical_id == "Bucket" and "LoggingConfiguration" not in resource.properties


def _has_sqs_encryption(resource: Resource) -> bool:
    return resource.properties.get("SqsManagedSseEnabled") is True


def _has_ecr_encryption(resource: Resource) -> bool:
    encryption = resource.properties.get("EncryptionConfiguration", {})
    return bool(encryption.get("EncryptionType") == "AES256")


def _is_dead_letter_queue(resource: Resource) -> bool:
    """Whether another resource of the template names it as its dead-letter queue."""
    own = {"Fn::GetAtt": [resource.logical_id, "Arn"]}
    configured = (
        properties.get("RedrivePolicy", {}).get("deadLetterTargetArn")
        or properties.get("Target", {}).get("DeadLetterConfig", {}).get("Arn")
        for properties in (other.get("Properties", {}) for other in resource.template_resources)
    )
    return own in configured


def _open_ports(resource: Resource) -> set[Any]:
    """The ports that a security group opens to every address."""
    rules = resource.properties.get("SecurityGroupIngress", [])
    return {
        rule.get("FromPort")
        for rule in rules
        if {rule.get("CidrIp"), rule.get("CidrIpv6")} & {*_ANYONE}
    }


def _redirects_http(resource: Resource) -> bool:
    """Whether port 80 is open, and its listener does nothing but redirect to HTTPS."""
    listeners = [
        other["Properties"]
        for other in resource.template_resources
        if other["Type"] == "AWS::ElasticLoadBalancingV2::Listener"
    ]
    actions = [
        action
        for listener in listeners
        if listener.get("Port") == 80
        for action in listener.get("DefaultActions", [])
    ]
    return bool(actions) and all(
        action.get("RedirectConfig", {}).get("Protocol") == "HTTPS" for action in actions
    )


def _is_open_load_balancer(resource: Resource) -> bool:
    """Whether every address can reach the security group of a load balancer of the stack."""
    return bool(_open_ports(resource)) and any(
        other["Type"] == "AWS::ElasticLoadBalancingV2::LoadBalancer"
        and other["Properties"].get("Scheme") == "internet-facing"
        for other in resource.template_resources
    )


def _is_open_listener(resource: Resource) -> bool:
    """Whether it opens a port of a load balancer to all addresses."""
    properties = resource.properties
    return properties.get("CidrIp") in _ANYONE or properties.get("CidrIpv6") in _ANYONE


def _logs_nothing(resource: Resource) -> bool:
    """Whether it is a Network Load Balancer without access logs that has no TLS listener."""
    attributes = resource.properties.get("LoadBalancerAttributes", [])
    enabled = {"Key": "access_logs.s3.enabled", "Value": "true"} in attributes
    is_network = resource.properties.get("Type") == "network"
    return is_network and not enabled and not resource.tls_listeners


def _has_variables(resource: Resource) -> bool:
    containers = resource.properties.get("ContainerDefinitions", [])
    return any(container.get("Environment") for container in containers)


def _statements(resource: Resource) -> Iterator[Mapping[str, Any]]:
    for policy in resource.properties.get("Policies", []):
        yield from policy.get("PolicyDocument", {}).get("Statement", [])


_WILDCARDS = {
    "EcrToken": "ecr:GetAuthorizationToken takes no resource.",
    "OpenShell": "The ssmmessages actions of ECS Exec and Session Manager take no resource.",
    "FindShellLogs": "logs:DescribeLogGroups takes no resource.",
    "SendTraces": "The X-Ray actions take no resource.",
    "Look": "ecs:ListTasks takes no task as its resource; a condition limits it to the cluster.",
    "DeliverLogs": "The actions of log delivery take no log group as their resource.",
    "FindEcs": "ecs:DiscoverPollEndpoint takes no resource.",
    "ReadTags": "ec2:DescribeTags takes no resource.",
}
"""By Sid, why Moorage's statements have the resource `*`. Service Authorization Reference."""

_ARN_WILDCARDS = {
    "RunTask": ("task-definition/", "Every revision of the stack's task definition is allowed."),
    "TagTask": ("task/", "IDs of tasks are not known before they run; only those of the cluster."),
    "Watch": ("task/", "IDs of tasks are not known before they run; only those of the cluster."),
    "Serve": ("container-instance/", "IDs of instances are not known before they register."),
    "TagInstances": ("container-instance/", "IDs of instances are not known before they register."),
    "WriteShellLogs": ("log-group:", "ECS Exec names the log streams of its log group."),
    "ReadObjects": ("BucketArn", "The tasks read every object of the bucket."),
    "WriteObjects": ("BucketArn", "The tasks write every object of the bucket."),
    "ReadIndexes": ("TableArn", "The tasks read every index of the table."),
}
"""By Sid, the wildcards in other resources: a part of the ARN, and why."""


def _has_statement(sid: str, *, any_resource: bool = False) -> Callable[[Resource], bool]:
    """Whether the role has Moorage's statement. With `any_resource`, only if no other statement has
    the resource `*`, since cdk-nag does not report them separately."""

    def applies(resource: Resource) -> bool:
        statements = list(_statements(resource))
        all_known = all(
            statement.get("Sid") in _WILDCARDS
            for statement in statements
            if "*" in _as_list(statement.get("Resource", []))
        )
        return any(statement.get("Sid") == sid for statement in statements) and (
            all_known or not any_resource
        )

    return applies


def _is_deployment_role(resource: Resource) -> bool:
    """Whether only ECS or CodeDeploy assumes the role, and it has a managed policy."""
    document = resource.properties.get("AssumeRolePolicyDocument")
    statements = _as_list(document.get("Statement", [])) if isinstance(document, Mapping) else []
    principals = [item.get("Principal") for item in statements if isinstance(item, Mapping)]
    trusted = {
        str(service)
        for principal in principals
        for services in (principal.values() if isinstance(principal, Mapping) else [principal])
        for service in _as_list(services)
    }
    if not trusted:
        return False
    return bool(resource.properties.get("ManagedPolicyArns")) and trusted <= _DEPLOYERS


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


_LOG_GROUP, _QUEUE, _BUCKET = "AWS::Logs::LogGroup", "AWS::SQS::Queue", "AWS::S3::Bucket"
_GROUP, _INGRESS = "AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress"
_ROLE, _TASKS = "AWS::IAM::Role", "AWS::ECS::TaskDefinition"
_DEPLOYERS = {"ecs.amazonaws.com", "codedeploy.amazonaws.com"}
_LOAD_BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
_ANY_CLIENT = (
    "Clients of an internet-facing load balancer can have any address; `clients:` limits them."
)

SUPPRESSIONS = (
    Suppression(
        ("CKV_AWS_158",),
        _LOG_GROUP,
        _without("KmsKeyId"),
        "CloudWatch Logs encrypts the events with a key of its own; `kms_key:` names another.",
    ),
    Suppression(
        ("CKV_AWS_27",),
        _QUEUE,
        _has_sqs_encryption,
        "SQS encrypts the messages with a key of its own (SSE-SQS), which the check ignores.",
    ),
    Suppression(
        ("AwsSolutions-SQS3",),
        _QUEUE,
        _is_dead_letter_queue,
        "This is the dead-letter queue of another resource in the template.",
    ),
    Suppression(
        ("CKV_AWS_18", "AwsSolutions-S1"),
        _BUCKET,
        _is_access_log_bucket,
        "The bucket holds access logs. A log of requests for them would need a bucket as well.",
    ),
    Suppression(
        ("CKV_AWS_21",),
        _BUCKET,
        _is_access_log_bucket,
        "Elastic Load Balancing writes each file once, under a new name, so there are no versions.",
    ),
    Suppression(
        ("CKV_AWS_18", "AwsSolutions-S1"),
        _BUCKET,
        _is_unlogged_bucket,
        "A log of requests needs a bucket of its own; `overrides:` can name one.",
    ),
    Suppression(
        ("CKV_AWS_119",),
        "AWS::DynamoDB::Table",
        _without("SSESpecification"),
        "DynamoDB encrypts the table with a key of its own; `kms_key:` names another.",
    ),
    Suppression(
        ("CKV_AWS_136",),
        "AWS::ECR::Repository",
        _has_ecr_encryption,
        "ECR encrypts the images with a key of its own; `encryption: KMS` is for new repositories.",
    ),
    Suppression(
        ("AwsSolutions-AS3",),
        "AWS::AutoScaling::AutoScalingGroup",
        _without("NotificationConfigurations"),
        "ECS scales and drains the instances, and EventBridge has the events of both.",
    ),
    Suppression(
        ("CKV_AWS_260",),
        _GROUP,
        _redirects_http,
        "Port 80 only redirects to HTTPS.",
    ),
    Suppression(("AwsSolutions-EC23",), _GROUP, _is_open_load_balancer, _ANY_CLIENT),
    Suppression(("AwsSolutions-EC23",), _INGRESS, _is_open_listener, _ANY_CLIENT),
    Suppression(
        ("CKV_AWS_91", "AwsSolutions-ELB2"),
        _LOAD_BALANCER,
        _logs_nothing,
        "A Network Load Balancer logs TLS connections only, and no listener here uses TLS.",
    ),
    Suppression(
        ("AwsSolutions-ECS2",),
        _TASKS,
        _has_variables,
        "`Environment` has settings only. Secrets are below `Secrets`, by reference.",
    ),
    Suppression(
        ("AwsSolutions-IAM4",),
        _ROLE,
        _is_deployment_role,
        "Only the service assumes the role, and AWS changes the policy with what the service does.",
    ),
    Suppression(
        ("CKV_AWS_111",),
        _ROLE,
        _has_statement("FindEcs", any_resource=True),
        _WILDCARDS["FindEcs"],
    ),
    *(
        Suppression(
            ("AwsSolutions-IAM5",), _ROLE, _has_statement(sid, any_resource=True), reason, "*"
        )
        for sid, reason in _WILDCARDS.items()
    ),
    *(
        Suppression(("AwsSolutions-IAM5",), _ROLE, _has_statement(sid), reason, part)
        for sid, (part, reason) in _ARN_WILDCARDS.items()
    ),
)


# Into templates --------------------------------------------------------------------------------


def has_tls_listeners(stacks: Iterable[Stack]) -> bool:
    """Whether a Network Load Balancer of an environment has a listener for TLS."""
    return any(
        resource["Properties"].get("Protocol") == "TLS"
        for stack in stacks
        for resource in stack.body.get("Resources", {}).values()
        if resource["Type"] == "AWS::ElasticLoadBalancingV2::Listener"
    )


def add_suppressions(body: Mapping[str, Any], *, tls_listeners: bool) -> dict[str, Any]:
    """The template with the reasons that apply to its resources, after those that it has."""
    resources_before = body.get("Resources", {})
    resources = {
        logical_id: _with_metadata(
            resource,
            Resource(
                logical_id,
                resource["Type"],
                resource.get("Properties", {}),
                tuple(resources_before.values()),
                tls_listeners,
            ),
        )
        for logical_id, resource in resources_before.items()
    }
    return {**body, "Resources": resources}


def _with_metadata(written: Mapping[str, Any], resource: Resource) -> dict[str, Any]:
    applying = [
        suppression
        for suppression in SUPPRESSIONS
        if suppression.kind == resource.kind and suppression.applies(resource)
    ]
    metadata = dict(written.get("Metadata", {}))
    for section, key, entries in (
        ("checkov", "skip", _checkov_entries(applying)),
        ("cdk_nag", "rules_to_suppress", _nag_entries(applying)),
    ):
        own = metadata.get(section, {}).get(key, [])
        if entries:
            metadata[section] = {**metadata.get(section, {}), key: [*own, *entries]}
    return {**written, "Metadata": metadata} if metadata else dict(written)


def _checkov_entries(applying: Iterable[Suppression]) -> list[dict[str, Any]]:
    return [
        {"id": check, "comment": suppression.reason}
        for suppression in applying
        for check in suppression.ids
        if check.startswith("CKV")
    ]


def _nag_entries(applying: Iterable[Suppression]) -> list[dict[str, Any]]:
    return [
        {"id": rule, "reason": suppression.reason, **_applies_to(suppression.wildcard)}
        for suppression in applying
        for rule in suppression.ids
        if not rule.startswith("CKV")
    ]


def _applies_to(wildcard: str) -> dict[str, Any]:
    """Which findings of cdk-nag's IAM rule are accepted: those about the resource `*`, or about
    ARNs that contain `wildcard`. In them, cdk-nag writes an ARN with references as JSON."""
    if not wildcard:
        return {}
    if wildcard == "*":
        return {"appliesTo": ["Resource::*"]}
    expression = re.escape(wildcard).replace("/", r"\/")
    return {"appliesTo": [{"regex": f"/^Resource::.*{expression}.*$/"}]}
