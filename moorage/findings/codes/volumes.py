"""M2800 to M2899: volumes and mounts."""

from __future__ import annotations

from moorage.findings.codes.code import Code
from moorage.findings.codes.in_templates import NO_EFFECT

_EBS_SOURCES = ("Amazon ECS API reference, ServiceManagedEBSVolumeConfiguration",)
_TYPE_SOURCES = (*_EBS_SOURCES, 'Amazon EBS user guide, "Amazon EBS volume types"')

CODES: tuple[Code, ...] = (
    Code(
        "M2801",
        "A volume has both `efs` and `ebs`.",
        "A volume is on an EFS file system, on an EBS volume, or on the storage of the task "
        "itself.",
        "Keep one of `efs:` and `ebs:`, and declare a second volume for the other.",
        """\
volumes:
  uploads: {efs: true}
  scratch: {ebs: {size: 20}}  # a second volume
""",
        rules=("E9105",),
    ),
    Code(
        "M2802",
        "No container mounts the volume.",
        "A volume that no container mounts has no use: its file system or disk would be created "
        "and paid for, and no container could reach it.",
        "Add the volume to `mounts` of a container, or remove it from `volumes`.",
        """\
volumes: {uploads: {efs: true}}
containers:
  web:
    image: ecr:shop/web:1.4.2
    mounts: {uploads: /srv/uploads}  # the volume's name, and where it is mounted
""",
        rules=("E9166",),
    ),
    Code(
        "M2803",
        "The task has more than one EBS volume.",
        "A task definition can have one volume that is configured at launch, so ECS attaches at "
        "most one EBS volume to each task.",
        "Keep one volume with `ebs:`, and use `efs:` or a plain volume for the others.",
        """\
volumes:
  data: {ebs: {size: 100}}  # the only one with `ebs`
  cache: {}
""",
        ('Amazon ECS developer guide, "Use Amazon EBS volumes with Amazon ECS"',),
        rules=("E9130",),
    ),
    Code(
        "M2804",
        "Two volumes are mounted at the same path.",
        "A container can have one volume at a path.",
        "Mount one of the volumes at another path.",
        """\
containers:
  web:
    image: ecr:shop/web:1.4.2
    mounts: {uploads: /srv/uploads, cache: /srv/cache}  # different paths
volumes: {uploads: {efs: true}, cache: {}}
""",
        rules=("E9162",),
    ),
    Code(
        "M2805",
        "A volume is mounted at `/`.",
        "The root directory of a container is the file system of its image. Docker refuses a "
        "mount there.",
        "Mount the volume at a directory, such as `/data`.",
        """\
volumes: {uploads: {efs: true}}
containers:
  web:
    image: ecr:shop/web:1.4.2
    mounts: {uploads: /data}  # a directory below /
""",
        rules=("E9163",),
    ),
    Code(
        "M2806",
        "The EBS volume has neither a size nor a snapshot.",
        "ECS takes the size of the volume from `sizeInGiB`, or from the snapshot that the volume "
        "is created from.",
        "Add `size:` in GiB, or `snapshot:`.",
        """\
volumes:
  data: {ebs: {size: 20}}  # GiB
""",
        _EBS_SOURCES,
        rules=("E9229",),
    ),
    Code(
        "M2807",
        "The size of the EBS volume is out of range for its type.",
        "`io1` and `io2` volumes have 4 to 16,384 GiB, `st1` and `sc1` volumes 125 to 16,384 GiB, "
        "`gp2` and `gp3` volumes 1 to 16,384 GiB.",
        "Write a size in the range of the type, or another `type:`.",
        """\
volumes:
  logs: {ebs: {type: st1, size: 500}}  # at least 125 GiB
""",
        _TYPE_SOURCES,
        rules=("E9272",),
    ),
    Code(
        "M2808",
        "The type of the EBS volume does not have the setting.",
        "`iops` can be set for `gp3`, `io1` and `io2` volumes, `throughput` for `gp3` volumes.",
        "Remove the setting, or write `type: gp3`.",
        """\
volumes:
  data: {ebs: {size: 100, type: gp3, iops: 6000, throughput: 250}}  # gp3 has both
""",
        _TYPE_SOURCES,
        rules=(
            "E9267",
            "E9269",
        ),
    ),
    Code(
        "M2809",
        "The type of the EBS volume needs `iops`.",
        "`io1` and `io2` volumes have no default number of IOPS.",
        "Add `iops:`, or write `type: gp3`, which has 3,000 IOPS without it.",
        """\
volumes:
  data: {ebs: {size: 100, type: io2, iops: 3000}}  # required by io2
""",
        _EBS_SOURCES,
        rules=("E9237",),
    ),
    Code(
        "M2810",
        "The number of IOPS is out of range for the EBS volume.",
        "Each type has a range of IOPS, and a limit for each GiB of its size: `gp3` 500, `io1` 50, "
        "`io2` 1,000 IOPS per GiB. A `gp3` volume has 3,000 IOPS at any size. EBS refuses the "
        "volume when the task starts.",
        "Lower `iops:`, or raise `size:`.",
        """\
volumes:
  data: {ebs: {size: 12, iops: 6000}}  # gp3: at most 500 IOPS per GiB
""",
        _TYPE_SOURCES,
        rules=(
            "E9268",
            "E9273",
        ),
    ),
    Code(
        "M2811",
        "The throughput of the `gp3` volume is too high for its IOPS.",
        "A `gp3` volume has at most 0.25 MiB per second of throughput for each of its IOPS. EBS "
        "refuses the volume when the task starts.",
        "Raise `iops:` to four times `throughput:`, or lower `throughput:`.",
        """\
volumes:
  data: {ebs: {size: 100, iops: 4000, throughput: 1000}}  # 4 IOPS for each MiB/s
""",
        _TYPE_SOURCES,
        rules=("E9274",),
    ),
    Code(
        "M2812",
        "The setting has no effect on an existing file system.",
        "With `existing:` the stack creates no file system and changes none: the tasks mount what "
        "exists.",
        "Remove the setting, or remove `existing:` to create a file system.",
        """\
volumes:
  uploads:
    efs:
      existing:  # nothing else below `efs`
        file_system: fs-0123456789abcdef0
        access_point: fsap-0123456789abcdef0
""",
        not_in_templates=NO_EFFECT,
    ),
)
