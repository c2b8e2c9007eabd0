"""The findings of AWS's engine: what is reported, where, and once; what templates cannot do."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from rules.corpus import cases

from moorage.findings.finding import Finding, Level, Place
from moorage.findings.finding import Path as TemplatePath
from moorage.last_run.observer import Observer, observe
from moorage.lint import engine_client
from moorage.lint.aws_engine import Validation, engine_page, find_new, known_ids
from moorage.lint.decoding import decode_template
from moorage.lint.engine_rules import LEFT_OUT, ids_of, reported_id
from moorage.lint.findings_cache import FindingsCache
from moorage.lint.installation import Installation
from moorage.lint.linter import Linter
from moorage.lint.settings import LintSettings
from moorage.lint.workers import Workers
from moorage.pipeline.check import check_texts

MISSPELLED = """\
Resources:
  Bucket:
    Type: AWS::S3::Bucket
    Metadata: {}
    Properties:
      BucketNam: orders
"""
EMPTY = "Resources: {}\n"
"""CloudFormation refuses a template without resources; cfn-lint does not."""
OPEN_TO_ALL = """\
Resources:
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: Anything
      SecurityGroupIngress:
        - {IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: 0.0.0.0/0}
"""


def validate(text: str, region: str | None = None, account: str | None = None) -> list[Finding]:
    body, _ = decode_template(text)
    return [*Validation([(text, body)], region, account).result()[0]]


def codes(findings: list[Finding]) -> list[str]:
    return [finding.code for finding in findings]


def place(text: str, code: str) -> tuple[TemplatePath, int]:
    """Path and line of the only finding with a code."""
    (finding,) = [finding for finding in validate(text) if finding.code == code]
    return finding.path, finding.place.line


# What is reported ----------------------------------------------------------------------------


def test_a_finding_has_its_place_its_level_and_what_to_do() -> None:
    assert validate(OPEN_TO_ALL) == [
        Finding(
            code="W2508",
            level="warning",
            place=Place("", 6),
            path=("Resources", "Group", "Properties", "SecurityGroupIngress"),
            message="Security group allows 0.0.0.0/0 access to sensitive port 22 (range 22-22)",
            hint="Restrict the CIDR range to specific IP addresses.",
        )
    ]


def test_what_cloudformation_refuses_is_an_error() -> None:
    (finding,) = validate(MISSPELLED)
    assert (finding.code, finding.level) == ("F3002", "error")
    assert finding.path == ("Resources", "Bucket", "Properties", "BucketNam")


def test_advice_and_information_are_left_out() -> None:
    instance = "{Type: AWS::EC2::Instance, Properties: {ImageId: ami-0123456789abcdef0}}"
    assert validate(f"Resources: {{Host: {instance}}}") == []


@pytest.mark.parametrize("value", ["Bearer ${env:TOKEN}", "${dollar}", "$${A}"])
def test_braces_outside_of_sub_are_plain_text(value: str) -> None:
    function = f"{{Environment: {{Variables: {{CONFIG: '{value}'}}}}, Role: !Ref Role}}"
    role = "{AssumeRolePolicyDocument: {Version: '2012-10-17', Statement: []}}"
    text = (
        f"Resources:\n  Role: {{Type: AWS::IAM::Role, Properties: {role}}}\n"
        f"  Worker: {{Type: AWS::CodeBuild::Project, Properties: {function}}}\n"
    )
    assert "E1029" not in codes(validate(text))


def test_the_names_of_a_template_in_braces_are_reported_by_cfn_lint() -> None:
    text = """\
