"""deploy.sh, run by bash with an AWS CLI that answers as the test says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from test_write import plan, stack

from moorage.pipeline.write import SCRIPT, write
from moorage.plan import Deployment, Plan, Run

REGION = "--region eu-central-1"

AWS = r"""#!/bin/bash
# Answers as AWS does. A task has stopped at the third `describe-tasks`.
echo "${*//$'\n'/ }" >> "$LOG"
{
  printf '%s|' "$@"
  echo
} >> "$LOG.words"
missing() {
  echo "An error occurred ($1) when calling the operation" >&2
  exit 254
}
case "$*" in
  *get-caller-identity*) echo "${ACCOUNT:-123456789012}" ;;
  *StackStatus*)
    if grep -q "execute-change-set.*$6" "$LOG"; then
      echo "${AFTER:-UPDATE_COMPLETE}"
    elif grep -q "delete-stack .*$6" "$LOG"; then
      missing "ValidationError): Stack with id $6 does not exist (x"
    elif [[ -n ${STATUS:-} && $* == *"${STATUS%=*}"* ]]; then
      echo "${STATUS#*=}"
    else
      echo UPDATE_COMPLETE
    fi ;;
  *"cloudformation deploy"*)
    if [[ -n ${EMPTY:-} ]]; then
      echo "No changes to deploy. Stack $6 is up to date"
    elif [[ -n ${REFUSED:-} ]]; then
      echo "$REFUSED" >&2
      exit 255
    else
      echo "arn:aws:cloudformation:eu-central-1:123456789012:changeSet/$6/0"
    fi ;;
  *describe-change-set*) printf 'Modify\tService\tAWS::ECS::Service\tTrue\tTaskDefinition\n' ;;
  *describe-stack-events*) printf "$EVENTS" ;;
  *describe-parameters*) echo "${PARAMETERS:-}" ;;
  *describe-secret* | *describe-images*) [[ -z ${DENIED:-} ]] || missing "$DENIED" ;;
  *starts_with*) printf "${OUTPUTS:-}" ;;
  *describe-stacks*) echo parameter ;;
  *get-parameter*) printf '4\t{"count": 1}\n' ;;
  *list-tags*) echo "${TAG:-None}" ;;
  *add-tags*) [[ -z ${NO_TAGS:-} ]] || missing AccessDeniedException ;;
  *run-task*) echo "${STARTED:-arn:aws:ecs:eu-central-1:123456789012:task/home/0a1b}" ;;
  *lastStatus*) (($(grep -c lastStatus "$LOG") < 3)) && echo "${WHILE:-RUNNING}" || echo STOPPED ;;
  *exitCode*) echo "${CODE:-0}" ;;
  *stoppedReason*) echo "Essential container in task exited" ;;
esac
"""


class Ran(NamedTuple):
    code: int
    output: str
    calls: list[str]

    @property
    def operations(self) -> list[str]:
        return [call.split()[1] for call in self.calls]


Script = Callable[..., Ran]


def three(timeout: int = 60) -> Plan:
    """A task between two stacks."""
    task = replace(stack("migrate"), deployment=Deployment(run=Run("main", timeout)))
    return plan(stack("network"), task, stack("web"))


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Runs the deploy.sh of a plan: exit code, output with stderr, and calls of `aws`."""

    def run(*arguments: str, of: Plan | None = None, **answers: str) -> Ran:
        write(of or three(), tmp_path / "out")
        programs = tmp_path / "bin"
        programs.mkdir(exist_ok=True)
        for name, text in {"aws": AWS, "sleep": "#!/bin/sh\n"}.items():
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        log = tmp_path / "calls"
        log.write_text("")
        path = f"{programs}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", f"out/{SCRIPT}", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PATH": path, "LOG": str(log), "TMPDIR": str(tmp_path), **answers},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert not list(tmp_path.glob("tmp.*")), "the temporary file is removed"
        return Ran(done.returncode, done.stdout, log.read_text().splitlines())

    return run


# Options -----------------------------------------------------------------------------------------


def test_help_names_the_stacks_and_calls_nothing(script: Script) -> None:
    for option in ("-h", "--help"):
        ran = script(option)
        assert ran.code == 0
        assert ran.calls == []
        assert "Usage: bash out/deploy.sh [STACK ...] [--preview] [--yes]" in ran.output
        assert "\n  network\n  migrate\n  web\n" in ran.output


