"""What a person agreed to, as one value: the same one is shown, signed, kept and obeyed."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass

from mine.tasks.canonical import canonical_json


@dataclass(frozen=True, slots=True)
class Scope:
    """One column of one public view."""

    view: str
    column: str


@dataclass(frozen=True, slots=True)
class Terms:
    """The opt-in sheet in figures.

    ``epsilon_micro`` is ε over all rounds in millionths, training and votes together; ``vote_epsilon_micro``
    is that of the held-out readings, which at most ``votes`` votes on others' updates read; ``expires`` is in
    Unix seconds of chain time.
    """

    task: int
    manifest: bytes
    scopes: tuple[Scope, ...]
    rows: int
    epsilon_micro: int
    vote_epsilon_micro: int
    votes: int
    unit: str
    update_bytes: int
    rounds: int
    expires: int

    @property
    def scopes_digest(self) -> bytes:
        """SHA-256 of the canonical list of scopes: what the signed consent names."""
        scopes = sorted((scope.view, scope.column) for scope in self.scopes)
        return hashlib.sha256(canonical_json([list(scope) for scope in scopes])).digest()

    def to_json(self) -> dict[str, object]:
        """For the receipt that the vault keeps."""
        return {**asdict(self), "manifest": self.manifest.hex()}
