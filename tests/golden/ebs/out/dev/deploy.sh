#!/usr/bin/env bash
# Built by Moorage: deploys every stack of disks in dev, in order.
# Arguments are passed on to the AWS CLI, for example: bash deploy.sh --profile ops
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name disks-dev-cluster \
  --template-file cluster.yaml \
  --no-fail-on-empty-changeset \
  --tags app=disks env=dev stack=cluster \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name disks-dev-network \
  --template-file network.yaml \
  --no-fail-on-empty-changeset \
  --tags app=disks env=dev stack=network \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name disks-dev-fast \
  --template-file fast.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=disks env=dev stack=fast \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name disks-dev-index \
  --template-file index.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=disks env=dev stack=index \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name disks-dev-wide \
  --template-file wide.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=disks env=dev stack=wide \
  "$@"
