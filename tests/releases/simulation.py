"""Elastic Load Balancing, ECS and CloudFormation in memory, as far as traffic is concerned.

What is documented, reported and assumed about them is in docs/decisions/0025-releases.md. Every
function that changes something is a generator, which stops after each change: there the test looks
at the traffic.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import Any

GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"
RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
SERVICE = "AWS::ECS::Service"
TASKS = "AWS::ECS::TaskDefinition"
KINDS = (GROUP, RULE, LISTENER, SERVICE, TASKS)

CREATE_ONLY = {
    GROUP: {"TargetType", "ProtocolVersion", "Port", "Name", "VpcId", "Protocol"},
    RULE: {"ListenerArn"},
    LISTENER: {"LoadBalancerArn"},
    SERVICE: set(),
    TASKS: None,  # a revision cannot be changed
}
"""Properties with which CloudFormation replaces a resource; None: with any."""

DEPLOYS = ("TaskDefinition", "LoadBalancers", "NetworkConfiguration")
"""Properties of a service whose change starts a deployment (ECS API reference, UpdateService)."""

Template = Mapping[str, Any]
Step = Iterator[None]


class RefusedError(Exception):
    """deploy.sh stops before it changes anything."""


class FailedError(Exception):
    """An update failed at the step where the test lets it fail."""


@dataclass(frozen=True)
class Move:
    """What a deployment does with one entry of LoadBalancers."""

    live: str
    """The group that serves."""
    target: str
    """The group that the new tasks are registered in."""
    forwarder: str
    """The rule or listener whose weights ECS writes."""


@dataclass
class Cloud:
    """What is deployed: one stack with one service."""

    template: Template = field(default_factory=lambda: {"Resources": {}})
    parameters: dict[str, str] = field(default_factory=dict)
    physical: dict[str, str] = field(default_factory=dict)
    """Logical to physical IDs."""
    properties: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What CloudFormation has written, by logical ID."""
    weights: dict[str, dict[str, int]] = field(default_factory=dict)
    """Of rules and listeners by physical ID: weights by the group's physical ID."""
    healthy: dict[str, set[str]] = field(default_factory=dict)
    """Healthy tasks of groups, as the revisions that they run."""
    revision: str = ""
    """The revision that the service has."""
    counter: int = 0

    # Elastic Load Balancing ------------------------------------------------------------------

    def problems(self) -> list[str]:
        """Production rules that send requests to a group without a healthy task."""
        service = self.properties.get("Service")
        if not service or not self.revision:
            return []
        return [
            f"{forwarder} sends {weight} to {group}"
            for forwarder in self.production()
            for group, weight in self.weights[forwarder].items()
            if weight and not self.healthy.get(group)
        ]

    def production(self) -> list[str]:
        """The rules and listeners of production traffic."""
        return [
            identity
            for name, identity in self.physical.items()
            if identity in self.weights and "Test" not in name
        ]

    # ECS ---------------------------------------------------------------------------------------

    def deploy(self, service: Mapping[str, Any], fail_at: str = "") -> Step:
        """A deployment of the service; at a stage named `fail_at` it rolls back."""
        new = f"{service['TaskDefinition']}#{self._next()}"
        strategy = service["DeploymentConfiguration"].get("Strategy", "ROLLING")
        moves = [self._move(entry, strategy) for entry in service["LoadBalancers"]]
        for move in moves:
            self.healthy.setdefault(move.target, set()).add(new)
            yield
        failed = fail_at if strategy == "ROLLING" or fail_at == "scale-up" else ""
        if strategy != "ROLLING" and not failed:
            failed = yield from self._shift(moves, fail_at)
        self._stop(new if failed else self.revision)
        self.revision = self.revision if failed else new
        yield
        if failed:
            raise FailedError(failed)

    def _move(self, entry: Mapping[str, Any], strategy: str) -> Move:
        """Which group serves, where ECS has registered the tasks of the current revision, and which
        group the new tasks are registered in."""
        advanced = entry.get("AdvancedConfiguration", {})
        groups = [entry["TargetGroupArn"], advanced.get("AlternateTargetGroupArn", "")]
        with_tasks = [group for group in groups if self.revision in self.healthy.get(group, ())]
        live = with_tasks[0] if with_tasks else groups[0]
        other = groups[1] if live == groups[0] else groups[0]
        forwarder = advanced.get("ProductionListenerRule", "")
        return Move(live, live if strategy == "ROLLING" else other, forwarder)

    def _shift(self, moves: list[Move], fail_at: str) -> Generator[None, None, str]:
        """Shifts traffic in two steps, and back if it fails at one; returns where."""
        for percent in (10, 100):
            for move in moves:
                self.weights[move.forwarder] = {move.live: 100 - percent, move.target: percent}
                yield
            if fail_at == f"shift-{percent}":
                for move in moves:
                    self.weights[move.forwarder] = {move.live: 100, move.target: 0}
                    yield
                return fail_at
        return ""

    def _stop(self, revision: str) -> None:
        for tasks in self.healthy.values():
            tasks.discard(revision)

    def _next(self) -> int:
        self.counter += 1
        return self.counter

    # CloudFormation ----------------------------------------------------------------------------

    def update(
        self,
        template: Template,
        parameters: Mapping[str, str],
        fail_after: str = "",
        stage: str = "",
    ) -> Step:
        """An update. It fails after the resource `fail_after`, or in a stage of the deployment, and
        is rolled back then; FailedError is raised at the end."""
        given = {
            name: parameters.get(name, self.parameters.get(name, definition["Default"]))
            for name, definition in template.get("Parameters", {}).items()
        }
        before = (self.template, dict(self.parameters), dict(self.physical))
        replaced: list[str] = []
        touched: list[str] = []
        try:
            for name in order(template):
                yield from self._apply(name, template, given, replaced, touched, stage)
                if name == fail_after:
                    raise FailedError(name)
        except FailedError:
            yield from self._roll_back(before, touched)
            raise
        removed = [
            self.physical.pop(name)
            for name in [*self.physical]
            if name not in template["Resources"]
        ]
        self.template, self.parameters = template, given
        for identity in [*replaced, *removed]:
            self.healthy.pop(identity, None)
            self.weights.pop(identity, None)
            yield

    def _apply(
        self,
        name: str,
        template: Template,
        given: Mapping[str, str],
        replaced: list[str],
        touched: list[str],
        stage: str,
    ) -> Step:
        """Creates, updates or replaces a resource, unless it stays as it is."""
        resource = template["Resources"][name]
        kind = resource["Type"]
        wanted = resolve(resource.get("Properties", {}), template, given, self.physical)
        had = self.properties.get(name) if name in self.physical else None
        if had == wanted:
            return
        touched.append(name)
        changed = {
            key for key in {*wanted, *(had or {})} if (had or {}).get(key) != wanted.get(key)
        }
        only = CREATE_ONLY.get(kind, set())
        if had is None or (changed if only is None else changed & only):
            if had is not None:
                replaced.append(self.physical[name])
            self.physical[name] = f"{name}-{self._next()}"
        self.properties[name] = wanted
        identity = self.physical[name]
        if kind == GROUP:
            self.healthy.setdefault(identity, set())
        if kind in (RULE, LISTENER):
            actions = wanted.get("Actions") or wanted.get("DefaultActions")
            self.weights[identity] = written_weights(actions)
        yield
        if kind == SERVICE and (had is None or changed & set(DEPLOYS)):
            yield from self.deploy(wanted, stage)

    def _roll_back(
        self, before: tuple[Template, dict[str, str], dict[str, str]], touched: list[str]
    ) -> Step:
        """Previous properties with previous parameters, in the order of the old template. ECS has
        rolled its deployment back already; after one that succeeded, the service is deployed once
        more."""
        template, parameters, physical = before
        new = self.physical
        self.physical = physical
        self.template, self.parameters = template, parameters
        for name in order(template):
            if name in touched:
                resource = template["Resources"][name]
                wanted = resolve(resource.get("Properties", {}), template, parameters, physical)
                had, self.properties[name] = self.properties.get(name), wanted
                if resource["Type"] in (RULE, LISTENER):
                    actions = wanted.get("Actions") or wanted.get("DefaultActions")
                    self.weights[physical[name]] = written_weights(actions)
                yield
                is_done = self.revision.startswith(f"{wanted.get('TaskDefinition')}#")
                if resource["Type"] == SERVICE and had != wanted and not is_done:
                    yield from self.deploy(wanted)
        for name, identity in new.items():
            if physical.get(name) != identity:
                self.healthy.pop(identity, None)
                self.weights.pop(identity, None)
        yield


