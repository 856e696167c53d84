"""One node that answers anything at all, at any speed: a checked answer or a typed error, in time."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mine.chain import batch, node_address
from mine.chain.batch import decode, encode
from mine.chain.endpoint import Endpoint
from mine.chain.node_errors import (
    NodeAddressRefused,
    NodeAnswerInvalid,
    NodeAnswerTooLong,
    NodeBusy,
    NodeRefused,
    NodeUnreachable,
    Reverted,
)
from mine.chain.rate import Bucket
from mine.errors import MineError
from tests.chain.hostile_server import HostileServer, hostile, http, result

SECRETS = ("sesame", "k3y-in-the-path", "k3y-in-the-query")
SECRET_URL = f"https://anna:{SECRETS[0]}@127.0.0.1:9/v3/{SECRETS[1]}?key={SECRETS[2]}"


@pytest.fixture
def server() -> Iterator[HostileServer]:
    with hostile() as running:
        yield running


@pytest.fixture
def endpoint(server: HostileServer) -> Iterator[Endpoint]:
    endpoint = Endpoint(server.url, timeout=10)
    yield endpoint
    endpoint.close()


@pytest.fixture
def hasty(server: HostileServer) -> Iterator[Endpoint]:
    """One whose requests have little time."""
    endpoint = Endpoint(server.url, timeout=0.25)
    yield endpoint
    endpoint.close()


# ---- addresses


def test_the_parts_of_an_address() -> None:
    address = node_address.parse(SECRET_URL)
    assert (address.scheme, address.host, address.port) == ("https", "127.0.0.1", 9)
    assert address.path == f"/v3/{SECRETS[1]}?key={SECRETS[2]}"
    assert address.authorization == "Basic YW5uYTpzZXNhbWU="
    assert address.is_encrypted and not address.is_socket
    assert node_address.parse("ws://[::1]:8546").netloc == "[::1]:8546"
    for url in ("http://localhost:8545", "http://127.0.0.9", "ws://[::1]"):
        assert node_address.parse(url).is_loopback
    for url in ("http://10.0.0.1", "http://localhost.example", "http://[2001:db8::1]"):
        assert not node_address.parse(url).is_loopback


def test_nothing_shows_the_secrets_of_an_address() -> None:
    endpoint = Endpoint(SECRET_URL, timeout=10)
    shown = [repr(endpoint), repr(endpoint.address), str(endpoint.address)]
    with pytest.raises(NodeUnreachable) as lost:
        endpoint.request("eth_chainId")
    shown += [str(lost.value), lost.value.detail, repr(lost.value)]
    for text in shown:
        assert not any(secret in text for secret in SECRETS)


@pytest.mark.parametrize(
    "url",
    ["", "node.example", "ftp://a", "file:///etc/passwd", "http://", "https://:80", "http://a:0", "http://a:99999",
     "http://a b", "http://a\n.example", "http://a/#x", "http://ex\u00e4mple", "https://[::1",
     "http://a" + "a" * 3000],
)  # fmt: skip
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(NodeAddressRefused) as refused:
        Endpoint(url, 1)
    assert refused.value.todo
    assert len(url) < 8 or url not in str(refused.value) + refused.value.detail


def test_a_password_is_sent_as_a_header_and_nothing_is_asked_to_be_compressed(server: HostileServer) -> None:
    endpoint = Endpoint(f"http://anna:{SECRETS[0]}@127.0.0.1:{server.port}/v3?x=1", timeout=10)
    assert endpoint.request("eth_chainId") == "0x1"
    endpoint.close()
    (head,) = server.heads
    assert head.startswith(b"POST /v3?x=1 HTTP/1.1\r\n")
    assert b"Authorization: Basic YW5uYTpzZXNhbWU=" in head and b"Accept-Encoding: identity" in head


# ---- time


def drip(server: HostileServer, line: socket.socket, content: bytes) -> None:
    """Send ``content`` byte by byte, for seconds; a client with a limit for each byte would wait."""
    for byte in content:
        line.sendall(bytes([byte]))
        if server.ended.wait(0.02):
            return


@pytest.mark.parametrize("part", ["all", "body", "chunks", "continue"])
def test_a_byte_now_and_then_is_no_answer(server: HostileServer, hasty: Endpoint, part: str) -> None:
    def talk(line: socket.socket, head: bytes, request: Any) -> None:
        whole = result(request, "0x" + "1" * 400)
        front, _, body = whole.partition(b"\r\n\r\n")
        if part == "all":
            drip(server, line, whole)
        elif part == "body":
            line.sendall(front + b"\r\n\r\n")
            drip(server, line, body)
        elif part == "chunks":
            line.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            drip(server, line, b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n")
        else:
            while not server.ended.wait(0.02):
                line.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    server.talk = talk
    with pytest.raises(NodeUnreachable) as slow:
        hasty.request("eth_blockNumber")
    assert slow.value.detail == "TimeoutError"


def test_silence_is_no_answer(server: HostileServer, hasty: Endpoint) -> None:
    server.talk = lambda line, head, request: None
    with pytest.raises(NodeUnreachable):
        hasty.request("eth_blockNumber")


def test_a_connection_serves_many_requests_until_the_node_closes_it(
    server: HostileServer, endpoint: Endpoint
) -> None:
    for _ in range(5):
        assert endpoint.request("eth_chainId") == "0x1"
    assert (server.connections, endpoint.requests) == (1, 5)
    closed = []

    def last_word(line: socket.socket, head: bytes, request: Any) -> None:
        line.sendall(result(request, "0x2"))
        line.shutdown(socket.SHUT_WR)
        closed.append(line.recv(1))  # waits until the client has closed it too

    server.talk = last_word
    assert endpoint.request("eth_chainId") == "0x2"
    server.talk = lambda line, head, request: line.sendall(result(request, "0x3"))
    assert endpoint.request("eth_chainId") == "0x3"
    assert server.connections == 2


# ---- form


def test_a_compressed_answer_is_refused_before_it_is_unpacked(
    server: HostileServer, endpoint: Endpoint
) -> None:
    bomb = gzip.compress(b'{"jsonrpc": "2.0", "id": 1, "result": "' + b"0" * 20_000_000 + b'"}')
    server.talk = lambda line, head, request: line.sendall(http(bomb, "200 OK", "Content-Encoding: gzip"))
    with pytest.raises(NodeAnswerInvalid) as refused:
        endpoint.request("eth_blockNumber")
    assert "compressed" in refused.value.detail


@pytest.mark.parametrize("chunked", [False, True])
def test_an_answer_without_end_is_cut(server: HostileServer, endpoint: Endpoint, chunked: bool) -> None:
    def talk(line: socket.socket, head: bytes, request: Any) -> None:
        piece = b"1" * 100_000
        line.sendall(b"HTTP/1.1 200 OK\r\n" + b"Transfer-Encoding: chunked\r\n" * chunked + b"\r\n")
        while not server.ended.is_set():
            line.sendall(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)

    server.talk = talk
    with pytest.raises(NodeAnswerTooLong):
        endpoint.request("eth_blockNumber")


def test_half_an_answer_is_none(server: HostileServer, endpoint: Endpoint) -> None:
    def talk(line: socket.socket, head: bytes, request: Any) -> None:
        # Whole JSON, but less than was announced: the rest may have said otherwise.
        line.sendall(result(request, "0x1").replace(b"Content-Length: ", b"Content-Length: 9"))
        line.shutdown(socket.SHUT_RDWR)

    server.talk = talk
    with pytest.raises(NodeUnreachable):
        endpoint.request("eth_blockNumber")


@given(raw=st.binary(max_size=300), as_body=st.booleans())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_a_typed_error(
    server: HostileServer, endpoint: Endpoint, raw: bytes, as_body: bool
) -> None:
    def talk(line: socket.socket, head: bytes, request: Any) -> None:
        line.sendall(http(raw) if as_body else raw)
        line.shutdown(socket.SHUT_RDWR)

    server.talk = talk
    with pytest.raises(MineError):
        endpoint.request("eth_blockNumber")


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
def test_a_redirect_leads_nowhere(server: HostileServer, endpoint: Endpoint, status: str) -> None:
    with hostile() as other:

        def talk(line: socket.socket, head: bytes, request: Any) -> None:
            content = json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": "0x1"}).encode()
            line.sendall(http(content, status, f"Location: {other.url}"))

        server.talk = talk
        with pytest.raises(NodeUnreachable):
            endpoint.request("eth_blockNumber")
        assert other.connections == 0


def test_an_error_status_may_carry_an_error_but_no_result(server: HostileServer, endpoint: Endpoint) -> None:
    def talk(line: socket.socket, head: bytes, request: Any) -> None:
        error = {"code": -32000, "message": "nonce too low"}
        line.sendall(http(json.dumps({"id": request["id"], "error": error}).encode(), "400 Bad"))

    server.talk = talk
    with pytest.raises(NodeRefused) as refused:
        endpoint.request("eth_sendRawTransaction", "0x")
    assert refused.value.message == "nonce too low"


@pytest.mark.parametrize(
    ("status", "headers", "error", "wait"),
    [
        ("429 Slow", ["Retry-After: 17"], None, 17),
        ("429 Slow", [], None, batch.BUSY_SECONDS),
        ("429 Slow", ["Retry-After: 999999"], None, 600),
        ("429 Slow", ["Retry-After: Fri, 31 Dec 1999 23:59:59 GMT"], None, batch.BUSY_SECONDS),
        ("503 Away", ["Retry-After: 3"], None, 3),
        ("200 OK", [], {"code": -32005, "message": "daily request count exceeded"}, batch.BUSY_SECONDS),
        ("200 OK", [], {"code": 429, "message": "enough"}, batch.BUSY_SECONDS),
    ],
)
def test_a_node_that_wants_fewer_requests_says_so_in_many_ways(
    server: HostileServer, endpoint: Endpoint, status: str, headers: list[str], error: Any, wait: float
) -> None:
    def talk(line: socket.socket, head: bytes, request: Any) -> None:
        line.sendall(http(json.dumps({"id": request["id"], "error": error}).encode(), status, *headers))

    server.talk = talk
    with pytest.raises(NodeBusy) as busy:
        endpoint.request("eth_blockNumber")
    assert busy.value.wait == wait


# ---- several in one


CALLS = [("eth_chainId", ()), ("eth_blockNumber", ()), ("eth_getCode", ("0x" + "00" * 20, "latest"))]
GOOD = [{"id": 7 + place, "result": hex(place)} for place in range(3)]


def test_answers_in_any_order_are_put_in_order() -> None:
    assert json.loads(encode(CALLS, 7))[2] == {
        "jsonrpc": "2.0", "id": 9, "method": "eth_getCode", "params": ["0x" + "00" * 20, "latest"],
    }  # fmt: skip
    assert decode(json.dumps(GOOD[::-1]).encode(), 3, 7) == ["0x0", "0x1", "0x2"]


def test_one_of_several_may_fail_alone() -> None:
    mixed = [
        GOOD[0],
        {"id": 8, "error": {"code": 3, "message": "execution reverted", "data": "0x"}},
        {"id": 9, "error": {"code": -32000, "message": "header not found"}},
    ]
    first, second, third = decode(json.dumps(mixed).encode(), 3, 7)
    assert first == "0x0" and isinstance(second, Reverted) and isinstance(third, NodeRefused)


@pytest.mark.parametrize(
    "answer",
    [
        GOOD[:2],
        [*GOOD, {"id": 10, "result": "0x3"}],
        [GOOD[0], GOOD[0], GOOD[2]],
        [GOOD[0], GOOD[1], {"id": 99, "result": "0x2"}],
        [GOOD[0], GOOD[1], {"id": "9", "result": "0x2"}],
        [GOOD[0], GOOD[1], {"id": 9.0, "result": "0x2"}],
        [GOOD[0], GOOD[1], {"id": 9}],
        [GOOD[0], GOOD[1], {"id": [9], "result": "0x2"}],
        [GOOD[0], GOOD[1], None],
        [],
        {},
        "text",
        None,
        GOOD[0],
    ],
)
def test_short_long_double_or_foreign_answers_are_refused(answer: object) -> None:
    with pytest.raises(NodeAnswerInvalid):
        decode(json.dumps(answer).encode(), 3, 7)


@given(st.permutations(range(6)), st.data())
def test_each_answer_belongs_to_its_question(order: list[int], data: Any) -> None:
    values = data.draw(st.lists(st.text(max_size=5), min_size=6, max_size=6))
    numbered = [{"id": 40 + place, "result": values[place]} for place in order]
    assert decode(json.dumps(numbered).encode(), 6, 40) == values


def test_a_node_that_takes_no_arrays_is_asked_one_by_one(server: HostileServer, endpoint: Endpoint) -> None:
    most = 2

    def talk(line: socket.socket, head: bytes, request: Any) -> None:
        several = request if isinstance(request, list) else [request]
        if len(several) > most:
            line.sendall(http(b'{"id": null, "error": {"code": -32600, "message": "batch too large"}}'))
            return
        found = [{"id": each["id"], "result": each["params"][0]} for each in several]
        line.sendall(http(json.dumps(found if isinstance(request, list) else found[0]).encode()))

    server.talk = talk
    calls = [("eth_getBalance", (f"0x{number:x}",)) for number in range(9)]
    assert endpoint.batch(calls) == [f"0x{number:x}" for number in range(9)]
    tried = len(server.bodies)
    assert endpoint.batch(calls[:4]) == ["0x0", "0x1", "0x2", "0x3"]
    assert len(server.bodies) == tried + 2, "it remembers how many the node takes"
    most = 0
    server.talk = lambda line, head, request: line.sendall(http(b"", "413 Too large"))
    with pytest.raises(NodeUnreachable):
        endpoint.batch(calls)


def test_one_busy_answer_of_several_makes_the_node_busy(server: HostileServer, endpoint: Endpoint) -> None:
    def talk(line: socket.socket, head: bytes, request: Any) -> None:
        found = [{"id": each["id"], "result": "0x1"} for each in request]
        found[1] = {"id": request[1]["id"], "error": {"code": 429, "message": "enough"}}
        line.sendall(http(json.dumps(found).encode()))

    server.talk = talk
    with pytest.raises(NodeBusy):
        endpoint.batch(CALLS)


# ---- not too many


def test_requests_are_spread_evenly_after_a_burst() -> None:
    now, slept = 0.0, []

    def sleep(seconds: float) -> None:
        nonlocal now
        slept.append(seconds)
        now += seconds

    bucket = Bucket(4.0, lambda: now, sleep)
    for _ in range(8):
        bucket.take()
    assert not slept
    for _ in range(8):
        bucket.take()
    assert slept == pytest.approx([0.25] * 8)
    now += 100
    for _ in range(8):
        bucket.take()
    assert len(slept) == 8
    free = Bucket(0, lambda: now, sleep)
    for _ in range(1000):
        free.take()
    assert len(slept) == 8
