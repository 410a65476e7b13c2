# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as one HTML page without scripts, that needs nothing from elsewhere.

Names of people, files and emotions may come from strangers: every text goes through `_text`.
"""

import re
from dataclasses import dataclass
from html import escape

import numpy as np

from ...protocol import EMOTION_NAMES, EXPRESSION_NAMES
from ..capture import Capture
from . import advice as judge
from .advice import Advice
from .coverage import GROUPS, Coverage, group_of, seen_rows
from .looks import Looks
from .pictures import CHANGED, TINTS, Album, Shot
from .plots import bar, scatter, series, strips
from .sound import QUIETEST_SPEECH, Sound
from .style import STYLE

PICTURES = "report"  # the folder beside the page
BINS = 240  # of what is shown over time
LOUDEST, QUIETEST = 0.0, -80.0  # dB of the plot
MOST_LEVELS = 900

_VERDICTS = {
    judge.GOOD: ("Good", "Nothing stands in the way of a good head."),
    judge.USABLE: ("Usable, with remarks", "A head can be fitted from this. What it will lack:"),
    judge.POOR: ("Not good enough", "A head fitted from this would disappoint. What to change first:"),
}
_TOPICS = {
    "pictures": "Pictures", "masks": "Masks", "pose": "Directions", "shapes": "Expressions", "emotions": "Emotions",
    "looks": "Sharpness and light", "sound": "Sound",
}  # fmt: skip
_REGIONS = {
    "hair": "Hair", "face": "Face and ears", "mouth_interior": "Inside of the mouth", "neck_torso": "Neck and clothes",
}  # fmt: skip
_HABITS = {
    "Mouth open": ("jawOpen",), "Lips rounded": ("mouthPucker", "mouthFunnel"),
    "Smile": ("mouthSmileLeft", "mouthSmileRight"), "Brows down": ("browDownLeft", "browDownRight"),
    "Brows up": ("browInnerUp", "browOuterUpLeft", "browOuterUpRight"),
    "Eyes closed": ("eyeBlinkLeft", "eyeBlinkRight"),
}  # fmt: skip


@dataclass(frozen=True)
class Findings:
    """All that the page is made of."""

    capture: Capture
    coverage: Coverage
    looks: Looks
    sound: Sound | None
    album: Album
    advice: list[Advice]


def render_page(findings: Findings) -> str:
    """The page's HTML."""
    capture = findings.capture
    title = f"{capture.identity or 'A capture'}: capture report"
    source = re.split(r"[/\\]", capture.source)[-1]  # of any system's path the name: the page may be shown to others
    body = [
        f'<p class="kind">Capture report</p><h1>{_text(capture.identity or "Without a name")}</h1>',
        f'<p class="soft">From {_text(source)}</p>' if source else "",
        _verdict(findings), _facts(findings), _pictures(findings), _masks(findings), _pose(findings),
        _shapes(findings), _emotions(findings), _looks(findings), _sound(findings),
        "<footer>Made by EmoSplat. The numbers lie in capture.json and tracks.safetensors beside this page.</footer>",
    ]  # fmt: skip
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    head += f"<title>{_text(title)}</title><style>{STYLE}</style>"
    main = "\n".join(body)
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body><main>\n{main}\n</main></body></html>\n'


def _verdict(findings: Findings) -> str:
    verdict = judge.verdict(findings.advice)
    name, sentence = _VERDICTS[verdict]
    items = [
        f'<li><span>{_text(item.text)}</span> <a href="#{item.topic}">{_TOPICS[item.topic]}</a></li>'
        for item in findings.advice
    ]
    said = {item.text for item in findings.advice}
    items += [f"<li><span>{_text(text)}</span></li>" for text in findings.capture.warnings if text not in said]
    listed = f"<ul>{''.join(items)}</ul>" if items else ""
    return f'<section class="verdict {verdict}"><h2>{name}</h2><p>{sentence}</p>{listed}</section>'


def _facts(findings: Findings) -> str:
    capture, coverage, facts, looks = findings.capture, findings.coverage, findings.capture.facts, findings.looks
    rows = {
        "Pictures": f"{coverage.pictures:,}",
        "For fitting / for testing": f"{coverage.fit_pictures:,} / {coverage.pictures - coverage.fit_pictures:,}",
        "Length": f"{_time(coverage.seconds)} at {coverage.fps:.6g} fps",
        "Size": f"{capture.width} × {capture.height} pixels",
        "Face": f"about {np.median(looks.face_px):.0f} pixels wide",
        "Cameras": str(coverage.cameras),
    }
    if facts:
        rows["Source"] = f"{facts.frames:,} pictures, {_time(facts.clip_seconds)}"
        rows["Face found in"] = f"{facts.tracked:,} of {facts.frames:,} pictures"
        if facts.reprojection_error_relative is not None:
            rows["Cameras miss the face by"] = f"{facts.reprojection_error_relative:.2%} of its width"
        if facts.av_offset_seconds is not None:
            rows["Sound in the file starts"] = _offset(facts.av_offset_seconds, "the picture")
        if facts.lip_offset_seconds is not None:
            rows["Sound is heard"] = _offset(facts.lip_offset_seconds, "the lips move")
    listed = "".join(f"<div><dt>{_text(name)}</dt><dd>{_text(value)}</dd></div>" for name, value in rows.items())
    dropped = {reason: count for reason, count in (facts.dropped if facts else {}).items() if count}
    lines = "".join(f"<li>{count:,} because {_text(reason)}</li>" for reason, count in dropped.items())
    left_out = f'<h3>Pictures that were left out</h3><ul class="plain">{lines}</ul>' if dropped else ""
    return f"<section><h2>Facts</h2><dl>{listed}</dl>{left_out}</section>"


