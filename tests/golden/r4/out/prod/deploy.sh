#!/usr/bin/env bash
# Built by Moorage: deploys every stack of demo in prod, in order.
# Arguments are passed on to the AWS CLI, for example: bash deploy.sh --profile ops
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

aws cloudformation deploy \
  --region ap-northeast-1 \
  --stack-name demo-prod-cluster \
  --template-file cluster.yaml \
  --no-fail-on-empty-changeset \
  --tags app=demo env=prod stack=cluster \
  "$@"

aws cloudformation deploy \
  --region ap-northeast-1 \
  --stack-name demo-prod-network \
  --template-file network.yaml \
  --no-fail-on-empty-changeset \
  --tags app=demo env=prod stack=network \
  "$@"

aws cloudformation deploy \
  --region ap-northeast-1 \
  --stack-name demo-prod-alb \
  --template-file alb.yaml \
  --no-fail-on-empty-changeset \
  --tags app=demo env=prod stack=alb \
  "$@"

aws cloudformation deploy \
  --region ap-northeast-1 \
  --stack-name demo-prod-web \
  --template-file web.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=demo env=prod stack=web \
  "$@"