Parameters: {Name: {Type: String}}
Resources: {Bucket: {Type: AWS::S3::Bucket, Properties: {BucketName: "a-${Name}"}}}
"""
    assert "E1029" in codes(check_texts({"t.yaml": text}))


def test_a_major_version_of_a_database_is_accepted() -> None:
    database = (
        "{Engine: mysql, EngineVersion: '8.0', DBInstanceClass: db.t4g.micro, "
        "AllocatedStorage: '20', ManageMasterUserPassword: true, MasterUsername: admin}"
    )
    text = f"Resources: {{Database: {{Type: AWS::RDS::DBInstance, Properties: {database}}}}}"
    assert [finding for finding in validate(text) if finding.level == "error"] == []


def test_resources_of_a_module_are_known_to_cloudformation() -> None:
    queue = "{Type: AWS::SQS::Queue, DependsOn: MQueue, Properties: {QueueName: %s}}"
    names = ["!Ref M.Queue", "!Ref MQueue", "!GetAtt MQueue.Arn", "!Sub '${MQueue.Arn}'"]
    queues = "".join(f"  Q{number}: {queue % name}\n" for number, name in enumerate(names))
    outputs = "Outputs: {O: {Value: !Sub '${MQueue.Arn}'}, P: {Value: !GetAtt MQueue.Arn}}\n"
    text = f"Resources:\n{queues}  M: {{Type: My::Own::Queue::MODULE}}\n{outputs}"
    assert validate(text) == []
    assert {"F1018", "F1020", "E3005", "F6101"} == {*codes(validate(text.replace("MODULE", "X")))}


def test_a_template_can_have_any_number_of_conditions() -> None:
    conditions = ", ".join(f"C{number}: !Equals [!Ref P, a]" for number in range(201))
    resources = "Resources: {Q: {Type: AWS::SQS::Queue}}"
    text = f"Parameters: {{P: {{Type: String}}}}\nConditions: {{{conditions}}}\n{resources}"
    assert [each for each in validate(text) if each.level == "error"] == []


def test_the_region_decides_what_there_is() -> None:
    text = "Resources: {Group: {Type: AWS::GameLift::GameServerGroup}}"
    found = {region: codes(validate(text, region)) for region in ("us-east-1", "ap-southeast-6")}
    assert "F3006" not in found["us-east-1"]
    assert "F3006" in found["ap-southeast-6"]


def test_the_account_is_known() -> None:
    text = """\
Resources:
  Topic:
    Type: AWS::SNS::Topic
    Properties: {TopicName: !If [IsProd, [], orders]}
Conditions: {IsProd: !Equals [!Ref "AWS::AccountId", "111122223333"]}
"""
    assert codes(validate(text, "eu-west-1", "111122223333")) == ["F3012"]
    assert codes(validate(text, "eu-west-1", "444455556666")) == []


def test_a_message_names_the_condition_under_which_it_is_true() -> None:
    text = """\
