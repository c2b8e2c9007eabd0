"""`shares:`: stacks of another environment, and what two environments must not have in common."""

from __future__ import annotations

from pathlib import Path

import pytest

from moorage.findings.report import text
from moorage.model import GivenValues
from moorage.pipeline.build import Built, build
from templates import TEMPLATES

BASE = """
app: shop
region: eu-central-1
stacks:
  network: {egress: public}
  cluster: {namespace: true}
  public: {template: alb, certificate: []}
  web:
    template: service
    containers:
      web: {image: "ecr:shop/web:1", ports: [8080]}
    expose:
      - {via: public, hosts: ["${env}.example.com"]}
"""
REGISTRY = "stacks: {registry: {template: ecr, repositories: {shop/web: {}}}}\n"
CI = (
    "stacks: {ci: {template: ci_role, github: {repository: octo/shop}, deploy_roles: [DEPLOYER]}}\n"
)
CI = CI.replace("DEPLOYER", "arn:aws:iam::123456789012:role/deploy")
SHARES = "shares: {env: dev, stacks: [cluster, public]}\n"


def built(
    folder: Path, preview: str, *, dev: str = "tags: {kind: shared}\n", name: str = ""
) -> Built:
    params = folder / "params"
    params.mkdir()
    (params / "base.yaml").write_text(BASE)
    (params / "dev.yaml").write_text(dev)
    (params / "preview.yaml").write_text(preview)
    return build(params, "preview", TEMPLATES, given=GivenValues(preview=name))


def test_a_preview_has_its_own_stacks_and_imports_from_the_shared_ones(tmp_path: Path) -> None:
    result = built(tmp_path, SHARES, name="12")
    assert result.findings == ()
    assert result.plan is not None
    (web,) = result.plan.stacks
    assert web.stack_name == "shop-preview-12-web"
    assert web.tags == {"app": "shop", "env": "preview-12", "stack": "web"}
    assert set(web.exports.values()) == {
        "shop-preview-12-web-SecurityGroupId",
        "shop-preview-12-web-TaskRoleArn",
    }
    assert "preview-12.example.com" in web.rendering.text
    imports = {word for word in web.rendering.text.split() if word.startswith("shop-dev-")}
    assert imports == {
        "shop-dev-cluster-ClusterName",
        "shop-dev-network-PublicSubnetAId",
        "shop-dev-network-PublicSubnetBId",
        "shop-dev-network-VpcId",
        "shop-dev-public-HttpListenerArn",
        "shop-dev-public-SecurityGroupId",
    }


def test_shared_stacks_have_the_params_of_their_environment(tmp_path: Path) -> None:
    dev = "stacks: {public: {certificate: arn:aws:acm:eu-central-1:123456789012:certificate/0a}}\n"
    result = built(tmp_path, SHARES, dev=dev.replace("0a", "12345678-1234-1234-1234-123456789012"))
    assert result.findings == ()
    assert result.plan is not None
    (web,) = result.plan.stacks
    assert "shop-dev-public-HttpsListenerArn" in web.rendering.text


@pytest.mark.parametrize(
    "shares", ["7", "{env: dev}", "{env: [dev], stacks: [{a: 1}]}", "{env: dev, stacks: [[]]}"]
)
def test_a_wrong_form_is_a_finding(shares: str, tmp_path: Path) -> None:
    result = built(tmp_path, f"shares: {shares}\n")
    assert result.plan is None
    assert {finding.path[0] for finding in result.findings} == {"shares"}


OUTPUT = """\
stacks: {web: {containers: {web: {environment: {X: {stack: cluster, output: ClusterName}}}}}}
"""
WEB = 'stacks: {web: {expose: [{via: public, paths: ["/shop/*"]}]}}\n'


