"""The Datadog agent as a sidecar: metrics of the task, traces and DogStatsD.

Datadog's documentation, "Amazon ECS on AWS Fargate": one agent in each task, which reads the
containers' metrics from the task metadata endpoint; `agent health` is its health check.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from moorage.model import Base, Environment

from ..common.fields import text
from ..common.references import External, ExternalSecret
from .containers import Container
from .images import Image
from .ports import Port
from .secrets import SecretRef
from .variables import Variable, VariableName

CONTAINER_NAME = "datadog-agent"
IMAGE = "public.ecr.aws/datadog/agent:7.84.6"
"""The default of Datadog's Helm chart in October 2026 (github.com/DataDog/helm-charts, releases,
datadog-3.261.1)."""

# By default 5000 and 5001 (Datadog's documentation, "Agent 6 and Agent 7: network traffic, open
# ports"), on which many applications listen. These are below the ports that Linux uses for outgoing
# connections.
_EXPVAR_PORT, _COMMAND_PORT = 15_000, 15_001

Site = Annotated[
    str,
    text(
        r"([a-z0-9]+\.)?(datadoghq\.com|datadoghq\.eu|ddog-gov\.com)",
        "a Datadog site",
        "us5.datadoghq.com",
    ),
]


class Datadog(Base):
    """The Datadog agent in each task. It is not essential: if it fails, the task keeps running and
    ECS restarts the agent."""

    api_key: ExternalSecret[SecretRef] = Field(
        examples=["ssm:/shop/prod/datadog_api_key"],
        description="Reference to the API key: `ssm:<name>` or `secretsmanager:<name>`.",
    )
    site: Site = Field("datadoghq.com", description="Datadog site of the account.")
    apm: bool = Field(True, description="Accept traces on port 8126.")
    dogstatsd: bool = Field(True, description="Accept metrics of the application on port 8125/udp.")
    environment: dict[VariableName, External[Variable]] = Field(
        {}, description="More environment variables of the agent, such as `DD_TAGS`."
    )
    secrets: dict[VariableName, ExternalSecret[SecretRef]] = Field(
        {},
        description="More environment variables, with references to secrets that ECS reads when "
        "the task starts.",
    )
    not_secret: list[str] = Field(
        [], description="Names in `environment` that look like secrets but are not."
    )
    image: Image = Field(IMAGE, description="Image of the agent.")
    cpu: int = Field(
        128, ge=1, description="CPU units of the task that are reserved for the agent."
    )
    memory: int = Field(256, ge=128, description="Memory limit of the agent in MiB.")


def listening_ports(params: Datadog) -> list[Port]:
    """The ports on which the agent listens."""
    internal = [Port(_EXPVAR_PORT), Port(_COMMAND_PORT)]
    traces = [Port(8126)] if params.apm else []
    return [*internal, *traces, *([Port(8125, "udp")] if params.dogstatsd else [])]


def agent_container(
    params: Datadog, env: Environment, *, fargate: bool, bridged: bool
) -> Container:
    """The container of the agent. `bridged` is whether each container has its own address and
    reaches the agent through a link (network mode `bridge`).

    The root file system is writable: the agent writes to several directories, which another
    container would have to prepare (Datadog's guide, "Run the Agent with a read-only root file
    system").
    """
    variables = {
        "ECS_FARGATE": "true" if fargate else None,
        "DD_SITE": params.site,
        "DD_ENV": env.name,
        "DD_APM_ENABLED": str(params.apm).lower(),
        "DD_APM_NON_LOCAL_TRAFFIC": "true" if bridged and params.apm else None,
        "DD_USE_DOGSTATSD": str(params.dogstatsd).lower(),
        "DD_DOGSTATSD_NON_LOCAL_TRAFFIC": "true" if bridged and params.dogstatsd else None,
        "DD_EXPVAR_PORT": str(_EXPVAR_PORT),
        "DD_CMD_PORT": str(_COMMAND_PORT),
    }
    own_environment = {key: value for key, value in variables.items() if value is not None}
    return Container.model_validate(
        {
            "image": params.image,
            "environment": {**own_environment, **params.environment},
            "secrets": {"DD_API_KEY": params.api_key, **params.secrets},
            "not_secret": params.not_secret,
            "cpu": params.cpu,
            "memory": params.memory,
            "essential": False,
            "restart_policy": {},
            "health_check": {"command": "agent health", "start_period": "15s"},
        }
    )
