#!/usr/bin/env bash
# Built by Moorage: deploys every stack of mesh in dev, in order.
# Arguments are passed on to the AWS CLI, for example: bash deploy.sh --profile ops
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name mesh-dev-cluster \
  --template-file cluster.yaml \
  --no-fail-on-empty-changeset \
  --tags app=mesh env=dev stack=cluster \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name mesh-dev-network \
  --template-file network.yaml \
  --no-fail-on-empty-changeset \
  --tags app=mesh env=dev stack=network \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name mesh-dev-public \
  --template-file public.yaml \
  --no-fail-on-empty-changeset \
  --tags app=mesh env=dev stack=public \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name mesh-dev-stock \
  --template-file stock.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=mesh env=dev stack=stock \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name mesh-dev-orders \
  --template-file orders.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=mesh env=dev stack=orders \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name mesh-dev-web \
  --template-file web.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=mesh env=dev stack=web \
  "$@"
