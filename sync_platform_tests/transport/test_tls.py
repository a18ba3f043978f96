"""Calls that are encrypted, as all calls of real vendors are."""

import hashlib
import json
import os
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sync_platform import spec
from sync_platform.errors import ConfigurationError, VendorUnavailable
from sync_platform.transport.retry import Patience
from sync_platform_tests.transport.conftest import Open
from sync_platform_tests.transport.test_line import in_a_thread
from sync_platform_tests.transport.wire import Answering, Handler, Wire, hang, listening

ONCE = Patience(tries=1)
HEAD = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
ANN = HEAD % (b"200 OK", 13) + b'{"id": "Ann"}'


def certificate(folder: Path, host: str) -> Path:
    """A file with a key and a certificate that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{host}.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


@contextmanager
def trusted(host: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """A wire that speaks TLS and is trusted, as this host."""
    file = certificate(folder, host)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with listening(tls=context) as wire:
        yield wire


@pytest.fixture
def encrypted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """A wire that speaks TLS and is trusted, as `localhost`."""
    with trusted("localhost", tmp_path, monkeypatch) as wire:
        yield wire


def in_two_writes(
    status: bytes, body: bytes, then: bytes = b"", *, wait: bool = False
) -> Answering:
    """Answers with a head, and then with the body and whatever else in one go: where all of it is
    encrypted together, it is out of the socket before anybody looks. With `wait`, nothing more is
    heard on this connection until the test lets it go on."""

    def answering(handler: Handler) -> None:
        handler.wfile.write(HEAD % (status, len(body)))
        handler.wfile.write(body + then)
        if wait:
            handler.wire.go_on.wait(30)

    return answering


def passing_on_to(other: Wire) -> Answering:
    """A proxy that connects to another wire, whatever it is asked for."""

    def answering(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("X-Proxy", "1")
        handler.end_headers()
        host, port = other.url.removeprefix("https://").split(":")
        with socket.create_connection((host, int(port))) as behind:
            back = threading.Thread(target=_pass_on, args=(behind, handler.connection))
            back.start()
            _pass_on(handler.connection, behind)
            back.join()
        handler.close_connection = True

    return answering


def _pass_on(source: socket.socket, to: socket.socket) -> None:
    with suppress(OSError):
        while some := source.recv(65_536):
            to.sendall(some)
        to.shutdown(socket.SHUT_WR)


def test_an_encrypted_call_is_answered_over_one_connection(open_api: Open, encrypted: Wire) -> None:
    encrypted.say({"id": 1}, times=2)
    api = open_api(base_url=encrypted.url)
    assert [api.get("/things") for _ in range(2)] == [{"id": 1}] * 2
    assert encrypted.connections == 1
    assert encrypted.heard[0].headers["Host"] == encrypted.url.removeprefix("https://")


def test_what_an_encrypted_vendor_says_too_much_answers_no_other_call(
    open_api: Open, encrypted: Wire
) -> None:
    """Nor all calls after it, each with the answer of the one before."""
    encrypted.do(in_two_writes(b"200 OK", b'{"id": "Ann"}', then=ANN, wait=True))
    for name in ("Bob", "Cy"):
        encrypted.say({"id": name})
    api = open_api(base_url=encrypted.url)
    asked = [api.get(f"/things/{it}") for it in ("ann", "bob", "cy")]
    assert asked == [{"id": "Ann"}, {"id": "Bob"}, {"id": "Cy"}]
    assert encrypted.paths == ["/things/ann", "/things/bob", "/things/cy"]
    assert encrypted.connections == 2
    encrypted.go_on.set()


def test_what_is_longer_than_all_that_came_since_a_call_is_no_answer_to_it(
    open_api: Open, encrypted: Wire
) -> None:
    """Also where the call's own answer is there by then."""
    many = json.dumps({"ids": list(range(1000))}).encode()
    stray = HEAD % (b"200 OK", len(many)) + many
    encrypted.do(in_two_writes(b"200 OK", b'{"id": "Ann"}', then=stray))
    encrypted.say({"id": "Bob"}, times=2)
    api = open_api(base_url=encrypted.url)
    assert [api.get(f"/things/{it}") for it in ("ann", "bob")] == [{"id": "Ann"}, {"id": "Bob"}]


