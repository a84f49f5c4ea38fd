"""Lists of strings: what is shown of runs of text, for the browser and for every export alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from dgflow_core.errors import UserError
from dgflow_core.flow.trajectory import Trajectory
from dgflow_core.kinds.text import transcript
from dgflow_core.kinds.text.metrics import Reference, reference
from dgflow_core.kinds.text.transcript import Transcript
from dgflow_core.pictures import naming
from dgflow_core.pictures.order import ranked
from dgflow_core.pictures.scene import MAX_PANELS, check_runs
from dgflow_core.zoo import shelf
from dgflow_core.zoo.model import Model


@dataclass(frozen=True, eq=False)
class Listing:
    """Runs of text as one picture.

    Attributes:
        runs: transcripts of the same strings, 1 to 4.
        titles: of several runs, one each; None names them by their methods.
        model: what made the runs; None where the shipped model that they name says enough.
        order: how the strings stand, one of ``order.ORDERS``; where runs are compared the first decides.
        selected, view: the string and the colours on screen. step: where it stands; None: the end.
        key: names the content.

    Raises:
        UserError: too many runs, or titles that do not fit them.
    """

    kind: ClassVar[str] = "text"

    runs: tuple[Transcript, ...]
    titles: tuple[str, ...] | None = None
    model: Model | None = None
    order: str = "drawn"
    selected: int = 0
    view: str = "confidence"
    step: int | None = None
    key: str = ""

    def __post_init__(self):
        check_runs(self.runs, self.titles, MAX_PANELS)

    @property
    def steps(self) -> int:
        """The last step of the longest run; shorter ones rest at their end."""
        return max(run.steps for run in self.runs)

    @property
    def title(self) -> str:
        """What heads the picture."""
        name = naming.model_title(self.runs[0]) if self.model is None else self.model.title
        return naming.heading(self.runs[0], name) if len(self.runs) == 1 else name

    @property
    def heads(self) -> list[str]:
        """A title for each run; "" where the picture's own says it all."""
        if self.titles is not None:
            return list(self.titles)
        return [""] if len(self.runs) == 1 else self.names

    @property
    def names(self) -> list[str]:
        """What each run is called in tables."""
        return list(self.titles or map(naming.title, self.runs))

    @property
    def standing(self) -> list[int]:
        """The strings in the order they stand."""
        moving = next((run for run in self.runs if run.steps), self.runs[0])
        return ranked(moving.logits, self.order)

    @property
    def against(self) -> Reference | None:
        """What the strings are measured against; None for a data set of one's own."""
        name = self.runs[0].provenance.get("model")
        if self.model is not None:
            dataset = self.model.dataset
        else:
            dataset = shelf.describe(name)["dataset"] if name in shelf.models() else None
        try:
            return reference(dataset or "")
        except ValueError:
            return None


def transcripts(runs: Sequence[Trajectory | Transcript], model: Model | None) -> tuple[Transcript, ...]:
    """Runs of text as transcripts; the alphabet is that of ``model``, or of the shipped model they name.

    Raises:
        UserError: there is no alphabet.
    """
    return tuple(
        run if isinstance(run, Transcript) else transcript.transcribe(run, _letters(run, model))
        for run in runs
    )


def _letters(run: Trajectory, model: Model | None) -> str:
    if model is not None:
        return transcript.alphabet(model)
    name = run.provenance.get("model")
    letters = shelf.describe(name).get("alphabet") if name in shelf.models() else None
    if letters is None:
        raise UserError("model must be given for runs of text: it holds the alphabet.")
    return letters
