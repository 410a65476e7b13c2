# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for engine/__main__.py where the add-on is tested: speaks the protocol, draws grey squares, needs nothing.

The head's name says how it behaves: "slow" draws until it is cancelled, "deaf" does not listen to cancels, "dies" exits
in the middle, "empty" reports frames that it never wrote, "short" has audio of 5 frames, "warns" warns.

So does the name of the film that a capture is made of: "slow", "dies", "warns", or "no face"; of the capture that a
head is fitted to: "slow", "warns"; and that of the sound or
file that a take is made of: "slow", "wild" has a weight of 7, "torn" is no take.
"""

import json
import os
import struct
import sys
import threading
import time
import zlib
from pathlib import Path

from .fake_clip import write_clip
from .protocol import EMOTION_NAMES, EXPRESSION_NAMES

TAKE_FRAMES = 30
cancelled = threading.Event()


def send(kind: str, job_id: str = "", **content) -> None:
    sys.stdout.write(json.dumps({"type": kind, "id": job_id, **content}) + "\n")
    sys.stdout.flush()


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    rows = (b"\0" + bytes((200, 100, 50, 255)) * width) * height
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def speak(job_id: str, job: dict) -> None:
    kind, out = job["head"], Path(job["out"])
    camera = json.loads(Path(job["camera"]).read_text())
    json.loads(Path(job["controls"]).read_text())
    total = 5 if kind == "short" else TAKE_FRAMES
    last = min(job["last"] or total, total)
    numbers = range(job["first"], last + 1)
    if kind == "warns":
        send("warning", job_id, text="The audio is silent.")
    for done, number in enumerate(numbers):
        while kind in ("slow", "deaf") and done == 2:
            send("progress", job_id, stage="draw", done=done, total=len(numbers), eta=60.0)
            time.sleep(0.05)
            if cancelled.is_set() and kind == "slow":
                return send("error", job_id, code="cancelled", what="The job was cancelled.", todo="")
        if kind == "dies" and done == 2:
            print("a native library gave up", file=sys.stderr, flush=True)
            os._exit(7)
        send("progress", job_id, stage="draw", done=done, total=len(numbers), eta=None)
        if kind != "empty":
            (out / f"frame_{number:05d}.png").write_bytes(png(camera["width"], camera["height"]))
    send("result", job_id, result={"frames": len(numbers), "seconds": {"total": 0.1}})


def capture(job_id: str, job: dict) -> None:
    kind, out = Path(job["source"]).stem, Path(job["out"])
    part = out.with_name(f"{out.name}.part")
    done = 2 if part.exists() else 0
    part.mkdir(exist_ok=True)
    (part / "journal.json").write_text("{}")
    while done < 4:
        send("progress", job_id, stage="track the face", done=done, total=4, eta=83.0)
        if kind == "slow" and done == 2:
            time.sleep(0.05)
            if cancelled.is_set():
                return send("error", job_id, code="cancelled", what="The job was cancelled.", todo="")
            continue
        if kind == "dies" and done == 2:
            os._exit(7)
        done += 1
    if kind == "no face":
        return send("error", job_id, code="input", what="No face was found.", todo="Choose a film that shows one.")
    warnings = []
    if kind == "warns":
        send("warning", job_id, text="The film is slow to read.")
        warnings = [f"Shape {number} was never seen." for number in range(4)]
    facts = {"format": "emosplat-capture", "identity": job["identity"] or kind, "pictures": 4, "warnings": warnings}
    (part / "capture.json").write_text(json.dumps({**facts, "job": job}))
    (part / "report.html").write_text("<p>The report")
    (part / "journal.json").unlink()
    part.rename(out)
    send("result", job_id, result={"frames": 5, "used": 4, "warnings": warnings})


def fit(job_id: str, job: dict) -> None:
    """Goes on where it was broken off; the capture's name says how it behaves."""
    kind, out = Path(job["capture"]).stem, Path(job["out"])
    work = out.with_suffix(".fit")
    work.mkdir(exist_ok=True)
    (work / "journal.json").write_text("{}")
    while kind == "slow":
        send("progress", job_id, stage="fit", done=1, total=4, eta=20.0)
        time.sleep(0.05)
        if cancelled.is_set():
            return send("error", job_id, code="cancelled", what="The job was cancelled.", todo="")
    if kind == "warns":
        send("warning", job_id, text="The eyes never close.")
    (work / "journal.json").unlink()
    out.write_text(json.dumps(job))
    send("result", job_id, result={"out": str(out), "points": 30000, "seconds": 90.0, "steps": 900})