def test_a_change_that_such_an_answer_came_before_may_have_been_made(
    open_api: Open, encrypted: Wire
) -> None:
    encrypted.do(in_two_writes(b"200 OK", b'{"id": "Ann"}', then=ANN, wait=True))
    api = open_api(base_url=encrypted.url)
    api.get("/things/ann")
    with pytest.raises(VendorUnavailable, match="may have been made") as told:
        api.send(spec.post("/things", json={}), spec.OutboundChange(kind="create"))
    assert "It answered before it was asked." in told.value.evidence["cause"]
    encrypted.go_on.set()


def test_after_an_answer_without_a_body_that_has_one_a_call_takes_another_connection(
    open_api: Open, encrypted: Wire
) -> None:
    encrypted.do(in_two_writes(b"204 No Content", b"{}"))
    encrypted.say({"id": 1})
    api = open_api(base_url=encrypted.url, patience=ONCE)
    api.send(spec.delete("/things/1"), spec.OutboundChange(kind="delete"))
    assert api.send(spec.post("/things", json={}), spec.OutboundChange(kind="create")) == {"id": 1}
    assert (len(encrypted.heard), encrypted.connections) == (2, 2)


def test_who_waits_is_told_once_an_encrypted_call_is_sent(open_api: Open, encrypted: Wire) -> None:
    api, told = open_api(base_url=encrypted.url), []
    with api.telling(lambda: told.append(len(encrypted.heard))):
        api.get("/things")
    assert told


def test_closing_ends_an_encrypted_call_that_waits(open_api: Open, encrypted: Wire) -> None:
    encrypted.do(hang)
    api = open_api(base_url=encrypted.url)
    thread, raised = in_a_thread(lambda: api.get("/things"))
    assert encrypted.arrived.wait(10)
    api.close()
    thread.join(5)
    assert not thread.is_alive()
    assert isinstance(raised[0], VendorUnavailable)


def test_a_certificate_that_nobody_vouches_for_is_not_talked_to(
    open_api: Open, encrypted: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(VendorUnavailable, match="could not be reached") as told:
        open_api(base_url=encrypted.url, patience=ONCE).get("/things")
    assert "self-signed certificate" in told.value.evidence["cause"]
    assert encrypted.heard == []


def test_certificates_may_be_a_folder(
    open_api: Open, encrypted: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, folder = Path(os.environ["SSL_CERT_FILE"]), tmp_path / "folder"
    folder.mkdir()
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.setenv("SSL_CERT_DIR", str(folder))
    with pytest.raises(VendorUnavailable, match="could not be reached"):
        open_api(base_url=encrypted.url, patience=ONCE).get("/things")
    (folder / f"{subject_hash('localhost'):08x}.0").write_bytes(file.read_bytes())
    assert open_api(base_url=encrypted.url, patience=ONCE).get("/things") == {}


def subject_hash(host: str) -> int:
    """What OpenSSL calls the file of a certificate by: `openssl rehash` does that."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)]).public_bytes()
    return int.from_bytes(hashlib.sha1(name[2:]).digest()[:4], "little")


def test_certificates_that_are_not_there_are_told(
    open_api: Open, encrypted: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/certificates.pem")
    with pytest.raises(ConfigurationError, match=r"certificates that cannot be read\. Mend these"):
        open_api(base_url=encrypted.url).get("/things")
    assert encrypted.heard == []


def test_an_encrypted_call_goes_through_a_proxy_that_sees_nothing_of_it(
    open_api: Open, wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", wire.url)
    with trusted("erp.example", tmp_path, monkeypatch) as behind:
        wire.do(passing_on_to(behind))
        behind.say({"id": 1}, headers={"X-Vendor": "1"}, times=2)
        api = open_api(base_url="https://erp.example")
        answers = [api.ask(spec.get("/things")) for _ in range(2)]
        api.close()
    assert [answer.body for answer in answers] == [{"id": 1}] * 2
    assert all("x-vendor" in it.headers and "x-proxy" not in it.headers for it in answers)
    assert wire.paths == ["erp.example:443"]
    assert behind.paths == ["/things"] * 2


def test_a_certificate_for_another_host_is_not_talked_to(open_api: Open, encrypted: Wire) -> None:
    api = open_api(base_url=encrypted.url.replace("localhost", "127.0.0.1"), patience=ONCE)
    with pytest.raises(VendorUnavailable, match="could not be reached"):
        api.get("/things")
    assert encrypted.heard == []