def _pictures(findings: Findings) -> str:
    album = findings.album
    extremes = ""
    if album.extremes:
        extremes = f"<h3>How far it goes</h3>{_grid(album.extremes, 'extremes')}"
    lead = "Evenly spaced over the capture."
    return _section("pictures", lead, _grid(album.contacts, "contacts") + extremes)


def _masks(findings: Findings) -> str:
    album, looks = findings.album, findings.looks
    lead = "The head is cut out along these regions. What is dimmed is background, which the head never learns."
    colours = {name: TINTS[region] for region, name in _REGIONS.items()}
    body = _legend(colours) + _grid(album.overlays, "masks")
    if album.jumps:
        body += "<h3>Where masks change most from one picture to the next</h3>"
        body += f'<p class="soft">Usually {np.median(looks.jumps):.1%} of the head changes; a calm mask stays below '
        body += f"{judge.JUMPING_MASK:.0%}.</p>{_legend({'Changed': CHANGED})}{_grid(album.jumps, 'jumps')}"
    return _section("masks", lead, body)


def _pose(findings: Findings) -> str:
    coverage = findings.coverage
    wanted = (judge.WANTED_SIDEWAYS, judge.WANTED_UPRIGHT)
    plot = scatter(coverage.yaw, coverage.pitch, wanted, 40)
    turned = coverage.turned()
    reach = "".join(f"<div><dt>From its {side}</dt><dd>{turned[side]:.0f}°</dd></div>" for side in ("left", "right"))
    reach += "".join(f"<div><dt>From {side}</dt><dd>{turned[side]:.0f}°</dd></div>" for side in ("above", "below"))
    lead = "Each point is a picture: where the camera stood as the face sees it. A head looks right from where it was "
    lead += "seen. Pictures spread over the dashed range make one that holds up when it turns."
    return _section("pose", lead, f'<div class="two">{plot}<dl>{reach}</dl></div>')


def _shapes(findings: Findings) -> str:
    coverage = findings.coverage
    groups = {group: [] for group in GROUPS}
    for column, name in enumerate(EXPRESSION_NAMES):
        reach = float(coverage.reach[column])
        plot = bar(reach, float(coverage.often[column]), float(coverage.usual[column]))
        state = judge.judged(coverage, (name,))
        words = {"unknown": "not judged", "never": "never seen"}.get(state, f"{reach:.0%}")
        row = f'<div class="shape"><span>{name}</span>{plot}<b class="{state}">{words}</b></div>'
        groups[group_of(name)].append(row)
    body = "".join(f'<div class="group"><h3>{group}</h3>{"".join(rows)}</div>' for group, rows in groups.items())
    lead = "How far each ARKit shape was seen. The pale bar is what at least five pictures reach, the dark one what a "
    lead += "tenth of them go beyond, the tick the median."
    note = ""
    if coverage.filmed:
        note = "The face tracker does not see puffed or squinted cheeks, a sneer, a pushed jaw or the tongue, so those "
        note += "are not judged. Frowns and wide eyes are judged by how landmarks move."
        note = f'<p class="soft">{note}</p>'
    return _section("shapes", lead, f'{note}<div class="shapes">{body}</div>')


def _emotions(findings: Findings) -> str:
    capture, coverage = findings.capture, findings.coverage
    start, end = 0.0, capture.seconds
    if coverage.emotions:
        lead = "Which emotion is shown when, as labelled."
        missing = [name for name in EMOTION_NAMES if name not in coverage.emotions]
        lead += f" There is nothing of {', '.join(missing)}." if missing else ""
        spent = "".join(f"<div><dt>{name}</dt><dd>{_time(s)}</dd></div>" for name, s in coverage.emotions.items())
        rows = [(name, _label_bins(capture, name, end)) for name in coverage.emotions]
        body = f"<dl>{spent}</dl><h3>Labels</h3>{strips(rows, start, end)}"
    else:
        lead = "Nobody labelled the emotions, so none are counted. What the face does says which may be there: smiles "
        lead += "for happy, lowered brows for angry, raised ones for surprised."
        body = ""
    habits = [(name, _shape_bins(capture, shapes, end)) for name, shapes in _HABITS.items()]
    body += f"<h3>What the face does</h3>{strips(habits, start, end)}"
    return _section("emotions", lead, body)


