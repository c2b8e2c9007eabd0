"""The directives of nginx: where each is allowed, and how many arguments it takes.

The table comes from crossplane, nginx's own configuration parser in Python; it was compared with
nginx 1.22.1 and 1.31.3 (docs/decisions/0018-nginx-parser.md). Nothing else of crossplane is used:
its parser opens files by name and follows `include`, and params must not name files to read.

A directive that is not in the table may still be right, since modules add directives.
"""

from __future__ import annotations

from collections.abc import Sequence

from crossplane import analyzer

from moorage.records import record

Context = tuple[str, ...]
"""The blocks around a directive, from the outside in; () at the top level of nginx.conf. A location
inside another location counts as a single location."""

PLACES: dict[Context, str] = {
    (): "the top level of nginx.conf",
    ("events",): "`events`",
    ("http",): "`http`",
    ("http", "server"): "`server`",
    ("http", "location"): "`location`",
    ("http", "upstream"): "`upstream`",
    ("http", "server", "if"): "`if` in a `server`",
    ("http", "location", "if"): "`if` in a `location`",
    ("http", "location", "limit_except"): "`limit_except`",
}
"""The contexts that a proxy for HTTP can have. Mail and streams are not checked."""

_TAKES_BLOCK = analyzer.NGX_CONF_BLOCK
_TAKES_FLAG = analyzer.NGX_CONF_FLAG
_MAX_COUNTED = 7
"""The largest number of arguments that the table counts exactly."""

_CORRECTIONS: dict[str, int] = {
    # Also allowed in these three (nginx documentation, include: "Context: any").
    "include": analyzer.NGX_HTTP_SIF_CONF
    | analyzer.NGX_HTTP_LIF_CONF
    | analyzer.NGX_HTTP_LMT_CONF
    | analyzer.NGX_CONF_TAKE1,
    # Allowed by nginx 1.31.3, not yet by 1.22.1.
    "resolver_timeout": analyzer.NGX_HTTP_UPS_CONF | analyzer.NGX_CONF_TAKE1,
    # nginx 1.31.3 takes a second argument, `local`; 1.22.1 does not.
    "keepalive": analyzer.NGX_HTTP_UPS_CONF | analyzer.NGX_CONF_TAKE2,
}
"""What nginx accepts in addition to crossplane's table."""

_NOT_CHECKED = ("js_", "auth_jwt")
"""Prefixes of directives of modules that are released separately, for which the table is too
old."""

_NEWER = """
add_header_inherit add_trailer_inherit auth_delay early_hints epoll_events fastcgi_socket_rcvbuf
fastcgi_socket_sndbuf grpc_socket_rcvbuf grpc_socket_sndbuf grpc_ssl_certificate_cache
grpc_ssl_conf_command gzip_hash gzip_no_buffer gzip_window http2 http2_pool_size
http2_streams_index_size http3 http3_hq http3_max_concurrent_streams http3_stream_buffer_size
js_body_filter js_fetch_ciphers js_fetch_protocols js_fetch_trusted_certificate
js_fetch_verify_depth js_header_filter js_import js_var keepalive_min_timeout keepalive_time
max_headers open_file_cache_events post_action postpone_gzipping proxy_cookie_flags
proxy_pass_trailers proxy_socket_rcvbuf proxy_socket_sndbuf proxy_ssl_certificate_cache
proxy_ssl_conf_command quic_active_connection_id_limit quic_bpf quic_gso quic_host_key quic_retry
scgi_socket_rcvbuf scgi_socket_sndbuf ssl_certificate_cache ssl_certificate_compression
ssl_conf_command ssl_ech_file ssl_object_cache_inheritable ssl_ocsp ssl_ocsp_cache
ssl_ocsp_responder ssl_reject_handshake tunnel_bind tunnel_buffer_size tunnel_connect_timeout
tunnel_next_upstream tunnel_next_upstream_timeout tunnel_next_upstream_tries tunnel_pass
tunnel_read_timeout tunnel_send_lowat tunnel_send_timeout tunnel_socket_keepalive
tunnel_socket_rcvbuf tunnel_socket_sndbuf userid_flags uwsgi_socket_rcvbuf uwsgi_socket_sndbuf
uwsgi_ssl_certificate_cache uwsgi_ssl_conf_command uwsgi_string
"""
"""Directives of nginx 1.31.3 and of njs that crossplane's table lacks, so that they do not
count as misspelled (nginx documentation, "Alphabetical index of directives")."""

