"""One command, one run: how fast the engine is on this machine, ratios side by side.

    python -m dgflow_core bench [--browser] [--json bench.json] [--quick]

Timings of things that are compared are taken in turn, so that what else the machine does at the
time weighs on both; the median is shown. "Plain" is the way the papers' released code takes a
step: float32 autograd with gradients of all parameters as well.
"""

from __future__ import annotations

import copy
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.utils.benchmark import Timer

from dgflow_core import device as devices
from dgflow_core.errors import UserError
from dgflow_core.fields.network import ExactField
from dgflow_core.fields.table import TabulatedField
from dgflow_core.flow.driver import Run
from dgflow_core.flow.price import operations
from dgflow_core.zoo import shelf
from dgflow_core.zoo.model import Model

PLANAR = "25gaussians/wgan-gp"


def machine() -> dict[str, Any]:
    """What was measured on: processor, threads, accelerator and software."""
    return {
        "cpu": devices.processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def in_turn(
    candidates: dict[str, Callable[[], Any]],
    repeats: int = 7,
    pick: Callable[[list[float]], float] = statistics.median,
) -> dict[str, float]:
    """Wall-clock seconds of each candidate, run in turn after one warm-up each; ``pick`` sums them up."""
    for run in candidates.values():
        run()
    timers = {
        name: Timer("run()", globals={"run": run}, num_threads=torch.get_num_threads())
        for name, run in candidates.items()
    }
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(repeats):
        for name, timer in timers.items():
            times[name].append(timer.timeit(1).mean)  # waits for the accelerator
    return {name: pick(values) for name, values in times.items()}


def plain(model: Model, space: str) -> Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]:
    """A step's (d, ∇d) the plain way, on copies of the networks whose parameters want gradients."""
    twin = copy.copy(model)
    for part in shelf.PARTS:
        network = getattr(model, part)
        setattr(twin, part, None if network is None else copy.deepcopy(network).requires_grad_(True))

    def evaluate(points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        points = points.clone().requires_grad_(True)
        sample = points if space == "data" else twin.generator(points)
        logit = twin.differentiable_logit(sample)
        logit.backward(torch.ones_like(logit))
        return logit.detach(), points.grad

    return evaluate


def peak(repeats: int = 5) -> float:
    """Floating-point operations a second of a large float32 product on this machine."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    side = 8192 if device == "cuda" else 1536
    a, b = torch.randn(2, side, side, device=device)
    return 2 * side**3 / in_turn({"product": lambda: a @ b}, repeats)["product"]


def importing(repeats: int) -> dict[str, float]:
    """Seconds that a new Python takes to import torch, and to import the core (torch included), at best."""

    def seconds(name: str) -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", f"import {name}"], check=True)
        return time.perf_counter() - began

    return {name: min(seconds(name) for _ in range(repeats)) for name in ("torch", "dgflow_core")}


def exact_against_plain(name: str, space: str, n: int, repeats: int, limit: float) -> dict[str, Any]:
    """Time, ratio, agreement and share of peak of one exact step of a model."""
    model = shelf.load(name)
    z = model.prior.sample(n, 0).to(model.device)
    points = z if space == "latent" else model.generate(z)
    field, way = ExactField(model, space), plain(model, space)
    seconds = in_turn({"exact": lambda: field.evaluate(points), "plain": lambda: way(points)}, repeats)
    ours, theirs = field.evaluate(points), way(points)
    scale = float(theirs[1].flatten(1).norm(dim=1).max())
    work = operations(model, space) * n
    # no way of taking the step is quicker than its products at the whole peak
    ceiling = seconds["plain"] * limit / work
    return {
        "model": name, "space": space, "n": n,
        "exact_ms": 1e3 * seconds["exact"], "plain_ms": 1e3 * seconds["plain"],
        "ratio": seconds["plain"] / seconds["exact"],
        "logit_error": float((ours.logit - theirs[0]).abs().max()),
        "grad_error": float((ours.grad - theirs[1]).flatten(1).norm(dim=1).max()) / scale,
        "share_of_peak": work / seconds["exact"] / limit, "ratio_at_peak": ceiling,
        "time_in": parts(lambda: field.evaluate(points)),
    }  # fmt: skip


def parts(work: Callable[[], Any]) -> dict[str, float]:
    """Where the time of ``work`` goes: shares of products (linear, convolution), activations and the rest."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU]) as record:
        work()
    shares = {"products": 0.0, "activations": 0.0, "rest": 0.0}
    for event in record.key_averages():
        name = event.key
        if any(word in name for word in ("mm", "conv")):
            shares["products"] += event.self_cpu_time_total
        elif any(word in name for word in ("relu", "threshold", "tanh", "softmax")):
            shares["activations"] += event.self_cpu_time_total
        else:
            shares["rest"] += event.self_cpu_time_total
    total = sum(shares.values()) or 1.0
    return {name: share / total for name, share in shares.items()}


def steps_of(run: Run) -> None:
    for _ in run:
        pass


def table_against_exact(name: str, n: int, steps: int, exact_steps: int) -> dict[str, Any]:
    """A whole run on the table, against the exact one; the latter is extrapolated from fewer steps."""
    model = shelf.load(name)
    began = time.perf_counter()
    field = TabulatedField(model, "data")
    building = time.perf_counter() - began
    runs = {
        "table": Run(model, n=n, steps=steps, field=field, gamma=0.01),
        "exact": Run(model, n=n, steps=exact_steps, gamma=0.01),
    }
    seconds = in_turn({key: lambda run=run: steps_of(run) for key, run in runs.items()}, 3)
    exact = seconds["exact"] * (steps + 1) / (exact_steps + 1)
    return {
        "model": name, "n": n, "steps": steps, "table_ms": 1e3 * seconds["table"],
        "exact_ms": 1e3 * exact, "ratio": exact / seconds["table"], "load_or_build_s": building,
    }  # fmt: skip


def exponent(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """The slope of log time against log size: 1 where the cost is linear."""
    x = [math.log(size) for size in sizes]
    y = [math.log(second) for second in seconds]
    mx, my = statistics.mean(x), statistics.mean(y)
    return sum((a - mx) * (b - my) for a, b in zip(x, y, strict=True)) / sum((a - mx) ** 2 for a in x)


def growth(name: str, field: str, quick: bool) -> list[dict[str, Any]]:
    """How the cost of a run grows with particles and with steps, on the table or exact."""
    model = shelf.load(name)
    where = TabulatedField(model, "data") if field == "tabulated" else None
    many, long = [20_000, 40_000, 80_000], [50, 100, 200, 400]
    if field == "exact":
        many, long = [1000, 2000, 4000, 8000], [2, 4, 8, 16]
    fixed = {"tabulated": (50, 5000), "exact": (2, 1000)}[field]
    if quick:
        many, fixed = [size // 10 for size in many], (fixed[0], fixed[1] // 10)
    rows = []
    for what, sizes in (("particles", many), ("steps", long)):
        sizes = sizes[:3] if quick else sizes
        runs = {
            str(size): Run(model, n=size if what == "particles" else fixed[1],
                           steps=fixed[0] if what == "particles" else size, field=where, gamma=0.01)
            for size in sizes
        }  # fmt: skip
        # the quickest of each: a slope is easily bent by what else the machine does
        seconds = in_turn({key: lambda run=run: steps_of(run) for key, run in runs.items()}, 5, min)
        # a run of N steps evaluates N + 1 times
        counted = [size + (what == "steps") for size in sizes]
        rows.append({
            "field": field, "against": what, "sizes": sizes, "ms": [1e3 * s for s in seconds.values()],
            "exponent": exponent(counted, list(seconds.values())),
        })  # fmt: skip
    return rows


def image_growth(name: str, quick: bool) -> dict[str, Any]:
    """How the cost of one exact step grows with the number of images."""
    model, sizes = shelf.load(name), [32, 64, 128] if quick else [32, 64, 128, 256]
    field = ExactField(model, "latent")
    codes = {size: model.prior.sample(size, 0).to(model.device) for size in sizes}
    seconds = in_turn({str(size): lambda z=z: field.evaluate(z) for size, z in codes.items()}, 5, min)
    return {
        "field": f"exact, {name}", "against": "images", "sizes": sizes,
        "ms": [1e3 * s for s in seconds.values()], "exponent": exponent(sizes, list(seconds.values())),
    }  # fmt: skip


def memory(name: str, sizes: Sequence[int] = (5000, 10_000, 20_000, 40_000)) -> dict[str, Any]:
    """Peak memory of one exact evaluation beyond its inputs and outputs, against the number of samples."""
    model = shelf.load(name)
    field = ExactField(
        model, "data" if model.kind == "2d" else "latent", batch_size=4096 if model.kind == "2d" else None
    )
    peaks = []
    for n in sizes:
        z = model.prior.sample(n, 0).to(model.device)
        points = model.generate(z) if field.space == "data" else z
        peaks.append(_peak_bytes(lambda points=points: field.evaluate(points)) / 2**20)
    return {"model": name, "sizes": list(sizes), "peak_mib": peaks, "batch": field.batch_size}


def _peak_bytes(work: Callable[[], Any]) -> int:
    """Peak bytes that tensors took while ``work`` ran, beyond what stood before and stays after."""
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        work()
        return torch.cuda.max_memory_allocated() - before
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        kept = work()
    held = top = 0
    for event in record.profiler.kineto_results.events():
        if event.name() == "[memory]":
            held += event.nbytes()
            top = max(top, held)
    return top - sum(part.numel() * part.element_size() for part in kept)


def browser(seconds: float = 6.0) -> dict[str, Any]:
    """Frames a second of the live canvas, and slider release to new picture, in headless Chromium."""
    from dgflow_core.bench import browser as bench_browser

    return bench_browser.run(seconds)


def run(
    *, with_browser: bool = False, quick: bool = False, say: Callable[[str], Any] = print
) -> dict[str, Any]:
    """Measure everything and return it as a plain dict; ``say`` is told what is under way."""
    say("Peak of this machine …")
    limit = peak()
    result: dict[str, Any] = {"machine": machine(), "peak_gflops": limit / 1e9, "exact": []}
    names = [
        name for name in shelf.models() if name.endswith(("/wgan-gp", "/sndcgan-ns", "/sndcgan", "/vae"))
    ]
    shown = [PLANAR] + [name for name in names if shelf.describe(name)["kind"] != "2d"]
    for name in shown:
        kind = shelf.describe(name)["kind"]
        for space in ("data", "latent") if kind == "2d" else ("latent",):
            say(f"Exact against plain: {name}, {space} …")
            n = 5000 if kind == "2d" else 64
            result["exact"].append(exact_against_plain(name, space, n, 3 if quick else 7, limit))
    say("Table against exact …")
    result["table"] = table_against_exact(PLANAR, 5000, 100, 4 if quick else 10)
    say("Growth with particles and steps …")
    result["growth"] = [row for field in ("tabulated", "exact") for row in growth(PLANAR, field, quick)]
    say("Memory …")
    result["memory"] = [memory(PLANAR)]
    for name in [name for name in shown if shelf.describe(name)["kind"] == "image"][-1:]:
        result["growth"].append(image_growth(name, quick))
        result["memory"].append(memory(name, (256, 512, 1024)))
    say("Import …")
    result["import_s"] = importing(1 if quick else 3)
    if with_browser:
        say("Browser …")
        result["browser"] = browser()
    return result


def table(result: dict[str, Any]) -> str:
    """The result as a Markdown table."""
    m = result["machine"]
    lines = [
        f"{m['cpu']}, {m['cores']} cores, {m['threads']} threads"
        + (f", {m['accelerator']}" if m["accelerator"] else "")
        + f"; torch {m['torch']}; float32 product {result['peak_gflops']:,.0f} GFLOP/s; load {m['load']}",
        "",
        "| what | ours | compared with | ratio | note |",
        "|---|---:|---:|---:|---|",
    ]
    for row in result["exact"]:
        lines.append(
            f"| exact step, {row['model']}, {row['space']}, {row['n']:,} points | {row['exact_ms']:.1f} ms "
            f"| plain {row['plain_ms']:.1f} ms | {row['ratio']:.2f} "
            f"| {100 * row['time_in']['products']:.0f} % of the time in products, "
            f"{100 * row['share_of_peak']:.0f} % of peak; at the whole peak {row['ratio_at_peak']:.1f}; "
            f"∇d differs by {row['grad_error']:.1e} |"
        )
    row = result["table"]
    lines.append(
        f"| table, {row['model']}, {row['n']:,} × {row['steps']} | {row['table_ms']:.0f} ms "
        f"| exact {row['exact_ms']:,.0f} ms | {row['ratio']:.0f} | |"
    )
    for row in result["growth"]:
        lines.append(
            f"| {row['field']}, cost against {row['against']} | {row['ms'][0]:.0f} → {row['ms'][-1]:.0f} ms "
            f"| {row['sizes'][0]:,} → {row['sizes'][-1]:,} | | exponent {row['exponent']:.2f} |"
        )
    for row in result["memory"]:
        lines.append(
            f"| memory of one evaluation, {row['model']} "
            f"| {row['peak_mib'][0]:.0f} → {row['peak_mib'][-1]:.0f} MiB "
            f"| {row['sizes'][0]:,} → {row['sizes'][-1]:,} points | | in batches of {row['batch']:,} |"
        )
    if "import_s" in result:
        seconds = result["import_s"]
        lines.append(
            f"| import dgflow_core in a new Python | {seconds['dgflow_core']:.1f} s "
            f"| import torch alone: {seconds['torch']:.1f} s "
            f"| {seconds['dgflow_core'] / seconds['torch']:.2f} × | |"
        )
    if "browser" in result:
        row = result["browser"]
        if "first_picture_s" in row:
            lines.append(f"| first picture after start, 2D page | {row['first_picture_s']:.1f} s | | | |")
        lines.append(
            f"| live canvas, {row['particles']:,} particles, {row['window']} "
            f"| {row['fps']:.1f} frames/s | 55 wanted | | setting to frame: {row['response_ms']:.0f} ms |"
        )
        lines += [
            f"| live images, {one['model']}, {one['n']} | {one['steps_per_s']:.1f} steps/s | 8 wanted | "
            f"| {one['fps']:.1f} frames/s; a knob acts after {one['steps_until_a_knob_acts']} step(s) |"
            for one in row.get("samples", ())
        ]
        if row["slider_ms"]:
            lines.append(
                f"| slider release to new picture, 2D page | median {row['slider_median_ms']:.0f} ms "
                f"| 95 %: {row['slider_p95_ms']:.0f} ms | | {len(row['slider_ms'])} releases |"
            )
    return "\n".join(lines)


def report(path: Path, *, browser: bool = False, quick: bool = False, threads: int | None = None) -> None:
    """Measure everything, print the table and write the numbers to ``path`` as JSON.

    Args:
        browser: also time the app in headless Chromium. quick: fewer repeats.
        threads: how many torch uses; None leaves it its own choice.

    Raises:
        UserError: there is no model to measure.
    """
    if PLANAR not in shelf.models():
        raise UserError(f"bench needs the shipped model {PLANAR}.")
    if threads:
        torch.set_num_threads(threads)
    result = run(with_browser=browser, quick=quick, say=lambda text: print(text, flush=True))
    path.write_text(json.dumps(result, indent=2) + "\n")
    print(f"\n{table(result)}\n\nWritten to {path}.")
