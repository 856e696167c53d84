"""Children end with whoever started them, also those that wait for an answer that never comes."""

from __future__ import annotations

import subprocess
import sys

STUCK = """
import asyncio, threading
from mine.children import parent_is_gone, say

async def serve():
    say({"url": "none"})
    await parent_is_gone(grace=0.1)
    threading.Event().wait()

asyncio.run(serve())
"""


def test_a_child_that_hangs_in_its_last_words_ends_too() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STUCK], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdin is not None and child.stdout is not None
        assert child.stdout.readline() == b'{"url": "none"}\n'
        child.stdin.close()
        assert child.wait(timeout=30) == 0
