#!/usr/bin/env bash
# Built by Moorage: deploys every stack of full in dev, in order.
# Arguments are passed on to the AWS CLI, for example: bash deploy.sh --profile ops
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name full-dev-cluster \
  --template-file cluster.yaml \
  --no-fail-on-empty-changeset \
  --tags app=full env=dev stack=cluster 'owner=platform team' \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name full-dev-network \
  --template-file network.yaml \
  --no-fail-on-empty-changeset \
  --tags app=full env=dev stack=network 'owner=platform team' \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name full-dev-worker \
  --template-file worker.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=full env=dev stack=worker 'owner=platform team' \
  "$@"
