"""Services that find each other, deployed: what one offers is where the other may connect."""

from __future__ import annotations

from pathlib import Path

from cloud import Cloud, built

PARAMS = """\
app: mesh
region: eu-south-1
stacks:
  network: {}
  cluster: {namespace: true}
  api:
    template: service
    service_connect: {services: [{port: 8080, client_port: 80, protocol: http}]}
    discovery: {ttl: 30s}
    containers:
      api: {image: "ecr:mesh/api:1", ports: [8080]}
  web:
    template: service
    service_connect: true
    reaches: [api]
    containers:
      web: {image: "ecr:mesh/web:1"}
"""


def test_a_service_reaches_another_by_name(cloud: Cloud, tmp_path: Path) -> None:
    (tmp_path / "params").mkdir()
    (tmp_path / "params/dev.yaml").write_text(PARAMS)
    deployment = built(tmp_path / "params", "dev", cloud, tmp_path / "out")
    process = deployment.run()
    assert process.returncode == 0, process.stdout

    cloud_map = deployment.client("servicediscovery")
    namespace = cloud_map.get_namespace(Id=deployment.ids("cluster")["Namespace"])["Namespace"]
    assert namespace["Name"] == "dev.mesh.internal"
    discovery_service = cloud_map.get_service(Id=deployment.ids("api")["DiscoveryService"])[
        "Service"
    ]
    assert (discovery_service["Name"], discovery_service["NamespaceId"]) == ("api", namespace["Id"])
    assert discovery_service["DnsConfig"]["DnsRecords"] == [{"Type": "A", "TTL": 30}]

    api, web = deployment.ids("api"), deployment.ids("web")
    assert deployment.admitted(api["SecurityGroup"]) == {("tcp", 8080, web["SecurityGroup"])}
    assert deployment.admitted(web["SecurityGroup"]) == set()
    task = deployment.task_definition(api["TaskDefinition"])
    (port,) = task["containerDefinitions"][0]["portMappings"]
    assert (port["name"], port["appProtocol"]) == ("api-8080", "http")
