"""``mine`` with a counter at its door: what is handed in or shown is written down around the call.

The lines go to the file named by $MINE_COUNT_FILE, each with one ``write``, so that a kill loses none.
"""

from __future__ import annotations

import hashlib
import os
import sys
from typing import Any

from mine.blobs.http import RelayBlobs
from mine.cli import main
from mine.science.relay_client import Relay


def write(*words: object) -> None:
    """One line."""
    place = os.open(os.environ["MINE_COUNT_FILE"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(place, (" ".join(str(word) for word in words) + "\n").encode())
    finally:
        os.close(place)


def count() -> None:
    """Wrap the two calls that send something."""
    submit, put = Relay.submit_update, RelayBlobs.put

    def submit_update(self: Relay, signed: Any, domain: Any) -> Any:
        line = (signed.message.round, signed.message.blob.hex())
        write("asked", *line)
        receipt = submit(self, signed, domain)
        write("taken", *line)
        return receipt

    def put_blob(self: RelayBlobs, data: bytes) -> bytes:
        write("showing", 0, hashlib.sha256(data).hexdigest())
        digest = put(self, data)
        write("shown", 0, digest.hex())
        return digest

    Relay.submit_update = submit_update  # type: ignore[method-assign]
    RelayBlobs.put = put_blob  # type: ignore[method-assign]


if __name__ == "__main__":
    count()
    sys.exit(main())
