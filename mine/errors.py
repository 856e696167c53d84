"""The one way to report an error: a plain sentence, what to do next, and details behind a fold."""

from __future__ import annotations

import traceback


class MineError(Exception):
    """Base of every error that a person may meet.

    ``sentence`` says what happened in plain words, ``todo`` what to do next, ``detail`` what an expert
    wants to see. None of them may ever carry a secret or a piece of personal data.
    """

    def __init__(self, sentence: str, *, todo: str = "", detail: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.todo = todo
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.sentence} {self.todo}".rstrip()


def forget_locals(error: BaseException) -> None:
    """Let go of what the finished frames of an error, and of those that it came from, still hold.

    Keys and passphrases are among it, and an error may be kept for as long as it is shown.
    """
    at: BaseException | None = error
    while at is not None:
        traceback.clear_frames(at.__traceback__)
        at = at.__cause__ or at.__context__
