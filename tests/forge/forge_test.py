# SPDX-License-Identifier: Apache-2.0
"""What the forge writes is read by tools that share nothing with it: mmls, fls, istat, icat, ewfverify, regfexport,
reglookup, evtxexport, evtexport, sccainfo, lnkinfo, esedbexport, pefile. And the same scenario gives the same bytes."""
import argparse
import hashlib
import os
import re
import shutil
import struct
import subprocess
import sys

import edb
import evt
import pe
import remains
from evtx import Record

HERE = os.path.dirname(os.path.abspath(__file__))
CASE = os.path.join(HERE, "..", "scenario", "cases", "removed-in-time.yaml")
NEEDED = ("mmls", "fls", "istat", "icat", "ifind", "ewfverify", "regfexport", "reglookup", "evtxexport", "evtexport",
          "sccainfo", "lnkinfo", "esedbexport")


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def digest(path):
    with open(path, "rb") as stream:
        return hashlib.sha256(stream.read()).hexdigest()


failures = []


def expect(what, good):
    print("%s %s" % ("ok  " if good else "FAIL", what))
    if not good:
        failures.append(what)


def extract(image, path, to):
    number = run("ifind", "-o", "2048", "-n", path, image)[1].strip()
    with open(to, "wb") as out:
        subprocess.run(["icat", "-o", "2048", image, number], stdout=out, check=False)
    return to


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tools", required=True)
    parser.add_argument("--work", required=True)
    options = parser.parse_args()
    missing = [t for t in NEEDED if shutil.which(t) is None]
    if missing:
        print("skipped: no " + ", ".join(missing))
        return 77
    for name in ("a", "b"):
        shutil.rmtree(os.path.join(options.work, name), ignore_errors=True)
        code, text = run(sys.executable, os.path.join(HERE, "forge.py"), CASE, "-o", os.path.join(options.work, name),
                         "--tools", options.tools)
        expect("the forge runs (%s)" % text.strip()[-200:], code == 0)
        if code:
            return 1
    image = os.path.join(options.work, "a", "removed-in-time.E01")
    expect("the same scenario gives the same image",
           digest(image) == digest(os.path.join(options.work, "b", "removed-in-time.E01")))
    expect("ewfverify: the stored digest is right", run("ewfverify", "-q", image)[0] == 0)
    expect("mmls sees the partition", "Basic data partition" in run("mmls", image)[1])
    listing = run("fls", "-rp", "-o", "2048", image)[1]
    expect("fls lists live files", "Windows/System32/config/SOFTWARE" in listing)
    deleted = [x for x in listing.splitlines() if " * " in x]
    expect("fls lists deleted drivers", any("drivers/kl" in x for x in deleted))
    entry = next((re.search(r"\* (\d+)-", x).group(1) for x in deleted if re.search(r"drivers/kl\w+\.sys", x) and
                  re.search(r"\* (\d+)-", x)), "0")
    stat = run("istat", "-o", "2048", image, entry)[1]
    expect("istat: deleted record keeps its name and its times of 2017-06-14", "Not Allocated" in stat and
           re.search(r"Name: kl\w+\.sys", stat) is not None and "2017-06-14" in stat)
    number = run("fls", "-p", "-o", "2048", image, "11")[1]
    number = re.search(r"(\d+-128-\d+):\s+\$UsnJrnl:\$J", number)
    expect("fls lists the change journal", number is not None)
    journal = subprocess.run(["icat", "-o", "2048", image, number.group(1)], stdout=subprocess.PIPE).stdout
    reasons = {struct.unpack_from("<I", journal, m.start() - 20)[0] for m in re.finditer(
        re.escape("klif.sys".encode("utf-16-le")), journal)}
    expect("the journal holds the driver's creation and deletion", reasons >= {0x100, 0x200, 0x80000200})
    config = "Windows/System32/config/"
    for name, wanted, gone in (("SOFTWARE", "/Microsoft/Windows NT/CurrentVersion", "AVP18"),
                               ("SYSTEM", "/ControlSet001/Services/Dhcp", "klif")):
        hive = extract(image, config + name, os.path.join(options.work, name))
        code, text = run("reglookup", hive)
        expect("reglookup reads %s" % name, code == 0 and wanted in text and gone not in text)
        code, text = run("regfexport", hive)
        expect("regfexport reads %s" % name, code == 0 and len(text) > 10000)
    logs = "Windows/System32/winevt/Logs/"
    for name, wanted in (("Application", "(1034)"), ("System", "(7045)"), ("Kaspersky Event Log", "Update completed")):
        code, text = run("evtxexport", extract(image, logs + name + ".evtx", os.path.join(options.work, name)))
        expect("evtxexport reads %s" % name, code == 0 and wanted in text)
    pf = next(x.split("\t")[1] for x in listing.splitlines() if "Prefetch/AVP.EXE" in x)
    code, text = run("sccainfo", extract(image, pf, os.path.join(options.work, "pf")))
    expect("sccainfo reads the prefetch file", code == 0 and "AVP.EXE" in text and "2017" in text)
    old_log, link = os.path.join(options.work, "old.evt"), os.path.join(options.work, "program.lnk")
    with open(old_log, "wb") as out:
        out.write(evt.write([Record(131000000000000000 + i, "MsiInstaller", 11707 + i, ["Product: Example -- done.", "x"],
                                    computer="HOST", binary=b"{code}") for i in range(3)], 7))
    text = run("evtexport", old_log)[1]
    expect("evtexport reads a log of Windows XP", text.count("Event number") == 3 and "(11709)" in text and
           text.count("String: 2\t\t\t: x") == 3 and "Event number\t\t\t: 9" in text)
    with open(link, "wb") as out:
        out.write(remains.shortcut("C:\\Program Files\\Example\\a.exe"))
    expect("lnkinfo reads a shortcut", "C:\\Program Files\\Example\\a.exe" in run("lnkinfo", link)[1])
    monitor = os.path.join(options.work, "monitor")
    with open(monitor, "wb") as out:
        out.write(edb.srudb([(131000000000000000 + i * 3600 * 10**7, "\\Device\\HarddiskVolume2\\%d.exe" % (i % 3))
                             for i in range(200)], "S-1-5-21-1-2-3-1001", 131000000000000000))
    shutil.rmtree(monitor + ".export", ignore_errors=True)
    code, text = run("esedbexport", "-t", monitor, monitor)
    tables = {f.split(".")[0]: open(os.path.join(monitor + ".export", f)).read().splitlines()
              for f in (os.listdir(monitor + ".export") if code == 0 else ())}
    ids, uses = tables.get("SruDbIdMapTable", []), tables.get(edb.RESOURCES, [])
    expect("esedbexport reads a usage monitor's database, on several pages", len(ids) == 5 and len(uses) == 201 and
           "2.exe\0".encode("utf-16-le").hex() in ids[4] and uses[200].split("\t")[0::2][:2] == ["200", "4"] and
           "Feb 23, 2016" in uses[200])
    program = os.path.join(options.work, "program")
    with open(program, "wb") as out:
        out.write(pe.program("a.exe", "Example Suite", "1.2.3.4", "Example Org"))
    code, text = run("/usr/bin/python3", os.path.join(HERE, "../unit/pe_strings.py"), program)
    expect("pefile reads a program's version", text.split("\n")[:4] == ["Example Suite", "1.2.3.4", "Example Org", "1.2.3.4"])
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
