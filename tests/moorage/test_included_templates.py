"""Templates that a template names: those of its nested stacks and stack sets."""

from __future__ import annotations

import json
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest
from command_line import main

NETWORK = """\
Parameters:
  Cidr: {Type: String}
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: !Ref Cidr}}
  Gateway: {Type: AWS::EC2::InternetGateway}
  Attachment:
    Type: AWS::EC2::VPCGatewayAttachment
    Properties: {VpcId: !Ref Vpc, InternetGatewayId: !Ref Gateway}
  Table: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Vpc}}
  Route:
    Type: AWS::EC2::Route
    DependsOn: Attachment
    Properties: {RouteTableId: !Ref Table, DestinationCidrBlock: 0.0.0.0/0, GatewayId: !Ref Gateway}
  A:
    Type: AWS::EC2::Subnet
    Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.0.0/24, AvailabilityZone: !Select [0, !GetAZs ""]}
  B:
    Type: AWS::EC2::Subnet
    Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.1.0/24, AvailabilityZone: !Select [1, !GetAZs ""]}
  RouteOfA:
    Type: AWS::EC2::SubnetRouteTableAssociation
    Properties: {SubnetId: !Ref A, RouteTableId: !Ref Table}
  RouteOfB:
    Type: AWS::EC2::SubnetRouteTableAssociation
    Properties: {SubnetId: !Ref B, RouteTableId: !Ref Table}
Outputs:
  Vpc: {Value: !Ref Vpc}
  Subnets: {Value: !Join [",", [!Ref A, !Ref B]]}
"""

LOAD_BALANCER = """\
Parameters:
  Vpc: {Type: AWS::EC2::VPC::Id}
  Subnets: {Type: "List<AWS::EC2::Subnet::Id>"}
  Scheme: {Type: String, Default: internal}
Resources:
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties:
      VpcId: !Ref Vpc
      GroupDescription: Clients
      SecurityGroupIngress: [{IpProtocol: tcp, FromPort: 80, ToPort: 80, CidrIp: 0.0.0.0/0}]
  LoadBalancer:
    Type: AWS::ElasticLoadBalancingV2::LoadBalancer
    Properties: {Scheme: !Ref Scheme, Subnets: !Ref Subnets, SecurityGroups: [!Ref Group]}
  Listener:
    Type: AWS::ElasticLoadBalancingV2::Listener
    Properties:
      LoadBalancerArn: !Ref LoadBalancer
      Port: 80
      Protocol: HTTP
      DefaultActions: [{Type: fixed-response, FixedResponseConfig: {StatusCode: "404"}}]
"""

PARENT = """\
Resources:
  Network:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: nested/network.yaml, Parameters: {Cidr: 10.0.0.0/16}}
  Public:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: nested/load-balancer.yaml
      Parameters:
        Vpc: !GetAtt Network.Outputs.Vpc
        Subnets: !GetAtt Network.Outputs.Subnets
        Scheme: internet-facing
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "nested").mkdir()
    (tmp_path / "nested/network.yaml").write_text(NETWORK)
    (tmp_path / "nested/load-balancer.yaml").write_text(LOAD_BALANCER)
    (tmp_path / "parent.yaml").write_text(PARENT)
    return tmp_path


def check(home: Path, capsys: pytest.CaptureFixture[str], name: str = "parent.yaml") -> list[Any]:
    with chdir(home):
        main(["check", name, "--format", "json"])
    findings: list[Any] = json.loads(capsys.readouterr().out)
    return findings


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def line_of(file: Path, words: str) -> int:
    lines = file.read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if words in line)


# Nested stacks -------------------------------------------------------------------------------


def test_correct_nested_stacks_have_no_findings(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(home, capsys) == []


def test_outputs_of_one_nested_stack_are_parameters_of_another(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    replace(home / "nested/network.yaml", "GatewayId: !Ref Gateway}\n  A", "InstanceId: i-1}\n  A")
    (finding,) = check(home, capsys)
    assert (finding["code"], finding["file"]) == ("E9405", "nested/load-balancer.yaml")
    assert finding["line"] == line_of(home / "nested/load-balancer.yaml", "Scheme: !Ref Scheme")
    assert "its subnet `" in finding["message"]


def test_a_template_is_judged_with_what_each_parent_passes(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    replace(home / "nested/network.yaml", "GatewayId: !Ref Gateway}\n  A", "InstanceId: i-1}\n  A")
    replace(home / "parent.yaml", "Scheme: internet-facing", "Scheme: internal")
    assert check(home, capsys) == [], "an internal load balancer needs no internet gateway"
    again = PARENT.partition("  Public:")[2]
    with (home / "parent.yaml").open("a") as file:
        file.write(f"  Second:{again}  Third:{again}")
    findings = check(home, capsys)
    assert [finding["code"] for finding in findings] == ["E9405"], "once for both"


def test_the_default_of_a_parameter_that_is_not_passed_is_its_value(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    replace(home / "nested/network.yaml", "GatewayId: !Ref Gateway}\n  A", "InstanceId: i-1}\n  A")
    replace(home / "parent.yaml", "        Scheme: internet-facing\n", "")
    assert check(home, capsys) == []
    replace(home / "nested/load-balancer.yaml", "Default: internal", "Default: internet-facing")
    assert [finding["code"] for finding in check(home, capsys)] == ["E9405"]


TASK = """\
Parameters:
  Storage: {Type: String, Default: task}
Conditions:
  UsesHost: !Equals [!Ref Storage, host]
