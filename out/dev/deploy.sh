#!/usr/bin/env bash
# Built by Moorage: deploys every stack of kelp in dev, in order.
# Arguments are passed on to the AWS CLI, for example: bash deploy.sh --profile ops
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# Sets `global` to those of its arguments that every command of the AWS CLI takes.
keep_global() {
  global=(--region eu-central-1)
  while (($#)); do
    case $1 in
      --profile | --region | --endpoint-url | --ca-bundle | --cli-*-timeout)
        global+=("$1" "$2") && shift ;;
      --profile=* | --region=* | --endpoint-url=* | --ca-bundle=* | --cli-*-timeout=* | \
        --debug | --no-verify-ssl | --no-sign-request | --no-cli-pager) global+=("$1") ;;
    esac
    shift
  done
}

# Runs the task of a stack and waits for it; stops the deployment if the task fails.
# Arguments: the stack, the container whose exit code must be 0, the seconds that it may take, and
# those of this script.
run_task() {
  local stack=$1 container=$2 seconds=$3 name request task cluster status code
  local global=()
  shift 3
  [[ " $* " != *" --no-execute-changeset "* ]] || return 0
  keep_global "$@"
  name=$(aws cloudformation describe-stacks "${global[@]}" --stack-name "$stack" \
    --query "Stacks[0].Outputs[?OutputKey=='RunTask'].OutputValue" --output text)
  if [[ ! $name =~ ^[A-Za-z0-9_./][A-Za-z0-9_./-]*$ ]]; then
    echo "The output RunTask of $stack is not the name of a parameter: $name" >&2
    exit 1
  fi
  request=$(aws ssm get-parameter "${global[@]}" --name "$name" \
    --query Parameter.Value --output text)
  if [[ $request != "{"* ]]; then
    echo "The parameter $name is not the input of run-task" >&2
    exit 1
  fi
  echo "Running the task of $stack"
  task=$(aws ecs run-task "${global[@]}" --cli-input-json "$request" \
    --query "tasks[0].taskArn || failures[0].reason" --output text)
  if [[ $task != arn:* ]]; then
    echo "The task of $stack could not be started: $task" >&2
    exit 1
  fi
  cluster=${task#*:task/} cluster=${cluster%/*} SECONDS=0
  describe_task() {
    aws ecs describe-tasks "${global[@]}" --cluster "$cluster" --tasks "$task" \
      --query "$1" --output text
  }
  while status=$(describe_task "tasks[0].lastStatus"); [[ $status != STOPPED ]]; do
    if ((SECONDS > seconds)); then
      aws ecs stop-task "${global[@]}" --cluster "$cluster" --task "$task" \
        --reason "It took more than $seconds seconds" --query task.taskArn --output text
      echo "The task of $stack took more than $seconds seconds and is being stopped" >&2
      exit 1
    fi
    sleep 3
  done
  code=$(describe_task "tasks[0].containers[?name=='$container'] | [0].exitCode")
  if [[ $code != 0 ]]; then
    echo "The task of $stack failed: exit code of $container: $code" >&2
    describe_task "tasks[0].[stoppedReason, containers[].reason][]" >&2
    exit 1
  fi
}

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name kelp-dev-cluster \
  --template-file cluster.yaml \
  --no-fail-on-empty-changeset \
  --tags app=kelp env=dev stack=cluster team=storefront \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name kelp-dev-network \
  --template-file network.yaml \
  --no-fail-on-empty-changeset \
  --tags app=kelp env=dev stack=network team=storefront \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name kelp-dev-edge \
  --template-file edge.yaml \
  --no-fail-on-empty-changeset \
  --tags app=kelp env=dev stack=edge team=storefront \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name kelp-dev-mailer \
  --template-file mailer.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=kelp env=dev stack=mailer team=storefront \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name kelp-dev-migrate \
  --template-file migrate.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=kelp env=dev stack=migrate team=storefront \
  "$@"

run_task kelp-dev-migrate migrate 3600 "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name kelp-dev-public \
  --template-file public.yaml \
  --no-fail-on-empty-changeset \
  --tags app=kelp env=dev stack=public team=storefront \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name kelp-dev-api \
  --template-file api.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=kelp env=dev stack=api team=storefront \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name kelp-dev-labels \
  --template-file labels.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=kelp env=dev stack=labels team=storefront \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name kelp-dev-web \
  --template-file web.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=kelp env=dev stack=web team=storefront \
  "$@"
