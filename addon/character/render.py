# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans a character's capture and renders it: first every picture, then every mask."""

import shutil
import time
from pathlib import Path
from typing import Callable

import bpy
import numpy as np

from ...engine.protocol import EXPRESSION_NAMES, exact_fps
from ..paths import disk_problem
from ..problem import Problem
from ..takes import read_take
from .design import plan_frames
from .head_frame import find_head_frame, world_points
from .job import CharacterJob
from .look import same_look
from .mask_materials import paint_regions, shares_to_mask
from .matching import missing
from .prepare import add_camera, fingerprint, only_light, prepare_character, prepare_output
from .takes import prototypes
from .views import choose_views, project
from .work import Work, grey_png, settle, sound_name

BYTES_PER_PIXEL = 2.0  # of a picture and its mask, as PNG
Told = Callable[[str, int, int, float | None], None]


class CharacterCapture:
    """A capture under way in the open .blend.

    Args:
        job: its shapes that move nothing are dropped.
        part: which of how many processes this is; each renders every so manieth row.
        tell: called with (stage, done, total, seconds left or None).

    Raises:
        Problem: whatever in the file, the job or the folder stands in the way.
    """

    def __init__(self, job: CharacterJob, part: tuple[int, int], tell: Told) -> None:
        self.job, self.part, self._tell = job, part, tell
        tell("prepare", 0, 1, None)
        scene = bpy.data.scenes.get(job.scene)
        if scene is None:
            raise Problem(f"There is no scene {job.scene!r} in {job.blend}.", "Choose another.", "character")
        if bpy.context.window is not None:
            bpy.context.window.scene = scene
        self.scene = scene
        self.warnings = prepare_character(job, scene)
        self.frame = find_head_frame(job, scene)
        self.warnings += self.frame.warnings
        groups = sorted({tuple(shape.names) for shape in job.shapes}, key=len)
        takes = [read_take(take.take) for take in job.takes]
        emotions = prototypes(read_take(job.emotions)) if job.emotions else {}
        self.plan = plan_frames(groups, takes, emotions, job.frames, job.spoken, job.seed)
        self.views = choose_views(len(self.plan.frames), job.size, self.frame.middle, job.seed)
        self._see_head()
        if lacking := missing({name for names in groups for name in names}):
            self.warnings.append(f"The character has no {_some(lacking)}: the head cannot learn what is not there.")
        self.camera = add_camera(scene, self.frame.metres)
        self.work = Work(Path(job.out), self._described(), [Path(take.audio) for take in job.takes])
        tell("prepare", 1, 1, None)

    def run(self) -> bool:
        """Render what is not there yet; True when the whole capture is."""
        rows = range(self.part[0], len(self.plan.frames), self.part[1])
        pictures = [row for row in rows if not self.work.picture(row).exists()]
        masks = [row for row in rows if not self.work.mask(row).exists()]
        self._require_space(len(pictures) + 0.05 * len(masks))
        prepare_output(self.job, self.scene)
        only_light(self.job, self.scene)
        if (pictures or masks) and len(pictures) < len(rows):
            self._see_look(next(row for row in rows if self.work.picture(row).exists()))
        self._each("render", pictures, self._picture)
        if masks:
            paint_regions(self.job, self.scene)
        self._each("masks", masks, self._mask)
        return self.work.finish()

    def _each(self, stage: str, rows: list[int], draw: Callable[[int], None]) -> None:
        started = time.monotonic()
        for done, row in enumerate(rows):
            spent = time.monotonic() - started
            self._tell(stage, done, len(rows), spent / done * (len(rows) - done) if done else None)
            self._pose(row)
            draw(row)
        self._tell(stage, len(rows), len(rows), 0.0)

    def _pose(self, row: int) -> None:
        weights = dict(zip(EXPRESSION_NAMES, self.plan.expression[row].tolist()))
        for shape in self.job.shapes:
            thing = bpy.data.objects[shape.object]
            thing.data.shape_keys.key_blocks[shape.key].value = weights[shape.names[0]]
        self.camera.matrix_world = self.frame.camera_matrix(self.views.viewmats[row]).T
        self.camera.data.lens = self.views.Ks[row, 0, 0] / self.job.size * 36.0

    def _picture(self, row: int, path: Path | None = None) -> None:
        if self.scene.render.engine == "CYCLES":
            self.scene.cycles.seed = int(self.plan.frames[row])  # noise that stands still would be learnt
        self._render(path or self.work.picture(row))

    def _mask(self, row: int) -> None:
        path = self.work.mask(row)
        drawn = path.with_name(f".{path.stem}.drawn.png")
        self._render(drawn)
        image = bpy.data.images.load(str(drawn))
        try:
            image.colorspace_settings.name = "Non-Color"
            image.alpha_mode = "CHANNEL_PACKED"
            pixels = np.empty(image.size[0] * image.size[1] * 4, np.float32)
            image.pixels.foreach_get(pixels)
        finally:
            bpy.data.images.remove(image)
            drawn.unlink()
        mask = shares_to_mask(pixels.reshape(self.job.size, self.job.size, 4)[::-1])
        if not mask.any():
            raise Problem("The character cannot be seen in its own pictures.",
                          "Check that its objects and materials show in a render.", "character")
        part = path.with_name(f".{path.stem}.part.png")
        try:
            part.write_bytes(grey_png(mask))
            settle(part, path)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise disk_problem(error, path) from error

    def _render(self, path: Path) -> None:
        part = path.with_name(f".{path.stem}.part.png")
        self.scene.render.filepath = str(part)
        try:
            bpy.ops.render.render(write_still=True, scene=self.scene.name)
        except RuntimeError as error:
            part.unlink(missing_ok=True)
            raise Problem(f"{path} could not be rendered or written ({str(error).strip()}).",
                          "Free some space on the disk if it is full, and start again: it goes on.",
                          "storage") from None
        settle(part, path)

    def _see_look(self, row: int) -> None:
        """A picture of the broken-off try, rendered again: the plan knows shapes, and not what light and materials do.

        Raises:
            Problem: it does not look the same any more.
        """
        before = self.work.picture(row)
        again = before.with_name(f".{before.stem}.again.png")
        self._pose(row)
        self._picture(row, again)
        try:
            if not same_look(before, again):
                raise Problem(f"The character looks different from the pictures that are in {self.work.folder}.",
                              "Undo what was changed in light, materials or settings and it goes on, or delete that "
                              "folder to begin anew.", "character")
        finally:
            again.unlink(missing_ok=True)

    def _see_head(self) -> None:
        """Before an hour is spent: the vertices that speak must be before the cameras."""
        names = dict.fromkeys(shape.object for shape in self.job.shapes)
        points = np.concatenate([world_points(bpy.data.objects[name]) for name in names])
        points = self.frame.to_head(points[:: max(1, len(points) // 2000)])
        step = max(1, len(self.views.Ks) // 20)
        for viewmat, K in zip(self.views.viewmats[::step], self.views.Ks[::step]):
            pixels = project(points, viewmat, K)
            if not ((pixels > 0.0) & (pixels < self.job.size)).all(axis=1).any():
                raise Problem("The head is outside the pictures: its frame does not lie where its face is.",
                              "Choose another head object, or none.", "character")

    def _require_space(self, pictures: float) -> None:
        needed = pictures * self.job.size ** 2 * BYTES_PER_PIXEL
        free = shutil.disk_usage(self.work.folder).free
        if free < needed:
            raise Problem(f"{self.work.folder} has {free / 1e6:,.0f} MB free and this needs about "
                          f"{needed / 1e6:,.0f} MB.", "Free some space or choose another folder.", "storage")

    def _described(self) -> dict:
        """What character.json says."""
        job, plan = self.job, self.plan
        fps = exact_fps(job.fps)
        sounds = [{"file": sound_name(number, Path(job.takes[number].audio)), "frame": start}
                  for number, start in plan.sounds]
        labels = [{"start": float(first / fps), "end": float(end / fps), "emotion": emotion, "intensity": amount}
                  for first, end, emotion, amount in plan.labels]
        return {
            "identity": job.identity, "fps": str(fps), "width": job.size, "height": job.size, "seed": job.seed,
            "source": Path(job.blend).name, "fingerprint": fingerprint(job), "engine": self.scene.render.engine,
            "samples": job.samples,
            "expression_names": list(EXPRESSION_NAMES), "labels": labels, "sound": sounds,
            "warnings": self.warnings, "frames": plan.frames.tolist(),
            "viewmats": _rows(self.views.viewmats), "Ks": _rows(self.views.Ks),
            "expression": [[round(x, 4) for x in row] for row in plan.expression.tolist()],
        }


def _rows(matrices: np.ndarray) -> list[list[float]]:
    return matrices.reshape(len(matrices), -1).round(9).tolist()


def _some(names: list[str]) -> str:
    if len(names) <= 4:
        return ", ".join(names)
    return f"{', '.join(names[:3])} and {len(names) - 3} more of ARKit's shapes"
