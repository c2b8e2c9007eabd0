"""R1, deployed: what ECS is given of a proxy is what the params mean, to the letter."""

from __future__ import annotations

from pathlib import Path

from cloud import Cloud, built


def test_ecs_gets_the_configuration_as_it_was_built(cloud: Cloud, tmp_path: Path) -> None:
    deployment = built(Path("tests/golden/r1/params"), "dev", cloud, tmp_path / "out")
    process = deployment.run()
    assert process.returncode == 0, process.stdout

    (service,) = deployment.services()
    ecs = deployment.client("ecs")
    task = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    containers = {container["name"]: container for container in task["containerDefinitions"]}
    assert containers.keys() == {"frontend", "proxy"}

    stack = next(stack for stack in deployment.plan.stacks if stack.name == "web")
    resources = stack.rendering.body["Resources"]
    definitions = resources["TaskDefinition"]["Properties"]["ContainerDefinitions"]
    proxy = next(item for item in definitions if item["Name"] == "proxy")
    (variable,) = proxy["Environment"]
    assert containers["proxy"]["environment"] == [
        {"name": "NGINX_CONF", "value": variable["Value"]}
    ]
    assert containers["proxy"]["command"] == proxy["Command"]
    assert containers["proxy"]["dependsOn"] == [{"containerName": "frontend", "condition": "START"}]

    (load_balancer,) = service["loadBalancers"]
    assert (load_balancer["containerName"], load_balancer["containerPort"]) == ("proxy", 5000)
    ids = deployment.ids("web")
    balancer = deployment.ids("public")["SecurityGroup"]
    assert deployment.admitted(ids["SecurityGroup"]) == {("tcp", 5000, balancer)}
