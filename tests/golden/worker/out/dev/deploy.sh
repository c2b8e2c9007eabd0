#!/usr/bin/env bash
# Built by Moorage: deploys every stack of shop in dev, in order.
# Arguments are passed on to the AWS CLI, for example: bash deploy.sh --profile ops
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name shop-dev-cluster \
  --template-file cluster.yaml \
  --no-fail-on-empty-changeset \
  --tags app=shop env=dev stack=cluster \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name shop-dev-network \
  --template-file network.yaml \
  --no-fail-on-empty-changeset \
  --tags app=shop env=dev stack=network \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name shop-dev-ledger \
  --template-file ledger.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=shop env=dev stack=ledger \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name shop-dev-mailer \
  --template-file mailer.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=shop env=dev stack=mailer \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name shop-dev-old-orders \
  --template-file old-orders.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=shop env=dev stack=old-orders \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name shop-dev-films \
  --template-file films.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=shop env=dev stack=films \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name shop-dev-shop \
  --template-file shop.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=shop env=dev stack=shop \
  "$@"
