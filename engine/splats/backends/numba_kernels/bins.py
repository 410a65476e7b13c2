# SPDX-License-Identifier: GPL-3.0-or-later
"""Which splats touch which tile, front to back.

A tile is 8 pixels wide, one vector, and 32 tall, one bit per row. A splat and a tile that it touches make a pair. A
pair carries the rows of the tile that the splat's ellipse crosses, exactly, so that no row is drawn in vain and rows
that are finished can be masked out.
"""

import math
from dataclasses import dataclass

import numpy as np

from .compiled import compiled
from .parallel import run, spans

TILE_WIDTH, TILE_HEIGHT = 8, 32
RECORD = 16  # float32 per splat, one cache line: x, y, A, B, C and L of log2(alpha), 4 channels; the rest is unused
LOG2_E = 1 / math.log(2)
MARGIN = 0.01  # pixels by which a row may be drawn in vain, so that rounding never leaves one out


@dataclass
class Bins:
    """One picture's splats and pairs.

    Args:
        order: (M,) int32, the visible splats front to back; `rank` is a place in it.
        records: (M * RECORD,) float32: with d = pixel - (x, y),
            log2(alpha) = L + A dx^2 + B dx dy + C dy^2.
        tile_starts: (tiles + 1,) int32, each tile's range of pairs; tiles go row by row.
        pair_ranks: (P,) int32, ascending within a tile.
        pair_rows: (P,) uint32, bit r for row r of the tile; drawing clears the rows that were finished by then.
        splat_starts: (M + 1,) int64, each rank's range in `splat_pairs`.
        splat_pairs: (P,) int32, the pairs of each rank.
        tiles_x: tiles in a row of the picture.
    """

    order: np.ndarray
    records: np.ndarray
    tile_starts: np.ndarray
    pair_ranks: np.ndarray
    pair_rows: np.ndarray
    splat_starts: np.ndarray
    splat_pairs: np.ndarray
    tiles_x: int

    def pieces(self, count: int) -> list[tuple[int, int]]:
        """The tiles cut into about `count` spans with equal numbers of pairs (and something for an empty tile)."""
        weight = self.tile_starts + 4 * np.arange(len(self.tile_starts))
        cuts = np.searchsorted(weight, np.linspace(0, weight[-1], count + 1)[1:-1])
        cuts = np.unique(np.concatenate([[0], cuts, [len(weight) - 1]]))
        return list(zip(cuts[:-1].tolist(), cuts[1:].tolist()))


