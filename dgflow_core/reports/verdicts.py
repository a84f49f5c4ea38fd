"""What a picture of ours beside the paper's says in words: which f is best, where ours is worse, and why."""

from __future__ import annotations

from collections.abc import Mapping

from dgflow_core.flow.divergences import divergences
from dgflow_core.kinds.metric import Metric
from dgflow_core.reports.beside_paper import Ours, Panel, Row, Spread, gain, panels, short


def words(panel: Panel) -> str:
    """The verdict and the misses as Markdown, "" where there is nothing to say."""
    return "\n\n".join(filter(None, [verdict(panel), "\n".join(f"- {one}" for one in misses(panel))]))


def _best(found: Mapping[str, Spread], metric: Metric) -> tuple[str, str | None]:
    """The best method, and the next best where the two lie within the larger of their spreads."""
    order = sorted(found, key=lambda method: found[method].mean, reverse=metric.better == "up")
    for other in order[1:2]:
        first, second = found[order[0]], found[other]
        if abs(first.mean - second.mean) <= max(first.sd or 0, second.sd or 0):
            return order[0], other
    return order[0], None


def _ours(panel: Panel) -> dict[str, Spread]:
    """method → our number with the paper's settings, over the repeats that all of them have.

    With the model's own steps where none was measured with the paper's. Only of as many samples as most
    methods have, the larger number if two have: more samples score a lower FID.
    """
    firsts = {row.method: row.ours[0] for row in panel.rows if row.ours}
    as_published = {method: one for method, one in firsts.items() if one.label == "ours"}
    counts = [one.n for one in (as_published or firsts).values()]
    n = max(counts, key=lambda one: (counts.count(one), one), default=0)
    found = {method: one.after for method, one in (as_published or firsts).items() if one.n == n}
    common = min(map(len, found.values()), default=0)
    return {method: Spread.of(values[:common]) for method, values in found.items()}


def verdict(panel: Panel) -> str:
    """Which f is best, and whether it beats DOT, in the paper and here, in one sentence; "" for one row."""
    paper, ours = {row.method: row.paper for row in panel.rows}, _ours(panel)
    flows = [method for method in paper if method in divergences]
    if len(flows) < 2 or not panel.title:
        return ""
    theirs, _ = _best({f: paper[f] for f in flows}, panel.metric)
    said = f"Best f in the paper: {short(theirs)}; here"
    here = {f: ours[f] for f in flows if f in ours}
    if len(here) < 2:
        only = "".join(short(f) for f in here)
        return f"{said} {f'only {only} was' if here else 'none was'} measured."
    mine, tie = _best(here, panel.metric)
    said += f"{' too' if mine == theirs else ''}: {short(mine)}"
    said += f" ({short(tie)} within the spread)" if tie else ""
    if "dot" in paper and "dot" in ours:
        wins = _best({"dot": paper["dot"], theirs: paper[theirs]}, panel.metric)[0] == theirs
        first, tied = _best({"dot": ours["dot"], mine: ours[mine]}, panel.metric)
        outcomes = {
            (True, True): "it beats DOT in the paper and here",
            (True, False): "it beats DOT in the paper but not here",
            (False, True): "it beats DOT here but not in the paper",
            (False, False): "it beats DOT neither in the paper nor here",
        }
        said += f"; {outcomes[wins, first == mine]}{' (within the spread)' if tied else ''}"
    return said + "."


def misses(panel: Panel) -> list[str]:
    """A sentence or two for each run of ours after which the metric is worse, where the paper's is better."""
    if panel.metric.name == "seconds":
        return []
    found = []
    for row in panel.rows:
        theirs = gain(row.base, row.paper, panel.metric) or 0
        for one in row.ours:
            mine = gain(one.base, one.end, panel.metric)
            if theirs > 0 and mine is not None and mine < 0:
                run = row.title if one.label == "ours" else f"{row.title}, {one.label}"
                reason = why(panel, row, one) or "We have not found out why."
                found.append(f"{run}: {-mine:.1f} % worse here, {theirs:.1f} % better in the paper. {reason}")
    return found


def why(panel: Panel, row: Row, one: Ours) -> str:
    """Why ``one`` is worse than its base; "" where we do not know."""
    reasons = []
    if abs(one.end.mean - one.base.mean) <= max(one.end.sd or 0, one.base.sd or 0):
        reasons.append("Less than the spread of its repeats.")
    for other, better in _with_own_steps(panel, row, one):
        reasons.append(f"Too many steps: after {other.label.split()[0]} it is {better:.1f} % better.")
    if one.logit == "uncorrected":
        reasons.append("The critic is another GAN's and has not met these samples: see Table 4, corrected.")
    kl = [other for other in panel.rows if other.method == "KL"] if row.method in divergences else []
    if not reasons and any(_with_own_steps(panel, other, one) for other in kl):
        reasons.append("Probably too many steps: KL, which drifts alike, gains by fewer.")
    noisy = _rows_with_noise(panel, "KL") if one.run.get("gamma") == 0 else []
    if not reasons and any(_with_own_steps(panel, other, one) for other in noisy):
        reasons.append("Probably too many steps: with noise (Table 2) KL gains by fewer.")
    return " ".join(reasons)


def _rows_with_noise(panel: Panel, method: str) -> list[Row]:
    """The rows of ``method`` in Table 2, where γ is not 0, of the model of ``panel``."""
    same = (one for one in panels("2") if (one.dataset, one.title) == (panel.dataset, panel.title))
    return [row for one in same for row in one.rows if row.method == method]


def _with_own_steps(panel: Panel, row: Row, one: Ours) -> list[tuple[Ours, float]]:
    """What the model's own steps of ``row`` gain, in percent, where ``one`` with the paper's does not."""
    if one.label != "ours":
        return []
    own = [other for other in row.ours if other.label != "ours" and other.logit == one.logit]
    gains = [(other, gain(other.base, other.end, panel.metric) or 0) for other in own]
    return [(other, better) for other, better in gains if better > 0]
