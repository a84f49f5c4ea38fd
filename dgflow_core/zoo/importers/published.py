"""Models of images and of the plane from files of weights, as people have them; ``layouts`` are known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import torch

from dgflow_core.errors import UserError
from dgflow_core.flow import priors
from dgflow_core.kinds.images import datasets as image_datasets
from dgflow_core.kinds.plane import datasets as plane_datasets
from dgflow_core.nets.chain import Chain
from dgflow_core.zoo.importers import checkpoint as checkpoints
from dgflow_core.zoo.importers.checkpoint import Checkpoint
from dgflow_core.zoo.importers.layouts import PLANE, Wishes, network
from dgflow_core.zoo.model import Model
from dgflow_core.zoo.shapes import affordable

#: What a person may say that the files do not; see ``load_published``.
ALLOWED = {
    "prior": ("normal", "uniform"), "output": ("tanh", "sigmoid"), "pooling": (None, "sum", "mean"),
    "activation": (None, "relu", "leaky_relu", "tanh"),
}  # fmt: skip


@dataclass(frozen=True)
class Said:
    """The keyword arguments of ``load_published``."""

    prior: str = "normal"
    output: str = "tanh"
    label: int | None = None
    pooling: str | None = None
    activation: str | None = None
    copy: str | None = None
    critic_copy: str | None = None

    @classmethod
    def parse(cls, values: dict) -> Said:
        """
        Raises:
            UserError: an unknown name or a value that is not allowed.
        """
        known = [field.name for field in fields(cls)]
        for name, value in values.items():
            if name not in known:
                raise UserError(f"load_published takes {', '.join(known)}, not {name}.")
            if name in ALLOWED and value not in ALLOWED[name]:
                allowed = ", ".join(map(str, ALLOWED[name]))
                raise UserError(f"{name} must be one of {allowed}, not {value!r}.")
            if name == "label" and not (value is None or (type(value) is int and value >= 0)):
                raise UserError(f"label must be a whole number from 0, not {value!r}.")
            if name.endswith("copy") and not (value is None or isinstance(value, str)):
                raise UserError(f"{name} must be a name in the file, not {value!r}.")
        return cls(**values)


def load_published(
    generator: str | Path,
    critic: str | Path | None = None,
    corrector: str | Path | None = None,
    *,
    dataset: str | None = None,
    device: str | torch.device = "auto",
    limit: int = checkpoints.MAX_BYTES,
    **said,
) -> Model:
    """A model of images, or of the plane, from checkpoints: ``.npz``, ``.pth``, ``.safetensors``.

    Known are chainer-gan-lib's DCGAN, SN-DCGAN and WGAN; sngan_projection's and torch-mimicry's ResNets, of
    any side and width; pytorch/examples' DCGAN; StudioGAN's ResNet and DCGAN; Gulrajani et al.'s ResNet for
    64 × 64; DGflow's decoders and correctors; of the plane, networks of dense layers. Names are peeled of
    what wrappers add; spectral norm, weight norm and batch norm are folded into plain weights. A sigmoid at
    a critic's end is left out, so that it gives logits. What was done, and what is odd, stands in
    ``config["found"]``, from which ``dg.examine`` tells it. What comes back can be saved with ``dg.save``.

    Args:
        critic: None where the generator's file holds both.
        corrector: DGflow's density ratio corrector d_λ, or None.
        dataset: the data set, where known (``cifar10``, ``moons``): for measuring, and real ones beside it.
        limit: the most bytes that one file may hold or unpack to.
        said: what files do not say:
            ``prior`` "normal", or "uniform" on [−1, 1];
            ``output`` what ends a generator, "tanh" or "sigmoid" (its images are then taken to [−1, 1]);
            ``label`` the class to draw, where there are classes;
            ``pooling`` "sum" or "mean", how a residual critic without spectral norm ends ("mean": WGAN-GP's);
            ``activation`` "relu", "leaky_relu" (slope 0.2) or "tanh": what stands between dense layers;
            ``copy``, ``critic_copy`` which of several state dicts in a file, by name.

    Raises:
        UserError: a file that is missing, damaged, of another network, or of shapes that do not fit;
            one sentence that names it.
    """
    chosen = Said.parse(said)
    if dataset is not None and dataset not in plane_datasets.datasets:
        image_datasets.get(dataset)
    wishes = Wishes(chosen.output, chosen.label, chosen.pooling, activation=chosen.activation)
    files = {"generator": generator, "critic": critic if critic is not None else generator}
    if corrector is not None:
        files["corrector"] = corrector
    copies = {"generator": chosen.copy, "critic": chosen.critic_copy}
    # The critic's file is looked at first: it is the smaller one, and may ask for images of its own side.
    given = {
        part: checkpoints.read(part, files[part], copies.get(part), limit) for part in reversed(list(files))
    }
    made, title = network("generator", given["generator"], wishes)
    dim = _dim(made)
    side, wanted = _side(made, dim), _side_of_dense(given["critic"])
    if wanted is not None and wanted != side and title.startswith("DCGAN generator"):
        made, title = network("generator", given["generator"], replace(wishes, side=wanted))
        side = wanted
    with_side, kind = replace(wishes, side=side), "2d" if title == PLANE else "image"
    networks = {"generator": made} | {
        part: network(part, given[part], with_side)[0] for part in files if part != "generator"
    }
    name = Path(generator).stem
    with torch.device("meta"):
        affordable(name, kind, dim, {part: Chain(net.arguments["layers"]) for part, net in networks.items()})
    p = priors.make(chosen.prior, dim)
    config = {
        "title": f"Imported from {name}", "name": name, "kind": kind, "dataset": dataset or "unknown",
        "prior": {"kind": p.kind, "dim": p.dim}, "layout": title,
        "found": [finding.as_dict() for part in files for finding in given[part].found],
        **{part: {"architecture": "chain", "arguments": net.arguments} for part, net in networks.items()},
    }  # fmt: skip
    return Model(config, p, made, networks["critic"], networks.get("corrector"), device=device)


def load_files(paths: Sequence[str | Path], **said) -> Model:
    """A model of files in any order; which is which shows in their names, or else in what they hold.

    Args:
        paths: one file that holds both networks, or two, or three with a corrector.
        said: as for ``load_published``.

    Raises:
        UserError: as ``load_published``; or no generator is among them.
    """
    files = [Path(path) for path in paths]
    if not 1 <= len(files) <= 3:
        raise UserError(f"A model is one file that holds both networks, or two, or three, not {len(files)}.")
    if len(files) == 1:
        return load_published(files[0], **said)
    named = [path for path in files if checkpoints.about(path.stem, "generator")]
    if len(named) != 1:
        wishes = Wishes(label=said.get("label") or 0, activation=said.get("activation") or "relu")
        limit = said.get("limit", checkpoints.MAX_BYTES)
        named = [path for path in files if _is_generator(path, wishes, limit)]
    if len(named) != 1:
        names = ", ".join(repr(path.name) for path in files)
        raise UserError(f"Which of {names} is the generator does not show: put G or generator into its name.")
    rest = [path for path in files if path != named[0]]
    rest.sort(key=lambda path: any(word in path.stem.lower() for word in ("corrector", "drc", "ratio")))
    return load_published(named[0], *rest, **said)


def _is_generator(path: Path, wishes: Wishes, limit: int) -> bool:
    try:
        network("generator", checkpoints.read("generator", path, None, limit), wishes)
        return True
    except UserError:
        return False


def _dim(generator: Chain) -> int:
    kind, first, *_ = generator.arguments["layers"][0]
    if kind not in ("linear", "unflatten"):
        raise UserError("generator must begin with a layer that takes codes.")
    return first


def _side(generator: Chain, dim: int) -> int:
    """The side of the generator's images, from shapes alone."""
    with torch.device("meta"):
        twin = Chain(generator.arguments["layers"])
        try:
            return twin(torch.empty(2, dim)).shape[-1]
        except (RuntimeError, IndexError) as error:
            reason = str(error).partition("\n")[0][:160].rstrip(".")
            raise UserError(f"generator: its layers do not follow one another ({reason}).") from None


def _side_of_dense(critic: Checkpoint) -> int | None:
    """The side of the images that a critic which ends in a dense layer takes, as its shapes tell."""
    dense = critic.arrays.get("l4/W")
    first = critic.arrays.get("c0_0/W", critic.arrays.get("c0/W"))
    if dense is None or first is None or dense.dim() != 2 or first.dim() != 4:
        return None
    return 8 * math.isqrt(dense.shape[1] // max(8 * len(first), 1)) or None
