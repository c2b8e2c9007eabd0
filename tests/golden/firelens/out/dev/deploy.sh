#!/usr/bin/env bash
# Built by Moorage: deploys every stack of lines in dev, in order.
# Arguments are passed on to the AWS CLI, for example: bash deploy.sh --profile ops
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name lines-dev-cluster \
  --template-file cluster.yaml \
  --no-fail-on-empty-changeset \
  --tags app=lines env=dev stack=cluster \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name lines-dev-network \
  --template-file network.yaml \
  --no-fail-on-empty-changeset \
  --tags app=lines env=dev stack=network \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name lines-dev-archive \
  --template-file archive.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=lines env=dev stack=archive \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name lines-dev-stream \
  --template-file stream.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=lines env=dev stack=stream \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name lines-dev-vendor \
  --template-file vendor.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=lines env=dev stack=vendor \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name lines-dev-web \
  --template-file web.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=lines env=dev stack=web \
  "$@"
