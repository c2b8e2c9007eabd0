"""What an update does to what is deployed: two versions of an environment -> Findings. Pure.

What is judged is what CloudFormation and the services behind it do with a change, so that a
reviewer reads it before the deployment does it: what is replaced and what that means, what is
refused, what is lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from moorage.cfn import ecs
from moorage.cfn.changes import Comparison, name_property, settled
from moorage.cfn.nodes import Node
from moorage.cfn.view import Resource, Stack
from moorage.model import Level

_ELB = "AWS::ElasticLoadBalancingV2::"

_ROUTINE = frozenset(
    {
        "AWS::ECS::TaskDefinition",
        "AWS::EC2::SecurityGroupEgress",
        "AWS::EC2::SecurityGroupIngress",
        "AWS::EC2::SubnetRouteTableAssociation",
        "AWS::IAM::Policy",
    }
)
"""Types whose replacement nobody notices."""

_MEANS = {
    ecs.LOAD_BALANCER: "It gets another DNS name and other addresses: clients that know the old "
    "ones lose it",
    ecs.TARGET_GROUP: "The new one is empty until the service has registered its tasks there",
    ecs.LISTENER: "The old one answers until the new load balancer's does",
    ecs.SERVICE: "A new service starts beside the old one, and the old one's tasks stop after it",
    ecs.CLUSTER: "Every service in it is made anew",
    "AWS::EC2::EIP": "The address changes: clients that know the old one lose it",
    "AWS::EC2::NatGateway": "Outgoing traffic comes from another address, unless its Elastic IP "
    "stays",
    "AWS::EC2::SecurityGroup": "Rules elsewhere that name the old one by its id stop to hold",
    "AWS::EC2::Subnet": "Everything that has an address in it must leave it first",
    "AWS::EC2::VPC": "Everything in it is made anew",
    "AWS::IAM::Role": "Policies elsewhere that name the old one's ARN stop to hold",
    "AWS::Route53::HostedZone": "It gets other name servers",
}

_STATEFUL = frozenset(
    {
        "AWS::DynamoDB::GlobalTable",
        "AWS::DynamoDB::Table",
        "AWS::EC2::Volume",
        "AWS::ECR::Repository",
        "AWS::EFS::FileSystem",
        "AWS::ElastiCache::ReplicationGroup",
        "AWS::ElastiCache::CacheCluster",
        "AWS::Kinesis::Stream",
        "AWS::KMS::Key",
        "AWS::Logs::LogGroup",
        "AWS::OpenSearchService::Domain",
        "AWS::RDS::DBCluster",
        "AWS::RDS::DBInstance",
        "AWS::S3::Bucket",
        "AWS::SecretsManager::Secret",
        "AWS::SQS::Queue",
    }
)
"""Types that hold what cannot be made again."""

_FULL_MUST_STAY = frozenset({"AWS::S3::Bucket", "AWS::ECR::Repository"})
"""Types that cannot be deleted while they hold something."""

_CODE_DEPLOY_TAKES = frozenset(
    {
        "DeploymentConfiguration",
        "DesiredCount",
        "EnableECSManagedTags",
        "HealthCheckGracePeriodSeconds",
        "PlacementConstraints",
        "PlacementStrategies",
        "PropagateTags",
        "Tags",
    }
)
"""What may change in a service that CodeDeploy deploys (ECS API reference, UpdateService)."""


@dataclass(frozen=True)
class Effect:
    """What the update does at a place of the new templates (or of the old, for what goes)."""

    code: str
    level: Level
    at: Node
    message: str
    hint: str


def effects(change: Comparison) -> Iterator[Effect]:
    """Everything that a reviewer should know of an update before it runs."""
    yield from _gone_stacks(change)
    yield from _retyped(change)
    yield from _replacements(change)
    yield from _clashes(change)
    yield from _exports(change)
    yield from _late_security_groups(change)
    yield from _two_load_balancers(change)
    yield from _code_deploy_services(change)
    yield from _put_back(change)
    yield from _first_listeners(change)
    yield from _mixed(change)
    yield from _lost(change)


def _gone_stacks(change: Comparison) -> Iterator[Effect]:
    for stack in change.gone_stacks:
        yield Effect(
            "M1407",
            "warning",
            Node(stack, {}, ()),
            f"`{stack.name}` is no longer built, but its stack stays deployed, and costs",
            "Delete the stack when nothing imports from it any more.",
        )


def _retyped(change: Comparison) -> Iterator[Effect]:
    for pair in change.pairs:
        if pair.old.type != pair.new.type:
            yield Effect(
                "M1402",
                "error",
                pair.new.body["Type"],
                f"{pair.new.id} was {pair.old.type}, and CloudFormation refuses to change a type",
                "Give the new resource a logical ID of its own.",
            )


def _replacements(change: Comparison) -> Iterator[Effect]:
    for new, (_, reason) in change.replaced.items():
        if new.type not in _ROUTINE:
            means = _MEANS.get(new.type, "")
            known = new.type in _MEANS
            yield Effect(
                "M1401",
                "warning" if known else "info",
                new[reason],
                f"{new.id} ({new.type}) is made anew, because {reason} changes"
                + (f". {means}" if means else ""),
                "Keep the old value if that is not meant.",
            )


def _clashes(change: Comparison) -> Iterator[Effect]:
    """New resources whose place is still held by what they take over from."""
    goes = {
        place: resource
        for resource in (
            *change.removed,
            *(pair.old for pair, _ in change.replaced.values()),
            *(one for stack in change.gone_stacks for one in stack.resources.values()),
        )
        for place in change.places(resource, after=False)
    }
    comes = [*change.added, *change.replaced]
    order = {stack.name: at for at, stack in enumerate(change.new.stacks)}
    for new in comes:
        for place in change.places(new, after=True):
            old = goes.get(place)
            if old is None or order.get(old.stack.name, len(order)) < order[new.stack.name]:
                continue
            if len(place) == 2:
                name = new[name_property(new.type)]
                name = name if name.present else new["Name"]
                yield Effect(
                    "M1402",
                    "error",
                    name,
                    f"{new.id} is made before {old.id} is deleted, and both have the name "
                    f"`{name.text or 'given'}`: CloudFormation cannot replace a custom-named "
                    "resource",
                    "Leave the name out, or change it with this update.",
                )
            else:
                keys = " and ".join(place[1])
                yield Effect(
                    "M1402",
                    "error",
                    new[place[1][-1]],
                    f"{new.id} is made before {old.id} is deleted, and both have the same {keys}: "
                    f"the second is refused",
                    f"Keep the logical ID {old.id}, or change in two updates.",
                )


def _exports(change: Comparison) -> Iterator[Effect]:
    for old, new in change.stacks:
        before, after = _exported(old), _exported(new)
        for name, output in before.items():
            users = _importers(change, old, name)
            if not users:
                continue
            now = after.get(name)
            if now is not None and settled(now["Value"]) == settled(output["Value"]):
                resource = now["Value"].resource
                if resource is None or resource not in change.replaced:
                    continue
            what = "taken away" if now is None else "changed"
            yield Effect(
                "M1403",
                "error",
                now["Value"] if now is not None else output,
                f"The export {name} is {what} while {', '.join(users)} imports it, and "
                "CloudFormation refuses that",
                "Let the importing stacks stop to import it first, in an update of their own.",
            )
    for stack in change.gone_stacks:
        for name in _exported(stack):
            users = [one.name for one in change.new.stacks if name in one.imports]
            if users:
                yield Effect(
                    "M1403",
                    "error",
                    Node(stack, {}, ()),
                    f"`{stack.name}` is no longer built, and {', '.join(users)} imports {name} "
                    "from it",
                    "Keep the stack in the params, or let nothing import from it.",
                )


def _exported(stack: Stack) -> dict[str, Node]:
    """The outputs of a stack that are exported, by the exports' names."""
    nodes = (Node(stack, one, ("Outputs", key)) for key, one in stack.template.outputs.items())
    found = ((node.at("Export", "Name").text, node) for node in nodes)
    return {name: node for name, node in found if name is not None}


