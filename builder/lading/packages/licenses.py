"""SPDX licences of a Python distribution from what its metadata declares.

Order of trust: ``License-Expression`` (PEP 639), then the free text of ``License``, then the
classifiers. Only what has one meaning is turned into an identifier; a classifier that stands for
several licences (``BSD License``, ``Apache Software License``) stays the text it is.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from lading.packages.metadata import first

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["spdx_licenses"]

_TEXT_LENGTH = 120
_NOT_WORDS = re.compile(r"[^a-z0-9.+]+")

# Last part of the trove classifier → SPDX identifier, where there is exactly one.
_CLASSIFIERS = {
    "Blue Oak Model License (BlueOak-1.0.0)": "BlueOak-1.0.0",
    "Boost Software License 1.0 (BSL-1.0)": "BSL-1.0",
    "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication": "CC0-1.0",
    "CEA CNRS Inria Logiciel Libre License, version 2.1 (CeCILL-2.1)": "CECILL-2.1",
    "CeCILL-B Free Software License Agreement (CECILL-B)": "CECILL-B",
    "CeCILL-C Free Software License Agreement (CECILL-C)": "CECILL-C",
    "Common Development and Distribution License 1.0 (CDDL-1.0)": "CDDL-1.0",
    "Eclipse Public License 1.0 (EPL-1.0)": "EPL-1.0",
    "Eclipse Public License 2.0 (EPL-2.0)": "EPL-2.0",
    "European Union Public Licence 1.1 (EUPL 1.1)": "EUPL-1.1",
    "European Union Public Licence 1.2 (EUPL 1.2)": "EUPL-1.2",
    "GNU Affero General Public License v3": "AGPL-3.0-only",
    "GNU Affero General Public License v3 or later (AGPLv3+)": "AGPL-3.0-or-later",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Lesser General Public License v2 (LGPLv2)": "LGPL-2.0-only",
    "GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL-2.0-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "Historical Permission Notice and Disclaimer (HPND)": "HPND",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Mozilla Public License 1.0 (MPL)": "MPL-1.0",
    "Mozilla Public License 1.1 (MPL 1.1)": "MPL-1.1",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Mulan Permissive Software License v2 (MulanPSL-2.0)": "MulanPSL-2.0",
    "PostgreSQL License": "PostgreSQL",
    "Python Software Foundation License": "PSF-2.0",
    "SIL Open Font License 1.1 (OFL-1.1)": "OFL-1.1",
    "The Unlicense (Unlicense)": "Unlicense",
    "Universal Permissive License (UPL)": "UPL-1.0",
    "Zero-Clause BSD (0BSD)": "0BSD",
    "zlib/libpng License": "Zlib",
}

# Words of a free text (lower case, one space between) → SPDX identifier.
_TEXTS = {
    "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache2": "Apache-2.0",
    "apache2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license v2.0": "Apache-2.0",
    "apache license version 2.0": "Apache-2.0",
    "apache software license 2.0": "Apache-2.0",
    "apache v2": "Apache-2.0",
    "apache v2.0": "Apache-2.0",
    "apache license version 2": "Apache-2.0",
    "apache software license version 2.0": "Apache-2.0",
    "the apache license version 2.0": "Apache-2.0",
    "the apache software license version 2.0": "Apache-2.0",
    "2 clause bsd": "BSD-2-Clause",
    "bsd 2 clause": "BSD-2-Clause",
    "bsd 2 clause license": "BSD-2-Clause",
    "simplified bsd": "BSD-2-Clause",
    "3 clause bsd": "BSD-3-Clause",
    "3 clause bsd license": "BSD-3-Clause",
    "bsd 3": "BSD-3-Clause",
    "bsd 3 clause": "BSD-3-Clause",
    "bsd 3 clause license": "BSD-3-Clause",
    "bsd 3 clause new or revised": "BSD-3-Clause",
    "bsd 3 clause new or revised license": "BSD-3-Clause",
    "modified bsd": "BSD-3-Clause",
    "modified bsd license": "BSD-3-Clause",
    "new bsd": "BSD-3-Clause",
    "new bsd license": "BSD-3-Clause",
    "the bsd 3 clause license": "BSD-3-Clause",
    "agpl 3.0": "AGPL-3.0-only",
    "agplv3+": "AGPL-3.0-or-later",
    "gpl 2.0": "GPL-2.0-only",
    "gpl 3.0": "GPL-3.0-only",
    "gplv2+": "GPL-2.0-or-later",
    "gplv3+": "GPL-3.0-or-later",
    "lgpl 2.1": "LGPL-2.1-only",
    "lgpl 3.0": "LGPL-3.0-only",
    "lgplv2+": "LGPL-2.0-or-later",
    "lgplv2.1+": "LGPL-2.1-or-later",
    "lgplv3+": "LGPL-3.0-or-later",
    "isc": "ISC",
    "isc license": "ISC",
    "mit": "MIT",
    "mit license": "MIT",
    "mit licence": "MIT",
    "mit license mit": "MIT",
    "the mit license": "MIT",
    "the mit license mit": "MIT",
    "expat": "MIT",
    "mpl 2.0": "MPL-2.0",
    "mpl2.0": "MPL-2.0",
    "mozilla public license 2.0": "MPL-2.0",
    "mozilla public license 2.0 mpl 2.0": "MPL-2.0",
    "psf": "PSF-2.0",
    "psfl": "PSF-2.0",
    "python software foundation license": "PSF-2.0",
    "unlicense": "Unlicense",
    "the unlicense": "Unlicense",
    "zlib": "Zlib",
}


def spdx_licenses(headers: Mapping[str, list[str]]) -> tuple[str, ...]:
    """Return SPDX expressions where they can be had, else the declared text, else nothing."""
    expression = first(headers, "license-expression")
    if expression is not None:
        return (_expression(expression) or _shorten(expression),)
    text = first(headers, "license")
    from_text = _from_text(text) if text is not None else None
    if from_text is not None:
        return (from_text,)
    declared = _classified(headers.get("classifier", ()))
    if declared:
        return declared
    return (_shorten(text),) if text is not None else ()


def _from_text(text: str) -> str | None:
    """Return the identifier that a short free text means, if it means exactly one."""
    if len(text) > _TEXT_LENGTH or "\n" in text:
        # A licence pasted in, or the start of one: its title, when it has one, names it.
        text = text.splitlines()[0]
        if len(text) > _TEXT_LENGTH:
            return None
    known = _TEXTS.get(" ".join(_NOT_WORDS.sub(" ", text.lower()).split()))
    if known is not None:
        return known
    return _expression(text)


@lru_cache(maxsize=1024)
def _expression(text: str) -> str | None:
    """Return the canonical form of an SPDX expression, or None when it is not one."""
    if len(text) > 1000:
        return None
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

    try:
        return str(canonicalize_license_expression(text))
    except (InvalidLicenseExpression, RecursionError):
        return None


def _classified(classifiers: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for classifier in classifiers:
        parts = [part.strip() for part in classifier.split("::")]
        if len(parts) < 2 or parts[0] != "License" or parts[-1] == "OSI Approved":
            continue
        name = parts[-1]
        found[_CLASSIFIERS.get(name, name[:_TEXT_LENGTH])] = None
    return tuple(found)


def _shorten(text: str) -> str:
    """Return the first line of a declared text, short enough to be a name."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= _TEXT_LENGTH else line[: _TEXT_LENGTH - 1] + "…"
