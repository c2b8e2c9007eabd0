#!/usr/bin/env bash
# Built by Moorage: deploys every stack of shop in dev, in order.
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

# Deploys the task definition of a stack with CodeDeploy and waits for it, unless the service runs it
# already. Arguments: the stack, the seconds that it may take, and those of this script.
code_deploy() {
  local stack=$1 seconds=$2 values application group name revision
  local cluster service live request deployment status before= global=()
  [[ " $* " != *" --no-execute-changeset "* ]] || return 0
  keep_global "${@:3}"
  values=$(aws cloudformation describe-stacks "${global[@]}" --stack-name "$stack" --output text \
    --query "Stacks[0].[Outputs[?OutputKey=='CodeDeployApplication'].OutputValue | [0],
      Outputs[?OutputKey=='CodeDeployDeploymentGroup'].OutputValue | [0],
      Outputs[?OutputKey=='CodeDeployRequest'].OutputValue | [0],
      Outputs[?OutputKey=='TaskDefinitionArn'].OutputValue | [0]]")
  read -r application group name revision <<<"$values"
  values=$(aws deploy get-deployment-group "${global[@]}" --application-name "$application" \
    --deployment-group-name "$group" --output text \
    --query "deploymentGroupInfo.ecsServices[0].[clusterName, serviceName]")
  read -r cluster service <<<"$values"
  describe_task_sets() {
    aws ecs describe-services "${global[@]}" --cluster "$cluster" --services "$service" \
      --query "services[0].taskSets[$1" --output text
  }
  live=$(describe_task_sets "?status=='PRIMARY'].taskDefinition | [0]")
  if [[ $live == "$revision" ]]; then
    echo "The service of $stack runs $revision"
    return 0
  fi
  request=$(aws ssm get-parameter "${global[@]}" --name "$name" \
    --query Parameter.Value --output text)
  if [[ $request != "{"* ]]; then
    echo "The parameter $name is not the input of create-deployment" >&2
    exit 1
  fi
  deployment=$(aws deploy create-deployment "${global[@]}" --cli-input-json "$request" \
    --query deploymentId --output text)
  echo "CodeDeploy deploys $revision in place of $live: $deployment"
  describe_deployment() {
    aws deploy get-deployment "${global[@]}" --deployment-id "$deployment" \
      --query "deploymentInfo.$1" --output text
  }
  SECONDS=0
  while status=$(describe_deployment status); [[ $status != Succeeded ]]; do
    if [[ $status != "$before" ]]; then
      echo "$deployment: $status after $SECONDS seconds"
      before=$status
    fi
    case $status in
      Failed | Stopped)
        echo "The deployment of $stack did not succeed:" >&2
        describe_deployment "[errorInformation.message, rollbackInfo.rollbackMessage][?@]" >&2
        exit 1
        ;;
    esac
    if ((SECONDS > seconds)); then
      echo "The deployment of $stack took more than $seconds seconds and continues" >&2
      exit 1
    fi
    sleep 3
  done
  echo "$deployment: Succeeded after $SECONDS seconds"
}

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name shop-dev-network \
  --template-file network.yaml \
  --no-fail-on-empty-changeset \
  --tags app=shop env=dev stack=network \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name shop-dev-cluster \
  --template-file cluster.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=shop env=dev stack=cluster \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name shop-dev-edge \
  --template-file edge.yaml \
  --no-fail-on-empty-changeset \
  --tags app=shop env=dev stack=edge \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name shop-dev-public \
  --template-file public.yaml \
  --no-fail-on-empty-changeset \
  --tags app=shop env=dev stack=public \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name shop-dev-feed \
  --template-file feed.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=shop env=dev stack=feed \
  "$@"

code_deploy shop-dev-feed 4800 "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name shop-dev-report \
  --template-file report.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=shop env=dev stack=report \
  "$@"

code_deploy shop-dev-report 5400 "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name shop-dev-web \
  --template-file web.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=shop env=dev stack=web \
  "$@"

code_deploy shop-dev-web 18300 "$@"
