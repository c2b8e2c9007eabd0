#!/usr/bin/env bash
# Built by Moorage: deploys every stack of hoge in dev, in order.
# Arguments are passed on to the AWS CLI, for example: bash deploy.sh --profile ops
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

aws cloudformation deploy \
  --region ap-northeast-1 \
  --stack-name hoge-dev-cluster \
  --template-file cluster.yaml \
  --no-fail-on-empty-changeset \
  --tags app=hoge env=dev stack=cluster system=hoge \
  "$@"

aws cloudformation deploy \
  --region ap-northeast-1 \
  --stack-name hoge-dev-network \
  --template-file network.yaml \
  --no-fail-on-empty-changeset \
  --tags app=hoge env=dev stack=network system=hoge \
  "$@"

aws cloudformation deploy \
  --region ap-northeast-1 \
  --stack-name hoge-dev-public \
  --template-file public.yaml \
  --no-fail-on-empty-changeset \
  --tags app=hoge env=dev stack=public system=hoge \
  "$@"

aws cloudformation deploy \
  --region ap-northeast-1 \
  --stack-name hoge-dev-web \
  --template-file web.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=hoge env=dev stack=web system=hoge \
  "$@"
