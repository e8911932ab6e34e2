"""A JSON document one of whose values is known from before, so that only the rest is read again.

What is written around a value and the value itself are each one JSON text. Where both are good,
and the value stands where a value was, the whole is: JSON is read from the inside out. Who judges
a document so says what "good" is, and judges the value by the same measure, as deep as it lies.
"""

from __future__ import annotations

__all__ = ["Spliced"]


class Spliced(bytes):
    """The whole document. Made by :meth:`around`.

    ``shell`` is the document with the text ``token`` in place of the value ``part``, which is that
    of the top object's key ``name``.
    """

    shell: bytes
    name: str
    token: str
    part: bytes

    @classmethod
    def around(cls, shell: bytes, name: str, token: str, part: bytes) -> Spliced:
        """Put ``part`` where ``token`` stands, which nothing else in ``shell`` may hold.

        Raises:
            ValueError: it stands there more than once, or not at all.
        """
        before, after = shell.split(b'"%s"' % token.encode("ascii"))
        whole = cls(before + part + after)
        whole.shell, whole.name, whole.token, whole.part = shell, name, token, part
        return whole
