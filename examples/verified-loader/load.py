"""A loader that refuses a model nobody approved: `python load.py MODEL KEY`.

Every file that is needed is verified against the signed list, and what is parsed are the very
bytes that were verified. `transformers` takes a state dict and a configuration like these:
`AutoModel.from_config(config)` and `model.load_state_dict(weights)`; for more than weights,
verify the whole directory and pass it to `from_pretrained(path, local_files_only=True)`.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import safetensors.numpy

import lading
from lading.errors import LadingError

NEEDED = ("config.json", "model.safetensors")


def load(path: str, key: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return configuration and tensors (name → array) of a verified model.

    Raises:
        LadingError: it is not what a holder of ``key`` attested.
    """
    model = lading.verify_path(path, key=key, files=NEEDED)
    config = json.loads(model.read("config.json"))
    return config, safetensors.numpy.load(model.read("model.safetensors"))


def main() -> int:
    """Load the model that the command line names, and say what it is."""
    path, key = sys.argv[1:]
    try:
        config, tensors = load(path, key)
    except LadingError as error:
        print(f"refused: {error}", file=sys.stderr)
        return int(error.exit_code)
    count = sum(tensor.size for tensor in tensors.values())
    print(f"loaded {config['model_type']}: {len(tensors)} tensors, {count} parameters")
    return 0


if __name__ == "__main__":
    sys.exit(main())
