"""Signatures of papers: made by volume or through pyHanko, kept on files or tokens, and checked."""

from reports.signing.check import PaperCheck, check_paper, check_signature
from reports.signing.keys import FileKey, Key, SigningError, TokenKey
from reports.signing.seal import OLD_CONTENTS, Seal
from reports.signing.trust import Trust

__all__ = [
    "OLD_CONTENTS",
    "FileKey",
    "Key",
    "PaperCheck",
    "Seal",
    "SigningError",
    "TokenKey",
    "Trust",
    "check_paper",
    "check_signature",
]
