"""A moto server on loopback that takes `aws cloudformation deploy`: python server.py.

It prints its address and serves until it is stopped. Unmodified, moto 5.2 cannot replace
CloudFormation in these tests, for four reasons. Each is corrected below, in this process only:

1. A change set that was executed leaves the stack without outputs, exports and tags
   (`create_stack` does not), so no stack can import from one that the AWS CLI deployed.
2. Its CloudFormation models drop most properties: a service's load balancers and network, a task
   definition's roles and size, a security group's egress, all attributes of load balancers; and a
   role's policies are returned as text that is not JSON. This server creates these resources with
   moto's service APIs, through boto3, which also refuses any property that the real API does not
   have.
3. moto skips an unknown type with a warning. This server refuses it, unless it is in `ACCEPTED`,
   so that no test passes because half of a stack was left out.
4. A task on Fargate cannot run in every network, and its exit code is always 0.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
import code_deploy
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from botocore.validate import ParamValidator
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.models import CloudFormationBackend, Event, cloudformation_backends
from moto.cloudformation.parsing import ResourceMap, get_model_map
from moto.cloudformation.responses import CloudFormationResponse
from moto.core.utils import remap_nested_keys
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ecs import models as ecs_models
from moto.moto_api import state_manager
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server

ACCEPTED = (
    "AWS::EC2::EgressOnlyInternetGateway",
    "AWS::EC2::VPCCidrBlock",
    "AWS::Route53::RecordSet",
    "AWS::S3::BucketPolicy",
    "AWS::WAFv2::WebACLAssociation",
)
"""Types that only get an ID; no test reads them. moto does not support them, except for records,
which it refuses: the IDs of its hosted zones do not have the form of AWS's.
"""

Properties = Mapping[str, Any]
Api = Callable[[str], Any]
"""Gives the boto3 client of a service by its name."""


# Change sets ---------------------------------------------------------------------------------


class Backend(CloudFormationBackend):
    """CloudFormation whose change sets set outputs, exports and tags, as `create_stack` does."""

    __module__ = CloudFormationBackend.__module__  # moto finds a backend's URLs by it

    def create_change_set(
        self, stack_name: str, change_set_name: str, template: str, *args: Any, **kwargs: Any
    ) -> tuple[str, str]:
        created = super().create_change_set(stack_name, change_set_name, template, *args, **kwargs)
        change_set = self.change_sets[created[0]]
        types = {resource["Type"] for resource in change_set.template_dict["Resources"].values()}
        if unknown := sorted(types - get_model_map().keys()):
            raise ValidationError(message=f"The test server does not know {', '.join(unknown)}")
        for export in re.findall(r"Fn::ImportValue': '([^']+)'", str(change_set.template_dict)):
            if export not in {known.name for known in self.exports.values()}:
                raise ValidationError(message=f"No export named {export} found.")
        return created

    def execute_change_set(self, change_set_name: str, stack_name: str | None = None) -> None:
        change_set = self.describe_change_set(change_set_name)
        stack = self.stacks[change_set.stack_id]
        stack.resource_map.cross_stack_resources = self.exports
        change_set.template_dict = resolved(change_set.template_dict, self.region_name)
        try:
            super().execute_change_set(change_set_name, stack_name)
        except ValidationError as error:
            fail(stack, change_set, error.message)
            return
        # moto refuses a change set with the same text; AWS creates one without changes.
        stack.template = f"{change_set.template}\n# deployed"
        stack.template_dict = change_set.template_dict
        stack.description = stack.template_description
        stack.tags = change_set.tags
        stack.parameters = dict(stack.stack_parameters)  # with those that have their defaults
        self._set_outputs(stack)

    def update_stack(self, name: str, template: str, *args: Any, **kwargs: Any) -> Any:
        stack = self.get_stack(name)
        stack.resource_map.cross_stack_resources = self.exports
        updated = super().update_stack(name, template, *args, **kwargs)
        self._set_outputs(stack)
        return updated

    def _set_outputs(self, stack: Any) -> None:
        stack.output_map = stack._create_output_map()
        for export in list(self.exports.values()):
            if export.exporting_stack_id == stack.stack_id:
                del self.exports[export.name]
        self._validate_export_uniqueness(stack)
        self.exports.update((export.name, export) for export in stack.exports)


def fail(stack: Any, change_set: Any, reason: str) -> None:
    """What CloudFormation does after a resource has failed: it cancels others and rolls back."""
    verb = "CREATE" if change_set.change_set_type == "CREATE" else "UPDATE"
    resources = change_set.template_dict["Resources"]
    first, *others = sorted(
        resources, key=lambda name: not reason.startswith(f"{resources[name]['Type']}:")
    )
    cancelled = f"Resource {'creation' if verb == 'CREATE' else 'update'} cancelled"
    for name, why in [(first, reason), *((other, cancelled) for other in others)]:
        kind = resources[name]["Type"]
        status = f"{verb}_FAILED"
        stack.events.append(Event(stack.stack_id, stack.name, name, "", kind, status, why, None))
    stack.status = "ROLLBACK_COMPLETE" if verb == "CREATE" else "UPDATE_ROLLBACK_COMPLETE"
    stack._add_stack_event(stack.status)
    if verb == "CREATE":
        stack.resource_map._parsed_resources = {}


def correct_updates() -> None:
    """Updates what refers to a task definition that gets a new revision, and answers a change set
    without changes as CloudFormation does: it exists, and has failed."""
    find = ResourceMap.build_resource_diff

    def build_resource_diff(self: ResourceMap, template: Any, parameters: Any = None) -> Any:
        actions = find(self, template, parameters)
        resources = template["Resources"]
        kind = "AWS::ECS::TaskDefinition"
        new = [name for name in actions["Modify"] if resources[name]["Type"] == kind]
        for name, resource in resources.items():
            text = json.dumps(without(resource, "DependsOn"), default=str)
            refers = any(f'"Ref": "{task}"' in text or f"${{{task}}}" in text for task in new)
            if refers and name not in actions["Add"] + actions["Modify"]:
                actions["Modify"].append(name)
        return actions

    models: Any = ResourceMap
    models.build_resource_diff = build_resource_diff
    responses: Any = CloudFormationResponse
    responses._validate_different_update = nothing


def resolved(value: Any, region: str) -> Any:
    """A template with `Fn::GetAZs` resolved, for which moto returns zones of another region, and
    with the content of `!Base64`, which moto leaves as YAML nodes."""
    if isinstance(value, list):
        return [resolved(item, region) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"Fn::GetAZs"}:
        zones = client("ec2", region).describe_availability_zones()["AvailabilityZones"]
        return [zone["ZoneName"] for zone in zones]
    if isinstance(inner := value.get("Fn::Base64"), list):
        return {"Fn::Base64": {key.value: item.value for key, item in inner}}
    return {key: resolved(item, region) for key, item in value.items()}


# Resources -----------------------------------------------------------------------------------


class Resource:
    """A resource of a stack that was created through an API: its ID and its attributes."""

    def __init__(self, identity: str, **attributes: Any) -> None:
        self.physical_resource_id = identity
        self.attributes = attributes

    def get_cfn_attribute(self, attribute_name: str) -> Any:
        return self.attributes[attribute_name]

    def is_created(self) -> bool:
        return True


@dataclass(frozen=True)
class Model:
    """Replaces moto's class for a CloudFormation type."""

    create: Callable[[Api, str, Properties], Resource]
    update: Callable[[Api, Resource, Properties], Resource] | None = None

    def create_from_cloudformation_json(
        self, name: str, body: Properties, account_id: str, region_name: str, **_: Any
    ) -> Resource:
        with as_validation_error(body["Type"]):
            return self.create(api(region_name), name, body.get("Properties", {}))

    def update_from_cloudformation_json(
        self,
        original_resource: Resource,
        new_resource_name: str,
        cloudformation_json: Properties,
        account_id: str,
        region_name: str,
    ) -> Resource:
        if self.update is None:
            raise ValidationError(message=f"No update of {cloudformation_json['Type']} here")
        with as_validation_error(cloudformation_json["Type"]):
            return self.update(
                api(region_name), original_resource, cloudformation_json["Properties"]
            )

    def has_cfn_attr(self, attr: str) -> bool:
        return True


