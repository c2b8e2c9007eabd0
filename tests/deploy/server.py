"""AWS for the tests, in a process of its own: python server.py.

It prints its address and serves until it is stopped.
"""

from __future__ import annotations

import gc

from moorage.deploy.rehearsal.server import make_aws

if __name__ == "__main__":
    server, address = make_aws()
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)
    print(address, flush=True)
    server.serve_forever()
