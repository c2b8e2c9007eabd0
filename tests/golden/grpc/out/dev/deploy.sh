#!/usr/bin/env bash
# Built by Moorage: deploys every stack of talk in dev, in order.
# Arguments are passed on to the AWS CLI, for example: bash deploy.sh --profile ops
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name talk-dev-cluster \
  --template-file cluster.yaml \
  --no-fail-on-empty-changeset \
  --tags app=talk env=dev stack=cluster \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name talk-dev-network \
  --template-file network.yaml \
  --no-fail-on-empty-changeset \
  --tags app=talk env=dev stack=network \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name talk-dev-public \
  --template-file public.yaml \
  --no-fail-on-empty-changeset \
  --tags app=talk env=dev stack=public \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name talk-dev-greeter \
  --template-file greeter.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=talk env=dev stack=greeter \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name talk-dev-health \
  --template-file health.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=talk env=dev stack=health \
  "$@"
