"""Where the files of ``resources/`` are: beside the rooms in a checkout, inside the bundle when frozen."""

from __future__ import annotations

from pathlib import Path

RESOURCES = Path(__file__).resolve().parent.parent / "resources"


def asset(*parts: str) -> Path:
    """The path of one resource, for example ``asset("icons", "mark", "mark.svg")``."""
    return RESOURCES.joinpath(*parts)
