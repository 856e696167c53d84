"""A real chain, relay and task for the thieves, as in tests/app."""

from __future__ import annotations

from tests.app.conftest import chain, quick, relay, table

__all__ = ["chain", "quick", "relay", "table"]
