"""What templates expect to exist, and what is missing of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from fake_aws import ACCOUNT, REGION, FakeAws, FakeStack, RefusalError, make_stack, make_target

from moorage.cfn.needs import Need
from moorage.deploy.change_sets import Preview, Problem
from moorage.deploy.execute import Execution
from moorage.deploy.preflight import find_missing, find_stack_needs, missing_problem
from moorage.deploy.preview import preview_stacks
from moorage.deploy.preview_text import previews_json, problem_text
from moorage.deploy.problem_places import place_problems
from moorage.deploy.stack_state import StackState, read_states
from moorage.deploy.target import DeployStack, Target
from moorage.deploy.target import make_target as plan_target
from moorage.pipeline.build import build
from moorage.pipeline.pushes import Push
from templates import TEMPLATES

ECR = "${AWS::AccountId}.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}"
SSM = "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter"
SECRET = "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret"
CERTIFICATE = f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/0123"


def stack(image: Any, *secrets: Any) -> DeployStack:
    container = {
        "Image": image,
        "Secrets": [{"Name": f"S{number}", "ValueFrom": v} for number, v in enumerate(secrets)],
    }
    body = {
        "Resources": {
            "TaskDefinition": {
                "Type": "AWS::ECS::TaskDefinition",
                "Properties": {"ContainerDefinitions": [container]},
            }
        }
    }
    return replace(make_stack("web"), body=body)


def needs(image: Any, *secrets: Any) -> list[tuple[str, str, str]]:
    found = find_stack_needs(stack(image, *secrets), REGION, ACCOUNT)
    assert {need.logical_id for need in found} <= {"TaskDefinition"}
    return [(need.kind, need.name, need.version) for need in found]


def test_images_of_the_account_are_needed() -> None:
    digest = "sha256:" + "0" * 64
    assert needs({"Fn::Sub": f"{ECR}/shop/web:1.4"}) == [("image", "shop/web", "imageTag=1.4")]
    assert needs({"Fn::Sub": f"{ECR}/shop/web"}) == [("image", "shop/web", "imageTag=latest")]
    assert needs({"Fn::Sub": f"{ECR}/web@{digest}"}) == [("image", "web", f"imageDigest={digest}")]
    assert needs("public.ecr.aws/nginx/nginx:1.27") == []
    assert needs(f"999999999999.dkr.ecr.{REGION}.amazonaws.com/web:1") == []
    assert needs({"Fn::Sub": ["${Repository}:1", {"Repository": "x"}]}) == []


def test_a_secret_with_a_written_arn_is_looked_for_by_that() -> None:
    arn = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:shop/db-AbCdEf"
    (need,) = find_stack_needs(stack("nginx", f"{arn}:url::"), REGION, ACCOUNT)
    assert need == Need("secret", arn, "TaskDefinition")
    assert "--name shop/db " in missing_problem(need, stack("nginx"), REGION).message


def test_secrets_and_parameters_of_the_account_are_needed() -> None:
    assert needs(
        "nginx",
        {"Fn::Sub": f"{SSM}/shop/db"},
        {"Fn::Sub": f"{SSM}/plain"},
        {"Fn::Sub": f"{SECRET}:shop/db:url::"},
        "other",
        {"Fn::Sub": f"{SSM}/shop/db"},
        f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/elsewhere",
        {"Ref": "Parameter"},
    ) == [
        ("parameter", "/shop/db", ""),
        ("parameter", "plain", ""),
        ("secret", "shop/db", ""),
        ("parameter", "other", ""),
    ]


def test_only_what_is_missing_is_reported() -> None:
    wanted = [
        Need("image", "web", "T", "imageTag=1"),
        Need("image", "api", "T", "imageTag=1"),
        Need("own-image", "new", "T", "imageTag=1"),
        Need("own-image", "old", "T", "imageTag=1"),
        Need("parameter", "/a", "T"),
        Need("parameter", "/b", "T"),
        Need("secret", "a", "T"),
        Need("secret", "b", "T"),
        Need("certificate", CERTIFICATE, "T"),
    ]
    aws = FakeAws(existing={"web", "web:1", "old", "/a", "a"})
    missing = find_missing(aws.clients(), wanted)
    assert [need.name for need in wanted if need in missing] == [
        *("api", "old", "/b", "b", CERTIFICATE)
    ]
    assert aws.count()["DescribeParameters"] == 1


def test_what_may_not_be_looked_at_counts_as_there() -> None:
    aws = FakeAws()
    denied = RefusalError("AccessDeniedException")
    aws.refusals = {"DescribeParameters": [denied], "DescribeSecret": [denied]}
    wanted = [Need("parameter", "/a", "T"), Need("secret", "a", "T")]
    assert find_missing(aws.clients(), wanted) == frozenset()


def test_each_missing_thing_comes_with_the_command_that_makes_it() -> None:
    texts = [
        missing_problem(need, stack("nginx"), REGION).message
        for need in (
            Need("image", "web", "T", "imageTag=1"),
            Need("parameter", "/a", "T"),
            Need("secret", "a", "T"),
            Need("certificate", CERTIFICATE, "T"),
            Need("zone", "Z0123456789ABC", "R", "www.example.org"),
            Need("role", "AWSServiceRoleForECS", "Cluster"),
            Need("value", "/a", "T"),
        )
    ]
    assert [text.split(": ", 1)[1] for text in texts] == [
        f"docker push <account>.dkr.ecr.{REGION}.amazonaws.com/web:1",
        f"aws ssm put-parameter --region {REGION} --type SecureString --name /a --value file://FILE",
        f"aws secretsmanager create-secret --region {REGION} --name a --secret-string file://FILE",
        f"aws acm request-certificate --region {REGION} --validation-method DNS --domain-name NAME",
        "aws route53 create-hosted-zone --name DOMAIN --caller-reference $(date +%s)",
        "aws iam create-service-linked-role --aws-service-name ecs.amazonaws.com",
        f"aws ssm put-parameter --region {REGION} --type String --name /a --value VALUE",
    ]


def test_an_image_in_a_new_repository_is_looked_for_when_its_turn_comes() -> None:
    web = replace(make_stack("web", "ecr"), images=(Push("shop/web", "imageTag=1"),))
    target = make_target(make_stack("ecr"), web)
    aws = FakeAws()
    context = aws.context()
    previews = preview_stacks(context, target, {})
    assert not any(preview.failed for preview in previews), "the repository does not exist yet"
    aws.existing = {"shop/web"}
    outcomes = Execution(context, previews, (), {}).run(aws.events.append, 5)
    assert outcomes["ecr"].result == "succeeded"
    assert outcomes["web"].reason.startswith("the image shop/web:1 is not in ECR. Push it")
    aws.existing.add("shop/web:1")
    outcomes = Execution(context, previews[1:], (), {}).run(aws.events.append, 5)
    assert outcomes["web"].result == "succeeded"


SHOP_CERTIFICATE = (
    f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/0123abcd-0123-0123-0123-0123456789ab"
)
PARAMS = """\
app: shop
region: eu-central-1
stacks:
  network: {egress: nat}
  cluster: {}
  public:
    template: alb
    certificate: CERTIFICATE
    aliases:
      - {name: www.example.org, zone: Z0123456789ABC}
  web:
    template: service
    containers:
      web:
        image: ecr:shop/web:1
        ports: [8080]
        secrets:
          KEY: ssm:/shop/key
          URL: "secretsmanager:shop/database:url"
    expose:
      - {via: public, hosts: [www.example.org]}
