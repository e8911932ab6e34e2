"""What ``hf download --local-dir`` notes beside the files: commit, ETag, and when.

huggingface.co/docs/huggingface_hub, "Download to local folder"; ``.cache/huggingface/download``.
The repository's name is not among it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lading.inventory import Role
from lading.models import vocabulary as v

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["DOWNLOAD", "PLACE", "parse"]

#: The kind of these files.
DOWNLOAD: Final = "download"
#: Their paths: the directory downloaded to, and the downloaded file in it.
PLACE: Final = re.compile(r"((?:.*/)?)\.cache/huggingface/download/(.+)\.metadata\Z")
_NOTE: Final = re.compile(rb'([0-9a-f]{40})\n"?[\w-]{1,128}"?\n\d+(?:\.\d+)?\s*\Z')
_LONGEST: Final = 1024


def parse(source: Source, report: Report) -> bool:
    """Note the commit; False when the file is another's."""
    found = _NOTE.match(source.read(_LONGEST))
    report.role = Role.OTHER
    report.fact(v.KIND, DOWNLOAD, "")
    report.fact(v.COMMIT, found[1].decode() if found else None, "line 1")
    return found is not None
