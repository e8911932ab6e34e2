"""A whole Sigstore on loopback, made of the real programs; ``../README.md`` tells how."""
