"""Values that travel in URLs without being readable: filters and page positions with names."""

import base64
import hashlib
from typing import Any

import orjson
from cryptography.fernet import Fernet, InvalidToken
from flask import current_app


def _box() -> Fernet:
    if "tram.seal" not in current_app.extensions:
        secret = current_app.config["TRAM"].secret_key.encode()
        key = hashlib.blake2b(secret, digest_size=32, person=b"url seal").digest()
        current_app.extensions["tram.seal"] = Fernet(base64.urlsafe_b64encode(key))
    box: Fernet = current_app.extensions["tram.seal"]
    return box


def seal(value: Any) -> str:
    """Any JSON value as an opaque, signed text for a URL."""
    return _box().encrypt(orjson.dumps(value)).decode().rstrip("=")


def unseal(text: str) -> Any:
    """The value again; None if the text is not ours."""
    try:
        return orjson.loads(_box().decrypt(text + "=" * (-len(text) % 4)))
    except (InvalidToken, ValueError):
        return None
