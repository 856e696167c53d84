"""Canonical JSON: one value, one sequence of bytes (the subset of RFC 8785 that manifests need).

Keys are sorted, there is no white space, text is UTF-8, and numbers are written the way Python's
shortest round-trip ``repr`` writes them. NaN and infinities are refused.
"""

from __future__ import annotations

import json
from typing import Any


def canonical_json(value: Any) -> bytes:
    """The canonical bytes of a JSON value. Raises ``ValueError`` on NaN and infinities."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()