def _importers(change: Comparison, exporter: Stack, name: str) -> list[str]:
    """The stacks that import a name when its stack is updated: those that did, but for those that
    stop to and are updated earlier."""
    order = [stack.name for stack in change.new.stacks]
    free = {
        stack.name
        for stack in change.new.stacks[: order.index(exporter.name)]
        if name not in stack.imports
    }
    return [
        stack.name
        for stack in change.old.stacks
        if name in stack.imports and stack.name not in free and stack.name != exporter.name
    ]


def _late_security_groups(change: Comparison) -> Iterator[Effect]:
    for pair in change.pairs:
        if pair.new.type == ecs.LOAD_BALANCER and ecs.kind(pair.new) == "network":
            before, after = pair.old["SecurityGroups"], pair.new["SecurityGroups"]
            if before.absent and after.present and pair.new not in change.replaced:
                yield Effect(
                    "M1404",
                    "error",
                    after,
                    f"{pair.new.id} was created without a security group. Elastic Load Balancing "
                    'says "You cannot set security groups on a Network Load Balancer which was '
                    'created without any security groups"',
                    "Make a new load balancer, under another logical ID.",
                )


def _two_load_balancers(change: Comparison) -> Iterator[Effect]:
    """Target groups that stay while their load balancer is replaced."""
    for forwarder in change.new.of(ecs.LISTENER, ecs.LISTENER_RULE):
        balancer = ecs.load_balancer_of(forwarder)
        if balancer not in change.replaced:
            continue
        for node in ecs.forwards(forwarder):
            group = ecs.named(node, ecs.TARGET_GROUP)
            before = change.kept(group) if group is not None else None
            if group is None or before is None or group in change.replaced:
                continue
            if change.replaced[balancer][0].old in ecs.load_balancers_of(change.old, before):
                yield Effect(
                    "M1404",
                    "error",
                    node,
                    f"{balancer.id} is made anew while {group.id} stays with the old one. Elastic "
                    'Load Balancing says "The following target groups cannot be associated with '
                    'more than one load balancer"',
                    f"Give {group.id} another logical ID in the same update.",
                )


