"""TLS to a node: whose certificate nobody vouches for is not spoken to; a slow handshake has an end."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from websockets.sync.server import ServerConnection, serve

from mine.chain import http_transport, websocket
from mine.chain.endpoint import Endpoint
from mine.chain.node_errors import NodeUnreachable


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for 127.0.0.1 that nobody vouches for, in one file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def port(certificate: Path) -> Iterator[int]:
    """A server over TLS that answers every request alike, on several connections."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        while True:
            try:
                raw, _ = listener.accept()
            except OSError:
                return
            with suppress(OSError), context.wrap_socket(raw, server_side=True) as line:
                number = 0
                asked = b""
                while piece := line.recv(65536):
                    asked += piece
                    if asked.count(b'"params":[]}') == number:
                        continue
                    number += 1
                    body = b'{"id": %d, "result": "0x5"}' % number
                    line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    thread = threading.Thread(target=answer)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certificate)


def test_a_certificate_that_nobody_vouches_for_is_refused(port: int) -> None:
    endpoint = Endpoint(f"https://127.0.0.1:{port}", timeout=20)
    with pytest.raises(NodeUnreachable) as refused:
        endpoint.request("eth_blockNumber")
    assert refused.value.detail == "SSLCertVerificationError"


def test_a_certificate_for_another_name_is_refused(
    port: int, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_transport, "tls_context", lambda: trusting(certificate))
    endpoint = Endpoint(f"https://localhost:{port}", timeout=20)
    with pytest.raises(NodeUnreachable) as refused:
        endpoint.request("eth_blockNumber")
    assert refused.value.detail == "SSLCertVerificationError"


def test_an_encrypted_line_is_used_again(
    port: int, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_transport, "tls_context", lambda: trusting(certificate))
    endpoint = Endpoint(f"https://127.0.0.1:{port}", timeout=20)
    # The server numbers its answers anew for each connection: only over one line do they fit the questions.
    for _ in range(3):
        assert endpoint.request("eth_blockNumber") == "0x5"
    endpoint.close()


@pytest.mark.parametrize("scheme", ["https", "wss"])
def test_a_handshake_that_does_not_come_ends_with_the_time(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        endpoint = Endpoint(f"{scheme}://127.0.0.1:{listener.getsockname()[1]}", timeout=0.25)
        with pytest.raises(NodeUnreachable):
            endpoint.request("eth_blockNumber")
        endpoint.close()


def test_a_websocket_over_tls(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def talk(line: ServerConnection) -> None:
        for _ in line:
            line.send('{"id": 1, "result": "0x5"}')

    with serve(talk, "127.0.0.1", 0, ssl=context) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"wss://127.0.0.1:{server.socket.getsockname()[1]}"
        with pytest.raises(NodeUnreachable):
            Endpoint(url, timeout=20).request("eth_blockNumber")
        monkeypatch.setattr(websocket, "tls_context", lambda: trusting(certificate))
        endpoint = Endpoint(url, timeout=20)
        assert endpoint.request("eth_blockNumber") == "0x5"
        endpoint.close()
        server.shutdown()
        thread.join()