REFUSED = {
    ("--stack-name", "x"): "Write the name of a stack without --stack-name.",
    ("--template-file=x",): "write the name of a stack in place of --template-file",
    ("--tags", "a=b"): "Write tags in the params, below `tags`, in place of --tags.",
    ("--region", "us-east-1"): "deploys to eu-central-1 only",
    ("--region=us-east-1",): "deploys to eu-central-1 only",
    ("--capabilities", "CAPABILITY_IAM"): "the script gives each stack those that it needs",
    ("--parameter-overrides", "A=b"): "Change the params and build again",
    ("--no-execute-changeset",): "Write --preview in place of --no-execute-changeset.",
    ("--dry-run",): "Write --preview in place of --dry-run.",
    ("--query", "x"): "needs the output of the AWS CLI in its own form",
    ("--env", "prod"): "this script is for dev only",
    ("-y",): "Write --yes in place of -y.",
    ("--colour",): "--colour is not an option of this script.",
    ("--profile",): "--profile needs a value.",
    ("wbe",): "There is no stack wbe. The stacks are: network migrate web.",
    ("web", "--stack-name"): "without --stack-name",
    ("$(id)",): r"There is no stack \$\(id\).",
}


@pytest.mark.parametrize("arguments", REFUSED, ids=" ".join)
def test_options_that_the_script_sets_itself_are_refused(
    arguments: tuple[str, ...], script: Script
) -> None:
    ran = script(*arguments)
    assert ran.code == 2
    assert ran.calls == []
    assert REFUSED[arguments] in ran.output
    assert ran.output.endswith("Options: bash out/deploy.sh --help\n")
    assert ran.output.count("\n") == 1


def test_global_options_go_to_every_command_and_others_to_the_right_one(script: Script) -> None:
    ran = script(
        *("--profile", "my ops", "--region", "eu-central-1", "--debug", "--ca-bundle=a.pem"),
        *("--role-arn", "arn:aws:iam::123456789012:role/x", "--disable-rollback", "--force-upload"),
        *("--notification-arns", "arn:a", "arn:b", "web", "migrate"),
    )
    assert ran.code == 0, ran.output
    assert all(f"{REGION} --profile my ops --debug --ca-bundle a.pem" in c for c in ran.calls)
    for call, operation in zip(ran.calls, ran.operations, strict=True):
        own = "--role-arn arn:aws:iam::123456789012:role/x --force-upload --notification-arns "
        assert (f"{own}arn:a arn:b" in call) == (operation == "deploy")
        assert ("--disable-rollback" in call) == (operation == "execute-change-set")


def test_only_the_named_stacks_are_deployed_in_their_order(script: Script) -> None:
    ran = script("web", "shop-dev-network", "web")
    assert ran.code == 0, ran.output
    assert "[1/2] shop-dev-network\n" in ran.output
    assert "[2/2] shop-dev-web\n" in ran.output
    assert "migrate" not in " ".join(ran.calls)


def test_arguments_reach_the_aws_cli_unchanged(script: Script, tmp_path: Path) -> None:
    script("network", "--profile", "my ops")
    words = (tmp_path / "calls.words").read_text().splitlines()
    (deploy,) = [line.split("|")[:-1] for line in words if "cloudformation|deploy" in line]
    assert deploy == [
        *("cloudformation", "deploy", "--region", "eu-central-1", "--profile", "my ops"),
        *("--stack-name", "shop-dev-network", "--template-file"),
        *(str(tmp_path / "out/network.yaml"), "--no-execute-changeset"),
        *("--no-fail-on-empty-changeset", "--capabilities", "CAPABILITY_IAM"),
        *("--tags", "app=shop", "owner=web & api"),
    ]


def test_another_account_is_refused_before_anything_else(script: Script) -> None:
    mine = plan(stack("network"))
    mine = replace(mine, environment=replace(mine.environment, account="123456789012"))
    ran = script(of=mine, ACCOUNT="210987654321")
    assert ran.code == 1
    assert ran.operations == ["get-caller-identity"]
    assert "account 210987654321, but `account` in the params is 123456789012" in ran.output
    assert script(of=mine).code == 0


# Stacks that cannot be deployed as they are ------------------------------------------------------

BROKEN = ("REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED")


@pytest.mark.parametrize("status", BROKEN)
def test_a_failed_first_deployment_is_not_deleted_without_consent(
    status: str, script: Script
) -> None:
    ran = script("--profile", "ops", STATUS=f"shop-dev-network={status}")
    assert ran.code == 1
    assert "deploy" not in ran.operations
    assert "delete-stack" not in ran.operations
    command = (
        f"  aws cloudformation delete-stack {REGION} --profile ops --stack-name shop-dev-network"
    )
    assert command in ran.output
    assert "let the script delete it: bash out/deploy.sh --profile ops --yes" in ran.output


