"""What is unusual about a model, as data: a sentence for people, a key and a remedy for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from dgflow_core.zoo.model import Model

SEVERITIES = ("error", "warning", "note", "done")


@dataclass(frozen=True)
class Finding:
    """One thing found. ``str()`` of it is one sentence.

    Attributes:
        key: what kind of thing, for programs: "sigmoid", "flipped", "range", …
        what, effect, advice: clauses without a full stop: what was seen, what it does to refinement,
            what to do about it.
        sure: "certain" (read off the network), "likely" (measured, clear), "possible" (could be chance).
        severity: "error" (refinement goes wrong), "warning" (it goes worse than it could), "note" (worth
            knowing), "done" (already taken care of).
        remedy: a name in ``remedies``, or None; ``mended`` applies it. ``button`` says it in a few words.
        values: the numbers behind it, and what the remedy needs.
    """

    key: str
    what: str
    effect: str
    advice: str = ""
    sure: Literal["certain", "likely", "possible"] = "certain"
    severity: Literal["error", "warning", "note", "done"] = "warning"
    remedy: str | None = None
    button: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        doubt = "" if self.sure == "certain" else f" ({self.sure})"
        clauses = f"{self.what}{doubt}: {self.effect}"
        whole = f"{clauses}; {self.advice}" if self.advice else clauses
        return f"{whole[0].upper()}{whole[1:]}."

    def mended(self, model: Model) -> Model:
        """``model`` with this finding's remedy applied; the model itself is left as it is.

        Raises:
            UserError: there is no remedy that a program can apply.
        """
        from dgflow_core.zoo.remedies import apply

        return apply(self, model)

    def as_dict(self) -> dict:
        """Plain data, for a model's config."""
        return asdict(self)
