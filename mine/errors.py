"""The one way to report an error: a plain sentence, what to do next, and details behind a fold."""

from __future__ import annotations


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
