#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs every parser over every real sample that fits it and counts its traces beside what independent tools count in the
same bytes. The numbers stand in docs/validation.md; with --update its table is written anew. Skips (77) without samples."""
import argparse
import collections
import os
import shutil
import subprocess
import sys
import tempfile

import counts

BEGIN, END = "<!-- corpus: made by tests/corpus/corpus.py --update -->\n", "<!-- corpus: end -->\n"
CONFIG, USER, PROGRAMS = "/Windows/System32/config/", "/Users/tony/NTUSER.DAT", "/Windows/AppCompat/Programs/Amcache.hve"
LIVE = ("allocated", "log-replayed")


def with_logs(path):
    return [path.replace(".xz", "") + ".LOG%d" % n + (".xz" if path.endswith(".xz") else "") for n in (1, 2)]


# (sample, where it stood, its transaction logs, who counts; what Windows made of the sample and its logs, to be counted)
SAMPLES = [("evtx/%s.evtx" % n, "/Windows/System32/winevt/Logs/%s.evtx" % n, [], counts.evtx) for n in (
    "APTSim_W10_Application", "APTSim_W10_Defender_Operational", "APTSim_W10_System", "Application_no_crc32",
    "Szechuan_2012R2_Application", "Szechuan_2012R2_Program-Inventory", "TestLogX", "WKS-WIN764BITB_System",
    "dissect_Defender_operational", "fox_Application_with_removals", "sample_with_a_bad_chunk_magic",
    "sigma_5001_rtp_disabled", "sigma_wmic_uninstall_av_attempt")]
SAMPLES += [("evt/" + n, CONFIG + n, [], counts.evt) for n in ("TestLog-dirty.evt", "TestLog.evt", "XP_AppEvent.Evt")]
SAMPLES += [("hives/" + n, CONFIG + "SYSTEM", [], counts.hive) for n in (
    "WKS-WIN732BITA_SYSTEM.xz", "Win10_DESKTOP-M3OSHQU_SYSTEM.gz", "Win81_SENSEI_SYSTEM.xz")]
SAMPLES += [("hives_dirty/jcloudy_SYSTEM.xz", CONFIG + "SYSTEM", logs, counts.hive)
            for logs in ([], with_logs("hives_dirty/jcloudy_SYSTEM.xz"))]
SAMPLES += [("hives_dirty/" + n, USER, ["hives_dirty/%s.LOG%d" % (n, i) for i in logs], counts.hive, "hives_dirty/" + whole)
            for n, logs, whole in (("yarp_new1/NewDirtyHive", (1, 2), "yarp_new1/RecoveredHive_Windows10"),
                                   ("yarp_old/OldDirtyHive", (1,), "yarp_old/RecoveredHive_Windows7"))]
SAMPLES += [("hives/nfury_NTUSER.DAT", USER, [], counts.hive)]
SAMPLES += [("hives_dirty/transactions_NTUSER.DAT.xz", USER, logs, counts.hive)
            for logs in ([], with_logs("hives_dirty/transactions_NTUSER.DAT.xz"))]
SAMPLES += [("amcache/McAfeeFileInsight_Amcache.hve.xz", PROGRAMS, [], counts.hive)]
SAMPLES += [("amcache/%s_Amcache.hve" % n, PROGRAMS, logs, counts.hive) for n in ("APTSim_W10", "Szechuan_2012R2")
            for logs in ([], with_logs("amcache/%s_Amcache.hve" % n))]
SAMPLES += [("hives_odd/" + n, USER, [], counts.hive) for n in (
    "BigDataHive", "DeletedDataHive", "DeletedTreeHive", "ExtendedASCIIHive", "MultiSzHive", "RemnantData",
    "SAMBadHBinHeader", "StringValuesHive", "TruncatedHive", "UnicodeHive", "corrupt_sub_key_list.hiv", "hivex_minimal")]
SAMPLES += [("prefetch/" + n, "/Windows/Prefetch/" + n, [], counts.prefetch) for n in (
    "XP_NOTEPAD-NOTEPAD.EXE-336351A9.pf", "Vista_CMD-CMD.EXE-89305D47.pf", "Win7_NOTEPAD-NOTEPAD.EXE-D8414F97.pf",
    "Win8_CMD-CMD.EXE-4A81B364.pf", "Win81_MSMPENG.EXE-0E995F9C.pf", "Win10_CMD-CMD.EXE-D269B812.pf",
    "Win10_LONGNAME-DCODEDCODEDCODEDCODEDCODEDCOD-E65B9FE8.pf", "Belkasoft_MPSIGSTUB.EXE-6CB27A06.pf",
    "artemis_W11_MPCMDRUN.EXE-9EAF7E2E.pf", "SutharPC_MPCMDRUN.EXE-68A22B78.pf", "SutharPC_SENTINELCTL.EXE-652600C8.pf",
    "SutharPC_UNINS000.EXE-D4353388.pf")]
SAMPLES += [("srum/RathbunVM_W10_%s_SRUDB.dat" % n, "/Windows/System32/sru/SRUDB.dat", [], counts.srum)
            for n in ("Clean", "Dirty")]
SAMPLES += [("execution/PcaAppLaunchDic.txt", "/Windows/appcompat/pca/PcaAppLaunchDic.txt", [], counts.launches)]
SAMPLES += [("avlogs/Defender_MPLog-20220310.log", "/ProgramData/Microsoft/Windows Defender/Support/MPLog-20220310-113238.log", [],
             counts.protection_log)]
SAMPLES += [("ntfs/" + n, "/$Extend/$UsnJrnl:$J", [], counts.journal) for n in ("APTSim_W10_J.7z", "usnjrnl_J_dissect.bin.xz")]
SAMPLES += [("images/" + n, "/$MFT", [], counts.table) for n in (
    "testfs1_ntfs.dd.xz", "fox/test.dd.xz", "ntfs_test.ntfs.dd.E01")]
SAMPLES += [("ntfs/" + n, "/$MFT", [], counts.bare_table) for n in ("NIST_DFR16_MFT", "xw_MFT")]

# Why a number is not the tool's.
TORN, EMPTY = "stops at the damage; the parser does not", "one row names the empty program"
REASONS = {
    ("evtx/sample_with_a_bad_chunk_magic.evtx", "windows.event.record"): TORN,
    ("hives_odd/SAMBadHBinHeader", "windows.registry.key"): TORN,
    ("hives_odd/SAMBadHBinHeader", "windows.registry.value"): TORN,
    ("hives_odd/corrupt_sub_key_list.hiv", "windows.registry.key"): TORN,
    ("hives_odd/corrupt_sub_key_list.hiv", "windows.registry.value"): TORN,
    ("srum/RathbunVM_W10_Clean_SRUDB.dat", "windows.srum.use"): EMPTY,
    ("srum/RathbunVM_W10_Dirty_SRUDB.dat", "windows.srum.use"): EMPTY,
}


def tools_missing():
    return [t for t in ("evtxexport", "evtexport", "reglookup", "sccainfo", "esedbexport", "fls", "7z") if not shutil.which(t)]


class Run:
    """One sample read by every parser that fits, and the independent numbers."""

    def __init__(self, sample, options, folder):
        name, self.place, logs, counter, *recovered = sample
        files = [counts.unpacked(os.path.join(options.corpus, n), folder) for n in [name] + logs]
        done = subprocess.run([options.traces, self.place] + files, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                              env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
        self.name = name + (" with its logs" if logs else "")
        self.crashed = done.stderr.decode("utf-8", "replace")[-2000:] if done.returncode else ""
        self.live, self.recovered = collections.Counter(), collections.Counter()
        self.states, self.parser_of = {}, {}
        for line in done.stdout.decode("utf-8", "replace").splitlines():
            self.add(line.split("\t"))
        if recovered:
            self.wanted, self.by = counter(os.path.join(options.corpus, recovered[0]))
            self.by += " of the hive that Windows recovered"
        else:
            self.wanted, self.by = ({}, "no tool applies the logs") if logs else counter(files[0])

    def add(self, fields):
        parser, kind = fields[:2]
        if kind == "=":
            self.states[parser] = fields[2:]
            return
        (self.live if fields[2] in LIVE else self.recovered)[kind] += 1
        self.parser_of[kind] = parser

    def differences(self):
        """Types whose number is not that of the tool, without a known reason."""
        given = {k for k in self.wanted if k in self.live or self.wanted[k]}
        return [(k, self.live[k], self.wanted[k]) for k in sorted(given)
                if self.live[k] != self.wanted[k] and (self.name, k) not in REASONS and self.could_give(k)]

    def could_give(self, kind):
        """Whether some parser of this kind of file emits the type: reglookup counts whatever hive it gets."""
        return kind in self.parser_of or any(kind.startswith(p) for p in self.states)

    def rows(self):
        """One for each parser that found something, or lost it all."""
        for parser, (status, lost, _) in self.states.items():
            kinds = sorted({k for k, p in self.parser_of.items() if p == parser})
            if not kinds and status == "read" and (self.parser_of or lost == "0"):
                continue
            cells = [self.cell(k) for k in kinds] or ["none"]
            state = "" if status == "read" else " (%s)" % status
            state += " (%s %s)" % (lost, "loss" if lost == "1" else "losses") if lost != "0" else ""
            tool = ", ".join("%s %d" % (short(k), self.wanted[k]) + self.reason(k) for k in kinds if k in self.wanted)
            yield "| %s | `%s` | %s%s | %s |" % (self.name, parser, ", ".join(cells), state,
                                                "%s: %s" % (self.by, tool) if tool else self.by if not self.wanted else "-")

    def reason(self, kind):
        return " (%s)" % REASONS[self.name, kind] if (self.name, kind) in REASONS else ""

    def cell(self, kind):
        return "%s %d" % (short(kind), self.live[kind]) + (
            " and %d recovered" % self.recovered[kind] if self.recovered[kind] else "")


def short(kind):
    return kind.rsplit(".", 1)[-1]


def held_against(document, made, update):
    with open(document, encoding="utf-8") as stream:
        head, rest = stream.read().split(BEGIN)
    table, tail = rest.split(END)
    if update:
        with open(document, "w", encoding="utf-8") as out:
            out.write(head + BEGIN + made + END + tail)
        return []
    old, new = table.splitlines(), made.splitlines()
    return ["stands there: " + x for x in old if x not in new] + ["is now:       " + x for x in new if x not in old]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--traces", required=True)
    parser.add_argument("--document", required=True)
    parser.add_argument("--corpus", default=os.environ.get("AVOUCH_CORPUS", "../shared/corpus"))
    parser.add_argument("--update", action="store_true")
    options = parser.parse_args()
    if not os.path.isdir(options.corpus) or tools_missing():
        print("no samples in %s, or no %s: skipped" % (options.corpus, tools_missing()))
        return 77
    rows, failed = [], False
    for sample in SAMPLES:
        with tempfile.TemporaryDirectory() as folder:
            run = Run(sample, options, folder)
        for kind, seen, wanted in run.differences():
            print("FAIL %s: %d traces %s, %s counts %d" % (run.name, seen, kind, run.by, wanted))
            failed = True
        if run.crashed:
            print("FAIL %s: %s" % (run.name, run.crashed))
            failed = True
        rows += run.rows()
    made = "| sample | parser | traces | counted by |\n|---|---|---|---|\n" + "".join(r + "\n" for r in rows)
    for line in held_against(options.document, made, options.update):
        print(line)
        failed = True
    print("%d rows" % len(rows))
    return 1 if failed else 0


sys.exit(main())
