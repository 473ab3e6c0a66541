"""The signed slip of a result: a symbol that any page with the public key verifies, offline too.

The key lies beside the seals: `var/seals/slip-1.key`, 32 bytes. Without it an installation that is
not in production makes one; in production there are no slips until the department puts it there.
"""

import base64
import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Literal

import core_rs
from portal.certificates.rules import CONCLUSIVE_STATES, SampleFacts, kind_of, shown_state
from portal.settings import Settings

KEY_ID = 1
# Layout of a slip (core_rs/src/credential/slip.rs): 103 bytes, five bits a symbol.
SYMBOLS = 165


def _path(config: Settings) -> Path:
    return config.shared_dir / "seals" / f"slip-{KEY_ID}.key"


def _key(config: Settings) -> bytes | None:
    path = _path(config)
    if path.exists():
        return path.read_bytes()
    if config.is_production:
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_suffix(f".{os.getpid()}")
    made.touch(mode=0o600)
    made.write_bytes(os.urandom(32))
    try:
        path.hardlink_to(made)  # whole or not at all; another process's key counts
    except FileExistsError:
        pass
    finally:
        made.unlink()
    return path.read_bytes()


def public_keys(config: Settings) -> dict[int, str]:
    """Number of a key → its 32 public bytes in Base64, for a page that verifies by itself."""
    key = _key(config)
    if key is None:
        return {}
    return {KEY_ID: base64.b64encode(_signer(key).public_key).decode("ascii")}


def kept_public_keys(config: Settings) -> dict[int, bytes]:
    """The public keys of the slip keys that lie here; none is made."""
    path = _path(config)
    return {KEY_ID: _signer(path.read_bytes()).public_key} if path.exists() else {}


@lru_cache(maxsize=4)
def _signer(key: bytes) -> core_rs.SlipSigner:
    return core_rs.SlipSigner(key, KEY_ID)


def maker(config: Settings) -> Callable[[SampleFacts], str]:
    """Gives the address in capitals that stands in a symbol; empty for what is no released result.

    For many results: the key is read once.
    """
    key, address = _key(config), config.public_url
    return lambda facts: _address_of(facts, address, key)


def _address_of(facts: SampleFacts, address: str, key: bytes | None) -> str:
    state = shown_state(facts)
    born = facts.birth_on.isoformat() if facts.birth_on else str(facts.birth_year or "")
    is_told = state in CONCLUSIVE_STATES and kind_of(facts)
    if not is_told or facts.released_at is None or key is None or not born:
        return ""
    kind: Literal["single", "pool", "rapid"] = "pool" if facts.is_pool else "single"
    if facts.method == "antigen":
        kind = "rapid"
    slip = _signer(key).sign(
        kind=kind,
        outcome="positive" if state == "POS_CONFIRMED" else "negative",
        sampled_at=facts.collected_at,
        released_at=facts.released_at,
        code=facts.result_code,
        full_name=facts.full_name,
        birth_date=born,
    )
    return f"{address}/r/{slip}".upper()


def is_slip(text: str) -> bool:
    """Whether this is long enough for a slip, rather than a look-up code."""
    return len(text) >= SYMBOLS
