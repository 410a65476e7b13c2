# SPDX-License-Identifier: GPL-3.0-or-later
"""fit_report.html: how a fit went and what the head does with pictures it never saw; in a capture report's style.

Names may come from strangers: every text is escaped.
"""

import shutil
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ..capture.capture import directions
from ..capture.review.pictures import when
from ..capture.review.plots import series
from ..capture.review.style import STYLE
from ..emotion.model import shipped_model
from ..files import make_folder, whole_file, write_text
from ..head.head import Head
from ..protocol import EMOTION_NAMES, EXPRESSION_NAMES
from ..report import Report
from .course import History
from .evaluate import Likeness, place_rows
from .scene import Scene
from .view import draw, true_picture

PAGE, PICTURES = "fit_report.html", "report"
MOST_ROWS = 60  # held-out pictures that are drawn
SHEET, WORST = 10, 6
DIFFERENCE = 4  # how much stronger than it is a difference is shown
SIDE, QUALITY = 256, 85
# A kind of picture is worth filming more of where its heads come out this much worse than the others: dB.
WORSE = 1.5
FEW = 0.1  # of the fitted pictures
GOOD, USABLE = 32.0, 27.0  # dB of the head's core


@dataclass(frozen=True)
class Seen:
    """Held-out pictures, drawn: their rows, in order, and each one's PSNR of the head."""

    rows: np.ndarray
    psnr_head: np.ndarray
    means: dict[str, float | None]


def write_fit_report(folder: Path, head: Head, scene: Scene, history: History, threads: int, report: Report) -> dict:
    """Draw held-out pictures, write the page.

    Returns:
        `psnr`, `psnr_head`, `mouth_psnr` and `ssim` over the pictures drawn; None where none are held out.

    Raises:
        StorageError: the disk refuses.
        Cancelled: the person asked to stop.
    """
    shutil.rmtree(folder / PICTURES, ignore_errors=True)
    make_folder(folder / PICTURES)
    rows = scene.test[np.unique(np.linspace(0, len(scene.test) - 1, MOST_ROWS).astype(int))] if len(scene.test) else []
    rows = np.asarray(rows, int)
    places = place_rows(head, scene, rows, report)
    likeness, scores = Likeness(scene), []
    drawn = {}
    for done, row in enumerate(rows.tolist()):
        report.progress("fit report", done, len(rows))
        drawn[row] = draw(head, scene, row, scene.drive.frame(row), places[row], threads)
        likeness.add(row, drawn[row])
        scores.append(likeness.of_rows()[-1] if likeness.of_rows() else np.nan)
    seen = Seen(rows, np.array(scores), likeness.means())
    sheet = rows[np.unique(np.linspace(0, len(rows) - 1, SHEET).astype(int))] if len(rows) else rows
    worst = rows[np.argsort(seen.psnr_head)[:WORST]] if len(rows) else rows
    for row in {*sheet.tolist(), *worst.tolist()}:
        _draw_triple(folder / PICTURES / _name(scene, row), true_picture(scene, row), drawn[row])
    write_text(folder / PAGE, _page(head, scene, history, seen, sheet, worst))
    return {name: seen.means[name] for name in ("psnr", "psnr_head", "mouth_psnr", "ssim")}


def film_more(scene: Scene, seen: Seen) -> list[str]:
    """What to film more of, one sentence each: kinds of pictures that are rare and come out worse."""
    capture = scene.capture
    if np.isfinite(seen.psnr_head).sum() < 8:
        return ["Too few pictures are held out to say what is missing."]
    usual = float(np.nanmedian(seen.psnr_head))
    yaw, pitch = directions(capture.viewmats)
    kinds = {
        "with the mouth wide open": _weight(capture, "jawOpen") > 0.35,
        "with the lips rounded": _weight(capture, "mouthPucker") > 0.4,
        "smiling": _weight(capture, "mouthSmile") > 0.4,
        "with the eyes closed": _weight(capture, "eyeBlink") > 0.5,
        "with raised brows": _weight(capture, "browInnerUp") > 0.4,
        "turned to its left": yaw < -np.radians(20), "turned to its right": yaw > np.radians(20),
        "seen from above": pitch > np.radians(12), "seen from below": pitch < -np.radians(12),
    }  # fmt: skip
    texts = []
    for name, flags in kinds.items():
        here, share = flags[seen.rows], float(flags[scene.fitted].mean())
        here &= np.isfinite(seen.psnr_head)
        if not here.any():
            continue
        worse = usual - float(seen.psnr_head[here].mean())
        if worse > WORSE and share < FEW:
            texts.append(
                f"Film more of the person {name}: {share:.0%} of the pictures show it, and there the head comes out "
                f"{worse:.1f} dB worse."
            )
        elif worse > 2 * WORSE:
            texts.append(f"The head comes out {worse:.1f} dB worse {name}.")
    return texts


def _weight(capture, start: str) -> np.ndarray:
    columns = [column for column, name in enumerate(EXPRESSION_NAMES) if name.startswith(start)]
    return capture.expression[:, columns].mean(axis=1)


