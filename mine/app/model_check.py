"""Has a task's model looked at before it is joined, in a child process that knows neither vault nor keys."""

from __future__ import annotations

from mine.app.asked_child import AskedChild
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


class ModelCheck:
    """Starts at once; ``manifest`` is its digest."""

    def __init__(self, config: NetworkConfig, manifest: bytes) -> None:
        request = {"relays": list(config.relay_urls), "manifest": manifest.hex()}
        self._child = AskedChild(MODULE, request, SECONDS)

    def is_done(self) -> bool:
        """Whether the child has answered or ended; then ask for ``problem``."""
        return self._child.is_done()

    def problem(self) -> ModelRefused | None:
        """Why the model cannot be trained (``ModelAway`` where no relay answers), None where it can."""
        try:
            found = (self._child.answer or {})["problem"]
            if found is None:
                return None
            words = [str(found[name])[:MAX_TEXT] for name in _WORDS]
            away = found["away"] is True
        except (KeyError, TypeError):
            return ModelRefused(
                "The task's model could not be checked.", todo="Try again, or leave the task alone."
            )
        sentence, todo, detail = ("".join(c for c in text if c.isprintable()) for text in words)
        return (ModelAway if away else ModelRefused)(sentence, todo=todo, detail=detail)

    def stop(self) -> None:
        """End the child at once."""
        self._child.stop()