@contextmanager
def as_validation_error(kind: str) -> Iterator[None]:
    """What an API refuses, as CloudFormation says it, so that the AWS CLI prints it."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise ValidationError(message=f"{kind}: {error}") from error


def accepted(api: Api, name: str, request: Properties) -> Resource:
    return Resource(name, Id=name)


def cluster(api: Api, name: str, request: Properties) -> Resource:
    properties = without(request, "ClusterName", "ClusterSettings")
    settings = camel({"settings": request.get("ClusterSettings", [])})
    created = api("ecs").create_cluster(clusterName=name, **settings, **camel(properties))[
        "cluster"
    ]
    return Resource(name, Arn=created["clusterArn"])


def updated_cluster(api: Api, old: Resource, request: Properties) -> Resource:
    changed = camel({"settings": request.get("ClusterSettings", [])})
    api("ecs").update_cluster(cluster=old.physical_resource_id, **changed)
    return old


def capacity_provider(api: Api, name: str, request: Properties) -> Resource:
    api("ecs").create_capacity_provider(name=name, **camel(without(request, "Name")))
    return Resource(name)


def capacity_providers(api: Api, name: str, request: Properties) -> Resource:
    api("ecs").put_cluster_capacity_providers(**camel(request))
    return Resource(request["Cluster"])


def task_definition(api: Api, name: str, request: Properties) -> Resource:
    family = request.get("Family", name)
    created = api("ecs").register_task_definition(
        family=family, **camel(without(request, "Family"))
    )
    return Resource(created["taskDefinition"]["taskDefinitionArn"])


def service(api: Api, name: str, request: Properties) -> Resource:
    created = api("ecs").create_service(serviceName=name, **camel(without(request, "ServiceName")))
    if "CODE_DEPLOY" in request.get("DeploymentController", {}).values():
        revision = created["service"]["taskDefinition"]
        code_deploy.start_task_set(api, request["Cluster"], name, revision)
    return Resource(
        created["service"]["serviceArn"], Name=name, ServiceArn=created["service"]["serviceArn"]
    )


def updated_service(api: Api, old: Resource, request: Properties) -> Resource:
    updatable = (
        "Cluster",
        "DesiredCount",
        "TaskDefinition",
        "NetworkConfiguration",
        "LoadBalancers",
    )
    if "CODE_DEPLOY" in request.get("DeploymentController", {}).values():
        raise ValidationError(
            message="Unable to update task definition on services with a CODE_DEPLOY deployment "
            "controller. Use AWS CodeDeploy to trigger a new deployment."
        )
    changed = camel({key: request[key] for key in updatable if key in request})
    api("ecs").update_service(service=old.physical_resource_id, **changed)
    return old


def log_group(api: Api, name: str, request: Properties) -> Resource:
    logs = api("logs")
    key = {"kmsKeyId": request["KmsKeyId"]} if "KmsKeyId" in request else {}
    logs.create_log_group(logGroupName=name, **key)
    if days := request.get("RetentionInDays"):
        logs.put_retention_policy(logGroupName=name, retentionInDays=days)
    # CloudFormation template reference, AWS::Logs::LogGroup: the attribute ends with `:*`.
    groups = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return Resource(
        name, Arn=next(group["arn"] for group in groups if group["logGroupName"] == name)
    )


def role(api: Api, name: str, request: Properties) -> Resource:
    iam = api("iam")
    properties = without(
        request, "RoleName", "Policies", "ManagedPolicyArns", "AssumeRolePolicyDocument"
    )
    trust = json.dumps(request["AssumeRolePolicyDocument"])
    created = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, **properties)["Role"]
    for policy in request.get("Policies", []):
        document = json.dumps(policy["PolicyDocument"])
        iam.put_role_policy(RoleName=name, PolicyName=policy["PolicyName"], PolicyDocument=document)
    for arn in request.get("ManagedPolicyArns", []):
        iam.attach_role_policy(RoleName=name, PolicyArn=arn)
    return Resource(name, Arn=created["Arn"], RoleId=created["RoleId"])


def security_group(api: Api, name: str, request: Properties) -> Resource:
    ec2 = api("ec2")
    created = ec2.create_security_group(
        GroupName=name, Description=request["GroupDescription"], VpcId=request["VpcId"]
    )["GroupId"]
    for rule in request.get("SecurityGroupIngress", []):
        ec2.authorize_security_group_ingress(GroupId=created, IpPermissions=[permission(rule)])
    if egress := request.get("SecurityGroupEgress"):
        group = ec2.describe_security_groups(GroupIds=[created])["SecurityGroups"][0]
        ec2.revoke_security_group_egress(
            GroupId=created, IpPermissions=group["IpPermissionsEgress"]
        )
        ec2.authorize_security_group_egress(
            GroupId=created, IpPermissions=[permission(rule) for rule in egress]
        )
    return Resource(created, GroupId=created, VpcId=request["VpcId"])


def repository(api: Api, name: str, request: Properties) -> Resource:
    ecr = api("ecr")
    repository_name = request["RepositoryName"]
    properties = without(request, "LifecyclePolicy", "RepositoryPolicyText", "EmptyOnDelete")
    tags = [
        {
            "filterType": exclusion["ImageTagMutabilityExclusionFilterType"],
            "filter": exclusion["ImageTagMutabilityExclusionFilterValue"],
        }
        for exclusion in properties.pop("ImageTagMutabilityExclusionFilters", [])
    ]
    moved = {"imageTagMutabilityExclusionFilters": tags} if tags else {}
    created = ecr.create_repository(**camel(properties), **moved)["repository"]
    if text := request.get("LifecyclePolicy", {}).get("LifecyclePolicyText"):
        ecr.put_lifecycle_policy(repositoryName=repository_name, lifecyclePolicyText=text)
    if policy := request.get("RepositoryPolicyText"):
        ecr.set_repository_policy(repositoryName=repository_name, policyText=json.dumps(policy))
    return Resource(
        repository_name, Arn=created["repositoryArn"], RepositoryUri=created["repositoryUri"]
    )


def file_system(api: Api, name: str, request: Properties) -> Resource:
    efs = api("efs")
    of_its_own = ("LifecyclePolicies", "FileSystemPolicy", "BackupPolicy")
    created = efs.create_file_system(CreationToken=name, **without(request, *of_its_own))
    identity = created["FileSystemId"]
    if policies := request.get("LifecyclePolicies"):
        efs.put_lifecycle_configuration(FileSystemId=identity, LifecyclePolicies=policies)
    if policy := request.get("FileSystemPolicy"):
        efs.put_file_system_policy(FileSystemId=identity, Policy=json.dumps(policy))
    return Resource(identity, FileSystemId=identity, Arn=created["FileSystemArn"])


def mount_target(api: Api, name: str, request: Properties) -> Resource:
    created = api("efs").create_mount_target(**request)["MountTargetId"]
    return Resource(created, Id=created)


def access_point(api: Api, name: str, request: Properties) -> Resource:
    user, root = request["PosixUser"], request["RootDirectory"]
    owner = root["CreationInfo"]
    created = api("efs").create_access_point(
        ClientToken=name,
        FileSystemId=request["FileSystemId"],
        PosixUser={key: int(value) for key, value in user.items()},
        RootDirectory={
            "Path": root["Path"],
            "CreationInfo": {
                "OwnerUid": int(owner["OwnerUid"]),
                "OwnerGid": int(owner["OwnerGid"]),
                "Permissions": owner["Permissions"],
            },
        },
    )
    identity = created["AccessPointId"]
    return Resource(identity, AccessPointId=identity, Arn=created["AccessPointArn"])


def namespace(api: Api, name: str, request: Properties) -> Resource:
    cloud_map = api("servicediscovery")
    create = "create_private_dns_namespace" if "Vpc" in request else "create_http_namespace"
    operation = getattr(cloud_map, create)(**request)["OperationId"]
    identity = cloud_map.get_operation(OperationId=operation)["Operation"]["Targets"]["NAMESPACE"]
    arn = cloud_map.get_namespace(Id=identity)["Namespace"]["Arn"]
    return Resource(identity, Id=identity, Arn=arn)


def discovery_service(api: Api, name: str, request: Properties) -> Resource:
    dns = request["DnsConfig"]
    records = [{**record, "TTL": int(record["TTL"])} for record in dns["DnsRecords"]]
    named = {**request, "DnsConfig": {**dns, "DnsRecords": records}}
    created = api("servicediscovery").create_service(**named)["Service"]
    return Resource(created["Id"], Id=created["Id"], Arn=created["Arn"])


def address(api: Api, name: str, request: Properties) -> Resource:
    """An Elastic IP: moto's own model does not return the address."""
    created = api("ec2").allocate_address(Domain=request.get("Domain", "vpc"))
    known = {"AllocationId": created["AllocationId"], "PublicIp": created["PublicIp"]}
    return Resource(created["PublicIp"], **known)


