# SPDX-License-Identifier: Apache-2.0
"""avouch analyze against fls and icat on one NTFS volume of 150,000 files: forged once, run in pairs, several rounds.

    bench.py --avouch BINARY --tools DIR-OF-forge_volume [--work DIR] [--rounds 5] [--e01]

Prints the median wall time of each, the ratios, and the largest process of each (getrusage). The targets: analyze below
0.1 of `fls -r -m /`, 256 MiB per process.
"""
import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
OFFSET = "2048"


def forge(options):
    image = os.path.join(options.work, "large.raw")
    if not os.path.exists(image):
        print("forging %s" % image, file=sys.stderr)
        start = time.monotonic()
        subprocess.run([sys.executable, os.path.join(HERE, "..", "forge", "forge.py"), os.path.join(HERE, "large.yaml"),
                        "-o", options.work, "--tools", options.tools], check=True, stdout=subprocess.DEVNULL)
        print("forged in %.1f s" % (time.monotonic() - start), file=sys.stderr)
    return image


def measure(command, folder):
    """Wall seconds, peak MiB of the largest process, and the exit status."""
    with open(os.path.join(folder, "out"), "wb") as out:
        start = time.monotonic()
        child = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - start
        child.returncode = os.waitstatus_to_exitcode(status)
    return wall, usage.ru_maxrss / 1024, child.returncode


def commands(options, image):
    case = os.path.join(options.work, "large.avouch")
    rows = [("fls -r -m /", ["fls", "-o", OFFSET, "-r", "-m", "/", image]), ("icat $MFT", ["icat", "-o", OFFSET, image, "0"])]
    if options.avouch and os.path.exists(options.avouch):
        for jobs in ("1", "2"):
            rows.insert(0, ("avouch analyze --jobs " + jobs, [
                options.avouch, "analyze", image, "-m", "us-bod-17-01", "-o", case, "--force", "--jobs", jobs, "--json",
                os.path.join(options.work, "report.json")]))
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--avouch")
    parser.add_argument("--tools", required=True)
    parser.add_argument("--work", default="bench-work")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    os.makedirs(options.work, exist_ok=True)
    if shutil.which("fls") is None:
        print("skipped: no fls")
        return 77
    image = forge(options)
    rows = commands(options, image)
    seen = {name: [] for name, _ in rows}
    for _ in range(options.rounds):                   # in turn, so that a busy moment hits all alike
        for name, command in rows:
            seen[name].append(measure(command, options.work))
    base = statistics.median(w for w, _, _ in seen["fls -r -m /"])
    print("%-26s %9s %9s %11s %6s" % ("command", "median s", "of fls", "peak MiB", "exit"))
    for name, _ in rows:
        wall = statistics.median(w for w, _, _ in seen[name])
        print("%-26s %9.3f %9.3f %11.1f %6d" % (name, wall, wall / base, max(m for _, m, _ in seen[name]), seen[name][-1][2]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
