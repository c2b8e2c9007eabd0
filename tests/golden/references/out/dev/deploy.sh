#!/usr/bin/env bash
# Built by Moorage: deploys the stacks of shop in dev, in order. `--help` lists the options.
# For bash 3.2 or newer, and the AWS CLI 1 or 2.
set -euo pipefail
export AWS_PAGER='' AWS_CLI_AUTO_PROMPT=off

names=(audit cluster operations public shop-db uploads jobs orders prices-import dashboard report web)
script=${BASH_SOURCE[0]}
folder=$(cd "$(dirname "$script")" && pwd)
errors=$(mktemp) # what the AWS CLI last wrote to stderr

print_usage() {
  cat <<END
Usage: bash $script [STACK ...] [--preview] [--yes] [--run-tasks] [--profile P]

Deploys shop in dev to eu-central-1. Without names, all stacks are deployed:
  audit
  cluster
  operations
  public
  shop-db
  uploads
  jobs
  orders
  prices-import
  dashboard
  report
  web

  --preview      show what would change: change sets are created and deleted again
  --yes          delete what a failed first deployment has left, without asking
  --run-tasks    run the tasks of one_off stacks even if nothing has changed
  --profile P    the profile of the AWS CLI
  -h, --help     show this text

Also taken, as the AWS CLI takes them: --endpoint-url, --ca-bundle, --no-verify-ssl,
--no-sign-request, --debug, --cli-read-timeout, --cli-connect-timeout, --role-arn,
--notification-arns, --disable-rollback, --s3-bucket, --s3-prefix, --kms-key-id, --force-upload,
--fail-on-empty-changeset.
END
}

# The options. ----------------------------------------------------------------------------------

global=(--region eu-central-1) # of every command of the AWS CLI
create=()                  # of the command that creates a change set
execute=()                 # of the command that executes it
chosen=()                  # the stacks that were named
again="bash $(printf '%q' "$script")"
preview='' yes='' fail_if_empty=''
# shellcheck disable=SC2034 # not every environment has tasks
run_tasks=''

fail() {
  printf '%s\n' "$@" >&2
  exit 1
}

refuse() {
  echo "$1 Options: bash $(printf '%q' "$script") --help" >&2
  exit 2
}

# Options that are not in this table are refused.
# shellcheck disable=SC2034
read_options() {
  local option value
  (($# == 0)) || again+=$(printf ' %q' "$@")
  while (($#)); do
    option=${1%%=*}
    case $1 in
      -h | --help) print_usage && exit 0 ;;
      --preview) preview=1 ;;
      --yes) yes=1 ;;
      --run-tasks) run_tasks=1 ;;
      --debug | --no-verify-ssl | --no-sign-request | --no-cli-pager) global+=("$1") ;;
      --disable-rollback | --no-disable-rollback) execute+=("$1") ;;
      --force-upload) create+=("$1") ;;
      --fail-on-empty-changeset) fail_if_empty=1 ;;
      --no-fail-on-empty-changeset) fail_if_empty='' ;;
      --profile | --region | --endpoint-url | --ca-bundle | --cli-read-timeout | \
        --cli-connect-timeout | --color | --role-arn | --s3-bucket | --s3-prefix | --kms-key-id | \
        --notification-arns)
        (($# > 1)) || refuse "$1 needs a value."
        value=$2
        shift
        keep_value "$option" "$value"
        if [[ $option == --notification-arns ]]; then
          while [[ ${2:-} == arn:* ]]; do create+=("$2") && shift; done
        fi
        ;;
      --profile=* | --region=* | --endpoint-url=* | --ca-bundle=* | --cli-read-timeout=* | \
        --cli-connect-timeout=* | --color=* | --role-arn=* | --s3-bucket=* | --s3-prefix=* | \
        --kms-key-id=* | --notification-arns=*) keep_value "$option" "${1#*=}" ;;
      -*) refuse_option "$option" ;;
      *) choose "$1" ;;
    esac
    shift
  done
  total=${#names[@]}
  ((${#chosen[@]} == 0)) || total=${#chosen[@]}
}

keep_value() {
  case $1 in
    --region) [[ $2 == eu-central-1 ]] || refuse "$script deploys to eu-central-1 only, as \`region\` in \
the params says; remove $1 $2, or write a params file for that region." ;;
    --profile | --endpoint-url | --ca-bundle | --cli-*-timeout | --color) global+=("$1" "$2") ;;
    *) create+=("$1" "$2") ;;
  esac
}

