"""The command line, one tree: ``python -m dgflow_core models | examine | refine | train | evaluate | …``.

The options of a method come from its declared settings, with their ranges and help; a wrong one gets the
sentence that a notebook would. argparse serves better here than the typed parsers built on it, which
check values themselves and answer in boxes of several lines.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tqdm import tqdm

from dgflow_core import course_site, device, engines, languages, methods, places, registry, reports, training
from dgflow_core.errors import UserError
from dgflow_core.fields import written_out
from dgflow_core.fields.network import ExactField
from dgflow_core.fields.table import TabulatedField, ship
from dgflow_core.flow import stopping
from dgflow_core.flow.driver import NonFinite, Recorder, Run, record
from dgflow_core.flow.request import MAX_PARTICLES, whole
from dgflow_core.methods.base import Method, allowed
from dgflow_core.pictures import export
from dgflow_core.reports import sweep_grid
from dgflow_core.reports.kept_results import Results
from dgflow_core.training import online, together
from dgflow_core.zoo import shelf
from dgflow_core.zoo.examine import examine
from dgflow_core.zoo.importers import load_files

WRONG, INTERRUPTED = 2, 130


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one sentence."""

    def __init__(self, *args, **more):
        super().__init__(*args, allow_abbrev=False, **more)

    def error(self, message: str):
        self.exit(WRONG, f"{self.prog}: {message.rstrip('.')}; --help tells more.\n")


def parser(argv: Sequence[str]) -> Parser:
    """The whole command line; the options of ``refine`` are those of the method named in ``argv``."""
    top = Parser(
        "python -m dgflow_core", description="Refine the samples of a generator with its discriminator."
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="command")

    listing = commands.add_parser("models", help="list the shipped models and how good they are")
    listing.set_defaults(run=list_models)

    writing = commands.add_parser(
        "browser", help="write a model's field (g, d, ∇d) as a graph that browsers run",
        description="Write z ↦ (g(z), d(g(z)), ∇_z d) of a model as one ONNX file, checked against it; "
        "d is without its offset. Needs the packages onnx and onnxruntime.",
    )  # fmt: skip
    writing.set_defaults(run=write_out)
    writing.add_argument("model", metavar="MODEL", help="a name from 'models', or a model's folder")
    writing.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder to write to")
    writing.add_argument(
        "--half", action="store_true",
        help="all weights in float16 (those that lose nothing by it always are)",
    )  # fmt: skip

    hosting = commands.add_parser(
        "site", help="write a site of live pages, recorded runs and lessons that needs no server"
    )
    hosting.set_defaults(run=write_site)
    hosting.add_argument("out", type=Path, metavar="OUT", help="the folder to write to")
    hosting.add_argument(
        "--models", nargs="+", metavar="MODEL",
        help="names from 'models' (all of the plane, and " + ", ".join(course_site.SAMPLES) + ")",
    )  # fmt: skip
    hosting.add_argument(
        "--no-lessons", action="store_true", help="leave the lessons out: their runs take a while"
    )

    lessons = commands.add_parser(
        "lessons", help="write the lessons as one page that plays offline and prints"
    )
    lessons.add_argument("out", type=Path, help="the HTML file to write")
    lessons.add_argument("--only", nargs="+", metavar="LESSON", help="their names, such as 02_arrows (all)")
    lessons.add_argument("--language", default="en", metavar="de", help="where a lesson exists in it (en)")
    lessons.set_defaults(run=hand_out)

    looking = commands.add_parser(
        "examine", help="say what is unusual about a model, and what to do about it",
        description="Say what is unusual about a model: a name, a folder, or files of weights (generator, "
        "critic).",
    )  # fmt: skip
    looking.set_defaults(run=examine_model)
    looking.add_argument("model", nargs="+", metavar="MODEL", help="a name, a folder, or files of weights")
    looking.add_argument("--dataset", help="of files: the image data set that they were trained on")
    looking.add_argument("--prior", choices=("normal", "uniform"), help="of files: (normal)")
    looking.add_argument("--label", type=int, help="of files: which class, where there are classes")
    looking.add_argument("--json", action="store_true", help="findings as JSON, one a line")
    looking.add_argument(
        "--data-root", type=Path, help="folder of the data sets: also says how honest its odds are"
    )

    name = _method_named_in(argv)
    refining = commands.add_parser(
        "refine", help="refine samples and save the run",
        description=_literal(f"Refine samples of MODEL with {methods[name].title}: {methods[name].about}"),
    )  # fmt: skip
    refining.set_defaults(run=refine)
    refine_options(refining, methods[name])

    sweeping = commands.add_parser(
        "sweep", help="measure a grid of runs over two settings of a planar model; goes on where it stopped"
    )
    sweeping.set_defaults(run=sweep)
    sweep_options(sweeping, methods[name])

    learning = commands.add_parser("train", help="train a model by its recipe; goes on where it stopped")
    learning.set_defaults(run=train)
    train_options(learning)

    evaluating = commands.add_parser("evaluate", help="measure the papers' tables on our models")
    measured = evaluating.add_subparsers(dest="table", required=True, metavar="table")
    for table in reports.tables.values():
        about = _literal(table.help)
        one = measured.add_parser(table.name, help=about, description=about)
        one.set_defaults(run=table.run)
        table.options(one)

    timing = commands.add_parser(
        "bench", help="time this machine: exact, plain and tabulated, and the browser"
    )
    timing.set_defaults(run=bench)
    bench_options(timing)

    preparing = commands.add_parser("prepare", help="make what ships beside a model's weights")
    artefacts = preparing.add_subparsers(dest="artefact", required=True, metavar="artefact")
    makers: tuple[Callable[[argparse.Namespace], None], ...]
    makers = (tables, first_run, features, neighbours, held_out_text, demonstration)
    for make in makers:
        name = make.__name__.replace("_", "-")
        one = artefacts.add_parser(name, help=make.__doc__, description=make.__doc__)
        one.set_defaults(run=make)
        if make in (tables, first_run):
            one.add_argument("model", metavar="MODEL", help="a shipped model's name")
            continue
        if make is demonstration:
            continue
        if make is not held_out_text:
            one.add_argument("dataset", metavar="DATASET", help="a set of images")
        data_root(one)
        if make is features:
            one.add_argument("--epochs", type=int, default=3, help="passes over the training half (3)")
    return top


