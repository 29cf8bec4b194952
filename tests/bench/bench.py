# SPDX-License-Identifier: Apache-2.0
"""avouch against its peers on the same images in the same run; see README.md here.

    bench.py --avouch BINARY --tools DIR-OF-forge_volume [--work DIR] [--rounds 5] [--files 150000] [--medium-mib 1024]
             [--only volume|small|verify] [--realtime] [--smoke]

Each round runs all commands in turn, so that a busy moment hits all alike. Printed are the median wall time, its ratio to the peer,
the processor time, and the largest process. --smoke: everything once and small, to see that it works; measures nothing.
"""
import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
OFFSET = "2048"


def forge(options, scenario, name):
    """The image of a scenario, kept in the work folder."""
    folder = os.path.join(options.work, name)
    done = os.path.join(folder, "IMAGE")
    if not os.path.exists(done):
        print("forging %s" % name, file=sys.stderr)
        os.makedirs(folder, exist_ok=True)
        spec = os.path.join(folder, name + ".yaml")
        with open(spec, "w", encoding="utf-8") as out:
            yaml.safe_dump(scenario, out)
        made = subprocess.run([sys.executable, os.path.join(HERE, "..", "forge", "forge.py"), spec, "-o", folder, "--tools",
                               options.tools], check=True, stdout=subprocess.PIPE, text=True)
        with open(done, "w", encoding="utf-8") as out:
            out.write(made.stdout.strip())
    with open(done, encoding="utf-8") as stream:
        return stream.read().strip()


def large(options):
    with open(os.path.join(HERE, "large.yaml"), encoding="utf-8") as stream:
        scenario = yaml.safe_load(stream)
    machine = scenario["machine"]
    machine["bulk_files"], machine["bulk_tree"] = options.files // 3, options.files - options.files // 3
    machine["size_mib"] = 1024 + options.files // 25
    return forge(options, scenario, "files-%d" % options.files)


def small(options):
    with open(os.path.join(HERE, "..", "scenario", "cases", "removed-in-time.yaml"), encoding="utf-8") as stream:
        return forge(options, yaml.safe_load(stream), "small")


def put_files(out, left):
    """What this machine has installed: programs, libraries, texts."""
    for top in ("/usr/lib", "/usr/bin", "/usr/share"):
        for folder, folders, names in os.walk(top):
            folders.sort()
            for name in sorted(names):
                path = os.path.join(folder, name)
                if left > 0 and os.path.isfile(path) and not os.path.islink(path):
                    with open(path, "rb") as stream:
                        left -= out.write(stream.read(left))


def ewf_images(options):
    """A medium of three fifths system files, a quarter random bytes and zeros between, acquired in three ways."""
    medium = os.path.join(options.work, "medium-%d.raw" % options.medium_mib)
    size = options.medium_mib << 20
    if not os.path.exists(medium):
        with open(medium, "wb") as out:
            out.truncate(size)
            out.write(bytes(1 << 20))                 # no file system: nothing but the digests takes time
            put_files(out, size * 6 // 10)
            out.seek(size * 3 // 4)
            out.write(os.urandom(size - out.tell()))
    for kind in ("none", "fast", "best"):
        stem = os.path.join(options.work, "medium-%d-%s" % (options.medium_mib, kind))
        if not os.path.exists(stem + ".E01"):
            print("acquiring %s" % stem, file=sys.stderr)
            subprocess.run(["ewfacquire", "-q", "-u", "-c", kind, "-f", "encase6", "-S", "2000000000", "-t", stem, medium],
                           check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        yield kind, stem + ".E01"


def measure(options, command):
    """Wall seconds, processor seconds, peak MiB of the largest process, exit status."""
    if options.realtime:
        command = ["chrt", "-f", "10"] + command
    with open(os.path.join(options.work, "out"), "wb") as out:
        start = time.monotonic()
        child = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - start
        child.returncode = os.waitstatus_to_exitcode(status)
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, child.returncode


def compare(options, title, peer, rows, target):
    """rows: (name, command, exit statuses that are right). Ratios are wall times over the peer's."""
    seen = {name: [] for name, _, _ in rows}
    for _ in range(options.rounds):
        for name, command, _ in rows:
            seen[name].append(measure(options, command))
    walls = {name: statistics.median(s[0] for s in seen[name]) for name in seen}
    wrong = [name for name, _, right in rows if any(s[3] not in right for s in seen[name])]
    print("\n%s (%s)" % (title, target))
    print("%-28s %9s %9s %9s %9s %9s" % ("", "median s", "of peer", "speed-up", "cpu s", "peak MiB"))
    for name, _, _ in rows:
        ratio = walls[name] / walls[peer]
        print("%-28s %9.3f %9.3f %9.2f %9.3f %9.1f%s" % (
            name, walls[name], ratio, 1 / ratio, statistics.median(s[1] for s in seen[name]), max(s[2] for s in seen[name]),
            "   FAILED" if name in wrong else ""))
    sys.stdout.flush()
    return not wrong


def analyze(options, image, jobs, *more):
    return [options.avouch, "analyze", image, "-m", "us-bod-17-01", "-o", os.path.join(options.work, "bench.avouch"), "--force",
            "--jobs", jobs, "--json", os.path.join(options.work, "report.json")] + list(more)


def fls_rows(options, image):
    rows = [("avouch analyze --jobs %s" % jobs, analyze(options, image, jobs), (0,)) for jobs in ("1", "2")]
    return rows + [("fls -r -m /", ["fls", "-o", OFFSET, "-r", "-m", "/", image], (0,))]


def volume(options):
    image = large(options)
    rows = fls_rows(options, image) + [("icat $MFT", ["icat", "-o", OFFSET, image, "0"], (0,))]
    return compare(options, "NTFS volume of %d files" % options.files, "fls -r -m /", rows,
                   "target: 0.1 of fls, 256 MiB in each process")


def small_image(options):
    return compare(options, "small E01", "fls -r -m /", fls_rows(options, small(options)), "fixed costs; no target")


def verify(options):
    good = True
    for kind, image in ewf_images(options):
        rows = [("avouch --verify-image -j %s" % jobs, analyze(options, image, jobs, "--verify-image"), (65,))
                for jobs in ("1", "2")]            # 65: the medium holds no file system, the digests are in the case
        rows.append(("ewfverify", ["ewfverify", "-q", image], (0,)))
        good &= compare(options, "%d MiB E01, compression %s" % (options.medium_mib, kind), "ewfverify", rows,
                        "target: %s times as fast with 2 jobs" % ("1.3" if kind == "fast" else "1.8"))
    return good


def main():
    parts = {"volume": (volume, "fls"), "small": (small_image, "fls"), "verify": (verify, "ewfverify")}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--avouch", required=True)
    parser.add_argument("--tools", required=True)
    parser.add_argument("--work", default="bench-work")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--files", type=int, default=150000)
    parser.add_argument("--medium-mib", type=int, default=1024)
    parser.add_argument("--only", choices=sorted(parts))
    parser.add_argument("--realtime", action="store_true", help="run at real-time priority (root), on a busy machine")
    parser.add_argument("--smoke", action="store_true")
    options = parser.parse_args()
    if options.smoke:
        options.rounds, options.files, options.medium_mib = 1, 900, 4
    os.makedirs(options.work, exist_ok=True)
    good, ran = True, False
    for name, (run, tool) in parts.items():
        if options.only in (None, name) and shutil.which(tool):
            good &= run(options)
            ran = True
    if not ran:
        print("skipped: neither fls nor ewfverify is here")
        return 77
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
