"""One composed picture of any kind: what is on screen is what is drawn and saved.

Runs in the plane become a ``Scene``, runs of images a ``Wall``, runs of text a ``Listing``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from dgflow_core import kinds
from dgflow_core.errors import UserError
from dgflow_core.flow.trajectory import Trajectory
from dgflow_core.kinds.text.transcript import Transcript
from dgflow_core.pictures.image_wall import Wall
from dgflow_core.pictures.plane_scene import Composition, compose
from dgflow_core.pictures.scene import Scene
from dgflow_core.pictures.sheet import Look, Sheet
from dgflow_core.pictures.text_list import Listing, transcripts
from dgflow_core.zoo.model import Model

#: What pictures show, by the kind that a run names.
KINDS = {"2d": "in the plane", "image": "of images", "text": "of text"}
Run = Trajectory | Transcript
Picture = Scene | Wall | Listing
What = Run | Sequence[Run] | Picture


@dataclass(frozen=True)
class Choice:
    """What is shown of given runs; what does not apply to their kind is ignored.

    Attributes:
        model: adds its map and drift to runs in the plane; holds the alphabet of runs of text.
        titles: names several runs.
        map: "logit", "ratio" or None, in the plane.
        sample: of a run of images, the number of one to show over the steps, as in the paper's Figure 3.
        rows: runs of images (up to 12) as a grid, a row each, instead of walls side by side.
        order: in which samples hang or strings stand, one of ``order.ORDERS``.
    """

    model: Model | None = None
    titles: Sequence[str] | None = None
    map: str | None = "logit"
    sample: int | None = None
    rows: bool = False
    order: str = "drawn"


LOOK, CHOICE = ({row.name for row in fields(one)} for one in (Look, Choice))


def picture_of(what: What, choice: Choice) -> Picture:
    """``what`` as a picture; one that is composed already stays as it is.

    Raises:
        UserError: runs of several kinds, too many, or something that does not fit them; one sentence.
    """
    if isinstance(what, Picture):
        return what
    runs = [what] if isinstance(what, Run) else list(what)
    found = {run.kind for run in runs}
    titles = None if choice.titles is None else tuple(choice.titles)
    if len(found) > 1 or not found <= set(KINDS):
        raise UserError("what must be runs in the plane, of images or of text, all of one kind.")
    if found == {"image"}:
        return Wall(tuple(runs), titles, choice.rows, choice.sample, choice.order)
    if found == {"text"}:
        return Listing(transcripts(runs, choice.model), titles, choice.model, choice.order)
    return compose(runs, choice.model, Composition(titles, choice.map))


def paint(picture: Picture, look: Look) -> Sheet:
    """What draws the frames of a picture: ``steps``, ``width``, ``height`` and ``frame(step)``."""
    return kinds.get(picture.kind).paint(picture, look)