@pytest.mark.parametrize("status", BROKEN)
def test_with_yes_it_is_deleted_and_deployed_again(status: str, script: Script) -> None:
    ran = script("--yes", "network", STATUS=f"shop-dev-network={status}", AFTER="CREATE_COMPLETE")
    operations = ran.operations
    assert "Deleting shop-dev-network\n" in ran.output
    assert operations.index("delete-stack") < operations.index("deploy")
    assert "wait stack-delete-complete" in " ".join(ran.calls)


@pytest.mark.parametrize(
    ("status", "command"),
    [
        ("UPDATE_IN_PROGRESS", "describe-stacks"),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "describe-stacks"),
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback"),
        ("DELETE_FAILED", "delete-stack"),
    ],
)
def test_stacks_in_other_states_are_refused_with_a_command_that_helps(
    status: str, command: str, script: Script
) -> None:
    ran = script(STATUS=f"shop-dev-network={status}")
    assert ran.code == 1
    assert ran.operations == ["get-caller-identity", "describe-stacks"]
    assert f"  aws cloudformation {command} {REGION} --stack-name shop-dev-network" in ran.output


# Failures ----------------------------------------------------------------------------------------

EVENTS = "".join(
    "\\t".join(event) + "\\n"
    for event in [
        ("UPDATE_ROLLBACK_COMPLETE", "shop-dev-network", "AWS::CloudFormation::Stack", "None"),
        ("UPDATE_FAILED", "Rule", "AWS::EC2::X", "Resource update cancelled"),
        ("UPDATE_FAILED", "Service", "AWS::ECS::Service", "The circuit breaker was triggered"),
        ("UPDATE_FAILED", "Role", "AWS::IAM::Role", "You are not authorized"),
        ("UPDATE_IN_PROGRESS", "shop-dev-network", "AWS::CloudFormation::Stack", "User Initiated"),
        ("UPDATE_FAILED", "Old", "AWS::ECS::Service", "Of an earlier update"),
    ]
)


def test_a_failure_shows_what_failed_first_and_how_to_go_on(script: Script) -> None:
    ran = script("--profile", "ops", AFTER="UPDATE_ROLLBACK_COMPLETE", EVENTS=EVENTS)
    assert ran.code == 1
    assert ran.output.split("Deploying\n")[1] == (
        "shop-dev-network failed: UPDATE_ROLLBACK_COMPLETE\n"
        "  Role (AWS::IAM::Role) UPDATE_FAILED: You are not authorized\n"
        "  Service (AWS::ECS::Service) UPDATE_FAILED: The circuit breaker was triggered\n"
        "All events:\n"
        f"  aws cloudformation describe-stack-events {REGION} --profile ops "
        "--stack-name shop-dev-network\n"
        "shop-dev-network is as it was before this update.\n"
        "Stacks that were not started: 2 of 3.\n"
        "Correct the cause, build, and run again: bash out/deploy.sh --profile ops\n"
    )
    assert not any("shop-dev-migrate" in call for call in ran.calls)


def test_a_change_set_that_cannot_be_created_leaves_nothing(script: Script) -> None:
    ran = script(REFUSED="Failed to create the changeset: Reason: Template error")
    assert ran.code == 1
    assert "Reason: Template error" in ran.output
    assert "shop-dev-network was not changed" in ran.output
    assert ran.operations[-1] == "list-change-sets"


# Preview -----------------------------------------------------------------------------------------


def test_a_preview_shows_change_sets_and_deletes_them(script: Script) -> None:
    ran = script("--preview")
    assert ran.code == 0, ran.output
    line = "  Modify  Service  AWS::ECS::Service  (TaskDefinition)  is replaced\n"
    assert ran.output.count(line) == 3
    assert ran.operations.count("delete-change-set") == 3
    changing = {"execute-change-set", "run-task", "delete-stack", "add-tags-to-resource"}
    assert not changing & {*ran.operations}


def test_a_preview_names_an_import_that_is_not_exported_yet(script: Script) -> None:
    ran = script("--preview", REFUSED="Reason: No export named shop-dev-network-VpcId found.")
    assert ran.code == 0
    assert "needs shop-dev-network-VpcId, which is not there yet" in ran.output
    assert "[3/3] shop-dev-web" in ran.output


def test_a_preview_leaves_a_failed_first_deployment_alone(script: Script) -> None:
    ran = script("--preview", "--yes", STATUS="shop-dev-network=ROLLBACK_COMPLETE")
    assert ran.code == 0
    assert "A deployment asks whether to delete it." in ran.output
    assert "delete-stack" not in ran.operations


