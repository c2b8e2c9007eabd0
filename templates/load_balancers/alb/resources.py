"""The resources and outputs of an Application Load Balancer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from awacs import s3 as s3_actions
from awacs.aws import Principal, Statement
from troposphere import AWSObject, GetAtt, Output, Ref, ec2, wafv2
from troposphere import elasticloadbalancingv2 as elb

from moorage.facts.addresses import ANY_IPV4
from moorage.facts.elb_attributes import APPLICATION
from moorage.facts.elb_log_delivery import LOG_DELIVERY_SERVICES
from moorage.model import Environment

from ... import network
from ...alarms.alarms import alarm_resources
from ...common.exports import export_output
from ...common.iam import allow
from ..access_logs import (
    access_log_attributes,
    access_log_bucket,
    access_log_dependency,
    access_log_objects,
)
from ..alarms import resolve_load_balancer_alarms
from ..alias_records import alias_records
from ..certificates import certificate_logical_id
from ..clients import find_address_property
from ..shared import (
    find_subnets,
    load_balancer_attributes,
    load_balancer_outputs,
    load_balancer_security_group,
    resolve_default_clients,
)
from .params import AccessLogs, Params

_LOG_DELIVERY = LOG_DELIVERY_SERVICES[APPLICATION][0]


def alb_resources(
    name: str, params: Params, network_handle: network.Handle, env: Environment
) -> Iterator[AWSObject]:
    """The resources of the load balancer `name` in the network of `network_handle`."""
    if params.access_logs and not params.access_logs.bucket:
        yield from access_log_bucket(
            params.access_logs, [_log_delivery_statement(params.access_logs)]
        )
    yield _security_group(name, params, network_handle, env)
    yield _load_balancer(params, network_handle)
    yield _http_listener(params)
    if params.certificate:
        yield _https_listener(params)
    for arn in params.certificate[1:]:
        yield elb.ListenerCertificate(
            certificate_logical_id(arn),
            ListenerArn=Ref("HttpsListener"),
            Certificates=[elb.Certificate(CertificateArn=arn)],
        )
    if params.web_acl:
        yield wafv2.WebACLAssociation(
            "WebAclAssociation", ResourceArn=Ref("LoadBalancer"), WebACLArn=params.web_acl
        )
    yield from alias_records(params.aliases, dualstack=params.ip_address_type == "dualstack")
    yield from alarm_resources(resolve_load_balancer_alarms(params.alarms, name, env))


def alb_outputs(name: str, params: Params, env: Environment) -> Iterator[Output]:
    """The outputs of the load balancer `name`, which are exported."""
    yield from load_balancer_outputs(name, env, security_group=True)
    http, https = Ref("HttpListener"), Ref("HttpsListener")
    yield export_output(env, name, "HttpListenerArn", http, "ARN of the listener on port 80")
    if params.certificate:
        yield export_output(env, name, "HttpsListenerArn", https, "ARN of the listener on port 443")


def _load_balancer(params: Params, network_handle: network.Handle) -> elb.LoadBalancer:
    """Without a name, because a resource with a fixed name cannot be replaced, and a change of
    scheme replaces it."""
    return elb.LoadBalancer(
        "LoadBalancer",
        Type="application",
        Scheme=params.scheme,
        IpAddressType=params.ip_address_type,
        Subnets=list(find_subnets(params.scheme, network_handle)),
        SecurityGroups=[GetAtt("SecurityGroup", "GroupId")],
        LoadBalancerAttributes=load_balancer_attributes(_attributes(params)),
        **access_log_dependency(params.access_logs),
    )


def _attributes(params: Params) -> dict[str, Any]:
    """Keys, ranges and defaults: ELB API reference 2015-12-01, LoadBalancerAttribute.

    All of them are always written, because "existing attributes that you do not modify retain their
    current values" (ELB API reference, ModifyLoadBalancerAttributes).
    """
    return {
        "deletion_protection.enabled": params.deletion_protection,
        "idle_timeout.timeout_seconds": str(params.idle_timeout),
        "routing.http.drop_invalid_header_fields.enabled": params.drop_invalid_headers,
        **access_log_attributes(params.access_logs),
    }


def _http_listener(params: Params) -> elb.Listener:
    return elb.Listener(
        "HttpListener",
        LoadBalancerArn=Ref("LoadBalancer"),
        Port=80,
        Protocol="HTTP",
        DefaultActions=[_redirect_to_https() if params.certificate else _not_found_response()],
    )


def _https_listener(params: Params) -> elb.Listener:
    return elb.Listener(
        "HttpsListener",
        LoadBalancerArn=Ref("LoadBalancer"),
        Port=443,
        Protocol="HTTPS",
        SslPolicy=params.ssl_policy,
        Certificates=[elb.Certificate(CertificateArn=params.certificate[0])],
        DefaultActions=[_not_found_response()],
    )


def _redirect_to_https() -> elb.Action:
    """A redirect keeps the host, path and query that it does not set."""
    return elb.Action(
        Type="redirect",
        RedirectConfig=elb.RedirectConfig(Protocol="HTTPS", Port="443", StatusCode="HTTP_301"),
    )


def _not_found_response() -> elb.Action:
    return elb.Action(
        Type="fixed-response",
        FixedResponseConfig=elb.FixedResponseConfig(
            StatusCode="404", ContentType="text/plain", MessageBody="Not found"
        ),
    )


def _security_group(
    name: str, params: Params, network_handle: network.Handle, env: Environment
) -> ec2.SecurityGroup:
    ports = {"HTTP": 80, "HTTPS": 443} if params.certificate else {"HTTP": 80}
    clients = (
        params.clients
        or resolve_default_clients(params.scheme, params.ip_address_type, network_handle)
        or ()
    )
    return load_balancer_security_group(
        name,
        network_handle,
        env,
        ingress=[
            ec2.SecurityGroupRule(
                Description=f"{protocol} from clients",
                IpProtocol="tcp",
                FromPort=port,
                ToPort=port,
                **{find_address_property(client): client},
            )
            for protocol, port in ports.items()
            for client in clients
        ],
        egress=[_identity_provider_rule()] if params.authentication else [],
    )


def _identity_provider_rule() -> ec2.SecurityGroupRule:
    """IPv4 only, which ELB uses for them (ELB API reference, CreateLoadBalancer, IpAddressType)."""
    return ec2.SecurityGroupRule(
        Description="To identity providers",
        IpProtocol="tcp",
        FromPort=443,
        ToPort=443,
        CidrIp=ANY_IPV4,
    )


def _log_delivery_statement(logs: AccessLogs) -> Statement:
    """Allows ELB to write access logs (Application Load Balancers user guide, "Enable access logs",
    step 2).

    The guide documents no condition; the account's id in the path excludes load balancers of other
    accounts.
    """
    return allow(
        "LogDelivery",
        [s3_actions.PutObject],
        [access_log_objects(logs)],
        Principal=Principal("Service", _LOG_DELIVERY),
    )