def data_root(parser: Parser) -> None:
    parser.add_argument(
        "--data-root", type=Path, default=os.environ.get("DGFLOW_DATA"),
        help="folder of the data sets (the environment variable DGFLOW_DATA)",
    )  # fmt: skip


def _literal(text: str) -> str:
    """``text`` for argparse, which formats its help with %."""
    return text.replace("%", "%%")


def list_models(args: argparse.Namespace) -> None:
    names = shelf.models()
    if not names:
        print(f"There are no models in {shelf.root().name}/; train RECIPE makes one.")
    for name in names:
        config = shelf.describe(name)
        print(f"{name:<28} {config['kind']:<6} {config['title']}")
        for label, numbers in config.get("quality", {}).items():
            if isinstance(numbers, dict):
                numbers = "   ".join(f"{key} {value}" for key, value in numbers.items())
            print(f"    {label:<24} {numbers}")


def write_out(args: argparse.Namespace) -> None:
    if args.out.exists() and not args.out.is_dir():
        raise UserError(f"out must be a folder, and {str(args.out)!r} is none.")
    model = shelf.load(args.model, "cpu")
    written = written_out.field(model, args.half)
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / f"{model.name.replace('/', '-')}.onnx"
    path.write_bytes(written.onnx)
    print(f"{path}: {len(written.onnx) / 1e6:.2f} MB, within {written.error:.1g} of the model (relative)")