def test_fail_on_empty_changeset(script: Script) -> None:
    ran = script("--fail-on-empty-changeset", EMPTY="1")
    assert ran.code == 1
    assert "shop-dev-network has nothing to deploy" in ran.output
    assert script(EMPTY="1", TAG="4").code == 0


def test_addresses_come_before_other_outputs(script: Script) -> None:
    outputs = (
        "shop-dev-network\\nVpcId\\tvpc-1\\n"
        "shop-dev-web\\nName\\tx\\nUrl\\thttps://a.example\\n"
        "shop-dev-other\\nUrl\\thttps://other.example\\n"
    )
    ran = script("web", OUTPUTS=outputs)
    assert ran.output.endswith(
        "\nAddresses:\n  shop-dev-web  Url  https://a.example\n"
        "\nOutputs of what was deployed:\n  shop-dev-web  Name  x\n"
    )


# Tasks -------------------------------------------------------------------------------------------


def test_a_task_runs_after_its_stack_and_before_the_next(script: Script) -> None:
    ran = script()
    assert ran.code == 0, ran.output
    deployed = ["describe-stacks", "deploy", "execute-change-set", "describe-stacks"]
    task = ["describe-stacks", "get-parameter", "list-tags-for-resource", "run-task"]
    task += ["describe-tasks"] * 4 + ["add-tags-to-resource"]
    assert ran.operations == [
        *("get-caller-identity", *deployed, *deployed, *task, *deployed, "describe-stacks"),
    ]
    assert '--cli-input-json {"count": 1}' in ran.calls[12]
    assert all("--cluster home --tasks arn:" in call for call in ran.calls[13:17])
    assert "Key=moorage:succeeded,Value=4" in ran.calls[17]


@pytest.mark.parametrize(
    ("answers", "runs"),
    [
        ({"EMPTY": "1", "TAG": "4"}, False),
        ({"EMPTY": "1", "TAG": "3"}, True),  # another request has succeeded
        ({"EMPTY": "1", "TAG": "running"}, True),  # its last run did not end well
        ({"EMPTY": "1"}, True),
        ({"TAG": "4"}, True),
    ],
)
def test_a_task_runs_again_if_something_changed_or_its_last_run_failed(
    answers: dict[str, str], runs: bool, script: Script
) -> None:
    ran = script(**answers)
    assert ran.code == 0, ran.output
    assert ("run-task" in ran.operations) is runs
    assert ("does not run again" in ran.output) is not runs
    assert "run-task" in script("--run-tasks", **answers).operations


def test_the_record_of_success_is_removed_before_a_task_runs_again(script: Script) -> None:
    ran = script(TAG="3", CODE="1")
    assert ran.code == 1
    tags = [call for call in ran.calls if "add-tags" in call]
    assert [tag.split("Value=")[1] for tag in tags] == ["running"]
    assert ran.calls.index(tags[0]) < ran.operations.index("run-task")


def test_without_permission_to_tag_a_task_runs_each_time(script: Script) -> None:
    ran = script(NO_TAGS="1")
    assert ran.code == 0
    assert "because ssm:AddTagsToResource is not allowed" in ran.output


def test_a_failed_task_stops_the_script(script: Script) -> None:
    ran = script(CODE="3")
    assert ran.code == 1
    assert "The task of shop-dev-migrate failed: exit code of main: 3" in ran.output
    assert "Essential container in task exited" in ran.output
    assert "Stacks that were not started: 1 of 3." in ran.output
    assert not any("shop-dev-web" in call for call in ran.calls)


def test_a_container_that_never_started_has_failed(script: Script) -> None:
    assert script(CODE="None").code == 1


def test_a_task_that_cannot_be_placed_stops_the_script(script: Script) -> None:
    ran = script(STARTED="Capacity is unavailable at this time")
    assert ran.code == 1
    assert "could not be started: Capacity is unavailable at this time" in ran.output
    assert ran.operations[-1] == "run-task"


def test_a_task_that_takes_too_long_is_stopped(script: Script) -> None:
    ran = script(of=three(timeout=-1))
    assert ran.code == 1
    assert "is being stopped" in ran.output
    assert ran.operations[-1] == "stop-task"


# What the templates name -------------------------------------------------------------------------


def naming(*secrets: str) -> Plan:
    """A stack whose task has secrets and an image of the account."""
    sub = "${AWS::AccountId}.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}/shop/web:1.4"
    container = {
        "Image": {"Fn::Sub": sub},
        "Secrets": [{"Name": "X", "ValueFrom": {"Fn::Sub": secret}} for secret in secrets],
    }
    task = {"Type": "AWS::ECS::TaskDefinition", "Properties": {"ContainerDefinitions": [container]}}
    web = stack("web")
    body: dict[str, Any] = {"Resources": {"TaskDefinition": task}}
    return plan(stack("network"), replace(web, rendering=replace(web.rendering, body=body)))


