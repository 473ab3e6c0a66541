"""The hot way in: devices, the journal of what they sent, the applier that makes it true."""
