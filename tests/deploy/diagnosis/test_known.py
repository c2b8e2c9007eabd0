"""The table of known failures: complete, with sources, and found by AWS's own messages."""

from __future__ import annotations

import re
from pathlib import Path

import botocore.session
import yaml

from moorage.deploy.diagnosis.known import KNOWN
from moorage.deploy.diagnosis.known.known_failure import normalize
from moorage.deploy.diagnosis.known.load_balancing import NOT_A_FAILURE
from moorage.deploy.diagnosis.matching import find_by_exit_code, find_by_key, find_known
from moorage.deploy.diagnosis.params_place import PARAMS
from moorage.findings.codes import CODES
from moorage.rules.registry import RULES

MESSAGES: dict[str, list[str]] = yaml.safe_load(
    Path(__file__).with_name("aws_messages.yaml").read_text()
)


def test_messages_of_aws_are_known() -> None:
    found = {message: find_known(message) for of_one in MESSAGES.values() for message in of_one}
    assert {message: known.id if known else None for message, known in found.items()} == {
        message: known for known, of_one in MESSAGES.items() for message in of_one
    }


def test_a_known_failure_is_complete() -> None:
    for known in KNOWN:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", known.id), known.id
        for text in (known.title, known.meaning, known.check):
            assert text.endswith((".", "`.")), known.id
            assert "  " not in text, known.id
        assert len(known.title) <= 100, known.id
        assert known.sources, known.id
        assert all(known.sources), known.id
        assert known.messages or known.keys, known.id
        assert {*known.properties} <= PARAMS.keys(), known.id


def test_a_known_failure_can_be_found() -> None:
    """By each of its texts and codes: no other failure hides it."""
    for known in KNOWN:
        assert not known.messages or known.id in MESSAGES, f"{known.id}: add its message"
        for text in known.messages:
            assert known.fit(normalize(text.replace("...", "a name"))) > 0, f"{known.id}: {text}"
        for key in known.keys:
            assert find_by_key(key) is known, key


def test_codes_of_moorage_exist() -> None:
    ids = {rule.id for rule in RULES} | CODES.keys()
    assert {code for known in KNOWN for code in known.codes} <= ids


def test_ids_and_keys_are_unique() -> None:
    ids = [known.id for known in KNOWN]
    keys = [key for known in KNOWN for key in known.keys]
    assert len(ids) == len(set(ids)) >= 100
    assert len(keys) == len(set(keys))


def test_what_a_rule_finds_is_known_when_it_happens() -> None:
    """Each message that a rule names leads to the rule."""
    for rule in RULES:
        for message in rule.error_messages:
            if not message.startswith("(in substance)"):
                known = find_known(message)
                assert known is not None, message
                assert rule.id in known.codes, message


def test_messages_without_a_failure_are_not_known() -> None:
    for message in (
        "",
        "(service web) has reached a steady state.",
        "(service web) has started 2 tasks: (task 0a1b) (task 2c3d).",
        "(service web) registered 1 targets in (target-group arn:aws:x)",
        "ECS deployment ecs-svc/1 in progress.",
        "Resource creation Initiated",
    ):
        assert find_known(message) is None, message


def test_every_exit_code_has_a_meaning() -> None:
    for code in (0, 1, 2, 125, 126, 127, 134, 137, 139, 143, 255):
        assert find_by_exit_code(code).id == f"exit-{code}"
    assert find_by_exit_code(42).id == "exit-other"


def test_every_reason_code_of_a_target_has_a_meaning() -> None:
    """Those of botocore's model of Elastic Load Balancing."""
    model = botocore.session.get_session().get_service_model("elbv2")
    for reason in model.shape_for("TargetHealthReasonEnum").enum:
        assert reason in NOT_A_FAILURE or find_by_key(reason) is not None, reason


def test_the_error_codes_of_resource_handlers_are_those_of_cloudformation() -> None:
    model = botocore.session.get_session().get_service_model("cloudformation")
    begin = "HandlerErrorCode: "
    texts = [text for known in KNOWN for text in known.messages if text.startswith(begin)]
    assert texts
    assert {text.removeprefix(begin) for text in texts} <= {
        *model.shape_for("HandlerErrorCode").enum
    }


def test_stop_codes_are_those_of_ecs() -> None:
    codes = {"SpotInterruption", "TerminationNotice", "InfrastructureHealth"}
    model = botocore.session.get_session().get_service_model("ecs")
    assert codes < {*model.shape_for("TaskStopCode").enum}
    assert all(find_by_key(code) is not None for code in codes)


def test_every_error_code_of_codedeploy_for_ecs_is_in_its_model() -> None:
    model = botocore.session.get_session().get_service_model("codedeploy")
    known = {key for known in KNOWN if known.id.startswith("codedeploy") for key in known.keys}
    assert known <= {*model.shape_for("ErrorCode").enum}
