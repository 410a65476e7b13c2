# SPDX-License-Identifier: GPL-3.0-or-later
"""The actor's capture, from which the shipped head is fitted: performed by the engine, rendered by Blender.

    python assets/actor/make_capture.py --out build/actor/capture --frames 1530 --size 512 --jobs 2 --threads 1
    python assets/actor/make_capture.py --out build/actor/first --work build/actor/capture.render --now

Builds the actor where there is none, lets it say the lines of ../shared/data/speech (Apache-2.0) and the sample speech
in every emotion (parts.py), and goes on where it was stopped: pictures that are whole are not rendered again, and lines
that were performed are not performed again. With --now it renders nothing and makes a capture of what is there. Needs
the bpy wheel. The same seed and options give the same capture.
"""

import argparse
import importlib.util
import json
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from assets.actor.facekit import FACES  # noqa: E402
from assets.actor.parts import PARTS, join  # noqa: E402
from engine.errors import EngineError  # noqa: E402
from engine.files import make_folder, write_text  # noqa: E402
from engine.jobs import run_job  # noqa: E402
from engine.protocol import EXPRESSION_NAMES, CaptureJob, PerformJob  # noqa: E402
from engine.report import Report  # noqa: E402

SPEECH = ROOT.parent / "shared" / "data" / "speech"
SAMPLE = ROOT / "engine" / "data" / "sample_speech.flac"
FPS = "25"
PORTION = 100  # pictures, after which they and their masks are a capture


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "actor" / "capture")
    parser.add_argument("--work", type=Path, help="where Blender renders to (OUT.render)")
    parser.add_argument("--actor", type=Path, default=ROOT / "build" / "actor" / "actor.blend")
    parser.add_argument("--faces", type=Path, default=FACES, help="ICT FaceKit's archive")
    parser.add_argument("--speech", type=Path, default=SPEECH, help="the folder of spoken lines")
    parser.add_argument("--frames", type=int, default=1530, help="1530 show the held-out line without a gap")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--samples", type=int, default=4, help="of each pixel, before it is denoised (4)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--now", action="store_true", help="render nothing: make a capture of what is there")
    parser.add_argument("--jobs", type=int, default=1, help="Blenders side by side")
    parser.add_argument("--threads", type=int, default=0, help="of each Blender; 0: all cores")
    options = parser.parse_args()
    started = time.monotonic()
    work = (options.work or options.out.with_name(f"{options.out.name}.render")).resolve()
    try:
        if not options.now:
            render(options, work)
        joined = work / "joined"
        join([work / part.name for part in PARTS], joined)
        result = run_job(CaptureJob(str(joined), str(options.out), size=options.size, identity="Actor"), told())
    except EngineError as error:
        sys.exit(f"error: {error}")
    for warning in result["warnings"]:
        print(f"warning: {warning}")
    print(f"{result['used']} pictures, {result['clip_seconds']:.1f} s, in {result['out']} "
          f"({time.monotonic() - started:.0f} s)")


def render(options: argparse.Namespace, work: Path) -> None:
    """Fill the work folder, a portion of every part after the other, so that whatever is there is of all of them.

    Raises:
        EngineError: a line cannot be performed, or the disk refuses.
    """
    if not options.actor.exists():
        script = Path(__file__).with_name("build_actor.py")
        subprocess.run([sys.executable, script, "--out", options.actor, "--faces", options.faces], check=True)
    character = load_addon()
    emotions = character.takes.emotions_job(make_folder(work / "takes"), FPS)
    perform(emotions)
    jobs = []
    for number, part in enumerate(PARTS):
        lines = [(options.speech / name if name else SAMPLE, emotion) for name, emotion in part.lines]
        takes = make_folder(work / "takes" / part.name)
        spoken = [character.takes.spoken_job(takes, k, str(audio.resolve()), emotion, FPS, options.seed + 100 * number)
                  for k, (audio, emotion) in enumerate(line for line in lines if line[0].exists())]
        if part.lines and not spoken:
            continue
        for line in spoken:
            perform(line)
        job = character.job.CharacterJob(
            blend=str(options.actor.resolve()), scene="Scene", out=str(work / part.name), identity="Actor",
            objects=["Actor", "Hair", "Jumper"], head_object="Actor",
            shapes=[character.job.Shape("Actor", name, [name]) for name in EXPRESSION_NAMES],
            emotions=emotions.out, takes=[character.job.SpokenTake(line.out, line.audio) for line in spoken],
            frames=max(round(part.share * options.frames), 8), size=options.size, fps=FPS, seed=options.seed + number,
            spoken=float(bool(spoken)), samples=options.samples,
        )
        character.job.save_job(job, work / f"{part.name}.json")
        jobs.append((part.name, max(1, round(job.frames / PORTION))))
    for k in range(max(portions for _, portions in jobs)):
        for name, portions in jobs:
            if k < portions:
                print(f"{name}, portion {k + 1} of {portions}", flush=True)
                render_portion(character, work / f"{name}.json", options, (k, portions))


def render_portion(
    character: SimpleNamespace, job: Path, options: argparse.Namespace, portion: tuple[int, int]
) -> None:
    """Render one of a part's portions with its masks, as far as it is not there. Exits where that fails."""
    try:
        follow(character.process.Rendering(job, str(options.actor.resolve()), options.jobs, options.threads, portion))
    except character.process.Problem as problem:
        sys.exit(f"error: {problem}")


def perform(job) -> None:
    """Make a take, unless this very job has made it before: pictures of it may be there."""
    asked, note = json.dumps(asdict(job)), Path(f"{job.out}.asked")
    if Path(job.out).exists() and note.exists() and note.read_text(encoding="utf-8") == asked:
        return
    run_job(PerformJob(**asdict(job)), Report())
    write_text(note, asked)


def follow(rendering) -> None:
    """Show how far the rendering is, and in the end how far it came. Ctrl-C ends it, too."""
    shown, ended = "", False
    try:
        while not ended:
            ended = rendering.poll()
            left = f", {rendering.eta / 60:.1f} min left" if rendering.eta else ""
            line = f"{rendering.stage} {rendering.done}/{rendering.total}{left}"
            if line != shown:
                print(line, flush=True)
                shown = line
            time.sleep(0.0 if ended else 1.0)
    finally:
        rendering.stop()


def load_addon() -> SimpleNamespace:
    """The add-on's modules for characters."""
    path = ROOT / "addon" / "character" / "background.py"
    spec = importlib.util.spec_from_file_location("background", path)
    background = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(background)
    package = background.load_addon().__name__
    names = ("job", "process", "takes")
    return SimpleNamespace(**{name: importlib.import_module(f"{package}.{name}") for name in names})


def told() -> Report:
    return Report(on_progress=lambda stage, done, total, eta: None)


if __name__ == "__main__":
    main()
