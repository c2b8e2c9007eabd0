"""Answers a load balancer's health check only while a UDP service of the same task answers."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
from argparse import SUPPRESS, ArgumentParser, Namespace
from asyncio import AbstractServer, StreamReader, StreamWriter, get_running_loop
from contextlib import suppress

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n"
ERRORS = {2: "SERVFAIL", 3: "NXDOMAIN", 5: "REFUSED"}
VISITORS: list[asyncio.WriteTransport] = []  # oldest first


def question(args: Namespace) -> bytes:
    """What to send: always something new, but for the user's own."""
    if args.probe == "dns":
        return os.urandom(2) + b"\1\0\0\1" + bytes(6) + bytes(args.name)
    if args.probe == "ntp":  # version 4, client; instead of the time, something random
        return b"\x23" + bytes(39) + os.urandom(8)
    return bytes(args.send) if args.probe == "send" else os.urandom(8).hex().encode()


def fault(args: Namespace, sent: bytes, got: bytes) -> str:
    """What is wrong with a reply, if anything is."""
    if args.probe == "dns":
        if len(got) < 12 or got[:2] != sent[:2] or got[2] < 128:
            return "not an answer to the query"
        code = got[3] & 15
        return f"the DNS server says {ERRORS.get(code, code)}" if code else ""
    if args.probe == "ntp":
        if len(got) < 48 or got[0] & 7 != 4 or got[24:32] != sent[40:]:
            return "not an answer to the request"
        synchronised = got[0] < 192 and 0 < got[1] < 16  # leap indicator, stratum
        return "" if synchronised else "the NTP server is not synchronised"
    good = args.expect.search(got) if args.probe == "send" else got == sent
    return "" if good else f"not the expected reply: {got[:60]!r}"


def unbound(port: int) -> str:
    """What is wrong if no socket waits for datagrams on the port."""
    for path in filter(os.path.exists, ("/proc/net/udp", "/proc/net/udp6")):
        with open(path) as table:
            if re.search(rf"(?m)^ *\d+: \w+:{port:04X} \w+:\w+ 07 ", table.read()):
                return ""
    return "nothing is bound to the UDP port"


async def trouble(args: Namespace) -> str:
    """One probe: what is wrong with the service, if anything is."""
    if args.probe == "none":
        return unbound(args.port)
    sent = question(args)
    family = socket.AF_INET6 if ":" in args.host else socket.AF_INET
    # A new socket each time: what comes late for an old one finds nobody.
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        try:
            sock.connect((args.host, args.port))
            sock.send(sent)
            reply = get_running_loop().sock_recv(sock, 65535)
            got = await asyncio.wait_for(reply, args.timeout)
        except Exception as error:  # connection refused and the like, or a timeout
            return getattr(error, "strerror", None) or "no reply in time"
    return fault(args, sent, got)


async def opened(args: Namespace) -> AbstractServer:
    """The door. A visitor may stay for 5 seconds; of more than 256 the oldest must go."""

    async def visit(reader: StreamReader, writer: StreamWriter) -> None:
        visitor = writer.transport
        timer = get_running_loop().call_later(5, visitor.abort)
        VISITORS.append(visitor)
        if len(VISITORS) > 256:
            VISITORS.pop(0).abort()
        if door.fileno() < 0:  # it closed meanwhile
            visitor.abort()
        with suppress(Exception):  # not our affair
            if args.mode == "http":
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(OK if head.startswith(b"HEAD ") else OK + b"ok\n")
            writer.write_eof()
            await reader.read(1)  # the visitor closes first: no reset
        timer.cancel()
        visitor.abort()
        if visitor in VISITORS:
            VISITORS.remove(visitor)

    both = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both else socket.AF_INET
    door = socket.create_server(("", args.listen), family=family, dualstack_ipv6=both)
    return await asyncio.start_server(
        visit, sock=door, limit=8192, backlog=1024, start_serving=False
    )


def close(server: AbstractServer | None) -> None:
    if server:
        server.close()
    while VISITORS:
        VISITORS.pop().abort()


async def watch(args: Namespace) -> None:
    """Probe, open and close, until cancelled."""
    loop = get_running_loop()
    due, server, good, bad, said = loop.time(), None, 0, 0, ""
    try:
        while True:
            wrong = await trouble(args)
            good, bad = (0, bad + 1) if wrong else (good + 1, 0)
            if good >= args.rise and not server:
                server, said = await opened(args), ""
                await server.start_serving()
                print("open: the service answers")
            if bad >= args.fall:
                close(server)
                server = None
                if said != wrong.partition(":")[0]:  # without what was received
                    said = wrong.partition(":")[0]
                    print("closed:", wrong)
            due = max(due + args.interval, loop.time())
            await asyncio.sleep(due - loop.time())
    except asyncio.CancelledError:
        close(server)
        print("closed: stopped by a signal")


async def alive(_: StreamReader, writer: StreamWriter) -> None:
    """Show the container's health check that the loop turns."""
    writer.write(b"ok")
    writer.close()


async def drain(args: Namespace) -> None:
    await asyncio.sleep(args.drain)


async def main(args: Namespace) -> None:
    # An abstract address needs no file system.
    await asyncio.start_unix_server(alive, f"\0health-sidecar-{args.listen}")
    for stage in watch, drain:
        task = asyncio.create_task(stage(args))
        for number in signal.SIGTERM, signal.SIGINT:
            get_running_loop().add_signal_handler(number, task.cancel)
        with suppress(asyncio.CancelledError):
            await task


def name(text: str) -> bytes:
    """A domain name and a type as they stand in a query: A, but NS for the root."""
    if text in ("", "."):
        return b"\0\0\2\0\1"
    labels = text.encode("idna").removesuffix(b".").split(b".")
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0\0\1\0\1"


def parsed(argv: list[str]) -> Namespace:
    parser = ArgumentParser("health-sidecar", usage=SUPPRESS)
    add = parser.add_argument
    add("--probe", choices=("dns", "ntp", "echo", "send", "none"), required=True)
    add("--mode", choices=("tcp", "http"), default="tcp")
    add("--host", default="127.0.0.1")
    add("--name", type=name, default=".")
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
    if not (args.listen in ports and args.port in ports and args.rise > 0 and args.fall > 0):
        parser.error("--listen, --port, --rise or --fall is out of range")
    if not (0 < args.timeout <= args.interval < 1e6 and 0 <= args.drain < 1e6):
        parser.error("--timeout, --interval or --drain is out of range")
    exact = args.expect_hex and rb"\A%b\Z" % re.escape(args.expect_hex)
    try:
        args.expect = re.compile(exact or args.expect)
    except Exception as error:
        parser.error(f"--expect: {error}")
    return args


if __name__ == "__main__":
    try:
        asyncio.run(main(parsed(sys.argv[1:])))
    except OSError as error:
        sys.exit(f"health-sidecar: {error}")
