"""Answers a load balancer's health check only while a UDP service of the same task answers."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from argparse import SUPPRESS, ArgumentParser, Namespace
from asyncio import StreamReader, StreamWriter, get_running_loop
from contextlib import suppress
from errno import EMFILE, ENFILE, ENOBUFS, ENOMEM
from resource import RLIMIT_NOFILE, getrlimit
from socket import AF_INET, AF_INET6, SHUT_WR, SOCK_DGRAM, create_server, has_dualstack_ipv6, socket

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n"
ERRORS = {2: "SERVFAIL", 3: "NXDOMAIN", 5: "REFUSED"}
EXHAUSTED = (EMFILE, ENFILE, ENOBUFS, ENOMEM)
CLIENTS: list[asyncio.Task[None]] = []
MAX_CLIENTS = max(1, min(256, getrlimit(RLIMIT_NOFILE)[0] - 16))  # the rest is for probes


def new_request(args: Namespace) -> bytes:
    """What to send: random, except for --send."""
    if args.probe == "dns":
        return os.urandom(2) + b"\1\0\0\1" + bytes(6) + bytes(args.name)
    if args.probe == "ntp":  # version 4, client; a random time
        return b"\x23" + bytes(39) + os.urandom(8)
    return bytes(args.send) if args.probe == "send" else os.urandom(8).hex().encode()


def check_reply(args: Namespace, sent: bytes, got: bytes) -> str:
    """What is wrong with a reply, if anything is."""
    if args.probe == "dns" and len(got) >= 12 and got[:2] == sent[:2] and got[2] > 127:
        code = got[3] & 15
        return f"the DNS server says {ERRORS.get(code, code)}" if code else ""
    if args.probe == "ntp" and len(got) >= 48 and got[0] & 7 == 4 and got[24:32] == sent[40:]:
        synchronised = got[0] < 192 and 0 < got[1] < 16  # leap indicator, stratum
        return "" if synchronised else "the NTP server is not synchronised"
    echoed = args.probe == "echo" and got == sent
    good = args.expect.search(got) if args.probe == "send" else echoed
    return "" if good else f"not the expected reply: {got[:60]!r}"


def check_socket(args: Namespace) -> str:
    """What is wrong if no socket is bound to the port."""
    for path in filter(os.path.exists, ("/proc/net/udp", "/proc/net/udp6")[":" in args.host :]):
        with open(path) as table:
            if re.search(rf"(?m)^ *\d+: \w+:{args.port:04X} \w+:\w+ 07 ", table.read()):
                return ""
    return "nothing is bound to the UDP port"


async def probe(args: Namespace) -> str | None:
    """What is wrong with the service, if anything is; None if nothing can be sent."""
    sent = new_request(args)
    family = AF_INET6 if ":" in args.host else AF_INET
    try:
        if args.probe == "none":
            return check_socket(args)
        # A new socket ignores late replies.
        with socket(family, SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.connect((args.host, args.port))
            sock.send(sent)
            reply = asyncio.create_task(get_running_loop().sock_recv(sock, 65535))
            try:  # before Python 3.12, `wait_for` can lose a signal
                await asyncio.wait([reply], timeout=args.timeout)
            finally:
                late = reply.cancel()
                await asyncio.wait([reply])
            return "no reply in time" if late else check_reply(args, sent, reply.result())
    except OSError as error:  # such as refused
        return None if error.errno in EXHAUSTED else str(error.strerror)


async def respond(client: socket, http: bool) -> None:
    loop, head = get_running_loop(), b""
    while http and b"\r\n\r\n" not in head:
        data = await loop.sock_recv(client, 4096)
        head += data
        if not data or len(head) > 8192:
            return
    if http:
        client.send(OK if head.startswith(b"HEAD ") else OK + b"ok\n")
    client.shutdown(SHUT_WR)
    await loop.sock_recv(client, 65536)  # the client closes first: no reset


async def serve(client: socket, http: bool) -> None:
    with client, suppress(Exception):  # of one client
        await asyncio.wait_for(respond(client, http), 5)


def accept(server: socket, http: bool) -> None:
    """Accept a client; of more than MAX_CLIENTS, drop the oldest."""
    try:
        client, _ = server.accept()
    except OSError as error:
        if error.errno in EXHAUSTED:  # without a pause, the loop would try again at once
            get_running_loop().remove_reader(server)
            get_running_loop().call_later(0.1, await_clients, server, http)
        return
    client.setblocking(False)
    CLIENTS.append(asyncio.create_task(serve(client, http)))
    CLIENTS[-1].add_done_callback(CLIENTS.remove)
    for oldest in CLIENTS[:-MAX_CLIENTS]:
        oldest.cancel()


def await_clients(server: socket, http: bool) -> None:
    if server.fileno() >= 0:  # still open
        get_running_loop().add_reader(server, accept, server, http)


def open_port(args: Namespace) -> socket:
    dual = has_dualstack_ipv6()
    family = AF_INET6 if dual else AF_INET
    server = create_server(("", args.listen), family=family, backlog=4096, dualstack_ipv6=dual)
    server.setblocking(False)
    await_clients(server, args.mode == "http")
    return server


def close_port(server: socket | None) -> None:
    if server:
        get_running_loop().remove_reader(server)
        server.close()
    for client in CLIENTS:
        client.cancel()


async def watch(args: Namespace) -> None:
    """Probe, open and close, until cancelled."""
    loop = get_running_loop()
    due, server, good, bad, logged = loop.time(), None, 0, 0, ""
    try:
        while True:
            error = await probe(args)
            if error is not None:
                good, bad = (0, bad + 1) if error else (good + 1, 0)
            if good >= args.rise and not server:
                server, logged = open_port(args), ""
                print("open: the service answers")
            if error and bad >= args.fall:
                close_port(server)
                server = None
                reason = error.partition(":")[0]  # without the received bytes
                if logged != reason:
                    logged = reason
                    print("closed:", error)
            due = max(due + args.interval, loop.time())
            await asyncio.sleep(due - loop.time())
    except asyncio.CancelledError:
        close_port(server)
        print("closed: stopped by a signal")


async def answer_ecs(_: StreamReader, writer: StreamWriter) -> None:
    """The container health check of ECS."""
    writer.write(b"ok")
    writer.close()


async def drain(args: Namespace) -> None:
    await asyncio.sleep(args.drain)


async def main(args: Namespace) -> None:
    # Abstract: it needs no file.
    await asyncio.start_unix_server(answer_ecs, f"\0health-sidecar-{args.listen}")
    for stage in watch, drain:
        task = asyncio.create_task(stage(args))
        for number in signal.SIGTERM, signal.SIGINT:
            get_running_loop().add_signal_handler(number, task.cancel)
        with suppress(asyncio.CancelledError):
            await task


def encode_name(text: str) -> bytes:
    """A name and a type as in a DNS query: A, but NS for the root."""
    if text in ("", "."):
        return b"\0\0\2\0\1"
    labels = text.encode("idna").removesuffix(b".").split(b".")
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0\0\1\0\1"


def parse(argv: list[str]) -> Namespace:
    parser = ArgumentParser("health-sidecar", usage=SUPPRESS)
    add = parser.add_argument
    add("--probe", choices=("dns", "ntp", "echo", "send", "none"), required=True)
    add("--mode", choices=("tcp", "http"), default="tcp")
    add("--host", default="127.0.0.1")
    add("--name", type=encode_name, default=".")
    add("--send", type=os.fsencode, default="")
    add("--send-hex", type=bytes.fromhex, dest="send")
    add("--expect", type=os.fsencode, default="")
    add("--expect-hex", type=bytes.fromhex)
    for flag, default in ("listen", 0), ("port", 0), ("rise", 1), ("fall", 3):
        add(f"--{flag}", type=int, default=default)
    for flag, default in ("interval", 5), ("timeout", 2), ("drain", 20):
        add(f"--{flag}", type=float, default=default)
    args = parser.parse_args(argv)
    ports = range(1, 65536)
    counts = args.listen in ports and args.port in ports and args.rise > 0 and args.fall > 0
    if not (counts and 0 < args.timeout <= args.interval < 1e6 and 0 <= args.drain < 1e6):
        parser.error("a number is out of range, or --timeout above --interval")
    exact = args.expect_hex and rb"\A%b\Z" % re.escape(args.expect_hex)
    try:
        args.expect = re.compile(exact or args.expect)
    except Exception as error:
        parser.error(f"--expect: {error}")
    return args


if __name__ == "__main__":
    try:
        asyncio.run(main(parse(sys.argv[1:])))
    except OSError as error:
        sys.exit(f"health-sidecar: {error}")
