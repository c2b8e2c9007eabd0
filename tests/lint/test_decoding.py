"""Templates with keys that are written twice."""

from __future__ import annotations

import pytest

from moorage.pipeline.check import check_texts

FILES = """\
Resources:
  Files:
    Type: AWS::EFS::FileSystem
    Properties:
      Encrypted: true
      Encrypted: false
      KmsKeyId: arn:aws:kms:eu-west-1:123456789012:key/12345678-1234-1234-1234-123456789012
  Files2:
    Type: AWS::EFS::FileSystem
    Properties: {Encrypted: !Ref On, Encrypted: true, KmsKeyId: alias/files}
"""
AS_JSON = """\
{"Resources": {"Files": {"Type": "AWS::EFS::FileSystem", "Properties":
{"Encrypted": true,
"Encrypted": false,
"KmsKeyId": "alias/files"}}}}
"""


def findings(text: str) -> list[tuple[int, str]]:
    found = check_texts({"t.yaml": text}, "eu-west-1")
    return [(finding.place.line, finding.code) for finding in found if finding.level == "error"]


def test_everything_else_is_checked_with_the_last_of_equal_keys() -> None:
    assert findings(FILES) == [
        (5, "E0000"),
        (6, "E0000"),
        (6, "E9851"),
        (10, "E0000"),
        (10, "E0000"),
    ]


def test_json_is_checked_as_well() -> None:
    assert findings(AS_JSON) == [(2, "E0000"), (3, "E0000"), (3, "E9851")]


@pytest.mark.parametrize(
    "more", ["  ? [a]\n  : 1\n", "  Other: *unknown\n", "  Other: !GetAtt {\n"]
)
def test_what_cannot_be_read_has_only_the_errors_of_reading(more: str) -> None:
    assert {code for _, code in findings(FILES + more)} == {"E0000"}


def test_aliases_are_not_expanded_without_limit() -> None:
    levels = "".join(
        f"  L{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" if n else "  L0: &l0 [x]\n"
        for n in range(12)
    )
    assert {code for _, code in findings(FILES + "Metadata:\n" + levels)} == {"E0000"}
