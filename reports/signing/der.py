"""Whether bytes are DER in every part: what a lenient reader takes in two forms has one here."""

_BOOLEAN, _INTEGER, _BIT_STRING = 0x01, 0x02, 0x03
_CONSTRUCTED = 0x20
_DEEPEST = 32


def is_der(content: bytes) -> bool:
    """Whether these bytes are values in DER (X.690, 10 and 11.1).

    Lengths are definite and shortest, no string stands in parts, booleans and integers have their
    one form. Of sets the order is not asked: authorities of time stamps write it as they like.
    """
    return _are_values(content, 0)


def _are_values(content: bytes, depth: int) -> bool:
    at = 0
    while at < len(content):
        found = _header(content, at)
        if found is None:
            return False
        tag, start, end = found
        body = content[start:end]
        if tag & _CONSTRUCTED:
            # Of the universal tags only SEQUENCE and SET have parts.
            if tag < 0x40 and tag not in {0x30, 0x31}:  # noqa: PLR2004
                return False
            if depth > _DEEPEST or not _are_values(body, depth + 1):
                return False
        elif not _is_primitive(tag, body):
            return False
        at = end
    return True


def _header(content: bytes, at: int) -> tuple[int, int, int] | None:
    """Tag, beginning and end of the value at a place; None where it has none in DER."""
    head = content[at : at + 6]
    if len(head) < 2 or head[0] & 0x1F == 0x1F:  # noqa: PLR2004  no CMS has tags of many bytes
        return None
    length, size = head[1], 2
    if length & 0x80:
        count = length & 0x7F
        digits = head[2 : 2 + count]
        if not 1 <= count <= 4 or len(digits) < count or digits[0] == 0:  # noqa: PLR2004
            return None
        length, size = int.from_bytes(digits, "big"), 2 + count
        if length < 0x80:  # noqa: PLR2004
            return None
    end = at + size + length
    return (head[0], at + size, end) if end <= len(content) else None


def _is_primitive(tag: int, body: bytes) -> bool:
    if tag == _BOOLEAN:
        return body in (b"\0", b"\xff")
    if tag == _INTEGER:
        # A first byte that only repeats the sign of the second is one too many.
        is_filled = len(body) > 1 and body[:1] == (b"\xff" if body[1] & 0x80 else b"\0")
        return bool(body) and not is_filled
    return tag != _BIT_STRING or bool(body)
