"""The mount options of tmpfs directories that ECS accepts.

Amazon ECS API reference, Tmpfs, mountOptions (botocore 1.44.5, read on 2026-11-27).
"""

from __future__ import annotations

FLAGS = (
    *("defaults", "ro", "rw", "suid", "nosuid", "dev", "nodev", "exec", "noexec", "sync", "async"),
    *("dirsync", "remount", "mand", "nomand", "atime", "noatime", "diratime", "nodiratime"),
    *("bind", "rbind", "unbindable", "runbindable", "private", "rprivate", "shared", "rshared"),
    *("slave", "rslave", "relatime", "norelatime", "strictatime", "nostrictatime"),
)
"""The options without a value."""

WITH_VALUE = {
    "mode": "[0-7]{3,4}",
    "uid": "[0-9]+",
    "gid": "[0-9]+",
    "nr_inodes": "[0-9]+[kmg]?",
    "nr_blocks": "[0-9]+[kmg]?",
    "mpol": "[a-z0-9=:,-]+",
}
"""The options that take a value, written as `mode=1777`, and the patterns of the values: Linux's
manual page tmpfs(5)."""