def _code_deploy_services(change: Comparison) -> Iterator[Effect]:
    for pair in change.pairs:
        controller = pair.new.props.at("DeploymentController", "Type").text
        if pair.new.type != ecs.SERVICE or pair.new in change.replaced:
            continue
        if controller != "CODE_DEPLOY":
            continue
        task = ecs.task_of(pair.new)
        changed = [key for key in pair.changed if key not in _CODE_DEPLOY_TAKES]
        if task in change.replaced and "TaskDefinition" not in changed:
            changed.append("TaskDefinition")
        for key in changed:
            yield Effect(
                "M1404",
                "error",
                pair.new[key],
                f"{key} of {pair.new.id} changes, which ECS refuses for a service that CodeDeploy "
                'deploys: "Use AWS CodeDeploy to trigger a new deployment"',
                "Leave the property as it is, and deploy through CodeDeploy.",
            )


def _put_back(change: Comparison) -> Iterator[Effect]:
    """Listeners and rules that a deployment switches and an update would switch back."""
    switched = {**_blue_green(change), **_code_deploy_routes(change)}
    for pair in change.pairs:
        who = switched.get(pair.new)
        actions = "DefaultActions" if pair.new.type == ecs.LISTENER else "Actions"
        if who and pair.changed and pair.new not in change.replaced:
            yield Effect(
                "M1406",
                "warning",
                pair.new[actions] if actions in pair.changed else pair.new[pair.changed[0]],
                f"{who} has switched {pair.new.id} since, and an update of it puts the target "
                "groups back as the template has them: traffic may go where no task is",
                "Change it by itself, when the template's target group is the live one.",
            )


