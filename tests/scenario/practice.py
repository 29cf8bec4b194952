# SPDX-License-Identifier: Apache-2.0
"""Holds the reports on the practice computers, which the project's code did not make, against
what is known of them. Skips (77) when they are not there."""
import argparse
import glob
import json
import os
import shutil
import subprocess
import sys
from datetime import datetime, timedelta, timezone

# Two recorders of one act may differ by this much.
SLACK = timedelta(minutes=1)


def when(text):
    text = text.replace("Z", "")
    if "." in text:
        text = text[:text.index(".") + 7]
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


def check(truth, report):
    problems = []
    verdicts = [v for v in report["verdicts"] if v["duty"] != "information"]
    if [v["outcome"] for v in verdicts] != [truth["expected_outcome"]]:
        problems.append("outcome %s" % [v["outcome"] for v in verdicts])
    if report["systems"][0]["hostname"] != truth["hostname"]:
        problems.append("host %s" % report["systems"][0]["hostname"])
    if report["systems"][0]["timezone_tzdata"] != truth["timezone"]:
        problems.append("zone %s" % report["systems"][0]["timezone"])
    if when(report["evidence"][0]["acquired"]["at"]) != when(truth["acquired"]):
        problems.append("acquired %s" % report["evidence"][0]["acquired"])
    if not all(v["witnesses"] for v in verdicts):
        problems.append("a verdict cites nothing")
    if truth["removed"]:
        removed = [e["removed"] for p in report["products"] for e in p["episodes"]
                   if p["vendor"] == "kaspersky" and e["removed"]]
        low = when(truth["removal_bounds"]["not_before"]) - SLACK
        high = when(truth["removal_bounds"]["not_after"]) + SLACK
        if not removed or not all(low <= when(r["not_before"]) and when(r["not_after"]) <= high
                                  for r in removed):
            problems.append("removed %s" % removed)
    return problems


def damaged(practice, work):
    """The same computers with a part of the image lost: (what, first segment)."""
    def copy(name, content):
        folder = os.path.join(work, name.split(".")[0] + "-" + str(len(content)))
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, name), "wb") as out:
            out.write(content)
        return os.path.join(folder, name)

    def read(name):
        with open(os.path.join(practice, name), "rb") as source:
            return source.read()
    whole = read("P01.E01")
    flipped = bytearray(whole)
    for at in range(1 << 16, len(whole) - (1 << 17), 1 << 16):
        flipped[at] ^= 0x10
    yield "P03 without its second segment", copy("P03.E01", read("P03.E01"))
    yield "P01 cut at 60 %", copy("P01.E01", whole[:len(whole) * 6 // 10])
    yield "P01 with a flipped bit in every 64 KiB", copy("P01.E01", bytes(flipped))


def check_damaged(avouch, what, image):
    """What is left is read, what is lost is said, and nothing rests on it: no clean outcome without a qualification."""
    done = subprocess.run([avouch, "analyze", "-f", "-m", "us-bod-17-01", "-o", image + ".avouch", "--json", "-", image],
                          capture_output=True, check=False)
    if not done.stdout:
        return [done.stderr]
    report = json.loads(done.stdout)
    problems = []
    if not report["evidence"][0]["unreadable"] and not any("no sound data" in p["what"] for p in report["problems"]):
        problems.append("nothing is said to be unreadable")
    if not [p for p in report["products"] if p["vendor"] == "kaspersky" and p["episodes"]]:
        problems.append("what is left was not read")
    if report["coverage"] == []:
        problems.append("no log was read")
    for verdict in report["verdicts"]:
        if verdict["duty"] != "information" and not verdict["qualified"]:
            problems.append("%s is not qualified" % verdict["outcome"])
    return problems


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--avouch", required=True)
    parser.add_argument("--practice", required=True)
    parser.add_argument("--work", required=True)
    options = parser.parse_args()
    truths = sorted(glob.glob(os.path.join(options.practice, "*.truth.json")))
    if not truths or not os.path.exists(options.avouch):
        print("no practice computers in %s: skipped" % options.practice)
        return 77
    shutil.rmtree(options.work, ignore_errors=True)     # cases of another build are not replaced
    os.makedirs(options.work)
    failed = False
    for path in truths:
        with open(path) as source:
            truth = json.load(source)
        image = os.path.join(options.practice, truth["image"])
        case = os.path.join(options.work, truth["image"] + ".avouch")
        done = subprocess.run([options.avouch, "analyze", "-f", "-m", truth["mandate"], "-o", case,
                               "--json", "-", image], capture_output=True, check=False)
        problems = check(truth, json.loads(done.stdout)) if done.stdout else [done.stderr]
        print("%s: %s" % (truth["image"], problems or "as it was"))
        failed = failed or bool(problems)
    for what, image in damaged(options.practice, options.work):
        problems = check_damaged(options.avouch, what, image)
        print("%s: %s" % (what, problems or "read as far as it goes"))
        failed = failed or bool(problems)
    return 1 if failed else 0


sys.exit(main())
