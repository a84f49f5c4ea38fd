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


def hand_in(test: AppTest, page: str, *files: tuple[str, bytes]) -> AppTest:
    """Hand in (name, content) as a model of one's own on ``page``."""
    test.session_state[f"{page}._own"] = True  # its choices are open
    test.run()
    test.file_uploader(key=f"{page}._files").set_value([(name, data, "") for name, data in files]).run()
    assert not test.exception
    return test
