"""What roles must be allowed for tasks to start and to be deployed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from moorage.cfn import container_secrets, ecs
from moorage.cfn.arns import (
    Arns,
    any_of,
    expand_arns,
    expand_parts,
    make_arn,
    make_character_placeholders,
    make_placeholder,
    starts_with_placeholder,
)
from moorage.cfn.nodes import Node
from moorage.cfn.permissions import (
    ANY_RESOURCE,
    Statement,
    allows,
    aws_managed_policy_path,
    find_role,
    parse_document,
    policies_of_role,
    policy_documents,
)
from moorage.cfn.values import Attr
from moorage.cfn.view import Resource, View
from moorage.rules.rule import Problem, problem, rule

KEY, ALIAS = "AWS::KMS::Key", "AWS::KMS::Alias"
FILE_SYSTEM, SECRET_POLICY = "AWS::EFS::FileSystem", "AWS::SecretsManager::ResourcePolicy"
DEPLOYMENT_GROUP = "AWS::CodeDeploy::DeploymentGroup"

CLIENT_MOUNT = "elasticfilesystem:ClientMount"
GET_SECRET, GET_PARAMETERS = "secretsmanager:GetSecretValue", "ssm:GetParameters"
_ECR = re.compile(r"([^./]*)\.dkr\.ecr\.([^./]*)\.[^/]*/([^:@]+)")
_AFTER_ARN = re.compile(r":[^:]*:[^:]*:[^:]*\Z")


def _place(role: Resource, action: str) -> Node:
    """Where to allow it: the statement that allows it on something else, or else the role."""
    for one in policies_of_role(role).statements:
        if (
            one.allows
            and not one.aws_managed
            and one.covers_action(action)
            and not one.excludes_resources
        ):
            return one.node["Resource"]
    return role["Policies"]


def _containers(view: View) -> Iterator[tuple[Resource, Node, Resource]]:
    """Each container whose task's execution role is in sight."""
    for task in ecs.task_definitions(view):
        role = find_role(task["ExecutionRoleArn"])
        if role is not None:
            for container in ecs.containers(task):
                yield task, container, role


def _called(container: Node, task: Resource) -> str:
    name = container["Name"].text
    return f"container {name} of {task.id}" if name else f"a container of {task.id}"


# Secrets -------------------------------------------------------------------------------------


@rule(
    "E9385",
    "The execution role may not read a secret that a container is given",
    error_messages=(
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource "
        "retrieval failed: unable to retrieve secret from asm: service call has been retried 1 "
        "time(s): AccessDeniedException: User: arn:aws:sts::... is not authorized to perform: "
        "secretsmanager:GetSecretValue",
        "AccessDeniedException: ... is not authorized to perform: kms:Decrypt",
        "Access to KMS is not allowed",
    ),
    fix="Allow the execution role secretsmanager:GetSecretValue on the secret's ARN (without the "
    "JSON key), or ssm:GetParameters on the parameter's, and kms:Decrypt on the key if it is one "
    "of yours.",
    sources=(
        "aws-samples/aws-fargate-pipeline-lambda-autoscaling#3",
        "cloudposse/terraform-aws-ecs-alb-service-task#42",
        "provectus/awos-recruitment#36",
        "hashicorp/terraform-aws-consul-ecs#135",
        "AWS docs: Amazon ECS task execution IAM role",
        "AWS docs: Pass Secrets Manager secrets through Amazon ECS environment variables",
    ),
    failure_ids=(
        "td-execution-role-without-secret-permission",
        "td-secret-permission-on-task-role",
        "td-kms-decrypt-missing",
        "iam-secret-resource-with-json-key",
    ),
)
def secret_not_readable(view: View) -> Iterator[Problem]:
    """Secrets are put into a container's environment before it starts, with the execution role: the
    task role does not count, and AmazonECSTaskExecutionRolePolicy allows no secret. A secret under
    a key of one's own takes kms:Decrypt on that key as well. A policy names the secret by its ARN:
    with the JSON key of `ValueFrom` behind it, it matches nothing. No task starts, and the service
    waits for hours until the stack is rolled back."""
    for policy in policy_documents(view):
        yield from _overlong(parse_document(policy).statements)
    for task, container, role in _containers(view):
        for node in _given(container):
            action = _denied(role, node)
            if action is not None:
                yield problem(
                    _place(role, action),
                    f"{role.id}, the execution role, may not {action} what {_property(node)} of "
                    f"{_called(container, task)} comes from, so no task starts",
                    f"Allow {action} on it in the execution role.",
                )
            secret = _secret_of(node)
            key = _key_of(secret) if secret is not None else None
            if key is not None and _may_not_decrypt(role, key):
                yield problem(
                    _place(role, "kms:Decrypt"),
                    f"{role.id}, the execution role, may not kms:Decrypt with {key.id}, the key of "
                    f"the secret for {_called(container, task)}, so no task starts",
                    f"Allow kms:Decrypt on `!GetAtt {key.id}.Arn` in the execution role.",
                )