def write_site(args: argparse.Namespace) -> None:
    if args.out.exists() and not args.out.is_dir():
        raise UserError(f"out must be a folder, and {str(args.out)!r} is none.")
    size = course_site.write(args.out, args.models, not args.no_lessons, say)
    print(f"{args.out / 'index.html'}: {size / 1e6:.1f} MB in all")


def examine_model(args: argparse.Namespace) -> None:
    said = {
        name: value for name in ("dataset", "prior", "label") if (value := getattr(args, name)) is not None
    }
    files = [Path(path) for path in args.model]
    if all(path.is_file() for path in files):
        model = load_files(files, **said)
    elif len(files) > 1 or said:
        missing = next((path for path in files if not path.is_file()), files[0])
        raise UserError(
            f"model must be a name, a folder, or files of weights; there is no file {str(missing)!r}."
        )
    else:
        model = shelf.load(args.model[0])
    findings = examine(model, args.data_root)
    if args.json:
        for finding in findings:
            print(json.dumps(finding.as_dict(), ensure_ascii=False))
        return
    print(findings)
    if "seconds" in findings.facts:
        print(f"64 samples × 25 steps take about {float(findings.facts['seconds']):.1f} s here.")


def _method_named_in(argv: Sequence[str]) -> str:
    peek = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    peek.add_argument("--method", default="dgflow")
    try:
        name = peek.parse_known_args(argv)[0].method
    except argparse.ArgumentError:
        name = "dgflow"
    return name if name in methods else "dgflow"  # refine itself will say that it is unknown


def refine_options(parser: Parser, method: Method) -> None:
    formats = ", ".join(export.FORMATS)
    parser.add_argument("model", metavar="MODEL", help="a name from 'models', or a model's folder")
    parser.add_argument("--method", default=method.name, help=f"one of {', '.join(methods)} (dgflow)")
    parser.add_argument("--n", type=int, default=5000, help=f"particles, 1 to {MAX_PARTICLES:,} (5,000)")
    parser.add_argument("--seed", type=int, default=0, help="seeds the starting points and the noise (0)")
    parser.add_argument(
        "--space", default=method.spaces[0], choices=method.spaces, help=f"({method.spaces[0]})"
    )
    parser.add_argument("--raw", action="store_true", help="the critic's offset as trained, not calibrated")
    parser.add_argument(
        "--field", choices=("exact", "fast", "tabulated", "online"), default="exact",
        help="the model itself, the same in half precision where that is safe, its table: quick, for 2D "
             "models; or a critic of images that goes on learning, from --data-root (exact)",
    )  # fmt: skip
    data_root(parser)
    parser.add_argument("--device", default="auto", help=f"{', '.join(device.CHOICES)} (auto)")
    parser.add_argument(
        "--out", type=Path, action="append", metavar="FILE",
        help=f"where to save; the suffix says what: {formats}; may be repeated (.npz, named after the run)",
    )  # fmt: skip
    setting_options(parser, method)
    drawing = parser.add_argument_group("pictures")
    drawing.add_argument("--size", type=int, default=export.SIZE, help=f"height in pixels ({export.SIZE})")
    drawing.add_argument("--fps", type=float, default=export.FPS, help=f"steps a second ({export.FPS})")
    drawing.add_argument("--dark", action="store_true", help="light lines on a dark ground")


def setting_options(parser: Parser, method: Method) -> None:
    """An option for every setting of a method."""
    own = parser.add_argument_group(f"settings of {method.title}")
    for settings in (method.Settings, stopping.Stopping):
        for name, info in settings.model_fields.items():
            own.add_argument(
                f"--{name.replace('_', '-')}", dest=name, metavar=info.json_schema_extra["symbol"],
                help=_literal(f"{info.description} Allowed: {allowed(settings, name)} ({info.default})."),
                default=argparse.SUPPRESS,
            )  # fmt: skip


