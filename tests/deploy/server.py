"""AWS for the tests, in a process of its own: python server.py.

It prints its address and serves until it is stopped.
"""

from __future__ import annotations

from moorage.deploy.rehearsal.server import make_aws

if __name__ == "__main__":
    server, address = make_aws()
    print(address, flush=True)
    server.serve_forever()
