"""The Datadog agent beside a task's containers: metrics per task, traces and DogStatsD.

Datadog's documentation, "Amazon ECS on AWS Fargate": one agent in each task, which reads what its
containers use from the task metadata endpoint; `agent health` tells whether it is well.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from moorage.model import Base, Environment

from ..common.fields import text
from .containers import Container, Port, Variable, VariableName
from .images import Image
from .secrets import SecretRef

NAME = "datadog-agent"
IMAGE = "public.ecr.aws/datadog/agent:7.84.6"
"""Of October 2026, Datadog's own default at that time (github.com/DataDog/helm-charts, releases,
datadog-3.261.1)."""

# Datadog's documentation, "Agent 6 and Agent 7: network traffic, open ports": 5000 and 5001, which
# many applications listen on as well. Below the ports that Linux takes for outgoing connections.
_EXPVAR_PORT, _COMMAND_PORT = 15_000, 15_001

Site = Annotated[
    str,
    text(
        r"([a-z0-9]+\.)?(datadoghq\.com|datadoghq\.eu|ddog-gov\.com)",
        "a site of Datadog's",
        "us5.datadoghq.com",
    ),
]


class Datadog(Base):
    """The Datadog agent, in each task. It is not essential: a task goes on where it fails, and ECS
    starts it again."""

    api_key: SecretRef = Field(description="Where the API key is: `ssm:<name>` or the like.")
    site: Site = Field("datadoghq.com", description="Datadog's site that the account is on.")
    apm: bool = Field(True, description="Take traces, on port 8126.")
    dogstatsd: bool = Field(True, description="Take metrics of the application's, on 8125/udp.")
    environment: dict[VariableName, Variable] = Field(
        {}, description="More of the agent's variables, such as `DD_TAGS`."
    )
    secrets: dict[VariableName, SecretRef] = Field(
        {}, description="More of them whose values ECS reads at start."
    )
    not_secret: list[str] = Field(
        [], description="Names in `environment` that look like secrets and are none."
    )
    image: Image = Field(IMAGE, description="The agent's image.")
    cpu: int = Field(128, ge=1, description="CPU units of the task's that it gets.")
    memory: int = Field(256, ge=128, description="MiB of the task's at which it is killed.")


def listens(params: Datadog) -> list[Port]:
    """The ports that it takes, where containers share an address."""
    own = [Port(_EXPVAR_PORT), Port(_COMMAND_PORT)]
    traces = [Port(8126)] if params.apm else []
    return [*own, *traces, *([Port(8125, "udp")] if params.dogstatsd else [])]


def container(params: Datadog, env: Environment, *, fargate: bool, apart: bool) -> Container:
    """The agent. `apart`: the others reach it by a link, and not by an address that they share.

    Its root stays writable: it writes to half a dozen folders, which Datadog's guide "Run the Agent
    with a read-only root file system" has another container fill first.
    """
    given = {
        "ECS_FARGATE": "true" if fargate else None,
        "DD_SITE": params.site,
        "DD_ENV": env.name,
        "DD_APM_ENABLED": str(params.apm).lower(),
        "DD_APM_NON_LOCAL_TRAFFIC": "true" if apart and params.apm else None,
        "DD_USE_DOGSTATSD": str(params.dogstatsd).lower(),
        "DD_DOGSTATSD_NON_LOCAL_TRAFFIC": "true" if apart and params.dogstatsd else None,
        "DD_EXPVAR_PORT": str(_EXPVAR_PORT),
        "DD_CMD_PORT": str(_COMMAND_PORT),
    }
    variables = {key: value for key, value in given.items() if value is not None}
    return Container.model_validate(
        {
            "image": params.image,
            "environment": {**variables, **params.environment},
            "secrets": {"DD_API_KEY": params.api_key, **params.secrets},
            "not_secret": params.not_secret,
            "cpu": params.cpu,
            "memory": params.memory,
            "essential": False,
            "restart_policy": {},
            "health_check": {"command": "agent health", "start_period": "15s"},
        }
    )
