# SPDX-License-Identifier: Apache-2.0
"""Forges one case, has avouch analyze it, and holds the report against the truth of the case."""
import argparse
import csv
import datetime
import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys

import jsonschema
import yaml

failures = []
ACT = datetime.timedelta(seconds=140)      # how long the forge's installers take; `at` is when they report


def expect(what, good, seen=""):
    print("%s %s%s" % ("ok  " if good else "FAIL", what, "" if good else ": " + str(seen)))
    if not good:
        failures.append(what)


def form_errors(report):
    """What the JSON Schema of the report says against it."""
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "../../analyzer/report/avouch.report-1.schema.json")) as schema:
        validator = jsonschema.Draft202012Validator(json.load(schema))
    return [error.message[:200] for error in validator.iter_errors(report)][:3]


def when(text):
    if text is None:
        return None
    head = text.replace("Z", "").split("+")[0]
    if "." in head:
        head = head[:head.index(".") + 7]
    return datetime.datetime.fromisoformat(head)


def as_list(value):
    return value if isinstance(value, list) else [value]


def digests(paths):
    return [hashlib.sha256(open(p, "rb").read()).hexdigest() for p in paths]


def check_bounds(name, wanted, episodes, key):
    """Some episode's bound meets the act, the minute or two up to `at`, and lies within what the evidence allows to say."""
    seen = [e.get(key) for e in episodes if e.get(key)]
    true, first, last = when(wanted["at"]), when(wanted.get("not_before")), when(wanted.get("not_after"))

    def holds(bound):
        low, high = when(bound["not_before"]), when(bound["not_after"])
        return (low is None or low <= true) and (high is None or true - ACT <= high)

    def tight(bound):
        low, high = when(bound["not_before"]), when(bound["not_after"])
        return (first is None or (low is not None and low >= first)) and (
            last is None or (high is not None and high <= last))
    expect("%s: a bound holds the true time" % name, any(holds(b) for b in seen), seen)
    expect("%s: it lies within the defensible interval" % name, any(holds(b) and tight(b) for b in seen), seen)


def check_verdict(report, wanted):
    verdicts = [v for v in report["verdicts"] if v["mandate"] == wanted["mandate"] and
                ("milestone" not in wanted or v["milestone"] == wanted["milestone"])]
    expect("a verdict under %s" % wanted["mandate"], bool(verdicts), report["verdicts"])
    outcomes = {v["outcome"] for v in verdicts}
    expect("outcome is %s" % wanted["outcome"], bool(outcomes & set(as_list(wanted["outcome"]))), outcomes)
    bad = set(as_list(wanted.get("never", [])))
    expect("outcome is none of %s" % sorted(bad), not outcomes & bad, outcomes)
    if "qualified" in wanted:
        expect("qualified is %s" % wanted["qualified"], any(v["qualified"] == wanted["qualified"] for v in verdicts),
               [v.get("reasons") for v in verdicts])
    for member, key in (("qualifications", "qualifications"), ("reasons", "reasons")):
        said = " | ".join(x for v in verdicts for x in v[member])
        for words in wanted.get(key, []):
            expect("%s say: %s" % (member, words), words in said, said)
    return verdicts


def check_time(report, expected):
    """What the report says of clocks and of what recorders lack; each clock problem with its bytes."""
    for member, found in (("clock", report["clock"]["problems"]), ("gaps", report["gaps"])):
        kinds = {p["kind"] for p in found}
        for kind in expected.get(member, []):
            expect("%s: %s" % (member, kind), kind in kinds, kinds)
        if expected.get(member) == []:
            expect("%s: none" % member, not kinds, found)
    expect("every clock problem has a locator", all(p["locator"] for p in report["clock"]["problems"]))


