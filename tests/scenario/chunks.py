# SPDX-License-Identifier: Apache-2.0
"""One damaged chunk of an image, by what stands in it: what no step reads is not told, what one reads is, whoever reads it;
to verify finds it in any case. What stands where is asked of istat and blkls, whether the image is sound of ewfverify."""
import argparse
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys

CHUNK = 32768
READ = 1                                                     # of a source in the case: to its end
VOLUME = 2048                                                # sectors before the volume
failures = []


def expect(what, good, seen=""):
    print("%s %s%s" % ("ok  " if good else "FAIL", what, "" if good else ": " + str(seen)[-1500:]))
    if not good:
        failures.append(what)


def output(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, errors="replace", check=True).stdout


def clusters_of(image, entry, attribute):
    """Clusters of an attribute of an NTFS entry, as istat lists them behind its line."""
    listed, found = False, []
    for line in output("istat", "-o", str(VOLUME), image, entry).splitlines():
        if line.startswith("Type: "):
            listed = re.match(r"Type: \$DATA \(128-\d+\)   Name: %s   Non-Resident" % re.escape(attribute), line) is not None
        elif listed:
            found += [int(word) for word in line.split() if word.isdigit() and word != "0"]
    return found


def chunk_of(image, path, attribute="N/A"):
    """The chunk in the middle of a file."""
    entries = dict(reversed(line.split(":\t", 1)) for line in names if ":\t" in line)
    entry = entries[path].split()[-1].split("-")[0]
    clusters = clusters_of(image, entry, attribute)
    return (VOLUME * 512 + clusters[len(clusters) // 2] * 4096) // CHUNK


def free_chunk(image):
    """A chunk of clusters that are all free and were written once."""
    free = set()
    for line in output("blkls", "-l", "-A", "-o", str(VOLUME), image).splitlines():
        fields = line.split("|")
        if len(fields) == 2 and fields[0].isdigit() and fields[1] == "f":
            free.add(int(fields[0]))
    per_chunk = CHUNK // 4096
    chunks = [first for first in sorted(free) if first % per_chunk == 0 and all(first + i in free for i in range(per_chunk))]
    return (VOLUME * 512 + chunks[len(chunks) // 2] * 4096) // CHUNK


def qualifications(report):
    """Of all verdicts."""
    return [text for verdict in report["verdicts"] for text in verdict["qualifications"]]


class Bench:
    def __init__(self, options):
        self.options = options

    def readings(self, path):
        with sqlite3.connect(os.path.join(self.options.work, "case.avouch")) as case:
            return [row[0] for row in case.execute("select reading from source where path = ?", (path,))]

    def analyze(self, image, *more):
        case = os.path.join(self.options.work, "case.avouch")
        done = subprocess.run([self.options.avouch, "analyze", "-f", "-m", "us-bod-17-01", "-o", case, "--json", case + ".json",
                               image] + list(more), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300, check=False)
        with open(case + ".json", encoding="utf-8") as source:
            return done, source.read()


def check(bench, sound, chunk, where, path):
    image = os.path.join(bench.options.work, "hurt.E01")
    shutil.copyfile(sound, image)
    disk.spoil_chunk(image, chunk)
    ranges = ["%d+%d" % (chunk * CHUNK, CHUNK)]
    expect("%s: ewfverify fails" % where, subprocess.run(["ewfverify", "-q", image], capture_output=True, check=False).returncode)
    one, text = bench.analyze(image, "--jobs", "1")
    many, other = bench.analyze(image, "--jobs", "8")
    expect("%s: one reader and eight give the same report" % where, text == other and one.returncode == many.returncode)
    report = json.loads(text)
    evidence, qualified = report["evidence"][0], qualifications(report)
    expect("%s: not verified, as nobody asked" % where, evidence["verified"] is None)
    if path:
        readings = bench.readings(path)
        expect("%s: the range is told" % where, evidence["unreadable"] == ranges, evidence["unreadable"])
        expect("%s: the source is not read to its end" % where, readings and READ not in readings, readings)
        expect("%s: a problem says so" % where, any("no sound data" in p["what"] for p in report["problems"]), report["problems"])
        expect("%s: the verdict is qualified" % where, "parts of the evidence are unreadable" in qualified
               and one.returncode != 0, (one.returncode, qualified))
    else:
        expect("%s: nothing is said" % where, not evidence["unreadable"] and not any("sound" in p["what"] for p in report["problems"])
               and not qualified and one.returncode == 0, (one.returncode, evidence, qualified, report["problems"]))
    asked, text = bench.analyze(image, "--verify-image")
    report = json.loads(text)
    evidence = report["evidence"][0]
    expect("%s: to verify fails" % where, evidence["verified"] is False and evidence["sha256"] is None and
           evidence["unreadable"] == ranges and asked.returncode != 0, evidence)
    expect("%s: and says where" % where, any("digests of the medium cannot be computed" in p["what"] and
           str(chunk * CHUNK) in p["what"] for p in report["problems"]), report["problems"])
    expect("%s: and in the text" % where, b"NOT VERIFIED" in asked.stdout and ranges[0].encode() in asked.stdout, asked.stdout)
    expect("%s: and qualifies" % where, "parts of the evidence are unreadable" in qualifications(report), report["verdicts"])


def nothing_stored(bench, sound):
    raw = os.path.join(bench.options.work, "bare")
    subprocess.run(["ewfexport", "-u", "-q", "-f", "raw", "-t", raw, sound], stdout=subprocess.DEVNULL, check=True)
    done, text = bench.analyze(raw + ".raw", "--verify-image")
    evidence = json.loads(text)["evidence"][0]
    expect("raw: digests, and none stored", evidence["verified"] is None and evidence["sha256"] and
           b"no stored hash to compare the digests with" in done.stdout, done.stdout)


def main():
    global names, disk
    parser = argparse.ArgumentParser()
    for name in ("avouch", "forge", "tools", "work", "cases"):
        parser.add_argument("--" + name, required=True)
    options = parser.parse_args()
    if not os.path.exists(options.avouch) or not all(shutil.which(tool) for tool in ("istat", "blkls", "fls", "ewfverify")):
        print("skipped: no avouch to run, or no sleuthkit and ewf-tools")
        return 77
    sys.path.insert(0, os.path.dirname(options.forge))
    import disk
    shutil.rmtree(options.work, ignore_errors=True)
    os.makedirs(options.work)
    bench = Bench(options)
    sound = output(sys.executable, options.forge, os.path.join(options.cases, "removed-in-time.yaml"), "-o", options.work,
                   "--tools", options.tools).strip()
    names = output("fls", "-r", "-p", "-o", str(VOLUME), sound).splitlines()
    logs = "Windows/System32/winevt/Logs/System.evtx"
    check(bench, sound, chunk_of(sound, "$MFT"), "$MFT", "/$MFT")
    check(bench, sound, chunk_of(sound, "$Extend/$UsnJrnl:$J", "$J"), "the journal", "/$Extend/$UsnJrnl:$J")
    check(bench, sound, chunk_of(sound, "Windows/System32/config/SOFTWARE"), "a hive", "/Windows/System32/config/SOFTWARE")
    check(bench, sound, chunk_of(sound, logs), "a log", "/" + logs)
    check(bench, sound, free_chunk(sound), "free space", None)
    nothing_stored(bench, sound)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
