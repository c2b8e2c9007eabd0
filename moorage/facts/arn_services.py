"""The service in the ARNs of a type of resource.

Service Authorization Reference, "Resource types defined by ..." of each service.
"""

from __future__ import annotations

from collections.abc import Mapping

ARN_SERVICES: Mapping[str, str] = {
    "AWS::Batch::JobQueue": "batch",
    "AWS::CodeBuild::Project": "codebuild",
    "AWS::CodePipeline::Pipeline": "codepipeline",
    "AWS::ECS::Cluster": "ecs",
    "AWS::ECS::Service": "ecs",
    "AWS::ECS::TaskDefinition": "ecs",
    "AWS::Events::EventBus": "events",
    "AWS::Kinesis::Stream": "kinesis",
    "AWS::KinesisFirehose::DeliveryStream": "firehose",
    "AWS::Lambda::Alias": "lambda",
    "AWS::Lambda::Function": "lambda",
    "AWS::Lambda::Version": "lambda",
    "AWS::Logs::LogGroup": "logs",
    "AWS::S3::Bucket": "s3",
    "AWS::SNS::Topic": "sns",
    "AWS::SQS::Queue": "sqs",
    "AWS::StepFunctions::StateMachine": "states",
}
