"""The server: AWS on an address of this machine, in a thread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Thread
from typing import Any

from moto.iam.models import SERVICE_NAME_CONVERSION
from moto.moto_api._internal.models import moto_api_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.servicequotas.resources.default_quotas.vpc import VPC_DEFAULT_QUOTAS
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from moorage.deploy.rehearsal import code_deploy
from moorage.deploy.rehearsal.cloudformation import correct_cloudformation
from moorage.deploy.rehearsal.containers import correct_repositories, correct_tasks
from moorage.deploy.rehearsal.pipelines import correct_builds
from moorage.deploy.rehearsal.resources import IMAGES, api, set_server
from moorage.deploy.rehearsal.services import correct_services
from moorage.deploy.rehearsal.stack_sets import correct_stack_sets
from moorage.deploy.rehearsal.storage import correct_roles
from moorage.deploy.rehearsal.vpcs import correct_vpcs

_POLL = 0.05
"""Seconds until the server notices that it is to end."""


class _Quiet(WSGIRequestHandler):
    """Does not log requests, and keeps connections."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


class _Application(DomainDispatcherApplication):
    """moto, which would list the folder of its services at each request."""

    def __init__(self) -> None:
        super().__init__(create_backend_app)
        self.get_backend_for_host = cache(super().get_backend_for_host)  # type: ignore[method-assign]


_make_application = cache(_Application)
"""One for all servers of this process: it has no state of AWS."""


@cache
def _correct_moto() -> None:
    """Corrects moto in this process, once."""
    correct_cloudformation()
    correct_stack_sets()
    correct_tasks()
    correct_services()
    correct_repositories()
    correct_roles()
    correct_builds()
    correct_vpcs()
    code_deploy.install(api)
    SERVICE_NAME_CONVERSION["ecs"] = "ECS"  # in the name of the service-linked role
    # The quotas of a rehearsal are never reached; moto would say what AWS's defaults are.
    quotas: list[dict[str, Any]] = VPC_DEFAULT_QUOTAS
    for quota in quotas:
        quota["Value"] = 1e6


def make_aws() -> tuple[BaseWSGIServer, str]:
    """The server, which does not serve yet and is empty, and its address."""
    _correct_moto()
    moto_api_backend.reset()
    IMAGES.clear()
    application = _make_application()
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=_Quiet)
    address = f"http://127.0.0.1:{server.port}"
    set_server(address, application)
    return server, address


@contextmanager
def serve_aws() -> Iterator[str]:
    """Serves AWS in a thread, and yields its address."""
    server, address = make_aws()
    thread = Thread(target=server.serve_forever, args=(_POLL,), daemon=True)
    thread.start()
    try:
        yield address
    finally:
        server.shutdown()
        thread.join()
