#!/usr/bin/env bash
# Built by Moorage: deploys every stack of fixed in dev, in order.
# Arguments are passed on to the AWS CLI, for example: bash deploy.sh --profile ops
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

aws cloudformation deploy \
  --region ap-southeast-2 \
  --stack-name fixed-dev-cluster \
  --template-file cluster.yaml \
  --no-fail-on-empty-changeset \
  --tags app=fixed env=dev stack=cluster \
  "$@"

aws cloudformation deploy \
  --region ap-southeast-2 \
  --stack-name fixed-dev-network \
  --template-file network.yaml \
  --no-fail-on-empty-changeset \
  --tags app=fixed env=dev stack=network \
  "$@"

aws cloudformation deploy \
  --region ap-southeast-2 \
  --stack-name fixed-dev-inside \
  --template-file inside.yaml \
  --no-fail-on-empty-changeset \
  --tags app=fixed env=dev stack=inside \
  "$@"

aws cloudformation deploy \
  --region ap-southeast-2 \
  --stack-name fixed-dev-outside \
  --template-file outside.yaml \
  --no-fail-on-empty-changeset \
  --tags app=fixed env=dev stack=outside \
  "$@"

aws cloudformation deploy \
  --region ap-southeast-2 \
  --stack-name fixed-dev-game \
  --template-file game.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=fixed env=dev stack=game \
  "$@"

aws cloudformation deploy \
  --region ap-southeast-2 \
  --stack-name fixed-dev-syslog \
  --template-file syslog.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=fixed env=dev stack=syslog \
  "$@"
