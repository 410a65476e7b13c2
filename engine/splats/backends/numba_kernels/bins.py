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
from .simd import LANES, floor8, lanes8, max8, min8, select8, splat8, sqrt8, store8

TILE_WIDTH, TILE_HEIGHT = 8, 32
RECORD = 16  # float32 per splat, one cache line: x, y, A, S, C, L, the channels
AHEAD = 8  # pairs by which memory is fetched ahead; lists of pairs are longer by this or twice this
COLOR = 6  # where the channels begin
LOG2_E, LOG2_255 = 1 / math.log(2), math.log2(255)
MARGIN = 0.01  # makes ellipses a hair larger, so that rounding never leaves a pixel out


@dataclass
class Bins:
    """One picture's splats and pairs.

    Args:
        order: (M,) int32, the visible splats front to back; `rank` is a place in it.
        records: (M * RECORD,) float32: with (dx, dy) = pixel - (x, y) and t = dy + S dx,
            log2(alpha) = L + A dx^2 + C t^2.
        tile_starts: (tiles + 1,) int32, each tile's range of pairs; tiles go row by row.
        pair_ranks: (P,) int32, ascending within a tile.
        pair_rows: (P,) uint32, bit r for row r of the tile; drawing clears the rows that were finished by then.
        splat_starts: (M + 1,) int64, each rank's range in `splat_pairs`.
        splat_pairs: (P,) int32, the pairs of each rank.
    """

    order: np.ndarray
    records: np.ndarray
    tile_starts: np.ndarray
    pair_ranks: np.ndarray
    pair_rows: np.ndarray
    splat_starts: np.ndarray
    splat_pairs: np.ndarray

    def pieces(self, count: int) -> list[tuple[int, int]]:
        """The tiles cut into about `count` spans with equal numbers of pairs (and something for an empty tile)."""
        weight = self.tile_starts + 4 * np.arange(len(self.tile_starts))
        cuts = np.searchsorted(weight, np.linspace(0, weight[-1], count + 1)[1:-1])
        cuts = np.unique(np.concatenate([[0], cuts, [len(weight) - 1]]))
        return list(zip(cuts[:-1].tolist(), cuts[1:].tolist()))


def cache_lines(count: int) -> np.ndarray:
    """(count * RECORD,) float32, not yet filled, each record in one cache line of its own."""
    memory = np.empty((count + 1) * RECORD, np.float32)
    skip = -memory.ctypes.data % (RECORD * 4) // 4
    return memory[skip : skip + count * RECORD]


