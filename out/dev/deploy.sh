#!/usr/bin/env bash
# Built by Moorage: deploys every stack of kelp in dev, in order.
# Arguments go to each command as they are, for example: bash deploy.sh --profile ops
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name kelp-dev-cluster \
  --template-file cluster.yaml \
  --no-fail-on-empty-changeset \
  --tags app=kelp env=dev stack=cluster team=storefront \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name kelp-dev-network \
  --template-file network.yaml \
  --no-fail-on-empty-changeset \
  --tags app=kelp env=dev stack=network team=storefront \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name kelp-dev-edge \
  --template-file edge.yaml \
  --no-fail-on-empty-changeset \
  --tags app=kelp env=dev stack=edge team=storefront \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name kelp-dev-public \
  --template-file public.yaml \
  --no-fail-on-empty-changeset \
  --tags app=kelp env=dev stack=public team=storefront \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name kelp-dev-api \
  --template-file api.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=kelp env=dev stack=api team=storefront \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name kelp-dev-labels \
  --template-file labels.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=kelp env=dev stack=labels team=storefront \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name kelp-dev-web \
  --template-file web.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=kelp env=dev stack=web team=storefront \
  "$@"