"""


def build_shop(folder: Path) -> Target:
    """The target of an environment that needs one thing of each kind."""
    (folder / "dev.yaml").write_text(PARAMS.replace("CERTIFICATE", SHOP_CERTIFICATE))
    built = build(folder, "dev", TEMPLATES)
    assert built.plan is not None, built.findings
    return plan_target(built.plan, built.document)


def problems_of(
    aws: FakeAws, target: Target, states: Mapping[str, StackState] = MappingProxyType({})
) -> list[str]:
    previews = preview_stacks(aws.context(), target, states)
    folder = Path(target.stacks[0].document.file).parent if target.stacks[0].document else Path()
    texts = [problem_text(problem) for preview in previews for problem in preview.problems]
    return [text.replace(f"{folder}/", "") for text in texts]


def test_what_is_missing_is_shown_at_the_line_of_the_params(tmp_path: Path) -> None:
    shown = problems_of(FakeAws(), build_shop(tmp_path))
    assert shown == [
        "warning dev.yaml:5 stacks.cluster Cluster: this account has no role "
        "AWSServiceRoleForECS yet. ECS creates it together with the first cluster, which fails if "
        "IAM is slower. Create it before: aws iam create-service-linked-role --aws-service-name "
        "ecs.amazonaws.com",
        f"error dev.yaml:8 stacks.public.certificate HttpsListener: there is no certificate "
        f"{SHOP_CERTIFICATE}. Request it: aws acm request-certificate --region {REGION} "
        "--validation-method DNS --domain-name NAME",
        "error dev.yaml:10 stacks.public.aliases[0].zone WwwExampleOrgARecord: there is no hosted "
        "zone Z0123456789ABC in this account, which is to have www.example.org. `aws route53 "
        "list-hosted-zones` shows those that there are. Or create one, and write its ID: aws "
        "route53 create-hosted-zone --name DOMAIN --caller-reference $(date +%s)",
        "error dev.yaml:15 stacks.web.containers.web.image TaskDefinition: the image shop/web:1 is "
        f"not in ECR. Push it, then deploy again: docker push <account>.dkr.ecr.{REGION}."
        "amazonaws.com/shop/web:1",
        "error dev.yaml:18 stacks.web.containers.web.secrets.KEY TaskDefinition: there is no "
        f"parameter /shop/key. Create it: aws ssm put-parameter --region {REGION} --type "
        "SecureString --name /shop/key --value file://FILE",
        "error dev.yaml:19 stacks.web.containers.web.secrets.URL TaskDefinition: there is no "
        f"secret shop/database. Create it: aws secretsmanager create-secret --region {REGION} "
        "--name shop/database --secret-string file://FILE",
    ]
    page = Path("docs/deploy/deploy.md").read_text()
    assert shown[2].replace("dev.yaml", "params/dev.yaml") in page


def shop_aws(**more: Any) -> FakeAws:
    """An account with all that the shop needs."""
    names = {"shop/web", "shop/web:1", "/shop/key", "shop/database", SHOP_CERTIFICATE}
    return FakeAws(existing={*names, "Z0123456789ABC", "AWSServiceRoleForECS"}, **more)


def test_nothing_is_reported_if_all_is_there_and_the_number_of_requests_is_small(
    tmp_path: Path,
) -> None:
    aws = shop_aws()
    assert problems_of(aws, build_shop(tmp_path)) == []
    looked = {name: count for name, count in aws.count().items() if "ChangeSet" not in name}
    assert looked == {
        **dict.fromkeys(("GetRole", "GetHostedZone", "DescribeCertificate"), 1),
        **dict.fromkeys(("DescribeImages", "DescribeParameters", "DescribeSecret"), 1),
        **dict.fromkeys(("DescribeVpcs", "DescribeAddresses", "DescribeLoadBalancers"), 1),
        "GetServiceQuota": 3,
        "DescribeEvents": looked["DescribeEvents"],
    }


def test_quotas_that_all_stacks_would_exceed_together(tmp_path: Path) -> None:
    aws = shop_aws(quotas={"L-0263D0A3": 5, "L-53DA6B97": 50, "L-F678F1CE": 5})
    aws.used.update(address=5, application=50, vpc=4)
    assert problems_of(aws, build_shop(tmp_path)) == [
        "error dev.yaml:4 stacks.network.egress NatAddressA: the quota `Elastic IP addresses per "
        "Region` is 5: 5 exist, and this deployment creates 1. Request a higher one: aws "
        "service-quotas request-service-quota-increase --region eu-central-1 --service-code ec2 "
        "--quota-code L-0263D0A3 --desired-value 6",
        "error dev.yaml:6 stacks.public LoadBalancer: the quota `Application Load Balancers per "
        "Region` is 50: 50 exist, and this deployment creates 1. Request a higher one: aws "
        "service-quotas request-service-quota-increase --region eu-central-1 --service-code "
        "elasticloadbalancing --quota-code L-53DA6B97 --desired-value 51",
    ]
    aws = shop_aws(quotas={"L-0263D0A3": 0})
    aws.refusals["GetServiceQuota"] = [RefusalError("AccessDeniedException")] * 4
    assert problems_of(aws, build_shop(tmp_path)) == [], "what may not be looked at counts as there"


def test_what_the_validation_of_a_change_set_finds_is_shown_at_the_line_of_the_params(
    tmp_path: Path,
) -> None:
    finding = {
        "EventId": "1",
        "EventType": "VALIDATION_ERROR",
        "LogicalResourceId": "NatAddressA",
        "ValidationStatusReason": "The quota is reached",
        "ValidationPath": "/Resources/NatAddressA",
    }
    target = build_shop(tmp_path)
    assert problems_of(shop_aws(findings={"shop-dev-network": [finding]}), target) == [
        "error dev.yaml:4 stacks.network.egress NatAddressA /Resources/NatAddressA: The quota is "
        "reached",
    ]
    (web,) = target.select(["web"]).stacks
    path = "/Resources/TaskDefinition/Properties/ContainerDefinitions/0/Image"
    problem = Problem("error", "Wrong", "TaskDefinition", path)
    (placed,) = place_problems(Preview(web, "update", problems=(problem,))).problems
    assert placed.at is not None
    assert (placed.at.place.line, placed.at.path[-1]) == (15, "image")


def test_machines_get_the_line_of_the_params_too(tmp_path: Path) -> None:
    previews = preview_stacks(FakeAws().context(), build_shop(tmp_path), {})
    data = [json.loads(line) for line in previews_json(previews).splitlines()]
    (problem,) = next(item["problems"] for item in data if item["stack"] == "cluster")
    assert problem["params"] == {
        "file": str(tmp_path / "dev.yaml"),
        "line": 5,
        "path": ["stacks", "cluster"],
        "missing": "",
    }


REFERENCES = """\
app: shop
region: eu-central-1
stacks:
  network:
    existing: {vpc: {export: platform-VpcId}, private_subnets: [{ssm: /platform/subnet}]}
  cluster: {}
  web:
    template: service
    containers:
      web:
        image: ecr:shop/web:1
        environment:
          SEARCH_URL: {export: search-Url}
          FLAGS_URL: {ssm: "/flags/url:2"}
  worker:
    template: worker
    containers:
      worker:
        image: ecr:shop/web:1
        environment: {WEB_GROUP: {stack: web, output: SecurityGroupId}}
