"""`check` of the cloud assembly that `cdk synth` writes: tests/cdk/cdk.out, from app.js."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any

import pytest
from command_line import main

from moorage.findings.finding import Finding
from moorage.findings.report import FORMATS
from moorage.lint.settings import find_settings
from moorage.pipeline.check_files import check_assembly
from moorage.pipeline.cloud_assembly import read_assembly

ASSEMBLY = Path(__file__).parent / "cdk.out"
LISTED = {
    "Network.template.json",
    "Web.template.json",
    "Jobs.template.json",
    "Outer.template.json",
    "assembly-Prod/ProdNetwork2D2E7D69.template.json",
    "assembly-Prod/ProdWebF45B1510.template.json",
}

Resources = dict[str, Any]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    shutil.copytree(ASSEMBLY, tmp_path / "cdk.out")
    return tmp_path


@contextmanager
def edit(file: Path) -> Iterator[Resources]:
    template = json.loads(file.read_text())
    yield template["Resources"]
    file.write_text(json.dumps(template, indent=1))


def check(home: Path, capsys: pytest.CaptureFixture[str], name: str = "cdk.out") -> list[Any]:
    """The findings about an assembly."""
    with chdir(home):
        main(["check", name, "--format", "json"])
    findings: list[Any] = json.loads(capsys.readouterr().out)
    return findings


def of_type(resources: Resources, end: str) -> list[str]:
    return [name for name, resource in resources.items() if resource["Type"].endswith(end)]


# Correct apps --------------------------------------------------------------------------------


def test_a_correct_app_has_no_findings(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with chdir(home):
        assert main(["check", "cdk.out"]) == 0
    assert capsys.readouterr().out == "checked cdk.out: no findings\n"


def test_stacks_are_grouped_by_account_and_region() -> None:
    groups, findings = read_assembly(ASSEMBLY)
    assert findings == []
    stacks = [
        {str(Path(source.file).relative_to(ASSEMBLY)) for source in group} for group in groups
    ]
    assert set.union(*stacks) == LISTED
    assert stacks == [
        {"Network.template.json", "Web.template.json", "Jobs.template.json"},
        {"Outer.template.json"},
        {name for name in LISTED if name.startswith("assembly-Prod")},
    ]
    known = [{(source.account, source.region) for source in group} for group in groups]
    assert known == [{(None, None)}, {(None, None)}, {("111122223333", "eu-central-1")}]


# Faults --------------------------------------------------------------------------------------


def remove_ingress_rules(cdk_out: Path) -> None:
    with edit(cdk_out / "Web.template.json") as resources:
        for name in of_type(resources, "SecurityGroupIngress"):
            del resources[name]


def remove_nat_routes(cdk_out: Path) -> None:
    with edit(cdk_out / "Outer.template.json") as resources:
        for name in of_type(resources, "EC2::Route"):
            if "NatGatewayId" in resources[name]["Properties"]:
                del resources[name]


def use_private_subnets(cdk_out: Path) -> None:
    with edit(cdk_out / "OuterInner590FD8F7.nested.template.json") as resources:
        (service,) = of_type(resources, "ECS::Service")
        network = resources[service]["Properties"]["NetworkConfiguration"]["AwsvpcConfiguration"]
        (load_balancer,) = of_type(resources, "V2::LoadBalancer")
        resources[load_balancer]["Properties"]["Subnets"] = network["Subnets"]


def use_another_region(cdk_out: Path) -> None:
    with edit(cdk_out / "assembly-Prod/ProdWebF45B1510.template.json") as resources:
        (task,) = of_type(resources, "ECS::TaskDefinition")
        container = resources[task]["Properties"]["ContainerDefinitions"][0]
        container["LogConfiguration"]["Options"]["awslogs-region"] = "us-east-1"


def remove_routes_of_the_shared_network(cdk_out: Path) -> None:
    with edit(cdk_out / "Network.template.json") as resources:
        for name in of_type(resources, "EC2::Route"):
            if "NatGatewayId" in resources[name]["Properties"]:
                del resources[name]


FAULTS = (
    remove_ingress_rules,
    remove_nat_routes,
    use_private_subnets,
    use_another_region,
    remove_routes_of_the_shared_network,
)


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> list[Finding]:
    """The findings about the assembly with all faults."""
    home = tmp_path_factory.mktemp("cdk")
    shutil.copytree(ASSEMBLY, home / "cdk.out")
    for spoil in FAULTS:
        spoil(home / "cdk.out")
    with chdir(home):
        found = check_assembly(Path("cdk.out"), find_settings())
    for finding in found:
        line = (home / finding.place.file).read_text().splitlines()[finding.place.line - 1]
        assert f'"{finding.path[-1]}"' in line
    return [finding for finding in found if finding.code != "W2001"]


def test_faults_are_found_at_their_constructs(findings: list[Finding]) -> None:
    lines = (ASSEMBLY.parent / "app.js").read_text().splitlines()
    found = {
        (item.code, item.construct, lines[item.created_at.line - 1].split("(")[0].split()[-1])
        for item in findings
        if item.created_at is not None
    }
    balanced = "patterns.ApplicationLoadBalancedFargateService"
    assert found == {
        ("E9690", "Web/Web/Service/SecurityGroup/Resource", balanced),
        ("E9605", "Outer/Inner/Api/Service/Service", balanced),
        ("E9405", "Outer/Inner/Api/LB/Resource", balanced),
        ("W9840", "Prod/Web/Web/TaskDef/Resource", balanced),
        # The stage has a network of its own; these import that of Network.
        ("E9605", "Web/Web/Service/Service", balanced),
        ("E9605", "Jobs/Tcp/Service/Service", "patterns.NetworkLoadBalancedFargateService"),
        (
            "E9605",
            "Jobs/Worker/QueueProcessingFargateService/Service",
            "patterns.QueueProcessingFargateService",
        ),
    }
    # The role may write to the log group of its own region only. Its policy has no line of the app.
    others = [(item.code, item.construct) for item in findings if item.created_at is None]
    assert others == [("E9765", "Prod/Web/Web/TaskDef/ExecutionRole/DefaultPolicy/Resource")]


def test_reports_name_the_construct(findings: list[Finding]) -> None:
    (finding,) = (item for item in findings if item.code == "E9405")
    assert "(construct Outer/Inner/Api/LB/Resource, created at app.js:" in FORMATS["text"](
        [finding]
    )
    (as_json,) = json.loads(FORMATS["json"]([finding]))
    assert as_json["construct"] == finding.construct
    assert as_json["created_at"]["file"] == "app.js"
    (run,) = json.loads(FORMATS["sarif"]([finding]))["runs"]
    (result,) = run["results"]
    names = [name["fullyQualifiedName"] for name in result["locations"][0]["logicalLocations"]]
    assert names == ["Resources.ApiLB8D4BD609.Properties.Subnets", finding.construct]
    (related,) = result["relatedLocations"]
    assert related["physicalLocation"]["artifactLocation"]["uri"] == "app.js"


def test_a_template_alone_has_the_construct_from_its_metadata(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    remove_ingress_rules(home / "cdk.out")
    (finding,) = check(home, capsys, "cdk.out/Web.template.json")
    assert finding["construct"] == "Web/Web/Service/SecurityGroup/Resource"
    assert "created_at" not in finding


# Assemblies that cannot be read --------------------------------------------------------------


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ("{", "it is not JSON"),
        ("[]", "it is not a map"),
        ("{}", "it has no map `artifacts`"),
        ('{"artifacts": []}', "it has no map `artifacts`"),
        ("[" * 100_000, "it is not JSON"),
        (
            '{"artifacts": {"Web": {"type": "aws:cloudformation:stack"}}}',
            "the template of stack `Web` does not exist",
        ),
        (
            '{"artifacts": {"Prod": {"type": "cdk:cloud-assembly", '
            '"properties": {"directoryName": "."}}}}',
            "it contains itself, or too many stages",
        ),
    ],
)
def test_unreadable_assemblies(
    manifest: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cdk.out").mkdir()
    (tmp_path / "cdk.out/manifest.json").write_text(manifest)
    (finding,) = check(tmp_path, capsys)
    assert finding["code"] == "M1024"
    assert words in finding["message"]


def test_artifacts_of_other_kinds_are_ignored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cdk.out").mkdir()
    artifacts = {"a": None, "b": 1, "c": {"type": "cdk:asset-manifest"}, "d": {"type": ["x"]}}
    (tmp_path / "cdk.out/manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    assert check(tmp_path, capsys) == []


def test_two_versions_of_an_assembly_are_not_compared(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with chdir(home):
        assert main(["check", "cdk.out", "--against", "HEAD"]) == 2
    assert "--against compares templates" in capsys.readouterr().err
