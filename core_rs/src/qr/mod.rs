//! QR codes: image to text, text to typed payload.
