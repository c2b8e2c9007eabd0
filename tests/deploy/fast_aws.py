"""The real AWS CLI without its start-up time: python fast_aws.py SOCKET.

This process has loaded the AWS CLI already. For each request it forks, and the child runs one
command with the arguments, environment, folder and files of the client, which `write_client` makes.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import traceback
from pathlib import Path

_CLIENT = """#!{python} -IS
import array, json, os, socket, sys
request = json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()]).encode()
with socket.socket(socket.AF_UNIX) as server:
    server.connect({path!r})
    files = array.array("i", [0, 1, 2])
    server.sendmsg([len(request).to_bytes(8, "big")],
                   [(socket.SOL_SOCKET, socket.SCM_RIGHTS, files)])
    server.sendall(request)
    answer = server.recv(1)
sys.exit(answer[0] if answer else 255)
"""


def write_client(folder: Path, path: Path) -> None:
    """Writes a program `aws` into a folder: it runs in the process that listens at the path."""
    (folder / "aws").write_text(_CLIENT.format(python=sys.executable, path=str(path)))
    (folder / "aws").chmod(0o755)


def _serve(path: str) -> None:
    from awscli import clidriver  # the tests that import this module do not need it

    driver = clidriver.create_clidriver()
    for service in ("cloudformation", "ecs", "ssm", "ecr", "sts", "elbv2"):
        driver.session.get_service_model(service)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(64)
        print("ready", flush=True)
        while True:
            connection, _ = listener.accept()
            with connection:
                if os.fork() == 0:
                    _answer(connection, clidriver)


def _answer(connection: socket.socket, clidriver: object) -> None:
    header, files, _, _ = socket.recv_fds(connection, 8, 3)
    size, request = int.from_bytes(header, "big"), b""
    while len(request) < size:
        request += connection.recv(size - len(request))
    arguments, environ, folder = json.loads(request)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(folder)
    data_path = os.environ["AWS_DATA_PATH"]  # set when the AWS CLI was loaded
    os.environ.clear()
    os.environ.update(environ, AWS_DATA_PATH=data_path)
    sys.argv = ["aws", *arguments]
    code = 255
    try:
        code = clidriver.main()  # type: ignore[attr-defined]
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