Conditions: {IsLarge: !Equals [!Ref "AWS::Region", eu-west-1]}
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties: {DelaySeconds: !If [IsLarge, 100000, 1]}
"""
    (finding,) = validate(text)
    assert finding.message.startswith("If the condition `IsLarge` is true: ")
    assert finding.path == ("Resources", "Queue", "Properties", "DelaySeconds")


def test_long_messages_are_cut_and_secrets_hidden() -> None:
    value = "x" * 2000
    text = f"Resources: {{Q: {{Type: AWS::SQS::Queue, Properties: {{DelaySeconds: {value}}}}}}}"
    (finding,) = validate(text)
    assert len(finding.message) < 310
    assert finding.message.endswith("...")


# Places --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code", "path", "line"),
    [
        ("Resources:\n  Q:\n    Type: AWS::SQS::Nothing\n", "F3006", ("Resources", "Q"), 2),
        (
            "Parameters:\n  A:\n    Type: Text\n" + MISSPELLED,
            "F2002",
            ("Parameters", "A", "Type"),
            3,
        ),
        ("Nothing: {}\n" + MISSPELLED, "F0005", ("Nothing",), 1),
        (
            "Resources:\n  T:\n    Type: AWS::SNS::Topic\n    Properties:\n      Tags:\n"
            "        - {Key: a, Value: b}\n        - {Key: a, Value: [b]}\n",
            "F3012",
            ("Resources", "T", "Properties", "Tags", 1, "Value"),
            7,
        ),
        (
            "Resources:\n  B:\n    Type: AWS::S3::Bucket\n    Properties:\n      a.b: 1\n",
            "F3002",
            ("Resources", "B", "Properties", "a.b"),
            4,  # where the engine thinks that it is
        ),
    ],
)
def test_a_place_is_that_of_the_template(
    text: str, code: str, path: TemplatePath, line: int
) -> None:
    found = place(text, code)
    assert (found[0][: len(path)], found[1]) == (path, line)


# Once, and not where it is ignored -----------------------------------------------------------


def test_what_cfn_lint_reports_too_is_reported_once() -> None:
    assert codes(check_texts({"t.yaml": MISSPELLED})) == ["E3002"]


def test_what_only_the_engine_reports_is_reported_with_its_file() -> None:
    (finding,) = check_texts({"t.yaml": EMPTY})
    assert (finding.code, finding.level, finding.place.file) == ("F0001", "error", "t.yaml")


QUEUE = "{Type: AWS::SQS::Queue, Properties: {QueueName: %s}}"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (f"Resources: {{Q: {QUEUE % '!GetAtt Gone.Arn'}}}", "E1010"),
        (f"Resources: {{Q: {QUEUE % '!Join [a, [!GetAtt Gone.Arn]]'}}}", "E1022"),
        (f"Resources: {{Q: {QUEUE % '!Sub [$(a), {a: !GetAtt Gone.Arn}]'}}}", "E1019"),
        ("Resources: {Q: {Type: AWS::SQS::Queue, Condition: Gone}}", "E3015"),
        ("Conditions: {A: !Not [!Condition Gone]}\n" + EMPTY, "E8005"),
        (EMPTY + "Outputs: {O: {Value: a, Condition: Gone}}", "E6005"),
        (EMPTY + "Outputs: {Q: {Value: a, Condition: Gone}}", "E6005"),
        (f"Description: {'a' * 1025}\n{EMPTY}", "E1003"),
        (EMPTY + f"Outputs: {{{', '.join(f'O{n}: {{Value: a}}' for n in range(201))}}}", "E6010"),
        (EMPTY + "Rules: text", "E1700"),
    ],
)
def test_the_same_mistake_is_reported_once_where_the_ids_differ(text: str, code: str) -> None:
    filled = text.replace(EMPTY, "Resources: {Q: {Type: AWS::SQS::Queue}}\n").replace(
        "$(a)", "'${a}'"
    )
    found = {each.code for each in check_texts({"t.yaml": filled}) if each.level == "error"}
    assert found - {"E1001"} == {code}  # E1001 says of Rules the same as E1700


def test_a_finding_about_an_output_is_placed_there() -> None:
    text = "Resources:\n  O: {Type: AWS::SQS::Queue}\nOutputs:\n  O: {Value: a, Condition: Gone}\n"
    assert place(text, "E6005") == (("Outputs", "O"), 4)


def finding(code: str, path: str, level: Level = "error") -> Finding:
    steps = tuple(int(step) if step.isdecimal() else step for step in path.split("."))
    return Finding(code, level, Place("t.yaml", 1), steps, "")


@pytest.mark.parametrize(
    ("others", "is_new"),
    [
        ([], True),
        ([finding("E3012", "Resources.A.Properties.B")], False),
        ([finding("E3012", "Resources.A.Properties.B.Fn::If.1.C")], False),
        ([finding("E3012", "Resources.A.Properties.C")], True),
        ([finding("E3030", "Resources.A.Properties.B.C")], False),
        ([finding("E3030", "Resources.A.Properties.B.C.0.D")], False),
        ([finding("E3030", "Resources.A.Properties")], True),
        ([finding("W3030", "Resources.A.Properties.B.C", "warning")], True),
    ],
)
def test_the_same_mistake_is_known_by_its_rule_or_its_place(
    others: list[Finding], is_new: bool
) -> None:
    ours = finding("F3012", "Resources.A.Properties.B.C")
    assert find_new([ours], others) == ([ours] if is_new else [])


def test_many_findings_are_compared_in_little_time() -> None:
    ours = [finding("F3012", f"Resources.A.Properties.B.{number}") for number in range(20_000)]
    others = [finding("E3012", f"Resources.A.Properties.C.{number}") for number in range(20_000)]
    assert find_new(ours, others) == ours  # pair by pair, this would take minutes
    assert find_new(ours, ours) == []


@pytest.mark.parametrize("code", ["F3002", "E3002"])
def test_a_resource_can_ignore_a_finding_by_either_id(code: str) -> None:
    metadata = f"Metadata: {{cfn-lint: {{config: {{ignore_checks: [{code}]}}}}}}"
    assert validate(MISSPELLED.replace("Metadata: {}", metadata)) == []
    assert codes(validate(f"{metadata}\n{MISSPELLED}")) == []


@pytest.mark.parametrize(("ignored", "found"), [("F0001", []), ("E1001", []), ("F1", ["F0001"])])
def test_settings_of_cfn_lint_ignore_findings_of_the_engine(
    ignored: str, found: list[str], tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".cfnlintrc").write_text(f"ignore_checks: [{ignored}]\n")
    assert codes(check_texts({"t.yaml": EMPTY})) == found


# Rules ---------------------------------------------------------------------------------------


def test_rules_have_pages_and_ids_that_no_other_rule_has() -> None:
    assert "Additional properties" in (engine_page("F3002") or "")
    assert "Its id in the engine is E9014" in (engine_page("F9014") or "")
    assert "It is not reported: CloudFormation replaces" in (engine_page("E1029") or "")
    assert engine_page("E9014") is None  # a rule of Moorage
    assert {"F3002", "F9014", "E3002", "E9014"} <= {*known_ids(LintSettings(), Linter())}


def test_the_rules_that_are_left_out_exist() -> None:
    assert [rule for rule in LEFT_OUT if engine_page(reported_id(rule)) is None] == []


def test_correct_templates_have_no_errors_that_cfn_lint_does_not_report() -> None:
    """The correct templates of the rules' tests have short ids of AWS and some other liberties."""
    liberties = {"E1150", "E1151", "E1154", "E3003", "E3031", "E3033", "E1001", "E3002"}
    regions: dict[str | None, dict[str, Mapping[str, Any]]] = {}
    for case in cases():
        regions.setdefault(case.region, {})[json.dumps(case.good)] = case.good
    for region, templates in regions.items():
        for found in Validation([*templates.items()], region).result():
            new = [f for f in found if f.level == "error" and not liberties & {*ids_of(f.code)}]
            assert [f for f in new if f.path[3:5] not in OTHER_IDS] == []


