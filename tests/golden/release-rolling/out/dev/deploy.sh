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

# Deploys a stack whose service shifts traffic between two target groups. A parameter for each pair
# says which group is in production, so that CloudFormation writes no other weights than those that
# are there. If the update changes a listener rule and deploys tasks, it is done in two steps: first
# everything but the task definition, and then that.
# Arguments: the stack; what deploys its tasks, `ecs` or `codedeploy`; its pairs, as
# parameter:rule or listener:primary group:alternate group; `--` and the command that deploys the
# stack.
deploy_release() {
  local stack=$1 controller=$2 pairs=() values=() hold=() global=() status=0
  local service output held changed
  shift 2
  while [[ $1 != -- ]]; do pairs+=("$1") && shift; done
  shift
  keep_global "$@"
  if ! output=$(physical_id Service 2>&1); then
    [[ $output == *"does not exist"* ]] || { echo "$output" >&2 && exit 1; }
    "$@"
    [[ " $* " == *" --no-execute-changeset "* ]] || sync_weights
    return
  fi
  service=$output
  if [[ $service == arn:* && $controller == ecs ]]; then
    output=$(describe_service "currentServiceDeployment || 'None'")
    [[ $output == None ]] || { echo "$stack is being deployed: $output" >&2 && exit 1; }
    [[ " $* " == *" --no-execute-changeset "* ]] || sync_weights
  fi
  read_weights
  [[ $controller != ecs ]] || hold=(HeldTaskDefinition=)
  output=$("$@" --parameter-overrides "${values[@]}" ${hold[@]+"${hold[@]}"} --no-execute-changeset)
  echo "$output"
  [[ $output =~ (arn:[^[:space:]]*:changeSet/[^[:space:]]*) ]] || return 0
  [[ " $* " != *" --no-execute-changeset "* ]] || return 0
  changed=$(aws cloudformation describe-change-set "${global[@]}" --change-set-name \
    "${BASH_REMATCH[1]}" --query "Changes[].ResourceChange.LogicalResourceId" --output text)
  if [[ $service == arn:* && $controller == ecs ]] && changes_rule_and_service; then
    held=$(describe_service taskDefinition)
    echo "First everything but the task definition of $stack"
    "$@" --parameter-overrides "${values[@]}" "HeldTaskDefinition=$held" || status=$?
    sync_weights
    ((status == 0)) || return "$status"
  fi
  "$@" --parameter-overrides "${values[@]}" ${hold[@]+"${hold[@]}"} || status=$?
  sync_weights
  return "$status"
}
# Whether the change set deploys tasks, and has a rule or listener of a pair.
changes_rule_and_service() {
  local pair words=" ${changed//[[:space:]]/ } "
  [[ $words == *" Service "* || $words == *" TaskDefinition "* ]] || return 1
  for pair in "${pairs[@]}"; do
    [[ $words != *" $(cut -d: -f2 <<<"$pair") "* ]] || return 0
  done
  return 1
}
physical_id() {
  aws cloudformation describe-stack-resources "${global[@]}" --stack-name "$stack" --output text \
    --query "StackResources[?LogicalResourceId=='$1'].PhysicalResourceId | [0]"
}
describe_service() {
  local cluster=${service#*:service/}
  aws ecs describe-services "${global[@]}" --cluster "${cluster%/*}" --services "$service" \
    --query "services[0].$1" --output text
}
# Prints which group of a pair is in production: the only one with a weight above 0. Before the
# stack has an alternate group, it is the primary one.
find_live_group() {
  local forwarder primary alternate live where query
  forwarder=$(physical_id "$2")
  primary=$(physical_id "$3")
  alternate=$(physical_id "$4")
  if [[ $alternate != arn:* ]]; then
    echo primary
    return
  fi
  if [[ $forwarder != arn:* ]]; then
    echo "$2 is new in $stack, which has $4 already: traffic would go to an empty group." \
      "First deploy \`release: rolling\`, then this change." >&2
    return 1
  fi
  where=(describe-listeners --listener-arns)
  query="Listeners[0].DefaultActions"
  if [[ $forwarder == *:listener-rule/* ]]; then
    where=(describe-rules --rule-arns)
    query="Rules[0].Actions"
  fi
  live=$(aws elbv2 "${where[@]}" "$forwarder" "${global[@]}" --output text --query \
    "$query[?Type=='forward'] | [0].ForwardConfig.TargetGroups[?Weight>\`0\`].TargetGroupArn")
  case $live in
    "$primary") echo primary ;;
    "$alternate") echo alternate ;;
    *)
      echo "$2 of $stack must send all traffic to $primary or to $alternate, but sends it to:" \
        "$live" >&2
      echo "Wait for the end of a release that is under way. If there is none, give the group" \
        "with healthy targets the weight 100 and the other one 0, with \`aws elbv2 modify-rule\`" \
        "or \`modify-listener\`. Then run this script again." >&2
      return 1
      ;;
  esac
}
# Sets `values` to the parameters with the groups that are in production.
read_weights() {
  local pair live fields
  values=()
  for pair in "${pairs[@]}"; do
    IFS=: read -r -a fields <<<"$pair"
    live=$(find_live_group "${fields[@]}")
    values+=("${fields[0]}=$live")
  done
}
# Makes the parameters of the deployed stack say which groups are in production. CloudFormation
# writes the weights that are there already; each update changes one parameter, so that it cannot
# fail half-way.
sync_weights() {
  local value name names stored others other
  read_weights
  names=$(aws cloudformation describe-stacks "${global[@]}" --stack-name "$stack" --output text \
    --query "Stacks[0].Parameters[].ParameterKey")
  for value in "${values[@]}"; do
    name=${value%%=*}
    stored=$(aws cloudformation describe-stacks "${global[@]}" --stack-name "$stack" \
      --query "Stacks[0].Parameters[?ParameterKey=='$name'].ParameterValue | [0]" --output text)
    if [[ $stored == None || $stored == "${value#*=}" ]]; then continue; fi
    others=()
    for other in $names; do
      [[ $other == "$name" ]] || others+=("ParameterKey=$other,UsePreviousValue=true")
    done
    echo "The group in production of $stack is $value"
    aws cloudformation update-stack "${global[@]}" --stack-name "$stack" --use-previous-template \
      --capabilities CAPABILITY_IAM CAPABILITY_NAMED_IAM --output text --query StackId \
      --parameters "ParameterKey=$name,ParameterValue=${value#*=}" ${others[@]+"${others[@]}"}
    aws cloudformation wait stack-update-complete "${global[@]}" --stack-name "$stack"
  done
}

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name shop-dev-cluster \
  --template-file cluster.yaml \
  --no-fail-on-empty-changeset \
  --tags app=shop env=dev stack=cluster \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name shop-dev-network \
  --template-file network.yaml \
  --no-fail-on-empty-changeset \
  --tags app=shop env=dev stack=network \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name shop-dev-public \
  --template-file public.yaml \
  --no-fail-on-empty-changeset \
  --tags app=shop env=dev stack=public \
  "$@"

deploy_release shop-dev-ready ecs \
  PublicWeb8080Production:PublicWeb8080ListenerRule:PublicWeb8080TargetGroup:PublicWeb8080AlternateTargetGroup \
  -- \
  aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name shop-dev-ready \
  --template-file ready.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=shop env=dev stack=ready \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name shop-dev-web \
  --template-file web.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=shop env=dev stack=web \
  "$@"