def _blue_green(change: Comparison) -> dict[Resource, str]:
    found = {}
    for service in ecs.services(change.new):
        for entry in service["LoadBalancers"].items:
            for key in ("ProductionListenerRule", "TestListenerRule"):
                rule = entry.at("AdvancedConfiguration", key).resource
                if rule is not None:
                    found[rule] = f"The deployment of {service.id}"
    return found


def _code_deploy_routes(change: Comparison) -> dict[Resource, str]:
    found = {}
    for group in change.new.of("AWS::CodeDeploy::DeploymentGroup"):
        for pair in group.props.at("LoadBalancerInfo", "TargetGroupPairInfoList").items:
            for key in ("ProdTrafficRoute", "TestTrafficRoute"):
                for arn in pair.at(key, "ListenerArns").items:
                    if arn.resource is not None:
                        found[arn.resource] = "CodeDeploy"
    return found


def _first_listeners(change: Comparison) -> Iterator[Effect]:
    """Services that exist and get a target group whose listener comes in the same update."""
    added = set(change.added)
    for attachment in ecs.attachments(change.new):
        if change.kept(attachment.service) is None or attachment.service in change.replaced:
            continue
        group = attachment.target_group.resource
        if group in added and all(one in added for one in ecs.forwarders(change.new, group)):
            yield Effect(
                "M1406",
                "warning",
                attachment.target_group,
                f"{attachment.service.id} runs already and gets {group.id} in the update that "
                "makes it. People report that ECS then says the target group has no associated "
                "load balancer",
                "If it is refused, deploy the listener first and the service after it.",
            )


def _mixed(change: Comparison) -> Iterator[Effect]:
    """Under the CodeDeploy hook, a new task definition must be the only change."""
    kinds = ("AWS::ECS::TaskDefinition", "AWS::ECS::TaskSet")
    for _, stack in change.stacks:
        if "AWS::CodeDeployBlueGreen" not in str(stack.template.body.get("Transform")):
            continue
        pairs = [one for one in change.pairs if one.new.stack is stack and one.changed]
        deploys = [one for one in pairs if one.new.type in kinds]
        others = [one for one in pairs if one.new.type not in kinds]
        if deploys and others:
            yield Effect(
                "M1404",
                "error",
                others[0].new.body,
                f"{others[0].new.id} changes together with {deploys[0].new.id}. CodeDeploy's hook "
                'says "Additional resource diff other than Amazon ECS application related resource '
                'update is detected"',
                "Change the task definition in an update of its own.",
            )


def _lost(change: Comparison) -> Iterator[Effect]:
    for old in change.removed:
        if old.type in _STATEFUL and old.body["DeletionPolicy"].text not in _KEEPS:
            full = old.type in _FULL_MUST_STAY
            yield Effect(
                "M1405",
                "warning",
                old.body,
                f"{old.id} ({old.type}) leaves the template "
                + (
                    "and cannot be deleted unless it is empty"
                    if full
                    else "and is deleted, with all that it holds"
                ),
                "Deploy it with `DeletionPolicy: Retain` first, if that is not meant.",
            )
    for new, (pair, reason) in change.replaced.items():
        policies = (new.body["UpdateReplacePolicy"].text, pair.old.body["UpdateReplacePolicy"].text)
        if new.type in _STATEFUL and not set(policies) & _KEEPS:
            yield Effect(
                "M1405",
                "warning",
                new[reason],
                f"{new.id} ({new.type}) is made anew and empty, and the old one is deleted with "
                "all that it holds",
                "Write `UpdateReplacePolicy: Retain`, or keep the old value.",
            )


_KEEPS = frozenset({"Retain", "RetainExceptOnCreate", "Snapshot"})