OTHER_IDS = {("KmsKeyId",), ("DeploymentConfiguration", "LinearConfiguration")}
"""Properties for which cfn-lint has other ids (E3031, E3002) than the engine (F3017, F3034)."""


# Untrusted templates -------------------------------------------------------------------------

CHOICES = {
    f"P{number}": {"Type": "String", "Default": "0", "AllowedValues": [*map(str, range(50))]}
    for number in range(20)
}
MANY_VALUES = json.dumps(
    {
        "Parameters": CHOICES,
        "Resources": {
            "Bucket": {
                "Type": "AWS::S3::Bucket",
                "Properties": {"BucketName": {"Fn::Sub": "".join(f"${{{n}}}" for n in CHOICES)}},
            }
        },
    }
)
"""50 values to the power of 20, which the engine would list."""


def test_a_template_that_needs_all_memory_is_left_out_and_the_others_are_not() -> None:
    texts = [MISSPELLED, MANY_VALUES, OPEN_TO_ALL]
    templates = [(text, decode_template(text)[0]) for text in texts]
    assert [*map(codes, map(list, Validation(templates).result()))] == [["F3002"], [], ["W2508"]]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "x",
        "Resources: []",
        "Resources: {A: 1}",
        "Resources: {A: {Type: [x], Properties: 1}}",
        "Resources: {A: {Type: AWS::S3::Bucket, Properties: {Tags: !!binary abc}}}",
        "Resources: {A: {Type: AWS::S3::Bucket}, A: {Type: AWS::S3::Bucket}}",
        "Resources: {A: !!python/object/apply:os.system [ls]}",
        "a: &a [*a]\nResources: {A: {Type: AWS::S3::Bucket}}",
        "Resources: {A: {Type: AWS::S3::Bucket, ? [a] : b}}",
        "Resources: {A: {Type: AWS::S3::Bucket, Properties: {BucketName: \ud800}}}",
        "Resources: {A: {Type: AWS::S3::Bucket, Properties: "
        + "{a: " * 500
        + "1"
        + "}" * 500
        + "}}",
        "Transform: AWS::Serverless-2016-10-31\nGlobals: 1\nResources: {A: {Type: 1}}",
        "Transform: AWS::LanguageExtensions\nResources: {'Fn::ForEach::x': [1, 2]}",
    ],
)
def test_no_template_breaks_it(text: str) -> None:
    for body in (None, 1, [], {}, {"Resources": {"A": []}}):
        assert isinstance(Validation([(text, body)]).result(), list)
    assert codes(validate(MISSPELLED)) == ["F3002"]