def check_report(report, expected):
    expect("schema", report.get("schema") == "avouch.report/1")
    expect("the report fits its published form", not form_errors(report), form_errors(report))
    names = [s.get("hostname") for s in report["systems"]]
    for host in as_list(expected.get("hostname", [])):
        expect("host name %s" % host, host in names, names)
    if "utc_offset" in expected:
        offsets = [s["utc_offset_minutes"] for s in report["systems"]]
        expect("local time is ahead of UTC by %s" % expected["utc_offset"], expected["utc_offset"] in offsets, offsets)
    check_time(report, expected)
    verdicts = check_verdict(report, expected)
    for more in expected.get("also", []):
        check_verdict(report, more)
    vendor = expected.get("vendor", "kaspersky").lower()
    products = [p for p in report["products"] if vendor in (p.get("vendor") or "").lower() and
                p["id"] == expected.get("product", p["id"])]
    episodes = [e for p in products for e in p["episodes"]]
    if "versions" in expected:
        versions = [e["version"] for e in episodes]
        expect("the stays are of versions %s" % expected["versions"], versions == expected["versions"], versions)
    if "names" in expected:
        names = [e.get("name") for e in episodes]
        expect("the stays are named %s" % expected["names"], bool(names) and all(n in expected["names"] for n in names), names)
    for key in ("installed", "removed"):
        if key in expected:
            check_bounds(key, expected[key], episodes, key)
    if "version" in expected:
        expect("a stay of version %s" % expected["version"], expected["version"] in [e.get("version") for e in episodes],
               episodes)
    if expected.get("no_removal"):
        expect("no episode ended", not any(e.get("removed") for e in episodes), episodes)
    if expected.get("no_product"):
        expect("no episode of the product", not episodes, episodes)
    for source, state, *place in expected.get("recovered", []):
        expect("a %s witness of %s%s" % (state, source, " in a shadow copy" * len(place)), any(
            w["source"] == source and w["locator"]["recovery"] == state and (w["locator"]["snapshot"] or not place)
            for w in report["witnesses"]), sorted({(w["source"], w["locator"]["recovery"]) for w in report["witnesses"]}))
    by_id = {w["id"]: w for w in report["witnesses"]}
    cited = {w for v in verdicts for w in v["witnesses"]} | {w for e in episodes for w in e["witnesses"]}
    expect("every cited witness is in the report", all(w in by_id for w in cited), cited)
    for text in expected.get("cites", []):
        texts = [by_id[w]["text"] for v in verdicts for w in v["witnesses"] if w in by_id]
        expect("the verdict cites: %s" % text, any(text in t for t in texts), texts)
    expect("every witness has a locator with a digest, or is an absence",
           all(w["source"] == "absence" or (w.get("locator") or {}).get("sha256") for w in report["witnesses"]))
    contained = [w for w in report["witnesses"] if w["assertion"] == "end" and (w["qualified"] or "").startswith("bound by")]
    expect("what a parent bounds cites the parent too",
           all((w["locator"]["container"] or {}).get("sha256") for w in contained), [w["id"] for w in contained])
    if not expected.get("no_product") and "no-trace" not in as_list(expected["outcome"]):
        expect("the verdict cites witnesses", bool(cited), verdicts)


def shown_commands(text):
    """The icat lines of cite that end in a digest."""
    return [line.strip() for line in text.splitlines() if line.strip().endswith("| sha256sum")]


