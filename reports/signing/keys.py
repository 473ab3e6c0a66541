"""Keys that sign: from a file, or in a PKCS#11 token that never gives them away."""

import hashlib
import threading
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, cast

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

# DER in front of a SHA-256 in a PKCS #1 v1.5 signature (RFC 8017, 9.2): tokens that know no
# combined mechanism sign this and the digest as they are.
_DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")


class SigningError(Exception):
    """The key, its certificate or the paper can not be used for signing."""


class Key(Protocol):
    """An RSA key as a seal uses it."""

    @property
    def public_key(self) -> rsa.RSAPublicKey:
        """What its certificate must hold."""

    @property
    def pkcs8(self) -> bytes | None:
        """DER for `core_rs`; None if the key stays where it is."""

    def sign(self, content: bytes) -> bytes:
        """The PKCS #1 v1.5 signature over the SHA-256 of the content."""


class FileKey:
    """A key from a PEM file, parsed once.

    Raises:
        SigningError: no RSA key.
    """

    def __init__(self, pem: bytes) -> None:
        try:
            key = serialization.load_pem_private_key(pem, password=None)
        except (ValueError, TypeError) as error:
            message = f"the key can not be read: {error}"
            raise SigningError(message) from error
        if not isinstance(key, rsa.RSAPrivateKey):
            message = "papers are signed with RSA keys: some readers do not know others"
            raise SigningError(message)
        self._key = key

    @property
    def public_key(self) -> rsa.RSAPublicKey:
        """What its certificate must hold."""
        return self._key.public_key()

    @cached_property
    def pkcs8(self) -> bytes:
        """DER for `core_rs`."""
        return self._key.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    def sign(self, content: bytes) -> bytes:
        """The PKCS #1 v1.5 signature over the SHA-256 of the content."""
        return self._key.sign(content, padding.PKCS1v15(), hashes.SHA256())


class TokenKey:
    """A key in a PKCS#11 token, found once by its label.

    Args:
        module: the token's library.
        token: label of the token.
        label: label of the private and the public key.
        pin: of the user.

    Raises:
        SigningError: no such library, token or key, or a wrong PIN.
    """

    pkcs8 = None

    def __init__(self, module: Path, token: str, label: str, pin: str) -> None:
        import pkcs11
        from pkcs11.util.rsa import encode_rsa_public_key

        try:
            found = pkcs11.lib(str(module)).get_token(token_label=token)
            try:
                self._session = found.open(user_pin=pin)
            except pkcs11.exceptions.UserAlreadyLoggedIn:  # by another key of this process
                self._session = found.open()
            kinds = pkcs11.constants.ObjectClass
            self._key: Any = self._session.get_key(kinds.PRIVATE_KEY, pkcs11.KeyType.RSA, label)
            public: Any = self._session.get_key(kinds.PUBLIC_KEY, pkcs11.KeyType.RSA, label)
            der = encode_rsa_public_key(public)
        except (pkcs11.PKCS11Error, RuntimeError) as error:
            message = f"the token «{token}» gives no key «{label}»: {type(error).__name__}"
            raise SigningError(message) from error
        self.public_key = cast("rsa.RSAPublicKey", serialization.load_der_public_key(der))
        self._mechanism = pkcs11.Mechanism.RSA_PKCS
        self._turn = threading.Lock()  # a session takes one operation at a time

    def sign(self, content: bytes) -> bytes:
        """The PKCS #1 v1.5 signature over the SHA-256 of the content."""
        digest = _DIGEST_INFO + hashlib.sha256(content).digest()
        with self._turn:
            return bytes(self._key.sign(digest, mechanism=self._mechanism))
