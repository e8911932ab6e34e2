"""One file per way to verify; all implement :class:`lading.attest.interface.Verifier`."""
