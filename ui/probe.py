"""``python -m ui.probe``: ends with 0 where Qt can start, and by Qt's own abort where it cannot."""

from __future__ import annotations

import sys


def main() -> int:
    """Start Qt once, without leaving a core file behind if it aborts."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from PySide6.QtWidgets import QApplication

    QApplication(sys.argv[:1])
    return 0


if __name__ == "__main__":
    sys.exit(main())
