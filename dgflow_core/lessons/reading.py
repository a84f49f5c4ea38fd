"""Reads a lesson's file: Markdown with declared blocks. What is wrong in it is a sentence with file and line.

# A title
The story: at most 120 words.
```picture            TOML: see ``lesson.Picture``
```ask                TOML: see ``lesson.Ask``
What is said after the prediction, with numbers such as {High quality @ last}.
```try                TOML: see ``lesson.Attempt``
The sentence to take home.
```after              TOML: see ``lesson.After``; may be left out
    ```notes              text for the lecturer alone; may be left out
## A heading          the mathematics, folded; may be left out
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, NoReturn

from pydantic import ValidationError

from dgflow_core.errors import UserError
from dgflow_core.lessons import mathematics
from dgflow_core.lessons.conditions import Condition, numbers
from dgflow_core.lessons.lesson import OF_PICTURE, After, Ask, Attempt, Block, Lesson, Picture
from dgflow_core.lessons.measures import known
from dgflow_core.zoo import shelf

#: The most words of a story; the most bytes of a file.
WORDS, BYTES = 120, 100_000
DECLARED: dict[str, type[Block]] = {"picture": Picture, "ask": Ask, "try": Attempt}
OPTIONAL: dict[str, type[Block]] = {"after": After}
#: What a text is called that stands after a block.
AFTER = {"": "story", "picture": "story", "ask": "reveal", "try": "take", "after": "take"}
LANGUAGE = re.compile(r"\.([a-z]{2})$")


class Part(NamedTuple):
    """A block or a text of the file: its name, what it says, and the line at which that begins."""

    name: str
    text: str
    line: int


def read(file: Path) -> Lesson:
    """The lesson in ``file``; "02_arrows.de.md" is the German one of "02_arrows".

    Raises:
        UserError: one sentence with the file's name and the line.
    """
    try:
        if file.stat().st_size > BYTES:
            raise UserError(f"{file.name} must be at most {BYTES:,} bytes.")
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{file.name} could not be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UserError(f"{file.name} must be text in UTF-8.") from None
    return _Reader(file, text).lesson()


class _Reader:
    def __init__(self, file: Path, text: str):
        self.file, self.lines = file, text.splitlines()
        self.parts = {part.name: part for part in self._split()}

    def wrong(self, line: int, words: str) -> NoReturn:
        raise UserError(f"{self.file.name}, line {line}: {words}")

    def lesson(self) -> Lesson:
        for name in ("title", "story", *DECLARED, "reveal", "take"):
            if not self.text(name):
                self.wrong(len(self.lines) or 1, f"{_what(name)} is missing.")
        picture, ask, attempt = (self.block(name, kind) for name, kind in DECLARED.items())
        assert isinstance(picture, Picture)
        assert isinstance(ask, Ask)
        assert isinstance(attempt, Attempt)
        if (count := len(self.text("story").split())) > WORDS:
            self.wrong(self.parts["story"].line, f"the story has {count} words; at most {WORDS} are allowed.")
        after = self.block("after", After) if "after" in self.parts else None
        assert after is None or isinstance(after, After)
        stem = self.file.stem
        found = LANGUAGE.search(stem)
        lesson = Lesson(
            slug=LANGUAGE.sub("", stem), title=self.text("title"), story=self.text("story"),
            picture=picture, ask=ask, reveal=self.text("reveal"), attempt=attempt, take=self.text("take"),
            mathematics=self.text("mathematics"), notes=self.text("notes"), file=self.file,
            language=found[1] if found else "en", after=after,
        )  # fmt: skip
        self.check(lesson)
        return lesson

    def text(self, name: str) -> str:
        return self.parts[name].text.strip() if name in self.parts else ""

    def block(self, name: str, kind: type[Block]) -> Block:
        """What the block ``name`` declares."""
        part = self.parts[name]
        try:
            return kind(**tomllib.loads(part.text))
        except tomllib.TOMLDecodeError as error:
            at = re.search(r"\(at line (\d+)", str(error))
            line = part.line + int(at[1]) - 1 if at else part.line + part.text.count("\n")
            self.wrong(line, f"{str(error).partition(' (at')[0]}.")
        except ValidationError as error:
            first = error.errors()[0]
            where = [str(one) for one in first["loc"]]
            words = first["msg"].removeprefix("Value error, ").removesuffix(".")
            named = " ".join(one for one in where if not one.isdigit() and one[0].islower())
            inner = re.match(r"(\w+) .*?(?:, not (.+))?$", words)  # a setting within a run
            within = f"{inner[1]} = {inner[2]}" if inner and inner[2] else inner[1] if inner else ""
            line = self.line(name, *where, within)
            self.wrong(line, f"{named}: {words}." if named else f"{words}.")

    def line(self, block: str, *names: str) -> int:
        """The line in a block at which the innermost of ``names`` is said, or the block's first."""
        part = self.parts[block]
        for name in reversed(names):
            key, _, value = name.partition(" = ")
            said = re.compile(rf'(?:^|[{{,\s])"?{re.escape(key)}"?\s*=\s*"?{re.escape(value)}')
            for number, line in enumerate(part.text.splitlines()):
                if said.search(line):
                    return part.line + number
        return part.line

    def check(self, lesson: Lesson) -> None:
        """What only the whole lesson tells: models, what is measured, controls."""
        try:
            tried = lesson.tried
        except ValidationError as error:
            self.wrong(self.line("try", "picture"), f"picture: {error.errors()[0]['msg']}.")
        for block, picture in (("picture", lesson.picture), ("try", tried)):
            if picture.model not in shelf.models():
                self.wrong(self.line(block, "model"), f"model {picture.model!r} does not ship.")
        for control in lesson.attempt.controls:
            there = any(control.name in run for run in tried.runs) or control.name in OF_PICTURE
            if not there:
                self.wrong(self.line("try", "controls"), f"no run has a setting {control.name!r}.")
            for index in range(len(control.values)):
                try:
                    changed = tried.changed((control,), (index,))
                except ValidationError as error:
                    words = error.errors()[0]["msg"].removeprefix("Value error, ").removesuffix(".")
                    self.wrong(self.line("try", "values"), f"{control.name}: {words}.")
                if changed.model not in shelf.models():
                    self.wrong(self.line("try", "values"), f"model {changed.model!r} does not ship.")
        for option in lesson.ask.options:
            self.measured(lesson.picture, "ask", option.when, condition=True)
        self.measured(lesson.picture, "reveal", lesson.reveal)
        self.measured(tried, "try", lesson.attempt.check, condition=True)
        self.measured(tried, "try", lesson.attempt.tell)

        if lesson.after is not None:
            self.measured(lesson.picture, "after", lesson.after.answer)
        for piece in mathematics.pieces(lesson.mathematics):
            at = next((at for at, row in enumerate(self.lines, 1) if f" {piece.text}}}" in row), 1)
            if piece.kind == "code":
                try:
                    mathematics.source(piece.text)
                except UserError as error:
                    self.wrong(at, str(error))
            if piece.kind == "still" and not piece.text.isdigit():
                self.wrong(at, f"{piece.text!r} is no step.")

    def measured(self, picture: Picture, part: str, text: str, condition: bool = False) -> None:
        """Check the numbers in a text, or in a condition."""
        first = next((line for line in text.splitlines() if "{" in line), text)
        line = next(
            (at for at, row in enumerate(self.lines, 1) if at >= self.parts[part].line and first in row),
            self.parts[part].line,
        )
        try:
            asked = Condition(text).numbers if condition else numbers(text)
        except UserError as error:
            self.wrong(line, str(error))
        names = known(picture)
        for number in asked:
            if number.name not in names:
                self.wrong(line, f"{number.name!r} is not measured here; {', '.join(names)} are.")
            if number.run > len(picture.runs):
                self.wrong(line, f"there is no run {number.run}.")

    def _split(self) -> Iterator[Part]:
        """The parts of the file, in its order; a text that stands in pieces is one."""
        texts: dict[str, list[str]] = {}
        starts: dict[str, int] = {}
        last, fence, begun = "", None, 0
        for at, line in enumerate(self.lines, 1):
            if fence is not None:
                if line.strip() == "```":
                    yield Part(fence, "\n".join(self.lines[begun : at - 1]), begun + 1)
                    last, fence = (fence if fence in AFTER else last), None
                continue
            opened = re.fullmatch(r"```([a-z]+)\s*", line)
            if opened and opened[1] in (*DECLARED, *OPTIONAL, "notes") and last != "mathematics":
                fence, begun = opened[1], at
                continue
            if line.startswith("# ") and not texts:
                yield Part("title", line[2:], at)
                continue
            if line.startswith("## ") and last in ("try", "after"):
                last = "mathematics"
            name = "mathematics" if last == "mathematics" else AFTER[last]
            if line.strip() or name in texts:
                texts.setdefault(name, []).append(line)
                starts.setdefault(name, at)
        if fence is not None:
            self.wrong(begun, f"the block {fence!r} has no end.")
        for name, rows in texts.items():
            yield Part(name, "\n".join(rows), starts[name])


def _what(name: str) -> str:
    words = {"title": 'the title ("# …")', "reveal": "the text after ```ask", "take": "the text after ```try"}
    return words.get(name, f"the block ```{name}" if name in DECLARED else f"the {name}")
