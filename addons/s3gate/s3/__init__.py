"""What does this request name? Pure: bytes and text in, values or a typed refusal out."""
