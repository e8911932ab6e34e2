"""docker's library imported by two threads at once: neither may find a half of it."""

from __future__ import annotations

import subprocess
import sys

_BOTH = """
import threading
from lading.engine import context

def whole():
    import docker

def parts():
    context.find_endpoint({})

failed = []
threading.excepthook = lambda one: failed.append(one.exc_value)
threads = [threading.Thread(target=one) for one in (whole, parts)]
for one in threads:
    one.start()
for one in threads:
    one.join()
print(failed)
"""


def test_two_threads_that_import_the_library_do_not_meet_half_way() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _BOTH], capture_output=True, text=True, check=True, timeout=60
    )

    assert done.stdout.strip() == "[]"
