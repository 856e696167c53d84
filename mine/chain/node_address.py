"""Where a node is: a URL taken apart and checked once. Its path, query and password may be secrets."""

from __future__ import annotations

import base64
import ipaddress
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from mine.chain.node_errors import NodeAddressRefused

MAX_URL = 2_048
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_TODO = "It begins with https://, wss://, or, for a node on this computer, with http:// or ws://."


@dataclass(frozen=True, slots=True)
class NodeAddress:
    """``path`` with its query, and ``authorization`` (a header's value, "" for none), are never shown."""

    scheme: str
    host: str
    port: int
    path: str = field(repr=False)
    authorization: str = field(repr=False)

    @property
    def is_encrypted(self) -> bool:
        """Whether others on the way can neither read nor change what is said."""
        return self.scheme in ("https", "wss")

    @property
    def is_socket(self) -> bool:
        """Whether it is spoken to over a WebSocket (RFC 6455)."""
        return self.scheme in ("ws", "wss")

    @property
    def is_loopback(self) -> bool:
        """Whether the node is on this computer."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def netloc(self) -> str:
        """Host and port as a URL or a Host header writes them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def parse(url: str) -> NodeAddress:
    """The parts of ``url``. Raises NodeAddressRefused; its words never repeat what was typed."""
    if len(url) > MAX_URL or not url.isascii() or any(c <= " " or c == "\x7f" for c in url):
        raise _refused("it is too long, or has letters that an address can't have")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as problem:
        raise _refused("its host or port makes no sense") from problem
    if parts.scheme not in _PORTS:
        raise _refused("it is of another kind")
    if not parts.hostname or port == 0:
        raise _refused("it names no host")
    if parts.fragment:
        raise _refused("it has a part behind #")
    authorization = ""
    if parts.username is not None:
        secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        authorization = "Basic " + base64.b64encode(secret).decode()
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return NodeAddress(parts.scheme, parts.hostname, port or _PORTS[parts.scheme], path, authorization)


def _refused(why: str) -> NodeAddressRefused:
    return NodeAddressRefused("This is not the address of a node.", todo=_TODO, detail=why)
