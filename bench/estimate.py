"""How long releases take, ours and AWS CDK's: python bench/estimate.py.

Compares the estimates for a web service of two tasks: with Moorage's defaults, and with those of
CDK's ApplicationLoadBalancedFargateService (tests/estimate/cdk-alb-fargate.yaml, written by hand).
Prints Markdown. Exits with 1 if ours takes more than half of the time until it is done, or until a
release whose tasks do not become healthy is rolled back.
"""

from __future__ import annotations

import copy
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT)]

from cfnlint.decode.decode import decode_str  # noqa: E402

from moorage.estimate import Estimate, estimate_bodies  # noqa: E402
from moorage.estimate.failure import format_time  # noqa: E402
from moorage.estimate.settings import Assumptions  # noqa: E402
from moorage.pipeline.build import build  # noqa: E402
from templates import TEMPLATES  # noqa: E402

TASKS, MAX_RATIO = 2, 0.5
CDK = ROOT / "tests/estimate/cdk-alb-fargate.yaml"
PARAMS = """\
app: shop
region: eu-central-1
stacks:
  network: {}
  cluster: {}
  public: {template: alb, certificate: []}
  web:
    template: service
    desired_count: 2
    containers:
      web: {image: "ecr:shop/web:1.4.2", ports: [8080]}
    expose:
      - {via: public, paths: ["/*"]}
"""


def our_estimate() -> Estimate:
    with TemporaryDirectory() as folder:
        Path(folder, "dev.yaml").write_text(PARAMS)
        plan = build(Path(folder), "dev", TEMPLATES).plan
    assert plan is not None
    web = next(stack.rendering.body for stack in plan.stacks if stack.name == "web")
    return _estimate(web)


def cdk_estimates() -> tuple[Estimate, Estimate]:
    """With CDK's defaults, and with the circuit breaker turned on."""
    body, _ = decode_str(CDK.read_text())
    safer = copy.deepcopy(body)
    configuration = safer["Resources"]["Service"]["Properties"]["DeploymentConfiguration"]
    configuration["DeploymentCircuitBreaker"] = {"Enable": True, "Rollback": True}
    return _estimate(body), _estimate(safer)


def _estimate(body: object) -> Estimate:
    (found,) = estimate_bodies({"web": body}, Assumptions(tasks=TASKS))
    return found


def _time(seconds: int | None) -> str:
    return "not by itself" if seconds is None else format_time(seconds)


def _ratio(ours: int | None, theirs: int | None) -> float:
    """0 where theirs never comes to an end."""
    assert ours is not None
    return 0.0 if theirs is None else ours / theirs


def main() -> int:
    ours, (cdk, safer) = our_estimate(), cdk_estimates()
    print("| service of two tasks | first requests | done | bad release found | rolled back |")
    print("|---|--:|--:|--:|--:|")
    for name, found in (
        ("Moorage, `service` behind an `alb`", ours),
        ("CDK, `ApplicationLoadBalancedFargateService`", cdk),
        ("the same with `circuitBreaker: {rollback: true}`", safer),
    ):
        cells = (found.usual.first_traffic, found.usual.end)
        cells += (found.unhealthy.found, found.unhealthy.rolled_back)
        print(f"| {name} | {' | '.join(map(_time, cells))} |")
    ratios = {
        "done": _ratio(ours.usual.end, cdk.usual.end),
        "rolled back": _ratio(ours.unhealthy.rolled_back, cdk.unhealthy.rolled_back),
    }
    print("\n| ours to CDK's defaults | is | at most | |\n|---|--:|--:|---|")
    for name, ratio in ratios.items():
        met = "met" if ratio <= MAX_RATIO else "missed"
        print(f"| {name} | {ratio:.2f} | {MAX_RATIO:.2f} | {met} |")
    return int(max(ratios.values()) > MAX_RATIO)


if __name__ == "__main__":
    sys.exit(main())
