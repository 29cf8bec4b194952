# SPDX-License-Identifier: Apache-2.0
"""Holds the reports on the practice computers, which the project's code did not make, against
what is known of them. Skips (77) when they are not there."""
import argparse
import glob
import json
import os
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
    os.makedirs(options.work, exist_ok=True)
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
    return 1 if failed else 0


sys.exit(main())