def check_citations(avouch, case, images, report):
    """Every cited byte is read again; for each kind of place, the printed commands of public tools give the same bytes."""
    seen = subprocess.run([avouch, "verify", case] + images, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    expect("every cited byte reads the same again", seen.returncode == 0, seen.stdout)
    with sqlite3.connect("file:%s?mode=ro" % case, uri=True) as database:
        bare = database.execute("SELECT type, count(*) FROM trace WHERE size = 0 OR sha256 IS NULL GROUP BY type").fetchall()
        twice = database.execute(
            "SELECT type, path, count(*) FROM trace JOIN source ON source.id = source WHERE type GLOB 'windows.event.*' "
            "GROUP BY type, path, recovery, sha256 HAVING count(DISTINCT source) > 1 LIMIT 5").fetchall()
    expect("no event record is there again in a shadow copy", not twice, twice)
    expect("every trace names the bytes it stands in", not bare, bare)
    kinds = {}
    for witness in report["witnesses"]:
        locator = witness["locator"]
        if locator["sha256"] and not locator["snapshot"]:
            kinds.setdefault((witness["source"], locator["attribute"], os.path.splitext(locator["file"])[1],
                              bool(locator["container"])), witness)
    for kind, witness in sorted(kinds.items(), key=str):
        cited = subprocess.run([avouch, "cite", case, witness["id"]], stdout=subprocess.PIPE, text=True).stdout
        given = [subprocess.run(["sh", "-c", c], stdout=subprocess.PIPE, text=True).stdout[:64] for c in shown_commands(cited)]
        places = [witness["locator"], witness["locator"]["container"]]
        expect("icat gives what %s %s %s cites, container: %s" % kind, given == [p["sha256"] for p in places if p], cited)


FIGURES = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+Z?|W-[0-9a-f]{12}|[0-9a-f]{64}")


def check_explanation(options, report, expected):
    """Every time, witness and digest of the explanation stands in the report; a limit between bounds is told with both."""
    ran = subprocess.run([options.avouch, "explain", os.path.join(options.work, "case.avouch")], stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True)
    expect("explain: exit status 0", ran.returncode == 0, ran.stdout)
    known = json.dumps(report, ensure_ascii=False)
    loose = sorted({f for f in FIGURES.findall(ran.stdout) if f not in known})
    expect("explain: every figure stands in the report", not loose, loose)
    for words in expected.get("explain", []):
        expect("explain says: %s" % words, words in ran.stdout, ran.stdout[-6000:])
    for verdict in report["verdicts"]:
        expect("explain: the limit of %s is told" % verdict["milestone"], (verdict["deadline"] or "limit") in ran.stdout)
        for product in verdict["products"] if verdict["outcome"] == "indeterminate" else []:
            for stay in [e for p in report["products"] if p["id"] == product["product"] for e in p["episodes"][-1:]]:
                bound = stay["removed"] or {}
                expect("explain: both bounds are told", all(t in ran.stdout for t in bound.values() if t), bound)


def check_views(options, report):
    """What every view of a case owes its reader, whatever the history."""
    def view(*command):
        return subprocess.run([options.avouch, *command, os.path.join(options.work, "case.avouch")],
                              stdout=subprocess.PIPE, text=True).stdout
    text = view("report", "--text")
    outcomes = {o["outcome"] for v in report["verdicts"] for o in [v, *v["products"]]}
    said = [line for line in text.splitlines() if re.search(r": residue\b|^W-\S+ +residue\b", line)]
    expect("text: nothing is called residue but an outcome", not said or "residue" in outcomes, said)
    expect("text: a stay without an end is told as such", "removed    no\n" not in text)
    for line in text.splitlines():
        if "no file system that is read" in line:
            expect("text: a volume without a file system is named", re.match(r"V\d+  ", line), line)
    rows = list(csv.DictReader(view("timeline", "--format", "csv").splitlines()))
    mixed = [r for r in rows if r["datetime"].endswith("Z") == r["timestamp_desc"].endswith("local time")]
    expect("timeline: what is not UTC is said to be local", rows and not mixed, mixed[:3])
    names = {s["hostname"] for s in report["systems"] if s["hostname"]}
    hosts = {r["host"].lstrip("'") for r in rows}     # spreadsheets take '-' for a formula
    # A name that the hive does not hold and only events tell stands in no row.
    expect("timeline: every system has its rows", hosts == {"-"} or names <= hosts <= names | {"-"}, hosts)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("case")
    parser.add_argument("--avouch", required=True)
    parser.add_argument("--forge", required=True)
    parser.add_argument("--tools", required=True)
    parser.add_argument("--work", required=True)
    options = parser.parse_args()
    shutil.rmtree(options.work, ignore_errors=True)
    forged = subprocess.run([sys.executable, options.forge, options.case, "-o", options.work, "--tools", options.tools],
                            stdout=subprocess.PIPE, text=True)
    expect("the image is forged", forged.returncode == 0)
    if forged.returncode:
        return 1
    with open(options.case, encoding="utf-8") as stream:
        expected = yaml.safe_load(stream)["expect"]
    if options.avouch == "none" or not os.path.exists(options.avouch):
        print("skipped: no avouch to run")
        return 77
    truth = json.load(open(os.path.join(options.work, "TRUTH.json"), encoding="utf-8"))
    images = [os.path.join(options.work, s) for s in truth["segments"]]
    before = digests(images)
    mandates = [expected["mandate"]] + [m["mandate"] for m in expected.get("also", [])]
    command = [options.avouch, "analyze", images[0], "--json", os.path.join(options.work, "report.json"),
               "-o", os.path.join(options.work, "case.avouch")]
    for mandate in dict.fromkeys(mandates):
        command += ["-m", mandate]
    for pair in expected.get("options", []):
        command += as_list(pair)
    ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if "exit" in expected:
        expect("exit status %s" % expected["exit"], ran.returncode in as_list(expected["exit"]), ran.returncode)
    expect("the evidence is unchanged", digests(images) == before)
    try:
        with open(os.path.join(options.work, "report.json"), encoding="utf-8") as stream:
            report = json.load(stream)
    except (OSError, ValueError) as error:
        expect("a JSON report", False, "%s\n%s" % (error, ran.stdout[-3000:]))
        return 1
    check_report(report, expected)
    check_citations(options.avouch, os.path.join(options.work, "case.avouch"), images, report)
    check_explanation(options, report, expected)
    check_views(options, report)
    if failures and "gap" in expected:
        print("known gap: " + expected["gap"])
        return 77
    if failures:
        print(ran.stdout[-4000:])
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