def _given(container: Node) -> Iterator[Node]:
    """Where the execution role has to read a secret for a container."""
    for secret in (
        *container["Secrets"].items,
        *container.at("LogConfiguration", "SecretOptions").items,
    ):
        if secret["ValueFrom"].present:
            yield secret["ValueFrom"]
    credentials = container.at("RepositoryCredentials", "CredentialsParameter")
    if credentials.present and credentials.text is None:
        yield credentials


def _property(node: Node) -> str:
    """What a secret's place is called: its property."""
    return str(node.path[-1]) if node.path else "the value"


def _denied(role: Resource, node: Node) -> str | None:
    """The action that is certainly not allowed on what a secret comes from."""
    if container_secrets.is_invalid_parameter_name(node):
        return None  # it leads nowhere at all, which is another fault
    view = node.stack.view
    texts = expand_arns(node)
    if len(texts) != 1 or any(
        one["Name"].is_same_as(node) for one in view.resources_of_type(container_secrets.SECRET)
    ):
        return None
    wanted = _readings(view, texts[0])
    if not wanted or any(allows(role, action, on) is not False for action, on in wanted):
        return None
    by_policy = any(_is_about(one, node) for one in view.resources_of_type(SECRET_POLICY))
    has_overlong = any(True for _ in _overlong(policies_of_role(role).statements))
    return None if by_policy or has_overlong else wanted[0][0]


def _is_about(policy: Resource, node: Node) -> bool:
    """Whether a secret's own policy may be about the one that a container is given."""
    theirs, ours = policy["SecretId"].resource, _secret_of(node)
    return theirs is None or ours is None or theirs is ours


def _readings(view: View, text: str) -> list[tuple[str, Arns | None]]:
    """The ways in which a secret's source may be read, each an action and an ARN: one is enough."""
    if text.startswith("arn:"):
        fields = text.split(":")
        if len(fields) >= 7 and fields[2] == "secretsmanager":
            named = ":".join(fields[:7])
            return _as_secret(view, named)
        if len(fields) >= 6 and fields[2] == "ssm":
            return [(GET_PARAMETERS, (text.replace(":parameter//", ":parameter/"),))]
        return []
    if starts_with_placeholder(text):
        whole = _AFTER_ARN.sub("", text)
        as_parameter = (GET_PARAMETERS, (make_arn(view, "ssm", f"parameter/{text}"),))
        either_way = [*_as_secret(view, whole), as_parameter, (GET_PARAMETERS, (text,))]
        return _as_secret(view, whole) if whole != text else either_way
    if not text or ":" in text:
        return []
    return [(GET_PARAMETERS, (make_arn(view, "ssm", f"parameter/{text.lstrip('/')}"),))]


