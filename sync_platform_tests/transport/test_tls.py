"""Calls that are encrypted, as all calls of real vendors are."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sync_platform.errors import VendorUnavailable
from sync_platform.transport import network
from sync_platform.transport.retry import Patience
from sync_platform_tests.transport.conftest import Open
from sync_platform_tests.transport.test_line import in_a_thread
from sync_platform_tests.transport.wire import Wire, hang, listening

ONCE = Patience(tries=1)


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


@pytest.fixture
def encrypted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """A wire that speaks TLS and is trusted, as `localhost`."""
    file = certificate(tmp_path, "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    network.tls.cache_clear()
    with listening(tls=context) as wire:
        yield wire
    network.tls.cache_clear()


def test_an_encrypted_call_is_answered_over_one_connection(open_api: Open, encrypted: Wire) -> None:
    encrypted.say({"id": 1}, times=2)
    api = open_api(base_url=encrypted.url)
    assert [api.get("/things") for _ in range(2)] == [{"id": 1}] * 2
    assert encrypted.connections == 1
    assert encrypted.heard[0].headers["Host"] == encrypted.url.removeprefix("https://")


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
    network.tls.cache_clear()
    with pytest.raises(VendorUnavailable, match="could not be reached") as told:
        open_api(base_url=encrypted.url, patience=ONCE).get("/things")
    assert "CERTIFICATE_VERIFY_FAILED" in told.value.evidence["cause"]
    assert encrypted.heard == []


def test_a_certificate_for_another_host_is_not_talked_to(open_api: Open, encrypted: Wire) -> None:
    api = open_api(base_url=encrypted.url.replace("localhost", "127.0.0.1"), patience=ONCE)
    with pytest.raises(VendorUnavailable, match="could not be reached"):
        api.get("/things")
    assert encrypted.heard == []