_ONCE = """
accept_mutex_delay alias auth_basic auth_basic_user_file charset client_body_buffer_size
client_body_in_file_only client_body_temp_path client_body_timeout client_header_buffer_size
client_header_timeout client_max_body_size connection_pool_size default_type directio
directio_alignment disable_symlinks expires fastcgi_bind fastcgi_buffer_size fastcgi_buffers
fastcgi_busy_buffers_size fastcgi_cache fastcgi_cache_key fastcgi_cache_lock_age
fastcgi_cache_lock_timeout fastcgi_cache_max_range_offset fastcgi_cache_min_uses
fastcgi_connect_timeout fastcgi_index fastcgi_limit_rate fastcgi_max_temp_file_size
fastcgi_next_upstream_timeout fastcgi_next_upstream_tries fastcgi_pass fastcgi_read_timeout
fastcgi_send_lowat fastcgi_send_timeout fastcgi_store fastcgi_temp_file_write_size fastcgi_temp_path
grpc_bind grpc_buffer_size grpc_connect_timeout grpc_next_upstream_timeout grpc_next_upstream_tries
grpc_pass grpc_read_timeout grpc_send_timeout grpc_ssl_certificate grpc_ssl_certificate_key
grpc_ssl_ciphers grpc_ssl_crl grpc_ssl_name grpc_ssl_trusted_certificate grpc_ssl_verify_depth
gzip_buffers gzip_comp_level gzip_http_version gzip_min_length if_modified_since internal
keepalive_requests keepalive_timeout large_client_header_buffers limit_conn_dry_run limit_rate
limit_rate_after lingering_close lingering_time lingering_timeout lock_file map_hash_bucket_size
map_hash_max_size max_ranges open_file_cache open_file_cache_min_uses open_file_cache_valid
open_log_file_cache output_buffers pid postpone_output proxy_bind proxy_buffer_size proxy_buffers
proxy_busy_buffers_size proxy_cache proxy_cache_key proxy_cache_lock_age proxy_cache_lock_timeout
proxy_cache_max_range_offset proxy_cache_min_uses proxy_connect_timeout
proxy_headers_hash_bucket_size proxy_headers_hash_max_size proxy_http_version proxy_limit_rate
proxy_max_temp_file_size proxy_method proxy_next_upstream_timeout proxy_next_upstream_tries
proxy_pass proxy_read_timeout proxy_send_lowat proxy_send_timeout proxy_set_body
proxy_ssl_certificate proxy_ssl_certificate_key proxy_ssl_ciphers proxy_ssl_crl proxy_ssl_name
proxy_ssl_trusted_certificate proxy_ssl_verify_depth proxy_store proxy_temp_file_write_size
proxy_temp_path read_ahead real_ip_header request_pool_size resolver resolver_timeout root satisfy
scgi_pass send_lowat send_timeout sendfile_max_chunk server_names_hash_bucket_size
server_names_hash_max_size server_tokens source_charset ssl_buffer_size ssl_ciphers
ssl_client_certificate ssl_crl ssl_dhparam ssl_ecdh_curve ssl_session_timeout ssl_stapling_file
ssl_stapling_responder ssl_trusted_certificate ssl_verify_client ssl_verify_depth
subrequest_output_buffer_size timer_resolution try_files types_hash_bucket_size types_hash_max_size
user uwsgi_pass variables_hash_bucket_size variables_hash_max_size worker_connections
worker_cpu_affinity worker_priority worker_processes worker_rlimit_core worker_rlimit_nofile
worker_shutdown_timeout working_directory
"""
"""Directives that nginx refuses twice in a block (`"..." directive is duplicate`). Flags (`on` or
`off`) are not listed here, because nginx refuses all of them twice. tests/proxy tries each with the
real nginx."""


