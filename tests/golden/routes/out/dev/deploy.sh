#!/usr/bin/env bash
# Built by Moorage: deploys every stack of mall in dev, in order.
# Arguments are passed on to the AWS CLI, for example: bash deploy.sh --profile ops
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

aws cloudformation deploy \
  --region us-west-2 \
  --stack-name mall-dev-cluster \
  --template-file cluster.yaml \
  --no-fail-on-empty-changeset \
  --tags app=mall env=dev stack=cluster \
  "$@"

aws cloudformation deploy \
  --region us-west-2 \
  --stack-name mall-dev-network \
  --template-file network.yaml \
  --no-fail-on-empty-changeset \
  --tags app=mall env=dev stack=network \
  "$@"

aws cloudformation deploy \
  --region us-west-2 \
  --stack-name mall-dev-public \
  --template-file public.yaml \
  --no-fail-on-empty-changeset \
  --tags app=mall env=dev stack=public \
  "$@"

aws cloudformation deploy \
  --region us-west-2 \
  --stack-name mall-dev-admin \
  --template-file admin.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=mall env=dev stack=admin \
  "$@"

aws cloudformation deploy \
  --region us-west-2 \
  --stack-name mall-dev-api \
  --template-file api.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=mall env=dev stack=api \
  "$@"

aws cloudformation deploy \
  --region us-west-2 \
  --stack-name mall-dev-front \
  --template-file front.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=mall env=dev stack=front \
  "$@"

aws cloudformation deploy \
  --region us-west-2 \
  --stack-name mall-dev-members \
  --template-file members.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=mall env=dev stack=members \
  "$@"
