"""An SNS topic that alarms notify, or an existing one.

notifications:
  subscriptions:
    email: [operations@example.com]

The topic is encrypted with a customer managed key, because alarms of CloudWatch cannot publish to a
topic that uses the AWS managed key of SNS. Subscriptions of email addresses and URLs must be
confirmed once. Alarms of other stacks notify the topic if these have `alarms: true`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Self

from awacs import kms, sns
from awacs.aws import Allow, ArnLike, Condition, Principal, Statement, StringEquals
from pydantic import Field, create_model
from troposphere import AccountId, AWSObject, GetAtt, Ref, Sub, Template, awslambda
from troposphere import kms as kms_resources
from troposphere import sns as sns_resources

from moorage.facts.arn_patterns import arn_pattern
from moorage.findings.finding import Path, Problem
from moorage.findings.wording import join_and
from moorage.model import Base, Environment, logical_id
from moorage.records import record
from moorage.references import Reference

from .alarms.settings import Thresholds
from .common.exports import export_output, import_value
from .common.fields import KeyArn, QueueArn, UniqueList, text
from .common.iam import deny_without_tls, policy
from .common.references import External, output_of
from .common.regions import key_region_problems, region_problems

TopicArn = Annotated[
    str,
    text(
        arn_pattern("sns", "[A-Za-z0-9_-]{1,256}"),
        "the ARN of a standard topic",
        "arn:aws:sns:eu-central-1:123456789012:operations",
    ),
]
_FunctionArn = Annotated[
    str,
    text(
        arn_pattern("lambda", "function:[A-Za-z0-9_-]{1,64}(:[A-Za-z0-9_$-]{1,128})?"),
        "the ARN of a Lambda function",
        "arn:aws:lambda:eu-central-1:123456789012:function:pager",
    ),
]
_Email = Annotated[
    str, text(r"[^@\s]+@[^@\s]+\.[^@\s]+", "an email address", "operations@example.com")
]
_Url = Annotated[str, text(r"https://[!-~]+", "an HTTPS URL", "https://alerts.example.com/aws")]

# `lambda` is a keyword of Python, so a class cannot declare a field of that name.
if TYPE_CHECKING:
    _SubscriptionsBase = Base
else:
    _SubscriptionsBase = create_model(
        "_SubscriptionsBase",
        __base__=Base,
        **{
            "lambda": (
                UniqueList[External[_FunctionArn]],
                Field([], description="ARNs of Lambda functions, which the topic may then invoke."),
            )
        },
    )


class Subscriptions(_SubscriptionsBase):
    """Who receives the messages."""

    email: UniqueList[_Email] = Field([], description="Email addresses.")
    https: UniqueList[_Url] = Field([], description="HTTPS URLs, such as that of a pager service.")
    sqs: UniqueList[External[QueueArn]] = Field(
        [],
        description="ARNs of standard SQS queues. The policy of the queue must allow "
        "`sns.amazonaws.com` the action `sqs:SendMessage`.",
    )


class Existing(Base):
    """A topic that already exists."""

    arn: External[TopicArn] = Field(
        description="ARN of the topic. Its policy must allow `cloudwatch.amazonaws.com` and "
        "`events.amazonaws.com` the action `sns:Publish`. If the topic is encrypted, the key "
        "policy must allow them the actions `kms:Decrypt` and `kms:GenerateDataKey*`."
    )


class Params(Base):
    """A topic for messages of alarms."""

    subscriptions: Subscriptions = Field(
        Subscriptions.unvalidated(), description="Who receives the messages."
    )
    kms_key: External[KeyArn] | None = Field(
        None,
        description="ARN of a customer managed KMS key that encrypts the messages, instead of one "
        "that the stack creates. Its policy must allow `cloudwatch.amazonaws.com` and "
        "`events.amazonaws.com` the actions `kms:Decrypt` and `kms:GenerateDataKey*`, for "
        "`events.amazonaws.com` without a condition on `aws:SourceArn` or `aws:SourceAccount`.",
    )
    thresholds: Thresholds = Field(
        Thresholds.unvalidated(),
        examples=[{"latency": {"above": "2s"}}],
        description="Default thresholds of the alarms that notify this topic.",
    )
    existing: Existing | None = Field(None, description="Use a topic that already exists.")

    @classmethod
    def from_exports(cls, stack: str, outputs: frozenset[str], env: Environment) -> Self | None:
        if "TopicArn" not in outputs:
            return None
        return cls(existing=Existing(arn=output_of(env, stack, "TopicArn")))


@record
class Handle:
    """What other stacks use to refer to the topic: a literal value or an import."""

    topic: Any
    """ARN of the topic."""
    thresholds: Thresholds


def handle(name: str, params: Params, env: Environment) -> Handle:
    """What other stacks use to refer to the topic of the stack `name`."""
    topic = params.existing.arn if params.existing else import_value(env, name, "TopicArn")
    return Handle(topic, params.thresholds)


# Problems ------------------------------------------------------------------------------------


def problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """Problems of a topic and its subscriptions."""
    if params.existing:
        unused = sorted(params.model_fields_set - {"existing", "thresholds"})
        if unused:
            keys = join_and(f"`{key}`" for key in unused)
            message = f"Moorage does not change an existing topic: {keys} would have no effect"
            hint = f"Remove {keys}, or remove `existing` to create a topic."
            yield Problem("M3403", ("existing",), message, hint)
        yield from region_problems(params.existing.arn, ("existing", "arn"), env, "topic")
        return
    yield from key_region_problems(params.kms_key, ("kms_key",), env)
    if not any(endpoints for _, endpoints in _by_protocol(params)):
        message = "The topic has no subscriptions, so its messages reach no recipient"
        hint = "Write for example `subscriptions: {email: [operations@example.com]}`."
        because = [("existing",)]
        yield Problem("M3404", ("subscriptions",), message, hint, "warning", because)
    titles: dict[str, str | Reference] = {}
    for protocol, endpoints in _by_protocol(params):
        for index, endpoint in enumerate(endpoints):
            path: Path = ("subscriptions", protocol, index)
            yield from _endpoint_problems(protocol, endpoint, path)
            title = _subscription_id(protocol, endpoint)
            if title in titles:
                message = (
                    f"`{titles[title]}` and `{endpoint}` result in the same logical ID {title}"
                )
                yield Problem("M1302", path, message, "Remove one of them.")
            titles.setdefault(title, endpoint)


def _endpoint_problems(protocol: str, endpoint: str | Reference, path: Path) -> Iterator[Problem]:
    if protocol == "sqs" and isinstance(endpoint, str) and endpoint.endswith(".fifo"):
        message = "A FIFO queue cannot subscribe to a standard topic"
        yield Problem("M3405", path, message, "Write the ARN of a standard queue.")


def _by_protocol(params: Params) -> Iterator[tuple[str, list[str | Reference]]]:
    """The endpoints of each protocol."""
    for protocol in ("email", "https", "lambda", "sqs"):
        yield protocol, getattr(params.subscriptions, protocol)


def _subscription_id(protocol: str, endpoint: str | Reference) -> str:
    """The logical ID of a subscription: from the resource part of an ARN, from a URL without its
    scheme, or from an email address."""
    if not isinstance(endpoint, str):
        return logical_id(protocol, *endpoint.words, "Subscription")
    name = endpoint.split(":", 5)[-1] if endpoint.startswith("arn:") else endpoint
    return logical_id(protocol, name.removeprefix("https://"), "Subscription")


# Resources -----------------------------------------------------------------------------------


def compose(name: str, params: Params, env: Environment) -> Template | None:
    """The topic, its key, its policy and subscriptions; None for an existing topic."""
    if params.existing:
        return None
    template = Template(f"{env.app} {env.name}: the notifications `{name}`")
    template.set_version()
    if params.kms_key is None:
        template.add_resource(_key())
    template.add_resource(
        sns_resources.Topic("Topic", KmsMasterKeyId=params.kms_key or GetAtt("Key", "Arn"))
    )
    template.add_resource(_topic_policy())
    for protocol, endpoints in _by_protocol(params):
        for endpoint in endpoints:
            template.add_resource(list(_subscription(protocol, endpoint)))
    template.add_output(export_output(env, name, "TopicArn", Ref("Topic"), "ARN of the topic"))
    return template


def _subscription(protocol: str, endpoint: str | Reference) -> Iterator[AWSObject]:
    title = _subscription_id(protocol, endpoint)
    yield sns_resources.SubscriptionResource(
        title, TopicArn=Ref("Topic"), Protocol=protocol, Endpoint=endpoint
    )
    if protocol == "lambda":
        yield awslambda.Permission(
            f"{title.removesuffix('Subscription')}Permission",
            Action="lambda:InvokeFunction",
            FunctionName=endpoint,
            Principal="sns.amazonaws.com",
            SourceArn=Ref("Topic"),
        )


_SENDERS: Mapping[str, tuple[str, str]] = {
    "Alarms": ("cloudwatch.amazonaws.com", "cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:*"),
    "Events": ("events.amazonaws.com", "events:${AWS::Region}:${AWS::AccountId}:rule/*"),
}
"""The service principals that publish to the topic, and the ARNs of their alarms and rules, by the
Sid of the statement."""


def _topic_policy() -> sns_resources.TopicPolicy:
    """Amazon SNS developer guide, "Example cases for Amazon SNS access control" and "Amazon SNS
    security best practices"."""
    statements = [
        Statement(
            Sid=sid,
            Effect=Allow,
            Principal=Principal("Service", service),
            Action=[sns.Publish],
            Resource=[Ref("Topic")],
            Condition=Condition(
                ArnLike({"aws:SourceArn": Sub(f"arn:${{AWS::Partition}}:{source}")})
            ),
        )
        for sid, (service, source) in _SENDERS.items()
    ]
    tls_only = deny_without_tls([sns.Publish], [Ref("Topic")])
    return sns_resources.TopicPolicy(
        "TopicPolicy", Topics=[Ref("Topic")], PolicyDocument=policy([*statements, tls_only])
    )