def written_weights(actions: Any) -> dict[str, int]:
    """The weights of a forward action, by group; of others none."""
    action = actions[-1]
    if "ForwardConfig" in action:
        groups = action["ForwardConfig"]["TargetGroups"]
        return {group["TargetGroupArn"]: group["Weight"] for group in groups}
    return {action["TargetGroupArn"]: 100} if "TargetGroupArn" in action else {}


def resolve(
    value: Any, template: Template, parameters: Mapping[str, str], physical: Mapping[str, str]
) -> Any:
    """A value with the functions that matter here resolved; others stay as they are."""

    def walk(part: Any) -> Any:
        if isinstance(part, list | tuple):
            return [walk(item) for item in part]
        if not isinstance(part, Mapping):
            return part
        if part.keys() == {"Ref"}:
            name = part["Ref"]
            return parameters.get(name, physical.get(name, name))
        if part.keys() == {"Fn::If"}:
            condition, yes, no = part["Fn::If"]
            return walk(yes if holds(template["Conditions"][condition]) else no)
        return {key: walk(item) for key, item in part.items()}

    def holds(condition: Mapping[str, Any]) -> bool:
        if "Fn::Not" in condition:
            return not holds(condition["Fn::Not"][0])
        first, second = condition["Fn::Equals"]
        return bool(walk(first) == walk(second))

    return walk(value)


def order(template: Template) -> list[str]:
    """Logical IDs in an order in which each comes after those that it depends on; rules and
    listeners as early as possible, which is the worst order for traffic."""
    resources = template["Resources"]
    graph = {
        name: {*_references(resource), *resource.get("DependsOn", [])} & resources.keys()
        for name, resource in resources.items()
        if resource["Type"] in KINDS
    }
    return [name for name in TopologicalSorter(graph).static_order() if name in graph]


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == "Ref":
                yield item
            elif key == "Fn::GetAtt":
                yield item[0] if isinstance(item, list | tuple) else item.split(".")[0]
            else:
                yield from _references(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _references(item)
