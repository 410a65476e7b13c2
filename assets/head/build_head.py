# SPDX-License-Identifier: GPL-3.0-or-later
"""The head that ships: the actor, captured and fitted, as engine/data/demo.emohead.

    python assets/head/build_head.py --work build/head --jobs 2 --threads 1

Goes on where it was stopped: pictures that are rendered, a fit's checkpoints and a head that is fitted are kept in the
work folder. With --now it renders nothing and fits what is rendered so far. Needs the bpy wheel and ICT FaceKit's
archive. The same seed and options give the same head.
"""

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from assets.actor.facekit import FACES  # noqa: E402
from engine.errors import EngineError, InputError  # noqa: E402
from engine.files import make_folder, write_text  # noqa: E402
from engine.head.head import Head  # noqa: E402
from engine.head.library import DATA, SUFFIX  # noqa: E402
from engine.head.storage import load_head, save_head  # noqa: E402

NAME, TITLE = "demo", "Actor"
STEPS = 16000  # twenty minutes of two processor cores at 512 pixels
LARGEST = 25_000_000
NOTICE = "demo_licence.txt"
MADE_FROM = "Fitted to pictures of a synthetic person made from the ICT Face Model Light (ICT FaceKit).\n\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "head")
    parser.add_argument("--capture", type=Path, help="the actor's capture, where it is made already")
    parser.add_argument("--faces", type=Path, default=FACES, help="ICT FaceKit's archive, with its LICENSE beside it")
    parser.add_argument("--frames", type=int, default=1530)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--now", action="store_true", help="render nothing: fit what is rendered so far")
    parser.add_argument("--jobs", type=int, default=1, help="Blenders side by side")
    parser.add_argument("--threads", type=int, default=0, help="of each Blender and of the fit; 0: all cores")
    parser.add_argument("--out", type=Path, default=DATA, help="the folder of the head and its licence (engine/data)")
    options = parser.parse_args()
    options.work = make_folder(options.work.resolve())
    fitted = options.work / f"{NAME}{SUFFIX}"
    try:
        capture = options.capture or captured(options)
        if not fitted.exists():
            run("-m", "engine", "fit", capture, "--out", fitted, "--steps", options.steps, "--size", options.size,
                "--seed", options.seed, "--threads", options.threads)
        path = ship(fitted, options.faces.with_name("LICENSE"), options.out)
    except EngineError as error:
        sys.exit(f"error: {error}")
    run("-m", "engine", "evaluate", path, capture)
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")


def captured(options: argparse.Namespace) -> Path:
    """The actor's capture, made as far as it is not there yet."""
    capture = options.work / "capture"
    if not capture.exists():
        more = ["--now"] if options.now else []
        run(ROOT / "assets" / "actor" / "make_capture.py", "--out", capture, "--actor", options.work / "actor.blend",
            "--faces", options.faces, "--frames", options.frames, "--size", options.size, "--seed", options.seed,
            "--jobs", options.jobs, "--threads", options.threads, *more)
    return capture


def ship(fitted: Path, licence: Path, out: Path) -> Path:
    """Write the fitted head under its name, with the face model's licence in its header and beside it, and without what
    the fit learned of how emotion sounds: several people lent the actor their voices.

    Raises:
        FormatError: the file is no head.
        InputError: it is too large to ship, or the licence is not there.
        StorageError: the disk refuses.
    """
    head = load_head(fitted)
    try:
        notice = MADE_FROM + licence.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{licence} cannot be read ({error.strerror}).", "Put FaceKit's LICENSE there.") from None
    if (size := fitted.stat().st_size) > LARGEST:
        raise InputError(f"{fitted} has {size / 1e6:.1f} MB and may have {LARGEST / 1e6:g}.", "Fit fewer Gaussians.")
    path = make_folder(out) / f"{NAME}{SUFFIX}"
    meta = head.meta | {"title": TITLE, "licence": notice}
    meta["fit"] = {name: value for name, value in meta.get("fit", {}).items() if name != "voice"}
    save_head(Head(NAME, head.gaussians, head.mover, meta), path)
    write_text(out / NOTICE, notice)
    return path


def run(*arguments) -> None:
    """This Python on a script of the project. Exits where it fails: it has said why."""
    made = subprocess.run([sys.executable, *map(str, arguments)], cwd=ROOT)
    if made.returncode:
        sys.exit(made.returncode)


if __name__ == "__main__":
    main()
