"""What tasks use, deployed: addresses and permissions are those of the resources, and messages of a
topic reach the worker that subscribes."""

from __future__ import annotations

from pathlib import Path

from cloud import Cloud, built

PARAMS = """\
app: shop
region: eu-north-1
stacks:
  network: {egress: public}
  cluster: {}
  uploads: {template: bucket}
  orders: {template: table, partition_key: id, indexes: {by-state: {partition_key: state}}}
  events: {template: topic}
  web:
    template: service
    uses: {uploads: [read, write], orders: read, events: send}
    containers: {web: {image: "ecr:shop/web:1"}}
  mailer:
    template: worker
    queue: {topics: {events: {filter: {kind: [order]}}}}
    containers: {mailer: {image: "ecr:shop/mailer:1"}}
"""


def test_tasks_use_what_the_other_stacks_created(cloud: Cloud, tmp_path: Path) -> None:
    (tmp_path / "params").mkdir()
    (tmp_path / "params/dev.yaml").write_text(PARAMS)
    deployment = built(tmp_path / "params", "dev", cloud, tmp_path / "out")
    process = deployment.run()
    assert process.returncode == 0, process.stdout

    bucket = deployment.ids("uploads")["Bucket"]
    table = deployment.ids("orders")["Table"]
    topic = deployment.ids("events")["Topic"]
    services = {service["serviceName"]: service for service in deployment.services()}
    (web,) = [service for name, service in services.items() if "web" in name]
    (container,) = deployment.task_definition(web["taskDefinition"])["containerDefinitions"]
    assert {item["name"]: item["value"] for item in container["environment"]} == {
        "EVENTS_TOPIC_ARN": topic,
        "ORDERS_TABLE": table,
        "UPLOADS_BUCKET": bucket,
    }
    statements = deployment.policies(deployment.ids("web")["TaskRole"])
    assert statements["ListObjects"]["Resource"] == [f"arn:aws:s3:::{bucket}"]
    assert statements["WriteObjects"]["Resource"] == [f"arn:aws:s3:::{bucket}/*"]
    described = deployment.client("dynamodb").describe_table(TableName=table)["Table"]
    assert statements["ReadItems"]["Resource"] == [described["TableArn"]]
    assert statements["ReadIndexes"]["Resource"] == [f"{described['TableArn']}/index/*"]
    assert described["DeletionProtectionEnabled"]
    assert statements["Publish"]["Resource"] == [topic]

    for kind in ("order", "visit"):
        attributes = {"kind": {"DataType": "String", "StringValue": kind}}
        deployment.client("sns").publish(
            TopicArn=topic, Message=f"a new {kind}", MessageAttributes=attributes
        )
    queue = deployment.ids("mailer")["Queue"]
    received = deployment.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
    assert [message["Body"] for message in received["Messages"]] == ["a new order"]
