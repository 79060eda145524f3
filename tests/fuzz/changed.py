"""Bytes that were something once: one or a few changes, as rot, a careless copy or somebody clever makes them."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

ODD_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1)


@st.composite
def changed(draw: DrawFn, data: bytes, *, most: int = 3) -> bytes:
    """The same bytes with at least one change, and `most` at the most."""
    for _ in range(draw(st.integers(1, most))):
        place = draw(st.integers(0, len(data)))
        end = min(len(data), place + draw(st.integers(1, 40)))
        match draw(st.integers(0, 6)):
            case 0:
                flipped = bytes(byte ^ (1 << draw(st.integers(0, 7))) for byte in data[place : place + 1])
                data = data[:place] + flipped + data[place + 1 :]
            case 1:
                data = data[:place] + draw(st.binary(min_size=1, max_size=12)) + data[end:]
            case 2:
                data = data[:place] + draw(st.binary(min_size=1, max_size=12)) + data[place:]
            case 3:
                data = data[:place] + data[end:]
            case 4:
                data = data[:end] + data[place:]  # a part of it twice
            case 5:
                number, size = draw(st.sampled_from(ODD_NUMBERS)), draw(st.sampled_from([1, 2, 4, 8]))
                order = draw(st.sampled_from(["little", "big"]))
                data = data[:place] + (number % 2 ** (8 * size)).to_bytes(size, order) + data[place + size :]
            case _:
                data = data[:place]
    return data


def pieces_of(*parts: bytes) -> SearchStrategy[bytes]:
    """Some of these parts in any order, with anything between them."""
    return st.lists(st.one_of(st.sampled_from(parts), st.binary(max_size=8)), max_size=12).map(b"".join)
