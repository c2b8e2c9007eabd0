#!/usr/bin/env bash
# Built by Moorage: deploys every stack of wire in dev, in order.
# Arguments are passed on to the AWS CLI, for example: bash deploy.sh --profile ops
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

aws cloudformation deploy \
  --region eu-west-1 \
  --stack-name wire-dev-cluster \
  --template-file cluster.yaml \
  --no-fail-on-empty-changeset \
  --tags app=wire env=dev stack=cluster \
  "$@"

aws cloudformation deploy \
  --region eu-west-1 \
  --stack-name wire-dev-network \
  --template-file network.yaml \
  --no-fail-on-empty-changeset \
  --tags app=wire env=dev stack=network \
  "$@"

aws cloudformation deploy \
  --region eu-west-1 \
  --stack-name wire-dev-edge \
  --template-file edge.yaml \
  --no-fail-on-empty-changeset \
  --tags app=wire env=dev stack=edge \
  "$@"

aws cloudformation deploy \
  --region eu-west-1 \
  --stack-name wire-dev-broker \
  --template-file broker.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=wire env=dev stack=broker \
  "$@"
