"""CloudFormation: change sets with values, events of resources, and creations that roll back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import yaml
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.models import (
    ChangeSet,
    CloudFormationBackend,
    Event,
    Stack,
    cloudformation_backends,
)
from moto.cloudformation.parsing import ResourceMap, get_model_map
from moto.cloudformation.responses import CloudFormationResponse
from moto.cloudformation.utils import yaml_tag_constructor
from moto.core.responses import ActionResult
from yaml.parser import ParserError
from yaml.scanner import ScannerError

from moorage.deploy.rehearsal.change_values import list_changes
from moorage.deploy.rehearsal.models import MODELS
from moorage.deploy.rehearsal.moto_types import DELETIONS
from moorage.deploy.rehearsal.outside import read_parameters
from moorage.deploy.rehearsal.resources import api, unless_gone, without

_FAILED_UPDATE = ("UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE")
_FAILED_CREATION = ("ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE")


class Backend(CloudFormationBackend):
    """CloudFormation of one region."""

    __module__ = CloudFormationBackend.__module__  # moto finds a backend's URLs by it

    def create_change_set(
        self, stack_name: str, change_set_name: str, template: str, *args: Any, **kwargs: Any
    ) -> tuple[str, str]:
        self._forget_empty_stack(stack_name, kwargs.get("change_set_type"))
        created = super().create_change_set(stack_name, change_set_name, template, *args, **kwargs)
        change_set = self.change_sets[created[0]]
        new = resolved(change_set.template_dict, self.region_name)
        types = {resource["Type"] for resource in new["Resources"].values()}
        if unknown := sorted(types - get_model_map().keys()):
            raise ValidationError(message=f"The test server does not know {', '.join(unknown)}")
        old = self.stacks[change_set.stack_id].resource_map._resource_json_map
        known = self._values(change_set.stack_id)
        changes: Any = list_changes(old, new["Resources"], known, self.region_name)
        change_set.template_dict, change_set.changes = new, changes
        if name := next((name for name in _imports(new) if name not in self.exports), None):
            change_set.status, change_set.execution_status = "FAILED", "UNAVAILABLE"
            change_set.status_reason = f"No export named {name} found"
        return created

    def _forget_empty_stack(self, stack_name: str, kind: Any) -> None:
        """A second change set for a stack that has not been created belongs to the same stack;
        moto would add another one of the same name."""
        for identity, stack in list(self.stacks.items()):
            if kind == "CREATE" and stack.name == stack_name:
                if stack.status != "REVIEW_IN_PROGRESS":
                    raise ValidationError(message=f"Stack {stack_name} already exists")
                del self.stacks[identity]

    def _values(self, stack_id: str) -> Any:
        stack = self.stacks[stack_id]
        parsed = stack.resource_map._parsed_resources

        def value(kind: str, argument: Any) -> Any:
            if kind == "Fn::ImportValue":
                export = self.exports.get(argument) if isinstance(argument, str) else None
                return export.value if export else None
            if kind == "Ref":
                found = parsed.get(argument)
                return getattr(found, "physical_resource_id", found)
            names = argument if isinstance(argument, list) else argument.split(".", 1)
            if len(names) != 2 or names[0] not in parsed:
                return None
            with suppress(Exception):  # of moto's own models, each has its own error
                return str(parsed[names[0]].get_cfn_attribute(names[1]))
            return None

        return value

    def execute_change_set(self, change_set_name: str, stack_name: str | None = None) -> None:
        change_set: Any = self.describe_change_set(change_set_name)
        stack = self.stacks[change_set.stack_id]
        if change_set.execution_status != "AVAILABLE":
            raise ValidationError(message=f"ChangeSet {change_set_name} cannot be executed")
        resources: Any = stack.resource_map
        resources.cross_stack_resources = self.exports
        before = resources._template, resources._resource_json_map
        try:
            super().execute_change_set(change_set_name, stack_name)
        except Exception as error:
            resources._template, resources._resource_json_map = before
            self._roll_back(stack, change_set, error)
            return
        end = stack.events.pop()  # the events of the resources come before that of the stack
        for change in change_set.changes:
            self._report(stack, change, "COMPLETE")
        stack.events.append(end)
        stack.template_dict = change_set.template_dict
        stack.description = stack.template_description
        stack.tags = change_set.tags
        stack.parameters = dict(stack.stack_parameters)  # with those that have their defaults
        self._set_outputs(stack)

    def _roll_back(self, stack: Any, change_set: Any, error: Exception) -> None:
        """Reports the failure as CloudFormation does. Of a stack that was to be created, what was
        created is deleted; an update leaves what it has changed, which moto cannot undo."""
        created = change_set.change_set_type == "CREATE"
        reason = str(getattr(error, "message", error))
        for change in change_set.changes:
            failed = change["LogicalResourceId"] not in stack.resource_map._parsed_resources
            if failed and change["Action"] == "Add" and _may_be_about(reason, change):
                self._report(stack, change, "FAILED", reason)
                break
        under_way, end = _FAILED_CREATION if created else _FAILED_UPDATE
        stack._add_stack_event(under_way, resource_status_reason=reason)
        if created:
            stack.resource_map._resource_json_map = change_set.template_dict["Resources"]
            with suppress(Exception):
                stack.resource_map.delete()
            stack.resource_map._resource_json_map = {}
        stack._add_stack_event(end)
        stack.status = end
        change_set.execution_status = "EXECUTE_FAILED"

    def _report(self, stack: Any, change: Mapping[str, Any], end: str, reason: str = "") -> None:
        verb = {"Add": "CREATE", "Remove": "DELETE"}.get(change["Action"], "UPDATE")
        name = change["LogicalResourceId"]
        resource = stack.resource_map._parsed_resources.get(name)
        identity = str(getattr(resource, "physical_resource_id", ""))
        self._add_event(stack, name, identity, change["ResourceType"], f"{verb}_{end}", reason)

    @staticmethod
    def _add_event(stack: Any, name: str, *values: Any) -> None:
        identity, kind, status, reason = values
        stack.events.append(
            Event(stack.stack_id, stack.name, name, identity, kind, status, reason, None)
        )

    def update_stack(self, name: str, template: str, *args: Any, **kwargs: Any) -> Any:
        stack = self.get_stack(name)
        resources: Any = stack.resource_map
        resources.cross_stack_resources = self.exports
        updated = super().update_stack(name, template, *args, **kwargs)
        self._set_outputs(stack)
        return updated

    def delete_stack(self, name_or_stack_id: str) -> None:
        """Refuses what AWS refuses: a stack whose exports are in use. A resource that cannot be
        deleted is reported."""
        stack: Any = self.get_stack(name_or_stack_id)
        if stack.stack_id not in self.stacks:
            return
        if user := next(self._users_of(stack), None):
            export, name = user
            raise ValidationError(
                message=f"Export {export} cannot be deleted as it is in use by {name}"
            )
        resources = dict(stack.resource_map._resource_json_map)
        for body in resources.values():
            if body.get("DeletionPolicy") == "RetainExceptOnCreate":  # unknown to moto
                body["DeletionPolicy"] = "Retain"
        try:
            super().delete_stack(stack.stack_id)
        except Exception as error:
            self.stacks[stack.stack_id] = stack
            left = stack.resource_map._parsed_resources
            deleted = [name for name in resources if not _is_kept(resources[name])]
            name = next((name for name in deleted if name in left), "")
            reason = str(getattr(error, "message", error))
            kind = resources.get(name, {}).get("Type", "")
            self._add_event(stack, name, "", kind, "DELETE_FAILED", reason)
            stack._add_stack_event("DELETE_FAILED", resource_status_reason=reason)
            stack.status = "DELETE_FAILED"
            return
        end = stack.events.pop()
        for name, body in resources.items():
            status = "DELETE_SKIPPED" if _is_kept(body) else "DELETE_COMPLETE"
            self._add_event(stack, name, "", body["Type"], status, None)
        stack.events.append(end)

    def _users_of(self, stack: Any) -> Iterator[tuple[str, str]]:
        """The exports of a stack that others import, with the names of these."""
        names = {export.name for export in stack.exports}
        for other in self.stacks.values():
            if other is not stack:
                imported = names.intersection(_imports(other.resource_map._resource_json_map))
                for name in sorted(imported):
                    yield name, other.name

    def _set_outputs(self, stack: Any) -> None:
        stack.output_map = stack._create_output_map()
        for export in list(self.exports.values()):
            if export.exporting_stack_id == stack.stack_id:
                del self.exports[export.name]
        self._validate_export_uniqueness(stack)
        self.exports.update((export.name, export) for export in stack.exports)


def _may_be_about(reason: str, change: Mapping[str, Any]) -> bool:
    """Whether a failure is that of a resource: a reason begins with the type, if it has one."""
    return reason.startswith(f"{change['ResourceType']}:") or not reason.startswith("AWS::")


def _imports(value: Any) -> Iterator[str]:
    """The names of exports that a template imports."""
    if isinstance(value, list):
        for item in value:
            yield from _imports(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key == "Fn::ImportValue" and isinstance(item, str):
                yield item
            else:
                yield from _imports(item)


def _is_kept(body: Mapping[str, Any]) -> bool:
    return body.get("DeletionPolicy") == "Retain"


def describe_events(response: CloudFormationResponse) -> ActionResult:
    """What the validation of a change set found: nothing, here."""
    return ActionResult({"OperationEvents": []})


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """In C where that is installed: each template is parsed several times."""


_Loader.add_multi_constructor("", yaml_tag_constructor)


def parse_template(text: str) -> Any:
    """A template with functions by their whole names, as moto parses it in ten times the time."""
    try:
        return yaml.load(text, _Loader)
    except (ParserError, ScannerError):  # such as JSON with tabs
        return json.loads(text)


def _parse_change_set(change_set: Any) -> None:
    change_set.template_dict = parse_template(change_set.template)


def correct_cloudformation() -> None:
    """Replaces moto's CloudFormation in this process."""
    find = ResourceMap.build_resource_diff

    def build_resource_diff(self: ResourceMap, template: Any, parameters: Any = None) -> Any:
        """Updates what refers to a task definition that gets a new revision, too."""
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

    delete = ResourceMap._delete_resource

    def delete_resource(self: Any, resource: Any, body: dict[str, Any]) -> None:
        if deletion := DELETIONS.get(body["Type"]):
            with unless_gone():
                deletion(api(self._region_name), resource.physical_resource_id)
        else:
            delete(self, resource, body)

    stacks: Any = Stack
    stacks.parse_template = staticmethod(parse_template)
    change_sets: Any = ChangeSet
    change_sets._parse_template = _parse_change_set
    models: Any = ResourceMap
    models.build_resource_diff = build_resource_diff
    models._delete_resource = delete_resource
    responses: Any = CloudFormationResponse
    responses.describe_events = describe_events
    # A change set without changes exists, and has failed.
    responses._validate_different_update = lambda *_: None
    backends: Any = cloudformation_backends
    backends.backend = Backend
    get_model_map().update(MODELS)  # type: ignore[arg-type]


def resolved(value: Any, region: str) -> Any:
    """A template with `Fn::GetAZs` resolved, for which moto returns zones of another region, with
    the content of `!Base64`, which moto leaves as YAML nodes, with the values of parameters in
    place of dynamic references, of which moto has none, and with the whole names of attributes,
    such as `Endpoint.Address`, which moto splits at every dot."""
    if isinstance(value, str) and "{{resolve:ssm:" in value:
        return read_parameters(value, region)
    if isinstance(value, list):
        return [resolved(item, region) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"Fn::GetAZs"}:
        zones = api(region)("ec2").describe_availability_zones()["AvailabilityZones"]
        return [zone["ZoneName"] for zone in zones]
    if isinstance(inner := value.get("Fn::Base64"), list):
        return {"Fn::Base64": {key.value: item.value for key, item in inner}}
    if isinstance(names := value.get("Fn::GetAtt"), list):
        return {"Fn::GetAtt": [names[0], ".".join(names[1:])]}
    return {key: resolved(item, region) for key, item in value.items()}