def given_settings(args: argparse.Namespace) -> dict[str, object]:
    """Those settings of the method that the command line says."""
    known = methods[args.method].Settings.model_fields if args.method in methods else {}
    given = {name: getattr(args, name) for name in (*known, "until") if hasattr(args, name)}
    return {name: None if value == "none" else value for name, value in given.items()}


def refine(args: argparse.Namespace) -> int:
    settings = given_settings(args)
    for path in args.out or []:
        export.check(path, size=args.size, fps=args.fps)
    model = shelf.load(args.model, args.device, raw=args.raw)
    if model.kind != "text" and any(path.suffix.lower() == ".csv" for path in args.out or []):
        raise UserError("out: csv is for runs of text; save others as npz.")
    fields = {"tabulated": TabulatedField, "fast": partial(ExactField, fast=True)}
    if args.field == "online":
        fields["online"] = partial(
            online.OnlineField, real=online.data(model, args.data_root), seed=args.seed
        )
    field = fields[args.field](model, args.space) if args.field in fields else None
    run = Run(model, args.method, n=args.n, seed=args.seed, space=args.space, field=field, **settings)
    with on_interrupt() as interrupted, tqdm(total=run.steps, unit="step", disable=None) as bar:
        trajectory = record(
            run, Recorder(run), each=lambda frame: bar.update(frame.step - bar.n), stop=interrupted
        )
    code = {"complete": 0, "stopped": INTERRUPTED, "non-finite": 1}[trajectory.ended]
    if trajectory.message:
        say(trajectory.message)
    for path in args.out or [Path(export.filename(trajectory, "npz"))]:
        with tqdm(total=0, unit="frame", leave=False, disable=None) as bar:

            def progress(done: int, total: int, bar=bar) -> None:
                bar.total = total
                bar.update(done - bar.n)

            export.write(
                trajectory, path, model=model, size=args.size, fps=args.fps, dark=args.dark, progress=progress
            )
        print(path)
    return code


def sweep_options(parser: Parser, method: Method) -> None:
    parser.add_argument("model", metavar="MODEL", help="a planar model's name from 'models', or its folder")
    parser.add_argument("--method", default=method.name, help=f"one of {', '.join(methods)} (dgflow)")
    sides = sweep_grid.default_axes(method) if len(sweep_grid.settings_of(method)) > 1 else ("eta", "steps")
    for side, first in zip("xy", sides, strict=True):
        parser.add_argument(
            f"--{side}", default=first, metavar="NAME[:LOW:HIGH[:COUNT]]",
            help=f"the setting that this side runs over, from LOW to HIGH in COUNT values ({first})",
        )  # fmt: skip
    parser.add_argument("--metric", default="distance", help="what is printed; all are kept (distance)")
    parser.add_argument("--n", type=int, default=1000, help="particles in every cell (1,000)")
    parser.add_argument("--seed", type=int, default=0, help="seeds the starting points and the noise (0)")
    parser.add_argument(
        "--space", default=method.spaces[0], choices=method.spaces, help=f"({method.spaces[0]})"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("sweep.json"), help="where cells are kept (sweep.json)"
    )
    engines.options(parser, "processes")
    setting_options(parser, method)


def _axis(method: Method, side: str, text: str) -> sweep_grid.Axis:
    name, *more = text.split(":")
    if len(more) == 1 or len(more) > 3:
        raise UserError(f"{side} must be NAME, NAME:LOW:HIGH or NAME:LOW:HIGH:COUNT, not {text!r}.")
    try:
        ends, count = [float(end) for end in more[:2]], int(more[2]) if len(more) == 3 else 8
    except ValueError:
        raise UserError(f"{side} must give numbers after the setting's name, not {text!r}.") from None
    return sweep_grid.axis(method, name, *(ends or (None, None)), count=count)