def bin_splats(
    means2d: np.ndarray, conics: np.ndarray, opacities: np.ndarray, depths: np.ndarray, radii: np.ndarray, width: int,
    height: int, threads: int,
) -> Bins:
    """Sort and bin one camera's splats.

    Args:
        means2d (N, 2), conics (N, 3), opacities (N,), depths (N,) float32, radii (N, 2) int32: as `project` gives them.
    """
    tiles_x, tiles_y = -(-width // TILE_WIDTH), -(-height // TILE_HEIGHT)
    order, room = sort_visible(means2d, depths, radii, width, height)
    chunks = spans(len(order), max(256, -(-len(order) // threads)))
    counts = np.zeros((len(chunks) + 1, tiles_x * tiles_y), np.int32)
    records = np.empty(len(order) * RECORD, np.float32)
    # `room` bounds the pairs of every splat from above; a piece of work writes into its own part of it.
    found_tiles, found_rows = np.empty(room[-1], np.int32), np.empty(room[-1], np.uint32)
    first, last = np.empty(len(order), np.int64), np.empty(len(order), np.int64)
    run(
        threads, find_pairs, chunks, order, room, means2d, conics, opacities, radii, width, height, tiles_x, records,
        found_tiles, found_rows, first, last, counts[1:],
    )
    tile_starts = np.zeros(tiles_x * tiles_y + 1, np.int32)
    np.cumsum(counts.sum(0), out=tile_starts[1:])
    places = np.cumsum(counts[:-1], 0, dtype=np.int32) + tile_starts[:-1]
    pair_ranks, pair_rows = np.empty(tile_starts[-1], np.int32), np.empty(tile_starts[-1], np.uint32)
    splat_starts = np.zeros(len(order) + 1, np.int64)
    np.cumsum(last - first, out=splat_starts[1:])
    splat_pairs = np.empty(tile_starts[-1], np.int32)
    run(
        threads, place_pairs, chunks, found_tiles, found_rows, first, last, places, pair_ranks, pair_rows,
        splat_starts, splat_pairs,
    )
    return Bins(order, records, tile_starts, pair_ranks, pair_rows, splat_starts, splat_pairs, tiles_x)


@compiled
def sort_visible(means2d, depths, radii, width, height):
    """The visible splats front to back (equal depths in their own order), and a running upper bound of their pairs.

    A radix sort: the bits of positive floats sort as the floats do.
    """
    visible = 0
    for n in range(len(depths)):
        visible += radii[n, 0] > 0
    keys, ids = np.empty(visible, np.uint32), np.empty(visible, np.int32)
    bits = depths.view(np.uint32)
    m = 0
    for n in range(len(depths)):
        if radii[n, 0] > 0:
            keys[m], ids[m] = bits[n], n
            m += 1
    other_keys, other_ids = np.empty_like(keys), np.empty_like(ids)
    for shift in (0, 11, 22):
        starts = np.zeros(2049, np.int64)
        for key in keys:
            starts[((key >> shift) & 2047) + 1] += 1
        for i in range(2048):
            starts[i + 1] += starts[i]
        for i in range(visible):
            digit = (keys[i] >> shift) & 2047
            place = starts[digit]
            starts[digit] += 1
            other_keys[place], other_ids[place] = keys[i], ids[i]
        keys, other_keys = other_keys, keys
        ids, other_ids = other_ids, ids
    room = np.empty(visible + 1, np.int64)
    room[0] = 0
    for m in range(visible):
        n = ids[m]
        left, right = _tiles(means2d[n, 0], radii[n, 0], width, TILE_WIDTH)
        top, bottom = _tiles(means2d[n, 1], radii[n, 1], height, TILE_HEIGHT)
        room[m + 1] = room[m] + (right - left) * (bottom - top)
    return ids, room


@compiled
def _tiles(middle, radius, size, tile):
    """First and one past the last tile that [middle - radius, middle + radius] touches."""
    first = max(math.floor((middle - radius) / tile), 0)
    return first, max(min(math.floor((middle + radius) / tile) + 1, (size + tile - 1) // tile), first)


@compiled
def find_pairs(
    order, room, means2d, conics, opacities, radii, width, height, tiles_x, records, found_tiles, found_rows, first,
    last, counts, number, start, stop,
):  # fmt: skip
    """Fill the records of ranks start to stop, and list and count their pairs tile by tile."""
    for m in range(start, stop):
        n = order[m]
        x, y = np.float64(means2d[n, 0]), np.float64(means2d[n, 1])
        a, b, c = np.float64(conics[n, 0]), np.float64(conics[n, 1]), np.float64(conics[n, 2])
        records[m * RECORD], records[m * RECORD + 1] = x, y
        records[m * RECORD + 2], records[m * RECORD + 3] = -0.5 * LOG2_E * a, -LOG2_E * b
        records[m * RECORD + 4], records[m * RECORD + 5] = -0.5 * LOG2_E * c, math.log2(opacities[n])

        # The ellipse a dx^2 + 2 b dx dy + c dy^2 <= level holds all pixels with alpha >= 1/255. At dx it spans
        # dy = slope dx -+ sqrt((level - dx^2 / variance) / c), highest at dx = top and lowest at -top.
        level = 2 * math.log(255 * np.float64(opacities[n])) + 1e-4
        slope = -b / c
        determinant = max(a * c - b * b, 1e-30)
        variance = c / determinant
        reach, top = math.sqrt(level * variance), -b * math.sqrt(level / (a * determinant))
        left, right = _tiles(x, radii[n, 0], width, TILE_WIDTH)
        first[m] = at = room[m]
        for column in range(left, right):
            low = max(column * TILE_WIDTH + 0.5 - x, -reach)
            high = min(column * TILE_WIDTH + TILE_WIDTH - 0.5 - x, reach)
            if low > high + MARGIN:
                continue
            highest, lowest = min(max(top, low), high), min(max(-top, low), high)
            up = slope * highest + math.sqrt(max(level - highest * highest / variance, 0.0) / c)
            down = slope * lowest - math.sqrt(max(level - lowest * lowest / variance, 0.0) / c)
            row = max(math.ceil(max(y + down - 0.5 - MARGIN, -1.0)), 0)
            end = math.floor(min(y + up - 0.5 + MARGIN, np.float64(height))) + 1
            end = min(end, height)
            while row < end:
                tile_y = row // TILE_HEIGHT
                last_row = min(end, (tile_y + 1) * TILE_HEIGHT)
                bits = _rows(row - tile_y * TILE_HEIGHT, last_row - row)
                found_tiles[at], found_rows[at] = tile_y * tiles_x + column, bits
                counts[number, tile_y * tiles_x + column] += 1
                at += 1
                row = last_row
        last[m] = at


@compiled
def _rows(first, count):
    """A mask of `count` rows from `first`."""
    return np.uint32(((np.uint64(1) << np.uint64(count)) - np.uint64(1)) << np.uint64(first))


@compiled
def place_pairs(
    found_tiles, found_rows, first, last, places, pair_ranks, pair_rows, splat_starts, splat_pairs, number, start, stop
):
    """Bring the pairs of ranks start to stop into the tiles' order."""
    place = places[number]
    for m in range(start, stop):
        for i in range(last[m] - first[m]):
            found = first[m] + i
            at = place[found_tiles[found]]
            place[found_tiles[found]] = at + 1
            pair_ranks[at], pair_rows[at] = m, found_rows[found]
            splat_pairs[splat_starts[m] + i] = at