def _as_secret(view: View, named: str) -> list[tuple[str, Arns | None]]:
    """By its whole ARN, or by one that lacks the six characters at its end."""
    suffix = make_character_placeholders(view, "suffix of a secret", 6)
    return [(GET_SECRET, (named,)), (GET_SECRET, (f"{named}-{suffix}",))]


def _overlong(statements: Iterable[Statement]) -> Iterator[Problem]:
    for one in statements:
        if (
            one.allows is not True
            or one.excludes_resources
            or one.covers_action(GET_SECRET) is False
        ):
            continue
        for node in one.node["Resource"].as_list:
            texts = expand_arns(node)
            if texts and all(map(_has_json_key, texts)):
                yield problem(
                    node,
                    "The ARN of a secret ends with its name, and with the key of its JSON behind "
                    "it this matches no secret: IAM answers AccessDeniedException",
                    "Write the secret's ARN alone; `:key:stage:id` belongs to ValueFrom only.",
                )


def _has_json_key(text: str) -> bool:
    if starts_with_placeholder(text):
        return text[1:].endswith("::") and text.count(":") == 3
    fields = text.split(":")
    is_secret = fields[0] == "arn" and fields[2:3] == ["secretsmanager"]
    return is_secret and any(one != "*" for one in fields[7:])


def _secret_of(node: Node) -> Resource | None:
    """The secret in sight that a container is given."""
    first = node.parts[0] if node.parts else None
    for _ in range(3):
        if not isinstance(first, Attr):
            return None
        if first.resource.type == container_secrets.SECRET:
            return first.resource
        first = first.resource["SecretId"].attr
    return None


def _key_of(secret: Resource) -> Resource | None:
    """The key in sight that a secret is encrypted with."""
    key = secret["KmsKeyId"].resource
    if key is not None and key.type == ALIAS:
        key = key["TargetKeyId"].resource
    return key if key is not None and key.type == KEY else None


def _may_not_decrypt(role: Resource, key: Resource) -> bool:
    on = expand_parts(role.view, (Attr(key, "Arn"),))
    return allows(role, "kms:Decrypt", on) is False and _is_left_to_iam(key)


def _is_left_to_iam(key: Resource) -> bool:
    """Whether a key's own policy lets nobody but the account decrypt, who leaves it to IAM."""
    policy = key["KeyPolicy"]
    if policy.absent:
        return True
    said = parse_document(policy)
    return said.complete and all(
        one.allows is False
        or one.covers_action("kms:Decrypt") is False
        or _is_the_account(one.node["Principal"])
        for one in said.statements
    )


def _is_the_account(principal: Node) -> bool:
    named = dict(principal.entries)
    if not named or set(named) - {"AWS", "Service"}:
        return False
    texts = [
        "".join(one if isinstance(one, str) else "?" for one in node.parts)
        for node in principal["AWS"].as_list
    ]
    return all(one.endswith(":root") for one in texts)


# Images and logs -----------------------------------------------------------------------------


