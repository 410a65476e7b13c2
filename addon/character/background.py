# SPDX-License-Identifier: GPL-3.0-or-later
"""The script that a background Blender runs, on the animator's machine, in CI and on farms.

    blender --background character.blend --python addon/character/background.py -- job.json
    python addon/character/background.py job.json            with the bpy module, which opens the job's .blend

    --part K/N      render every N-th picture from the K-th (from 1): N machines or processes share one work folder;
                    start the first a little ahead, for it lays the folder out
    --threads N     processor threads; 0, the default, leaves it to the scene

A picture gets its name when it is whole, so the same command goes on where it was stopped. Lines that begin with
"EMOSPLAT " hold JSON: progress (stage, done, total, eta), result, or error (code, what, todo).
"""

import argparse
import importlib.util
import json
import os
import sys
import traceback
from pathlib import Path

PREFIX = "EMOSPLAT "


def load_addon():
    """The extension's package, wherever it lies, under a name of its own and without registering anything."""
    root = Path(__file__).resolve().parents[2]
    name = "emosplat_background"
    spec = importlib.util.spec_from_file_location(name, root / "__init__.py", submodule_search_locations=[str(root)])
    package = importlib.util.module_from_spec(spec)
    sys.modules[name] = package
    spec.loader.exec_module(package)
    return importlib.import_module(f"{name}.addon.character")


def say(kind: str, **values) -> None:
    """One line for whoever started this; a broken pipe says that nobody is there any more, and ends the work."""
    print(f"{PREFIX}{json.dumps({'type': kind, **values})}", flush=True)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job", type=Path)
    parser.add_argument("--part", default="1/1", metavar="K/N")
    parser.add_argument("--threads", type=int, default=0)
    options = parser.parse_args(arguments)
    import bpy

    package = load_addon().__name__
    job_module = importlib.import_module(f"{package}.job")
    problem = importlib.import_module(f"{package.rpartition('.')[0]}.problem").Problem
    try:
        job = job_module.load_job(options.job)
        if not os.path.isfile(job.blend):
            raise problem(f"There is no file {job.blend}.", "Save the character and start again.", "character")
        if os.path.realpath(bpy.data.filepath) != os.path.realpath(job.blend):
            bpy.ops.wm.open_mainfile(filepath=job.blend, load_ui=False)
        render = importlib.import_module(f"{package}.render")
        number, parts = map(int, options.part.split("/"))
        capture = render.CharacterCapture(
            job, (number - 1, parts),
            lambda stage, done, total, eta: say("progress", stage=stage, done=done, total=total, eta=eta),
        )
        if options.threads:
            capture.scene.render.threads_mode, capture.scene.render.threads = "FIXED", options.threads
        whole = capture.run()
        say("result", whole=whole, folder=job.out, pictures=len(capture.plan.frames), warnings=capture.warnings)
        return 0
    except BrokenPipeError:
        return 1
    except problem as error:
        say("error", code=error.code or "character", what=error.what, todo=error.todo)
        return 1
    except Exception as error:
        traceback.print_exc()
        say("error", code="internal", what=f"The render failed: {type(error).__name__}: {error}.",
            todo="Please report it with the log.")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[sys.argv.index("--") + 1:] if "--" in sys.argv else sys.argv[1:]))