@pytest.mark.parametrize(
    ("preview", "dev", "expected"),
    [
        pytest.param(
            "shares: {env: deev, stacks: [public]}\n",
            "",
            ":1: error M4001 shares.env: `deev` is no other environment. Did you mean `dev`?",
            id="no environment",
        ),
        pytest.param(
            "shares: {env: preview, stacks: [public]}\n",
            "",
            ":1: error M4001 shares.env: `preview` is no other environment. Write one of dev.",
            id="itself",
        ),
        pytest.param(
            "shares: {env: dev, stacks: [cluster, pubic]}\n",
            "",
            ":1: error M4001 shares.stacks[1]: `dev` has no stack `pubic`. Did you mean `public`?",
            id="no stack",
        ),
        pytest.param(
            "region: eu-west-1\nshares: {env: dev, stacks: [public]}\n",
            "",
            ":2: error M4001 shares.env: The `region` of `dev` is eu-central-1, and here it is "
            "eu-west-1. Write `region:` in base.yaml, for both.",
            id="another region",
        ),
        pytest.param(
            "shares: {env: dev, stacks: [public]}\n",
            "shares: {env: preview, stacks: [network]}\n",
            ":1: error M4001 shares.env: `dev` shares stacks itself. Name the environment that "
            "has them.",
            id="shares itself",
        ),
        pytest.param(
            SHARES,
            "targets: {accounts: ['123456789012'], regions: [eu-central-1]}\n",
            ":1: error M4001 shares.env: Stacks that StackSets deploys cannot be shared. Remove "
            "`shares:`, or `targets:`.",
            id="with targets",
        ),
        pytest.param(
            "shares: {env: dev, stacks: [public]}\n",
            "stacks: {public: {certificat: []}}\n",
            ":1: error M4002 shares.env: `dev` has errors. `python build.py check dev` reports "
            "them.",
            id="with errors",
        ),
        pytest.param(
            SHARES + WEB.replace("shop", "${env}"),
            WEB.replace("shop", "preview"),
            ":2: error M4003 stacks.web: The route path-pattern /preview/* is also that of `web` "
            "of `dev`. Put `${env}` into the host or the path, such as `${env}.example.com`.",
            id="the route of the environment",
        ),
        pytest.param(
            SHARES + WEB,
            "",
            ":2: error M4003 stacks.web: The route path-pattern /shop/* is also that of every "
            "other preview. Put `${env}` into the host or the path, such as `${env}.example.com`.",
            id="the route of another preview",
        ),
        pytest.param(
            SHARES + WEB.replace('/shop/*"]', '/${env}/*"], priority: 50'),
            WEB.replace('/shop/*"]', '/shop/*"], priority: 50'),
            ":2: error M4004 stacks.web: The priority 50 is also that of `web` of `dev`. Write "
            "another `priority:` at the route.",
            id="the priority of the environment",
        ),
        pytest.param(
            SHARES + "stacks: {web: {discovery: {name: web}}}\n",
            "",
            ":2: error M4005 stacks.web: The name web of discovery is also that of every other "
            "preview. Put `${env}` into the name.",
            id="the name of another preview",
        ),
        pytest.param(
            SHARES + REGISTRY,
            REGISTRY,
            ":2: error M4006 stacks.registry: The repository shop/web is also that of `registry` "
            "of `dev`. Write `registry: null` below `stacks` in preview.yaml.",
            id="the repository of the environment",
        ),
        pytest.param(
            SHARES + CI,
            CI,
            ":2: error M4006 stacks.ci: The identity provider of "
            "https://token.actions.githubusercontent.com is also that of `ci` of `dev`. Write "
            "`ci: null` below `stacks` in preview.yaml.",
            id="the identity provider of the environment",
        ),
        pytest.param(
            SHARES + "stacks: {deployment: {template: deployment_role}}\n",
            "",
            ":2: error M3907 stacks.deployment: Each preview would need an administrator, who "
            "deploys its roles first. Write `deployment: null` below `stacks` in preview.yaml, and "
            "in `role` a role that may deploy all previews.",
            id="roles for each preview",
        ),
        pytest.param(
            SHARES + "stacks: {network: {egress: nat}}\n",
            "",
            ":2: error M4007 stacks.network: `network` is a stack of `dev`, so its params here "
            "have no effect. Remove `network` here, or write them in the params of `dev`.",
            id="params of a shared stack",
        ),
        pytest.param(
            SHARES + OUTPUT.replace("ClusterName", "ServiceUrl"),
            "stacks: {cluster: {overrides: {Outputs: {ServiceUrl: {Value: x}}}}}\n",
            ":2: error M1901 stacks.web.containers.web.environment.X: `ServiceUrl` of `cluster` "
            "has no export, and `cluster` is a stack of `dev`. Write `overrides: {Outputs: "
            "{ServiceUrl: {Export: {Name: shop-dev-cluster-ServiceUrl}}}}` below `cluster`, and "
            "deploy it first.",
            id="an output without an export",
        ),
    ],
)
def test_what_cannot_be_shared_is_reported(
    preview: str, dev: str, expected: str, tmp_path: Path
) -> None:
    result = built(tmp_path, preview, dev=dev or "tags: {kind: shared}\n")
    assert result.plan is None
    assert expected in text(result.findings)
    codes = {finding.code for finding in result.findings}
    assert codes & {"M1901", "M3907", *(f"M400{number}" for number in range(1, 8))}


