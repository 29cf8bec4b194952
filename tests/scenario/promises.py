# SPDX-License-Identifier: Apache-2.0
"""What holds whatever the history: the same evidence gives the same report, evidence is never written, and bad input
costs a clear message and the right exit status, never a crash."""
import argparse
import hashlib
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys

failures = []


def expect(what, good, seen=""):
    print("%s %s%s" % ("ok  " if good else "FAIL", what, "" if good else ": " + str(seen)[-1500:]))
    if not good:
        failures.append(what)


def digest(path):
    with open(path, "rb") as stream:
        return hashlib.sha256(stream.read()).hexdigest()


def read(path):
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError:
        return None


class Bench:
    def __init__(self, options):
        self.options = options
        self.count = 0

    def forge(self, case):
        out = os.path.join(self.options.work, case)
        done = subprocess.run([sys.executable, self.options.forge, os.path.join(self.options.cases, case + ".yaml"), "-o",
                               out, "--tools", self.options.tools], stdout=subprocess.PIPE, text=True, check=True)
        return done.stdout.strip()

    def path(self, name):
        return os.path.join(self.options.work, name)

    def analyze(self, *arguments, case=None):
        self.count += 1
        case = case or self.path("case%d.avouch" % self.count)
        return subprocess.run([self.options.avouch, "analyze", "-m", "us-bod-17-01", "-o", case] + list(arguments),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)


def same_report(bench):
    image = bench.forge("removed-in-time")
    before = digest(image)
    reports = []
    for number, jobs in enumerate(("1", "1", "2")):
        out = bench.path("report%d.json" % number)
        bench.analyze(image, "--json", out, "--jobs", jobs)
        reports.append(read(out))
    expect("two runs give the same report", reports[0] is not None and reports[0] == reports[1])
    expect("one reader and two give the same report", reports[0] is not None and reports[0] == reports[2])
    expect("the evidence is unchanged", digest(image) == before)
    again = bench.analyze(image, "--verify-image", "--json", bench.path("verified.json"))
    expect("--verify-image: the stored digests agree", b'"verified": true' in (read(bench.path("verified.json")) or b"") or
           b'"verified":true' in (read(bench.path("verified.json")) or b""), again.stderr)
    return image


def refused(bench, what, statuses, *arguments, **more):
    done = bench.analyze(*arguments, **more)
    expect("%s: exit status %s" % (what, statuses), done.returncode in statuses, (done.returncode, done.stderr))
    expect("%s: it says why" % what, bool(done.stderr.strip()) or done.returncode == 2, done)
    return done