def sweep(args: argparse.Namespace) -> None:
    engine, metrics = engines.get(args.engine, args.gpus), sweep_grid.metrics()
    if args.metric not in metrics:
        raise UserError(f"metric must be one of {', '.join(metrics)}, not {args.metric!r}.")
    model = shelf.load(args.model, "cpu")
    if model.kind != "2d":
        raise UserError(f"model must be planar for a sweep; {model.name} is of kind '{model.kind}'.")
    method = methods.get(args.method)
    x, y = (_axis(method, side, getattr(args, side)) for side in "xy")
    values = method.Settings.parse(given_settings(args)).model_dump()  # all of them: what a cell is known by
    held = {name: value for name, value in values.items() if name not in (x.name, y.name)}
    base = {"method": args.method, "space": args.space, "n": args.n, "seed": args.seed, **held}
    todo = sweep_grid.cells(base, x, y)
    Run(model, **todo[0])  # what is wrong is said before anything starts
    kept = Results(args.out, "sweep")
    finished = sweep_grid.of_file(kept)
    with tqdm(total=len(todo), unit="cell", disable=None) as bar:
        for done in sweep_grid.sweep_by(engine, model, todo, finished):
            bar.update(done - bar.n)
            for key in finished.keys() - kept.cells.keys():
                kept.repeats(key, {})["0"] = finished[key]
            kept.save()
    grid = sweep_grid.table(model, base, x, y, finished, args.metric)
    print(f"{metrics[args.metric].heading}: {y.name} down, {x.name} across")
    print("\t".join(["", *(f"{value:g}" if isinstance(value, float) else str(value) for value in x.values)]))
    for value, row in zip(y.values, grid, strict=True):
        print(
            "\t".join(
                [f"{value:g}" if isinstance(value, float) else str(value), *(f"{one:.6g}" for one in row)]
            )
        )


def train_options(parser: Parser) -> None:
    parser.add_argument(
        "recipe", nargs="*", metavar="RECIPE", help="names from --list; several train at once"
    )
    parser.add_argument("--list", action="store_true", help="list the recipes")
    parser.add_argument("--runs-dir", type=Path, default=Path("runs"), help="logs and checkpoints (runs)")
    data_root(parser)
    parser.add_argument("--device", default="auto", help=f"{', '.join(device.CHOICES)} (auto)")
    parser.add_argument(
        "--out", type=Path, default=Path("pretrained"), help="where the model goes (pretrained)"
    )
    parser.add_argument("--iterations", type=int, help="how many, instead of the recipe's own number")
    parser.add_argument("--seed", type=int, help="another seed than the recipe's own (0)")
    parser.add_argument(
        "--seconds", type=float,
        help="train for so long, with as many iterations as that allows, instead of the recipe's own number",
    )  # fmt: skip
    parser.add_argument(
        "--width", type=int,
        help="width of an image recipe's networks, instead of the recipe's own (the papers': 64; "
        "SN-ResNet 256; Glow 512)",
    )  # fmt: skip
    engines.options(parser)


def train(args: argparse.Namespace) -> int:
    if args.list or not args.recipe:
        for recipe in training.recipes.values():
            print(f"{recipe.name:<32} {recipe.iterations:>7} iterations   {recipe.title}")
        return 0
    if args.data_root is not None and not Path(args.data_root).is_dir():
        raise UserError(f"data-root must be a folder; there is none at {str(args.data_root)!r}.")
    if args.seconds is not None and not 1 <= args.seconds <= 1e6:
        raise UserError(f"seconds must be from 1 to 1,000,000, not {args.seconds:g}.")
    if args.seconds is not None and args.iterations is not None:
        raise UserError("seconds and iterations exclude each other: give one of them.")
    if args.engine != "here":
        return train_apart(args)
    if len(args.recipe) > 1:
        return train_together(args)
    recipe = _recipe(args, args.recipe[0])
    target = device.pick(args.device)
    with on_interrupt() as interrupted:
        model = training.loop.train(
            recipe, args.runs_dir / recipe.name, target, args.data_root, interrupted, args.seconds
        )
    if model is None:
        say("Stopped; the same command goes on from here.")
        return INTERRUPTED
    print(shelf.save(model, args.out / recipe.name))
    return 0