def _page(head: Head, scene: Scene, history: History, seen: Seen, sheet: np.ndarray, worst: np.ndarray) -> str:
    title = f"{head.name}: fit report"
    body = [
        f'<p class="kind">Fit report</p><h1>{escape(head.name)}</h1>', _verdict(scene, seen),
        _facts(head, scene, history, seen), _curves(history), _triples(scene, seen, sheet, "Pictures it never saw",
        "Each is the true picture, the head, and how they differ, four times as strong."),
        _triples(scene, seen, worst, "The worst of them", "Where they differ most."),
        "<footer>Made by EmoSplat. python -m engine evaluate measures more.</footer>",
    ]  # fmt: skip
    start = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    start += f"<title>{escape(title)}</title><style>{STYLE}</style>"
    main = "\n".join(body)
    return f'<!doctype html>\n<html lang="en"><head>{start}</head>\n<body><main>\n{main}\n</main></body></html>\n'


def _verdict(scene: Scene, seen: Seen) -> str:
    value = seen.means["psnr_head"]
    texts = film_more(scene, seen)
    if value is None:
        style, name, text = "usable", "Not measured", "No pictures were held out."
    elif value >= GOOD:
        style, name, text = "good", "Good", f"Pictures it never saw are met to {value:.1f} dB."
    elif value >= USABLE:
        style, name, text = "usable", "Usable, with remarks", f"Pictures it never saw are met to {value:.1f} dB."
    else:
        style, name, text = "poor", "Not good enough", f"Pictures it never saw are met to {value:.1f} dB only."
    items = "".join(f"<li><span>{escape(item)}</span></li>" for item in texts)
    listed = f"<ul>{items}</ul>" if items else ""
    return f'<section class="verdict {style}"><h2>{name}</h2><p>{text}</p>{listed}</section>'


def _facts(head: Head, scene: Scene, history: History, seen: Seen) -> str:
    def number(name: str, unit: str, digits: int = 1) -> str:
        value = seen.means[name]
        return "not measured" if value is None else f"{value:.{digits}f}{unit}"

    consent = head.meta.get("consent")
    rows = {
        "Steps": f"{history.steps:,} in {history.seconds / 60:.1f} min", "Gaussians": f"{len(head.gaussians):,}",
        "Pictures fitted": f"{len(scene.fitted):,} of {scene.pictures.width} × {scene.pictures.height} pixels",
        "Pictures drawn here": f"{len(seen.rows):,}, held out of the fit", "Whole picture": number("psnr", " dB"),
        "Head": number("psnr_head", " dB"), "Mouth": number("mouth_psnr", " dB"), "SSIM": number("ssim", "", 3),
        "Sharpness": number("sharpness", " of the true picture's", 2),
        "Voice": head.meta["fit"].get("voice", "no sound"), "Emotion's codebooks": _codebooks(head),
        "Consent": f"{consent['text']} ({consent['date']})" if consent else "none recorded",
    }  # fmt: skip
    listed = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in rows.items())
    return f"<section><h2>Facts</h2><dl>{listed}</dl></section>"


def _codebooks(head: Head) -> str:
    """How many entries of each codebook (perplexity) are in use over the eight emotions."""
    field = head.mover.field
    if field is None or not field.placed:
        return "not in use"
    points = shipped_model()[0].space.of_weights(np.eye(len(EMOTION_NAMES), dtype=np.float32))
    with torch.no_grad():
        rows = field.face.emotion_encoder.usage(head.mover.inputs.emotion(torch.from_numpy(points)))
    return ", ".join(f"{row['perplexity']:.0f} of {row['entries']}" for row in rows) + " in use over the eight emotions"


def _curves(history: History) -> str:
    if len(history.looks) < 2:
        return ""
    looks = np.array([[np.nan if value is None else value for value in look] for look in history.looks], np.float64)
    times = looks[:, 1]
    body = f"<h3>Loss</h3>{series(times, looks[:, 2], 0, float(np.nanmax(looks[:, 2])), '')}"
    for name, values in (("Head, dB", looks[:, 3]), ("Mouth, dB", looks[:, 4])):
        if np.isfinite(values).sum() > 1:
            low, high = np.floor(np.nanmin(values)), np.ceil(np.nanmax(values))
            body += f"<h3>{name}</h3>{series(times, values, float(low), float(max(high, low + 1)), '')}"
    lead = "<p>Over the seconds of the fit, on a few held-out pictures with the poses as they were tracked.</p>"
    return f"<section><h2>Curves</h2>{lead}{body}</section>"


def _triples(scene: Scene, seen: Seen, rows: np.ndarray, title: str, lead: str) -> str:
    if not len(rows):
        return ""
    scores = dict(zip(seen.rows.tolist(), seen.psnr_head.tolist()))
    figures = "".join(
        f'<figure><img src="{PICTURES}/{_name(scene, row)}" alt="true, drawn, difference" loading="lazy">'
        f"<figcaption>{escape(when(scene.capture, row))} {_decibels(scores[row])}</figcaption></figure>"
        for row in rows.tolist()
    )
    return f'<section><h2>{title}</h2><p>{lead}</p><div class="grid" style="--tile: 440px">{figures}</div></section>'


def _decibels(value: float) -> str:
    return f" · {value:.1f} dB" if np.isfinite(value) else ""


def _name(scene: Scene, row: int) -> str:
    return f"held_out_{scene.capture.stem(row)}.jpg"


def _draw_triple(path: Path, target: np.ndarray, picture: np.ndarray) -> None:
    shown = np.concatenate([target, picture, np.clip(DIFFERENCE * np.abs(picture - target), 0, 1)], axis=1)
    image = Image.fromarray((255 * shown).round().astype(np.uint8))
    image.thumbnail((3 * SIDE, 3 * SIDE), Image.Resampling.LANCZOS)
    with whole_file(path) as part:
        image.save(part, format="JPEG", quality=QUALITY)
