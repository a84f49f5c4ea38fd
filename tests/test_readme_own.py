"""The README's section on one's own GAN, run as written."""

from __future__ import annotations

import re
import shlex

import pytest
import torch

from dgflow_core import cli
from dgflow_core.zoo import shelf
from tests.browser import ROOT
from tests.test_published_layouts import example_dcgan, mimicry

SECTION = re.search(r"^## Bring your own GAN\n(.*?)^## ", (ROOT / "README.md").read_text(), re.M | re.S)[1]


@pytest.fixture
def files(tmp_path, monkeypatch):
    """The files that the section names, with random weights in their releases' layouts."""
    monkeypatch.chdir(tmp_path)
    g, d = example_dcgan(z=8, width=2)
    torch.save(g.state_dict(), "netG_epoch_24.pth"), torch.save(d.state_dict(), "netD_epoch_24.pth")
    both = {"g": g.state_dict(), "g_ema": g.state_dict(), "d": d.state_dict()}
    torch.save(both, "checkpoint.pt")
    g, d = mimicry([16, 8, 4, 2], 6, [(2, True), (4, True), (8, True), (8, True), (16, False)])
    torch.save({"model_state_dict": g.state_dict()}, "sngan_48_G.pth")
    torch.save({"model_state_dict": d.state_dict()}, "sngan_48_D.pth")
    yield tmp_path
    shelf._registered.clear()


@pytest.mark.slow
def test_the_examples_run_as_written(files):
    names: dict = {}
    blocks = re.findall(r"```python\n(.*?)```", SECTION, re.S)
    assert len(blocks) == 4
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    assert {"mine/gan", "25gaussians/mine", "mine/text"} <= set(names["dg"].models())
    assert (files / "mended.gif").read_bytes().startswith(b"GIF8")
    (commands,) = re.findall(r"```sh\n(.*?)```", SECTION, re.S)
    for line in commands.splitlines():
        words = shlex.split(line)
        assert words[:3] == ["python", "-m", "dgflow_core"]
        assert cli.main(words[3:]) == 0
    assert (files / "sngan.gif").read_bytes().startswith(b"GIF8")


def test_the_first_example_is_told_of_its_sigmoid(files, capsys):
    exec(compile(re.findall(r"```python\n(.*?)```", SECTION, re.S)[0], "README.md", "exec"), {})
    said = capsys.readouterr().out
    assert "The critic ends in a sigmoid" in said
    assert "first layer works in place" not in said
