"""A small authority of people who do not exist: root, signers, time stamps, lists of revoked."""

import datetime as dt
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from asn1crypto import keys as asn1_keys
from asn1crypto import tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pyhanko.sign.timestamps import DummyTimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

DAY = dt.timedelta(days=1)


def pem_of_key(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def pem_of(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _plain(certificate: x509.Certificate) -> Any:
    return asn1_x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))


class Authority:
    """A root, an authority below it, and what these issue."""

    def __init__(self, now: dt.datetime | None = None) -> None:
        self.now = now or dt.datetime.now(dt.UTC)
        self.root_key, self.root = self._made("Root", None, is_authority=True)
        self.key, self.middle = self._made("Issuer", (self.root_key, self.root), is_authority=True)

    def _made(
        self,
        name: str,
        issuer: tuple[rsa.RSAPrivateKey, x509.Certificate] | None,
        *,
        is_authority: bool = False,
        is_stamper: bool = False,
        key: rsa.RSAPublicKey | None = None,
        first: dt.datetime | None = None,
        last: dt.datetime | None = None,
    ) -> tuple[Any, x509.Certificate]:
        own = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        signing_key, issuer_name = (issuer[0], issuer[1].subject) if issuer else (own, subject)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer_name)
            .public_key(key or own.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(first or self.now - 400 * DAY)
            .not_valid_after(last or self.now + 400 * DAY)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(
                x509.KeyUsage(
                    digital_signature=not is_authority,
                    content_commitment=not is_authority,
                    key_encipherment=False,
                    data_encipherment=False,
                    key_agreement=False,
                    key_cert_sign=is_authority,
                    crl_sign=is_authority,
                    encipher_only=False,
                    decipher_only=False,
                ),
                critical=True,
            )
        )
        if is_stamper:
            usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
            builder = builder.add_extension(usage, critical=True)
        return own, builder.sign(signing_key, hashes.SHA256())

    def signer(self, name: str = "Sở Y tế mẫu", **choices: Any) -> tuple[bytes, bytes]:
        """Key and certificate (with the chain) of a signer, as PEM."""
        key, certificate = self._made(name, (self.key, self.middle), **choices)
        return pem_of_key(key), pem_of(certificate) + pem_of(self.middle) + pem_of(self.root)

    def revoked(
        self,
        certificate: x509.Certificate | None,
        at: dt.datetime,
        reason: x509.ReasonFlags = x509.ReasonFlags.key_compromise,
    ) -> bytes:
        """The issuer's list, with this certificate on it."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.middle.subject)
            .last_update(self.now - DAY)
            .next_update(self.now + 30 * DAY)
        )
        if certificate is not None:
            entry = (
                x509.RevokedCertificateBuilder()
                .serial_number(certificate.serial_number)
                .revocation_date(at)
                .add_extension(x509.CRLReason(reason), critical=False)
            )
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def stamper(self) -> DummyTimeStamper:
        """A time stamping authority below the issuer."""
        key, certificate = self._made("TSA", (self.key, self.middle), is_stamper=True)
        store = SimpleCertificateStore()
        store.register(_plain(self.middle))
        der = key.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return DummyTimeStamper(
            _plain(certificate), asn1_keys.PrivateKeyInfo.load(der), certs_to_embed=store
        )

    @contextmanager
    def served_stamper(self) -> Iterator[str]:
        """The same behind an address of this machine."""
        stamper = self.stamper()

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = self.rfile.read(int(self.headers["Content-Length"]))
                answer = stamper.request_tsa_response(tsp.TimeStampReq.load(asked)).dump()
                self.send_response(200)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            yield f"http://127.0.0.1:{server.server_port}/"
            server.shutdown()
            thread.join()