def perform(job_id: str, job: dict) -> None:
    """A jaw that opens from 0 to 1; a smile as wide as the happy slider."""
    kind, out = Path(job.get("audio") or job["take"]).stem, Path(job["out"])
    happy = [0.0]
    if "controls" in job:
        happy = json.loads(Path(job["controls"]).read_text())["emotion"].get("happy", happy)
    while kind == "slow":
        send("progress", job_id, stage="listen", done=1, total=4, eta=20.0)
        time.sleep(0.05)
        if cancelled.is_set():
            return send("error", job_id, code="cancelled", what="The job was cancelled.", todo="")
    rows = []
    for k in range(TAKE_FRAMES):
        row = {"jawOpen": 7.0 if kind == "wild" else k / (TAKE_FRAMES - 1), "mouthSmileLeft": happy[k % len(happy)]}
        rows.append([row.get(name, 0.0) for name in EXPRESSION_NAMES])
    take = {"format": "emosplat-take", "version": 1, "fps_exact": job["fps"], "expression_names": EXPRESSION_NAMES,
            "expression": rows, "emotion_names": EMOTION_NAMES, "emotion_weights": [[0.0] * 8] * TAKE_FRAMES,
            "job": job}
    out.write_text("[" if kind == "torn" else json.dumps(take))
    out.with_suffix(".emotake").touch()
    send("result", job_id, result={"frames": TAKE_FRAMES, "take": str(out)})


def bake(job_id: str, job: dict) -> None:
    """A sheet that rises through the clip and turns with the happy slider. The head "small" has fewer points; a smaller
    error needs a shape more; a PLY stands still.
    """
    kind, happy = job["head"], [0.0]
    while kind == "slow":
        send("progress", job_id, stage="pose", done=1, total=4, eta=20.0)
        time.sleep(0.05)
        if cancelled.is_set():
            return send("error", job_id, code="cancelled", what="The job was cancelled.", todo="")
    points, shapes = 16 if kind == "small" else 40, 2 if job["error"] > 0.1 else 3
    first, frames = job["first"] - 1, range(job["first"] - 1, min(job["last"] or TAKE_FRAMES, TAKE_FRAMES))
    if job["source"].endswith(".ply"):
        weights = [[]]
    else:
        happy = json.loads(Path(job["controls"]).read_text())["emotion"].get("happy", happy)
        weights = [[k / (TAKE_FRAMES - 1), happy[min(k - first, len(happy) - 1)], 0.0][:shapes] for k in frames]
    write_clip(job["out"], points, weights, job["fps"], first)
    if kind == "torn":
        Path(job["out"]).write_bytes(Path(job["out"]).read_bytes()[:-9])
    send("result", job_id, result={"clip": job["out"], "points": points, "frames": len(weights),
                                   "basis": len(weights[0]), "error_mm": {"p95": 0.05, "max": 0.1}, "seconds": 0.1})


def run(job_id: str, verb: str, job: dict) -> None:
    if verb == "speak":
        speak(job_id, job)
    elif verb == "bake":
        bake(job_id, job)
    elif verb == "capture":
        capture(job_id, job)
    elif verb == "fit":
        fit(job_id, job)
    elif verb in ("perform", "import"):
        perform(job_id, job)
    elif verb == "export_take":
        Path(job["csv"]).write_text("Timecode")
        send("result", job_id, result={"csv": job["csv"], "frames": TAKE_FRAMES})
    elif verb == "verify":
        damaged = not (Path(job["folder"]) / "report.html").exists()
        send("result", job_id, result={"ok": not damaged, "findings": ["It has no report."] * 5 if damaged else []})
    elif verb == "heads":
        send("result", job_id, result={"heads": [
            {"name": "puppet", "path": "", "title": "Puppet", "error": "", "gaussians": 8000},
            {"name": "torn", "path": "/torn.emohead", "title": "torn", "error": "It is truncated.", "gaussians": 0}]})
    elif verb == "doctor":
        checks = [{"name": "torch", "ok": False, "fatal": True, "detail": "does not load",
                   "todo": "Reinstall the extension."},
                  {"name": "captures", "ok": False, "fatal": False, "detail": "no face model", "todo": "Take it."}]
        send("result", job_id, result={"ok": False, "summary": "EmoSplat cannot run yet.", "checks": checks})
    else:
        send("result", job_id, result={})


send("ready", protocol=1, pid=os.getpid())
for line in sys.stdin:
    message = json.loads(line)
    if message["type"] == "cancel":
        cancelled.set()
    else:
        cancelled.clear()
        threading.Thread(target=run, args=(message["id"], message["verb"], message["job"]), daemon=True).start()
