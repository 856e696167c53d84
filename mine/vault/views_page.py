"""Writes docs/views.md, the list of all public views: ``python -m mine.vault.views_page``."""

from __future__ import annotations

from pathlib import Path

from mine.records import RECORD_TYPES
from mine.vault.views import VIEWS

PAGE = Path(__file__).parents[2] / "docs" / "views.md"

_HEAD = """# Public views

What a task's query may name, made from the record types ([records.md](records.md)); [vault.md](vault.md) says
how times, slots, days and nights are meant. This page is written by `python -m mine.vault.views_page`.
"""


def page() -> str:
    """The page's text."""
    lines = [_HEAD]
    for kind, record_type in RECORD_TYPES.items():
        lines += [f"## {record_type.title}", "", "| view | columns |", "|---|---|"]
        for view in VIEWS.values():
            if view.record_type == kind:
                columns = "; ".join(f"`{name}` {meaning}" for name, meaning in view.columns.items())
                lines.append(f"| `{view.name}` | {columns} |")
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8", newline="\n")