def _looks(findings: Findings) -> str:
    looks = findings.looks
    lead = "Measured on pictures spread over the capture. Sharpness is relative to this capture's "
    lead += "median. Below the dashed lines it is too little."
    order = np.argsort(looks.times, kind="stable")
    times = looks.times[order]
    usual = max(float(np.median(looks.sharpness)), 1e-9)
    sharp = looks.sharpness[order] / usual
    wide = looks.face_px[order]
    one = findings.coverage.cameras == 1  # values of several cameras do not follow each other
    bright = 100 * looks.brightness[order]
    most = max(1.25 * judge.SMALL_FACE, float(wide.max()))
    body = "<h3>Sharpness of the face</h3>"
    body += series(times, sharp, 0, max(2.0, float(sharp.max())), "", judge.BLURRED, one)
    body += f"<h3>Brightness of the face</h3>{series(times, bright, 0, 100, '%', joined=one)}"
    body += f"<h3>Width of the face in pixels</h3>{series(times, wide, 0, most, '', judge.SMALL_FACE, one)}"
    return _section("looks", lead, body)


def _sound(findings: Findings) -> str:
    sound = findings.sound
    if sound is None:
        return _section("sound", "The capture has no sound, or none that can be read.", "")
    level = "none" if np.isnan(sound.speech_level) else f"{sound.speech_level:.0f} dB"
    facts = {
        "Length": _time(sound.seconds), "Speech": f"{_time(sound.speech_seconds)} ({sound.speech_share:.0%})",
        "Silence": f"{sound.silence_share:.0%}", "Level of speech": level, "Noise floor": f"{sound.noise:.0f} dB",
        "Cut off at full level": f"{sound.clipped:.1%}",
    }  # fmt: skip
    measured = findings.capture.facts
    if measured and measured.lip_offset_seconds is not None:
        facts["Sound is heard"] = _offset(measured.lip_offset_seconds, "the lips move")
    listed = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts.items())
    times, levels = _loudest(sound)
    plot = series(times, levels, QUIETEST, LOUDEST, " dB", QUIETEST_SPEECH)
    lead = "What is louder than the noise counts as speech. Below the dashed line even a whisper is not heard."
    return _section("sound", lead, f"<dl>{listed}</dl><h3>Level</h3>{plot}")


def _section(topic: str, lead: str, body: str) -> str:
    return f'<section id="{topic}"><h2>{_TOPICS[topic]}</h2><p>{lead}</p>{body}</section>'


def _grid(shots: list[Shot], style: str) -> str:
    figures = [
        f'<figure><img src="{PICTURES}/{shot.file}" alt="{_text(shot.caption)}" loading="lazy">'
        f"<figcaption>{_text(shot.caption)}</figcaption></figure>"
        for shot in shots
    ]
    return f'<div class="grid {style}">{"".join(figures)}</div>'


def _legend(colours: dict[str, tuple[int, int, int]]) -> str:
    items = [
        f'<span><i style="background: rgb({r}, {g}, {b})"></i>{_text(name)}</span>'
        for name, (r, g, b) in colours.items()
    ]
    return f'<div class="legend">{"".join(items)}</div>'


def _label_bins(capture: Capture, emotion: str, end: float) -> np.ndarray:
    values = np.full(BINS, np.nan)
    for label in capture.labels:
        if label.emotion == emotion:
            first, last = (int(np.clip(time / end * BINS, 0, BINS)) for time in (label.start, label.end))
            values[first : max(last, first + 1)] = max(label.intensity, 0.1)
    return values


def _shape_bins(capture: Capture, shapes: tuple[str, ...], end: float) -> np.ndarray:
    rows = seen_rows(capture)
    weights = capture.expression[np.ix_(rows, [EXPRESSION_NAMES.index(name) for name in shapes])].max(axis=1)
    values = np.full(BINS, -np.inf)
    np.maximum.at(values, np.minimum((capture.times[rows] / end * BINS).astype(int), BINS - 1), weights)
    return np.where(np.isfinite(values), values, np.nan)


def _loudest(sound: Sound) -> tuple[np.ndarray, np.ndarray]:
    """At most MOST_LEVELS times and levels: of each bin of windows the loudest."""
    each = -(-len(sound.levels) // MOST_LEVELS)
    starts = np.arange(0, len(sound.levels), each)
    return sound.times[starts], np.maximum.reduceat(sound.levels, starts)


def _offset(seconds: float, than: str) -> str:
    milliseconds = round(abs(seconds) * 1000)
    return f"{milliseconds} ms {'after' if seconds > 0 else 'before'} {than}" if milliseconds else f"with {than}"


def _time(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 120 else f"{int(seconds // 60)} min {int(seconds % 60):02d} s"


def _text(value: str) -> str:
    """For the page, which is UTF-8: names of files may hold bytes that are none."""
    return escape(str(value).encode("utf-8", "replace").decode("utf-8"), quote=True)
