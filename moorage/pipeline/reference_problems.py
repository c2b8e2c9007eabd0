"""References to outputs of other stacks: whether the stack and the output exist, and are what is
needed. All of it is known from the templates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from operator import itemgetter
from typing import Any

from moorage.facts.dynamic_references import MAX_DYNAMIC_REFERENCES
from moorage.facts.return_kinds import ANY_ARN, is_kind, kind_of_return_value
from moorage.findings.finding import Finding, Path
from moorage.findings.wording import join_or, near, offer, shown
from moorage.model import Environment
from moorage.pipeline.document import Document
from moorage.plan import Rendering
from moorage.references import Reference, references_of


def find_reference_problems(
    renderings: tuple[Rendering, ...],
    env: Environment,
    document: Document,
    shared: tuple[Rendering, ...] = (),
) -> Iterator[Finding]:
    """Findings about references to outputs, at the lines of the params. `shared` has the stacks of
    another environment that this one shares."""
    bodies = {each.stack: each.body for each in (*shared, *renderings)}
    bodies = dict(sorted(bodies.items(), key=itemgetter(0)))
    for name, references in references_of(env).items():
        for path, reference in references:
            if reference.stack is not None:
                yield from _problem(name, path, reference, bodies, env, document)
    for rendering in renderings:
        yield from _too_many(rendering, document)


def _problem(
    name: str,
    path: Path,
    reference: Reference,
    bodies: Mapping[str, Mapping[str, Any]],
    env: Environment,
    document: Document,
) -> Iterator[Finding]:
    stack, output = str(reference.stack), reference.output

    def finding(code: str, message: str, hint: str) -> Finding:
        return Finding(code, "error", document.place(path), path, message, hint)

    if stack not in env.stacks:
        guess = near(stack, env.stacks)
        stacks = [guess] if guess else [each for each in bodies if each != name]
        hint = f"Write {offer(stacks)}." if stacks else _FROM_OUTSIDE
        yield finding("M1201", f"There is no stack {shown(stack)}", hint)
    elif stack == name:
        message = "A stack cannot import its own outputs"
        yield finding("M1901", message, "Use `overrides:` to refer to a resource of the stack.")
    elif stack not in bodies:
        message = f"`{stack}` has no outputs: with `existing`, Moorage builds no template for it"
        yield finding("M1901", message, f"Write the value itself. {_FROM_OUTSIDE}")
    elif output not in (outputs := bodies[stack].get("Outputs", {})):
        guess = near(output, outputs)
        names = [guess] if guess else [*outputs]
        hint = f"Write {offer(names)}." if names else _ADD_OUTPUT
        yield finding("M1901", f"`{stack}` has no output {shown(output)}", hint)
    elif stack in env.shared and "Export" not in outputs[output]:
        message = f"`{output}` of `{stack}` has no export, and `{stack}` is a stack of "
        message += f"`{env.shared[stack]}`"
        name = env.export_name(stack, output)
        hint = f"Write `overrides: {{Outputs: {{{output}: {{Export: {{Name: {name}}}}}}}}}` below "
        hint += f"`{stack}`, and deploy it first."
        yield finding("M1901", message, hint)
    elif (
        reference.what
        and (kind := _kind(outputs[output], bodies[stack]))
        and not is_kind(kind, reference.what)
    ):
        message = f"`{output}` of `{stack}` is {kind}, not {reference.what}"
        # In place of the URL of a queue, for example, its ARN is probably meant.
        wanted = reference.what
        if wanted == ANY_ARN:
            wanted = f"the ARN of {kind.partition(' of ')[2]}"
        yield finding("M1902", message, _suggest_output(wanted, bodies[stack]))


_FROM_OUTSIDE = (
    "A value from outside of the environment is written `{export: NAME}` or `{ssm: /NAME}`."
)
_ADD_OUTPUT = "It has none; add one in `overrides: {Outputs: ...}` of that stack."


def _suggest_output(wanted: str, body: Mapping[str, Any]) -> str:
    """The outputs of the same stack that are what is wanted."""
    fitting = [
        name for name, output in body.get("Outputs", {}).items() if _kind(output, body) == wanted
    ]
    if fitting:
        return f"Write {join_or(f'`output: {name}`' for name in fitting)}."
    return f"Refer to an output that is {wanted}, or write the value itself."


def _kind(output: Mapping[str, Any], body: Mapping[str, Any]) -> str:
    """What an output is, such as "the ID of a VPC"; empty if that is not known."""
    value = output.get("Value")
    if not isinstance(value, Mapping) or len(value) != 1:
        return ""
    ((function, argument),) = value.items()
    if function == "Ref" and isinstance(argument, str):
        resource, attribute = argument, "Ref"
    elif function == "Fn::GetAtt" and isinstance(argument, str | list | tuple):
        parts = argument.split(".", 1) if isinstance(argument, str) else argument
        if len(parts) != 2 or not all(isinstance(part, str) for part in parts):
            return ""
        resource, attribute = parts
    else:
        return ""
    kind = body.get("Resources", {}).get(resource, {}).get("Type", "")
    return kind_of_return_value(kind, attribute)


def _too_many(rendering: Rendering, document: Document) -> Iterator[Finding]:
    count = rendering.text.count("{{resolve:")
    if count > MAX_DYNAMIC_REFERENCES:
        path: Path = ("stacks", rendering.stack)
        message = f"The template has {count} dynamic references"
        hint = f"CloudFormation accepts {MAX_DYNAMIC_REFERENCES}. Write some values themselves, "
        hint += "use exports, or split the stack in two."
        yield Finding("M1904", "error", document.place(path), path, message, hint)
