"""Roles, permissions of functions, keys, logs, file systems, queues, topics and parameters."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from copy import copy
from typing import Any

from moto.iam.models import IAMBackend

from moorage.deploy.rehearsal.resources import Api, Properties, Resource, without


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


def correct_roles() -> None:
    """AWS's managed policies, which moto has only with this setting, and reads again for each
    server: half a second."""
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
    read = IAMBackend._init_aws_policies
    known: dict[tuple[str, str], list[Any]] = {}

    def policies(self: Any) -> list[Any]:
        place = self.account_id, self.region_name
        if place not in known:
            known[place] = read(self)
        return [copy(policy) for policy in known[place]]

    backend: Any = IAMBackend
    backend._init_aws_policies = policies


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


def key(api: Api, name: str, request: Properties) -> Resource:
    policy = json.dumps(request["KeyPolicy"])
    kms = api("kms")
    created = kms.create_key(Policy=policy, Description=request["Description"])["KeyMetadata"]
    if request["EnableKeyRotation"]:
        kms.enable_key_rotation(KeyId=created["KeyId"])
    return Resource(created["KeyId"], Arn=created["Arn"], KeyId=created["KeyId"])


def queue(api: Api, name: str, request: Properties) -> Resource:
    name += ".fifo" if request.get("FifoQueue") else ""
    sqs = api("sqs")
    url = sqs.create_queue(QueueName=name, Attributes=_text_attributes(request))["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return Resource(url, Arn=attributes["Attributes"]["QueueArn"], QueueName=name, QueueUrl=url)


def _text_attributes(properties: Mapping[str, Any]) -> dict[str, str]:
    """Properties as attributes of SNS and SQS, which are text: `true`, or JSON."""
    return {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in properties.items()
    }


def queue_policy(api: Api, name: str, request: Properties) -> Resource:
    document = json.dumps(request["PolicyDocument"])
    for url in request["Queues"]:
        api("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})
    return Resource(name, Id=name)


def topic(api: Api, name: str, request: Properties) -> Resource:
    name = request.get("TopicName", name)
    attributes = _text_attributes(without(request, "TopicName"))
    created = api("sns").create_topic(Name=name, Attributes=attributes)["TopicArn"]
    return Resource(created, TopicArn=created, TopicName=name)


def topic_policy(api: Api, name: str, request: Properties) -> Resource:
    document = json.dumps(request["PolicyDocument"])
    for arn in request["Topics"]:
        api("sns").set_topic_attributes(
            TopicArn=arn, AttributeName="Policy", AttributeValue=document
        )
    return Resource(name, Id=name)


def subscription(api: Api, name: str, request: Properties) -> Resource:
    of_request = ("TopicArn", "Protocol", "Endpoint")
    created = api("sns").subscribe(
        **{key: request[key] for key in of_request},
        Attributes=_text_attributes(without(request, *of_request)),
        ReturnSubscriptionArn=True,
    )["SubscriptionArn"]
    return Resource(created, Arn=created)


def parameter(api: Api, name: str, request: Properties) -> Resource:
    api("ssm").put_parameter(Name=name, Overwrite=True, **request)
    return Resource(name, Type=request["Type"], Value=request["Value"])


def function_permission(api: Api, name: str, request: Properties) -> Resource:
    api("lambda").add_permission(StatementId=name, **request)
    return Resource(name, Id=name, FunctionName=request["FunctionName"])


def remove_function_permission(api: Api, resource: Resource) -> None:
    function, statement = resource.attributes["FunctionName"], resource.physical_resource_id
    api("lambda").remove_permission(FunctionName=function, StatementId=statement)


def delete_role(api: Api, resource: Resource) -> None:
    """With its policies, as CloudFormation does."""
    iam, name = api("iam"), resource.physical_resource_id
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    for attached in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=attached["PolicyArn"])
    iam.delete_role(RoleName=name)