Resources:
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      Cpu: "256"
      Memory: "512"
      NetworkMode: awsvpc
      RequiresCompatibilities: [FARGATE]
      ContainerDefinitions: [{Name: app, Image: "public.ecr.aws/nginx/nginx:1.27"}]
      Volumes:
        - {Name: data, Host: !If [UsesHost, {SourcePath: /data}, !Ref AWS::NoValue]}
"""


def test_a_finding_says_which_parameter_of_the_parent_it_depends_on(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "nested/task.yaml").write_text(TASK)
    (home / "parent.yaml").write_text("""\
Parameters:
  Stage: {Type: String, Default: dev}
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
Resources:
  Task:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: nested/task.yaml
      Parameters: {Storage: !If [IsProd, host, task]}
""")
    (finding,) = check(home, capsys)
    assert (finding["code"], finding["file"]) == ("E9183", "nested/task.yaml")
    assert finding["message"].startswith("If the parameter `Stage` of parent.yaml is `prod`: ")


def test_findings_of_cfn_lint_about_nested_templates(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    replace(home / "nested/network.yaml", "CidrBlock: 10.0.1.0/24", "CidrBlck: 10.0.1.0/24")
    found = {(item["code"], item["file"]) for item in check(home, capsys)}
    assert ("E3002", "nested/network.yaml") in found


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("nested/missing.yaml", "M1023"),
        ("../../../../../../etc/hostname", "M1023"),
        ("/etc/hostname", "M1023"),
        ("nested", "M1023"),
        ("https://bucket.s3.amazonaws.com/network.yaml", None),
        ("s3://bucket/network.yaml", None),
        ('"{{resolve:ssm:/network}}"', None),
        ("!Sub https://${AWS::Region}.example.com/network.yaml", None),
        ("[nested/network.yaml]", None),
    ],
)
def test_templates_that_are_not_read(
    url: str, code: str | None, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    replace(home / "parent.yaml", "nested/network.yaml", url)
    found = [item for item in check(home, capsys) if item["code"].startswith("M")]
    assert [item["code"] for item in found] == ([code] if code else [])
    for item in found:
        assert item["line"] == 4
        assert item["path"] == ["Resources", "Network", "Properties", "TemplateURL"]


def test_a_template_of_a_folder_beside_is_read_from_a_folder_around_both(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "apps").mkdir()
    (home / "apps/parent.yaml").write_text(PARENT.replace("nested/", "../nested/"))
    assert check(home, capsys, "apps/parent.yaml") == []
    with chdir(home / "apps"):
        assert main(["check", "parent.yaml", "--format", "json"]) == 1
    found = {item["code"] for item in json.loads(capsys.readouterr().out)}
    assert found == {"M1023", "W3002"}


def test_a_template_that_contains_itself(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replace(home / "parent.yaml", "nested/network.yaml", "parent.yaml")
    codes = {item["code"] for item in check(home, capsys)}
    assert "E0002" not in codes


@pytest.mark.parametrize("text", ["{", "[]", "x", "Resources: []", "", "\0", "Resources: {A: 1}"])
def test_nested_templates_that_are_no_templates(
    text: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "nested/network.yaml").write_text(text)
    found = check(home, capsys)
    assert {item["file"] for item in found} == {"nested/network.yaml"}


# Stack sets ----------------------------------------------------------------------------------

STACK_SET = """\
Resources:
  Baseline:
    Type: AWS::CloudFormation::StackSet
    Properties:
      StackSetName: baseline
      PermissionModel: SERVICE_MANAGED
      AutoDeployment: {Enabled: false}
      Parameters: [{ParameterKey: Storage, ParameterValue: host}]
      TemplateBody: |
        Parameters:
          Storage: {Type: String, Default: task}
        Conditions:
          UsesHost: !Equals [!Ref Storage, host]
        Resources:
          Task:
            Type: AWS::ECS::TaskDefinition
            Properties:
              Cpu: "256"
              Memory: "512"
              NetworkMode: awsvpc
              RequiresCompatibilities: [FARGATE]
              ContainerDefinitions: [{Name: app, Image: "public.ecr.aws/nginx/nginx:1.27"}]
              Volumes:
                - Name: data
                  Host: !If [UsesHost, {SourcePath: /data}, !Ref AWS::NoValue]
"""


def test_the_template_of_a_stack_set_is_judged_with_its_parameters(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = home / "set.yaml"
    file.write_text(STACK_SET)
    (error,) = (item for item in check(home, capsys, "set.yaml") if item["level"] == "error")
    assert (error["code"], error["line"]) == ("E9183", line_of(file, "SourcePath"))
    assert error["path"][:4] == ["Resources", "Baseline", "Properties", "TemplateBody"]
    assert not error["message"].startswith("If"), "the stack set decides the condition"
    replace(file, "ParameterValue: host", "ParameterValue: task")
    assert [item for item in check(home, capsys, "set.yaml") if item["level"] == "error"] == []


def test_the_template_of_a_stack_set_in_json(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inner = {"Resources": {"Task": {"Type": "AWS::ECS::TaskDefinition", "Propertis": {}}}}
    properties = {"StackSetName": "s", "PermissionModel": "SELF_MANAGED"}
    resource = {
        "Type": "AWS::CloudFormation::StackSet",
        "Properties": {**properties, "TemplateBody": json.dumps(inner)},
    }
    text = json.dumps({"Resources": {"Set": resource}}, indent=2)
    (home / "set.json").write_text(text)
    found = [item for item in check(home, capsys, "set.json") if item["level"] == "error"]
    assert found
    assert {item["line"] for item in found} == {line_of(home / "set.json", "TemplateBody")}
