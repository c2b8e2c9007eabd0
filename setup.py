"""What setup.cfg cannot say: templates/ is a package of its own in a checkout, and is installed as
`moorage.templates`. Everything else is in setup.cfg."""

from setuptools import find_packages, setup

setup(
    packages=[
        *find_packages(include=["moorage", "moorage.*"]),
        *(f"moorage.{name}" for name in find_packages(include=["templates", "templates.*"])),
    ]
)
