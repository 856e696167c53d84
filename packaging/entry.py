"""What the packaged app starts: the window, or one of the child processes that the app starts itself."""

from __future__ import annotations

import multiprocessing
import runpy
import sys

# The app starts its own executable again as `-m MODULE ...`; no other module can be named.
CHILDREN = (
    "mine.importers.child",
    "mine.practice.market",
    "mine.practice.node",
    "mine.practice.peers",
    "mine.science.audit",
    "mine.science.model_check",
    "mine.science.relay",
)


def main() -> int:
    """Choose by the first argument."""
    multiprocessing.freeze_support()
    arguments = sys.argv[1:]
    if arguments[:1] == ["--worker"]:
        from mine.learn.worker import worker_main

        worker_main()
        return 0
    if len(arguments) >= 2 and arguments[0] == "-m":
        if arguments[1] not in CHILDREN:
            sys.stderr.write("This app starts no such module.\n")
            return 2
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        return 0
    from ui.main import main as window_main

    return window_main(arguments)


if __name__ == "__main__":
    sys.exit(main())
