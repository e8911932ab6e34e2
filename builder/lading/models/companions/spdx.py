"""Licence names and texts → SPDX identifiers; https://spdx.org/licenses."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["identify_text", "spdx"]

_IDS: Final = """
0BSD AFL-3.0 AGPL-3.0-only AGPL-3.0-or-later Apache-2.0 Artistic-2.0 BSD-2-Clause BSD-3-Clause
BSD-3-Clause-Clear BSL-1.0 CC0-1.0 CC-BY-2.0 CC-BY-2.5 CC-BY-3.0 CC-BY-4.0 CC-BY-NC-2.0
CC-BY-NC-3.0 CC-BY-NC-4.0 CC-BY-NC-ND-3.0 CC-BY-NC-ND-4.0 CC-BY-NC-SA-2.0 CC-BY-NC-SA-3.0
CC-BY-NC-SA-4.0 CC-BY-ND-4.0 CC-BY-SA-3.0 CC-BY-SA-4.0 CDLA-Permissive-1.0 CDLA-Permissive-2.0
CDLA-Sharing-1.0 ECL-2.0 EPL-1.0 EPL-2.0 EUPL-1.1 EUPL-1.2 GFDL-1.3-only GPL-2.0-only
GPL-2.0-or-later GPL-3.0-only GPL-3.0-or-later ISC LGPL-2.1-only LGPL-2.1-or-later LGPL-3.0-only
LGPL-3.0-or-later LPPL-1.3c MIT MPL-2.0 MS-PL MulanPSL-2.0 NCSA ODbL-1.0 ODC-By-1.0 OFL-1.1
OSL-3.0 PDDL-1.0 PostgreSQL Unlicense WTFPL Zlib etalab-2.0
"""
_BY_LOWER: Final = {name.lower(): name for name in _IDS.split()}
#: The Hub's identifiers, and common ways to write a licence, that differ from SPDX's.
_ALIASES: Final = {
    "afl-3": "AFL-3.0", "agpl-3.0": "AGPL-3.0-only", "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0", "apache license, version 2.0": "Apache-2.0",
    "apache-2": "Apache-2.0", "apache2": "Apache-2.0", "apache2.0": "Apache-2.0",
    "apache": "Apache-2.0", "bsd-2": "BSD-2-Clause", "bsd-3": "BSD-3-Clause",
    "cc0": "CC0-1.0", "cc-by-4": "CC-BY-4.0", "cc by 4.0": "CC-BY-4.0", "gfdl": "GFDL-1.3-only",
    "gpl-2.0": "GPL-2.0-only", "gpl-3.0": "GPL-3.0-only", "gplv3": "GPL-3.0-only",
    "lgpl-2.1": "LGPL-2.1-only", "lgpl-3.0": "LGPL-3.0-only", "mit license": "MIT",
    "the mit license": "MIT", "mpl 2.0": "MPL-2.0", "odbl": "ODbL-1.0", "odc-by": "ODC-By-1.0",
    "pddl": "PDDL-1.0", "zlib/libpng": "Zlib",
}  # fmt: skip

#: Words that a licence's text must have, in lower case with single spaces; the first that fits.
_TEXTS: Final = (
    ("Apache-2.0", ("apache license", "version 2.0")),
    ("AGPL-3.0-only", ("gnu affero general public license", "version 3")),
    ("LGPL-3.0-only", ("gnu lesser general public license", "version 3")),
    ("LGPL-2.1-only", ("gnu lesser general public license", "version 2.1")),
    ("GPL-3.0-only", ("gnu general public license", "version 3")),
    ("GPL-2.0-only", ("gnu general public license", "version 2")),
    ("MPL-2.0", ("mozilla public license", "version 2.0")),
    ("EPL-2.0", ("eclipse public license - v 2.0",)),
    ("CC-BY-NC-SA-4.0", ("attribution-noncommercial-sharealike 4.0",)),
    ("CC-BY-NC-ND-4.0", ("attribution-noncommercial-noderivatives 4.0",)),
    ("CC-BY-NC-4.0", ("attribution-noncommercial 4.0",)),
    ("CC-BY-SA-4.0", ("attribution-sharealike 4.0",)),
    ("CC-BY-4.0", ("attribution 4.0 international",)),
    ("CC0-1.0", ("cc0 1.0 universal",)),
    ("Unlicense", ("this is free and unencumbered software",)),
    ("BSL-1.0", ("boost software license", "version 1.0")),
    ("MIT", ("permission is hereby granted, free of charge", "without restriction")),
    ("ISC", ("permission to use, copy, modify, and/or distribute this software",)),
    ("BSD-3-Clause", ("redistribution and use in source and binary forms", "neither the name")),
    ("BSD-2-Clause", ("redistribution and use in source and binary forms",)),
)
#: Licences of models without an SPDX identifier, by their title.
_TITLES: Final = (
    ("llama 2 community license", "LicenseRef-llama2"),
    ("meta llama 3 community license", "LicenseRef-llama3"),
    ("llama 3.1 community license", "LicenseRef-llama3.1"),
    ("llama 3.2 community license", "LicenseRef-llama3.2"),
    ("llama 3.3 community license", "LicenseRef-llama3.3"),
    ("llama 4 community license", "LicenseRef-llama4"),
    ("gemma terms of use", "LicenseRef-gemma"),
    ("creativeml open rail", "LicenseRef-creativeml-openrail-m"),
    ("bigscience openrail-m", "LicenseRef-bigscience-openrail-m"),
    ("bigcode openrail-m", "LicenseRef-bigcode-openrail-m"),
    ("tongyi qianwen license", "LicenseRef-qwen"),
    ("deepseek license", "LicenseRef-deepseek"),
)
#: As YOLO's exporter writes it: ``AGPL-3.0 License (https://…)``.
_URL: Final = re.compile(r"\s*\(?https?://\S*\Z")
_SPACE: Final = re.compile(r"\s+")


def spdx(name: str) -> str:
    """Return the SPDX identifier for a declared licence, or the name as it was declared."""
    key = name.strip().lower()
    for one in (key, _URL.sub("", key).strip().removesuffix(" license").removeprefix("the ")):
        if found := _BY_LOWER.get(one) or _ALIASES.get(one):
            return found
    return name.strip()


def identify_text(text: str) -> str | None:
    """Return the identifier of the licence whose text this is, ``LicenseRef-…`` without SPDX."""
    plain = _SPACE.sub(" ", text[:20_000]).lower()
    for title, identifier in _TITLES:
        if title in plain[:2000]:
            return identifier
    found = [name for name, words in _TEXTS if all(word in plain for word in words)]
    if found and found[0].startswith("CC") and sum(one.startswith("CC") for one in found) > 1:
        return None  # a list of what is under which of them: no licence names another
    return found[0] if found else None
