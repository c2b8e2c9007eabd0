"""The directives that the installed nginx may read during a build: an allowlist.

Anyone who can change the params can write a configuration, and `nginx -t` is more than a parser: it
loads modules, opens and creates the files that a configuration names, looks up hosts and binds
ports. So only the directives below reach it, and arguments that name files or hosts are replaced.

What nginx does with a directive when it starts is in its source, in the function that its module
names for the directive (`ngx_command_t.set`) and in the functions that merge configurations.
"""

from __future__ import annotations

import re
from typing import Literal

from .nginx_directives import ALL_DIRECTIVES

Treatment = Literal["as it is", "block", "values", "path", "log", "folder", "key", "ca", "host"]
"""What happens to a directive before nginx reads it.

as it is: its arguments are numbers, switches, names, texts, patterns or variables.
block: like "as it is", and its block has directives.
values: its block has values; an `include` among them is left out.
path: nginx uses the path only when requests arrive; one without variables becomes `/`.
log: nginx opens the file, or connects to syslog; it is replaced by a file of this run.
folder: nginx creates the folder; it is replaced by one of this run.
key: nginx opens the certificate or key; a variable is put there, which it does not open.
ca: nginx opens the certificate; it is replaced by one of this run.
host: nginx looks up the host or binds the address; it is replaced by a loopback address.
"""

_AS_THEY_ARE = """
absolute_redirect accept_mutex accept_mutex_delay add_after_body add_before_body add_header
add_header_inherit add_trailer add_trailer_inherit addition_types aio aio_write allow
ancient_browser ancient_browser_value auth_basic auth_delay auth_request auth_request_set autoindex
autoindex_exact_size autoindex_format autoindex_localtime break charset charset_types
chunked_transfer_encoding client_body_buffer_size client_body_in_file_only
client_body_in_single_buffer client_body_timeout client_header_buffer_size client_header_timeout
client_max_body_size connection_pool_size create_full_put_path dav_access dav_methods default_type
deny directio directio_alignment disable_symlinks early_hints empty_gif etag epoll_events error_page
expires flv gunzip gunzip_buffers gzip gzip_buffers gzip_comp_level gzip_disable gzip_http_version
gzip_min_length gzip_proxied gzip_static gzip_types gzip_vary hash http2 http2_body_preread_size
http2_chunk_size http2_idle_timeout http2_max_concurrent_pushes http2_max_concurrent_streams
http2_max_field_size http2_max_header_size http2_max_requests http2_push http2_push_preload
http2_recv_buffer_size http2_recv_timeout http3 http3_hq http3_max_concurrent_streams
http3_stream_buffer_size if_modified_since ignore_invalid_headers index internal ip_hash keepalive
keepalive_disable keepalive_min_timeout keepalive_requests keepalive_time keepalive_timeout
large_client_header_buffers least_conn limit_conn limit_conn_dry_run limit_conn_log_level
limit_conn_status limit_conn_zone limit_rate limit_rate_after limit_req limit_req_dry_run
limit_req_log_level limit_req_status limit_req_zone lingering_close lingering_time lingering_timeout
log_format log_not_found log_subrequest map_hash_bucket_size map_hash_max_size max_headers
max_ranges merge_slashes min_delete_depth mirror mirror_request_body modern_browser
modern_browser_value mp4 mp4_buffer_size mp4_max_buffer_size msie_padding msie_refresh multi_accept
open_file_cache open_file_cache_errors open_file_cache_events open_file_cache_min_uses
open_file_cache_valid open_log_file_cache output_buffers override_charset pcre_jit port_in_redirect
post_action postpone_output proxy_cookie_domain proxy_cookie_flags proxy_cookie_path
proxy_headers_hash_bucket_size proxy_headers_hash_max_size proxy_http_version proxy_method
proxy_redirect proxy_set_body quic_active_connection_id_limit quic_gso quic_retry random
random_index read_ahead real_ip_header real_ip_recursive recursive_error_pages
referer_hash_bucket_size referer_hash_max_size request_pool_size reset_timedout_connection
resolver_timeout return rewrite rewrite_log satisfy secure_link secure_link_md5 secure_link_secret
send_lowat send_timeout sendfile sendfile_max_chunk server_name server_name_in_redirect
server_names_hash_bucket_size server_names_hash_max_size server_tokens set slice source_charset ssi
ssi_last_modified ssi_min_file_chunk ssi_silent_errors ssi_types ssi_value_length ssl
ssl_buffer_size ssl_ciphers ssl_early_data ssl_ecdh_curve ssl_prefer_server_ciphers ssl_protocols
ssl_reject_handshake ssl_session_cache ssl_session_tickets ssl_session_timeout ssl_verify_client
ssl_verify_depth stub_status sub_filter sub_filter_last_modified sub_filter_once sub_filter_types
subrequest_output_buffer_size tcp_nodelay tcp_nopush thread_pool timer_resolution try_files
types_hash_bucket_size types_hash_max_size underscores_in_headers uninitialized_variable_warn use
userid userid_domain userid_expires userid_flags userid_mark userid_name userid_p3p userid_path
userid_service uwsgi_modifier1 uwsgi_modifier2 valid_referers variables_hash_bucket_size
variables_hash_max_size worker_aio_requests worker_connections worker_cpu_affinity worker_priority
worker_processes worker_rlimit_core worker_rlimit_nofile worker_shutdown_timeout zone
"""
_PROTOCOLS = ("proxy", "fastcgi", "uwsgi", "scgi", "grpc", "memcached")
_OF_EACH_PROTOCOL = """
bind buffer_size buffering buffers busy_buffers_size cache cache_background_update cache_bypass
cache_convert_head cache_key cache_lock cache_lock_age cache_lock_timeout cache_max_range_offset
cache_methods cache_min_uses cache_revalidate cache_use_stale cache_valid catch_stderr
connect_timeout force_ranges gzip_flag hide_header ignore_client_abort ignore_headers index
intercept_errors keep_conn limit_rate max_temp_file_size next_upstream next_upstream_timeout
next_upstream_tries no_cache param pass_header pass_request_body pass_request_headers pass_trailers
read_timeout request_buffering send_lowat send_timeout set_header socket_keepalive socket_rcvbuf
socket_sndbuf split_path_info ssl_ciphers ssl_name ssl_protocols ssl_server_name ssl_session_reuse
ssl_verify ssl_verify_depth store_access temp_file_write_size
"""


