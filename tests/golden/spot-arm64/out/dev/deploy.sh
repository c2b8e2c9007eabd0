#!/usr/bin/env bash
# Built by Moorage: deploys every stack of thrift in dev, in order.
# Arguments are passed on to the AWS CLI, for example: bash deploy.sh --profile ops
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

aws cloudformation deploy \
  --region eu-north-1 \
  --stack-name thrift-dev-cluster \
  --template-file cluster.yaml \
  --no-fail-on-empty-changeset \
  --tags app=thrift env=dev stack=cluster \
  "$@"

aws cloudformation deploy \
  --region eu-north-1 \
  --stack-name thrift-dev-network \
  --template-file network.yaml \
  --no-fail-on-empty-changeset \
  --tags app=thrift env=dev stack=network \
  "$@"

aws cloudformation deploy \
  --region eu-north-1 \
  --stack-name thrift-dev-arm \
  --template-file arm.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=thrift env=dev stack=arm \
  "$@"

aws cloudformation deploy \
  --region eu-north-1 \
  --stack-name thrift-dev-mixed \
  --template-file mixed.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=thrift env=dev stack=mixed \
  "$@"
