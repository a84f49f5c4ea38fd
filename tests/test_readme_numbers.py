"""The README's tables of results say what is kept in assets/results; nothing is measured."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from dgflow_core.places import ASSETS
from dgflow_core.reports import image_table, papers, step_curves, text_table
from dgflow_core.reports.kept_results import spread
from dgflow_core.zoo import shelf
from tests.browser import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
#: How many repeats a table of the README may rest on: the first so many of what is kept.
REPEATS = (3, 5, 10)
METHODS = {
    "base": "Base", "DGflow (KL)": "DGflow (KL), γ = 0.01", "DGflow (JS)": "DGflow (JS), γ = 0.01",
    "DGflow (log D)": "DGflow (logD), γ = 0.01", "DOT": "DOT", "DDLS": "DDLS",
    "KL, own steps": "DGflow (KL), γ = 0.01, own steps", "KL, γ = 0": "DGflow (KL), γ = 0",
    "KL, until `real50`": "DGflow (KL), γ = 0.01, until real50",
}  # fmt: skip
STOPPING = {
    "none (base)": "Base", "25 steps": "DGflow (KL), γ = 0.01", "16 steps": "DGflow (KL), γ = 0.01, 16 steps",
    "8 steps": "DGflow (KL), γ = 0.01, 8 steps", "25 steps, `real50`": "DGflow (KL), γ = 0.01, until real50",
    "25 steps, `real95`": "DGflow (KL), γ = 0.01, until real95",
    "25 steps, `flat`": "DGflow (KL), γ = 0.01, until flat",
}  # fmt: skip


def tables(heading: str) -> Iterator[tuple[list[str], list[list[str]]]]:
    """(head, rows) of the README's tables whose head begins so."""
    for block in re.findall(r"(?:^\|.*\n)+", README, re.MULTILINE):
        if block.startswith(heading):
            head, _, *rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in block.splitlines())
            yield head, rows


def table(heading: str) -> tuple[list[str], list[list[str]]]:
    (found,) = tables(heading)
    return found


def kept(
    report: str, model: str, title: str, logit: str = "", at_least: int = 0, n: int | None = None
) -> list[dict[str, float]]:
    """The repeats of a cell, else []: of ``n`` samples, or the fewest kept that are ``at_least`` so many."""
    cells = json.loads((ASSETS / "results" / f"{report}.json").read_text())["cells"]
    found = [
        cell
        for key, cell in cells.items()
        if key.split(" | ")[:2] == [model, title]
        and (not logit or key.split(" | ")[2] == logit)
        and cell["settings"]["n"] >= at_least
        and n in (None, cell["settings"]["n"])
    ]
    found.sort(key=lambda cell: cell["settings"]["n"])
    return [found[0]["repeats"][key] for key in sorted(found[0]["repeats"], key=int)] if found else []


def says(cell: str, repeats: list[dict[str, float]], metric: str) -> bool:
    """Whether a cell is the mean ± sd of the metric, over as many repeats as the README may mean."""
    digits = len(cell.split(" ± ")[0].partition(".")[2])
    values = [one[metric] for one in repeats]
    counts = {count for count in REPEATS if count <= len(values)} | {len(values)}
    return cell in {spread(values[:count], digits) for count in counts}


def agree(text: str, value: float) -> bool:
    number = text.strip(" %").replace(",", "").replace("−", "-")
    return abs(float(number) - value) <= 0.5000001 * 10 ** -len(number.partition(".")[2])


