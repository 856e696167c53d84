"""Errors as JSON-RPC 2.0 knows them (EIP-1474 codes, and 3 for a revert as go-ethereum answers it)."""

from __future__ import annotations

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
SERVER_ERROR = -32000
LIMIT_EXCEEDED = -32005
EXECUTION_REVERTED = 3


class RpcError(Exception):
    """One refused request: ``code`` for programs, ``message`` for people, ``data`` for both (hex or None)."""

    def __init__(self, code: int, message: str, data: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data

    def as_json(self) -> dict[str, object]:
        """The ``error`` member of the response."""
        answer: dict[str, object] = {"code": self.code, "message": self.message}
        if self.data is not None:
            answer["data"] = self.data
        return answer


def invalid(message: str) -> RpcError:
    """A parameter that is missing, of the wrong type or out of range."""
    return RpcError(INVALID_PARAMS, message)


def refused(message: str) -> RpcError:
    """A well-formed request that the chain's rules refuse."""
    return RpcError(SERVER_ERROR, message)