def stop_engine() -> engine_client.EngineProcess:
    """The process of the engine, which is ready, and will answer nothing."""
    process = engine_client.ask_engine({}, 1)
    assert process is not None
    process.read()
    os.kill(process.id, signal.SIGSTOP)
    return process


def test_a_process_that_is_killed_is_started_again() -> None:
    process = stop_engine()
    assert engine_client.ask_engine({}, 1) is process
    os.kill(process.id, signal.SIGKILL)
    assert process.read() == []
    assert codes(validate(MISSPELLED)) == ["F3002"]


def test_findings_without_those_of_a_killed_process_are_not_kept(tmp_path: Path) -> None:
    """The system kills it when memory is short, say."""
    process = stop_engine()
    threading.Timer(0.1, os.kill, (process.id, signal.SIGKILL)).start()
    linter, observer = Linter(FindingsCache(tmp_path)), Observer("out", ())
    with observe(observer):
        assert check_texts({"t.yaml": EMPTY}, linter=linter) == []
    assert "moorage.incomplete" in observer.doubts
    assert codes(check_texts({"t.yaml": EMPTY}, linter=linter)) == ["F0001"]


def test_a_process_that_is_killed_before_it_is_ready_is_started_again() -> None:
    engine_client.close_engine()
    process = engine_client.ask_engine({}, 1)
    assert process is not None
    os.kill(process.id, signal.SIGKILL)
    assert process.read() == []
    assert codes(validate(MISSPELLED)) == ["F3002"]


def test_it_starts_early_where_most_templates_are_known(tmp_path: Path) -> None:
    engine_client.close_engine()
    engine_client._processes.clear()
    with Workers(2) as workers:
        linter = Linter(FindingsCache(tmp_path), workers)
        workers.start()
        linter.prepare_engine(1)
        assert engine_client._processes == {}, "cfn-lint comes first if nothing is known"
        assert linter.regions
        linter.prepare_engine(1000)
        assert engine_client._processes == {}, "both at once take too much memory"
        linter.prepare_engine(1)
        (process,) = engine_client._processes.values()
    assert codes(validate(MISSPELLED)) == ["F3002"]
    assert engine_client._processes[os.getpid()] is process


def test_it_is_ended_at_once_if_it_is_not_needed() -> None:
    engine_client.close_engine()
    engine_client._processes.clear()
    engine_client.start_engine()
    (process,) = engine_client._processes.values()
    engine_client.close_engine()
    assert process.was_killed
    assert codes(validate(MISSPELLED)) == ["F3002"]


def test_who_does_not_wait_for_answers_leaves_none_to_the_next() -> None:
    Validation([(EMPTY, {"Resources": {}})] * 3)
    assert codes(validate(MISSPELLED)) == ["F3002"]


PROGRAM = """
import json, sys
{before}
from moorage.lint.aws_engine import Validation
bodies = json.load(sys.stdin)
found = Validation([(json.dumps(body), body) for body in bodies]).result()
print(json.dumps([[finding.code for finding in findings] for findings in found]))
"""
CHANGED = """
from moorage.lint import engine_client
engine_client.PROGRAM = engine_client.PROGRAM.replace("main()", {change!r} + "main()")
"""
"""Changes what the process of the engine does before it answers."""
SMALL_LIMIT = CHANGED.format(
    change="from moorage.lint import engine_process; engine_process.MAX_SECONDS = 0.2\n"
)
TAGS = [{"Key": str(number), "Value": 1} for number in range(6000)]
LONG = {"Resources": {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"Tags": TAGS}}}}
"""A template that takes longer than that."""


