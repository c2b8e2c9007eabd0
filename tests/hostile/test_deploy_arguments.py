"""Whatever the params say, deploy.sh calls the AWS CLI with the intended arguments only."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from command_line import main
from hypothesis import example, given
from hypothesis import strategies as st
from params_plans import plan
from params_strategies import environments
from strategy_parts import Params, steady

from moorage.cfn.needs import Need, find_needs
from moorage.pipeline.compose import compose
from moorage.pipeline.deploy_script import build_script, quote_word
from moorage.pipeline.link import link
from moorage.pipeline.load import load
from moorage.pipeline.pushes import find_pushes
from moorage.pipeline.render import render
from moorage.pipeline.validate import validate
from moorage.plan import Plan, PlannedStack
from templates import TEMPLATES

AWS = """#!/bin/bash
# Writes its arguments, each ended by a zero byte, and answers as AWS would.
{ printf '%s\\0' "$@"; printf '\\n\\0'; } >> "$RECORD"
case "$*" in
  *get-caller-identity*) echo "$ACCOUNT" ;;
  *StackStatus*)
    if grep -q "$(printf 'execute-change-set.*%s/0' "$6")" -a "$RECORD"; then
      echo CREATE_COMPLETE
    else
      echo "Stack with id x does not exist" >&2
      exit 254
    fi ;;
  *"cloudformation deploy"*) echo "arn:aws:cloudformation:x:1:changeSet/$6/0" ;;
  *describe-parameters*) echo "$FOUND" ;;
  *Parameters*) echo None ;;
  *starts_with*) echo ;;
  *describe-stacks*) echo RunTask-AbC ;;
  *get-parameter*) printf '3\t{"count": 1}\n' ;;
  *list-tags*) echo "${TAG:-None}" ;;
  *run-task*) echo arn:aws:ecs:eu-central-1:123456789012:task/c/0123 ;;
  *lastStatus*) echo STOPPED ;;
  *exitCode*) echo 0 ;;
esac
"""
TASK = ["--cluster", "c", "--tasks", "arn:aws:ecs:eu-central-1:123456789012:task/c/0123"]
TEXT = ["--output", "text"]

HOSTILE = st.sampled_from(
    [
        *("--endpoint-url", "--profile", "-", "--tags", "--no-verify-ssl", "--debug"),
        *("file:///etc/passwd", "fileb://x", "http://127.0.0.1:1", "https://a", "FILE://x"),
        *(
            "$(id)",
            "`id`",
            "a'b",
            'a"b',
            "a\nb",
            "a;b",
            "a&b",
            "a|b",
            "a>b",
            "*",
            "~",
            "a b",
            " -x",
        ),
        *("${HOME}", "$${HOME}", "a=b", "=", "", "\\", "#", "!x", "é", "\u2028", "\x00", "\u200b"),
    ]
)
WORDS = st.one_of(
    HOSTILE, st.text(max_size=8), st.tuples(HOSTILE, st.text(max_size=4)).map("".join)
)


def run(script: str, account: str = "123456789012", found: str = "") -> list[list[str]]:
    """The arguments of each call of the AWS CLI by a deploy.sh."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "aws").write_text(AWS)
        (folder / "aws").chmod(0o755)
        (folder / "deploy.sh").write_text(script)
        record = folder / "record"
        path = os.pathsep.join([name, os.environ["PATH"]])
        environ = {"PATH": path, "RECORD": str(record), "HOME": name}
        process = subprocess.run(
            ["bash", str(folder / "deploy.sh")],
            env=environ | {"ACCOUNT": account, "FOUND": found},
            cwd=name,
            check=False,
            capture_output=True,
            timeout=60,
        )
        assert process.returncode == 0, process.stderr.decode()
        calls = record.read_bytes().decode().split("\n\0")
        assert sorted(path.name for path in folder.iterdir()) == ["aws", "deploy.sh", "record"]
        return [
            [word.replace(f"{name}/", "") for word in call.split("\0")[:-1]] for call in calls[:-1]
        ]


def run_plan(plan: Plan) -> list[list[str]]:
    names = [need.name for stack in plan.stacks for need in needs_of(plan, stack)]
    return run(build_script(plan), plan.environment.account or "123456789012", " ".join(names))


def needs_of(plan: Plan, stack: PlannedStack) -> tuple[Need, ...]:
    env = plan.environment
    return find_needs(stack.rendering.body, env.region, env.account)


