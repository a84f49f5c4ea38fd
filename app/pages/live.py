"""The live page: the flow while it runs, in the browser, under the sliders."""

from __future__ import annotations

import dgflow_core as dg
from app import navigation, parameters, results, uploads
from app.components import live
from app.page import Page, Visit
from app.parameters import Choice, Whole
from dgflow_core.pictures import live_world
from dgflow_core.pictures.live_page import live_html

PAGE = Page(
    "live",
    "Live",
    ":material/play_circle:",
    "live",
    order=20,
    tour="The same flow, running while you turn the knobs. Drop your own particles.",
    address="browser",
)


def declared() -> dict[str, parameters.Parameter]:
    mine = {
        "model": parameters.planar_model(),
        "method": parameters.method(live_world.METHODS),
        "space": parameters.SPACE,
        "n": Whole(5000, "", None, 10, 10_000),
        "seed": parameters.SEED,
        "raw": parameters.RAW,
        "speed": Whole(24, "", None, 1, 240),
        "after": Choice("again", options=("again", "stop", "endless")),
    }
    return mine | parameters.of_methods(dg.methods[name] for name in live_world.METHODS)


def packed(name: str) -> bytes:
    """What the browser needs to simulate a shipped model."""
    model = results.model(name)

    def make() -> bytes:
        fields = {space: results.field(name, False, space) for space in ("data", "latent")}
        return live_world.pack(model, fields)

    return results.kept(results.key("live", model.digest), make, own=uploads.private(name))


def show(page: Visit) -> None:
    initial = {name: page[name] for name in page.in_use() if name != "model" and "." not in name}
    initial |= page.of(page["method"])

    bar, name = page.canvas_bar()
    content = packed(name)
    file_name = f"dgflow-live-{name.replace('/', '-')}.html"
    page.course_page(bar, lambda: live_html(results.model(name), content), file_name)
    live(content, PAGE.name, initial, exact=navigation.address("flow"), address=True)


if __name__ == "__main__":
    PAGE.run(show, declared)
