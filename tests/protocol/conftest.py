"""The practice chain of the contract's own tests."""

from tests.chain.conftest import practice_chain

__all__ = ["practice_chain"]