def test_table_1():
    head, rows = table("| method | logit | % high quality, paper")
    ours = {"% high quality, ours": "high_quality", "KDE score, ours": "kde_score", "modes": "modes"}
    theirs = {"% high quality, paper": "high_quality", "KDE score, paper": "kde_score"}
    names = {"DGflow (KL)": "KL", "DGflow (JS)": "JS", "DGflow (log D)": "logD"}
    checked = 0
    for row in rows:
        cells = dict(zip(head, row, strict=True))
        title, logit = cells["method"], cells["logit"]
        repeats = kept("table1", "25gaussians/wgan-gp", title, "" if logit == "either" else logit)
        for column, metric in ours.items():
            assert says(cells[column], repeats, metric), (title, column, cells[column])
            checked += 1
        for column, metric in theirs.items():
            if cells[column] != "–":
                found = papers.find(("1",), metric=metric, method=names.get(title, title.lower()))
                assert agree(cells[column].split(" ± ")[0], found.mean), (title, column)
    assert checked >= 36


def test_text():
    head, rows = table("| method | JS-4")
    columns = {"JS-4": "js4", "JS-6": "js6", "known words, %": "words", "mean logit": "logit"}
    for row in rows[1:]:  # the first is of real strings
        repeats = kept("text", "billion_words/wgan-gp", row[0])
        for name, cell in zip(head[1:], row[1:], strict=True):
            assert says(cell, repeats, columns[name]), (row[0], name, cell)


def test_text_of_the_wider_model():
    head, rows = table("| 128 wide, 10,000 strings")
    names = {"Base": "base", "DGflow (KL)": "KL", "DGflow (JS)": "JS", "DGflow (log D)": "logD"}
    columns = {"known words, %": "words", "mean logit": "logit"}
    real, *measured = rows
    assert [row[0] for row in measured] == [*names]
    draws = text_table.floor("billion_words", 10_000)
    for title, *cells in measured:
        row = title if title == "Base" else f"{title}, own steps"
        repeats = kept("text", "billion_words/wgan-gp-wide", row)
        assert len(repeats) >= 3
        for name, cell in zip(head[1:], cells, strict=True):
            metric = columns.get(name) or name.partition(",")[0].replace("-", "").lower()
            if name.endswith("paper"):
                found = papers.find(("5",), metric=metric, method=names[title])
                assert agree(cell.split(" ± ")[0], found.mean), (title, name)
            else:
                assert says(cell, repeats, metric), (title, name, cell)
    for name, cell in zip(head[1:], real[1:], strict=True):
        if name.startswith("JS") and name.endswith("ours"):
            metric = name.partition(",")[0].replace("-", "").lower()
            assert cell == spread([draw[metric] for draw in draws if metric in draw], 4)


def test_grown():
    head, rows = table("| grown, unrefined")
    names = {"high quality": "high_quality", "modes": "modes", "off the data": "off_support",
             "data missed": "missed", "sliced W₂": "distance"}  # fmt: skip
    for title, *cells in rows:
        key = "wgan-gp" if title.startswith("WGAN-GP") else f"vgrow-{title.lower().replace(' ', '')}"
        for place, (column, cell) in enumerate(zip(head[1:], cells, strict=True)):
            repeats = kept("grown", f"{'25gaussians' if place < 3 else 'swissroll'}/{key}", "n = 5000")
            assert len(repeats) == 3
            metric = names[column.split(": ")[-1].partition(",")[0]]
            assert says(cell, repeats, metric), (title, column, cell)


def test_grown_images():
    head, rows = table("| images, grown")
    titles = {shelf.describe(name)["title"]: name for name in shelf.models()}
    models = [titles[title.replace("log D", "logD")] for title, *_ in rows]
    assert {*image_table.GROWN} < {*models}
    for model, (title, *cells) in zip(models, rows, strict=True):
        for column, cell in zip(head[1:], cells, strict=True):
            run, metric = column.split(": ")
            row = "Base" if run == "base" else "DGflow (KL), γ = 0.01"
            repeats = kept("images", model, row, at_least=2000)
            assert says(cell, repeats, metric.lower()) if cell != "–" else not repeats, (title, column, cell)