def _recipe(args: argparse.Namespace, name: str):
    """The recipe of this name, with what the command line says differently."""
    recipe = training.get(name)
    if args.iterations is not None:
        if not 1 <= args.iterations <= 10_000_000:
            raise UserError(f"iterations must be from 1 to 10,000,000, not {args.iterations}.")
        recipe = recipe.model_copy(update={"iterations": args.iterations})
    if args.seed is not None:
        recipe = recipe.model_copy(update={"seed": whole("seed", args.seed, 0, 2**31 - 1)})
    if args.width is not None:
        if "width" not in type(recipe).model_fields:
            raise UserError(f"width does not apply to {recipe.name}.")
        if not 2 <= args.width <= 1024:
            raise UserError(f"width must be from 2 to 1,024, not {args.width}.")
        recipe = recipe.model_copy(update={"width": args.width})
    return recipe


def train_apart(args: argparse.Namespace) -> int:
    """Recipes as jobs of an engine; checkpoints lie in folders that all workers must see."""
    engine, recipes = engines.get(args.engine, args.gpus), [_recipe(args, name) for name in args.recipe]
    root = None if args.data_root is None else Path(args.data_root).resolve()
    work = partial(_trained, args.runs_dir.resolve(), args.out.resolve(), root, args.device, args.seconds)
    with tqdm(total=len(recipes), unit="model", disable=None) as bar:
        for _, folder in engine.run(work, recipes):
            tqdm.write(folder)
            bar.update()
    return 0


def _trained(runs: Path, out: Path, root: Path | None, where: str, seconds: float | None, recipe) -> str:
    model = training.loop.train(recipe, runs / recipe.name, device.pick(where), root, lambda: False, seconds)
    return str(shelf.save(model, out / recipe.name))


def train_together(args: argparse.Namespace) -> int:
    if args.seconds is None or args.iterations is not None or args.width is not None:
        raise UserError("several recipes at once need --seconds, and no --iterations or --width.")
    recipes = [training.get(name) for name in args.recipe]
    options = ["--device", args.device, "--runs-dir", str(args.runs_dir), "--out", str(args.out)]
    options += [] if args.data_root is None else ["--data-root", str(args.data_root)]
    crew = together.Crew(recipes, together.command(*options), args.runs_dir / "logs")
    with on_interrupt() as interrupted:
        crew.run(args.seconds, interrupted)
    for name in crew.failed:
        say(f"{name} failed; its log is in {crew.logs}.")
    return 1 if crew.failed else 0


def bench_options(parser: Parser) -> None:
    parser.add_argument("--browser", action="store_true", help="also time the app in headless Chromium")
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    parser.add_argument(
        "--json", type=Path, default=Path("bench.json"), help="where the numbers go (bench.json)"
    )
    parser.add_argument("--threads", type=int, help="threads of torch (its own choice)")
    crowd = parser.add_argument_group("people at the app, instead of all that")
    crowd.add_argument("--people", type=int, help="how many, 1 to 500")
    crowd.add_argument("--memory", action="store_true", help="one, who sees everything: the server's memory")
    crowd.add_argument("--first", action="store_true", help="a first visitor of every page, or of --page")
    crowd.add_argument("--page", help="flow, images, compare, latent or text (flow)")
    crowd.add_argument("--minutes", type=float, default=1.0, help="how long they stay (1)")
    crowd.add_argument("--every", type=float, default=6.0, help="seconds from one move to the next (6)")
    crowd.add_argument("--beside", default="", metavar="LINK", help="what one more opens all the time")
    crowd.add_argument("--servers", type=int, default=1, help="processes that share the people (1)")


