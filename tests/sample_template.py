"""A template with a mistake."""

from __future__ import annotations

FORWARDS_NOWHERE = """\
Resources:
  Listener:
    Type: AWS::ElasticLoadBalancingV2::Listener
    Properties:
      LoadBalancerArn: !ImportValue balancer
      Port: 80
      Protocol: HTTP
      DefaultActions: [{Type: forward}]
"""
"""Moorage's rule E9461 finds its mistake in line 8."""