@rule(
    "E9386",
    "The execution role may not pull the image or write the logs of a container",
    error_messages=(
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource "
        "retrieval failed: unable to get ecr registry auth: AccessDeniedException: User: "
        "arn:aws:sts::... is not authorized to perform: ecr:GetAuthorizationToken on resource: *",
        "CannotStartContainerError: failed to initialize logging driver: failed to create "
        "Cloudwatch log stream: AccessDeniedException",
        "failed to initialize logging driver: failed to create Cloudwatch log group: "
        "AccessDeniedException: User: arn:aws:sts::...",
    ),
    fix="Give the execution role service-role/AmazonECSTaskExecutionRolePolicy, or allow it "
    "ecr:GetAuthorizationToken on `*`, ecr:BatchGetImage and ecr:GetDownloadUrlForLayer on the "
    "repository, logs:CreateLogStream and logs:PutLogEvents on the log group, and "
    "logs:CreateLogGroup where the container's options ask for it.",
    sources=(
        "prakhar1989/docker-curriculum#260",
        "nathanpeck/aws-cloudformation-fargate#13",
        "AWS docs: Amazon ECS task execution IAM role",
        "AWS docs: Send Amazon ECS logs to CloudWatch",
        "moby/moby daemon/logger/awslogs/cloudwatchlogs.go",
    ),
    failure_ids=(
        "iam-ecr-token-scoped-to-repository",
        "iam-execution-role-without-log-permission",
        "td-awslogs-create-group-without-permission",
    ),
)
def image_or_logs_denied(view: View) -> Iterator[Problem]:
    """On Fargate the image is pulled, and the log stream made, with the execution role. The token
    for a registry can only be allowed on `*`, never on one repository. The AWS managed policy for
    execution roles allows log streams and no log groups. Without any of these no task starts."""
    for task, container, role in _containers(view):
        lacking: dict[Node, list[Need]] = {}
        for need in (
            (*_pulling(container), *_logging(container)) if ecs.is_for_fargate(task) else ()
        ):
            if any_of(allows(role, need.action, on) for on in need.on) is False:
                lacking.setdefault(_place(role, need.action), []).append(need)
        for place, needs in lacking.items():
            actions = " and ".join(one.action for one in needs)
            yield problem(
                place,
                f"{role.id}, the execution role, may not {actions}, which it takes to "
                f"{needs[0].why} of {_called(container, task)}: no task starts",
                f"Allow {actions} on {needs[0].named} in the execution role.",
            )


@dataclass(frozen=True)
class Need:
    """An action, the ARNs of which one must be allowed, what for, and what they are called."""

    action: str
    on: tuple[Arns, ...]
    why: str
    named: str


def _pulling(container: Node) -> Iterator[Need]:
    texts = expand_arns(container["Image"])
    found = [_ECR.match(one) for one in texts]
    if not found or not all(found):
        return
    yield Need("ecr:GetAuthorizationToken", (ANY_RESOURCE,), "pull the image", "`*`")
    view = container.stack.view
    partition = make_arn(view, "ecr", "").split(":")[1]
    repositories = tuple(
        f"arn:{partition}:ecr:{one[2]}:{one[1]}:repository/{one[3]}" for one in found if one
    )
    for action in ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"):
        yield Need(action, (repositories,), "pull the image", "the repository")


def _logging(container: Node) -> Iterator[Need]:
    log = container["LogConfiguration"]
    options = log["Options"]
    if log["LogDriver"].text != "awslogs" or not isinstance(options.value, Mapping):
        return
    on = _log_arns(options)
    if options["awslogs-create-group"].flag and not _exists(options["awslogs-group"]):
        yield Need("logs:CreateLogGroup", on, "make the log group", "the log group")
    for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
        yield Need(action, on, "write the logs", "the log group")


def _log_arns(options: Node) -> tuple[Arns, ...]:
    """The log group of a container as policies name it: by itself, or with its streams."""
    view = options.stack.view
    anywhere = make_placeholder(view, "somewhere")
    region = (expand_arns(options["awslogs-region"]) or (anywhere,))[0]
    found: list[Arns] = []
    for name in expand_arns(options["awslogs-group"]) or (anywhere,):
        fields = make_arn(view, "logs", f"log-group:{name}").split(":")
        one = ":".join((*fields[:3], region, *fields[4:]))
        found += [(one,), (f"{one}:*",), (f"{one}:log-stream:{anywhere}",)]
    return tuple(found)


def _exists(group: Node) -> bool:
    """Whether the log group is one in sight: then the driver never comes to create it."""
    groups = list(group.stack.view.resources_of_type("AWS::Logs::LogGroup"))
    return group.resource in groups or any(one["LogGroupName"].is_same_as(group) for one in groups)


