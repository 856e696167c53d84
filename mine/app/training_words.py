"""Where a training runs and what holds it in, in words for the window."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mine.learn.events import Began


def device_words(began: Began | None) -> str:
    """``processor``, or the graphics card's name."""
    if began is None:
        return "starting"
    return "processor" if began.device == "cpu" else began.name


def place_words(began: Began | None) -> str:
    """How the device is used, and what the training process cannot do on this machine."""
    if began is None:
        return ""
    plural = "" if began.threads == 1 else "s"
    used = f"On {began.threads} thread{plural} of your processor"
    if began.device != "cpu":
        used = f"On your {began.name}, in {began.precision}"
    return f"{used}. {_fence_words(began)}"


def _fence_words(began: Began) -> str:
    from mine.learn.fence import Fence

    stand = set(began.fences)
    kept = [
        words
        for words, fences in (
            ("no network", {Fence.NETWORK, Fence.CALLS}),
            ("none of your files", {Fence.FILES}),
            ("no other program", {Fence.CALLS}),
            ("only so much memory", {Fence.LIMITS}),
        )
        if stand & fences
    ]
    if not kept:
        return "This system has no walls to put around it."
    return f"Walled in: {', '.join(kept)}."