def ingress(api: Api, name: str, request: Properties) -> Resource:
    created = api("ec2").authorize_security_group_ingress(
        GroupId=request["GroupId"], IpPermissions=[permission(request)]
    )
    identity = created["SecurityGroupRules"][0]["SecurityGroupRuleId"]
    return Resource(identity, Id=identity)


def egress(api: Api, name: str, request: Properties) -> Resource:
    created = api("ec2").authorize_security_group_egress(
        GroupId=request["GroupId"], IpPermissions=[permission(request)]
    )
    identity = created["SecurityGroupRules"][0]["SecurityGroupRuleId"]
    return Resource(identity, Id=identity)


def permission(rule: Properties) -> dict[str, Any]:
    """A rule of a security group as EC2's API takes it."""
    ends = {
        "SourceSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
        "DestinationSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
        "CidrIp": ("IpRanges", "CidrIp"),
        "CidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
        "SourcePrefixListId": ("PrefixListIds", "PrefixListId"),
        "DestinationPrefixListId": ("PrefixListIds", "PrefixListId"),
    }
    description = {"Description": rule["Description"]} if "Description" in rule else {}
    ports = {key: rule[key] for key in ("IpProtocol", "FromPort", "ToPort") if key in rule}
    peers = {
        kind: [{key: rule[end], **description}] for end, (kind, key) in ends.items() if end in rule
    }
    return {**ports, **peers}