@rule(
    "W9340",
    "The log driver is to make a log group, and may not",
    error_messages=(
        "failed to initialize logging driver: failed to create Cloudwatch log group: "
        "AccessDeniedException: User: arn:aws:sts::...",
    ),
    fix="Leave awslogs-create-group out where the template makes the group, or allow the execution "
    "role logs:CreateLogGroup.",
    sources=(
        "prakhar1989/docker-curriculum#260",
        "moby/moby daemon/logger/awslogs/cloudwatchlogs.go",
    ),
    failure_ids=("td-awslogs-create-group-without-permission",),
)
def log_group_not_made(view: View) -> Iterator[Problem]:
    """The driver makes the group only where it finds none, so all goes well for as long as the
    template's own group is there. The day it is deleted, or named otherwise, no task starts."""
    for task, container, role in _containers(view):
        options = container.at("LogConfiguration", "Options")
        asked = options["awslogs-create-group"]
        if not asked.flag or not _exists(options["awslogs-group"]) or not ecs.is_for_fargate(task):
            continue
        action = "logs:CreateLogGroup"
        if any_of(allows(role, action, on) for on in _log_arns(options)) is False:
            yield problem(
                asked,
                f"{_called(container, task)} asks for its log group to be made, which {role.id}, "
                f"the execution role, may not do: it works only while the group is there",
                "Leave awslogs-create-group out, as the template makes the group.",
            )


# What tasks do -------------------------------------------------------------------------------

EXEC = tuple(
    f"ssmmessages:{one}"
    for one in (
        "CreateControlChannel",
        "CreateDataChannel",
        "OpenControlChannel",
        "OpenDataChannel",
    )
)


@rule(
    "E9387",
    "The task role lacks what ECS Exec or an EFS volume takes",
    error_messages=(
        "An error occurred (TargetNotConnectedException) when calling the ExecuteCommand "
        "operation: The execute command failed due to an internal error.",
        "The service couldn't be created because a valid taskRoleArn is not being used. Specify a "
        "valid task role in your task definition and try again.",
        "mount.nfs4: access denied by server while mounting fs-....efs.us-east-1.amazonaws.com:/ : "
        "unsuccessful EFS utils command execution; code: 32",
    ),
    fix="Give the task a TaskRoleArn, and allow that role the four ssmmessages actions on `*`, or "
    "elasticfilesystem:ClientMount and ClientWrite on the file system.",
    sources=(
        "aws/aws-cli#6070",
        "aws/aws-toolkit-jetbrains#3649",
        "aws-samples/aws-cdk-examples#920",
        "AWS docs: Monitor Amazon ECS containers with ECS Exec",
        "AWS docs: Use Amazon EFS volumes with Amazon ECS",
    ),
    failure_ids=(
        "svc-exec-without-task-role-permissions",
        "td-efs-iam-without-task-role-permission",
    ),
)
def task_role_lacks(view: View) -> Iterator[Problem]:
    """The agent of ECS Exec in a container, and the mount of an EFS volume with IAM authorization,
    act with the task role, not with the execution role. Without a task role a service with
    EnableExecuteCommand is refused; without the permissions no session opens, and no task with
    such a volume starts."""
    for service in ecs.services(view):
        task = ecs.task_definition_of(service) if service["EnableExecuteCommand"].flag else None
        if task is None:
            continue
        role = find_role(task["TaskRoleArn"])
        if task["TaskRoleArn"].absent:
            yield problem(
                task["TaskRoleArn"],
                f"{task.id} has no task role, and ECS refuses {service.id} with "
                f"EnableExecuteCommand without one",
                "Give it a TaskRoleArn whose role allows the ssmmessages actions.",
            )
        lacking = [one for one in EXEC if role is not None and allows(role, one) is False]
        if role is not None and lacking:
            yield problem(
                _place(role, lacking[0]),
                f"{role.id}, the task role, may not {', '.join(lacking)} on `*`, so ECS Exec into "
                f"{service.id} fails with TargetNotConnectedException",
                "Allow ssmmessages:CreateControlChannel, CreateDataChannel, OpenControlChannel and "
                "OpenDataChannel on `*` in the task role.",
            )
    for task in ecs.task_definitions(view):
        yield from _mounts(task)