def run(before: str, given: Any, folder: Path, program: str = PROGRAM) -> Any:
    """What a program prints that gets a value of JSON and does something `before`."""
    done = subprocess.run(
        [sys.executable, "-c", program.format(before=before)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_a_template_that_takes_too_long_is_left_out_and_the_others_are_not(tmp_path: Path) -> None:
    assert run(SMALL_LIMIT, [LONG, {"Resources": {}}], tmp_path) == [[], ["F0001"]]


TWO_VERSIONS = """
import json, sys
from pathlib import Path
{before}
from moorage.lint.aws_engine import Validation
from moorage.lint.engine_client import close_engine
from moorage.lint.findings_cache import FindingsCache
from moorage.lint.installation import Installation
from moorage.lint.linter import Linter

text, started = sys.stdin.read(), []
sys.addaudithook(lambda event, _: started.append(name) if event == "subprocess.Popen" else None)
for name in ("one", "one", "other", "other"):
    Path(name).mkdir(exist_ok=True)
    Path(name, "engine.py").write_text(name)
    linter = Linter(FindingsCache(Path("cache")), installation=Installation((Path(name),), ()))
    assert Validation([(text, json.loads(text))], linter=linter).result() == [()]
    close_engine()
print(json.dumps(started))
"""


def test_a_version_of_the_engine_gives_up_once_on_a_template(tmp_path: Path) -> None:
    assert run(SMALL_LIMIT, LONG, tmp_path, TWO_VERSIONS) == ["one", "other"]


NO_MEMORY = CHANGED.format(
    change="from moorage.lint import engine_process; import os\n"
    "engine_process._validate = lambda *_: os.abort()\n"
)


def test_that_a_process_got_no_memory_is_not_remembered(tmp_path: Path) -> None:
    """A limit of the shell (`ulimit -v`) can be lower than its own, and is gone in the next one."""
    assert run(NO_MEMORY, {"Resources": {}}, tmp_path, TWO_VERSIONS) == [
        *("one", "one"),
        *("other", "other"),
    ]


def test_without_the_engine_there_are_no_findings(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "cloudformation_validate.py").write_text("raise OSError('not for this machine')")
    bodies = [{"Resources": {}}]
    assert run("", bodies, tmp_path) == [["F0001"]]
    assert run(f"sys.path.insert(0, {str(other)!r})", bodies, tmp_path) == [[]]


UNKNOWN_IDS = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from moorage.lint.aws_engine import known_ids
from moorage.lint.findings_cache import FindingsCache
from moorage.lint.installation import Installation
from moorage.lint.linter import Linter
from moorage.lint.settings import LintSettings, find_unknown
settings = LintSettings(text="ignore_checks: [F3002, W2508, F3, X1, E99999]")
linter = Linter(FindingsCache(Path("cache")), installation=Installation((), ()))
print(*(each.message.split("`")[3] for each in find_unknown(settings, known_ids(settings, linter))))
"""


def test_without_the_engine_no_id_is_unknown_that_could_be_one_of_its(tmp_path: Path) -> None:
    """That there is none is not remembered, since its process may have been killed."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "cloudformation_validate.py").write_text("raise OSError('not for this machine')")
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", UNKNOWN_IDS, str(other)]
    unknown = subprocess.check_output(command, cwd=tmp_path, env=environ, text=True)
    assert unknown == "X1 E99999\n"
    linter = Linter(FindingsCache(tmp_path / "cache"), installation=Installation((), ()))
    assert "F3002" in known_ids(LintSettings(), linter)


def test_the_engine_opens_no_file_and_no_connection(tmp_path: Path) -> None:
    """The process has no descriptor left when it gets the template, and finds the same."""
    (tmp_path / "nested.yaml").write_text(MISSPELLED)
    include = {"Name": "AWS::Include", "Parameters": {"Location": "nested.yaml"}}
    nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "nested.yaml"}}
    code = {"CodeUri": ".", "Handler": "a.b", "Runtime": "python3.13"}
    function = {"Type": "AWS::Serverless::Function", "Properties": code}
    body = {
        "Transform": ["AWS::Serverless-2016-10-31", include],
        "Resources": {"Nested": nested, "Function": function, "Misspelled": {"Typ": 1}},
    }
    no_descriptors = CHANGED.format(
        change="""
import resource
from moorage.lint import engine_process
original = engine_process.answers
def answers(engine, request):
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    return original(engine, request)
engine_process.answers = answers
"""
    )
    found = run("", [body], tmp_path)
    assert found != [[]]
    assert run(no_descriptors, [body], tmp_path) == found
