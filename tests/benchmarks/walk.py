"""Print the names in a layer's tar, as ``tar -t`` does, by lading's reader.

walk.py LAYER
"""

from __future__ import annotations

import sys

from lading.image.files import FilePart, open_file
from lading.image.tar import TarReader

if __name__ == "__main__":
    descriptor, size = open_file(sys.argv[1])
    reader = TarReader(FilePart(descriptor, 0, size), where=sys.argv[1])
    sys.stdout.write("\n".join([entry.path for entry in reader]) + "\n")