def expected(plan: Plan) -> Iterator[list[str]]:
    region = ["--region", plan.environment.region]
    yield ["sts", "get-caller-identity", *region, "--query", "Account", *TEXT]
    yield from searches(plan, region)
    pushes = find_pushes(plan.stacks)
    for stack in plan.stacks:
        yield status(stack, region)
        for image in pushes[stack.name]:
            yield search_image(image.repository, image.image, region)
        yield from release(stack, region)
        if stack.deployment.run:
            yield from task(stack, region)
    if plan.stacks:
        query = f"Stacks[?starts_with(StackName, '{plan.environment.stack_name('')}')]"
        query += ".[StackName, not_null(Outputs, `[]`)[].[\n      OutputKey, OutputValue]]"
        yield ["cloudformation", "describe-stacks", *region, *TEXT, "--query", query]


def searches(plan: Plan, region: list[str]) -> Iterator[list[str]]:
    """The calls that look for what the stacks name."""
    needs = {
        (need.kind, need.name, need.version) for s in plan.stacks for need in needs_of(plan, s)
    }
    nothing = ["--query", "''", *TEXT]
    for kind, name, version in sorted(needs):
        if kind == "image":
            yield search_image(name, version, region)
    for kind, name, _ in sorted(needs):
        if kind == "secret":
            yield ["secretsmanager", "describe-secret", *region, "--secret-id", name, *nothing]
    for kind, name, _ in sorted(needs):
        if kind == "certificate":
            yield ["acm", "describe-certificate", *region, "--certificate-arn", name, *nothing]
    names = [name for kind, name, _ in sorted(needs) if kind == "parameter"]
    for start in range(0, len(names), 50):
        part = json.dumps(names[start : start + 50], separators=(",", ":"))
        filters = f'[{{"Key":"Name","Option":"Equals","Values":{part}}}]'
        query = ["--query", "Parameters[].Name", *TEXT]
        yield ["ssm", "describe-parameters", *region, *query, "--parameter-filters", filters]


def search_image(repository: str, image: str, region: list[str]) -> list[str]:
    words = ["--repository-name", repository, "--image-ids", image, "--query", "''", *TEXT]
    return ["ecr", "describe-images", *region, *words]


def status(stack: PlannedStack, region: list[str]) -> list[str]:
    words = ["--stack-name", stack.stack_name, "--query", "Stacks[0].StackStatus", *TEXT]
    return ["cloudformation", "describe-stacks", *region, *words]


def task(stack: PlannedStack, region: list[str]) -> Iterator[list[str]]:
    assert stack.deployment.run
    outputs = "Stacks[0].Outputs[?OutputKey=='RunTask'].OutputValue"
    about = ["--stack-name", stack.stack_name, "--query", outputs]
    yield ["cloudformation", "describe-stacks", *region, *about, *TEXT]
    query = ["--query", "Parameter.[Version, Value]", *TEXT]
    yield ["ssm", "get-parameter", *region, "--name", "RunTask-AbC", *query]
    about = ["--resource-type", "Parameter", "--resource-id", "RunTask-AbC"]
    query = ["--query", "TagList[?Key=='moorage:succeeded'].Value | [0]", *TEXT]
    yield ["ssm", "list-tags-for-resource", *region, *about, *query]
    query = ["--query", "tasks[0].taskArn || failures[0].reason", *TEXT]
    yield ["ecs", "run-task", *region, "--cli-input-json", '{"count": 1}', *query]
    code = f"tasks[0].containers[?name=='{stack.deployment.run.container}'] | [0].exitCode"
    for query in (["--query", "tasks[0].lastStatus"], ["--query", code]):
        yield ["ecs", "describe-tasks", *region, *TASK, *query, *TEXT]
    tag = ["--tags", "Key=moorage:succeeded,Value=3"]
    yield ["ssm", "add-tags-to-resource", *region, *about, *tag]


def release(stack: PlannedStack, region: list[str]) -> Iterator[list[str]]:
    """The calls that deploy a stack for the first time, and the stack's pairs of target groups."""
    name = ["--stack-name", stack.stack_name]

    def find(resource: str) -> list[str]:
        query = f"StackResources[?LogicalResourceId=='{resource}'].PhysicalResourceId | [0]"
        command = ["cloudformation", "describe-stack-resources", *region, *name]
        return [*command, *TEXT, "--query", query]

    describe = ["cloudformation", "describe-stacks", *region, *name]
    pairs = stack.deployment.pairs
    yield deployment(stack, region)
    change_set = f"arn:aws:cloudformation:x:1:changeSet/{stack.stack_name}/0"
    yield ["cloudformation", "execute-change-set", *region, "--change-set-name", change_set]
    yield status(stack, region)
    for pair in pairs:
        yield from map(find, (pair.forwarder, pair.primary, pair.alternate))
    if pairs:
        yield [*describe, *TEXT, "--query", "Stacks[0].Parameters[].ParameterKey"]
    for pair in pairs:
        key = f"ParameterKey=='{pair.parameter}'"
        query = f"Stacks[0].Parameters[?{key}].ParameterValue | [0]"
        yield [*describe, "--query", query, *TEXT]