def load_balancer(api: Api, name: str, request: Properties) -> Resource:
    elb = api("elbv2")
    properties = without(request, "Name", "LoadBalancerAttributes")
    created = elb.create_load_balancer(Name=name, **properties)["LoadBalancers"][0]
    arn = created["LoadBalancerArn"]
    if attributes := request.get("LoadBalancerAttributes"):
        elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=attributes)
    return Resource(
        arn,
        LoadBalancerArn=arn,
        LoadBalancerName=name,
        LoadBalancerFullName=arn.split(":loadbalancer/")[1],
        DNSName=created["DNSName"],
        CanonicalHostedZoneID=created["CanonicalHostedZoneId"],
        SecurityGroups=created.get("SecurityGroups", []),
    )


def target_group(api: Api, name: str, request: Properties) -> Resource:
    elb = api("elbv2")
    properties = without(request, "Name", "TargetGroupAttributes")
    created = elb.create_target_group(Name=name, **properties)["TargetGroups"][0]["TargetGroupArn"]
    if attributes := request.get("TargetGroupAttributes"):
        elb.modify_target_group_attributes(TargetGroupArn=created, Attributes=attributes)
    return Resource(
        created,
        TargetGroupArn=created,
        TargetGroupFullName=created.split(":")[-1],
        TargetGroupName=created.split("/")[1],
    )


