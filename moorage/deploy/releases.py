"""Services whose deployments shift traffic: their weights survive every update.

A parameter for each pair of target groups says which one is in production. It gets the group that
is live, before an update and after it, so that CloudFormation writes no other weights than those
that are there (docs/decisions/0025-releases.md).
"""

from __future__ import annotations

from collections.abc import Mapping

from moorage.deploy.aws import Aws, AwsError, aws_errors
from moorage.deploy.change_sets import Preview, role_argument
from moorage.deploy.context import Context
from moorage.deploy.events import EventReader
from moorage.deploy.following import failure_text, follow_stack
from moorage.deploy.jobs import Job
from moorage.deploy.progress import Noted
from moorage.deploy.rollout import describe_service
from moorage.deploy.stack_resources import read_resources
from moorage.deploy.stack_state import StackState, read_state
from moorage.deploy.target import DeployStack
from moorage.plan import TrafficPair
from moorage.records import record

HELD = "HeldTaskDefinition"
"""The parameter with the revision that a service keeps during an update."""
_TASKS = ("Service", "TaskDefinition")


@record
class LiveRelease:
    """What is in production."""

    groups: Mapping[str, str]
    """`primary` or `alternate`, by parameter."""
    task_definition: str | None = None
    """The revision that the service runs; None if there is no service, or CodeDeploy deploys it."""


def read_live(aws: Aws, stack: DeployStack, state: StackState) -> LiveRelease:
    """What is in production of a deployed stack. Raises AwsError if a release is under way, or if
    a rule sends requests to both groups."""
    with aws_errors():
        ids = {
            item["LogicalResourceId"]: item.get("PhysicalResourceId", "")
            for item in read_resources(aws, state.id)
        }
        service = ids.get("Service", "")
        revision = None
        if service.startswith("arn:") and stack.code_deploy is None:
            revision = _read_revision(aws, stack, service)
        return LiveRelease(
            {pair.parameter: _find_live_group(aws, stack, pair, ids) for pair in stack.pairs},
            revision,
        )


def _read_revision(aws: Aws, stack: DeployStack, arn: str) -> str:
    service = describe_service(aws, arn)
    if under_way := service.get("currentServiceDeployment"):
        raise AwsError(f"ECS deploys {stack.stack_name}: {under_way}. Try again when it has ended")
    return service.get("taskDefinition", "")


def _find_live_group(
    aws: Aws, stack: DeployStack, pair: TrafficPair, ids: Mapping[str, str]
) -> str:
    """The group of a pair that gets all requests. Before there is an alternate one, it is the
    primary one."""
    primary, alternate = ids.get(pair.primary, ""), ids.get(pair.alternate, "")
    forwarder = ids.get(pair.forwarder, "")
    if not alternate.startswith("arn:"):
        return "primary"
    if not forwarder.startswith("arn:"):
        raise AwsError(
            f"{pair.forwarder} is new in {stack.stack_name}, which has {pair.alternate} already: "
            "traffic would go to an empty group. First deploy `release: rolling`, then this change"
        )
    live = _live_groups(aws, forwarder)
    if live == {primary}:
        return "primary"
    if live == {alternate}:
        return "alternate"
    shown = ", ".join(sorted(live)) or "no group"
    raise AwsError(
        f"{pair.forwarder} of {stack.stack_name} must send all traffic to {primary} or to "
        f"{alternate}, but sends it to {shown}. Wait for the end of a release that is under way. "
        "If there is none, give the group with healthy targets the weight 100 and the other one 0, "
        "with `aws elbv2 modify-rule` or `modify-listener`"
    )


def _live_groups(aws: Aws, forwarder: str) -> set[str]:
    """The target groups with a weight above 0."""
    if ":listener-rule/" in forwarder:
        rule = aws.elbv2.describe_rules(RuleArns=[forwarder])["Rules"][0]
        actions = rule.get("Actions", [])
    else:
        listener = aws.elbv2.describe_listeners(ListenerArns=[forwarder])["Listeners"][0]
        actions = listener.get("DefaultActions", [])
    for action in actions:
        if action.get("Type") == "forward":
            groups = action.get("ForwardConfig", {}).get("TargetGroups", [])
            return {item.get("TargetGroupArn", "") for item in groups if item.get("Weight", 0) > 0}
    return set()


def release_parameters(
    stack: DeployStack, live: LiveRelease, *, hold: bool = False
) -> dict[str, str]:
    """The values of the parameters for an update; with `hold`, one that keeps the revision."""
    held = {} if stack.code_deploy is not None else {HELD: ""}
    if hold and live.task_definition:
        held = {HELD: live.task_definition}
    return {**live.groups, **held}


def needs_two_updates(preview: Preview, live: LiveRelease) -> bool:
    """Whether an update deploys tasks and changes a rule or listener of a pair: if it failed after
    the tasks were deployed, its rollback would write the weights from before."""
    changed = {change.logical_id for change in preview.changes}
    forwarders = {pair.forwarder for pair in preview.stack.pairs}
    return bool(live.task_definition and changed & set(_TASKS) and changed & forwarders)


def sync_weights(context: Context, stack: DeployStack, stack_id: str) -> Job[bool]:
    """Makes the parameters of the deployed stack say which groups are in production. Each update
    changes one parameter, so that it cannot fail half-way, and writes the weights that are there.
    Returns whether there was one."""
    client = context.aws.cloudformation
    state = read_state(client, stack_id)
    if not set(state.parameters) & {pair.parameter for pair in stack.pairs}:
        return False
    live = read_live(context.aws, stack, state).groups
    # The deployed template can be that of an earlier version, which had roles.
    capabilities = sorted({"CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", *stack.capabilities})
    stale = [name for name in live if state.parameters.get(name, live[name]) != live[name]]
    for name in stale:
        context.emit(
            Noted(stack.name, context.at, f"the group in production is {name}={live[name]}")
        )
        reader = EventReader(client, stack_id)
        reader.skip()
        with aws_errors():
            client.update_stack(
                StackName=stack_id,
                UsePreviousTemplate=True,
                Capabilities=capabilities,  # type: ignore[arg-type]
                **role_argument(stack),
                Parameters=[
                    {"ParameterKey": other, "ParameterValue": live[name]}
                    if other == name
                    else {"ParameterKey": other, "UsePreviousValue": True}
                    for other in state.parameters
                ],
            )
        end = yield from follow_stack(context, stack.name, reader)
        if not end.succeeded:
            raise AwsError(failure_text(end))
    return bool(stale)
