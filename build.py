"""Build the environments under params/ into out/: `python build.py --help`."""

from moorage.cli import run

if __name__ == "__main__":
    run("templates")