def listener(api: Api, name: str, request: Properties) -> Resource:
    properties = without(request, "ListenerAttributes")
    created = api("elbv2").create_listener(**properties)["Listeners"][0]["ListenerArn"]
    return Resource(created, ListenerArn=created)


def updated_listener(api: Api, old: Resource, request: Properties) -> Resource:
    properties = without(request, "ListenerAttributes", "LoadBalancerArn")
    api("elbv2").modify_listener(ListenerArn=old.physical_resource_id, **properties)
    return old


def listener_rule(api: Api, name: str, request: Properties) -> Resource:
    created = api("elbv2").create_rule(**request)["Rules"][0]["RuleArn"]
    return Resource(created, RuleArn=created)


def updated_rule(api: Api, old: Resource, request: Properties) -> Resource:
    """Writes all properties, as CloudFormation is assumed to do."""
    elb, arn = api("elbv2"), old.physical_resource_id
    elb.modify_rule(RuleArn=arn, **without(request, "ListenerArn", "Priority"))
    rule = elb.describe_rules(RuleArns=[arn])["Rules"][0]
    if str(rule["Priority"]) != str(request["Priority"]):
        priority = {"RuleArn": arn, "Priority": request["Priority"]}
        elb.set_rule_priorities(RulePriorities=[priority])
    return old


