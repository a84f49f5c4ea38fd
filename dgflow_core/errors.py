"""Whose mistake it was: what a person can mend is told apart from a bug of ours by type."""

from __future__ import annotations


class UserError(ValueError):
    """A person asked for something that cannot be: one sentence that names it and what is allowed.

    Everything else that is raised is a bug, also a plain ``ValueError`` of some library: it goes to the
    log with its traceback, and the person reads one calm sentence.
    """