SSM = "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/shop/"
SECRET = (
    "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:shop/db:url::"
)


def test_what_is_missing_is_listed_with_the_commands_that_create_it(script: Script) -> None:
    ran = script(
        *("--profile", "ops"),
        of=naming(f"{SSM}a", f"{SSM}b", SECRET),
        DENIED="ResourceNotFoundException",
        PARAMETERS="/shop/b",
    )
    assert ran.code == 1
    assert "deploy" not in ran.operations
    assert ran.output.split("\n", 1)[1] == (
        "Missing in the account 123456789012, region eu-central-1:\n"
        "secret shop/db, for web\n"
        f"  aws secretsmanager create-secret {REGION} --profile ops --name shop/db "
        "--secret-string file://FILE\n"
        "parameter /shop/a, for web\n"
        f"  aws ssm put-parameter {REGION} --profile ops --name /shop/a --type SecureString "
        "--value file://FILE\n"
        "Create what is missing, then run again: bash out/deploy.sh --profile ops\n"
    )
    image = script(of=naming(), DENIED="ImageNotFoundException")
    assert image.code == 1
    push = "  docker push 123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop/web:1.4\n"
    assert f"image shop/web:1.4, for web\n{push}" in image.output


def test_what_may_not_be_looked_up_counts_as_existing(script: Script) -> None:
    assert script(of=naming(SECRET), DENIED="AccessDeniedException").code == 0


def test_only_the_needs_of_the_named_stacks_are_checked(script: Script) -> None:
    ran = script("network", of=naming(SECRET), DENIED="ResourceNotFoundException")
    assert ran.code == 0
    assert "describe-secret" not in ran.operations


def test_parameters_are_checked_in_requests_of_fifty(script: Script) -> None:
    names = [f"{SSM}p{number:02}" for number in range(60)]
    found = " ".join(f"/shop/p{number:02}" for number in range(60))
    ran = script(of=naming(*names), PARAMETERS=found)
    assert ran.code == 0, ran.output
    calls = [call for call in ran.calls if "describe-parameters" in call]
    assert [call.count("/shop/p") for call in calls] == [50, 10]


# Bash --------------------------------------------------------------------------------------------


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not installed")
def test_shellcheck_finds_nothing(tmp_path: Path) -> None:
    scripts = sorted(Path().glob("out/*/deploy.sh"))
    scripts += sorted(Path("tests/golden").glob("*/out/*/deploy.sh"))
    assert len(scripts) > 20
    subprocess.run(["shellcheck", *_join_alike(scripts, tmp_path)], check=True)


def _join_alike(scripts: Sequence[Path], folder: Path) -> list[Path]:
    """A script for each set of functions: with the commands of all scripts that have it. shellcheck
    takes a third of a second for each script, most of it for the functions."""
    joined: dict[tuple[str, ...], str] = {}
    for script in scripts:
        functions, mark, commands = script.read_text().partition("\n# What is deployed. ---")
        names = tuple(re.findall(r"^(\w+)\(\)", functions, re.MULTILINE))
        key = names if mark else (str(script),)
        joined[key] = joined.get(key, functions) + mark + commands
    paths = [folder / f"{number}.sh" for number in range(len(joined))]
    for path, text in zip(paths, joined.values(), strict=True):
        path.write_text(text)
    return paths


def test_the_script_needs_no_newer_bash_than_that_of_macos() -> None:
    """macOS has bash 3.2. There an array without elements is an unbound variable."""
    folder = Path("moorage/pipeline/scripts")
    texts = {path.name: path.read_text() for path in sorted(folder.iterdir())}
    never_empty = {"global", "pairs", "fields", "where", "found", "kept", "BASH_SOURCE", "values"}
    for name, text in texts.items():
        newer = r"declare -A|local -[An]|mapfile|readarray|\|&|&>>|coproc|\$\{\w+(,,?|\^\^?)\}"
        newer += r"|\[\[ -v|wait -n|\$\{\w+@\w\}|\$\{\w+\[-1\]\}|printf '%\(|;;&|;&|@\("
        assert not re.search(newer, text), name
        bare = re.sub(r"\$\{(\w+)\[@\]\+\"\$\{\1\[@\]\}\"\}", "", text)
        assert {*re.findall(r"\$\{(\w+)\[@\]\}", bare)} <= never_empty, name
