"""The CloudFormation types that are created, updated and deleted here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moorage.deploy.rehearsal import code_deploy, databases, scaling, storage, vpcs
from moorage.deploy.rehearsal import containers as ecs
from moorage.deploy.rehearsal import networks as net
from moorage.deploy.rehearsal.resources import Api, Model, Properties, Resource

ACCEPTED = (
    "AWS::Route53::RecordSet",
    "AWS::S3::BucketPolicy",
    "AWS::WAFv2::WebACLAssociation",
)
"""Types that only get an ID; no test reads them. moto does not support them, except for records,
which it refuses: the IDs of its hosted zones do not have the form of AWS's.
"""

NOT_CREATED = frozenset(
    {
        *ACCEPTED,
        "AWS::CloudWatch::CompositeAlarm",
        "AWS::CodeDeploy::DeploymentConfig",
        "AWS::ElastiCache::ServerlessCache",
    }
)
"""Types of which moto has no resource. Those that are not in `ACCEPTED` have their properties
checked."""


def accept(api: Api, name: str, request: Properties) -> Resource:
    return Resource(name, Id=name)


def made_by(create: Callable[[Api, str, Properties], str]) -> Model:
    """A resource whose ID is all that other resources refer to."""
    return Model(lambda api, name, request: Resource(create(api, name, request)))


def removal(service: str, operation: str, key: str, **more: Any) -> Callable[[Api, Resource], Any]:
    """Deletes a resource with one request that takes its ID."""

    def remove(api: Api, resource: Resource) -> Any:
        return getattr(api(service), operation)(**{key: resource.physical_resource_id}, **more)

    return remove


def removal_of_several(service: str, operation: str, key: str) -> Callable[[Api, Resource], Any]:
    """The same where the request takes a list of IDs."""

    def remove(api: Api, resource: Resource) -> Any:
        return getattr(api(service), operation)(**{key: [resource.physical_resource_id]})

    return remove


_SCALING, _ELB = "AWS::ApplicationAutoScaling::", "AWS::ElasticLoadBalancingV2::"
_NAMESPACE = Model(net.namespace, None, removal("servicediscovery", "delete_namespace", "Id"))
_DELETE_ALARMS = removal_of_several("cloudwatch", "delete_alarms", "AlarmNames")
_DELETE_DASHBOARDS = removal_of_several("cloudwatch", "delete_dashboards", "DashboardNames")
_DELETE_PROVIDER = removal("ecs", "delete_capacity_provider", "capacityProvider")
_DELETE_MACHINE = removal("stepfunctions", "delete_state_machine", "stateMachineArn")
_DELETE_KEY = removal("kms", "schedule_key_deletion", "KeyId", PendingWindowInDays=7)

MODELS = {
    "AWS::CloudWatch::Alarm": Model(scaling.alarm, None, _DELETE_ALARMS),
    "AWS::CloudWatch::CompositeAlarm": Model(scaling.composite_alarm, None, _DELETE_ALARMS),
    "AWS::CloudWatch::Dashboard": Model(scaling.dashboard, None, _DELETE_DASHBOARDS),
    "AWS::CodeDeploy::Application": made_by(code_deploy.application),
    "AWS::CodeDeploy::DeploymentConfig": made_by(code_deploy.deployment_config),
    "AWS::CodeDeploy::DeploymentGroup": made_by(code_deploy.deployment_group),
    "AWS::EC2::EIP": Model(net.address, None, net.release_address),
    "AWS::EC2::EgressOnlyInternetGateway": Model(
        vpcs.egress_only_gateway,
        None,
        removal("ec2", "delete_egress_only_internet_gateway", "EgressOnlyInternetGatewayId"),
    ),
    "AWS::EC2::SecurityGroup": Model(
        net.security_group, None, removal("ec2", "delete_security_group", "GroupId")
    ),
    "AWS::EC2::SecurityGroupEgress": Model(net.egress, None, net.revoke_egress),
    "AWS::EC2::SecurityGroupIngress": Model(net.ingress, None, net.revoke_ingress),
    "AWS::EC2::Subnet": Model(vpcs.subnet, None, removal("ec2", "delete_subnet", "SubnetId")),
    "AWS::EC2::VPCCidrBlock": Model(
        vpcs.ipv6_block, None, removal("ec2", "disassociate_vpc_cidr_block", "AssociationId")
    ),
    "AWS::ECR::Repository": Model(
        ecs.repository, None, removal("ecr", "delete_repository", "repositoryName", force=True)
    ),
    "AWS::ECS::CapacityProvider": Model(ecs.capacity_provider, None, _DELETE_PROVIDER),
    "AWS::ECS::Cluster": Model(
        ecs.cluster, ecs.updated_cluster, removal("ecs", "delete_cluster", "cluster")
    ),
    "AWS::ECS::ClusterCapacityProviderAssociations": Model(ecs.capacity_providers),
    "AWS::ECS::Service": Model(ecs.service, ecs.updated_service, ecs.delete_service),
    "AWS::ECS::TaskDefinition": Model(
        ecs.task_definition,
        lambda api, old, request: ecs.task_definition(api, old.physical_resource_id, request),
        removal("ecs", "deregister_task_definition", "taskDefinition"),
    ),
    "AWS::EFS::AccessPoint": Model(
        storage.access_point, None, removal("efs", "delete_access_point", "AccessPointId")
    ),
    "AWS::EFS::FileSystem": Model(
        storage.file_system, None, removal("efs", "delete_file_system", "FileSystemId")
    ),
    "AWS::EFS::MountTarget": Model(
        storage.mount_target, None, removal("efs", "delete_mount_target", "MountTargetId")
    ),
    "AWS::ElastiCache::ReplicationGroup": Model(
        databases.replication_group,
        None,
        removal("elasticache", "delete_replication_group", "ReplicationGroupId"),
    ),
    "AWS::ElastiCache::ServerlessCache": Model(databases.serverless_cache),
    "AWS::ElastiCache::SubnetGroup": Model(databases.cache_subnet_group),
    "AWS::Events::Rule": Model(scaling.event_rule, None, scaling.delete_event_rule),
    "AWS::IAM::Role": Model(storage.role, None, storage.delete_role),
    "AWS::KMS::Key": Model(storage.key, None, _DELETE_KEY),
    "AWS::Lambda::Permission": Model(
        storage.function_permission, None, storage.remove_function_permission
    ),
    "AWS::Logs::LogGroup": Model(
        storage.log_group, None, removal("logs", "delete_log_group", "logGroupName")
    ),
    "AWS::RDS::DBCluster": Model(databases.cluster, None, databases.remove_cluster),
    "AWS::RDS::DBClusterParameterGroup": Model(databases.cluster_parameter_group),
    "AWS::RDS::DBInstance": Model(databases.instance, None, databases.remove_instance),
    "AWS::RDS::DBParameterGroup": Model(databases.parameter_group),
    "AWS::RDS::DBSubnetGroup": Model(databases.subnet_group),
    "AWS::SNS::Subscription": Model(
        storage.subscription, None, removal("sns", "unsubscribe", "SubscriptionArn")
    ),
    "AWS::SNS::Topic": Model(storage.topic, None, removal("sns", "delete_topic", "TopicArn")),
    "AWS::SNS::TopicPolicy": Model(storage.topic_policy),
    "AWS::SQS::Queue": Model(storage.queue, None, removal("sqs", "delete_queue", "QueueUrl")),
    "AWS::SQS::QueuePolicy": Model(storage.queue_policy),
    "AWS::SSM::Parameter": Model(
        storage.parameter,
        lambda api, old, request: storage.parameter(api, old.physical_resource_id, request),
        removal("ssm", "delete_parameter", "Name"),
    ),
    "AWS::Scheduler::Schedule": Model(
        scaling.schedule, None, removal("scheduler", "delete_schedule", "Name")
    ),
    "AWS::SecretsManager::Secret": Model(
        databases.secret,
        None,
        removal("secretsmanager", "delete_secret", "SecretId", ForceDeleteWithoutRecovery=True),
    ),
    "AWS::ServiceDiscovery::HttpNamespace": _NAMESPACE,
    "AWS::ServiceDiscovery::PrivateDnsNamespace": _NAMESPACE,
    "AWS::ServiceDiscovery::Service": Model(
        net.discovery_service, None, removal("servicediscovery", "delete_service", "Id")
    ),
    "AWS::StepFunctions::StateMachine": Model(scaling.state_machine, None, _DELETE_MACHINE),
    f"{_ELB}Listener": Model(
        net.listener, net.updated_listener, removal("elbv2", "delete_listener", "ListenerArn")
    ),
    f"{_ELB}ListenerCertificate": Model(
        net.listener_certificates, None, net.remove_listener_certificates
    ),
    f"{_ELB}ListenerRule": Model(
        net.listener_rule, net.updated_rule, removal("elbv2", "delete_rule", "RuleArn")
    ),
    f"{_ELB}LoadBalancer": Model(
        net.load_balancer, None, removal("elbv2", "delete_load_balancer", "LoadBalancerArn")
    ),
    f"{_ELB}TargetGroup": Model(
        net.target_group, None, removal("elbv2", "delete_target_group", "TargetGroupArn")
    ),
    f"{_SCALING}ScalableTarget": Model(
        scaling.scalable_target, None, scaling.deregister_scalable_target
    ),
    f"{_SCALING}ScalingPolicy": Model(scaling.scaling_policy),
    **{name: Model(accept) for name in ACCEPTED},
}