refuse_option() {
  case $1 in
    --stack-name) refuse "Write the name of a stack without $1." ;;
    --template-file | --template-body | --template-url)
      refuse "Each stack has its own template, so write the name of a stack in place of $1." ;;
    --tags) refuse "Write tags in the params, below \`tags\`, in place of $1." ;;
    --capabilities) refuse "Remove $1: the script gives each stack those that it needs." ;;
    --parameter-overrides | --parameters)
      refuse "Change the params and build again in place of $1." ;;
    --no-execute-changeset | --no-execute-change-set | --dry-run | --dryrun | --diff)
      refuse "Write --preview in place of $1." ;;
    --execute-changeset) refuse "Remove $1: the script does it, unless there is --preview." ;;
    --output | --query | --no-paginate | --cli-input-json | --use-json)
      refuse "Remove $1: the script needs the output of the AWS CLI in its own form." ;;
    --account | --env | --environment)
      refuse "Remove $1: this script is for dev only; each environment has its own." ;;
    -y | --no-confirm | --force) refuse "Write --yes in place of $1." ;;
    *) refuse "$1 is not an option of this script." ;;
  esac
}

choose() {
  local name
  for name in ${names[@]+"${names[@]}"}; do
    if [[ $1 == "$name" || $1 == "shop-dev-$name" ]]; then
      [[ " ${chosen[*]-} " == *" $name "* ]] || chosen+=("$name")
      return
    fi
  done
  refuse "There is no stack $(printf '%q' "$1"). The stacks are: ${names[*]-}."
}

is_selected() {
  ((${#chosen[@]} == 0)) || [[ " ${chosen[*]} " == *" $1 "* ]]
}

# Calls the AWS CLI. Arguments: the service, the operation and its options.
call() {
  local service=$1 operation=$2
  shift 2
  aws "$service" "$operation" "${global[@]}" "$@"
}

# Prints a command for the user, with the region and the profile.
suggest() {
  local service=$1 operation=$2
  shift 2
  echo "  aws $service $operation$(printf ' %q' "${global[@]}" "$@")"
}

# Asks a question that --yes answers. Without a terminal, the answer is no.
confirm() {
  local answer
  [[ -z $yes ]] || return 0
  [[ -t 0 ]] || return 1
  read -r -p "$1 [y/N] " answer
  [[ $answer == [yY]* ]]
}

check_account() {
  account=$(call sts get-caller-identity --query Account --output text) ||
    fail "The AWS CLI has no valid credentials: see above."
  [[ -z $1 || $account == "$1" ]] || fail \
    "These are credentials of the account $account, but \`account\` in the params is $1." \
    "Use a profile of that account: bash $(printf '%q' "$script") --profile PROFILE"
  echo "shop dev: account $account, region eu-central-1"
}

# Stacks. ----------------------------------------------------------------------------------------

number=0       # of the stack that is being deployed
stack_status='' # of that stack before it is deployed; NONE if it does not exist
skipped=''     # set if no preview of the stack is possible
change_set=''  # its ARN; empty if there is nothing to deploy
unfinished=''  # the stack whose change set is deleted when the script ends
running=''     # the stack that CloudFormation is working on
changed=''     # the stacks that were deployed

trap clean_up EXIT
trap interrupt INT TERM

clean_up() {
  local code=$?
  [[ -z $unfinished ]] || drop_change_set
  rm -f "$errors"
  exit "$code"
}

interrupt() {
  if [[ -n $running ]]; then
    echo "CloudFormation continues to work on $running. To stop an update of it:"
    suggest cloudformation cancel-update-stack --stack-name "$running"
  fi >&2
  exit 130
}

# Prints the status of a stack, or NONE.
find_status() {
  call cloudformation describe-stacks --stack-name "$1" --query "Stacks[0].StackStatus" \
    --output text 2>"$errors" && return 0
  if grep -q "does not exist" "$errors"; then echo NONE; else cat "$errors" >&2 && return 1; fi
}

# Prints the name of the next stack, and handles what an earlier deployment has left.
start_stack() {
  number=$((number + 1)) skipped='' change_set=''
  printf '\n[%s/%s] %s\n' "$number" "$total" "$1"
  stack_status=$(find_status "$1")
  case $stack_status in
    REVIEW_IN_PROGRESS | ROLLBACK_COMPLETE | ROLLBACK_FAILED) delete_failed "$1" ;;
    *_IN_PROGRESS)
      fail "CloudFormation is still working on $1 ($stack_status). When that has ended, run again: \
$again" "To see its status:" \
        "$(suggest cloudformation describe-stacks --stack-name "$1" --query "Stacks[0].StackStatus")" ;;
    UPDATE_ROLLBACK_FAILED)
      fail "The last update of $1 failed, and so did its rollback. Continue that, then run again: \
$again" "$(suggest cloudformation continue-update-rollback --stack-name "$1")" ;;
    DELETE_FAILED)
      fail "$1 could not be deleted. Delete it, then run again: $again" \
        "$(suggest cloudformation delete-stack --stack-name "$1")" ;;
  esac
}

