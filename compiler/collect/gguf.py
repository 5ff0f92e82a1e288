"""Read the header of a GGUF file: what model it holds, without loading weights or trusting a length it states."""

import math
import struct
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from tunewright.spec.record import record

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_CHUNK = 2**20
_LONGEST_TEXT = 16 * 2**20
_MOST_ITEMS = 2_000_000  # array entries that have to be walked one by one; the largest known vocabularies need a third
_MOST_ENTRIES = 200_000
_MOST_DIMENSIONS = 8

_STRING, _ARRAY = 8, 9
_SCALARS = {
    0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d",
}  # fmt: skip

#: Names of tensor types (the number is stored); others are reported by number.
TENSOR_TYPES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 10: "Q2_K", 11: "Q3_K", 12: "Q4_K",
    13: "Q5_K", 14: "Q6_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL",
    21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 30: "BF16", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4",
}  # fmt: skip


class GgufError(ValueError):
    """The file is not a GGUF file of a known version, is cut off, or states lengths that can't be."""


class ArrayLength(int):
    """Stands for an array's content, which is not kept: how many items it has."""


class Tensor(NamedTuple):
    """A tensor of the file: its name, its dimensions (fastest first) and the name of its type."""

    name: str
    dimensions: tuple[int, ...]
    type: str

    @property
    def elements(self) -> int:
        """Return how many parameters it holds."""
        return math.prod(self.dimensions)


@record
class GgufHeader:
    """The metadata (arrays by length only) and the tensors of a file."""

    metadata: dict[str, Any]
    tensors: tuple[Tensor, ...]


def read_gguf_header(path: Path) -> GgufHeader:
    """Read the header; raise GgufError when it is not one, OSError when the file can't be read."""
    with path.open("rb") as stream:
        reader = _Reader(stream, path.stat().st_size)
        if reader.take(4) != _MAGIC:
            raise GgufError("it does not begin with GGUF")
        version = reader.number("<I")
        if version not in _VERSIONS:
            raise GgufError(f"its GGUF version is {version}, known are 2 and 3")
        # An entry takes at least 12 bytes and a tensor 24, so the file's size bounds both counts.
        tensor_count = reader.count("<Q", 24, _MOST_ENTRIES, "tensors")
        entry_count = reader.count("<Q", 12, _MOST_ENTRIES, "metadata entries")
        metadata = {}
        for _ in range(entry_count):
            key = reader.text()
            metadata[key] = reader.value(reader.number("<I"))
        tensors = tuple(_tensor(reader) for _ in range(tensor_count))
        # Not even at half a bit each would they fit: the dimensions are made up.
        if sum(tensor.elements for tensor in tensors) > reader.size * 16:
            raise GgufError("its tensors claim more parameters than it can hold")
        return GgufHeader(metadata, tensors)


def _tensor(reader: "_Reader") -> Tensor:
    name = reader.text()
    rank = reader.number("<I")
    if rank > _MOST_DIMENSIONS:
        raise GgufError(f"tensor `{name[:80]}` claims {rank} dimensions")
    dimensions = tuple(reader.number("<Q") for _ in range(rank))
    kind = reader.number("<I")
    reader.number("<Q")
    return Tensor(name, dimensions, TENSOR_TYPES.get(kind, f"type {kind}"))


class _Reader:
    """Take values off a stream piece by piece, never further than the file reaches."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self.size = size
        self._stream = stream
        self._buffer = b""
        self._at = 0
        self._left = size
        self._items = 0

    def take(self, length: int) -> bytes:
        """Return the next bytes."""
        self._need(length)
        start = self._at
        self._at += length
        self._left -= length
        return self._buffer[start : self._at]

    def number(self, form: str) -> Any:
        """Return the next number, in the notation of `struct`."""
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def count(self, form: str, least_bytes: int, most: int, what: str) -> int:
        """Return a number of things that follow; each takes at least so many bytes."""
        number = int(self.number(form))
        if number * least_bytes > self._left or number > most:
            raise GgufError(f"it claims {number} {what}, more than it can hold")
        return number

    def text(self) -> str:
        """Return the next string."""
        length = self.count("<Q", 1, _LONGEST_TEXT, "bytes of text")
        return self.take(length).decode("utf-8", "replace")

    def value(self, kind: int) -> Any:
        """Return the next value of a kind; an array comes back as its length."""
        if kind == _STRING:
            return self.text()
        if kind == _ARRAY:
            return self._array()
        if kind not in _SCALARS:
            raise GgufError(f"it holds a value of the unknown kind {kind}")
        return self.number(_SCALARS[kind])

    def _array(self) -> ArrayLength:
        kind = self.number("<I")
        if kind in _SCALARS:
            width = struct.calcsize(_SCALARS[kind])
            length = self.count("<Q", width, self.size, "array items")
            self._skip(length * width)
            return ArrayLength(length)
        if kind != _STRING:
            raise GgufError(f"it holds an array of the kind {kind}, which nobody writes")
        length = self.count("<Q", 8, _MOST_ITEMS - self._items, "array items")
        self._items += length
        for _ in range(length):
            self._need(8)
            (width,) = struct.unpack_from("<Q", self._buffer, self._at)
            if width > self._left - 8:
                raise GgufError(f"it claims {width} bytes of text, more than it can hold")
            self._skip(8 + width)
        return ArrayLength(length)

    def _need(self, length: int) -> None:
        """Have at least so many bytes in the buffer."""
        if length > self._left:
            raise GgufError("it is cut off inside its header")
        missing = length - (len(self._buffer) - self._at)
        if missing > 0:
            self._buffer = self._buffer[self._at :] + self._stream.read(max(missing, _CHUNK))
            self._at = 0
            if len(self._buffer) < length:
                raise GgufError("it is cut off inside its header")

    def _skip(self, length: int) -> None:
        """Pass over bytes, reading them only when they are in the buffer already."""
        self._left -= length
        ahead = length - (len(self._buffer) - self._at)
        if ahead <= 0:
            self._at += length
            return
        self._stream.seek(ahead, 1)
        self._buffer, self._at = b"", 0