@record
class Arguments:
    """What a directive takes in one context."""

    counts: frozenset[int]
    """The numbers of arguments that it takes, up to 7."""
    least: int | None
    """The smallest number of arguments, if it takes any number from there on."""
    flag: bool
    """Whether it takes `on` or `off`."""
    block: bool
    """Whether a block follows the arguments."""

    def allows(self, count: int) -> bool:
        """Whether a number of arguments is right."""
        return count in self.counts or (self.least is not None and count >= self.least)

    def __str__(self) -> str:
        if self.least is not None:
            return f"at least {_count(self.least)}" if self.least else "any arguments"
        numbers = sorted(self.counts)
        if len(numbers) > 1 and numbers == list(range(numbers[0], numbers[-1] + 1)):
            return f"{numbers[0]} to {_count(numbers[-1])}"
        return " or ".join([*map(str, numbers[:-1]), _count(numbers[-1])])


def _count(number: int) -> str:
    return "no argument" if number == 0 else f"{number} argument{'s' if number > 1 else ''}"


def enter_block(name: str, context: Context) -> Context:
    """The context inside the block of a directive in `context`."""
    if context[:1] == ("http",) and name == "location":
        return ("http", "location")
    return (*context, name)


def find_places(name: str) -> list[str]:
    """Where a directive is allowed, in words; nothing if that is not known."""
    masks = _masks(name)
    return [
        place
        for context, place in PLACES.items()
        if any(mask & analyzer.CONTEXTS[context] for mask in masks)
    ]


def is_allowed(name: str, context: Context) -> bool:
    """Whether a directive is allowed in a context; True if that is not known."""
    if context not in PLACES or not _masks(name):
        return True
    return any(mask & analyzer.CONTEXTS[context] for mask in _masks(name))


def find_arguments(name: str, context: Context) -> Arguments | None:
    """What a directive takes in a context; None if that is not known, or it is not allowed
    there."""
    if context not in PLACES:
        return None
    masks = [mask for mask in _masks(name) if mask & analyzer.CONTEXTS[context]]
    if not masks:
        return None
    counts = {n for n in range(_MAX_COUNTED + 1) if any(mask >> n & 1 for mask in masks)}
    flag = any(mask & _TAKES_FLAG for mask in masks)
    least = [
        number
        for number, bit in enumerate(
            (analyzer.NGX_CONF_ANY, analyzer.NGX_CONF_1MORE, analyzer.NGX_CONF_2MORE)
        )
        if any(mask & bit for mask in masks)
    ]
    return Arguments(
        counts=frozenset(counts | ({1} if flag else set())),
        least=min(least, default=None),
        flag=flag and counts <= {1},
        block=any(mask & _TAKES_BLOCK for mask in masks),
    )


def _masks(name: str) -> Sequence[int]:
    """The bits of a directive in crossplane's table: contexts, numbers of arguments, block or not.
    They have the same meaning as in nginx (ngx_command_t)."""
    if name.startswith(_NOT_CHECKED):
        return ()
    corrections = [_CORRECTIONS[name]] if name in _CORRECTIONS else []
    return [*analyzer.DIRECTIVES.get(name, ()), *corrections]


def _is_for_http(name: str, bits: int = -1) -> bool:
    """Whether a directive is allowed in one of the contexts, with one of the bits."""
    masks = [mask for mask in _masks(name) if mask & bits]
    return any(mask & analyzer.CONTEXTS[context] for mask in masks for context in PLACES)


DIRECTIVES = frozenset({*filter(_is_for_http, analyzer.DIRECTIVES), *_NEWER.split()})
"""Directives of nginx, without those that are for mail and streams only."""

ALL_DIRECTIVES = DIRECTIVES | frozenset(analyzer.DIRECTIVES)
"""The same, with those for mail and streams."""

ONCE = frozenset(
    {
        *_ONCE.split(),
        *(name for name in DIRECTIVES if _is_for_http(name, _TAKES_FLAG)),
    }
)
"""Directives that nginx refuses twice in a block."""