def bench(args: argparse.Namespace) -> None:
    from dgflow_core.bench import engine, first, people

    if args.first:
        print(first.table(first.run([args.page] if args.page else [], 1 if args.quick else 5)))
        return
    if args.memory:
        for part, size in people.memory().items():
            print(f"{part:<20} {size:,.0f} MB")
        return
    if args.people is not None:
        crowd = (args.people, args.page or "flow", args.minutes, args.every, args.beside, args.servers)
        result = people.run(people.Crowd(*crowd))
        args.json.write_text(json.dumps(result, indent=1))
        print(people.table([result]))
        return
    engine.report(args.json, browser=args.browser, quick=args.quick, threads=args.threads)


def tables(args: argparse.Namespace) -> None:
    """The tables of (d, ∇d) that a 2D model is looked up in."""
    for path in ship(args.model):
        print(f"{path}: {path.stat().st_size / 2**20:.1f} MB")


def first_run(args: argparse.Namespace) -> None:
    """The run that a page of images or text begins with, kept beside its model."""
    from dgflow_core.prepare import first_run as keeping

    path = keeping.record(args.model)
    print(f"{path}: {path.stat().st_size / 2**20:.1f} MB")


def features(args: argparse.Namespace) -> None:
    """The classifier whose features measure image quality, trained on a set of images."""
    from dgflow_core.prepare import image_features

    folder = shelf.root() / args.dataset
    epochs = whole("epochs", args.epochs, 1, 1000)
    accuracy = image_features.train(args.dataset, args.data_root, folder, epochs)
    print(f"test accuracy {accuracy:.4f}; written to {folder}")


def neighbours(args: argparse.Namespace) -> None:
    """The index of training images in which samples are looked up."""
    from dgflow_core.prepare import nearest_images

    path = nearest_images.make(args.dataset, args.data_root, shelf.root() / args.dataset)
    print(f"{path}: {path.stat().st_size / 2**20:.1f} MB")


def held_out_text(args: argparse.Namespace) -> None:
    """The held-out strings and the words that text is measured against."""
    from dgflow_core.prepare import held_out_text as text

    folder = shelf.root() / text.DATASET
    against = text.write(args.data_root, folder)
    print(f"{len(against.strings):,} strings and {len(against.vocabulary):,} words written to {folder}")


def demonstration(args: argparse.Namespace) -> None:
    """What the Draw page plays until somebody paints: a recorded training on a heart."""
    from dgflow_core.prepare import demonstration as recording

    recording.record(places.HOME / "assets" / "brush" / "demonstration.npz")


def hand_out(args: argparse.Namespace) -> None:
    from dgflow_core.lessons.course import course
    from dgflow_core.lessons.handout import html

    registry.one_of("language", languages.languages(), args.language)
    found = course(args.language)
    for sentence in found.broken:
        say(sentence)
    chosen = [registry.one_of("only", found.lessons, name) for name in args.only or found.lessons]
    text = html(chosen)
    try:
        args.out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"out {args.out.name!r} could not be written: {error.strerror}.") from None
    print(f"{args.out}: {len(chosen)} lessons, {len(text) / 2**20:.1f} MB")


@contextmanager
def on_interrupt() -> Iterator[Callable[[], bool]]:
    """Give a function that is true once Ctrl-C was pressed; a second Ctrl-C ends the program."""
    pressed = threading.Event()

    def press(*_):
        pressed.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = signal.signal(signal.SIGINT, press)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, before)


def say(sentence: str) -> None:
    print(sentence, file=sys.stderr)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, 2 for a wrong argument, 130 after Ctrl-C."""
    argv = list(sys.argv[1:] if argv is None else argv)
    warnings.simplefilter("ignore", RuntimeWarning)  # what they say is said in a sentence here
    try:
        args = parser(argv).parse_args(argv)
        return args.run(args) or 0
    except (ValueError, NonFinite, OSError) as error:
        say(str(error))
        return WRONG
    except KeyboardInterrupt:
        say("Stopped.")
        return INTERRUPTED
