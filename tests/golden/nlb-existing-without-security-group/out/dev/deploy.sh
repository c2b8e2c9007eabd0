#!/usr/bin/env bash
# Built by Moorage: deploys every stack of late in dev, in order.
# Arguments are passed on to the AWS CLI, for example: bash deploy.sh --profile ops
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

aws cloudformation deploy \
  --region eu-west-1 \
  --stack-name late-dev-radius \
  --template-file radius.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=late env=dev stack=radius \
  "$@"
