#!/usr/bin/env bash
# Built by Moorage: deploys every stack of kelp in prod, in order.
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
  --stack-name kelp-prod-cluster \
  --template-file cluster.yaml \
  --no-fail-on-empty-changeset \
  --tags app=kelp env=prod stack=cluster cost-centre=4711 team=storefront \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name kelp-prod-network \
  --template-file network.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=kelp env=prod stack=network cost-centre=4711 team=storefront \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name kelp-prod-notifications \
  --template-file notifications.yaml \
  --no-fail-on-empty-changeset \
  --tags app=kelp env=prod stack=notifications cost-centre=4711 team=storefront \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name kelp-prod-edge \
  --template-file edge.yaml \
  --no-fail-on-empty-changeset \
  --tags app=kelp env=prod stack=edge cost-centre=4711 team=storefront \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name kelp-prod-mailer \
  --template-file mailer.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=kelp env=prod stack=mailer cost-centre=4711 team=storefront \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name kelp-prod-migrate \
  --template-file migrate.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=kelp env=prod stack=migrate cost-centre=4711 team=storefront \
  "$@"

run_task kelp-prod-migrate migrate 3600 "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name kelp-prod-public \
  --template-file public.yaml \
  --no-fail-on-empty-changeset \
  --tags app=kelp env=prod stack=public cost-centre=4711 team=storefront \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name kelp-prod-api \
  --template-file api.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=kelp env=prod stack=api cost-centre=4711 team=storefront \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name kelp-prod-labels \
  --template-file labels.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=kelp env=prod stack=labels cost-centre=4711 team=storefront \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name kelp-prod-overview \
  --template-file overview.yaml \
  --no-fail-on-empty-changeset \
  --tags app=kelp env=prod stack=overview cost-centre=4711 team=storefront \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name kelp-prod-staff \
  --template-file staff.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=kelp env=prod stack=staff cost-centre=4711 team=storefront \
  "$@"

deploy_release kelp-prod-web ecs \
  PublicProxy8080Production:PublicProxy8080ListenerRule:PublicProxy8080TargetGroup:PublicProxy8080AlternateTargetGroup \
  -- \
  aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name kelp-prod-web \
  --template-file web.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=kelp env=prod stack=web cost-centre=4711 team=storefront \
  "$@"
