"""Serves the app: ``python -m app.serve``, with the options of ``streamlit run``.

What every first visit would wait for is there before the server answers: the modules of all pages, and
what PyTorch only loads or builds when a model is first assembled and differentiated.
"""

from __future__ import annotations

import gc
import importlib
import logging
import os
import sys

from streamlit.testing.v1 import AppTest
from streamlit.web import cli

import dgflow_core as dg
from app import navigation
from dgflow_core import places
from dgflow_core.kinds.text.metrics import reference_of

#: A model of each kind; one that is not there costs its first visitor what it would have.
MODELS = ("25gaussians/wgan-gp", "fashion_mnist/sndcgan-r1", "billion_words/wgan-gp-wide")
#: Pages that compute most for their first picture: opened once, so that their first visitor finds it kept.
OPENED = ("flow", "live", "latent", "compare")
#: What Streamlit loads when a table is first drawn.
TABLES = ("pandas", "pyarrow.compute", "pyarrow.pandas_compat")


def prepare() -> None:
    """Load all pages' modules, take a step with a model of each kind, count what text is held against."""
    for file in navigation.found(navigation.PAGES).values():
        importlib.import_module(f"app.pages.{file.stem}")
    for name in TABLES:
        importlib.import_module(name)
    for name in MODELS:
        try:
            model = dg.load(name)
            dg.refine(model, n=2, steps=1, space="latent")
            if model.kind == "text":
                reference_of(model).prepare()
        except (ValueError, OSError) as error:  # who opens its page is told, too
            logging.getLogger("dgflow").warning("Not prepared: %s", error)
    for page, file in navigation.found(navigation.PAGES).items():
        if page.name in OPENED:
            AppTest.from_file(str(file), default_timeout=60).run()
    gc.collect()
    gc.freeze()  # what is there now stays: no later collection needs to look through it


if __name__ == "__main__":
    if os.environ.get("DGFLOW_PREPARE") != "0":
        prepare()
    sys.argv = ["streamlit", "run", str(places.HOME / "streamlit_app.py"), *sys.argv[1:]]
    sys.exit(cli.main())
