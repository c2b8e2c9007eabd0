"""Constraints of listeners: ports, TLS, client certificates and attributes."""

from __future__ import annotations

from moorage.facts.load_balancing import ALPN_POLICIES, NLB_PROTOCOLS, SECURITY_POLICIES
from moorage.rules.constraints.combinations import (
    All,
    Attribute,
    Each,
    Either,
    IsReference,
    Not,
    Refers,
)
from moorage.rules.constraints.constraint import Constraint
from moorage.rules.constraints.predicates import (
    Absent,
    Count,
    Is,
    IsTrue,
    Matches,
    NotEmpty,
    Present,
    Unique,
)

_LB = "AWS::ElasticLoadBalancingV2::LoadBalancer"
_LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
_CERTIFICATE = "AWS::ElasticLoadBalancingV2::ListenerCertificate"
_API = "Elastic Load Balancing API reference, version 2015-12-01"
_ALB = "Elastic Load Balancing user guide, Application Load Balancers"
_NLB = "Elastic Load Balancing user guide, Network Load Balancers"
_REPRODUCED = "AWS's error message, reproduced by cdk-preflight"
_WITHOUT_TLS = ("HTTP", "TCP", "UDP", "TCP_UDP", "QUIC", "TCP_QUIC")
_MTLS = f"{_LISTENER} MutualAuthentication"
_RESPONSE = "routing.http.response."
_CERTIFICATE_ARN = r"arn:[^:]+:(acm:[^:]*:[^:]*:certificate/.+|iam::[^:]*:server-certificate/.+)"
_NEW_POLICY = r"ELBSecurityPolicy-.*(RFC9151|FIPS|PQ|20(2[6-9]|[3-9][0-9])-[01][0-9]).*"
"""Families that may have more members than the facts, and policies later than the facts."""
_HEADER_VALUES = {
    "x_content_type_options": "(?i:nosniff)?",
    "x_frame_options": "(?i:DENY|SAMEORIGIN)?",
    "access_control_allow_credentials": "(?i:true)?",
    "access_control_max_age": "[0-9]*",
}
"""The values of response headers, as regular expressions. An empty one turns the header off."""