"""


def build_references(folder: Path, text: str = REFERENCES) -> Target:
    (folder / "dev.yaml").write_text(text)
    built = build(folder, "dev", TEMPLATES)
    assert built.plan is not None, built.findings
    return plan_target(built.plan, built.document)


def outside_aws(*parameters: str, exports: tuple[str, ...] = ()) -> FakeAws:
    aws = shop_aws()
    aws.existing |= set(parameters)
    aws.stacks["platform"] = FakeStack(
        "platform", "CREATE_COMPLETE", outputs=dict.fromkeys(exports, "x")
    )
    return aws


def states_of(aws: FakeAws) -> dict[str, StackState]:
    return read_states(aws.clients().cloudformation)


def test_exports_and_parameters_that_are_missing_are_shown_at_their_lines(tmp_path: Path) -> None:
    aws = outside_aws("/platform/subnet", exports=("platform-VpcId",))
    shown = problems_of(aws, build_references(tmp_path), states_of(aws))
    assert shown == [
        "error dev.yaml:14 stacks.web.containers.web.environment.FLAGS_URL.ssm TaskDefinition: "
        "there is no parameter /flags/url of the type String, which CloudFormation could read. "
        f"Create it: aws ssm put-parameter --region {REGION} --type String --name /flags/url "
        "--value VALUE",
        "error dev.yaml:13 stacks.web.containers.web.environment.SEARCH_URL.export TaskDefinition: "
        "no stack in this account and region exports search-Url. `aws cloudformation list-exports "
        f"--region {REGION}` shows the names that there are",
    ]
    assert "CreateChangeSet" in aws.count(), "the stacks that lack nothing have change sets"


def test_a_value_in_the_params_of_another_stack_has_its_line_too(tmp_path: Path) -> None:
    aws = outside_aws("/platform/subnet", "/flags/url", exports=("search-Url",))
    shown = problems_of(aws, build_references(tmp_path), states_of(aws))
    assert {text.split(" SecurityGroup: ")[0] for text in shown} == {
        "error dev.yaml:5 stacks.network.existing.vpc.export"
    }


def test_cloudformation_reads_no_secure_strings(tmp_path: Path) -> None:
    class Secure(FakeAws):
        def DescribeParameters(self, ParameterFilters: Any, **_: Any) -> Any:  # noqa: N802, N803
            names = ParameterFilters[0]["Values"]
            return {"Parameters": [{"Name": name, "Type": "SecureString"} for name in names]}

    wanted = [Need("value", "/a", "T"), Need("parameter", "/b", "T")]
    assert find_missing(Secure().clients(), wanted) == {wanted[0]}


def test_a_parameter_that_another_stack_creates_is_not_missing(tmp_path: Path) -> None:
    creates = """\
  other:
    template: worker
    overrides:
      Resources:
        Flags: {Type: "AWS::SSM::Parameter", Properties: {Name: /flags/url, Type: String, Value: x}}
    containers:
      other: {image: "ecr:shop/web:1"}
"""
    target = build_references(tmp_path, REFERENCES + creates)
    aws = outside_aws("/platform/subnet", exports=("platform-VpcId", "search-Url"))
    previews = {
        each.stack.name: each for each in preview_stacks(aws.context(), target, states_of(aws))
    }
    assert not any(preview.failed for preview in previews.values())
    assert previews["web"].kind == "later"
