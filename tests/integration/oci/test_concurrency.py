"""Many processes attach to one image at once: every attestation is found afterwards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

from lading_oci import Layout
from lading_oci.manifests import descriptor_json
from support import oci_attacher
from support.oci_images import make_image, push_image

if TYPE_CHECKING:
    from support.oci_stores import Store

PROCESSES = 32


def test_every_one_of_many_attestations_is_found(store: Store) -> None:
    repository = store.fresh()
    image = push_image(repository, make_image("crowded"), tag="v1")
    place = str(repository.path) if isinstance(repository, Layout) else repository.name
    subject = json.dumps(descriptor_json(image))
    with ExitStack() as stack:
        running = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, oci_attacher.__file__, place, subject, str(number)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    env={**os.environ, **store.env},
                )
            )
            for number in range(PROCESSES)
        ]
        for process in running:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        ended = []
        for process in running:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in running:
            out, err = process.communicate(timeout=300)
            assert process.returncode == 0, err
            ended.append(out.strip())
    found = repository.referrers(image.digest)
    assert len(set(ended)) == PROCESSES
    assert {one.digest for one in found} == set(ended)
    assert {one.annotations["number"] for one in found} == {str(n) for n in range(PROCESSES)}
