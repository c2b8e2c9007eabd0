#!/usr/bin/env bash
# Built by Moorage: deploys every stack of metal in dev, in order.
# Arguments are passed on to the AWS CLI, for example: bash deploy.sh --profile ops
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name metal-dev-network \
  --template-file network.yaml \
  --no-fail-on-empty-changeset \
  --tags app=metal env=dev stack=network \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name metal-dev-cluster \
  --template-file cluster.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=metal env=dev stack=cluster \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name metal-dev-bridged \
  --template-file bridged.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=metal env=dev stack=bridged \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name metal-dev-browser \
  --template-file browser.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=metal env=dev stack=browser \
  "$@"
