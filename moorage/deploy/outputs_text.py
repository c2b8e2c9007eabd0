"""The outputs of stacks as text: addresses first. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from moorage.deploy.stack_state import Output, StackState


def address_of(output: Output) -> str | None:
    """The address that a browser or client uses, if an output is one."""
    if output.key.endswith("QueueUrl"):
        return None  # for programs, not for people
    if output.value.startswith(("http://", "https://")):
        return output.value
    if output.key.endswith("DnsName"):
        return output.value
    return None


def addresses_text(states: Mapping[str, StackState]) -> str:
    """The addresses in the outputs of stacks, by the stacks' names in the params."""
    return "".join(
        f"{name}  {output.key}  {address}\n"
        for name, state in states.items()
        for output in state.outputs
        if (address := address_of(output))
    )


def order_outputs(outputs: Iterable[Output]) -> Iterator[Output]:
    """Addresses first."""
    yield from sorted(outputs, key=lambda output: (address_of(output) is None, output.key))
