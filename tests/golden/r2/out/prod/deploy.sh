#!/usr/bin/env bash
# Built by Moorage: deploys every stack of api in prod, in order.
# Arguments are passed on to the AWS CLI, for example: bash deploy.sh --profile ops
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# Stops if an image is not in its repository yet: tasks of the next stack could not start.
# Arguments: the repository, the image's tag or digest, and those of this script.
check_image() {
  if { aws ecr describe-images --region ap-northeast-1 \
    --repository-name "$1" --image-ids "$2" "${@:3}" 2>&1 >/dev/null || true
  } | grep ImageNotFoundException >&2; then
    echo "Push the image, then run this script again." >&2
    exit 1
  fi
}

# Sets `global` to those of its arguments that every command of the AWS CLI takes.
keep_global() {
  global=(--region ap-northeast-1)
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

# Deploys the task definition of a stack with CodeDeploy and waits for it, unless the service runs it
# already. Arguments: the stack; the seconds that it may take; its pairs, as for deploy_release; `--`
# and the arguments of this script.
code_deploy() {
  local stack=$1 seconds=$2 outputs application group name revision pairs=() values=() global=()
  local cluster service live request deployment status before=
  shift 2
  while [[ $1 != -- ]]; do pairs+=("$1") && shift; done
  shift
  [[ " $* " != *" --no-execute-changeset "* ]] || return 0
  keep_global "$@"
  outputs=$(aws cloudformation describe-stacks "${global[@]}" --stack-name "$stack" --output text \
    --query "Stacks[0].[Outputs[?OutputKey=='CodeDeployApplication'].OutputValue | [0],
      Outputs[?OutputKey=='CodeDeployDeploymentGroup'].OutputValue | [0],
      Outputs[?OutputKey=='CodeDeployRequest'].OutputValue | [0],
      Outputs[?OutputKey=='TaskDefinitionArn'].OutputValue | [0]]")
  read -r application group name revision <<<"$outputs"
  outputs=$(aws deploy get-deployment-group "${global[@]}" --application-name "$application" \
    --deployment-group-name "$group" --output text \
    --query "deploymentGroupInfo.ecsServices[0].[clusterName, serviceName]")
  read -r cluster service <<<"$outputs"
  describe_task_sets() {
    aws ecs describe-services "${global[@]}" --cluster "$cluster" --services "$service" \
      --query "services[0].taskSets[$1" --output text
  }
  live=$(describe_task_sets "?status=='PRIMARY'].taskDefinition | [0]")
  if [[ $live == "$revision" ]]; then
    echo "The service of $stack runs $revision"
    return 0
  fi
  deployment=$(aws deploy list-deployments "${global[@]}" --application-name "$application" \
    --deployment-group-name "$group" --output text --query "deployments[0]" \
    --include-only-statuses Created Queued InProgress Baking Ready)
  if [[ $deployment != None ]]; then
    echo "CodeDeploy still deploys $stack: $deployment. Run this script again when it has ended." >&2
    exit 1
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
  sync_weights
}

aws cloudformation deploy \
  --region ap-northeast-1 \
  --stack-name api-prod-cluster \
  --template-file cluster.yaml \
  --no-fail-on-empty-changeset \
  --tags app=api env=prod stack=cluster system=r2 \
  "$@"

aws cloudformation deploy \
  --region ap-northeast-1 \
  --stack-name api-prod-images \
  --template-file images.yaml \
  --no-fail-on-empty-changeset \
  --tags app=api env=prod stack=images system=r2 \
  "$@"

aws cloudformation deploy \
  --region ap-northeast-1 \
  --stack-name api-prod-network \
  --template-file network.yaml \
  --no-fail-on-empty-changeset \
  --tags app=api env=prod stack=network system=r2 \
  "$@"

aws cloudformation deploy \
  --region ap-northeast-1 \
  --stack-name api-prod-public \
  --template-file public.yaml \
  --no-fail-on-empty-changeset \
  --tags app=api env=prod stack=public system=r2 \
  "$@"

check_image api/nginx imageTag=1.27.3-7 "$@"

check_image api/php imageTag=2026.11.2 "$@"

deploy_release api-prod-api codedeploy \
  PublicNginx80Production:PublicNginx80ListenerRule:PublicNginx80TargetGroup:PublicNginx80AlternateTargetGroup \
  -- \
  aws cloudformation deploy \
  --region ap-northeast-1 \
  --stack-name api-prod-api \
  --template-file api.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=api env=prod stack=api system=r2 \
  "$@"

code_deploy api-prod-api 4560 PublicNginx80Production:PublicNginx80ListenerRule:PublicNginx80TargetGroup:PublicNginx80AlternateTargetGroup -- "$@"
