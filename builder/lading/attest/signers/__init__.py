"""One file per way to sign; all implement :class:`lading.attest.interface.Signer`."""
