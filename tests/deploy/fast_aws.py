"""The real AWS CLI without its start-up time: python fast_aws.py SOCKET.

This process has loaded the AWS CLI already. For each request it forks, and the child runs one
command with the arguments, environment, folder and files of the client, which `write_client` makes.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
import traceback
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

_CLIENT = """#!{python} -IS
import _socket, array, os, sys
words = [str(len(sys.argv) - 1), *sys.argv[1:], os.getcwd()]
words += [name + "=" + value for name, value in os.environ.items()]
request = os.fsencode("\\0".join(words))
server = _socket.socket(_socket.AF_UNIX)
server.connect({path!r})
files = array.array("i", [0, 1, 2])
server.sendmsg([len(request).to_bytes(8, "big")],
               [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, files)])
server.sendall(request)
answer = server.recv(1)
sys.exit(answer[0] if answer else 255)
"""
"""It imports `_socket`, since `socket` takes longer than all the rest."""


def write_client(folder: Path, path: Path) -> None:
    """Writes a program `aws` into a folder: it runs in the process that listens at the path."""
    (folder / "aws").write_text(_CLIENT.format(python=sys.executable, path=str(path)))
    (folder / "aws").chmod(0o755)


def _serve(path: str) -> None:
    driver = _warm_driver()
    gc.freeze()  # what the children share is neither searched nor copied
    gc.disable()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(64)
        print("ready", flush=True)
        while True:
            connection, _ = listener.accept()
            with connection:
                if os.fork() == 0:
                    _answer(connection, driver)


_USED = {
    "cloudformation": ("describe-stacks", "describe-stack-resources", "describe-change-set"),
    "deploy": ("create-deployment", "get-deployment"),
    "ecr": ("describe-images",),
    "ecs": ("describe-services", "describe-tasks", "run-task"),
    "elbv2": ("describe-listeners", "describe-rules"),
    "ssm": ("get-parameter", "get-parameters"),
    "sts": ("get-caller-identity",),
}
"""Commands of the AWS CLI that scripts use most. Others work as well, and take a little longer."""


def _warm_driver() -> Any:
    """The AWS CLI after it has loaded what these commands need, but no settings of the user."""
    from awscli import clidriver  # the tests that import this module do not need it

    os.environ["AWS_CONFIG_FILE"] = os.path.join(os.sep, "nonexistent")
    driver = clidriver.create_clidriver()
    loader = driver.session.get_component("data_loader")
    for name in ("endpoints", "partitions", "_retry", "sdk-default-configuration"):
        loader.load_data(name)
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
        for service, commands in _USED.items():
            model = driver.session.get_service_model({"deploy": "codedeploy"}.get(service, service))
            loader.load_service_model(model.service_name, "endpoint-rule-set-1")
            for command in commands:
                driver.main([service, command, "--generate-cli-skeleton", "input"])
    driver.session._config = None  # each child reads the settings of its client
    return driver


def _answer(connection: socket.socket, driver: Any) -> None:
    header, files, _, _ = socket.recv_fds(connection, 8, 3)
    size, request = int.from_bytes(header, "big"), b""
    while len(request) < size:
        request += connection.recv(size - len(request))
    count, *words = os.fsdecode(request).split("\0")
    arguments, folder, variables = words[: int(count)], words[int(count)], words[int(count) + 1 :]
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(folder)
    data_path = os.environ["AWS_DATA_PATH"]  # set when the AWS CLI was loaded
    os.environ.clear()
    os.environ.update(variable.split("=", 1) for variable in variables)
    os.environ["AWS_DATA_PATH"] = data_path
    sys.argv = ["aws", *arguments]
    code = 255
    try:
        code = driver.main(arguments)
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        connection.sendall(bytes([code & 255]))
        os._exit(0)


if __name__ == "__main__":
    _serve(sys.argv[1])
