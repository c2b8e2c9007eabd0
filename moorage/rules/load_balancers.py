"""Load balancers: their attributes, their addresses, and where they log."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from moorage.cfn import ecs
from moorage.cfn.networks import may_be_modified_elsewhere
from moorage.cfn.nodes import Node
from moorage.cfn.values import Attr, Unknown, as_text
from moorage.cfn.view import Resource, View
from moorage.facts import elb_attributes
from moorage.facts.elb_attributes import APPLICATION, NETWORK
from moorage.rules.elb_attribute_checks import find_invalid_values, find_unsupported_keys
from moorage.rules.rule import Problem, problem, rule

_KINDS = (APPLICATION, NETWORK, elb_attributes.GATEWAY)
_A_KIND = {APPLICATION: "an Application", NETWORK: "a Network", "gateway": "a Gateway"}
_API = "AWS docs: Elastic Load Balancing API reference,"


# Attributes ----------------------------------------------------------------------------------


@rule(
    "E9317",
    "A load balancer has an attribute that its type does not have",
    error_messages=(
        "Load balancer attribute key 'idle_timeout.timeout_seconds' is not supported on load "
        "balancers with type 'network'",
    ),
    fix="Remove the attribute, or use the one of that type.",
    sources=(
        "hashicorp/terraform-provider-aws#3611",
        "aws-cloudformation/cfn-lint#791",
        "aws-cloudformation/cloudformation-coverage-roadmap#2121",
        f"{_API} LoadBalancerAttribute",
    ),
    failure_ids=("lb-attribute-idle-timeout-on-nlb",),
)
def load_balancer_attribute_key(view: View) -> Iterator[Problem]:
    """Each type of load balancer has attributes of its own. One that belongs to another type, to
    a listener or to a target group is refused, and the stack rolls back."""
    for balancer in view.resources_of_type(ecs.LOAD_BALANCER):
        kind = ecs.load_balancer_type(balancer)
        if kind in _KINDS:
            whose = f"{balancer.id}, {_A_KIND[kind]} Load Balancer,"
            items = balancer["LoadBalancerAttributes"].items
            yield from find_unsupported_keys(items, elb_attributes.LOAD_BALANCER, kind, whose)


@rule(
    "E9318",
    "An attribute of a load balancer has a value that it does not take",
    error_messages=(
        "The value of 'idle_timeout.timeout_seconds' must be between '1' and '4000' inclusive",
    ),
    fix="Write a value that the attribute takes.",
    sources=(f"{_API} LoadBalancerAttribute",),
)
def load_balancer_attribute_value(view: View) -> Iterator[Problem]:
    """Attributes are texts for CloudFormation, so that nobody but Elastic Load Balancing looks at
    their values, when the load balancer is made."""
    for balancer in view.resources_of_type(ecs.LOAD_BALANCER):
        kind = ecs.load_balancer_type(balancer)
        if kind in _KINDS:
            items = balancer["LoadBalancerAttributes"].items
            yield from find_invalid_values(items, elb_attributes.LOAD_BALANCER, kind)


# Addresses -----------------------------------------------------------------------------------


@rule(
    "E9319",
    "A load balancer is given addresses that its scheme or type does not take",
    error_messages=("Elastic IPs are not supported for load balancers with scheme 'internal'",),
    fix="Elastic IPs (`AllocationId`) are for an internet-facing Network Load Balancer, "
    "`PrivateIPv4Address` is for an internal one.",
    sources=(
        "terraform-aws-modules/terraform-aws-alb#285",
        "hashicorp/terraform-provider-aws#15235",
        f"{_API} SubnetMapping",
    ),
    failure_ids=("lb-internal-nlb-with-eip",),
)
def addresses_of_another_scheme(view: View) -> Iterator[Problem]:
    """A Network Load Balancer keeps fixed addresses: public ones, which are Elastic IPs, if it
    faces the internet, and private ones of its subnets if it is internal. The addresses of an
    Application Load Balancer change, and none can be given to it."""
    for balancer in view.resources_of_type(ecs.LOAD_BALANCER):
        kind, scheme = ecs.load_balancer_type(balancer), balancer["Scheme"]
        facing = "internet-facing" if scheme.absent else scheme.text
        for mapping in balancer["SubnetMappings"].items:
            public, private = mapping["AllocationId"], mapping["PrivateIPv4Address"]
            if public.present and not public.optional:
                if kind == APPLICATION:
                    yield problem(
                        public,
                        f"{balancer.id} is an Application Load Balancer, which takes no Elastic IP",
                        "Remove it, or use a Network Load Balancer.",
                    )
                elif facing == "internal":
                    yield problem(
                        public,
                        f"{balancer.id} is internal, and AWS refuses Elastic IPs for it",
                        "Write `PrivateIPv4Address`, or `Scheme: internet-facing`.",
                    )
            outside = kind == NETWORK and facing == "internet-facing"
            if outside and private.present and not private.optional:
                yield problem(
                    private,
                    f"{balancer.id} is internet-facing, and AWS refuses private addresses for it",
                    "Write `AllocationId`, or `Scheme: internal`.",
                )


# Logs ----------------------------------------------------------------------------------------

_NETWORK_WRITER = "delivery.logs.amazonaws.com"
_WRITERS = {
    # The second one writes for load balancers in Outposts.
    APPLICATION: (
        "logdelivery.elasticloadbalancing.amazonaws.com",
        "logdelivery.elb.amazonaws.com",
    ),
    NETWORK: (_NETWORK_WRITER,),
}
_ACCOUNTS = {
    "af-south-1": "098369216593",
    "ap-east-1": "754344448648",
    "ap-northeast-1": "582318560864",
    "ap-northeast-2": "600734575887",
    "ap-northeast-3": "383597477331",
    "ap-south-1": "718504428378",
    "ap-southeast-1": "114774131450",
    "ap-southeast-2": "783225319266",
    "ca-central-1": "985666609251",
    "cn-north-1": "638102146993",
    "cn-northwest-1": "037604701340",
    "eu-central-1": "054676820928",
    "eu-north-1": "897822967062",
    "eu-south-1": "635631232127",
    "eu-west-1": "156460612806",
    "eu-west-2": "652711504416",
    "eu-west-3": "009996457667",
    "me-south-1": "076674570225",
    "sa-east-1": "507241528517",
    "us-east-1": "127311923021",
    "us-east-2": "033677994240",
    "us-gov-east-1": "190560391635",
    "us-gov-west-1": "048591011584",
    "us-west-1": "027434742980",
    "us-west-2": "797873946194",
}
"""The accounts that Elastic Load Balancing writes logs from, where it still has them."""

_UNKNOWN = "\0"
_ACCOUNT = "<account>"
_BUCKET = "<bucket>"


@rule(
    "E9320",
    "A load balancer may not write its access logs",
    error_messages=("Access Denied for bucket: <bucket>. Please check S3bucket permission",),
    fix="Allow `s3:PutObject` on `<bucket>/<prefix>/AWSLogs/<account>/*`: for an Application Load "
    "Balancer to `logdelivery.elasticloadbalancing.amazonaws.com` or to the region's account of "
    "Elastic Load Balancing, for a Network Load Balancer to `delivery.logs.amazonaws.com`.",
    sources=(
        "terraform-aws-modules/terraform-aws-s3-bucket#185",
        "terraform-aws-modules/terraform-aws-s3-bucket#183",
        "terraform-aws-modules/terraform-aws-s3-bucket#98",
        "kubernetes-sigs/aws-load-balancer-controller#1956",
        "hashicorp/terraform-provider-aws internal/service/elb/service_account_data_source.go",
    ),
    failure_ids=("lb-access-logs-wrong-principal",),
)
def access_logs_refused(view: View) -> Iterator[Problem]:
    """Elastic Load Balancing writes a test file when access logs are switched on. The two types of
    load balancer write under different names; a bucket policy that allows the other's name, or
    other keys than the load balancer writes, makes it fail."""
    for balancer in view.resources_of_type(ecs.LOAD_BALANCER):
        kind = ecs.load_balancer_type(balancer)
        attributes = ecs.attributes(balancer, "LoadBalancerAttributes")
        enabled, place = (attributes.get(f"access_logs.s3.{key}") for key in ("enabled", "bucket"))
        if kind in _WRITERS and enabled is not None and enabled.flag and place is not None:
            bucket = place.resource
            if bucket is not None and bucket.type == "AWS::S3::Bucket":
                prefix = attributes.get("access_logs.s3.prefix")
                yield from _refused(balancer, kind, place, bucket, prefix)


def _refused(
    balancer: Resource, kind: str, place: Node, bucket: Resource, prefix: Node | None
) -> Iterator[Problem]:
    policies = _policies(bucket)
    if policies is None or not all(_statements(policy).all_known for policy in policies):
        return
    allowing = [one for policy in policies for one in _allowing(policy)]
    folder = (_written(prefix, bucket) if prefix is not None and prefix.present else "").strip("/")
    folder = f"{folder}/" if folder else ""
    key = f"arn:aws:s3:::{_BUCKET}/{folder}AWSLogs/{_ACCOUNT}/x"
    region = balancer.stack.template.region
    judged = [
        (one, _writer_in(one, kind, region), _key_in(one, key, bucket))
        for one in allowing
        if _puts(one) is not False
    ]
    if any(writer is not False and fits is not False for _, writer, fits in judged):
        return
    writer = f"`{_WRITERS[kind][0]}`"
    keys = f"`<bucket>/{'<prefix>/' if _UNKNOWN in folder else folder}AWSLogs/<account>/*`"
    message = f"No statement lets {balancer.id}, {_A_KIND[kind]} Load Balancer, write its logs"
    others = [one for one, _, fits in judged if fits]
    elsewhere = [one for one, writes, _ in judged if writes]
    if others:
        yield problem(others[0]["Principal"], message, f"Allow it to {writer}.")
    elif elsewhere:
        at = elsewhere[0]["Resource"]
        yield problem(at, f"{message} where it writes them", f"Allow it on {keys}.")
    elif policies or _left_alone(bucket, balancer, kind):
        at = policies[0]["PolicyDocument"] if policies else place
        hint = f"Allow {writer} the action s3:PutObject on {keys}."
        yield problem(at, message, hint)


def _left_alone(bucket: Resource, balancer: Resource, kind: str) -> bool:
    """Whether a bucket certainly has no policy when an ALB tries to write there."""
    return (
        kind == APPLICATION
        and bucket.stack is balancer.stack
        and not may_be_modified_elsewhere(bucket)
    )


def _policies(bucket: Resource) -> list[Resource] | None:
    """The policies of a bucket; None where another may be its as well."""
    found = {
        one: True
        if one["Bucket"].resource is bucket
        else one["Bucket"].resource is None and one["Bucket"].is_same_as(bucket["BucketName"])
        for one in bucket.view.resources_of_type("AWS::S3::BucketPolicy")
    }
    return None if None in found.values() else [one for one, its in found.items() if its]


def _statements(policy: Resource) -> Node:
    return policy.props.at("PolicyDocument", "Statement")


def _allowing(policy: Resource) -> list[Node]:
    """The statements that allow something, or may."""
    return [one for one in _statements(policy).as_list if not one["Effect"].is_none_of("Allow")]


def _puts(statement: Node) -> bool | None:
    """Whether a statement is about s3:PutObject."""
    if statement["Action"].absent:
        return None
    return _any(
        _covers(action.text, "s3:putobject") if action.text is not None else None
        for action in statement["Action"].as_list
    )


def _key_in(statement: Node, key: str, bucket: Resource) -> bool | None:
    """Whether a statement is about a key."""
    if statement["Resource"].absent:
        return None
    found: list[bool | None] = []
    for one in statement["Resource"].as_list:
        pattern = re.sub(r"(?<=AWSLogs/)\d{12}(?=/)", _ACCOUNT, _written(one, bucket))
        if bucket["BucketName"].present:
            name = _written(bucket["BucketName"], None)
            pattern = pattern.replace(f":::{name}/", f":::{_BUCKET}/")
        fits = _covers(pattern.replace(_UNKNOWN, "*"), key.replace(_UNKNOWN, "\1"))
        unsure = _UNKNOWN in pattern or _UNKNOWN in key
        found.append(None if unsure else fits)
    return _any(found)


def _writer_in(statement: Node, kind: str, region: str | None) -> bool | None:
    """Whether a statement is about those who write a load balancer's logs."""
    principal = statement["Principal"]
    if principal.absent or principal.unknown:
        return None
    if principal.text is not None:
        return principal.text == "*"
    found: list[bool | None] = []
    for sort, names in principal.entries:
        for name in names.as_list:
            if sort == "Service":
                found.append(None if name.text is None else name.text in _WRITERS[kind])
            elif sort == "AWS":
                found.append(_is_account(name, kind, region))
    return _any(found)