def test_stale_and_fresh_ratios():
    head, rows = table("| FID of | ratio")
    titles = {shelf.describe(name)["title"]: name for name in shelf.models() if name.endswith("+ladder")}
    assert len(rows) >= 6
    for title, ratio, *cells in rows:
        model = titles[f"{title} + ladder of critics"]
        for column, cell in zip(head[2:], cells, strict=True):
            metric = "precision" if "after" in column else "fid"
            steps = column.split()[-1]
            repeats = kept("fresh", model, "Base" if steps == "base" else f"after {steps} steps", ratio)
            assert says(cell, repeats, metric) if cell != "–" else not repeats, (title, ratio, column)


def test_steps_and_their_size():
    titles = {shelf.describe(name)["title"]: name for name in shelf.models()}
    _, rows = table("| FID, by steps")
    assert {titles[title] for title, *_ in rows} == {*filter(step_curves.kept, step_curves.TABLE.models)}
    for title, base, eta, steps, best, paper in rows:
        found = step_curves.kept(titles[title])
        assert found.best() == (float(eta), int(steps))
        ends = {base: (0.1, 0), best: (float(eta), int(steps)), paper: (0.1, 25)}
        for cell, (size, step) in ends.items():
            values = step_curves.values(found.measured[size], "fid", step)
            assert cell == spread(values), (title, size, step)


def test_dcd():
    _, rows = table("| Langevin, 20 steps")
    for title, *cells in rows:
        space = "latent" if title.startswith("latent") else "pixel"
        model = f"dcd-{space}" if title.endswith("after") else "sndcgan-ns"
        run = {"latent": "Langevin in latent codes", "pixel": "Langevin in pixels"}[space]
        for place, cell in enumerate(cells[:6]):
            dataset = "fashion_mnist" if place < 3 else "cifar10"
            repeats = kept("dcd", f"{dataset}/{model}", "Base" if title.startswith("none") else run)
            metric = ("fid", "precision", "recall")[place % 3]
            assert says(cell, repeats, metric), (title, place, cell)


def test_images_model_by_model():
    _, rows = table("| CIFAR-10 | ratio")
    titles = {shelf.describe(name)["title"]: name for name in shelf.models() if name.startswith("cifar10")}
    assert len(rows) >= 13
    for title, ratio, samples, base, steps, own, own_gain, paper, paper_gain, *ends in rows:
        count, n = (int(part.replace(",", "")) for part in samples.split(" × "))
        model = titles[f"{title} on CIFAR-10"] + ("+ratio" if ratio.startswith("ratio network") else "")
        logit = "own critic"
        if "corrector" in shelf.describe(model):
            logit = "corrected" if "+ corrector" in ratio else "uncorrected"
        flow = "DGflow (KL), γ = 0.01"
        named = (("Base", ""), (f"{flow}, own steps", logit), (flow, logit))
        started, after, published = (kept("images", model, *row, n=n)[:count] for row in named)
        assert len(started) == len(after) == len(published) == count
        assert says(base, started, "fid"), (title, base)
        assert says(own, after, "fid"), (title, own)
        assert says(paper, published, "fid"), (title, paper)
        assert agree(steps, after[0]["steps"])
        assert own_gain == image_table.gain(started, after)
        assert paper_gain == image_table.gain(started, published)
        for cell, metric in zip(ends, ("precision", "recall"), strict=True):
            for text, repeats in zip(cell.split(" → "), (started, after), strict=True):
                assert says(text, [{metric: sum(one[metric] for one in repeats) / len(repeats)}], metric)


def test_images_method_by_method():
    checked = 0
    for head, rows in tables("| model | n | base | DGflow (KL)"):
        data = "CIFAR-10" if "KL, γ = 0" in head else "Fashion-MNIST"
        titles = {shelf.describe(name)["title"]: name for name in shelf.models()}
        for title, samples, *cells in rows:
            name, _, logit = title.partition(", ")
            model = titles.get(f"{name} on {data}") or titles[f"{name.removesuffix(' (ns)')} on {data}"]
            logit = (logit or "own critic").removesuffix(" ratio")
            for column, cell in zip(head[2:], cells, strict=True):
                if cell != "–":
                    row, n = METHODS[column], int(samples.replace(",", ""))
                    repeats = kept("images", model, row, "" if row == "Base" else logit, n=n)
                    assert says(cell, repeats, "fid"), (title, column, cell)
                    assert data == "Fashion-MNIST" or len(repeats) >= 5  # as the heading says
                    checked += 1
    assert checked >= 36


