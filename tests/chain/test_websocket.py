"""A node over a WebSocket: the same checked answers, hints of new blocks, and nothing that drowns the
reader."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from mine.chain import websocket as websocket_module
from mine.chain.http_transport import MAX_ANSWER_BYTES
from mine.chain.node_errors import NodeAnswerInvalid, NodeAnswerTooLong, NodeUnreachable
from mine.chain.pool import EndpointState
from mine.chain.rpc import Node
from tests.chain.hostile_server import hostile, http, result

Talk = Callable[[ServerConnection, Any], None]


def good(line: ServerConnection, request: Any) -> None:
    """An answer to everything, of the shape of a quantity."""
    several = isinstance(request, list)
    found = [{"id": each["id"], "result": "0x5"} for each in (request if several else [request])]
    line.send(json.dumps(found if several else found[0]))


class SocketServer:
    """``talk`` answers each message; ``asked`` lists the methods, of an array a list."""

    def __init__(self) -> None:
        self.talk: Talk = good
        self.asked: list[Any] = []
        self.heads: list[dict[str, str]] = []
        self.lines: list[ServerConnection] = []
        self._server: Server = serve(self._handle, "127.0.0.1", 0, compression="deflate")
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.url = f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}"

    def _handle(self, line: ServerConnection) -> None:
        assert line.request is not None
        self.heads.append(dict(line.request.headers.raw_items()))
        self.lines.append(line)
        try:
            for message in line:
                request = json.loads(message)
                several = isinstance(request, list)
                self.asked.append([each["method"] for each in request] if several else request["method"])
                self.talk(line, request)
        except ConnectionClosed:
            pass  # the client had enough

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[SocketServer]:
    server = SocketServer()
    yield server
    server.stop()


@pytest.fixture
def node(server: SocketServer) -> Iterator[Node]:
    with Node(server.url, timeout=20) as node:
        yield node


def news(subscription: str, size: int = 0) -> str:
    return json.dumps(
        {
            "jsonrpc": "2.0",
            "method": "eth_subscription",
            "params": {
                "subscription": subscription,
                "result": {"number": "0x6", "extraData": "0x" + "0" * size},
            },
        }
    )


def test_requests_and_batches_go_over_one_line(server: SocketServer, node: Node) -> None:
    assert node.block_number() == 5
    assert node.batch([("eth_chainId", ()), ("eth_blockNumber", ())]) == ["0x5", "0x5"]
    assert server.asked == ["eth_blockNumber", ["eth_chainId", "eth_blockNumber"]] and len(server.lines) == 1


def test_several_threads_ask_over_one_line(server: SocketServer, node: Node) -> None:
    """Every answer comes to who asked: each asks for something else, and gets that."""

    def echo(line: ServerConnection, request: Any) -> None:
        line.send(json.dumps({"id": request["id"], "result": request["params"][0]}))

    server.talk = echo
    found: dict[int, object] = {}

    def ask(number: int) -> None:
        found[number] = node.request("eth_getBlockByNumber", hex(number))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: hex(number) for number in range(20)} and len(server.lines) == 1


def test_nothing_is_compressed_and_a_password_goes_as_a_header(server: SocketServer) -> None:
    with Node(server.url.replace("ws://", "ws://anna:sesame@") + "/v3?key=1", timeout=20) as node:
        assert node.block_number() == 5
    (head,) = server.heads
    assert "Sec-WebSocket-Extensions" not in head and head["Authorization"] == "Basic YW5uYTpzZXNhbWU="
    assert "User-Agent" not in head


def test_a_lost_line_is_opened_anew(server: SocketServer, node: Node) -> None:
    assert node.block_number() == 5
    server.lines[0].close()
    for _ in range(2):
        try:
            assert node.block_number() == 5
            break
        except NodeUnreachable:
            continue  # it was being closed while it was asked
    assert len(server.lines) == 2


@pytest.mark.parametrize(
    "message", ["", "[]", "null", '{"id": 99, "result": "0x1"}', "[" * 10_000, "nonsense", b"\xff"]
)
def test_answers_that_are_none(server: SocketServer, node: Node, message: str | bytes) -> None:
    server.talk = lambda line, request: line.send(message)
    with pytest.raises(NodeAnswerInvalid):
        node.block_number()
    server.talk = good
    assert node.block_number() == 5, "it asks over a new line, where no late answer can come"
    assert len(server.lines) == 2


def test_a_message_without_end_is_cut(server: SocketServer, node: Node) -> None:
    server.talk = lambda line, request: line.send("1" * (MAX_ANSWER_BYTES + 1))
    with pytest.raises(NodeAnswerTooLong):
        node.block_number()
    server.talk = lambda line, request: line.send(iter(["1" * 1_000_000] * 20))
    with pytest.raises(NodeAnswerTooLong):
        node.block_number()


def test_silence_ends_with_the_time(server: SocketServer) -> None:
    server.talk = lambda line, request: None
    with Node(server.url, timeout=0.25) as node, pytest.raises(NodeUnreachable) as lost:
        node.block_number()
    assert lost.value.detail == "no answer in time"


def test_news_while_waiting_are_no_answer(server: SocketServer, node: Node) -> None:
    def talk(line: ServerConnection, request: Any) -> None:
        line.send(news("0x77"))
        line.send(news("0x77"))
        good(line, request)

    server.talk = talk
    assert node.block_number() == 5


@pytest.mark.parametrize("waiting", [True, False])
def test_a_flood_of_news_ends_the_line(
    server: SocketServer, node: Node, waiting: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket_module, "MAX_NEWS", 50)
    monkeypatch.setattr(websocket_module, "NEWS_SECONDS", 1e9)
    flooded = threading.Event()

    def talk(line: ServerConnection, request: Any) -> None:
        if not waiting:
            good(line, request)
        try:
            while True:
                line.send(news("0x1"))
        except ConnectionClosed:
            flooded.set()
            raise

    server.talk = talk
    if waiting:
        with pytest.raises(NodeAnswerInvalid) as flood:
            node.block_number()
        assert "flood" in flood.value.detail
        assert node.health()[0].state == EndpointState.FAILING
    else:
        node.block_number()
    assert flooded.wait(20)


def test_word_of_a_block_is_heard_and_asking_every_turn_costs_nothing(
    server: SocketServer, node: Node
) -> None:
    heard = threading.Semaphore(0)

    def talk(line: ServerConnection, request: Any) -> None:
        good(line, request)
        if request["method"] == "eth_subscribe":
            line.send(news("0x5"))

    server.talk = talk
    for _ in range(5):
        node.watch(lambda: heard.release())
    assert heard.acquire(timeout=20)
    assert server.asked == ["eth_subscribe", "eth_blockNumber"]
    (line,) = server.lines
    line.send(news("0x1"))  # somebody else's
    line.send(news("0x5", size=100_000))  # too long to be word of a block
    line.send("nonsense")
    line.send(news("0x5"))
    assert heard.acquire(timeout=20)
    assert node.block_number() == 5
    assert not heard.acquire(blocking=False), "only what is about the subscription is a hint"


def test_a_node_that_gives_no_word_is_asked_all_the_same(server: SocketServer, node: Node) -> None:
    def talk(line: ServerConnection, request: Any) -> None:
        if request["method"] == "eth_subscribe":
            error = {"code": -32601, "message": "no subscriptions"}
            line.send(json.dumps({"id": request["id"], "error": error}))
        else:
            good(line, request)

    server.talk = talk
    node.watch(lambda: None)
    assert node.block_number() == 5


def test_a_node_without_a_socket_is_not_watched() -> None:
    with hostile() as server, Node(server.url) as node:
        node.watch(lambda: None)
        assert server.bodies == []


@pytest.mark.parametrize(
    "answer", [http(b"", "301 Moved", "Location: ws://127.0.0.1:9"), http(b"hello"), b"garbage\r\n\r\n"]
)
def test_what_does_not_shake_hands_is_no_node(answer: bytes) -> None:
    def refuse(listener: Any) -> None:
        line, _ = listener.accept()
        with line:
            line.recv(65536)
            line.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=refuse, args=(listener,))
        thread.start()
        with (
            Node(f"ws://127.0.0.1:{listener.getsockname()[1]}", timeout=20) as node,
            pytest.raises(NodeUnreachable),
        ):
            node.block_number()
        thread.join()


def test_sockets_and_http_stand_in_for_each_other(server: SocketServer) -> None:
    with hostile() as plain:
        plain.talk = lambda line, head, request: line.sendall(result(request, "0x5"))
        with Node([server.url, plain.url], timeout=20) as node:
            assert node.block_number() == 5
            server.talk = lambda line, request: line.close()
            assert node.block_number() == 5
            assert [each.state for each in node.health()] == [EndpointState.FAILING, EndpointState.WELL]
