#!/usr/bin/env bash
# Built by Moorage: deploys every stack of names in dev, in order.
# Arguments are passed on to the AWS CLI, for example: bash deploy.sh --profile ops
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name names-dev-cluster \
  --template-file cluster.yaml \
  --no-fail-on-empty-changeset \
  --tags app=names env=dev stack=cluster \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name names-dev-network \
  --template-file network.yaml \
  --no-fail-on-empty-changeset \
  --tags app=names env=dev stack=network \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name names-dev-edge \
  --template-file edge.yaml \
  --no-fail-on-empty-changeset \
  --tags app=names env=dev stack=edge \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name names-dev-dns \
  --template-file dns.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=names env=dev stack=dns \
  "$@"
