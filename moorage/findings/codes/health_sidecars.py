"""M2570 to M2599: health sidecars."""

from __future__ import annotations

from moorage.findings.codes.code import Code


def _udp_service(sidecar: str) -> str:
    return f"""\
template: service
containers: {{game: {{image: "ecr:game:1", ports: [1234/udp]}}}}
expose:
  - via: edge
    port: 1234/udp
    health_check:
      sidecar:
        {sidecar}
"""


CODES: tuple[Code, ...] = (
    Code(
        "M2570",
        "The probe `send` needs one request and one expected reply.",
        "The health sidecar sends a datagram to the UDP service and compares the reply, so it "
        "needs to know both. Each is written as text or in hexadecimal.",
        "Write either `send:` or `send_hex:`, and either `expect:` or `expect_hex:`.",
        _udp_service("{probe: send, send: status, expect: ^OK}  # one request, one reply"),
    ),
    Code(
        "M2571",
        "The setting has no effect with this probe.",
        "Only the probe `send` has a request and an expected reply, and only the probe `dns` "
        "queries a name.",
        "Remove the setting, or write the probe that it belongs to.",
        _udp_service("{probe: dns, name: example.com}  # `name:` is for the probe `dns`"),
    ),
    Code(
        "M2572",
        "The timeout of the probe is longer than its interval.",
        "The health sidecar sends one probe at a time, so a reply has to arrive before the next "
        "probe is due.",
        "Write a shorter `timeout:` or a longer `interval:`.",
        _udp_service("{probe: echo, interval: 5s, timeout: 2s}  # shorter than the interval"),
    ),
    Code(
        "M2573",
        "The health sidecar cannot listen on the port.",
        "Load balancers check health over TCP, also for UDP services. The sidecar does not run as "
        "root, and other users cannot listen on ports below 1024.",
        "Write a TCP port from 1024.",
        _udp_service("{probe: echo, port: 8081}  # a TCP port"),
        ("ip(7)", "aws/containers-roadmap#1721"),
    ),
    Code(
        "M2575",
        "The expected reply is not a regular expression.",
        "`expect:` is a regular expression of Python for bytes, which the health sidecar searches "
        "for in the reply.",
        "Correct the expression, or write the whole reply below `expect_hex:`.",
        _udp_service(
            "{probe: send, send: status, expect: '^OK \\(ready\\)'}  # escaped parentheses"
        ),
        ("Python library reference, re",),
    ),
    Code(
        "M2576",
        "The name of the DNS probe is not valid.",
        "A DNS name consists of labels of 1 to 63 characters with dots between them, and has at "
        "most 253 characters.",
        "Correct the name.",
        _udp_service("{probe: dns, name: example.com}  # labels with dots"),
        ("RFC 1035, section 2.3.4",),
    ),
)
