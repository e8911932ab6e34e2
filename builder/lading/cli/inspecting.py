"""What ``lading inspect`` does, whichever way its command line was read."""

from __future__ import annotations

from lading.cli import printed
from lading.cli.render import put

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.inventory import Inspection

__all__ = ["inspect"]


def inspect(
    target: str,
    *,
    platform: str | None = None,
    all_platforms: bool = False,
    all_layers: bool = False,
    insecure: bool = False,
    json: bool = False,
) -> None:
    """Print what is inside a target; again what was printed, of an image that is the same.

    Raises:
        FactsError: it cannot be looked into.
    """
    if all_platforms:
        from lading.cli.every import inspect_every

        inspect_every(target, platform, insecure=insecure, all_layers=all_layers, json=json)
        return

    def ask() -> printed.Asked | None:
        return printed.ask(target, json_wanted=json, all_layers=all_layers)

    asked = ask() if platform is None else None
    kept = printed.recall(asked) if asked else None
    if kept is not None:
        put(kept + "\n")
        return

    from lading.cli import wiring
    from lading.cli.render import json_text
    from lading.cli.summary import inspection_json, inspection_text

    def render(inspection: Inspection) -> str:
        return json_text(inspection_json(inspection)) if json else inspection_text(inspection)

    inspection = wiring.inspect(target, platform=platform, insecure=insecure, all_layers=all_layers)
    put(render(inspection) + "\n")
    if asked:
        printed.keep(asked, ask(), inspection, render)
