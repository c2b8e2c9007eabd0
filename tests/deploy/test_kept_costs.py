"""The prices on the page about deletions are those that the command shows."""

from __future__ import annotations

import re
from pathlib import Path

from moorage.facts.kept_costs import KEPT_COSTS, PRICES_REGION

PAGE = Path("docs/deploy/destroy.md")
NAMES = {
    "log groups": "AWS::Logs::LogGroup",
    "repositories": "AWS::ECR::Repository",
    "file systems": "AWS::EFS::FileSystem",
    "buckets": "AWS::S3::Bucket",
    "tables": "AWS::DynamoDB::Table",
    "Elastic IPs": "AWS::EC2::EIP",
    "KMS keys": "AWS::KMS::Key",
    "snapshots of DB instances": "AWS::RDS::DBInstance",
}


def test_the_page_has_the_prices_of_the_table() -> None:
    text = PAGE.read_text()
    assert f"| resource | what is charged | in {PRICES_REGION} |" in text
    rows = re.findall(r"^\| ([^|]*) \| each [^|]* \| (\S+) \|$", text, re.MULTILINE)
    assert {NAMES[name]: price for name, price in rows} == {
        kind: cost.price for kind, cost in KEPT_COSTS.items() if cost.price
    }
