"""Task roles that use an encrypted queue, but not its key."""

from __future__ import annotations

from collections.abc import Iterator

from moorage.cfn import ecs
from moorage.cfn.arns import Arns, expand_arns
from moorage.cfn.nodes import Node
from moorage.cfn.permissions import allows, find_role
from moorage.cfn.stack import Resource
from moorage.cfn.view import View
from moorage.rules.rule import Problem, problem, rule

_QUEUE, _KEY = "AWS::SQS::Queue", "AWS::KMS::Key"
_ACTIONS = {
    "sqs:ReceiveMessage": "kms:Decrypt",
    "sqs:SendMessage": "kms:GenerateDataKey",
}


@rule(
    "E9781",
    "A task role may use a queue, but not the KMS key of the queue.",
    error_messages=("KMS.AccessDeniedException",),
    fix="Allow the task role `kms:Decrypt` on the key to receive messages, and "
    "`kms:GenerateDataKey` as well to send them.",
    sources=("Amazon SQS developer guide: Key management", "aws/aws-cdk#2329"),
    failure_ids=("sqs-worker-without-the-queues-key",),
)
def key_of_queue_not_allowed(view: View) -> Iterator[Problem]:
    """SQS encrypts and decrypts messages with the permissions of its caller. The deployment
    succeeds, and each call fails."""
    roles = {
        role for task in ecs.task_definitions(view) if (role := find_role(task["TaskRoleArn"]))
    }
    for queue in view.resources_of_type(_QUEUE):
        key = queue["KmsMasterKeyId"].resource
        if key is None or key.type != _KEY:
            continue
        for role in sorted(roles, key=lambda role: (role.stack.name, role.id)):
            for action, needed in _ACTIONS.items():
                if _lacks_key(role, queue, key, action, needed):
                    yield problem(
                        role,
                        f"Role `{role.id}` allows `{action}` on queue `{queue.id}`, but not "
                        f"`{needed}` on the queue's key",
                        f"Allow `{needed}` on `!GetAtt {key.id}.Arn`.",
                    )


def _lacks_key(role: Resource, queue: Resource, key: Resource, action: str, needed: str) -> bool:
    if not allows(role, action, _arn(queue)) or allows(role, needed, _arn(key)) is not False:
        return False
    principals = (
        principal
        for statement in key["KeyPolicy"]["Statement"].as_list
        for principal in (statement["Principal"], *statement["Principal"]["AWS"].as_list)
    )
    return not any(_may_be(principal, role) for principal in principals)


def _arn(resource: Resource) -> Arns:
    return expand_arns(resource.stack.node({"Fn::GetAtt": [resource.id, "Arn"]}, ()))


def _may_be(principal: Node, role: Resource) -> bool:
    """Whether a statement of a key's policy may be for the role itself."""
    return principal.resource is role or principal.text == "*" or "role/" in str(principal.text)


RULES = (key_of_queue_not_allowed,)
