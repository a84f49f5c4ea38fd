"""Pages without a browser: what every page test shares."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from tests.browser import ROOT


def visit(name: str, **query: str) -> AppTest:
    """The page in ``app/pages/<name>.py``, opened by a link that says ``query``; it must not raise."""
    test = AppTest.from_file(str(ROOT / "app" / "pages" / f"{name}.py"), default_timeout=300)
    for key, value in query.items():
        test.query_params[key] = value
    test.run()
    assert not test.exception
    return test
