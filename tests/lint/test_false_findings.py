"""Findings of cfn-lint that are not true, and are left out."""

from __future__ import annotations

import pytest

from moorage.pipeline.check import check_texts

DYNAMIC_PORT = """\
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      NetworkMode: bridge
      ContainerDefinitions:
        - Name: app
          Image: public.ecr.aws/nginx/nginx:1.27
          Memory: 256
          PortMappings: [{ContainerPort: 80, HostPort: 0}]
  Targets:
    Type: AWS::ElasticLoadBalancingV2::TargetGroup
    Properties: {VpcId: !Ref Vpc, Port: 80, Protocol: HTTP}
  Service:
    Type: AWS::ECS::Service
    Properties:
      TaskDefinition: !Ref Task
      LoadBalancers: [{ContainerName: app, ContainerPort: 80, TargetGroupArn: !Ref Targets}]
"""


@pytest.mark.parametrize(
    ("port", "is_found"),
    [("", False), (", HealthCheckPort: traffic-port", False), (', HealthCheckPort: "80"', True)],
)
def test_the_port_of_health_checks_is_by_default_that_of_the_task(
    port: str, is_found: bool
) -> None:
    text = DYNAMIC_PORT.replace("Protocol: HTTP", f"Protocol: HTTP{port}")
    found = {finding.code for finding in check_texts({"t.yaml": text})}
    assert ("E3049" in found) is is_found