def _is_account(name: Node, kind: str, region: str | None) -> bool | None:
    """Whether a principal is everybody, or the account that ALBs write from."""
    if name.text == "*":
        return True
    if isinstance(name.value, Attr):
        return False
    digits = re.search(r"(?:^|::)(\d{12})(?:$|:)", _written(name, None))
    if digits is None:
        return False if _ACCOUNT in _written(name, None) else None
    if digits[1] not in _ACCOUNTS.values():
        return None
    if kind != APPLICATION:
        return False
    return region is None or region not in _ACCOUNTS or _ACCOUNTS[region] == digits[1]


def _written(node: Node, bucket: Resource | None) -> str:
    """A text with marks for the bucket, its ARN, the account, and what is not known."""
    return "".join(_mark(part, bucket) for part in node.parts) if node.parts else _UNKNOWN


def _mark(part: object, bucket: Resource | None) -> str:
    if isinstance(part, Attr) and part.resource is bucket:
        return f"arn:aws:s3:::{_BUCKET}" if part.name == "Arn" else _BUCKET
    if isinstance(part, Unknown) and part.token in ("AWS::AccountId", "AWS::Partition"):
        return _ACCOUNT if part.token == "AWS::AccountId" else "aws"
    return as_text(part) or (_UNKNOWN if as_text(part) is None else "")


def _covers(pattern: str, text: str) -> bool:
    """Whether a pattern of IAM's, with its `*` and `?`, covers a text."""
    first, *rest = (re.escape(one).replace(r"\?", ".") for one in pattern.split("*"))
    middle = "".join(f"(?>.*?{one})" for one in rest[:-1])
    made = first + middle + (f".*{rest[-1]}" if rest else "")
    return re.fullmatch(made, text, re.DOTALL | re.IGNORECASE) is not None


def _any(truths: Iterable[bool | None]) -> bool | None:
    every = list(truths)
    return True if True in every else None if None in every else False


RULES = (
    load_balancer_attribute_key,
    load_balancer_attribute_value,
    addresses_of_another_scheme,
    access_logs_refused,
)
