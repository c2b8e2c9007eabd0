#!/usr/bin/env bash
# Built by Moorage: deploys every stack of shop in prod, in order.
# Arguments are passed on to the AWS CLI, for example: bash deploy.sh --profile ops
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name shop-prod-cluster \
  --template-file cluster.yaml \
  --no-fail-on-empty-changeset \
  --tags app=shop env=prod stack=cluster \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name shop-prod-network \
  --template-file network.yaml \
  --no-fail-on-empty-changeset \
  --tags app=shop env=prod stack=network \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name shop-prod-notifications \
  --template-file notifications.yaml \
  --no-fail-on-empty-changeset \
  --tags app=shop env=prod stack=notifications \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name shop-prod-edge \
  --template-file edge.yaml \
  --no-fail-on-empty-changeset \
  --tags app=shop env=prod stack=edge \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name shop-prod-mailer \
  --template-file mailer.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=shop env=prod stack=mailer \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name shop-prod-public \
  --template-file public.yaml \
  --no-fail-on-empty-changeset \
  --tags app=shop env=prod stack=public \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name shop-prod-report \
  --template-file report.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=shop env=prod stack=report \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name shop-prod-sweep \
  --template-file sweep.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=shop env=prod stack=sweep \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name shop-prod-gateway \
  --template-file gateway.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=shop env=prod stack=gateway \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name shop-prod-overview \
  --template-file overview.yaml \
  --no-fail-on-empty-changeset \
  --tags app=shop env=prod stack=overview \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name shop-prod-web \
  --template-file web.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=shop env=prod stack=web \
  "$@"
