"""The modules with rules, each with the types of resources that its rules are about.

A build imports those about types in its templates, and not the hundreds of rules that find nothing
there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType, ModuleType

from moorage.rules.constraints.constraint import Constraint
from moorage.rules.rule import Rule

_FUNCTIONS: Mapping[str, str | None] = {
    "access_logs": "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "account_quotas": None,
    "action_order": (
        "AWS::ElasticLoadBalancingV2::Listener AWS::ElasticLoadBalancingV2::ListenerRule"
    ),
    "alb_targets": "AWS::ElasticLoadBalancingV2::TargetGroup",
    "build_roles": "AWS::CodeBuild::Project",
    "capacity_providers": (
        "AWS::ECS::CapacityProvider AWS::ECS::Cluster "
        "AWS::ECS::ClusterCapacityProviderAssociations AWS::ECS::Service"
    ),
    "cidr_blocks": (
        "AWS::EC2::NetworkInterface AWS::EC2::Route AWS::EC2::Subnet AWS::EC2::VPC "
        "AWS::EC2::VPCCidrBlock AWS::EC2::VPCPeeringConnection"
    ),
    "codedeploy": "AWS::CodeDeploy::DeploymentGroup",
    "codedeploy_hook": None,
    "codedeploy_role": "AWS::CodeDeploy::DeploymentGroup",
    "codedeploy_target_groups": "AWS::CodeDeploy::DeploymentGroup",
    "container_logging": "AWS::ECS::TaskDefinition",
    "containers": "AWS::ECS::TaskDefinition",
    "creation_order": (
        "AWS::ApplicationAutoScaling::ScalableTarget AWS::ApplicationAutoScaling::ScalingPolicy "
        "AWS::EC2::EIP AWS::EC2::Route AWS::ECS::Service AWS::ElasticLoadBalancingV2::LoadBalancer"
    ),
    "custom_resources": None,
    "dashboards": "AWS::CloudWatch::Dashboard",
    "deployment_hooks": "AWS::ECS::Service AWS::Events::Rule",
    "deployment_settings": "AWS::ECS::Service",
    "deployments": "AWS::ECS::Service",
    "dns_records": (
        "AWS::Route53::HostedZone AWS::Route53::RecordSet AWS::Route53::RecordSetGroup "
        "AWS::ServiceDiscovery::PrivateDnsNamespace"
    ),
    "duplicate_group_rules": "AWS::EC2::SecurityGroup",
    "dynamic_references": None,
    "ecr": "AWS::ECR::Repository",
    "efs": "AWS::ECS::TaskDefinition",
    "event_delivery": (
        "AWS::CloudWatch::Alarm AWS::CodeStarNotifications::NotificationRule AWS::Events::Rule "
        "AWS::SNS::Subscription AWS::SNS::Topic"
    ),
    "execution_role": "AWS::ECS::TaskDefinition",
    "execution_role_secrets": (
        "AWS::ECS::TaskDefinition AWS::IAM::Group AWS::IAM::ManagedPolicy AWS::IAM::Policy "
        "AWS::IAM::Role AWS::IAM::RolePolicy AWS::IAM::User"
    ),
    "exports": None,
    "fargate_services": "AWS::ECS::Service",
    "fargate_tasks": "AWS::ECS::TaskDefinition",
    "gateways": (
        "AWS::EC2::NatGateway AWS::EC2::TransitGatewayAttachment "
        "AWS::EC2::TransitGatewayVpcAttachment AWS::EC2::VPCEndpoint"
    ),
    "health_checks": "AWS::ECS::Service AWS::ElasticLoadBalancingV2::TargetGroup",
    "hosted_rotation": "AWS::SecretsManager::RotationSchedule",
    "iam_roles": (
        "AWS::CodeDeploy::DeploymentGroup AWS::ECS::TaskDefinition AWS::IAM::Group AWS::IAM::Role "
        "AWS::IAM::ServiceLinkedRole AWS::IAM::User"
    ),
    "identity_providers": (
        "AWS::ElasticLoadBalancingV2::Listener AWS::ElasticLoadBalancingV2::ListenerRule"
    ),
    "images": "AWS::ECS::TaskDefinition",
    "infrastructure_roles": "AWS::ECS::CapacityProvider AWS::ECS::Service",
    "intrinsic_functions": None,
    "listener_rules": "AWS::ElasticLoadBalancingV2::ListenerRule",
    "listeners": (
        "AWS::ElasticLoadBalancingV2::Listener AWS::ElasticLoadBalancingV2::ListenerCertificate "
        "AWS::ElasticLoadBalancingV2::ListenerRule AWS::ElasticLoadBalancingV2::LoadBalancer"
    ),
    "load_balancer_security_groups": "AWS::ECS::Service AWS::ElasticLoadBalancingV2::Listener",
    "load_balancer_subnets": "AWS::ECS::Service AWS::ElasticLoadBalancingV2::LoadBalancer",
    "load_balancers": "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "log_groups": "AWS::ECS::TaskDefinition",
    "mount_targets": "AWS::EFS::FileSystem AWS::EFS::MountTarget",
    "network_acls": "AWS::EC2::NetworkAcl",
    "networking": "AWS::EC2::VPCEndpoint AWS::ECS::Service",
    "pipeline_actions": "AWS::CodePipeline::Pipeline",
    "port_mappings": "AWS::ECS::Service AWS::ECS::TaskDefinition",
    "queue_keys": "AWS::ECS::TaskDefinition AWS::SQS::Queue",
    "quotas": (
        "AWS::EC2::SecurityGroup AWS::EC2::SecurityGroupEgress AWS::EC2::SecurityGroupIngress "
        "AWS::ECS::Service AWS::ECS::TaskDefinition AWS::ElasticLoadBalancingV2::Listener "
        "AWS::ElasticLoadBalancingV2::ListenerCertificate "
        "AWS::ElasticLoadBalancingV2::ListenerRule"
    ),
    "resolved_secrets": "AWS::ECS::TaskDefinition",
    "resource_names": (
        "AWS::CodeDeploy::Application AWS::CodeDeploy::DeploymentGroup AWS::EC2::SecurityGroup "
        "AWS::EC2::SecurityGroupEgress AWS::EC2::SecurityGroupIngress AWS::ECR::Repository "
        "AWS::ECS::Service AWS::ElasticLoadBalancingV2::ListenerRule "
        "AWS::ElasticLoadBalancingV2::LoadBalancer AWS::ElasticLoadBalancingV2::TargetGroup "
        "AWS::IAM::ManagedPolicy AWS::IAM::Role AWS::IAM::User AWS::Logs::LogGroup"
    ),
    "resource_signals": "AWS::AutoScaling::AutoScalingGroup AWS::EC2::Instance",
    "scaling": (
        "AWS::ApplicationAutoScaling::ScalableTarget AWS::ApplicationAutoScaling::ScalingPolicy "
        "AWS::AutoScaling::ScalingPolicy AWS::AutoScaling::ScheduledAction"
    ),
    "scaling_to_zero": (
        "AWS::ApplicationAutoScaling::ScalableTarget AWS::ApplicationAutoScaling::ScalingPolicy"
    ),
    "scheduled_run_task": "AWS::Events::Rule AWS::Scheduler::Schedule",
    "secret_json_keys": "AWS::ECS::TaskDefinition",
    "secrets": "AWS::ECS::TaskDefinition AWS::SSM::Parameter AWS::SecretsManager::Secret",
    "security_groups": "AWS::EC2::SecurityGroup",
    "service_connect": (
        "AWS::ECS::Cluster AWS::ECS::Service AWS::ServiceDiscovery::HttpNamespace "
        "AWS::ServiceDiscovery::PrivateDnsNamespace AWS::ServiceDiscovery::PublicDnsNamespace"
    ),
    "service_discovery": "AWS::ECS::Service",
    "service_load_balancers": "AWS::ECS::Service AWS::ECS::TaskSet",
    "service_roles": (
        "AWS::CodeBuild::Project AWS::CodePipeline::Pipeline AWS::Events::Rule "
        "AWS::Lambda::Function AWS::Pipes::Pipe AWS::StepFunctions::StateMachine"
    ),
    "service_settings": "AWS::ECS::Service",
    "services": (
        "AWS::ApplicationAutoScaling::ScalableTarget AWS::ApplicationAutoScaling::ScalingPolicy "
        "AWS::CloudWatch::Alarm AWS::CodeDeploy::DeploymentGroup AWS::ECS::Service"
    ),
    "state_machines": "AWS::StepFunctions::StateMachine",
    "subscriptions": "AWS::SNS::Subscription",
    "target_group_vpcs": (
        "AWS::ElasticLoadBalancingV2::Listener AWS::ElasticLoadBalancingV2::ListenerRule"
    ),
    "target_groups": None,
    "target_roles": "AWS::Events::Rule AWS::Pipes::Pipe AWS::Scheduler::Schedule",
    "task_overrides": (
        "AWS::Events::Rule AWS::Pipes::Pipe AWS::Scheduler::Schedule "
        "AWS::StepFunctions::StateMachine"
    ),
    "task_role": "AWS::ECS::Service AWS::ECS::TaskDefinition",
    "task_security_groups": "AWS::ECS::Service",
    "traffic_shifting": "AWS::ECS::Service",
    "unique_values": None,
    "unmounted_volumes": "AWS::ECS::TaskDefinition",
    "unpeered_groups": "AWS::EC2::SecurityGroup",
    "volumes": "AWS::ECS::TaskDefinition",
}
"""The modules whose `RULES` are functions. None: a rule reads more than the resources of some
types, such as outputs, or resources of all types."""

_CONSTRAINTS: Mapping[str, str] = {
    "action_settings": (
        "AWS::ElasticLoadBalancingV2::Listener AWS::ElasticLoadBalancingV2::ListenerRule"
    ),
    "alarms": (
        "AWS::ApplicationAutoScaling::ScalingPolicy AWS::CloudWatch::Alarm "
        "AWS::CloudWatch::CompositeAlarm AWS::CloudWatch::Dashboard"
    ),
    "also_in_params": (
        "AWS::AutoScaling::AutoScalingGroup AWS::ECS::Service AWS::ECS::TaskDefinition "
        "AWS::ElasticLoadBalancingV2::Listener"
    ),
    "auto_scaling_groups": "AWS::AutoScaling::AutoScalingGroup AWS::AutoScaling::ScheduledAction",
    "capacity": (
        "AWS::ECS::CapacityProvider AWS::ECS::Cluster "
        "AWS::ECS::ClusterCapacityProviderAssociations AWS::ECS::Daemon"
    ),
    "cloud_map": (
        "AWS::ECS::Service AWS::ServiceDiscovery::HttpNamespace AWS::ServiceDiscovery::Instance "
        "AWS::ServiceDiscovery::PrivateDnsNamespace AWS::ServiceDiscovery::Service"
    ),
    "clusters": (
        "AWS::ECS::CapacityProvider AWS::ECS::Cluster "
        "AWS::ECS::ClusterCapacityProviderAssociations AWS::ECS::ExpressGatewayService "
        "AWS::ECS::Service AWS::ECS::TaskSet"
    ),
    "code_build": "AWS::CodeBuild::Project",
    "code_deploy": "AWS::CodeDeploy::DeploymentConfig AWS::CodeDeploy::DeploymentGroup",
    "code_pipeline": "AWS::CodePipeline::Pipeline",
    "distributions": "AWS::CloudFront::Distribution AWS::CloudFront::VpcOrigin",
    "dns": (
        "AWS::CertificateManager::Certificate AWS::Route53::HealthCheck AWS::Route53::HostedZone "
        "AWS::Route53::RecordSet AWS::Route53::RecordSetGroup"
    ),
    "ebs_volumes": "AWS::ECS::Service",
    "events": "AWS::Events::EventBus AWS::Events::Rule AWS::Scheduler::Schedule",
    "express": (
        "AWS::ECS::DaemonTaskDefinition AWS::ECS::ExpressGatewayService AWS::ECS::Gateway "
        "AWS::ECS::Service"
    ),
    "file_systems": (
        "AWS::ECS::TaskDefinition AWS::EFS::AccessPoint AWS::EFS::FileSystem AWS::EFS::MountTarget"
    ),
    "group_actions": (
        "AWS::AutoScaling::AutoScalingGroup AWS::AutoScaling::LifecycleHook "
        "AWS::AutoScaling::ScalingPolicy AWS::AutoScaling::ScheduledAction "
        "AWS::AutoScaling::WarmPool"
    ),
    "keys": (
        "AWS::EC2::Volume AWS::ECR::Repository AWS::ECR::RepositoryCreationTemplate "
        "AWS::ECS::Cluster AWS::ECS::Service AWS::EFS::FileSystem AWS::KMS::Alias AWS::KMS::Key "
        "AWS::KMS::ReplicaKey AWS::Logs::LogGroup AWS::S3::Bucket AWS::SNS::Topic AWS::SQS::Queue "
        "AWS::SecretsManager::Secret"
    ),
    "launch_templates": "AWS::AutoScaling::AutoScalingGroup AWS::EC2::LaunchTemplate",
    "listener_actions": (
        "AWS::ElasticLoadBalancingV2::Listener AWS::ElasticLoadBalancingV2::ListenerRule"
    ),
    "listeners": (
        "AWS::ElasticLoadBalancingV2::Listener AWS::ElasticLoadBalancingV2::ListenerCertificate"
    ),
    "load_balancers": (
        "AWS::ElasticLoadBalancingV2::Listener AWS::ElasticLoadBalancingV2::ListenerRule "
        "AWS::ElasticLoadBalancingV2::LoadBalancer AWS::ElasticLoadBalancingV2::TrustStore "
        "AWS::ElasticLoadBalancingV2::TrustStoreRevocation AWS::GlobalAccelerator::EndpointGroup"
    ),
    "load_balancing": (
        "AWS::ElasticLoadBalancingV2::Listener AWS::ElasticLoadBalancingV2::ListenerRule "
        "AWS::ElasticLoadBalancingV2::LoadBalancer AWS::ElasticLoadBalancingV2::TargetGroup"
    ),
    "log_filters": (
        "AWS::Logs::LogAnomalyDetector AWS::Logs::LogGroup AWS::Logs::MetricFilter "
        "AWS::Logs::SubscriptionFilter AWS::Logs::Transformer"
    ),
    "networks": (
        "AWS::EC2::DHCPOptions AWS::EC2::EIPAssociation AWS::EC2::FlowLog "
        "AWS::EC2::NetworkAclEntry AWS::EC2::Subnet"
    ),
    "other": (
        "AWS::CertificateManager::Certificate AWS::CloudFront::Distribution "
        "AWS::EC2::NetworkAclEntry AWS::EC2::Route AWS::EC2::VPC AWS::EC2::VPCEndpoint "
        "AWS::ECR::ReplicationConfiguration AWS::GlobalAccelerator::EndpointGroup "
        "AWS::Route53::RecordSet AWS::ServiceDiscovery::Service AWS::WAFv2::WebACLAssociation"
    ),
    "permissions": (
        "AWS::ECS::Cluster AWS::ECS::TaskDefinition AWS::Logs::LogGroup AWS::Scheduler::Schedule "
        "AWS::StepFunctions::StateMachine"
    ),
    "policies": (
        "AWS::ECR::RegistryPolicy AWS::ECR::Repository AWS::EFS::FileSystem AWS::IAM::Group "
        "AWS::IAM::GroupPolicy AWS::IAM::InstanceProfile AWS::IAM::ManagedPolicy AWS::IAM::Policy "
        "AWS::IAM::Role AWS::IAM::RolePolicy AWS::IAM::User AWS::IAM::UserPolicy AWS::KMS::Key "
        "AWS::KMS::ReplicaKey AWS::S3::BucketPolicy AWS::SNS::TopicInlinePolicy "
        "AWS::SNS::TopicPolicy AWS::SQS::QueueInlinePolicy AWS::SQS::QueuePolicy "
        "AWS::SecretsManager::ResourcePolicy"
    ),
    "policy_sizes": (
        "AWS::ECR::Repository AWS::IAM::ManagedPolicy AWS::IAM::Policy AWS::IAM::Role "
        "AWS::KMS::Key AWS::KMS::ReplicaKey AWS::S3::BucketPolicy"
    ),
    "queues": (
        "AWS::CloudWatch::Alarm AWS::CloudWatch::CompositeAlarm AWS::Events::Rule "
        "AWS::SNS::Subscription AWS::SNS::Topic AWS::SNS::TopicInlinePolicy AWS::SNS::TopicPolicy "
        "AWS::SQS::Queue AWS::SQS::QueueInlinePolicy AWS::SQS::QueuePolicy"
    ),
    "registries": (
        "AWS::ECR::PullThroughCacheRule AWS::ECR::RegistryPolicy "
        "AWS::ECR::RegistryScanningConfiguration AWS::ECR::ReplicationConfiguration "
        "AWS::ECR::Repository AWS::ECR::RepositoryCreationTemplate"
    ),
    "roles": (
        "AWS::AutoScaling::LaunchConfiguration AWS::Backup::BackupSelection "
        "AWS::CloudFormation::StackSet AWS::CodeDeploy::DeploymentGroup "
        "AWS::CodePipeline::Pipeline AWS::EC2::FlowLog AWS::EC2::Instance AWS::EC2::LaunchTemplate "
        "AWS::ECR::RepositoryCreationTemplate AWS::ECS::CapacityProvider AWS::ECS::Service "
        "AWS::Events::Rule AWS::IAM::Group AWS::IAM::InstanceProfile AWS::IAM::ManagedPolicy "
        "AWS::IAM::Policy AWS::IAM::Role AWS::IAM::RolePolicy AWS::IAM::User "
        "AWS::KinesisFirehose::DeliveryStream AWS::Lambda::EventSourceMapping "
        "AWS::Lambda::Function AWS::S3::BucketPolicy AWS::Scheduler::Schedule "
        "AWS::StepFunctions::StateMachine"
    ),
    "routes": (
        "AWS::EC2::NatGateway AWS::EC2::Route AWS::EC2::VPCEndpoint AWS::EC2::VPCGatewayAttachment"
    ),
    "rule_conditions": "AWS::ElasticLoadBalancingV2::ListenerRule",
    "scaling": (
        "AWS::ApplicationAutoScaling::ScalableTarget AWS::ApplicationAutoScaling::ScalingPolicy "
        "AWS::AutoScaling::ScalingPolicy AWS::Scheduler::Schedule"
    ),
    "scaling_policies": (
        "AWS::ApplicationAutoScaling::ScalableTarget AWS::ApplicationAutoScaling::ScalingPolicy "
        "AWS::AutoScaling::ScalingPolicy AWS::CloudWatch::Alarm"
    ),
    "secret_stores": (
        "AWS::SSM::Parameter AWS::SecretsManager::RotationSchedule AWS::SecretsManager::Secret "
        "AWS::SecretsManager::SecretTargetAttachment"
    ),
    "security_groups": (
        "AWS::EC2::PrefixList AWS::EC2::SecurityGroup AWS::EC2::SecurityGroupEgress "
        "AWS::EC2::SecurityGroupIngress"
    ),
    "services": "AWS::ECS::Service AWS::ECS::TaskDefinition AWS::ECS::TaskSet",
    "stack_mechanics": (
        "AWS::AutoScaling::AutoScalingGroup AWS::CloudFormation::Stack "
        "AWS::CloudFormation::StackSet AWS::CloudFormation::WaitCondition AWS::CodeBuild::Project "
        "AWS::EC2::Instance AWS::Lambda::Function AWS::StepFunctions::StateMachine"
    ),
    "storage": (
        "AWS::ECR::PullThroughCacheRule AWS::ECR::Repository AWS::ECR::RepositoryCreationTemplate "
        "AWS::EFS::FileSystem AWS::EFS::MountTarget"
    ),
    "target_groups": "AWS::ElasticLoadBalancingV2::TargetGroup",
    "task_containers": "AWS::ECS::DaemonTaskDefinition AWS::ECS::TaskDefinition",
    "task_definitions": "AWS::ECS::DaemonTaskDefinition AWS::ECS::TaskDefinition",
    "task_platforms": "AWS::ECS::TaskDefinition",
    "task_targets": "AWS::Events::Rule AWS::Pipes::Pipe AWS::Scheduler::Schedule",
    "web_acls": (
        "AWS::WAFv2::IPSet AWS::WAFv2::LoggingConfiguration AWS::WAFv2::RegexPatternSet "
        "AWS::WAFv2::RuleGroup AWS::WAFv2::WebACL AWS::WAFv2::WebACLAssociation"
    ),
}
"""The same for the tables in `constraints/`."""

TABLES = tuple(f"constraints.{name}" for name in _CONSTRAINTS)


def _split(types: str | None) -> frozenset[str] | None:
    return None if types is None else frozenset(types.split())


TYPES: Mapping[str, frozenset[str] | None] = MappingProxyType(
    {
        **{name: _split(types) for name, types in _FUNCTIONS.items()},
        **{
            table: _split(types) for table, types in zip(TABLES, _CONSTRAINTS.values(), strict=True)
        },
    }
)
"""All of them, by the name of the module in this package.