def deployment(stack: PlannedStack, region: list[str]) -> list[str]:
    capabilities = ["--capabilities", *stack.capabilities] if stack.capabilities else []
    return [
        *("cloudformation", "deploy", *region, "--stack-name", stack.stack_name),
        *("--template-file", stack.rendering.file),
        *("--no-execute-changeset", "--no-fail-on-empty-changeset", *capabilities),
        *("--tags", *(f"{key}={value}" for key, value in stack.tags.items())),
    ]


def options(call: list[str]) -> list[str]:
    return [word for word in call if word.startswith("-")]


@steady(max_examples=10)
@given(environments(jobs=True), st.data())
def test_each_call_has_the_intended_arguments(params: Params, data: st.DataObject) -> None:
    keys = st.sampled_from(["team", "cost center", "a:b/c", "@x", "é", "_", ".", "+1"])
    values = st.sampled_from(
        ["-x", "--endpoint-url", "file:///etc/passwd", "http://a", "a=b", "@x"]
    )
    built = plan(params | {"tags": data.draw(st.dictionaries(keys, values, max_size=4))})
    assert run_plan(built) == list(expected(built))


def find_plan(text: str) -> Plan | None:
    """The plan of params, without the checks of its templates; None where they are refused."""
    with TemporaryDirectory() as name:
        (Path(name) / "dev.yaml").write_text(text)
        document, findings = load(Path(name), "dev")
        if document is None:
            return None
        env, _ = validate(document, TEMPLATES)
        if any(finding.level == "error" for finding in findings) or env is None:
            return None
        rendered = [render(stack, document, "yaml")[0] for stack in compose(env, TEMPLATES)]
        return link(tuple(one for one in rendered if one), env, document)[0]


@steady(max_examples=80)
@given(st.sampled_from(["key", "value", "app", "region", "stack"]), WORDS)
@example("key", "--endpoint-url")
@example("value", "file:///etc/passwd")
@example("key", "team")
def test_a_hostile_text_is_refused_or_stays_one_word(place: str, text: str) -> None:
    word = yaml_text(text)
    tag = {"key": f"{word}: x", "value": f"k: {word}"}.get(place, "k: v")
    top = {"app": "shop", "region": "eu-central-1"}
    top |= {place: word} if place in top else {}
    stack = word if place == "stack" else "network"
    header = "".join(f"{key}: {value}\n" for key, value in top.items())
    built = find_plan(f"{header}tags: {{{tag}}}\nstacks: {{{stack}: {{template: network}}}}\n")
    if built is None:
        return
    calls = run_plan(built)
    assert calls == list(expected(built))
    call = calls[2]
    assert call == deployment(built.stacks[0], ["--region", built.environment.region])
    assert options(call) == [
        *("--region", "--stack-name", "--template-file"),
        *("--no-execute-changeset", "--no-fail-on-empty-changeset", "--tags"),
    ]


def yaml_text(text: str) -> str:
    """A text in double quotes, as YAML has it."""
    return '"' + "".join(f"\\U{ord(char):08x}" for char in text) + '"'


@pytest.mark.parametrize(
    "text", ["--endpoint-url", "-", "file://x", "fileb://x", "https://a", "", "a\nb", "\x00"]
)
def test_the_script_has_no_word_that_is_an_option(text: str) -> None:
    with pytest.raises(ValueError, match=r"cannot be a word of deploy\.sh"):
        quote_word(text)


def test_an_overridden_name_of_a_repository_never_reaches_a_command() -> None:
    params = """
app: shop
region: eu-central-1
stacks:
  network: {}
  cluster: {}
  images:
    template: ecr
    repositories: {shop: {}}
    overrides: {Resources: {ShopRepository: {Properties: {RepositoryName: --endpoint-url=http://a}}}}
  web:
    template: service
    containers: {web: {image: "ecr:shop:1", ports: [80]}}
"""
    built = find_plan(params)
    assert built is not None
    assert "--endpoint-url" in str(built.stacks), "the override is in the template"
    assert "--endpoint-url=http" not in build_script(built)
    written = find_plan(params.replace("--endpoint-url=http://a", "mine"))
    assert written is not None
    assert "check_image mine imageTag=1" in build_script(written)


def test_the_key_that_the_aws_cli_takes_for_an_option_is_refused(capsys: Any) -> None:
    params = Path(__file__).parent / "tag-option-injection/params"
    assert main(["check", "--params", str(params)]) == 1
    assert "M1604 tags.--endpoint-url: The AWS CLI would take the key" in "".join(
        capsys.readouterr()
    )
