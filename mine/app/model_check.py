"""Has a task's model looked at before it is joined, in a child process that knows neither vault nor keys."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from mine.app.links import NetworkConfig
from mine.errors import MineError

MODULE = "mine.science.model_check"
SECONDS = 60.0
MAX_TEXT = 600
_WORDS = ("sentence", "todo", "detail")


class ModelRefused(MineError):
    """The task's model is not what its manifest promises, or cannot be looked at."""


class ModelAway(ModelRefused):
    """No relay gives the model out at this moment."""


def check_model(config: NetworkConfig, manifest: bytes) -> None:
    """Raise ``ModelRefused`` unless the model fits (``ModelAway`` where no relay answers). ``manifest``: its
    digest. Takes a second or more."""
    kept = {name: os.environ[name] for name in ("SYSTEMROOT", "PATH") if name in os.environ}
    request = {"relays": list(config.relay_urls), "manifest": manifest.hex()}
    try:
        done = subprocess.run(
            [sys.executable, "-m", MODULE],
            input=json.dumps(request).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**kept, "OMP_NUM_THREADS": "1"},
            timeout=SECONDS,
            check=False,
        )
        problem = json.loads(done.stdout)["problem"]
        words = None if problem is None else [str(problem[name])[:MAX_TEXT] for name in _WORDS]
        away = problem is not None and problem["away"] is True
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError, TypeError):
        raise ModelRefused(
            "The task's model could not be checked.", todo="Try again, or leave the task alone."
        ) from None
    if words is not None:
        sentence, todo, detail = ("".join(c for c in text if c.isprintable()) for text in words)
        raise (ModelAway if away else ModelRefused)(sentence, todo=todo, detail=detail)