def _each(*endings: str) -> list[str]:
    return [f"{protocol}_{ending}" for protocol in _PROTOCOLS for ending in endings]


def _table() -> dict[str, Treatment]:
    groups: dict[Treatment, list[str]] = {
        "as it is": [*_AS_THEY_ARE.split(), *_each(*_OF_EACH_PROTOCOL.split())],
        "block": ["events", "http", "if", "limit_except", "location", "upstream"],
        "values": ["charset_map", "geo", "map", "split_clients", "types"],
        "path": ["root", "alias", *_each("store")],
        "log": ["access_log", "error_log"],
        "folder": ["client_body_temp_path", *_each("temp_path", "cache_path")],
        "key": [
            *("ssl_certificate", "ssl_certificate_key"),
            *_each("ssl_certificate", "ssl_certificate_key"),
        ],
        "ca": [
            *("ssl_client_certificate", "ssl_trusted_certificate"),
            *_each("ssl_trusted_certificate"),
        ],
        "host": ["listen", "resolver", "server", "set_real_ip_from", *_each("pass")],
    }
    return {name: treatment for treatment, names in groups.items() for name in names}


ALLOWED = _table()
"""The directives that reach nginx, and what happens to each before."""

_RUNS_CODE = re.compile(
    r"load_module|ssl_engine|ssl_conf_command|google_perftools_profiles"
    r"|(lua|perl|js|xslt)(_\w+)?|\w*_by_lua\w*|stream|mail"
)
"""Directives that do not reach nginx and can change how requests are handled. The others that are
left out, such as `user` or `include`, do not affect the rest of the file."""


def is_reported(name: str) -> bool:
    """Whether the build reports that nginx does not test a directive."""
    return _RUNS_CODE.fullmatch(name) is not None


def is_unknown(name: str) -> bool:
    """Whether no module that Moorage knows has a directive of this name."""
    return name not in ALLOWED and name not in ALL_DIRECTIVES and not is_reported(name)
