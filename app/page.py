"""What every page is and does: its declaration, its values and link, its head, what it says where it fails.

A page is one file in ``app/pages``:

    PAGE = Page("latent", "Latent density", ":material/blur_on:", "latent", order=50, tour="Does it arrive?")

    def declared(): return {"seed": SEED, …}
    def show(page: Visit) -> None: …

    if __name__ == "__main__":
        PAGE.run(show, declared)

``navigation`` finds it by the declaration alone, which it reads without running the file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from app import links, log_lines, presets, results, sharing, terms, widgets, words
from app.escape import plain
from app.failures import calm
from app.parameters import Parameter
from app.words import say
from dgflow_core.methods import Method
from dgflow_core.pictures.scene import Scene


@dataclass(frozen=True)
class Page:
    """The declaration of a page, in literals.

    Attributes:
        name: of its state in the session and its presets. title, icon: in the navigation.
        path: in the address bar; "" is the home page. order: its place in the navigation.
        tour: what the home page says of it; "" leaves it out there.
        address: who writes the address bar: the server, or a canvas in the "browser".
        alone: whether the page runs again without the app's frame around it, a quarter of the work; one with
            controls in the sidebar cannot.
    """

    name: str
    title: str
    icon: str
    path: str
    order: int
    tour: str = ""
    address: str = "server"
    alone: bool = False

    def run(
        self, show: Callable[[Visit], Any], parameters: Callable[[], Mapping[str, Parameter]] = dict
    ) -> None:
        """Run the page once: read the link, show, write the link; what goes wrong is said in a sentence."""
        (st.fragment(self._run) if self.alone else self._run)(show, parameters)
        with calm(self.name):
            sharing.popover(self.name)

    def _run(
        self, show: Callable[[Visit], Any], parameters: Callable[[], Mapping[str, Parameter]] = dict
    ) -> None:
        with log_lines.request(self.name), calm(self.name):
            widgets.begin()
            words.settle()
            visit = Visit(self, parameters())
            visit.restore()
            for problem in visit.complaints[: links.COMPLAINTS]:
                st.warning(plain(problem), icon=":material/link_off:")
            with calm(self.name):
                show(visit)
            visit.publish()
            widgets.finish()


class Visit(links.Values):
    """One run of a page, for one person: the values of its parameters, and what all pages draw."""

    def __init__(self, page: Page, parameters: Mapping[str, Parameter]):
        super().__init__(page.name, parameters)
        self.declared, self.lesson = page, ""

    def draw(self, name: str, place=st, **how) -> Any:
        """Draw the control of a parameter; return its value."""
        return self.parameters[name].draw(self.key(name), place, **how)

    def controls(self, *names: str) -> None:
        """Draw the controls of several parameters, one under the other."""
        for name in names:
            self.draw(name)

    def method_settings(self, method: Method, without: Sequence[str] = ()) -> dict[str, Any]:
        """Draw a method's settings; return their values."""
        names = [name for name in method.Settings.model_fields if name not in without]
        return {name: self.draw(f"{method.name}.{name}") for name in names}

    def canvas_bar(self) -> tuple[Any, str]:
        """The row above a live canvas, with the choice of its model; returns the row, and the model's name.

        The model is the page's part of the address: the canvas writes the rest itself.
        """

        def remember() -> None:
            others = {name: value for name, value in st.query_params.to_dict().items() if name != "model"}
            named = {name: text for name, text in self.texts().items() if name == "model"}
            st.query_params.from_dict(named | others)

        bar = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
        how = {"width": 320, "label_visibility": "collapsed"}
        return bar, self.draw("model", bar, on_change=remember, **how)

    def course_page(self, place, make: Callable[[], str], file_name: str) -> None:
        """The button that saves a live canvas as a page of its own."""
        place.download_button(
            say("Page for your course"),
            make,
            file_name=file_name,
            mime="text/html",
            icon=":material/download:",
            help=say("This canvas as one HTML file: it runs without a server and without a network."),
        )

    def head(self, formula: str = "", lead: Callable[[], bool] = lambda: True):
        """The presets and the rule being run; returns the place beside them, for the exports.

        Two rows of a height that stays: what is chosen above the picture never moves it. ``lead`` draws what
        stands before the presets, and says whether these are wanted.
        """
        with st.container(key="head", horizontal=True, vertical_alignment="center", gap="small"):
            lesson = presets.choose(self) if lead() else ""
            place = st.container(width="content")
        with st.container(key="said", horizontal=True, vertical_alignment="center", gap="medium"):
            if formula:
                with st.container(key="rule", width="content"):
                    st.markdown(f"${formula}$", help=terms.hover(say("logit, ratio, entropy")))
            if lesson or not formula:
                with st.container(key="lesson"):
                    self.words = st.empty()
                words = lesson or say("Each of these shows one thing that goes right, or wrong.")
                self.lesson = words
                if "{" not in words:
                    self.words.markdown(presets.linked(words), help=terms.hover(words))
        self.publish()
        return place

    def tell(self, scene: Scene) -> None:
        """Put the numbers of what is shown into the lesson."""
        if "{" in self.lesson:
            words = presets.linked(presets.told(self.lesson, scene))
            self.words.markdown(words, help=terms.hover(words))

    def player(self) -> dict[str, Any]:
        """What the page tells its player: what a link said, and whether a preset was just chosen."""
        state = st.session_state
        linked = {name: self[name] for name, row in self.parameters.items() if row.written}
        return {"linked": linked or None, "play": state.get(f"{self.page}._play", 0)}

    def say(self, runs: Sequence, titles: Sequence[str] | None = None) -> None:
        """Say what is to be said of runs: that one was stopped, which may go on, or left the finite range."""
        for number, run in enumerate(runs):
            if run.message:
                words = f"{titles[number]}: {run.message}" if titles else run.message
                place = st.container(horizontal=True, vertical_alignment="center")
                place.warning(plain(words), icon=":material/warning:")
                if results.can_go_on(run):
                    place.button(
                        say("Go on"),
                        icon=":material/resume:",
                        key=f"{self.page}._go_on {number}",
                        on_click=results.go_on,
                        args=(run,),
                        help=say("Compute the steps that are missing."),
                    )

    def publish(self) -> None:
        if self.declared.address == "server":
            super().publish()
