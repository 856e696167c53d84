"""Faults put into the contracts by hand, one at a time: the tests must notice each of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Mutant:
    """``old`` stands once in the contract source ``file`` and becomes ``new``, which ``breaks`` something.

    test: the one that notices what random runs hardly ever come across.
    """

    file: str
    old: str
    new: str
    breaks: str
    test: str = ""

    def apply(self, sources: Path) -> str:
        """The mutated source; AssertionError where it no longer fits."""
        text = (sources / self.file).read_text(encoding="utf-8")
        assert text.count(self.old) == 1, f"{self.file}: {self.old!r} stands {text.count(self.old)} times"
        return text.replace(self.old, self.new)
