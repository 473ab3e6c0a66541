//! Base45, COSE, DCC and our signed slip; many at a time.
