"""What AWS charges for a resource that stays when its stack is deleted.

Units are those of the services' pricing pages. Figures are for us-east-1 in US dollars; other
regions have others, and all of them change.
"""

from __future__ import annotations

from collections.abc import Mapping

from moorage.records import record


@record
class KeptCost:
    """What is charged for a resource of a type."""

    unit: str
    """What is counted, as the end of `charged by`; empty if the resource is free of charge."""
    price: str = ""
    """The price of a unit in us-east-1; empty where no single price is known."""


KEPT_COSTS: Mapping[str, KeptCost] = {
    # Amazon ECR pricing, as cloudburn.io/blog/amazon-ecr-pricing has it for March 2026.
    "AWS::ECR::Repository": KeptCost("the GB-month of its images", "$0.10"),
    # Amazon EFS pricing, "GB-Months": the Standard storage class. sst.dev/docs/component/aws/efs
    # has the same price for us-east-1. Other storage classes and throughput have other prices.
    "AWS::EFS::FileSystem": KeptCost("the GB-month of its files", "$0.30"),
    # Amazon S3 pricing, S3 Standard up to 50 TB, as zeonedge.com has it for us-east-1 on
    # 2026-04-09. Every version of an object is charged (Amazon S3 FAQs, "Billing").
    "AWS::S3::Bucket": KeptCost("the GB-month of its objects in all versions", "$0.023"),
    # Amazon DynamoDB pricing, data storage, as aws.amazon.com/dynamodb/pricing has it. Requests and
    # backups are charged besides.
    "AWS::DynamoDB::Table": KeptCost("the GB-month of its items and indexes", "$0.25"),
    # Amazon CloudWatch pricing, Logs, standard class, as c3x.dev has it for us-east-1 in June 2026.
    "AWS::Logs::LogGroup": KeptCost("the GB-month of its events", "$0.03"),
    # Amazon EC2 user guide, "Elastic IP addresses": in use or idle. The price is that of the
    # announcement of July 2023, the same in all regions.
    "AWS::EC2::EIP": KeptCost("the hour, in use or idle", "$0.005"),
    # AWS KMS pricing, "Key Storage": until it is deleted. The price as cloudburn.io has it for
    # March 2026.
    "AWS::KMS::Key": KeptCost("the month until it is deleted", "$1"),
    # Amazon RDS pricing, "Backup storage": the snapshot of a database that is deleted. The price as
    # druva.com/blog/4-things-you-should-know-about-your-aws-backup-bill has it.
    "AWS::RDS::DBInstance": KeptCost("the GB-month of its snapshot", "$0.095"),
    "AWS::RDS::DBCluster": KeptCost("the GB-month of its snapshot"),
    # Amazon ECS pricing: charged are the resources that tasks use.
    "AWS::ECS::Cluster": KeptCost(""),
    "AWS::ECS::TaskDefinition": KeptCost(""),
}
"""By the type of the resource."""

PRICES_REGION = "us-east-1"