def bad_containers(bench, image):
    whole = read(image)
    for name, content, statuses in (
            ("empty", b"", [65]), ("random", random.Random(1).randbytes(1 << 20), [2, 65]),
            ("truncated.E01", whole[:len(whole) // 2], [2, 65, 0, 1]), ("header-only.E01", whole[:200], [65])):
        path = bench.path(name)
        with open(path, "wb") as out:
            out.write(content)
        refused(bench, name, statuses, path)
    refused(bench, "no such file", [64, 65], bench.path("nowhere.E01"))
    flipped = bytearray(whole)
    at = whole.find(b"sectors\0") + 4096
    flipped[at:at + 64] = bytes(64)
    with open(bench.path("flipped.E01"), "wb") as out:
        out.write(flipped)
    done = bench.analyze(bench.path("flipped.E01"), "--json", bench.path("flipped.json"))
    out = bench.path("flipped-verified.json")
    for jobs in ("1", "2"):
        bench.analyze(bench.path("flipped.E01"), "--verify-image", "--jobs", jobs, "--json", out)
        expect("a damaged chunk is never verified (%s jobs)" % jobs, re.search(rb'"verified": ?true', read(out) or b"") is None)
    expect("a damaged chunk ends no run by a signal", done.returncode >= 0 and done.returncode != 70, done.returncode)
    split = bench.forge("removed-late")
    os.remove(split[:-2] + "02")
    refused(bench, "missing segment", [2, 65], split)


def bad_tables(bench):
    raw = bench.forge("never-installed")
    for name, at, content in (("garbage-table.raw", 512, b"\xee" * 8192),
                              ("garbage-boot-sector.raw", 1 << 20, b"\x55" * 512),
                              ("garbage-mft.raw", (1 << 20) + (4 << 12), b"\xaa" * 65536)):
        path = bench.path(name)
        shutil.copy(raw, path)
        with open(path, "r+b") as out:
            out.seek(at)
            out.write(content)
        done = bench.analyze(path)
        good = (2, 65) if "mft" in name else (0, 2, 65)       # GPT and NTFS keep a copy of their first sectors
        expect("%s: no crash, no clean bill" % name, done.returncode in good, (done.returncode, done.stderr))
    path = bench.path("garbage-hives.raw")
    content = bytearray(read(raw))
    at = content.find(b"regf")
    while at >= 0:
        content[at:at + 4096] = b"\x42" * 4096
        at = content.find(b"regf", at + 4096)
    with open(path, "wb") as out:
        out.write(content)
    done = bench.analyze(path)
    expect("garbage hives: no crash, no clean bill", done.returncode in (2, 65), (done.returncode, done.stderr))


def judged_again(bench):
    """A case is judged again without the image; what newer signatures name besides was not collected."""
    image, case, newer = bench.forge("never-installed"), bench.path("again.avouch"), bench.path("newer")
    first = bench.analyze(image, case=case)
    shutil.copytree(os.environ["AVOUCH_SIGNATURES"], newer)
    path = os.path.join(newer, "products", "kaspersky", "kaspersky-server-security.yaml")
    with open(path, encoding="utf-8") as stream:
        text = stream.read()
    with open(path, "w", encoding="utf-8") as out:
        out.write(text.replace("{pf}/Kaspersky Lab/", "{pf}/Kaspersky Laboratory/", 1))

    def judge(*more):
        return subprocess.run([bench.options.avouch, "judge", "-m", "us-bod-17-01", case] + list(more),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    same = judge()
    expect("judged again it is as before", same.returncode == first.returncode and b"judgement before" not in same.stderr,
           same.stderr)
    other = judge("--signatures", newer)
    expect("other files named: no clean bill", other.returncode == 2 and b"not collected" in other.stdout, other.stdout)
    expect("it says what changed", b"was no-trace in the judgement before, now indeterminate" in other.stderr, other.stderr)
    with sqlite3.connect(case) as kept:
        expect("the earlier judgements stand", kept.execute("select count(*) from judgement").fetchone() == (3,))


def bad_words(bench, image):
    case = bench.path("taken.avouch")
    with open(case, "wb") as out:
        out.write(b"this is no case")
    refused(bench, "a case path that exists", [64, 65, 70], image, case=case)
    expect("what stood there is untouched", read(case) == b"this is no case")
    done = subprocess.run([bench.options.avouch, "analyze", image, "-m", "no-such-mandate", "-o", bench.path("n.avouch")],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    expect("an unknown mandate: exit status 64", done.returncode == 64, (done.returncode, done.stderr))
    done = subprocess.run([bench.options.avouch, "analyze"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    expect("no evidence: exit status 64", done.returncode == 64, done.returncode)
    done = subprocess.run([bench.options.avouch, "analyze", "--json", "-m", "us-bod-17-01", image, "-o",
                           bench.path("taken.avouch")], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    expect("an option where a value belongs: exit status 64, and says which",
           done.returncode == 64 and b"--json" in done.stderr, (done.returncode, done.stderr))
    mandate = bench.path("broken.yaml")
    with open(mandate, "w", encoding="utf-8") as out:
        out.write("schema: avouch.mandate/1\nid: broken\nmilestones: [{id: m1, duty: fly, by: 2017-13-45}]\n")
    done = subprocess.run([bench.options.avouch, "analyze", image, "-m", mandate, "-o", bench.path("b.avouch")],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    expect("a mandate that does not lint: refused, with file and line", done.returncode in (64, 65, 1) and
           b"broken.yaml" in done.stderr, (done.returncode, done.stderr))


def main():
    parser = argparse.ArgumentParser()
    for name in ("avouch", "forge", "tools", "work", "cases"):
        parser.add_argument("--" + name, required=True)
    options = parser.parse_args()
    if options.avouch == "none" or not os.path.exists(options.avouch):
        print("skipped: no avouch to run")
        return 77
    shutil.rmtree(options.work, ignore_errors=True)
    os.makedirs(options.work)
    bench = Bench(options)
    image = same_report(bench)
    bad_containers(bench, image)
    bad_tables(bench)
    bad_words(bench, image)
    judged_again(bench)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
