"""The status of an environment as text or JSON. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime

from moorage.deploy.outputs_text import address_of, order_outputs
from moorage.deploy.progress_lines import rollout_text
from moorage.deploy.stack_state import StackState
from moorage.deploy.status import StackStatus, is_healthy


def status_text(stacks: Sequence[StackStatus]) -> str:
    """Addresses first, then each stack with its services, alarms and outputs."""
    return "".join(f"{line}\n" for line in _lines(stacks))


def status_json(stacks: Sequence[StackStatus]) -> str:
    """The same as JSON."""
    fields = [{**asdict(stack), "healthy": stack.healthy} for stack in stacks]
    return json.dumps(fields, indent=2, default=_as_text) + "\n"


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _lines(stacks: Sequence[StackStatus]) -> Iterator[str]:
    addresses = [
        f"{stack.name}  {address}"
        for stack in stacks
        if stack.state is not None
        for output in stack.state.outputs
        if (address := address_of(output))
    ]
    yield from addresses
    yield from [""] if addresses else []
    for stack in stacks:
        yield f"{stack.name} ({stack.stack_name})  {_state_text(stack)}"
        yield from _details(stack)


def _state_text(stack: StackStatus) -> str:
    state = stack.state
    if state is None:
        return "not deployed"
    parts = [state.status]
    if state.reason and state.status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        parts.append(state.reason)
    if state.changed is not None:
        parts.append(f"since {state.changed:%Y-%m-%d %H:%M} UTC")
    if state.drift == "DRIFTED":
        parts.append("has drifted")
    if state.protected:
        parts.append("termination protection")
    if not stack.in_params:
        parts.append("NOT IN THE PARAMS: `moorage destroy` deletes it")
    return ", ".join(parts)


def _details(stack: StackStatus) -> Iterator[str]:
    for logical_id, service in stack.services.items():
        mark = "" if is_healthy(service) else "!! "
        rollout = f", deployment {service.state}" if service.state else ""
        yield f"  {mark}{logical_id}: {rollout_text(service)}{rollout}"
    on = [alarm for alarm in stack.alarms if alarm.state == "ALARM"]
    for alarm in on:
        yield f"  !! {alarm.name}: {alarm.state}, {alarm.reason}"
    if stack.alarms and not on:
        noun = "alarm" if len(stack.alarms) == 1 else "alarms"
        yield f"  {len(stack.alarms)} {noun}, none is on"
    yield from _outputs(stack.state)


def _outputs(state: StackState | None) -> Iterator[str]:
    if state is not None:
        for output in order_outputs(state.outputs):
            yield f"  {output.key}: {output.value}"
