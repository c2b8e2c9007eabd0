#!/usr/bin/env bash
# Built by Moorage: deploys every stack of duo in dev, in order.
# Arguments are passed on to the AWS CLI, for example: bash deploy.sh --profile ops
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

aws cloudformation deploy \
  --region eu-north-1 \
  --stack-name duo-dev-cluster \
  --template-file cluster.yaml \
  --no-fail-on-empty-changeset \
  --tags app=duo env=dev stack=cluster \
  "$@"

aws cloudformation deploy \
  --region eu-north-1 \
  --stack-name duo-dev-network \
  --template-file network.yaml \
  --no-fail-on-empty-changeset \
  --tags app=duo env=dev stack=network \
  "$@"

aws cloudformation deploy \
  --region eu-north-1 \
  --stack-name duo-dev-edge \
  --template-file edge.yaml \
  --no-fail-on-empty-changeset \
  --tags app=duo env=dev stack=edge \
  "$@"

aws cloudformation deploy \
  --region eu-north-1 \
  --stack-name duo-dev-public \
  --template-file public.yaml \
  --no-fail-on-empty-changeset \
  --tags app=duo env=dev stack=public \
  "$@"

aws cloudformation deploy \
  --region eu-north-1 \
  --stack-name duo-dev-media \
  --template-file media.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=duo env=dev stack=media \
  "$@"
