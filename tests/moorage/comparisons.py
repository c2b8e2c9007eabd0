"""Two versions of templates, and the findings about the update from one to the other."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import dedent

from moorage.findings.finding import Finding
from moorage.update.compare import compare_templates

WEB = dedent(
    """
    Resources:
      Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
      Subnet:
        Type: AWS::EC2::Subnet
        Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.0.0/24, AvailabilityZone: eu-central-1a}
      Balancer:
        Type: AWS::ElasticLoadBalancingV2::LoadBalancer
        Properties: {Type: network, Scheme: internal, Subnets: [!Ref Subnet]}
      Group:
        Type: AWS::ElasticLoadBalancingV2::TargetGroup
        Properties: {Port: 80, Protocol: TCP, VpcId: !Ref Vpc, TargetType: ip}
      Listener:
        Type: AWS::ElasticLoadBalancingV2::Listener
        Properties:
          LoadBalancerArn: !Ref Balancer
          Port: 80
          Protocol: TCP
          DefaultActions: [{Type: forward, TargetGroupArn: !Ref Group}]
      Task:
        Type: AWS::ECS::TaskDefinition
        Properties:
          NetworkMode: awsvpc
          ContainerDefinitions:
            - {Name: app, Image: "a:1", PortMappings: [{ContainerPort: 80}]}
      Service:
        Type: AWS::ECS::Service
        DependsOn: Listener
        Properties:
          Cluster: main
          TaskDefinition: !Ref Task
          DeploymentController: {Type: ECS}
          LoadBalancers: [{ContainerName: app, ContainerPort: 80, TargetGroupArn: !Ref Group}]
      Bucket: {Type: AWS::S3::Bucket}
      Logs: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /web}}
    Outputs:
      Vpc: {Value: !Ref Vpc, Export: {Name: shop-Vpc}}
    """
)
USER = """
Resources:
  Zone:
    Type: AWS::Route53::HostedZone
    Properties: {Name: x.internal, VPCs: [{VPCId: !ImportValue shop-Vpc, VPCRegion: eu-central-1}]}
"""


def template_texts(**templates: str) -> Mapping[str, tuple[str, str]]:
    return {name: (f"{name}.yaml", text) for name, text in templates.items()}


def compare(old: Mapping[str, str], new: Mapping[str, str]) -> list[Finding]:
    return compare_templates(template_texts(**old), template_texts(**new), "eu-central-1")


def codes(findings: list[Finding]) -> dict[str, list[str]]:
    """Places by code."""
    places: dict[str, list[str]] = {}
    for finding in findings:
        places.setdefault(finding.code, []).append(".".join(map(str, finding.path)))
    return places


def compare_web(*changes: tuple[str, str]) -> dict[str, list[str]]:
    text = WEB
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return codes(compare({"web": WEB}, {"web": text}))
