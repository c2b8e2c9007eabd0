"""What a deployment needs where names of resources are made of each other."""

from __future__ import annotations

import pytest

from moorage.cfn.deployment_permissions import build_view, collect_needs


@pytest.mark.parametrize("count", [1, 500])
def test_a_circle_of_names_is_an_unknown_name(count: int) -> None:
    resources = {
        f"B{number}": {
            "Type": "AWS::S3::Bucket",
            "Properties": {"BucketName": {"Ref": f"B{(number + 1) % count}"}},
        }
        for number in range(count)
    }
    needs = collect_needs(build_view({"t": {"Resources": resources}}), {"t": "app-t"})
    created = [each.resource for each in needs.permissions if each.action == "s3:CreateBucket"]
    assert created == ["arn:${AWS::Partition}:s3:::*"]