def worse(model: str, title: str, logit: str = "", n: int = 2000) -> str:
    """How much higher than its base's the FID of a run is, in whole percent."""
    base, run = (
        kept("images", f"cifar10/{model}", row, kind, n=n) for row, kind in (("Base", ""), (title, logit))
    )
    return f"{-float(image_table.gain(base, run).removesuffix(' %')):.0f}"


def paper_better(model: str, method: str, table: str) -> str:
    """How much lower than its base's the paper's FID is, in whole percent."""
    base, end = (
        papers.find((table,), metric="fid", dataset="cifar10", model=model, method=one).mean
        for one in ("base", method)
    )
    return f"{100 * (1 - end / base):.0f}"


def test_misses_in_words():
    said = " ".join(README.split("**Where ours is worse")[1].split("**Other orders**")[0].split())
    flows = [f"DGflow ({f}), γ = 0.01" for f in ("KL", "JS", "logD")]
    kl, js, own = flows[0], flows[1], f"{flows[0]}, own steps"
    far = [worse("wgan-gp", kl), worse("mmd-gan", kl, "corrected")]
    theirs = [paper_better("WGAN-GP", "KL", "2"), paper_better("MMDGAN", "KL", "4")]
    near = [worse("wgan-gp", own), worse("mmd-gan", own, "corrected")]
    assert f"WGAN-GP and MMD-GAN {far[0]} and {far[1]} % above their base" in said
    assert f"(the paper: {theirs[0]} and {theirs[1]} % below it)" in said
    assert f"leave them {near[0][1:]} and {near[1][1:]} % below" in said
    assert f"JS does so, too ({worse('wgan-gp', js)} % above)" in said
    assert f"KL without noise ({worse('wgan-gp', 'DGflow (KL), γ = 0')} %)" in said
    assert f"DOT stays within its spread ({worse('wgan-gp', 'DOT')} %)" in said
    assert f"SN-DCGAN (ns) ends {worse('sndcgan-ns', kl)} % above" in said
    lent = sorted(int(worse("vae", title, "uncorrected")) for title in flows)
    below = sorted(int(paper_better("VAE", f, "15")) for f in ("KL", "JS", "logD"))
    assert (
        f"VAE's FID by {lent[0]} to {lent[-1]} % (the paper: lowers it by {below[0]} to {below[-1]})" in said
    )
    assert f"that of MMD-GAN ({worse('mmd-gan', kl, 'uncorrected')} %)" in said
    gains = sorted(
        image_table.gain(
            kept("images", "cifar10/sn-resnet", "Base", n=2000),
            kept("images", "cifar10/sn-resnet", title, n=2000),
        )
        for title in flows
    )
    assert f"lower it, by {gains[0][1:-2]} to {gains[-1][1:]}" in said


def test_without_noise_in_words():
    said = README.split("**Without noise**")[1].split("**With correctors**")[0]
    assert re.findall(r"\d+\.\d ± \d+\.\d", said) == [
        spread([one["fid"] for one in kept("images", f"cifar10/{model}", f"DGflow ({f}), γ = 0", n=2000)])
        for model in ("sndcgan-hinge", "sndcgan-wide", "wgan-gp", "sndcgan-ns")
        for f in ("KL", "JS", "logD")
    ]


