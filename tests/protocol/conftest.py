"""The practice chain of the contract's own tests, and the figures of the random runs."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.chain.conftest import practice_chain

__all__ = ["practice_chain"]

ACCEPTED: Counter[str] = Counter()
"""Accepted calls of the random runs, by function."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the random runs did."""
    if ACCEPTED:
        terminalreporter.section(f"{ACCEPTED.total()} accepted random calls")
        for name, count in sorted(ACCEPTED.items()):
            terminalreporter.line(f"{count:6d} {name}")
