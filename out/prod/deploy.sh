#!/usr/bin/env bash
# Built by Moorage: deploys every stack of kelp in prod, in order.
# Arguments go to each command as they are, for example: bash deploy.sh --profile ops
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name kelp-prod-cluster \
  --template-file cluster.yaml \
  --no-fail-on-empty-changeset \
  --tags app=kelp env=prod stack=cluster cost-centre=4711 team=storefront \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name kelp-prod-network \
  --template-file network.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=kelp env=prod stack=network cost-centre=4711 team=storefront \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name kelp-prod-edge \
  --template-file edge.yaml \
  --no-fail-on-empty-changeset \
  --tags app=kelp env=prod stack=edge cost-centre=4711 team=storefront \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name kelp-prod-public \
  --template-file public.yaml \
  --no-fail-on-empty-changeset \
  --tags app=kelp env=prod stack=public cost-centre=4711 team=storefront \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name kelp-prod-api \
  --template-file api.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=kelp env=prod stack=api cost-centre=4711 team=storefront \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name kelp-prod-labels \
  --template-file labels.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=kelp env=prod stack=labels cost-centre=4711 team=storefront \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name kelp-prod-staff \
  --template-file staff.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=kelp env=prod stack=staff cost-centre=4711 team=storefront \
  "$@"

aws cloudformation deploy \
  --region eu-central-1 \
  --stack-name kelp-prod-web \
  --template-file web.yaml \
  --capabilities CAPABILITY_IAM \
  --no-fail-on-empty-changeset \
  --tags app=kelp env=prod stack=web cost-centre=4711 team=storefront \
  "$@"
