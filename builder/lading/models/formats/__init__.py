"""Parsers, one file per format: header bytes in, facts and findings out.

Each has ``parse(source, report)``, which reads as much of ``source`` as it needs, in order, notes
what it learns, and raises :class:`lading.models.stream.Malformed` when the bytes are not what the
format demands. Nothing is executed, unpickled, or allocated because a header says so.
"""