# Deletes a stack that was never deployed successfully, with the user's consent.
delete_failed() {
  if [[ -n $preview ]]; then
    echo "$1 has never been deployed successfully ($stack_status). A deployment asks whether to delete it."
    skipped=1
    return
  fi
  if ! confirm "$1 has never been deployed successfully ($stack_status). Delete what is left of it?"; then
    fail "$1 has never been deployed successfully ($stack_status), so it must be deleted first:" \
      "$(suggest cloudformation delete-stack --stack-name "$1")" \
      "$(suggest cloudformation "wait stack-delete-complete" --stack-name "$1")" \
      "Then run again: $again" "Or let the script delete it: $again --yes"
  fi
  delete_stack "$1" || fail "$1 could not be deleted. Why:" \
    "$(suggest cloudformation describe-stack-events --stack-name "$1")"
  stack_status=NONE
}

delete_stack() {
  echo "Deleting $1"
  call cloudformation delete-stack --stack-name "$1" &&
    aws cloudformation wait stack-delete-complete "${global[@]}" --stack-name "$1"
}

# Deploys a stack, or shows what would change. Arguments: its name, its template, and more options
# of `aws cloudformation deploy`.
deploy_stack() {
  [[ -z $skipped ]] || return 0
  create_change_set "$@"
  finish_change_set "$1"
}

# Creates a change set and sets `change_set`. Arguments: those of deploy_stack.
create_change_set() {
  local stack=$1 file=$2 output failed=''
  shift 2
  unfinished=$stack change_set=''
  output=$(call cloudformation deploy --stack-name "$stack" --template-file "$folder/$file" \
    --no-execute-changeset --no-fail-on-empty-changeset ${create[@]+"${create[@]}"} "$@" \
    2>"$errors") || failed=1
  if [[ $output =~ arn:[^[:space:]]*:changeSet/[^[:space:]]* ]]; then
    change_set=${BASH_REMATCH[0]}
  fi
  if [[ -n $failed || ( -z $change_set && $output != *"No changes to deploy"* ) ]]; then
    explain_change_set "$stack" "$output"
    return
  fi
  cat "$errors" >&2
}

# Says why there is no change set, and ends the script unless this is a preview.
explain_change_set() {
  local text
  text=$(<"$errors")
  drop_change_set
  if [[ -n $preview && $text =~ No\ export\ named\ ([^[:space:]]+)\ found ]]; then
    echo "$1 needs ${BASH_REMATCH[1]}, which is not there yet: it comes with an earlier stack."
    skipped=1
    return
  fi
  printf '%s\n' "$2$text" >&2
  fail "$1 was not changed: CloudFormation created no change set." "$(describe_progress)"
}