def _key() -> kms_resources.Key:
    """The key of the topic, which CloudWatch and EventBridge use when they send a message.

    Amazon SNS developer guide, "Managing Amazon SNS encryption keys and costs": EventBridge sends
    neither aws:SourceArn nor aws:SourceAccount to KMS, so with a condition on them no message would
    arrive, and nothing would report it.
    """
    root = Sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root")
    account = Condition(StringEquals({"aws:SourceAccount": AccountId}))
    actions = [kms.Decrypt, kms.Action("GenerateDataKey*")]
    return kms_resources.Key(
        "Key",
        Description=Sub("Messages of ${AWS::StackName}"),
        EnableKeyRotation=True,
        KeyPolicy=policy(
            [
                Statement(
                    Sid="Administer",
                    Effect=Allow,
                    Principal=Principal("AWS", root),
                    Action=[kms.Action("*")],
                    Resource=["*"],
                ),
                Statement(
                    Sid="Alarms",
                    Effect=Allow,
                    Principal=Principal("Service", "cloudwatch.amazonaws.com"),
                    Action=actions,
                    Resource=["*"],
                    Condition=account,
                ),
                Statement(
                    Sid="Events",
                    Effect=Allow,
                    Principal=Principal("Service", "events.amazonaws.com"),
                    Action=actions,
                    Resource=["*"],
                ),
            ]
        ),
    )
