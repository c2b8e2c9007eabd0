"""Updates of services that CodeDeploy deploys."""

from __future__ import annotations

from textwrap import dedent

from comparisons import WEB, codes, compare


def test_an_update_of_a_codedeploy_service_can_fail_for_other_changes() -> None:
    old = WEB.replace("Type: ECS}", "Type: CODE_DEPLOY}")
    new = old.replace("Cluster: main", "Cluster: main\n      DesiredCount: 3")
    assert codes(compare({"web": old}, {"web": new})) == {
        "M1406": ["Resources.Service.Properties.DesiredCount"]
    }


def test_a_codedeploy_service_rejects_most_updates() -> None:
    old = WEB.replace("Type: ECS}", "Type: CODE_DEPLOY}")
    new = old.replace('"a:1"', '"a:2"')
    new = new.replace("Cluster: main", "Cluster: main\n      DesiredCount: 3")
    assert codes(compare({"web": old}, {"web": new})) == {
        "M1404": ["Resources.Service.Properties.TaskDefinition"]
    }


FAMILY = """
Resources:
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties: {Family: shop-web, Cpu: "256"}
  Service:
    Type: AWS::ECS::Service
    Properties:
      TaskDefinition: shop-web
      DeploymentController: {Type: CODE_DEPLOY}
  Blue: {Type: AWS::ElasticLoadBalancingV2::TargetGroup}
  Green: {Type: AWS::ElasticLoadBalancingV2::TargetGroup}
  Rule:
    Type: AWS::ElasticLoadBalancingV2::ListenerRule
    Properties:
      ListenerArn: !ImportValue listener
      Priority: 5
      Actions: [{Type: forward, TargetGroupArn: !Ref Blue}]
  Deployments:
    Type: AWS::CodeDeploy::DeploymentGroup
    Properties:
      LoadBalancerInfo:
        TargetGroupPairInfoList:
          - ProdTrafficRoute: {ListenerArns: [!ImportValue listener]}
            TargetGroups:
              - {Name: !GetAtt Blue.TargetGroupName}
              - {Name: !GetAtt Green.TargetGroupName}
"""


def test_a_codedeploy_service_that_names_a_family_can_get_a_new_revision() -> None:
    new = FAMILY.replace('"256"', '"512"')
    assert not {"M1404", "M1406"} & set(codes(compare({"web": FAMILY}, {"web": new})))


def test_an_update_reverts_the_rule_that_codedeploy_switched() -> None:
    new = FAMILY.replace("Priority: 5", "Priority: 6")
    reported = codes(compare({"web": FAMILY}, {"web": new}))
    assert reported == {"M1406": ["Resources.Rule.Properties.Priority"]}


def test_an_update_reverts_the_listener_that_codedeploy_switched() -> None:
    pair = dedent(
        """
          Deployments:
            Type: AWS::CodeDeploy::DeploymentGroup
            Properties:
              LoadBalancerInfo:
                TargetGroupPairInfoList:
                  - ProdTrafficRoute: {ListenerArns: [!Ref Listener]}
        Outputs:"""
    )
    old = WEB.replace("\nOutputs:", pair)
    new = old.replace("Port: 80\n      Protocol", "Port: 81\n      Protocol")
    assert codes(compare({"web": old}, {"web": new})) == {
        "M1406": ["Resources.Listener.Properties.Port"]
    }


def test_a_service_cannot_change_to_code_deploy() -> None:
    new = WEB.replace("Type: ECS}", "Type: CODE_DEPLOY}").replace('"a:1"', '"a:2"')
    place = "Resources.Service.Properties.DeploymentController"
    assert codes(compare({"web": WEB}, {"web": new})) == {"M1404": [place]}
    (back,) = compare({"web": new}, {"web": WEB})
    assert (back.code, back.level) == ("M1406", "warning")