Where a type is missing, rules would not run. So a test compares these with what the rules read."""


def rules_about(types: Collection[str]) -> list[Rule]:
    """The rules that can find something where there are only resources of these types."""
    rules = (rule for module in modules_about(types) for rule in rules_of(module))
    return in_order(rule for rule in rules if _may_be_about(rule.types, types))


def modules_about(types: Collection[str]) -> list[str]:
    """The modules of these rules."""
    return [module for module, about in TYPES.items() if _may_be_about(about, types)]


def _may_be_about(about: frozenset[str] | None, types: Collection[str]) -> bool:
    return about is None or not about.isdisjoint(types)


@cache
def rules_of(module: str) -> tuple[Rule, ...]:
    """The rules of a module, which is imported now."""
    if module in TABLES:
        return tuple(constraint.rule() for constraint in constraints_of(module))
    return tuple(_import(module).RULES)


def constraints_of(table: str) -> tuple[Constraint, ...]:
    """The constraints of a table, which is imported now."""
    return tuple(_import(table).CONSTRAINTS)


def _import(module: str) -> ModuleType:
    return import_module(f"moorage.rules.{module}")


def in_order(rules: Iterable[Rule]) -> list[Rule]:
    """Rules in the order of their numbers."""
    return sorted(rules, key=lambda rule: rule.id[1:])
