"""The audit log's tree: roots by the definition, proofs, and every tampering found."""

import hashlib

import polars as pl
import pytest

import core_rs
from core_rs import CoreError

ENTRIES = [f"entry {number}".encode() for number in range(50)]


def root_by_definition(entries: list[bytes]) -> bytes:
    """RFC 6962 section 2.1."""
    if not entries:
        return hashlib.sha256().digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\0" + entries[0]).digest()
    split = 1 << (len(entries) - 1).bit_length() - 1
    left, right = root_by_definition(entries[:split]), root_by_definition(entries[split:])
    return hashlib.sha256(b"\1" + left + right).digest()


@pytest.fixture
def log() -> core_rs.MerkleLog:
    made = core_rs.MerkleLog()
    for index, entry in enumerate(ENTRIES):
        assert made.append(entry) == index
    return made


def test_roots_follow_the_definition(log: core_rs.MerkleLog) -> None:
    for size in range(len(ENTRIES) + 1):
        assert log.root(size) == root_by_definition(ENTRIES[:size])
    table = pl.DataFrame({"entry": ENTRIES})
    assert core_rs.merkle_root(table) == log.root()
    again = core_rs.MerkleLog()
    assert again.append_many(table) == len(ENTRIES)
    assert again.root() == log.root()
    assert core_rs.MerkleLog(log.leaves()).root() == log.root()
    assert log.leaf(3) == core_rs.leaf_hash(ENTRIES[3])


def test_edit_removal_and_reordering_are_found(log: core_rs.MerkleLog) -> None:
    root = log.root()
    edited = [*ENTRIES[:20], b"entry 20 changed", *ENTRIES[21:]]
    removed = ENTRIES[:20] + ENTRIES[21:]
    swapped = [*ENTRIES[:20], ENTRIES[21], ENTRIES[20], *ENTRIES[22:]]
    cut = ENTRIES[:-1]
    for tampered in (edited, removed, swapped, cut):
        assert core_rs.merkle_root(pl.DataFrame({"entry": tampered})) != root


def test_proofs_show_what_is_true_only(log: core_rs.MerkleLog) -> None:
    size, root = len(log), log.root()
    for index, entry in enumerate(ENTRIES):
        proof = log.inclusion_proof(index)
        assert core_rs.verify_inclusion(entry, index, size, proof, root)
        assert not core_rs.verify_inclusion(b"other", index, size, proof, root)
        assert not core_rs.verify_inclusion(entry, (index + 1) % size, size, proof, root)
    for old in range(1, size + 1):
        proof = log.consistency_proof(old)
        assert core_rs.verify_consistency(old, size, log.root(old), root, proof)
        assert not core_rs.verify_consistency(old, size, bytes(32), root, proof)


def test_what_the_log_does_not_hold_is_refused(log: core_rs.MerkleLog) -> None:
    for ask in (lambda: log.root(51), lambda: log.inclusion_proof(50), lambda: log.leaf(50)):
        with pytest.raises(IndexError):
            ask()
    with pytest.raises(CoreError) as raised:
        log.append_many(pl.DataFrame({"entry": [b"a", None]}))
    assert raised.value.code == "merkle.null"
    assert len(log) == 50
