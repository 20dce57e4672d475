"""Messages as bytes: four bytes of length, then JSON; arrays inside as base64 of little-endian float32."""

from __future__ import annotations

import base64
import json
import math
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from cre_core.errors import BadInput
from dashboard.services.models.protocol import VERSION, Answer, Message, Request, Sign

MOST_BYTES = 16_000_000  # of one message: 4,096 variants of 700 elements
MOST_TEXT = 2_000  # characters of one text
LENGTH = struct.Struct(">I")
_KINDS: dict[str, type[Message]] = {"request": Request, "answer": Answer, "sign": Sign}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def encode(message: Message) -> bytes:
    """A message with its length before it.

    Raises:
      BadInput: it is larger than MOST_BYTES.
    """
    values = {name: _plain(value) for name, value in vars(message).items()}
    text = json.dumps({"version": VERSION, "kind": _NAMES[type(message)], **values}, allow_nan=False)
    body = text.encode()
    if len(body) > MOST_BYTES:
        raise BadInput(f"a message of {len(body) / 1e6:.0f} MB; wanted at most {MOST_BYTES / 1e6:.0f} MB")
    return LENGTH.pack(len(body)) + body


def decode(body: bytes) -> Message:
    """A message without its length.

    Raises:
      BadInput: it is no message of this version, or a field is of another kind.
    """
    try:
        given = json.loads(body)
    except ValueError as error:
        raise BadInput(f"{len(body)} bytes that are no JSON; wanted a message") from error
    if not isinstance(given, dict) or given.pop("version", None) != VERSION:
        raise BadInput(f"a message of another version; wanted version {VERSION}")
    kind = _KINDS.get(str(given.pop("kind", "")))
    if kind is None:
        raise BadInput(f"a message of no known kind; wanted {', '.join(_KINDS)}")
    return _built(kind, given)


def length_of(head: bytes) -> int:
    """Bytes that follow the four of a length.

    Raises:
      BadInput: more than a message may have.
    """
    (length,) = LENGTH.unpack(head)
    if length > MOST_BYTES:
        raise BadInput(f"a message of {length / 1e6:.0f} MB; wanted at most {MOST_BYTES / 1e6:.0f} MB")
    return length


class Inbox:
    """Bytes as they come, messages as they are complete."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that `data` completes."""
        self._bytes += data
        while len(self._bytes) >= LENGTH.size:
            end = LENGTH.size + length_of(bytes(self._bytes[: LENGTH.size]))
            if len(self._bytes) < end:
                return
            body = bytes(self._bytes[LENGTH.size : end])
            del self._bytes[:end]
            yield decode(body)


def _plain(value: object) -> object:
    if isinstance(value, np.ndarray):
        array = np.asarray(value, "<f4")
        return {"shape": list(array.shape), "f4": base64.b64encode(array.tobytes()).decode()}
    if isinstance(value, Mapping):
        return {name: _plain(entry) for name, entry in value.items()}
    return value


def _built(kind: type[Message], given: dict[str, Any]) -> Message:
    known = {field.name: str(field.type) for field in fields(kind)}
    odd = sorted(set(given) - set(known))
    if odd:
        raise BadInput(f"'{odd[0][:40]}' in a message of kind {_NAMES[kind]}; wanted {', '.join(known)}")
    try:
        values: dict[str, Any] = {name: _READERS.get(known[name], _text)(value) for name, value in given.items()}
        return kind(**values)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise BadInput(
            f"a message of kind {_NAMES[kind]} that cannot be read: {' '.join(str(error).split())}"
        ) from error


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > MOST_TEXT:
        raise ValueError(f"a text was wanted, of at most {MOST_TEXT} characters")
    return value


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("a whole number was wanted")
    return value


def _number(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise ValueError("a number was wanted")
    return float(value)


def _arrays(value: dict[str, dict[str, Any]]) -> dict[str, np.ndarray]:
    return {_text(name): _array(entry) for name, entry in value.items()}


def _array(entry: dict[str, Any]) -> np.ndarray:
    shape = tuple(_whole(size) for size in entry["shape"])
    flat = np.frombuffer(base64.b64decode(entry["f4"], validate=True), "<f4")
    if any(size < 0 for size in shape) or math.prod(shape) != len(flat):
        raise ValueError(f"an array of shape {shape} with {len(flat)} values")
    return flat.reshape(shape).astype(np.float32)


def _options(value: dict[str, Any]) -> dict[str, Any]:
    for name, entry in value.items():
        if _text(name) and not isinstance(entry, bool | int):
            _text(entry) if isinstance(entry, str) else _number(entry)
    return value


# by the annotation of a field; every other field is a text
_READERS: dict[str, Callable[[Any], object]] = {
    "int": _whole,
    "float": _number,
    "Mapping[str, np.ndarray]": _arrays,
    "Mapping[str, Scalar]": _options,
}
