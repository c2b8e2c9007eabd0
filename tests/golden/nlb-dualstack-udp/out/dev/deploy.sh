#!/usr/bin/env bash
# Built by Moorage: deploys every stack of both in dev, in order.
# Arguments are passed on to the AWS CLI, for example: bash deploy.sh --profile ops
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

aws cloudformation deploy \
  --region us-west-2 \
  --stack-name both-dev-cluster \
  --template-file cluster.yaml \
  --no-fail-on-empty-changeset \
  --tags app=both env=dev stack=cluster \
  "$@"

aws cloudformation deploy \
  --region us-west-2 \
  --stack-name both-dev-network \
  --template-file network.yaml \
  --no-fail-on-empty-changeset \
  --tags app=both env=dev stack=network \
  "$@"

aws cloudformation deploy \
  --region us-west-2 \
  --stack-name both-dev-edge \
  --template-file edge.yaml \
  --no-fail-on-empty-changeset \
  --tags app=both env=dev stack=edge \
  "$@"

aws cloudformation deploy \
  --region us-west-2 \
  --stack-name both-dev-relay \
  --template-file relay.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=both env=dev stack=relay \
  "$@"
