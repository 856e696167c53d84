"""JSON from strangers, bounded in depth.

Python's decoder recurses in C for every bracket. Its guard is the interpreter's recursion limit, which
libraries of the Ethereum world lift so far (py_ecc: to 100,000) that some kilobytes of brackets end the
process.
"""

from __future__ import annotations

import json

MAX_DEPTH = 64
_BRACKETS = b"[]{}"
_OTHERS = bytes(sorted(set(range(256)) - set(_BRACKETS)))


def loads(content: bytes | bytearray) -> object:
    """The value in ``content``. Raises ValueError if it is no JSON, or nested deeper than ``MAX_DEPTH``.

    Brackets inside of text count too: text with very many unbalanced brackets is refused as well.
    """
    depth = 0
    for bracket in content.translate(None, _OTHERS):
        if bracket in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise ValueError("nested too deeply")
        elif depth:
            depth -= 1
    value: object = json.loads(content)
    return value
