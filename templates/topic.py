"""An SNS topic for messages of applications, or an existing one.

    events:
      template: topic
    web:
      template: service
      uses: {events: send}
    mailer:
      template: worker
      queue: {topics: {events: {filter: {kind: [order]}}}}

The containers of `web` get the ARN of the topic as `EVENTS_TOPIC_ARN`, and its task role may
publish messages. The queue of `mailer` gets those messages whose attribute `kind` is `order`. The
topic is encrypted, and accepts messages over TLS only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Self

from awacs import kms, sns
from awacs.aws import Statement
from pydantic import Field
from troposphere import Ref, Template
from troposphere import sns as sns_resources

from moorage.facts.arn_patterns import arn_pattern
from moorage.findings.finding import Problem
from moorage.model import Base, Environment
from moorage.references import Reference

from .common.existing import existing_problems
from .common.exports import export_output, import_value
from .common.fields import KeyArn, text
from .common.iam import allow, deny_without_tls, policy
from .common.references import External, output_of
from .common.regions import key_region_problems, region_problems
from .common.usable import Usable, Usage

TopicArn = Annotated[
    str,
    text(
        arn_pattern("sns", r"[A-Za-z0-9_-]{1,256}(\.fifo)?"),
        "the ARN of a topic",
        "arn:aws:sns:eu-central-1:123456789012:events",
    ),
]

_AWS_MANAGED_KEY = "alias/aws/sns"
"""The key of SNS in each account. Its policy lets every principal of the account use it that may
publish to the topic, but no AWS service, such as CloudWatch (Amazon SNS developer guide, "Managing
Amazon SNS encryption keys and costs")."""


class ExistingTopic(Base):
    """A topic that already exists."""

    arn: External[TopicArn] = Field(description="ARN of the topic.")
    kms_key: External[KeyArn] | None = Field(
        None, description="ARN of the customer managed KMS key that encrypts it, if there is one."
    )


class Params(Usable):
    """An encrypted SNS topic that accepts messages over TLS only."""

    key_use: ClassVar[str | None] = "topics"
    accesses: ClassVar[tuple[str, ...]] = ("send",)
    endpoints: ClassVar[tuple[str, ...]] = ("sns",)

    fifo: bool = Field(
        False,
        description="Deliver the messages of a group in order, and each message once, to FIFO "
        "queues. Changing it replaces the topic. Of an existing topic, write it if `arn` is a "
        "reference.",
    )
    content_based_deduplication: bool = Field(
        False,
        description="With `fifo`: treat messages with the same content within 5 minutes as one.",
    )
    kms_key: External[KeyArn] | None = Field(
        None,
        description="ARN of a KMS key that encrypts the messages, instead of the key that SNS "
        "manages in the account.",
    )
    existing: ExistingTopic | None = Field(None, description="Use a topic that already exists.")

    @classmethod
    def from_exports(cls, stack: str, outputs: frozenset[str], env: Environment) -> Self | None:
        if "TopicArn" not in outputs:
            return None
        return cls(existing=ExistingTopic(arn=output_of(env, stack, "TopicArn")))

    @property
    def is_fifo(self) -> bool:
        """Whether it is a FIFO topic. Of an existing topic, the ARN shows it, if it is known."""
        if self.existing and isinstance(self.existing.arn, str):
            return self.existing.arn.endswith(".fifo")
        return self.fifo

    def arn(self, stack: str, env: Environment) -> Any:
        """The ARN of the topic of that stack, as other stacks refer to it."""
        return self.existing.arn if self.existing else import_value(env, stack, "TopicArn")

    def usage(self, stack: str, env: Environment, access: frozenset[str], user: str) -> Usage:
        """The ARN of the topic, and the permission to publish."""
        arn = self.arn(stack, env)
        key = self.existing.kms_key if self.existing else self.kms_key
        statements = tuple(_send_statements(arn, key)) if "send" in access else ()
        return Usage(variables={"TOPIC_ARN": arn}, statements=statements)


def _send_statements(topic: Any, key: str | Reference | None) -> Iterator[Statement]:
    """Amazon SNS developer guide, "Managing Amazon SNS encryption keys and costs": who publishes to
    an encrypted topic creates and decrypts data keys."""
    yield allow("Publish", [sns.Publish], [topic])
    if key:
        yield allow("EncryptMessages", [kms.Decrypt, kms.GenerateDataKey], [key])


def problems(name: str, params: Params, env: Environment) -> Iterator[Problem]:
    """Problems of a topic."""
    if params.existing:
        is_known = isinstance(params.existing.arn, str)
        yield from existing_problems(params, "topic", () if is_known else ("fifo",))
        yield from region_problems(params.existing.arn, ("existing", "arn"), env, "topic")
        key = params.existing.kms_key
        yield from key_region_problems(key, ("existing", "kms_key"), env)
        return
    yield from key_region_problems(params.kms_key, ("kms_key",), env)
    if params.content_based_deduplication and not params.fifo:
        message = "Content-based deduplication is for FIFO topics only"
        hint = "Add `fifo: true`, or remove `content_based_deduplication`."
        path, because = ("content_based_deduplication",), [("fifo",)]
        yield Problem("M3352", path, message, hint, because=because)


def compose(name: str, params: Params, env: Environment) -> Template | None:
    """The topic and its policy; None for an existing topic."""
    if params.existing:
        return None
    template = Template(f"{env.app} {env.name}: the topic `{name}`")
    template.set_version()
    template.add_resource([_topic(name, params, env), _topic_policy()])
    template.add_output(export_output(env, name, "TopicArn", Ref("Topic"), "ARN of the topic"))
    return template


def _topic(name: str, params: Params, env: Environment) -> sns_resources.Topic:
    """The topic. A FIFO topic needs a name, because the one that CloudFormation generates does not
    end with `.fifo` (aws-cloudformation/cloudformation-coverage-roadmap#681)."""
    fifo = {"FifoTopic": True, "TopicName": f"{env.stack_name(name)}.fifo"}
    deduplication = {"ContentBasedDeduplication": True}
    return sns_resources.Topic(
        "Topic",
        KmsMasterKeyId=params.kms_key or _AWS_MANAGED_KEY,
        **(fifo if params.fifo else {}),
        **(deduplication if params.content_based_deduplication else {}),
    )


def _topic_policy() -> sns_resources.TopicPolicy:
    """Denies messages without TLS (Amazon SNS developer guide, "Amazon SNS security best
    practices"). Principals of the account publish by their own policies."""
    tls_only = deny_without_tls([sns.Publish], [Ref("Topic")])
    return sns_resources.TopicPolicy(
        "TopicPolicy", Topics=[Ref("Topic")], PolicyDocument=policy([tls_only])
    )