def _mounts(task: Resource) -> Iterator[Problem]:
    for volume in task["Volumes"].items:
        efs = volume["EFSVolumeConfiguration"]
        system = ecs.resource_of_type(efs["FilesystemId"], FILE_SYSTEM)
        by_iam = efs.at("AuthorizationConfig", "IAM").text == "ENABLED"
        if not by_iam or system is None or system["FileSystemPolicy"].present:
            continue
        given = task["TaskRoleArn"]
        role = find_role(given)
        on = expand_parts(task.view, (Attr(system, "Arn"),))
        write = (
            f"Allow elasticfilesystem:ClientMount and ClientWrite on `!GetAtt {system.id}.Arn` in "
            f"the task role."
        )
        if given.absent:
            yield problem(
                given,
                f"{task.id} mounts {system.id} with IAM authorization, and has no task role to be "
                f"allowed it: no task starts",
                write,
            )
        elif role is not None and allows(role, CLIENT_MOUNT, on) is False:
            yield problem(
                _place(role, CLIENT_MOUNT),
                f"{task.id} mounts {system.id} with IAM authorization, and {role.id}, the task "
                f"role, may not {CLIENT_MOUNT}: no task starts",
                write,
            )


# CodeDeploy ----------------------------------------------------------------------------------


@rule(
    "E9390",
    "CodeDeploy may not pass the roles of the task it deploys",
    error_messages=(
        "The deployment failed because the IAM role ... is not authorized to perform iam:PassRole "
        "on the task's roles",
    ),
    fix="Attach AWSCodeDeployRoleForECS instead of AWSCodeDeployRoleForECSLimited, or allow "
    "iam:PassRole on the task's roles.",
    sources=(
        "AWS docs: Amazon ECS CodeDeploy IAM Role",
        "AWS docs: AWSCodeDeployRoleForECSLimited",
    ),
    failure_ids=("iam-codedeploy-limited-cannot-pass-role",),
)
def roles_not_passed(view: View) -> Iterator[Problem]:
    """AWSCodeDeployRoleForECSLimited passes only roles that are named ecsTaskExecutionRole or
    ECSTaskExecution..., and no name that CloudFormation makes is like that. The deployment group
    is created all the same, and then the first deployment fails."""
    for group in view.resources_of_type(DEPLOYMENT_GROUP):
        role = find_role(group["ServiceRoleArn"])
        for passed in _roles_to_pass(group) if role is not None else ():
            on = expand_parts(view, (Attr(passed, "Arn"),))
            if role is not None and allows(role, "iam:PassRole", on) is False:
                yield problem(
                    _limited(role),
                    f"{role.id} may not pass {passed.id} to a task, so the first deployment by "
                    f"{group.id} fails",
                    "Attach `arn:${AWS::Partition}:iam::aws:policy/AWSCodeDeployRoleForECS`, or "
                    "allow iam:PassRole on the task's roles.",
                )


def _roles_to_pass(group: Resource) -> Iterator[Resource]:
    """The roles of the tasks that a deployment group deploys."""
    for entry in group["ECSServices"].as_list:
        service = ecs.resource_of_type(entry["ServiceName"], ecs.SERVICE)
        task = ecs.task_definition_of(service) if service is not None else None
        if task is not None:
            roles = (find_role(task["ExecutionRoleArn"]), find_role(task["TaskRoleArn"]))
            yield from (one for one in roles if one is not None)


def _limited(role: Resource) -> Node:
    """Where the policy stands that passes too little, or should stand."""
    attached = role["ManagedPolicyArns"]
    limited = (
        one
        for one in attached.items
        if aws_managed_policy_path(one) == "AWSCodeDeployRoleForECSLimited"
    )
    return next(limited, attached)


RULES = (
    secret_not_readable,
    image_or_logs_denied,
    log_group_not_made,
    task_role_lacks,
    roles_not_passed,
)
