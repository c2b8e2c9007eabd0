"""The server: AWS on an address of this machine, in a thread."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Thread

from moto.moto_api._internal.models import moto_api_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from moorage.deploy.rehearsal import code_deploy
from moorage.deploy.rehearsal.cloudformation import correct_cloudformation
from moorage.deploy.rehearsal.containers import correct_tasks
from moorage.deploy.rehearsal.resources import api, set_address
from moorage.deploy.rehearsal.stack_sets import correct_stack_sets


class _Quiet(WSGIRequestHandler):
    """Does not log requests."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


@cache
def _correct_moto() -> None:
    """Corrects moto in this process, once."""
    # IAM has AWS's managed policies only with this setting.
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
    correct_cloudformation()
    correct_stack_sets()
    correct_tasks()
    code_deploy.install(api)


def make_aws() -> tuple[BaseWSGIServer, str]:
    """The server, which does not serve yet and is empty, and its address."""
    _correct_moto()
    moto_api_backend.reset()
    application = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=_Quiet)
    address = f"http://127.0.0.1:{server.port}"
    set_address(address)
    return server, address


@contextmanager
def serve_aws() -> Iterator[str]:
    """Serves AWS in a thread, and yields its address."""
    server, address = make_aws()
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield address
    finally:
        server.shutdown()
        thread.join()
