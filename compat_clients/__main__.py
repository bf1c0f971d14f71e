"""Runs clients of lime with lime and with limelight: ``python -m compat_clients [name ...] [--folder FOLDER]``.

Each client is installed into a folder of its own, without its dependencies but for those listed here; numpy, scikit-learn, lime
and the like are this environment's. So nothing of this environment changes. The table that it prints is in docs/migrating.md.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from compat_clients.clients import CLIENTS, Client
from compat_clients.comparison import Comparison, compare

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = Path(__file__).resolve().parent / "programs"


def main() -> int:
    """Compare what the command line names, or all, and print a table; 1 if something differs."""
    parser = argparse.ArgumentParser(prog="python -m compat_clients", description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="name", help=f"one of {', '.join(CLIENTS)}; by default all")
    parser.add_argument("--folder", type=Path, help="where clients are installed and kept; by default a folder that is removed")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(CLIENTS)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(CLIENTS)}.")
    print("| client | version | what was run | with compat | seconds: lime, compat |\n|---|---|---|---|---|", flush=True)
    has_failed = False
    with tempfile.TemporaryDirectory() as temporary:
        for name in arguments.names or CLIENTS:
            for comparison in _compare_client(name, CLIENTS[name], arguments.folder or Path(temporary)):
                has_failed |= not comparison.is_same
                print(comparison.as_row(), flush=True)
    return int(has_failed)


def _compare_client(name: str, client: Client, folder: Path) -> list[Comparison]:
    target = folder / name
    if client.packages and not target.exists():
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target), *client.packages]
        subprocess.run(install, check=True, stderr=subprocess.DEVNULL)
    path = os.pathsep.join([str(ROOT / "src"), *([str(target)] if client.packages else [])])
    program = str(PROGRAMS / f"run_{name.replace('-', '_')}.py")
    theirs, ours = (_run(command, path) for command in ([program], ["-m", "limelight.compat", program]))
    return compare(name, theirs, ours)


def _run(arguments: list[str], path: str) -> dict:
    """What a program prints on its last line, as JSON."""
    environment = os.environ | {"PYTHONPATH": path, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env=environment)
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    sys.exit(main())