@pytest.mark.parametrize(
    ("dev", "name"),
    [
        ("", "shop-dev-cluster-ClusterName"),
        (
            "{cluster: {overrides: {Outputs: {ClusterName: {Export: {Name: the-cluster}}}}}}",
            "the-cluster",
        ),
    ],
)
def test_a_reference_to_a_shared_stack_imports_its_export(
    dev: str, name: str, tmp_path: Path
) -> None:
    result = built(tmp_path, SHARES + OUTPUT, dev=f"stacks: {dev or '{}'}\n")
    assert result.findings == ()
    assert result.plan is not None
    (web,) = result.plan.stacks
    (container,) = web.rendering.body["Resources"]["TaskDefinition"]["Properties"][
        "ContainerDefinitions"
    ]
    assert container["Environment"] == [{"Name": "X", "Value": {"Fn::ImportValue": name}}]


def test_what_a_shared_existing_stack_refers_to_is_shared_as_well(tmp_path: Path) -> None:
    dev = """
stacks:
  other: {template: network}
  network:
    egress: null
    existing: {vpc: {stack: other, output: VpcId}, public_subnets: [subnet-01, subnet-02]}
  cluster: {namespace: null}
  public: {network: network}
  web: {network: network}
""".replace("subnet-0", "subnet-0123456789abcdef")
    preview = "shares: {env: dev, stacks: [network, cluster, public]}\n"
    result = built(tmp_path, preview + "stacks: {web: {network: network}}\n", dev=dev)
    assert [finding.message for finding in result.findings] == []
    assert result.plan is not None
    (web,) = result.plan.stacks
    group = web.rendering.body["Resources"]["SecurityGroup"]["Properties"]
    assert group["VpcId"] == {"Fn::ImportValue": "shop-dev-other-VpcId"}


def test_roles_for_deployments_cannot_change_shared_stacks(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(BASE)
    (tmp_path / "dev.yaml").write_text("stacks: {}\n")
    roles = "stacks: {deployment: {template: deployment_role}}\n"
    (tmp_path / "staging.yaml").write_text(SHARES + roles)
    plan = build(tmp_path, "staging", TEMPLATES).plan
    assert plan is not None
    body = plan.stacks[0].rendering.text
    assert "stack/shop-staging-web/*" in body
    assert "stack/shop-dev-" not in body


def test_the_page_about_previews_shows_the_golden_case() -> None:
    page = Path("docs/previews.md").read_text()
    for file in Path("tests/golden/preview/params").iterdir():
        assert f"```yaml\n# params/{file.name}\n{file.read_text()}```" in page
