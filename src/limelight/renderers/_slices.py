"""Slices of volumes: which of them to show, and a picture of several."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from limelight.renderers._overlay import Overlay, lay_out_overlay
from limelight.renderers._pictures import (
    QUIET,
    draw_image_panel,
    draw_overlay_panel,
    encode_jpeg,
    encode_png,
    load_font,
    load_pillow,
    reduce_image,
)
from limelight.renderers._summary import LabelSummary
from limelight.results.views import VolumeView

__all__ = ["Reel", "SliceOverlay", "choose_slices", "draw_slices", "find_spans", "lay_out_slices", "make_reel"]

_MOST_SLICES = 6
_LEAST_SHARE = 0.5  # of a supervoxel's largest cut: a slice that has so much of it shows it well
_COLUMNS = 3
_TILE_PIXELS = 280  # of a slice's longer side
_GAP_PIXELS = 8
_LINE_PIXELS = 18
_LETTER_PIXELS = 13
_MOST_PAGE_SLICES = 48  # of a longer volume, a page has this many at equal distances, and those that are chosen
_PAGE_PIXELS = 256  # of a slice's longer side in a page's file
_PAGE_WIDTH_PIXELS = 300  # of a slice on the screen


def choose_slices(view: VolumeView, labels: Sequence[LabelSummary], most: int = _MOST_SLICES) -> list[int]:
    """At most `most` slices that show the heaviest supervoxels best, in their order; the middle one if none has a weight."""
    bars = sorted((bar for label in labels for bar in label.visible_bars), key=lambda bar: -abs(bar.weight))
    chosen: list[int] = []
    for component in dict.fromkeys(bar.component for bar in bars):
        sizes = view.sizes[component]
        if len(chosen) < most and not any(sizes[number] >= _LEAST_SHARE * sizes.max() for number in chosen):
            # In the middle of those where it is largest.
            largest = np.flatnonzero(sizes == sizes.max())
            chosen.append(int(largest[len(largest) // 2]))
    return sorted(chosen) or [view.slice_count // 2]


def find_spans(view: VolumeView) -> dict[int, str]:
    """For each supervoxel's number, the slices that it reaches into."""
    return {number: place.partition(",")[0] for number, place in view.values().items()}


def draw_slices(view: VolumeView, numbers: Sequence[int], label: LabelSummary | None = None) -> Any:
    """Slices side by side, each under its number, as a Pillow image; tinted by a label's weights if one is given."""
    tiles = [
        draw_image_panel(view.slice(number), _TILE_PIXELS)
        if label is None
        else draw_overlay_panel(view.slice(number), label, _TILE_PIXELS)
        for number in numbers
    ]
    width, height = tiles[0].width + _GAP_PIXELS, tiles[0].height + _LINE_PIXELS + _GAP_PIXELS
    columns, rows = min(len(tiles), _COLUMNS), -(-len(tiles) // _COLUMNS)
    tools, font = load_pillow(), load_font(_LETTER_PIXELS)
    sheet = tools.image.new("RGB", (columns * width - _GAP_PIXELS, rows * height - _GAP_PIXELS), "white")
    pen = tools.draw.Draw(sheet)
    for place, (number, tile) in enumerate(zip(numbers, tiles, strict=True)):
        left, top = place % _COLUMNS * width, place // _COLUMNS * height
        pen.text((left, top), f"slice {number}", fill=QUIET, font=font)
        sheet.paste(tile, (left, top + _LINE_PIXELS))
    return sheet


@dataclass(frozen=True)
class Reel:
    """A volume's slices for a page, reduced, one below the other in one picture.

    Attributes
    ----------
    view : VolumeView
        The volume.
    numbers : tuple of int
        The slices that the page has, in their order.
    chosen : frozenset of int
        Those that show some label's heaviest supervoxels best.
    address : str
        The picture's data URL.
    width, height : int
        The size of a slice in the picture.
    """

    view: VolumeView
    numbers: tuple[int, ...]
    chosen: frozenset[int]
    address: str
    width: int
    height: int

    @property
    def is_enlarged(self) -> bool:
        """Whether the slices are so small that their pixels are shown as squares."""
        return max(self.width, self.height) < _PAGE_PIXELS // 2

    @property
    def screen_width(self) -> int:
        """The width of a slice on the screen, in pixels."""
        return round(_PAGE_WIDTH_PIXELS * min(1.0, self.width / self.height))

    @cached_property
    def places(self) -> dict[int, str]:
        """How far down in the picture each slice is, as style sheets write it."""
        last = max(1, len(self.numbers) - 1)
        return {number: f"{100 * place / last:.6g}%" for place, number in enumerate(self.numbers)}

    @cached_property
    def spans(self) -> dict[int, str]:
        """For each supervoxel's number, the slices that it reaches into."""
        return find_spans(self.view)


@dataclass(frozen=True)
class SliceOverlay:
    """A slice's number, and its weighted supervoxels outlined; `is_chosen` if it is one of those shown first."""

    number: int
    overlay: Overlay
    is_chosen: bool


def make_reel(view: VolumeView, labels: Sequence[LabelSummary]) -> Reel:
    """Put those slices that a page shows into one picture."""
    count = view.slice_count
    even = np.unique(np.linspace(0, count - 1, min(count, _MOST_PAGE_SLICES)).round().astype(int)).tolist()
    chosen = frozenset(number for label in labels for number in choose_slices(view, [label]))
    numbers = tuple(sorted({*even, *chosen}))
    slices = [reduce_image(view.slice(number), _PAGE_PIXELS).picture for number in numbers]
    height, width = slices[0].shape[:2]
    picture = load_pillow().image.fromarray(np.concatenate(slices))
    # Pixels that are shown as squares would show what a JPEG file makes of them.
    form, encode = ("png", encode_png) if max(height, width) < _PAGE_PIXELS // 2 else ("jpeg", encode_jpeg)
    address = f"data:image/{form};base64,{b64encode(encode(picture)).decode('ascii')}"
    return Reel(view, numbers, chosen, address, width, height)


def lay_out_slices(reel: Reel, label: LabelSummary) -> list[SliceOverlay]:
    """Outline the supervoxels in each of a page's slices, with their weights for a label."""
    chosen = choose_slices(reel.view, [label])
    return [
        SliceOverlay(
            number,
            lay_out_overlay(reduce_image(reel.view.slice(number), _PAGE_PIXELS), label, reel.screen_width),
            number in chosen,
        )
        for number in reel.numbers
    ]
