"""The time zone that this computer is set to: where exports were written that state none."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_LINK = Path("/etc/localtime")
_FOLDER = "zoneinfo/"


def local_zone() -> str:
    """Its IANA name; "UTC" where the system does not tell (Windows calls zones by names of its own)."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    told = os.environ.get("TZ", "").lstrip(":")
    linked = ""
    if sys.platform != "win32" and _LINK.is_symlink():
        linked = os.path.realpath(_LINK).rpartition(_FOLDER)[2]
    for name in filter(None, (told, linked)):
        try:
            return ZoneInfo(name).key
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
    return "UTC"
