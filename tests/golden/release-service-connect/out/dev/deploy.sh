#!/usr/bin/env bash
# Built by Moorage: deploys every stack of shop in dev, in order.
# Arguments are passed on to the AWS CLI, for example: bash deploy.sh --profile ops
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name shop-dev-network \
  --template-file network.yaml \
  --no-fail-on-empty-changeset \
  --tags app=shop env=dev stack=network \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name shop-dev-cluster \
  --template-file cluster.yaml \
  --no-fail-on-empty-changeset \
  --tags app=shop env=dev stack=cluster \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name shop-dev-orders \
  --template-file orders.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=shop env=dev stack=orders \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name shop-dev-prices \
  --template-file prices.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=shop env=dev stack=prices \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name shop-dev-stock \
  --template-file stock.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=shop env=dev stack=stock \
  "$@"
