"""M3100 to M3199: Service Connect and service discovery."""

from __future__ import annotations

from moorage.findings.codes.code import Code
from moorage.findings.codes.in_templates import NO_EFFECT, PARAMS

_CONNECT = 'Amazon ECS developer guide, "Use Service Connect to connect Amazon ECS services"'
_DISCOVERY = (
    'Amazon ECS developer guide, "Use service discovery to connect Amazon ECS services with DNS '
    'names"'
)

CODES: tuple[Code, ...] = (
    Code(
        "M3101",
        "The cluster has no namespace.",
        "Service Connect and service discovery register services by name in a namespace of Cloud "
        "Map. Moorage creates it with the cluster.",
        "Add `namespace: true` to the cluster, or for an existing cluster "
        "`existing: {namespace: {arn: ...}}`.",
        """\
# in the stack of the cluster
template: cluster
namespace: true  # creates a namespace
""",
        (_CONNECT,),
        not_in_templates=PARAMS,
    ),
    Code(
        "M3102",
        "The namespace of the cluster has no DNS names.",
        "`discovery` gives the service a DNS name. A namespace with `dns: false` is for Service "
        "Connect only.",
        "Remove `dns: false` from the namespace, or use `service_connect:` instead.",
        """\
# in the stack of the cluster
template: cluster
namespace: true  # with DNS names
""",
        ("AWS Cloud Map API reference, CreateHttpNamespace",),
        rules=("W9374",),
    ),
    Code(
        "M3103",
        "The setting has no effect on an existing namespace.",
        "With `existing:` the stack creates no namespace and changes none: services are "
        "registered in the one that exists.",
        "Remove the setting, or remove `existing:` to create a namespace.",
        """\
namespace:
  existing:  # nothing else below `namespace`
    arn: arn:aws:servicediscovery:eu-central-1:123456789012:namespace/ns-abcdefghijklmnop
""",
        not_in_templates=NO_EFFECT,
    ),
    Code(
        "M3104",
        "`network` has no effect on a namespace without DNS names.",
        "Only the DNS names of a namespace belong to the VPC of a network.",
        "Remove `network:`, or remove `dns: false`.",
        """\
template: cluster
namespace: {dns: false}  # without network
""",
        ("AWS Cloud Map API reference, CreateHttpNamespace, CreatePrivateDnsNamespace",),
        not_in_templates=NO_EFFECT,
    ),
    Code(
        "M3106",
        "`container` of `discovery` has no effect without `port`.",
        "The DNS name resolves to the addresses of the tasks. `container` and `port` are for an "
        "SRV record, which needs both.",
        "Add `port:`, or remove `container:`.",
        """\
discovery: {container: web, port: 8080}  # adds an SRV record
""",
        (_DISCOVERY,),
        rules=("E9353",),
    ),
    Code(
        "M3107",
        "Service Connect supports TCP only.",
        "The proxy of Service Connect forwards TCP connections, and HTTP and gRPC inside them.",
        "Use `discovery:` for the UDP port, or expose it through a Network Load Balancer.",
        """\
discovery: true  # not `service_connect`
containers:
  dns: {image: ecr:shop/dns:1.0.0, ports: [53/udp]}
""",
        (_CONNECT,),
        rules=("E9352",),
    ),
    Code(
        "M3108",
        "Two endpoints of a service have the same port.",
        "ECS accepts each port of a container in only one endpoint of Service Connect.",
        "Remove one of the two endpoints.",
        """\
service_connect:
  services: [{port: 8080}, {port: 9090, name: api-metrics}]  # different ports
""",
        ("Amazon ECS API reference, ServiceConnectService",),
        rules=("E9365",),
    ),
    Code(
        "M3109",
        "`request_timeout` needs a `protocol`.",
        "Without a protocol the proxy of Service Connect forwards TCP connections and does not "
        "know where a request ends.",
        "Add `protocol:`, or use `idle_timeout:`.",
        """\
service_connect:
  services: [{port: 8080, protocol: http, request_timeout: 10s}]  # http has requests
""",
        ("Amazon ECS API reference, TimeoutConfiguration",),
        rules=("E9368",),
    ),
    Code(
        "M3110",
        "A service lists itself in `reaches`.",
        "`reaches` adds rules to the security groups of other services, and deploys those first. "
        "A stack cannot be deployed before itself.",
        "Remove the stack's own name.",
        """\
reaches: [api]  # other stacks only
""",
        not_in_templates=PARAMS,
    ),
    Code(
        "M3111",
        "The service in `reaches` cannot be discovered.",
        "Tasks find a service by an endpoint of its `service_connect:`, or by the DNS name of its "
        "`discovery:` and the ports of its containers. This service has neither.",
        "Add `discovery: true`, or `service_connect:` with `services:`, to the other service. For "
        "`discovery`, its containers need `ports:`.",
        """\
# in the stack that is reached
service_connect: {services: [{port: 8080}]}  # an endpoint
""",
        not_in_templates=PARAMS,
    ),
    Code(
        "M3112",
        "The service in `reaches` can be reached through Service Connect only.",
        "Names of Service Connect are known in tasks of services that use it themselves. Scheduled "
        "tasks and one-off tasks cannot use it.",
        "Add `service_connect: true` to the service that connects, or `discovery: true` to the one "
        "that is reached.",
        """\
service_connect: true  # in the service that connects
reaches: [api]
""",
        (_CONNECT,),
        not_in_templates=PARAMS,
    ),
    Code(
        "M3114",
        "Two services have the same name in a namespace.",
        "A name in a namespace belongs to one service: for Service Connect a name and a port, for "
        "`discovery` a DNS name. The name of the stack is the default.",
        "Write another `name:` for one of them.",
        """\
service_connect:
  services: [{port: 8080, name: orders}]  # a name of no other service
""",
        (_CONNECT,),
        rules=(
            "E9365",
            "E9983",
        ),
    ),
    Code(
        "M3115",
        "The service in `reaches` is in another network.",
        "Security groups allow traffic inside one VPC. Moorage does not connect the networks of an "
        "environment.",
        "Write the network of the other service, or move that service.",
        """\
network: network  # the same as that of `api`
reaches: [api]
""",
        not_in_templates=PARAMS,
    ),
    Code(
        "M3116",
        "Two clusters create the same namespace.",
        "Cloud Map refuses a second namespace with the name of an existing one (for DNS names: in "
        "the same VPC). By default the name is `<env>.<app>.internal` for every cluster.",
        "Write a `name` for one of the namespaces, or create one and remove the other.",
        """\
stacks:
  blue: {template: cluster, namespace: true}
  green: {template: cluster, namespace: {name: green.internal}}  # another name
""",
        ("AWS Cloud Map API reference, CreatePrivateDnsNamespace, NamespaceAlreadyExists",),
        rules=("E9983",),
    ),
)