def test_gains_with_correctors_in_words():
    said = " ".join(README.split("**With correctors**")[1].split("The score (")[0].split())

    def gains(model: str, logit: str, *titles: str) -> str:
        runs = [kept("images", f"cifar10/{model}", title, logit, n=2000) for title in ("Base", *titles)]
        base = runs[0] or kept("images", f"cifar10/{model}", "Base", n=2000)
        found = [image_table.gain(base, run).strip("+ %") for run in runs[1:]]
        return " and ".join(filter(None, (", ".join(found[:-1]), found[-1])))

    def published(model: str, table: str) -> str:
        ends = [
            papers.find((table,), metric="fid", dataset="cifar10", model=model, method=f).mean
            for f in ("base", "KL", "logD", "JS")
        ]
        found = [f"{100 * (1 - end / ends[0]):.1f}" for end in ends[1:]]
        return f"{found[0]}, {found[1]} and {found[2]}"

    flows = [f"DGflow ({f}), γ = 0.01" for f in ("KL", "logD", "JS")]
    own = "DGflow (KL), γ = 0.01, own steps"
    glow = [gains("glow", logit, *flows) for logit in ("corrected", "uncorrected")]
    theirs = [published("Glow", table) for table in ("4", "15")]
    assert f"{glow[0]} % corrected and {glow[1]} % uncorrected (the paper: {'; '.join(theirs)})" in said
    assert f"{gains('vae', 'corrected', *flows)} % corrected ({published('VAE', '4')})" in said
    js = [gains("ocfgan-gp", logit, flows[2]) for logit in ("corrected", "uncorrected")]
    assert f"{js[0]} % corrected and {js[1]} % uncorrected" in said
    far = [gains(model, "corrected", flows[1]) for model in ("mmd-gan", "ocfgan-gp")]
    near = [gains(model, "corrected", own) for model in ("mmd-gan", "ocfgan-gp")]
    assert f"({' and '.join(far)} %): KL, which gains {' and '.join(near)} % by 8 and 12" in said


@pytest.mark.parametrize(("column", "model"), [(1, "sndcgan-ns"), (3, "vae")])
def test_where_to_stop(column, model):
    _, rows = table("| stopping |")
    for title, *cells in rows:
        logit = "corrected" if model == "vae" else "own critic"
        repeats = kept("images", f"fashion_mnist/{model}", STOPPING[title], logit)
        steps, fid = cells[column - 1 : column + 1]
        known = [one["steps"] for one in repeats if "steps" in one]
        assert agree(steps, sum(known) / len(known)), (title, steps)
        assert says(fid, repeats, "fid"), (title, fid)


def test_sets_without_modes_are_as_measured():
    rows = {row[0]: row[1:] for row in table("| data set | off, base")[1]}
    models = {
        "Swiss roll": "swissroll/wgan-gp", "Swiss roll, Tanaka's published weights": "published/swissroll",
        "Two moons": "moons/wgan-gp", "Checkerboard": "checkerboard/wgan-gp",
    }  # fmt: skip

    def mean(model: str, title: str, metric: str, form: str) -> str:
        values = [one[metric] for one in kept("support", model, title)]
        assert len(values) == 5
        return format(sum(values) / 5, form).replace("-", "−")

    def three(model: str, space: str, steps: int, metric: str, form: str) -> str:
        titles = (f"DGflow ({f}), {space} space, {steps} steps" for f in ("KL", "JS", "logD"))
        return " / ".join(mean(model, title, metric, form) for title in titles)

    for title, model in models.items():
        off = (
            three(model, "data", 100, "off_support", ".1f"),
            three(model, "latent", 100, "off_support", ".1f"),
        )
        kde = (three(model, "data", steps, "kde_score", ",.0f") for steps in (25, 100))
        assert rows[title] == [
            spread([one["off_support"] for one in kept("support", model, "Base")]), *off,
            mean(model, "Base", "missed", ".1f"), three(model, "data", 100, "missed", ".1f"),
            mean(model, "Base", "kde_score", ",.0f"), *kde,
        ]  # fmt: skip