def bin_splats(
    means2d: np.ndarray, factors: np.ndarray, opacities: np.ndarray, depths: np.ndarray, radii: np.ndarray, width: int,
    height: int, threads: int,
) -> Bins:
    """Sort and bin one camera's splats.

    Args:
        means2d (N, 2), factors (N, 3), opacities (N,), depths (N,), radii (N, 2): as `project` gives them.
    """
    tiles_x, tiles_y = -(-width // TILE_WIDTH), -(-height // TILE_HEIGHT)
    order, room = sort_visible(means2d, depths, radii, width, height)
    chunks = spans(len(order), max(256, -(-len(order) // threads)))
    counts = np.zeros((len(chunks) + 1, tiles_x * tiles_y), np.int32)
    records = cache_lines(len(order))
    # `room` bounds the pairs of every splat from above; a piece of work writes into its own part of it.
    found_tiles, found_rows = np.empty(room[-1], np.int32), np.empty(room[-1], np.uint32)
    first, last = np.empty(len(order), np.int64), np.empty(len(order), np.int64)
    run(
        threads, find_pairs, chunks, order, room, means2d, factors, opacities, radii, width, height, tiles_x, records,
        found_tiles, found_rows, first, last, counts[1:],
    )
    tile_starts = np.zeros(tiles_x * tiles_y + 1, np.int32)
    np.cumsum(counts.sum(0), out=tile_starts[1:])
    places = np.cumsum(counts[:-1], 0, dtype=np.int32) + tile_starts[:-1]
    pair_ranks, pair_rows = np.zeros(tile_starts[-1] + AHEAD, np.int32), np.empty(tile_starts[-1], np.uint32)
    splat_starts = np.zeros(len(order) + 1, np.int64)
    np.cumsum(last - first, out=splat_starts[1:])
    splat_pairs = np.zeros(tile_starts[-1] + 2 * AHEAD, np.int32)
    run(
        threads, place_pairs, chunks, found_tiles, found_rows, first, last, places, pair_ranks, pair_rows,
        splat_starts, splat_pairs,
    )
    return Bins(order, records, tile_starts, pair_ranks, pair_rows, splat_starts, splat_pairs)


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
    order, room, means2d, factors, opacities, radii, width, height, tiles_x, records, found_tiles, found_rows, first,
    last, counts, number, start, stop,
):  # fmt: skip
    """Fill the records of ranks start to stop, and list and count their pairs tile by tile."""
    rows = np.empty(2 * LANES, np.float32)
    for m in range(start, stop):
        n = order[m]
        x, y = np.float64(means2d[n, 0]), np.float64(means2d[n, 1])
        A, S, C = np.float64(factors[n, 0]), np.float64(factors[n, 1]), np.float64(factors[n, 2])
        level = math.log2(np.float64(opacities[n]))
        records[m * RECORD], records[m * RECORD + 1], records[m * RECORD + 3] = x, y, S
        records[m * RECORD + 2], records[m * RECORD + 4] = -0.5 * LOG2_E * A, -0.5 * LOG2_E * C
        records[m * RECORD + 5] = level

        # The ellipse A dx^2 + C t^2 <= extent holds all pixels with alpha >= 1/255. At dx it spans
        # dy = -S dx -+ sqrt((extent - A dx^2) / C), highest at dx = top and lowest at -top.
        extent = 2 / LOG2_E * (level + LOG2_255) + MARGIN
        top = -S / A * math.sqrt(extent / (1 / C + S * S / A))
        ellipse = (extent, A, 1 / C, -S, math.sqrt(extent / A), top)
        left, right = _tiles(x, radii[n, 0], width, TILE_WIDTH)
        first[m] = at = room[m]
        for column in range(left, right):
            lane = (column - left) % LANES
            if lane == 0:
                _column_rows(column * TILE_WIDTH - x, y, ellipse, rows)
            row = np.int64(max(rows[lane], np.float32(0)))
            end = np.int64(min(rows[LANES + lane], np.float32(height)))
            while row < end:
                tile_y = row // TILE_HEIGHT
                tile_end = min(end, (tile_y + 1) * TILE_HEIGHT)
                bits = _rows(row - tile_y * TILE_HEIGHT, tile_end - row)
                found_tiles[at], found_rows[at] = tile_y * tiles_x + column, bits
                counts[number, tile_y * tiles_x + column] += 1
                at += 1
                row = tile_end
        last[m] = at


@compiled
def _splat(value):
    return splat8(np.float32(value))


@compiled
def _column_rows(left, y, ellipse, rows):
    """Fill rows (16,) with the first rows, then the ends, of an ellipse in eight columns of tiles, the first of which
    begins at dx = left."""
    extent, A, per_C, slope = _splat(ellipse[0]), _splat(ellipse[1]), _splat(ellipse[2]), _splat(ellipse[3])
    zero, reach, top = _splat(0.0), _splat(ellipse[4]), _splat(ellipse[5])
    first_pixel = _splat(left + 0.5) + lanes8() * _splat(TILE_WIDTH)
    low, high = max8(first_pixel, zero - reach), min8(first_pixel + _splat(TILE_WIDTH - 1), reach)
    at = min8(max8(top, low), high)
    end = slope * at + sqrt8(max8(extent - at * at * A, zero) * per_C)
    at = min8(max8(zero - top, low), high)
    begin = slope * at - sqrt8(max8(extent - at * at * A, zero) * per_C)
    offset = _splat(y + 0.5)
    # Row r has its centre at r + 0.5. Columns that the ellipse does not reach get an end before their beginning.
    store8(rows, 0, floor8(begin + offset))
    store8(rows, LANES, select8(high >= low, floor8(end + offset), _splat(-1.0)))


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


@compiled
def set_colors(order, colors, records, number, start, stop):
    """Put the channels of colors (N, up to 4) into the records of ranks start to stop."""
    for m in range(start, stop):
        for k in range(colors.shape[1]):
            records[m * RECORD + COLOR + k] = colors[order[m], k]
