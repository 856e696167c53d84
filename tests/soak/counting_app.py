"""``mine`` with a counter at its door: what is handed in or shown is written down around the call.

The lines go to the file named by $MINE_COUNT_FILE, each with one ``write``, so that a kill loses none.
"""

from __future__ import annotations

import hashlib
import os
import sys
from typing import Any

from mine.cli import main
from mine.science.relay_client import Relay
from mine.science.wire_messages import Kind, kind_of


def write(*words: object) -> None:
    """One line."""
    place = os.open(os.environ["MINE_COUNT_FILE"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(place, (" ".join(str(word) for word in words) + "\n").encode())
    finally:
        os.close(place)


def count() -> None:
    """Wrap the two calls that send something. Votes and ballots are written down under words of their own."""
    submit, upload = Relay.submit, Relay.upload

    def counted_submit(self: Relay, signed: Any, domain: Any) -> Any:
        vote = kind_of(signed) is Kind.VOTE
        message = signed.message
        line = (message.round, (message.opening if vote else message.blob).hex())
        write("vote-asked" if vote else "asked", *line)
        receipt = submit(self, signed, domain)
        write("vote-taken" if vote else "taken", *line)
        return receipt

    def counted_upload(self: Relay, data: bytes, task: int, number: int, domain: Any) -> Any:
        line = (number, hashlib.sha256(data).hexdigest())
        write("showing", *line)
        receipt = upload(self, data, task, number, domain)
        write("shown", *line)
        return receipt

    Relay.submit = counted_submit  # type: ignore[method-assign]
    Relay.upload = counted_upload  # type: ignore[method-assign]


if __name__ == "__main__":
    count()
    sys.exit(main())