CONSTRAINTS = (
    Constraint(
        "E9505",
        _LISTENER,
        "A listener without TLS has an ALPN policy.",
        when=Is("Protocol", *_WITHOUT_TLS, "HTTPS"),
        must=Not(NotEmpty("AlpnPolicy")),
        message="Listener {id} has the protocol {Protocol} and an ALPN policy, which is for TLS",
        fix="Remove `AlpnPolicy`.",
        error_messages=("You cannot set ALPN policy on load balancers of type '...'",),
        sources=(f"{_API}: CreateListener, AlpnPolicy",),
    ),
    Constraint(
        "E9506",
        _LISTENER,
        "A listener has two ALPN policies, or one that does not exist.",
        must=All(Count("AlpnPolicy", 0, 1), Each("AlpnPolicy", Is("", *ALPN_POLICIES))),
        message=(
            "Listener {id} has more than one ALPN policy",
            "Listener {id} has the ALPN policy {actual}, which does not exist",
        ),
        fix="Write one of `HTTP1Only`, `HTTP2Only`, `HTTP2Optional`, `HTTP2Preferred` and `None`.",
        sources=(f"{_API}: CreateListener, AlpnPolicy",),
    ),
    Constraint(
        "E9508",
        _LISTENER,
        "A listener without TLS has a security policy.",
        when=Is("Protocol", *_WITHOUT_TLS),
        must=Absent("SslPolicy"),
        message="Listener {id} has the protocol {Protocol} and an `SslPolicy`",
        fix="Remove `SslPolicy`, or write `Protocol: HTTPS` or `TLS` and a certificate.",
        sources=(f"{_API}: CreateListener, SslPolicy",),
    ),
    Constraint(
        "E9509",
        _LISTENER,
        "A security policy does not exist.",
        must=Either(
            Absent("SslPolicy"),
            Is("SslPolicy", *SECURITY_POLICIES),
            Matches("SslPolicy", _NEW_POLICY),
        ),
        message="Listener {id} has the security policy {SslPolicy}, which does not exist",
        fix="Write the name of a predefined policy, such as `ELBSecurityPolicy-TLS13-1-2-2021-06`.",
        sources=(f"{_ALB}: Security policies",),
    ),
    Constraint(
        "E9511",
        _LISTENER,
        "A listener without TLS verifies client certificates.",
        when=Is("Protocol", *_WITHOUT_TLS),
        must=Not(Is("MutualAuthentication.Mode", "verify", "passthrough")),
        message="Listener {id} has the protocol {Protocol} and `MutualAuthentication`",
        fix="Remove `MutualAuthentication`, or write `Protocol: HTTPS` and a certificate.",
        sources=(f"{_API}: CreateListener, MutualAuthentication",),
    ),
    Constraint(
        "E9512",
        _MTLS,
        "A listener verifies client certificates without a trust store.",
        when=Is("Mode", "verify"),
        must=Present("TrustStoreArn"),
        message="Listener {id} verifies client certificates, but has no `TrustStoreArn`",
        fix="Write the ARN of a trust store as `TrustStoreArn`.",
        sources=(f"{_API}: MutualAuthenticationAttributes",),
    ),
    Constraint(
        "E9513",
        _MTLS,
        "A listener that does not verify client certificates has settings for it.",
        when=Is("Mode", "off", "passthrough", default="off"),
        must=All(
            Absent("TrustStoreArn"),
            Not(IsTrue("IgnoreClientCertificateExpiry")),
            Not(Is("AdvertiseTrustStoreCaNames", "on")),
        ),
        message="Listener {id} has {key}, but does not verify client certificates",
        fix="Write `Mode: verify`, or remove the settings.",
        sources=(f"{_API}: MutualAuthenticationAttributes", _REPRODUCED),
    ),
    Constraint(
        "E9514",
        _MTLS,
        "The mode of client certificates is not one that the protocol has.",
        when=Present("Mode"),
        must=Either(
            Is("Mode", "off", "verify"), All(Is("Mode", "passthrough"), Not(Is("/Protocol", "TLS")))
        ),
        message="Listener {id} has the mode {Mode} for client certificates",
        fix="Write `off` or `verify`, or `passthrough` for an HTTPS listener.",
        sources=(f"{_API}: MutualAuthenticationAttributes, Mode",),
    ),
    Constraint(
        "E9515",
        (f"{_LISTENER} Certificates[]", f"{_CERTIFICATE} Certificates[]"),
        "A certificate of a listener is not from ACM or IAM.",
        must=Matches("CertificateArn", _CERTIFICATE_ARN),
        message="A certificate of {id} is {CertificateArn}, which is not the ARN of a certificate "
        "of ACM or IAM",
        fix="Write the ARN of the certificate, such as `!Ref <certificate>`.",
        error_messages=("Certificate ARN '...' is not valid",),
        sources=(f"{_API}: CreateListener, Certificates",),
    ),
    Constraint(
        "E9516",
        _CERTIFICATE,
        "A certificate is added to a listener without TLS.",
        must=Refers("ListenerArn", _LISTENER, Not(Is("Protocol", *_WITHOUT_TLS))),
        message="{id} adds a certificate to a listener without TLS",
        fix="Write `Protocol: HTTPS` or `TLS` of the listener, or use another listener.",
        sources=(f"{_API}: AddListenerCertificates",),
    ),
    Constraint(
        "E9519",
        f"{_LISTENER} DefaultActions[]",
        "A listener of a Network Load Balancer redirects or answers requests.",
        when=Is("/Protocol", *NLB_PROTOCOLS),
        must=Not(Is("Type", "redirect", "fixed-response")),
        message="Listener {id} belongs to a Network Load Balancer, and has an action of the type "
        "{Type}",
        fix="Write `Type: forward`, or use an Application Load Balancer.",
        sources=(f"{_NLB}: Listeners", f"{_API}: Action, Type"),
    ),
    Constraint(
        "E9520",
        _LISTENER,
        "A listener has no protocol or no port.",
        when=Either(
            Refers("LoadBalancerArn", _LB, Not(Is("Type", "gateway"))),
            Matches("LoadBalancerArn", r".*:loadbalancer/(app|net)/.*"),
        ),
        must=All(Present("Protocol"), Present("Port")),
        message="Listener {id} has no {key}",
        fix="Write both. Only the listener of a Gateway Load Balancer has neither.",
        sources=(f"{_API}: CreateListener, Protocol, Port",),
    ),
    Constraint(
        "E9581",
        _LISTENER,
        "A response header of a listener has a value that AWS rejects.",
        must=All(
            *(
                Attribute(
                    "ListenerAttributes",
                    f"{_RESPONSE}{name}.header_value",
                    Matches("Value", pattern),
                )
                for name, pattern in _HEADER_VALUES.items()
            )
        ),
        message=tuple(
            f"Listener {{id}} has the value {{actual}} of `{_RESPONSE}{name}.header_value`"
            for name in _HEADER_VALUES
        ),
        fix="Write `nosniff` for x_content_type_options, `DENY` or `SAMEORIGIN` for "
        "x_frame_options, `true` for access_control_allow_credentials, and a number of seconds for "
        "access_control_max_age.",
        sources=(f"{_ALB}: HTTP header modification", _REPRODUCED),
    ),
    Constraint(
        "E9507",
        _LISTENER,
        "A listener has the same attribute twice.",
        must=Unique("ListenerAttributes", ("Key",)),
        message="Listener {id} has the same attribute twice",
        fix="Keep one of them.",
        error_messages=("Attribute key '...' has been specified more than once",),
        sources=(_REPRODUCED,),
    ),
    Constraint(
        "E9582",
        _LISTENER,
        "A listener that is not for TCP has a TCP idle timeout.",
        when=Is("Protocol", "TLS", "UDP", "QUIC"),
        must=Attribute("ListenerAttributes", "tcp.idle_timeout.seconds", Absent("Value")),
        message="Listener {id} has the protocol {Protocol}, for which the idle timeout cannot be "
        "changed",
        fix="Remove `tcp.idle_timeout.seconds`.",
        sources=(f"{_NLB}: Update the TCP idle timeout",),
    ),
    Constraint(
        "E9579",
        f"{_LISTENER} ListenerAttributes[]",
        "A request header of a listener has a name with invalid characters.",
        when=Matches("Key", r"routing\.http\.request\..+\.header_name"),
        must=Matches("Value", r"[A-Za-z0-9!#$%&'*+.^_`|~-]*"),
        message="The attribute {Key} of listener {id} is not the name of a header",
        fix="Write letters, digits and hyphens.",
        sources=("RFC 7230, section 3.2.6", _REPRODUCED),
    ),
    Constraint(
        "E9580",
        f"{_LISTENER} LoadBalancerArn",
        "A listener does not have the ARN of its load balancer.",
        must=Not(
            Either(
                *(
                    IsReference("", _LB, name)
                    for name in (
                        "DNSName",
                        "LoadBalancerFullName",
                        "LoadBalancerName",
                        "CanonicalHostedZoneID",
                    )
                )
            )
        ),
        message="The `LoadBalancerArn` of listener {id} is another attribute of the load balancer",
        fix="Write `!Ref <load balancer>`.",
        error_messages=("'...' is not a valid load balancer ARN",),
        sources=(
            "AWS CloudFormation template reference: AWS::ElasticLoadBalancingV2::LoadBalancer, "
            "return values",
        ),
    ),
)
