"""deploy.sh: the AWS CLI commands that deploy an environment."""

from __future__ import annotations

import shlex

from moorage.model import Plan, PlannedStack, Run
from moorage.pipeline.pushes import Push, pushes


def script(plan: Plan) -> str:
    env = plan.environment
    head = f"""#!/usr/bin/env bash
# Built by Moorage: deploys every stack of {env.app} in {env.name}, in order.
# Arguments go to each command as they are, for example: bash deploy.sh --profile ops
set -euo pipefail
cd "$(dirname "${{BASH_SOURCE[0]}}")"
"""
    images = {stack.name: pushes(stack, plan.stacks) for stack in plan.stacks}
    parts = [_PUSHED.format(region=env.region)] if any(images.values()) else []
    parts += [_RAN.format(region=env.region)] if any(one.run for one in plan.stacks) else []
    for stack in plan.stacks:
        parts += [_pushed(image) for image in images[stack.name]]
        parts.append(command(stack, env.region))
        parts += [_ran(stack, stack.run)] if stack.run else []
    return head + "".join(f"\n{part}\n" for part in parts)


# Where the registry cannot be asked, and where an argument is not one of this command's, the
# deployment goes on: only the answer that an image is missing stops it.
_PUSHED = """\
# Stops where an image is not in its repository yet, for the next stack's tasks could not start.
# Arguments: the repository, the image's tag or digest, and those of this script.
pushed() {{
  if {{ aws ecr describe-images --region {region} \\
    --repository-name "$1" --image-ids "$2" "${{@:3}}" 2>&1 >/dev/null || true
  }} | grep ImageNotFoundException >&2; then
    echo "Push the image, then run this again." >&2
    exit 1
  fi
}}"""


def _pushed(image: Push) -> str:
    return f'pushed {shlex.quote(image.repository)} {shlex.quote(image.image)} "$@"'


# `aws ecs wait tasks-stopped` gives up after ten minutes (AWS CLI command reference), which is too
# soon for a migration, so this asks again by itself. A container that never started has no exit
# code. What is for `cloudformation deploy` alone among the arguments, other commands would refuse.
_RAN = """\
# Runs the task of a stack and waits for it; ends the deployment where the task does not succeed.
# Arguments: the stack, the container whose exit code must be 0, the seconds that it may take, and
# those of this script.
ran() {{
  local stack=$1 container=$2 seconds=$3 name request task cluster status code
  local global=(--region {region})
  shift 3
  while (($#)); do
    case $1 in
      --no-execute-changeset) return 0 ;;
      --profile | --region | --endpoint-url | --ca-bundle | --cli-*-timeout)
        global+=("$1" "$2") && shift ;;
      --profile=* | --region=* | --endpoint-url=* | --ca-bundle=* | --cli-*-timeout=* | \\
        --debug | --no-verify-ssl | --no-sign-request | --no-cli-pager) global+=("$1") ;;
    esac
    shift
  done
  name=$(aws cloudformation describe-stacks "${{global[@]}}" --stack-name "$stack" \\
    --query "Stacks[0].Outputs[?OutputKey=='RunTask'].OutputValue" --output text)
  request=$(aws ssm get-parameter "${{global[@]}}" --name "$name" \\
    --query Parameter.Value --output text)
  echo "Running the task of $stack"
  task=$(aws ecs run-task "${{global[@]}}" --cli-input-json "$request" \\
    --query "tasks[0].taskArn || failures[0].reason" --output text)
  if [[ $task != arn:* ]]; then
    echo "The task of $stack could not be started: $task" >&2
    exit 1
  fi
  cluster=${{task#*:task/}} cluster=${{cluster%/*}} SECONDS=0
  told() {{
    aws ecs describe-tasks "${{global[@]}}" --cluster "$cluster" --tasks "$task" \\
      --query "$1" --output text
  }}
  while status=$(told "tasks[0].lastStatus"); [[ $status != STOPPED ]]; do
    if ((SECONDS > seconds)); then
      aws ecs stop-task "${{global[@]}}" --cluster "$cluster" --task "$task" \\
        --reason "It took more than $seconds seconds" --query task.taskArn --output text
      echo "The task of $stack took more than $seconds seconds and is being stopped" >&2
      exit 1
    fi
    sleep 3
  done
  code=$(told "tasks[0].containers[?name=='$container'] | [0].exitCode")
  if [[ $code != 0 ]]; then
    echo "The task of $stack failed: exit code of $container: $code" >&2
    told "tasks[0].[stoppedReason, containers[].reason][]" >&2
    exit 1
  fi
}}"""


def _ran(stack: PlannedStack, run: Run) -> str:
    return f'ran {stack.stack_name} {shlex.quote(run.container)} {run.timeout} "$@"'


def command(stack: PlannedStack, region: str) -> str:
    """The plain AWS CLI command that deploys one stack, from within its folder."""
    tags = " ".join(shlex.quote(f"{key}={value}") for key, value in stack.tags.items())
    lines = [
        "aws cloudformation deploy",
        f"--region {region}",
        f"--stack-name {stack.stack_name}",
        f"--template-file {stack.rendering.file}",
        *([f"--capabilities {' '.join(stack.capabilities)}"] if stack.capabilities else []),
        "--no-fail-on-empty-changeset",
        f"--tags {tags}",
        '"$@"',
    ]
    return " \\\n  ".join(lines)
