"""Files that are no weights: what they are shows in their first bytes, and is said with what to do."""

from __future__ import annotations

import codecs
from collections.abc import Sequence

NOT_WEIGHTS = "not an .npz of plain arrays or a .pth"
#: First bytes → what a file is that begins with them, and what to do.
STARTS = {
    b"version https://git-lfs": "a Git LFS pointer, not weights: fetch the file by git lfs pull",
    b"\x1f\x8b": "a gzip archive: unpack it first",
    b"BZh": "a bzip2 archive: unpack it first",
    b"7z\xbc\xaf": "a 7-Zip archive: unpack it first",
    b"Rar!": "a RAR archive: unpack it first",
    b"\xfd7zXZ": "an xz archive: unpack it first",
    b"\x28\xb5\x2f\xfd": "a Zstandard archive: unpack it first",
    b"\x89HDF": "an HDF5 file, of Keras perhaps: write its arrays by numpy.savez",
    b"\x93NUMPY": "a single NumPy array: write all arrays of the network by numpy.savez, under their names",
    b"MATLAB": "a MATLAB file: write its arrays by numpy.savez",
    b"GGUF": "a GGUF file, of a language model",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"%PDF": "a PDF document",
}
PAGES = ("<!doctype", "<html", "<head", "<body", "<!--")
#: What may follow an ONNX model's version, the first of its fields: the tags of the others.
ONNX_FIELDS = b"\x12\x1a\x22\x28\x32\x3a\x42"
SCRIPT = (
    "a TorchScript or torch.export archive, which is a program: load it yourself with torch.jit.load or "
    "torch.export.load and hand it to dg.register"
)
ONNX = (
    "an ONNX model, which is a program: hand in the checkpoint that it was exported from, or a network "
    "in PyTorch, rebuilt from it, to dg.register"
)


def named(head: bytes) -> str | None:
    """What a file is that begins with ``head``, where that is known and no weights; None otherwise."""
    words = _named(head)
    return words if words is None or ":" in words or "program" in words else f"{words}, {NOT_WEIGHTS}"


def _named(head: bytes) -> str | None:
    text = _text(head).lstrip().lower()
    if text.startswith(PAGES):
        return "an HTML page, not weights: the download failed"
    if text.startswith("<?xml"):
        return "an XML message, not weights: the download failed"
    if head[257:262] == b"ustar":
        return "a tar archive: unpack it first"
    if len(head) > 3 and head[0] == 8 and 3 <= head[1] < 64 and head[2] in ONNX_FIELDS:
        return ONNX
    return next((words for start, words in STARTS.items() if head.startswith(start)), None)


def unknown(head: bytes) -> str:
    """What little can be said of a file that is neither weights nor anything known."""
    if all(32 <= byte < 127 or byte in b"\r\n\t" for byte in head):
        return f"text ({head.splitlines()[0][:40].decode()!r}), {NOT_WEIGHTS}"
    return f"damaged, or another kind of file, {NOT_WEIGHTS}"


def in_archive(names: Sequence[str]) -> str | None:
    """What a zip archive of these entries is, where it is none of arrays or of PyTorch's."""
    script = ("serialized_exported_program.json", "/archive_format")
    if any("/code/" in f"/{entry}" or f"/{entry}".endswith(script) for entry in names):
        return SCRIPT
    if any(entry.endswith("data.pkl") for entry in names):
        return None
    other = next((entry for entry in names if not entry.endswith(".npy")), None)
    return None if other is None else f"an archive of other files, such as {other[:60]!r}: unpack it first"


def _text(head: bytes) -> str:
    """The first bytes as text, whatever Unicode they are in."""
    for mark, kind in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if head.startswith(mark):
            return head.removeprefix(mark).decode(kind, "replace")
    return head.removeprefix(codecs.BOM_UTF8).decode("latin-1")
