#!/usr/bin/env bash
# Built by Moorage: deploys every stack of clock in dev, in order.
# Arguments are passed on to the AWS CLI, for example: bash deploy.sh --profile ops
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

aws cloudformation deploy \
  --region us-east-1 \
  --stack-name clock-dev-cluster \
  --template-file cluster.yaml \
  --no-fail-on-empty-changeset \
  --tags app=clock env=dev stack=cluster \
  "$@"

aws cloudformation deploy \
  --region us-east-1 \
  --stack-name clock-dev-network \
  --template-file network.yaml \
  --no-fail-on-empty-changeset \
  --tags app=clock env=dev stack=network \
  "$@"

aws cloudformation deploy \
  --region us-east-1 \
  --stack-name clock-dev-edge \
  --template-file edge.yaml \
  --no-fail-on-empty-changeset \
  --tags app=clock env=dev stack=edge \
  "$@"

aws cloudformation deploy \
  --region us-east-1 \
  --stack-name clock-dev-ntp \
  --template-file ntp.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=clock env=dev stack=ntp \
  "$@"
