"""Services whose deployments shift traffic, deployed by deploy.sh: whatever an update changes, the
weights stay as ECS has left them."""

from __future__ import annotations

from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from cloud import Cloud, Deployment, built

PARAMS = """
app: tidal
region: eu-central-1
stacks:
  network: {{}}
  cluster: {{}}
  public: {{template: alb}}
  edge: {{template: nlb, cross_zone: true}}
  web:
    template: service
    containers:
      web: {{image: "ecr:web:{tag}", ports: [8080]}}
    expose:
      - {{via: public, paths: ["{path}"]}}
      - {{via: edge, port: 8443/tcp, target_port: 8080, tcp_idle_timeout: {idle}}}
    release: {release}
"""
CANARY = "{strategy: canary, test: {headers: {X-Release: next}, port: 9443}}"
RULE, LISTENER = "PublicWeb8080ListenerRule", "Edge8443Listener"


def _built(
    cloud: Cloud,
    folder: Path,
    *,
    tag: str = "1",
    path: str = "/*",
    idle: str = "350s",
    release: str = CANARY,
) -> Deployment:
    params = folder / "params"
    params.mkdir(exist_ok=True)
    text = PARAMS.format(tag=tag, path=path, idle=idle, release=release)
    (params / "dev.yaml").write_text(text)
    return built(params, "dev", cloud, folder / "out")


def _weights(deployment: Deployment) -> dict[str, dict[str, int]]:
    """The weights of the production rule and the listener, by the groups' logical IDs."""
    ids, elb = deployment.ids("web"), deployment.client("elbv2")
    names = {arn: name for name, arn in ids.items() if name.endswith("TargetGroup")}
    rule = elb.describe_rules(RuleArns=[ids[RULE]])["Rules"][0]["Actions"][0]
    listeners = elb.describe_listeners(ListenerArns=[ids[LISTENER]])["Listeners"]
    return {
        title: {
            names[group["TargetGroupArn"]]: group["Weight"]
            for group in action["ForwardConfig"]["TargetGroups"]
        }
        for title, action in ((RULE, rule), (LISTENER, listeners[0]["DefaultActions"][0]))
    }


PRIMARY_LIVE = {
    RULE: {"PublicWeb8080TargetGroup": 100, "PublicWeb8080AlternateTargetGroup": 0},
    LISTENER: {"EdgeTcp8443TargetGroup": 100, "EdgeTcp8443AlternateTargetGroup": 0},
}
ALTERNATE_LIVE = {
    title: {group: 100 - weight for group, weight in weights.items()}
    for title, weights in PRIMARY_LIVE.items()
}


def _shift(deployment: Deployment, weights: dict[str, dict[str, int]]) -> None:
    """Writes weights, as a deployment of ECS does."""
    ids, elb = deployment.ids("web"), deployment.client("elbv2")

    def actions(title: str) -> list[Any]:
        groups = [
            {"TargetGroupArn": ids[group], "Weight": weight}
            for group, weight in weights[title].items()
        ]
        return [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]

    elb.modify_rule(RuleArn=ids[RULE], Actions=actions(RULE))
    elb.modify_listener(ListenerArn=ids[LISTENER], DefaultActions=actions(LISTENER))


def _parameters(deployment: Deployment) -> dict[str, str]:
    stack = deployment.stacks()["web"]
    return {item["ParameterKey"]: item["ParameterValue"] for item in stack["Parameters"]}


def _run_again(
    cloud: Cloud, folder: Path, **params: str
) -> tuple[Deployment, CompletedProcess[str]]:
    """Deploys the service only: the other stacks do not change."""
    deployment = _built(cloud, folder, **params)
    return deployment, deployment.run("web")


def test_weights_survive(cloud: Cloud, tmp_path: Path) -> None:
    first = _built(cloud, tmp_path, release="rolling")
    process = first.run()
    assert process.returncode == 0, process.stdout
    before = first.ids("web")

    # A rolling service starts to shift traffic.
    shifting, process = _run_again(cloud, tmp_path)
    assert process.returncode == 0, process.stdout
    assert before.items() <= shifting.ids("web").items()
    assert _weights(shifting) == PRIMARY_LIVE

    # After a release, the rule, the listener and the image change.
    _shift(shifting, ALTERNATE_LIVE)
    shown = _built(cloud, tmp_path, tag="2", path="/shop/*", idle="60s").run("web", "--preview")
    assert shown.returncode == 0, shown.stdout
    assert f"  Modify  {RULE}  AWS::ElasticLoadBalancingV2::ListenerRule" in shown.stdout
    assert _weights(shifting) == ALTERNATE_LIVE
    assert _parameters(shifting)["PublicWeb8080Production"] == "primary", "nothing is changed"
    changed, process = _run_again(cloud, tmp_path, tag="2", path="/shop/*", idle="60s")
    assert process.returncode == 0, process.stdout
    assert "The group in production of tidal-dev-web is PublicWeb8080Production=alternate" in (
        process.stdout
    )
    assert "First everything but the task definition of tidal-dev-web" in process.stdout
    assert _weights(changed) == ALTERNATE_LIVE
    ids = changed.ids("web")
    rule = changed.client("elbv2").describe_rules(RuleArns=[ids[RULE]])["Rules"][0]
    assert rule["Conditions"][0]["PathPatternConfig"]["Values"] == ["/shop/*"]
    (service,) = changed.services()
    assert service["taskDefinition"] == ids["TaskDefinition"] != before["TaskDefinition"]
    # With these, `aws cloudformation deploy` without parameters keeps the weights as well.
    assert _parameters(changed) == {
        "PublicWeb8080Production": "alternate",
        "EdgeTcp8443Production": "alternate",
        "HeldTaskDefinition": "",
    }

    # A second run changes nothing.
    events = changed.events()
    _, process = _run_again(cloud, tmp_path, tag="2", path="/shop/*", idle="60s")
    assert process.returncode == 0, process.stdout
    assert changed.events() == events

    # In the middle of a release, or after one that was broken off, nothing is changed.
    half = {title: dict.fromkeys(weights, 50) for title, weights in PRIMARY_LIVE.items()}
    _shift(changed, half)
    _, process = _run_again(cloud, tmp_path, path="/other/*")
    assert process.returncode != 0
    assert f"{RULE} of tidal-dev-web must send all traffic to " in process.stdout
    assert _weights(changed) == half