# Deletes the change set of the unfinished stack; if the stack was new, the stack as well.
drop_change_set() {
  local stack=$unfinished sets
  unfinished=''
  if [[ $stack_status == NONE ]]; then
    [[ $(find_status "$stack") != REVIEW_IN_PROGRESS ]] || delete_stack "$stack" >/dev/null || true
    return
  fi
  # A change set without changes is FAILED, and `aws cloudformation deploy` does not delete it.
  sets=$change_set
  [[ -n $sets ]] || sets=$(call cloudformation list-change-sets --stack-name "$stack" \
    --output text --query "Summaries[?Status=='FAILED' && starts_with(ChangeSetName,
      'awscli-cloudformation-package-deploy')].ChangeSetId") || true
  for change_set in $sets; do
    [[ $change_set != arn:* ]] ||
      call cloudformation delete-change-set --change-set-name "$change_set" || true
  done
}

# Executes the change set, or shows it and deletes it.
finish_change_set() {
  [[ -z $skipped ]] || return 0
  if [[ -z $change_set ]]; then
    echo "Nothing to deploy"
    if [[ -n $preview ]]; then drop_change_set; fi
    unfinished=''
    [[ -z $fail_if_empty ]] || fail "--fail-on-empty-changeset: $1 has nothing to deploy."
  elif [[ -n $preview ]]; then
    show_change_set
    drop_change_set
  else
    execute_change_set "$1"
  fi
}

