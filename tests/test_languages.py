"""The second language: every word that is said stands in the catalogue, and pages in it show no English."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator

import pytest
from google.protobuf.message import Message

from dgflow_core import languages
from dgflow_core.lessons.conditions import NUMBER
from dgflow_core.lessons.course import course
from dgflow_core.lessons.lesson import Picture
from tests.browser import ROOT
from tests.pages import visit

OTHERS = [language for language in languages.languages() if language != "en"]
#: Components whose words are translated; Live and the reader are of pages that may stay English.
SPOKEN = ("kit", "player", "wall")
#: Names, citations and symbols: the same in every language.
NAMES = re.compile(
    r"DGflow|DOT|DDLS|MALA|DRS|MH-GAN|WGAN-GP|VGrow|DCD|SN-DCGAN|Fashion-MNIST|\b(?:KL|JS|GIF|HTML|JSON|MP4|NPZ|PNG|SVG|CSV)\b"
    r"|Ansari, Ang & Soh, Refining Deep Generative Models via Discriminator Gradient Flow, ICLR \d+"
)
#: What of an element is for eyes: a widget's names and texts, not its keys.
SHOWN = {
    "label",
    "help",
    "body",
    "placeholder",
    "options",
    "content",
    "caption",
    "text",
    "title",
    "page_name",
}
#: Words that only English has.
ENGLISH = re.compile(
    r"\b(the|of|and|is|are|with|from|to|not|this|that|which|by|for|its?|steps?|samples?|points?|where|before|after|how)\b"
)


def in_python() -> set[str]:
    """First arguments of ``say`` that are literals, both branches of a choice among them."""
    found = set()
    for file in [*(ROOT / "app").rglob("*.py"), ROOT / "dgflow_core" / "lessons" / "handout.py"]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("say", "_say"):
                place = node.args[node.func.id == "_say"]
                branches = [place.body, place.orelse] if isinstance(place, ast.IfExp) else [place]
                found |= {one.value for one in branches if isinstance(one, ast.Constant)}
    return found


def in_javascript() -> set[str]:
    """Literals given to ``say`` (both of a choice), to a title, to a button with an icon."""
    word, found = r'("(?:[^"\\]|\\.)*")', set()
    for folder in SPOKEN:
        for file in (ROOT / "assets" / folder).glob("*.js"):
            text = file.read_text(encoding="utf-8")
            for form in (
                rf"\bsay\({word}",
                rf'(?:title|"aria-label"): {word}',
                rf'iconButton\("\w+", {word}',
            ):
                found |= set(re.findall(form, text))
            for pair in re.findall(rf"\bsay\([^()\"]*\? {word} : {word}", text):
                found |= set(pair)
    return {ast.literal_eval(one) for one in found} - {""}


def shown(message: Message, name: str = "") -> Iterator[str]:
    """Every text for eyes in a message of Streamlit, wherever it stands in it."""
    for field, value in message.ListFields():
        values = value if field.is_repeated else [value]
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            continue
        for one in values:
            if isinstance(one, Message):
                yield from shown(one)
            elif isinstance(one, str) and field.name in SHOWN:
                yield one


def texts(test) -> set[str]:
    """What a page shows, and tells on hover."""
    found: set[str] = set()

    def look(node) -> None:
        proto = getattr(node, "proto", None)
        if isinstance(proto, Message) and proto.DESCRIPTOR.name not in ("BidiComponent", "Code"):
            found.update(shown(proto))
        for child in getattr(node, "children", {}).values():
            look(child)

    look(test.main)
    look(test.sidebar)
    return found


def sentences(text: str) -> str:
    """A text without formulas, code, addresses, icons, names."""
    text = re.sub(r"\$[^$]*\$|`[^`]*`|:material/\w+:|<[^>]*>|\]\([^)]*\)|https?://\S+", " ", text)
    return NAMES.sub(" ", text)


@pytest.fixture(params=OTHERS)
def words(request) -> dict[str, str]:
    return languages.catalogue(request.param)


def test_every_word_that_is_said_stands_in_the_catalogue(words):
    assert not (in_python() | in_javascript()) - words.keys()


def test_the_catalogue_is_whole(words):
    assert all(words.values())
    for english, other in words.items():
        assert sorted(re.findall(r"\{[^}]*\}", english)) == sorted(re.findall(r"\{[^}]*\}", other)), english


@pytest.mark.parametrize("language", OTHERS)
def test_no_word_stands_twice_in_a_catalogue(language):
    def once(pairs: list[tuple[str, str]]) -> dict[str, str]:
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    text = (ROOT / "assets" / "words" / f"{language}.json").read_text(encoding="utf-8")
    json.loads(text, object_pairs_hook=once)


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("slug", course().lessons)
def test_a_lesson_is_the_same_in_every_language(language, slug):
    """The same runs, answers, goals and numbers; only words differ."""
    english, other = course().lessons[slug], course(language).lessons[slug]
    assert other.language == language

    def runs(picture: Picture) -> dict:
        plain = [{**run, "title": ""} for run in picture.runs]
        return {**picture.model_dump(), "runs": plain}

    def numbers(text: str) -> list[str]:
        return sorted(found[0] for found in NUMBER.finditer(text))

    assert runs(other.picture) == runs(english.picture)
    assert runs(other.tried) == runs(english.tried)
    assert [one.when for one in other.ask.options] == [one.when for one in english.ask.options]
    assert other.attempt.check == english.attempt.check
    assert [(one.name, one.values, one.start) for one in other.attempt.controls] == [
        (one.name, one.values, one.start) for one in english.attempt.controls
    ]
    for read in (
        lambda row: row.reveal, lambda row: row.attempt.tell, lambda row: row.after.answer,
        lambda row: row.attempt.goal, lambda row: row.ask.question, lambda row: row.take,
    ):  # fmt: skip
        assert numbers(read(other)) == numbers(read(english))
        plain = [sorted(re.findall(r"\d+(?:\.\d+)?", NUMBER.sub("", read(one)))) for one in (other, english)]
        assert plain[0] == plain[1]
    for read in (lambda row: row.story, lambda row: row.mathematics, lambda row: row.notes):
        assert read(other)
        assert not ENGLISH.search(re.sub(r"\$[^$]*\$|^\{.*\}$", "", read(other), flags=re.M)), slug


VISITS = [
    ("home", {}),
    ("flow2d", {}),
    ("flow2d", {"method": "dot", "space": "latent"}),
    ("lessons", {"lesson": "04_noise"}),
    ("lessons", {"lesson": "04_noise", "part": "2", "answer": "2", "c1": "3"}),
    ("wrong", {"symptom": "collapse"}),
]


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize(("page", "query"), VISITS, ids=str)
def test_a_page_shows_no_untranslated_word(page, query, language):
    english, other = texts(visit(page, **query)), texts(visit(page, **query, lang=language))
    known = languages.catalogue(language)
    assert len(other) > 10
    for text in other:
        rest = sentences(text)
        if re.search("[A-Za-z]{3}", rest):
            assert text not in english or known.get(text) == text, text
        assert not ENGLISH.search(rest), text


@pytest.mark.parametrize("language", OTHERS)
def test_a_link_keeps_the_language_and_an_unknown_one_is_english(language):
    test = visit("flow2d", lang=language, eta="0.02")
    assert test.query_params["lang"] in (language, [language])
    assert not test.warning
    assert "Method" in [box.label for box in visit("flow2d", lang="xx").selectbox]
