#!/usr/bin/env bash
# Built by Moorage: deploys every stack of plain in prod, in order.
# Arguments are passed on to the AWS CLI, for example: bash deploy.sh --profile ops
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

aws cloudformation deploy \
  --region us-east-1 \
  --stack-name plain-prod-cluster \
  --template-file cluster.yaml \
  --no-fail-on-empty-changeset \
  --tags app=plain env=prod stack=cluster \
  "$@"

aws cloudformation deploy \
  --region us-east-1 \
  --stack-name plain-prod-network \
  --template-file network.yaml \
  --no-fail-on-empty-changeset \
  --tags app=plain env=prod stack=network \
  "$@"

aws cloudformation deploy \
  --region us-east-1 \
  --stack-name plain-prod-inside \
  --template-file inside.yaml \
  --no-fail-on-empty-changeset \
  --tags app=plain env=prod stack=inside \
  "$@"

aws cloudformation deploy \
  --region us-east-1 \
  --stack-name plain-prod-public \
  --template-file public.yaml \
  --no-fail-on-empty-changeset \
  --tags app=plain env=prod stack=public \
  "$@"

aws cloudformation deploy \
  --region us-east-1 \
  --stack-name plain-prod-web \
  --template-file web.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=plain env=prod stack=web \
  "$@"