show_change_set() {
  call cloudformation describe-change-set --change-set-name "$change_set" --output text \
    --query "Changes[].ResourceChange.[Action, LogicalResourceId, ResourceType,
      Replacement || 'False', join(', ', not_null(Details, \`[]\`)[].Target.Name)]" |
    while IFS=$'\t' read -r action name type replaced properties; do
      case $replaced in
        True) replaced='  is replaced' ;;
        Conditional) replaced='  may be replaced' ;;
        *) replaced='' ;;
      esac
      echo "  $action  $name  $type${properties:+  ($properties)}$replaced"
    done
}

execute_change_set() {
  local stack=$1 now
  echo "Deploying"
  if ! call cloudformation execute-change-set --change-set-name "$change_set" \
    ${execute[@]+"${execute[@]}"}; then
    now=$(find_status "$stack") || now=unknown
    [[ $now == REVIEW_IN_PROGRESS || $now == "$stack_status" ]] || unfinished=''
    report_failure "$stack" "$now"
    return 1
  fi
  unfinished='' running=$stack
  wait_for_stack "$stack" || return 1
  running='' changed+=" $stack "
}

# Waits until CloudFormation has finished. `aws cloudformation wait` gives up at the first error.
wait_for_stack() {
  local now failures=0
  while true; do
    if now=$(find_status "$1"); then
      failures=0
      [[ $now == *_IN_PROGRESS ]] || break
    else
      failures=$((failures + 1))
      ((failures < 10)) || fail "CloudFormation continues to work on $1. To see its status:" \
        "$(suggest cloudformation describe-stacks --stack-name "$1")"
    fi
    sleep 5
  done
  [[ $now != CREATE_COMPLETE && $now != UPDATE_COMPLETE ]] || { echo "$now" && return 0; }
  running=''
  report_failure "$1" "$now"
  return 1
}

# Prints the first events that failed, without those that only follow from them.
report_failure() {
  local stack=$1 events event name type reason found=() count
  events=$(call cloudformation describe-stack-events --stack-name "$stack" --max-items 300 \
    --output text --query "StackEvents[].[ResourceStatus, LogicalResourceId, ResourceType,
      ResourceStatusReason]" 2>/dev/null) || events=''
  while IFS=$'\t' read -r event name type reason; do
    if [[ $name == "$stack" ]]; then
      case "$event $reason" in
        "CREATE_IN_PROGRESS User Initiated" | "UPDATE_IN_PROGRESS User Initiated") break ;;
      esac
    elif [[ $event == *_FAILED && $reason != *cancelled* ]]; then
      found+=("  $name ($type) $event: $reason")
    fi
  done <<<"$events"
  {
    echo "$stack failed: $2"
    for ((count = ${#found[@]}; count > 0 && count > ${#found[@]} - 5; count--)); do
      echo "${found[count - 1]}"
    done
    echo "All events:"
    suggest cloudformation describe-stack-events --stack-name "$stack"
    explain_status "$stack" "$2"
    describe_progress
  } >&2
}

explain_status() {
  case $2 in
    ROLLBACK_COMPLETE | ROLLBACK_FAILED)
      echo "Nothing of $1 is in use. The next run asks whether to delete what is left." ;;
    UPDATE_ROLLBACK_COMPLETE) echo "$1 is as it was before this update." ;;
    UPDATE_ROLLBACK_FAILED)
      echo "The rollback failed as well. Correct what it needs, and continue it:"
      suggest cloudformation continue-update-rollback --stack-name "$1" ;;
  esac
}

describe_progress() {
  local left=$((total - number))
  [[ -n $preview ]] || echo "Stacks that were not started: $left of $total."
  echo "Correct the cause, build, and run again: $again"
}

# Prints the outputs: addresses first, then all other ones of stacks that were deployed.
print_outputs() {
  local lines stack='' key value addresses='' others=''
  lines=$(call cloudformation describe-stacks --output text --query \
    "Stacks[?starts_with(StackName, 'shop-dev-')].[StackName, not_null(Outputs, \`[]\`)[].[
      OutputKey, OutputValue]]" 2>/dev/null) || return 0
  while IFS=$'\t' read -r key value; do
    if [[ -z $value ]]; then
      stack=$key
    elif ! is_selected "${stack#shop-dev-}" || [[ $key == RunTask ]]; then
      continue
    elif [[ $key == *DnsName || ($value == http*://* && $key != *QueueUrl) ]]; then
      addresses+="  $stack  $key  $value"$'\n'
    elif [[ $changed == *" $stack "* ]]; then
      others+="  $stack  $key  $value"$'\n'
    fi
  done <<<"$lines"
  [[ -z $addresses ]] || printf '\nAddresses:\n%s' "$addresses"
  [[ -z $others ]] || printf '\nOutputs of what was deployed:\n%s' "$others"
}

# Whether a command of the AWS CLI ends with one of these errors.
is_missing() {
  local codes=$1
  shift
  ! call "$@" --query "''" --output text >/dev/null 2>"$errors" && grep -Eq "\(($codes)\)" "$errors"
}

# What must exist before a stack is deployed. ----------------------------------------------------

images=() parameters=() secrets=() certificates=() missing=''

# Adds something to look for. Arguments: its kind, its name, and the stacks that refer to it.
need() {
  local kind=$1 name=$2 stack used=''
  shift 2
  for stack in "$@"; do
    if is_selected "$stack"; then used+="${used:+, }$stack"; fi
  done
  [[ -n $used ]] || return 0
  case $kind in
    image) images+=("$name|$used") ;;
    parameter) parameters+=("$name|$used") ;;
    secret) secrets+=("$name|$used") ;;
    certificate) certificates+=("$name|$used") ;;
  esac
}

# Checks that all of them exist. What the credentials may not look up counts as existing. No secret
# is read.
check_needs() {
  local item name start
  for item in ${images[@]+"${images[@]}"}; do
    name=${item%%|*}
    is_missing "ImageNotFoundException|RepositoryNotFoundException" ecr describe-images \
      --repository-name "${name%% *}" --image-ids "${name#* }" || continue
    name=${name%% *}:${name#*=}
    add_missing "image $name" "${item#*|}"
    missing+="  docker push $account.dkr.ecr.eu-central-1.amazonaws.com/$name"$'\n'
  done
  for item in ${secrets[@]+"${secrets[@]}"}; do
    name=${item%%|*}
    is_missing ResourceNotFoundException secretsmanager describe-secret --secret-id "$name" ||
      continue
    add_missing "secret $name" "${item#*|}" secretsmanager create-secret --name "$name" \
      --secret-string file://FILE
  done
  for item in ${certificates[@]+"${certificates[@]}"}; do
    name=${item%%|*}
    is_missing ResourceNotFoundException acm describe-certificate --certificate-arn "$name" ||
      continue
    add_missing "certificate $name" "${item#*|}" acm request-certificate --domain-name DOMAIN \
      --validation-method DNS
  done
  # DescribeParameters takes fifty names.
  for ((start = 0; start < ${#parameters[@]}; start += 50)); do
    check_parameters "${parameters[@]:start:50}"
  done
  [[ -n $missing ]] || return 0
  printf 'Missing in the account %s, region eu-central-1:\n%s' "$account" "$missing" >&2
  [[ -n $preview ]] || fail "Create what is missing, then run again: $again"
}

check_parameters() {
  local item name list='' found
  for item in "$@"; do list+="${list:+,}\"${item%%|*}\""; done
  found=$(call ssm describe-parameters --query "Parameters[].Name" --output text \
    --parameter-filters "[{\"Key\":\"Name\",\"Option\":\"Equals\",\"Values\":[$list]}]" \
    2>/dev/null) || return 0
  found=" ${found//[[:space:]]/ } "
  for item in "$@"; do
    name=${item%%|*}
    [[ $found == *" $name "* ]] || add_missing "parameter $name" "${item#*|}" ssm put-parameter \
      --name "$name" --type SecureString --value file://FILE
  done
}

# Arguments: what is missing, the stacks that refer to it, and the command that creates it.
add_missing() {
  local what=$1 stacks=$2
  shift 2
  missing+="$what, for $stacks"$'\n'
  (($# == 0)) || missing+=$(suggest "$@")$'\n'
}

# What is deployed. ------------------------------------------------------------------------------

read_options "$@"

check_account ''

need image 'shop/audit imageTag=1.0.0' audit
need image 'shop/jobs imageTag=2.1.0' jobs
need image 'shop/orders imageTag=3.2.1' orders
need image 'shop/prices-import imageTag=1.0.0' prices-import
need image 'shop/report imageTag=1.0.0' report
need image 'shop/web imageTag=1.4.2' web
check_needs

if is_selected audit; then
  start_stack shop-dev-audit
  deploy_stack shop-dev-audit audit.yaml \
    --capabilities CAPABILITY_IAM \
    --tags app=shop env=dev stack=audit
fi

if is_selected cluster; then
  start_stack shop-dev-cluster
  deploy_stack shop-dev-cluster cluster.yaml \
    --tags app=shop env=dev stack=cluster
fi

if is_selected operations; then
  start_stack shop-dev-operations
  deploy_stack shop-dev-operations operations.yaml \
    --tags app=shop env=dev stack=operations
fi

if is_selected public; then
  start_stack shop-dev-public
  deploy_stack shop-dev-public public.yaml \
    --tags app=shop env=dev stack=public
fi

if is_selected shop-db; then
  start_stack shop-dev-shop-db
  deploy_stack shop-dev-shop-db shop-db.yaml \
    --tags app=shop env=dev stack=shop-db
fi

if is_selected uploads; then
  start_stack shop-dev-uploads
  deploy_stack shop-dev-uploads uploads.yaml \
    --tags app=shop env=dev stack=uploads
fi

if is_selected jobs; then
  start_stack shop-dev-jobs
  deploy_stack shop-dev-jobs jobs.yaml \
    --capabilities CAPABILITY_IAM \
    --tags app=shop env=dev stack=jobs
fi

if is_selected orders; then
  start_stack shop-dev-orders
  deploy_stack shop-dev-orders orders.yaml \
    --capabilities CAPABILITY_IAM \
    --tags app=shop env=dev stack=orders
fi

if is_selected prices-import; then
  start_stack shop-dev-prices-import
  deploy_stack shop-dev-prices-import prices-import.yaml \
    --capabilities CAPABILITY_IAM \
    --tags app=shop env=dev stack=prices-import
fi

if is_selected dashboard; then
  start_stack shop-dev-dashboard
  deploy_stack shop-dev-dashboard dashboard.yaml \
    --tags app=shop env=dev stack=dashboard
fi

if is_selected report; then
  start_stack shop-dev-report
  deploy_stack shop-dev-report report.yaml \
    --capabilities CAPABILITY_IAM \
    --tags app=shop env=dev stack=report
fi

if is_selected web; then
  start_stack shop-dev-web
  deploy_stack shop-dev-web web.yaml \
    --capabilities CAPABILITY_IAM \
    --tags app=shop env=dev stack=web
fi

print_outputs