# Jobs ----------------------------------------------------------------------------------------


def queue(api: Api, name: str, request: Properties) -> Resource:
    name += ".fifo" if request.get("FifoQueue") else ""
    attributes = {
        key: json.dumps(value) if isinstance(value, dict) else str(value).lower()
        for key, value in without(request, "RedrivePolicy", "KmsMasterKeyId").items()
    }
    attributes |= {key: request[key] for key in ("KmsMasterKeyId",) if key in request}
    if redrive := request.get("RedrivePolicy"):
        attributes["RedrivePolicy"] = json.dumps(redrive)
    sqs = api("sqs")
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return Resource(url, Arn=attributes["Attributes"]["QueueArn"], QueueName=name, QueueUrl=url)


def queue_policy(api: Api, name: str, request: Properties) -> Resource:
    document = json.dumps(request["PolicyDocument"])
    for url in request["Queues"]:
        api("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})
    return Resource(name, Id=name)


def parameter(api: Api, name: str, request: Properties) -> Resource:
    api("ssm").put_parameter(Name=name, Overwrite=True, **request)
    return Resource(name, Type=request["Type"], Value=request["Value"])


def scalable_target(api: Api, name: str, request: Properties) -> Resource:
    client = api("application-autoscaling")
    client.register_scalable_target(**without(request, "ScheduledActions"))
    scaled = {key: request[key] for key in _SCALED}
    for action in request.get("ScheduledActions", ()):
        client.put_scheduled_action(**scaled, **action)
    return Resource("|".join(request[key] for key in _SCALED), Id=name)


def scaling_policy(api: Api, name: str, request: Properties) -> Resource:
    scaled = dict(zip(_SCALED, request["ScalingTargetId"].split("|"), strict=True))
    properties = scaled | without(request, "ScalingTargetId")
    client = api("application-autoscaling")
    if (
        request["PolicyType"] == "PredictiveScaling"
    ):  # moto has none, so only the request is checked
        shape = client.meta.service_model.operation_model("PutScalingPolicy").input_shape
        report = ParamValidator().validate(properties, shape)
        if report.has_errors():
            raise ParamValidationError(report=report.generate_report())
        return Resource(name, Arn=name)
    created = client.put_scaling_policy(**properties)["PolicyARN"]
    return Resource(created, Arn=created)


_SCALED = ("ResourceId", "ScalableDimension", "ServiceNamespace")


def alarm(api: Api, name: str, request: Properties) -> Resource:
    cloudwatch = api("cloudwatch")
    cloudwatch.put_metric_alarm(AlarmName=name, **request)
    (created,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return Resource(name, Arn=created["AlarmArn"])


def dashboard(api: Api, name: str, request: Properties) -> Resource:
    name = request.get("DashboardName", name)
    json.loads(request["DashboardBody"])  # CloudWatch refuses what is not JSON, moto does not
    api("cloudwatch").put_dashboard(DashboardName=name, DashboardBody=request["DashboardBody"])
    return Resource(name)


def key(api: Api, name: str, request: Properties) -> Resource:
    policy = json.dumps(request["KeyPolicy"])
    kms = api("kms")
    created = kms.create_key(Policy=policy, Description=request["Description"])["KeyMetadata"]
    if request["EnableKeyRotation"]:
        kms.enable_key_rotation(KeyId=created["KeyId"])
    return Resource(created["KeyId"], Arn=created["Arn"], KeyId=created["KeyId"])


def topic(api: Api, name: str, request: Properties) -> Resource:
    created = api("sns").create_topic(Name=name, Attributes=dict(request))["TopicArn"]
    return Resource(created, TopicArn=created, TopicName=name)


def topic_policy(api: Api, name: str, request: Properties) -> Resource:
    document = json.dumps(request["PolicyDocument"])
    for arn in request["Topics"]:
        api("sns").set_topic_attributes(
            TopicArn=arn, AttributeName="Policy", AttributeValue=document
        )
    return Resource(name, Id=name)


def subscription(api: Api, name: str, request: Properties) -> Resource:
    created = api("sns").subscribe(**request, ReturnSubscriptionArn=True)["SubscriptionArn"]
    return Resource(created, Arn=created)


def event_rule(api: Api, name: str, request: Properties) -> Resource:
    events = api("events")
    pattern = json.dumps(request["EventPattern"])
    properties = without(request, "EventPattern", "Targets")
    created = events.put_rule(Name=name, EventPattern=pattern, **properties)["RuleArn"]
    events.put_targets(Rule=name, Targets=request["Targets"])
    return Resource(name, Arn=created)


def schedule(api: Api, name: str, request: Properties) -> Resource:
    """EventBridge Scheduler's API writes some names of ECS's small."""
    target = dict(request["Target"])
    if parameters := target.get("EcsParameters"):
        small = {
            key: camel({"item": parameters[key]})["item"]
            for key in ("CapacityProviderStrategy",)
            if key in parameters
        }
        net = parameters["NetworkConfiguration"]["AwsvpcConfiguration"]
        small["NetworkConfiguration"] = {"awsvpcConfiguration": net}
        target["EcsParameters"] = {**parameters, **small}
    created = api("scheduler").create_schedule(Name=name, **{**request, "Target": target})
    return Resource(name, Arn=created["ScheduleArn"])


def state_machine(api: Api, name: str, request: Properties) -> Resource:
    created = api("stepfunctions").create_state_machine(
        name=name, definition=request["DefinitionString"], roleArn=request["RoleArn"]
    )["stateMachineArn"]
    return Resource(created, Arn=created, Name=name)


def nothing(*_: Any) -> dict[str, Any]:
    """What a task takes from an instance. On Fargate there is none, and moto stumbles over a
    container without its own memory."""
    return {"CPU": 0, "MEMORY": 0, "PORTS": [], "PORTS_UDP": []}


def correct_tasks() -> None:
    """Tasks that can run on Fargate, have an address in any subnet, and end at once."""
    models: Any = ecs_models
    models.Container = Container
    models.EC2ContainerServiceBackend._calculate_task_resource_requirements = nothing
    interface: Any = NetworkInterface
    interface.private_dns_name = ""
    state_manager.set_transition("ecs::task", {"progression": "immediate"})


class Container(ecs_models.Container):
    """A container that ends as its variable EXIT_CODE says."""

    __module__ = ecs_models.Container.__module__  # as for Backend

    def __init__(self, task_def: Any) -> None:
        super().__init__(task_def)
        variables = {variable["name"]: variable["value"] for variable in self.environment or []}
        self.exitCode = int(variables.get("EXIT_CODE", 0))


def made_by(create: Callable[[Api, str, Properties], str]) -> Model:
    """A resource whose ID is all that other resources refer to."""
    return Model(lambda api, name, request: Resource(create(api, name, request)))


MODELS = {
    "AWS::CodeDeploy::Application": made_by(code_deploy.application),
    "AWS::CodeDeploy::DeploymentConfig": made_by(code_deploy.deployment_config),
    "AWS::CodeDeploy::DeploymentGroup": made_by(code_deploy.deployment_group),
    "AWS::ECS::CapacityProvider": Model(capacity_provider),
    "AWS::ECS::ClusterCapacityProviderAssociations": Model(capacity_providers),
    "AWS::ApplicationAutoScaling::ScalableTarget": Model(scalable_target),
    "AWS::ApplicationAutoScaling::ScalingPolicy": Model(scaling_policy),
    "AWS::CloudWatch::Alarm": Model(alarm),
    "AWS::CloudWatch::Dashboard": Model(dashboard),
    "AWS::Events::Rule": Model(event_rule),
    "AWS::KMS::Key": Model(key),
    "AWS::SNS::Subscription": Model(subscription),
    "AWS::SNS::Topic": Model(topic),
    "AWS::SNS::TopicPolicy": Model(topic_policy),
    "AWS::SQS::Queue": Model(queue),
    "AWS::SQS::QueuePolicy": Model(queue_policy),
    "AWS::SSM::Parameter": Model(
        parameter, lambda api, old, request: parameter(api, old.physical_resource_id, request)
    ),
    "AWS::Scheduler::Schedule": Model(schedule),
    "AWS::StepFunctions::StateMachine": Model(state_machine),
    "AWS::ECS::Cluster": Model(cluster, updated_cluster),
    "AWS::ECS::Service": Model(service, updated_service),
    "AWS::ECS::TaskDefinition": Model(
        task_definition,
        lambda api, old, request: task_definition(api, old.physical_resource_id, request),
    ),
    "AWS::EC2::EIP": Model(address),
    "AWS::ECR::Repository": Model(repository),
    "AWS::EFS::AccessPoint": Model(access_point),
    "AWS::EFS::FileSystem": Model(file_system),
    "AWS::EFS::MountTarget": Model(mount_target),
    "AWS::ServiceDiscovery::HttpNamespace": Model(namespace),
    "AWS::ServiceDiscovery::PrivateDnsNamespace": Model(namespace),
    "AWS::ServiceDiscovery::Service": Model(discovery_service),
    "AWS::EC2::SecurityGroup": Model(security_group),
    "AWS::EC2::SecurityGroupEgress": Model(egress),
    "AWS::EC2::SecurityGroupIngress": Model(ingress),
    "AWS::ElasticLoadBalancingV2::Listener": Model(listener, updated_listener),
    "AWS::ElasticLoadBalancingV2::ListenerRule": Model(listener_rule, updated_rule),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": Model(load_balancer),
    "AWS::ElasticLoadBalancingV2::TargetGroup": Model(target_group),
    "AWS::IAM::Role": Model(role),
    "AWS::Logs::LogGroup": Model(log_group),
    **{name: Model(accepted) for name in ACCEPTED},
}


def without(request: Properties, *names: str) -> dict[str, Any]:
    return {key: value for key, value in request.items() if key not in names}


def camel(request: Properties) -> Any:
    """Properties by the names of ECS's API, which begin with a small letter."""
    return remap_nested_keys(dict(request), _with_a_small_letter)


def _with_a_small_letter(name: str) -> str:
    if name == "FilesystemId":
        return "fileSystemId"
    beginning = re.match("[A-Z]+(?=[A-Z][a-z])|[A-Z]+$|[A-Z]", name)
    return beginning[0].lower() + name[beginning.end() :] if beginning else name


# The server ----------------------------------------------------------------------------------

ADDRESS = ""


def api(region: str) -> Api:
    return lambda name: client(name, region)


@cache
def client(name: str, region: str) -> Any:
    return boto3.client(
        name,
        region_name=region,
        endpoint_url=ADDRESS,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )


def server() -> BaseWSGIServer:
    return make_server(
        "127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True
    )


if __name__ == "__main__":
    # IAM has AWS's managed policies only with this setting.
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
    cloudformation_backends.backend = Backend
    get_model_map().update(MODELS)
    correct_tasks()
    correct_updates()
    code_deploy.install(api)
    serving = server()
    ADDRESS = f"http://127.0.0.1:{serving.port}"
    print(ADDRESS, flush=True)
    serving.serve_forever()
