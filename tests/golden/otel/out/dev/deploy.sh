#!/usr/bin/env bash
# Built by Moorage: deploys every stack of traces in dev, in order.
# Arguments are passed on to the AWS CLI, for example: bash deploy.sh --profile ops
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name traces-dev-cluster \
  --template-file cluster.yaml \
  --no-fail-on-empty-changeset \
  --tags app=traces env=dev stack=cluster \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name traces-dev-network \
  --template-file network.yaml \
  --no-fail-on-empty-changeset \
  --tags app=traces env=dev stack=network \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name traces-dev-api \
  --template-file api.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=traces env=dev stack=api \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name traces-dev-own \
  --template-file own.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=traces env=dev stack=own \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name traces-dev-web \
  --template-file web.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=traces env=dev stack=web \
  "$@"
