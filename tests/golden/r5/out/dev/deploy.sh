#!/usr/bin/env bash
# Built by Moorage: deploys every stack of udp in dev, in order.
# Arguments are passed on to the AWS CLI, for example: bash deploy.sh --profile ops
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

aws cloudformation deploy \
  --region ap-northeast-1 \
  --stack-name udp-dev-cluster \
  --template-file cluster.yaml \
  --no-fail-on-empty-changeset \
  --tags app=udp env=dev stack=cluster \
  "$@"

aws cloudformation deploy \
  --region ap-northeast-1 \
  --stack-name udp-dev-network \
  --template-file network.yaml \
  --no-fail-on-empty-changeset \
  --tags app=udp env=dev stack=network \
  "$@"

aws cloudformation deploy \
  --region ap-northeast-1 \
  --stack-name udp-dev-edge \
  --template-file edge.yaml \
  --no-fail-on-empty-changeset \
  --tags app=udp env=dev stack=edge \
  "$@"

aws cloudformation deploy \
  --region ap-northeast-1 \
  --stack-name udp-dev-udp-service \
  --template-file udp-service.yaml \
  --no-fail-on-empty-changeset \
  --tags app=udp env=dev stack=udp-service \
  "$@"
