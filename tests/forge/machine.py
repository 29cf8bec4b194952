# SPDX-License-Identifier: Apache-2.0
"""One simulated Windows computer: plays a history and leaves what each recorder of a real machine would keep."""
import hashlib
import heapq
import random
import struct
import zoneinfo

import edb
import evt
import evtx
import prefetch
import remains
import tamper
from evtx import Record
from ordinary import Ordinary
from products import Products
from windows import (DAY, KERNEL, MINUTE, OLD_LOGS, OS, SECOND, SERVICES, SOURCES, UNINSTALL, load, moment, packed_guid,
                     product_table, text16, ticks)


class Machine(Ordinary, Products, tamper.Tampering, remains.Remains):
    diff_area = "System Volume Information/{b1f0c3d2-52a5-11e7-9c4b-080027a1b2c3}{3808876b-c176-4e48-b7ae-04046e6cc752}"

    def __init__(self, spec, history, seed, folder):
        self.spec, self.history, self.folder = spec, history, folder
        self.snapshots = []
        self.rng = random.Random(seed)
        self.base, self.products = load("base.yaml"), product_table()
        self.zone = zoneinfo.ZoneInfo(spec["timezone"])
        self.host = spec["hostname"]
        self.users = spec.get("users", ["jmarsh"])
        self.os = OS[spec.get("os", "win10")]
        self.born = ticks(spec["installed"])
        self.acquired = ticks(spec["acquired"])
        self.last = ticks(spec["last_used"]) if "last_used" in spec else self.acquired - 2 * DAY
        self.sources = set(spec.get("sources", SOURCES))
        self.ops, self.logs, self.runs, self.installed = [], {}, {}, {}
        self.uses, self.running, self.on = [], set(), 0
        self.steps, self.count = [], 0
        self.offsets = [(0, 0)]
        self.blob = bytearray()
        self.setup_log = []
        self.frozen = set()
        self.first_number = {}
        self.pending = []
        self.words = self.base["words"].split()
        self.sid = "S-1-5-21-%d-%d-%d" % tuple(self.rng.getrandbits(31) for _ in range(3))

    # --- the clock: `true` is what happened, `shown` is what the machine wrote ---
    def shown(self, true):
        return true + [o for t, o in self.offsets if t <= true][-1]

    def local(self, shown):
        return moment(shown).astimezone(self.zone)

    # --- the file system ---
    def op(self, true, *fields):
        self.ops.append((true, len(self.ops), [str(self.shown(true))] + [str(f) for f in fields]))

    def mkdir(self, true, path):
        self.op(true, "mkdir", path)

    def file(self, true, path, content=None, built=None):
        self.mkdir(true, path.rsplit("/", 1)[0])
        if content is None:
            content = self.program(path)
        at = len(self.blob)
        self.blob += content
        self.op(true, "write", path, at, len(content))
        if built:
            self.op(true, "times", path, "-", built, "-", "-")

    def remove_tree(self, true, path):
        self.op(true, "rmtree", path)

    def program(self, path):
        """A stub: the outward form of a program, content that says nothing."""
        stem = hashlib.sha256((path + self.host).encode()).digest()
        if path.lower().endswith((".exe", ".dll", ".sys", ".com")):
            head = b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0" + struct.pack("<HH", 0x8664, 1)
            return head + stem * self.rng.randint(24, 160)
        return (" ".join(self.rng.choice(self.words) for _ in range(60)) + "\r\n").encode()

    # --- events ---
    def event(self, true, channel, provider, number, data=(), **more):
        self.logs.setdefault(channel, []).append(
            (true, Record(self.shown(true), provider, number, list(data), computer=self.host, channel=channel, **more)))

    def named(self, true, provider, number, fields, **more):
        self.event(true, more.pop("channel"), provider, number,
                   named=[(n, 1 if isinstance(v, str) else v[0], text16(v) if isinstance(v, str) else v[1])
                          for n, v in fields], **more)

    # --- steps of a history ---

    def delete_folder(self, true, step):
        self.remove_tree(true, step["path"])

    def reboot(self, true, step):
        self.shutdown(true)
        self.boot(true + 90 * SECOND)

    def clear_log(self, true, step):
        """With `leave`, what the log held still stands in the clusters it gave back."""
        for channel in step["logs"]:
            kept = self.logs.pop(channel, [])
            if step.get("leave"):
                content = evtx.write([r for _, r in sorted(kept, key=lambda r: r[0])], self.first_number.get(channel, 1))
                self.op(true, "leave", len(self.blob), len(content) - 4096)
                self.blob += content[4096:]
            self.first_number[channel] = self.first_number.get(channel, 1) + len(kept)
            self.named(true, "Microsoft-Windows-Eventlog", 104, (
                ("SubjectUserName", self.users[0]), ("SubjectDomainName", self.host), ("Channel", channel)),
                guid="fc65ddd8-d6ef-4962-83d5-6e5cfe9ce148", qualifiers=None, keywords=0x8000000000000000, task=104,
                channel="System", process=900, thread=904)

    def delete_recorders(self, true, step):
        """Somebody deletes the files of event logs and of prefetch, as they stand."""
        gone = ["Windows/System32/winevt/Logs/%s.evtx" % c.replace("/", "%4") for c in step.get("logs", ())]
        for channel, path in zip(step.get("logs", ()), gone):
            records = sorted(self.logs.pop(channel), key=lambda r: r[0])
            self.file(true, path, evtx.write([r for _, r in records], self.first_number.pop(channel, 1)))
        if step.get("prefetch"):
            for runs, name, content in self.prefetch_files():
                gone.append("Windows/Prefetch/" + name)
                self.late_file(runs[0][0] + 10 * SECOND, min(true, runs[-1][0] + 10 * SECOND), gone[-1], content)
            self.runs.clear()
        for path in gone:
            self.op(true + SECOND, "unlink", path)

    def clock(self, true, step):
        before = self.shown(true)
        seconds = int(step["by"])
        self.offsets.append((true, self.offsets[-1][1] + seconds * SECOND))
        if step.get("silent"):                        # in the firmware, or by something that leaves no record
            return
        self.named(true, "Microsoft-Windows-Kernel-General", 1, (
            ("NewTime", (17, struct.pack("<Q", self.shown(true)))), ("OldTime", (17, struct.pack("<Q", before))),
            ("Reason", (8, struct.pack("<I", 1))), *([("ProcessName", step["process"])] if "process" in step else [])),
            task=5, **KERNEL)

    def decoys(self, true, step):
        home = "Users/" + self.users[0]
        for path, content in (
                ("Downloads/kis18.0.0.405en_12155.exe", None), ("Downloads/kavremvr.exe", None),
                ("Documents/Kaspersky removal plan.docx", None), ("Documents/Finance/Kaspersky Lab invoice 2016.pdf", None),
                ("Documents/avp klif notes.txt", b"klif.sys, avp.exe, AVP18.0.0: what BOD 17-01 wants us to look for\r\n"),
                ("Documents/Tools/Targets/Antivirus/Kaspersky.tkape", b"Name: Kaspersky\r\nPath: C:\\ProgramData\\Kaspersky Lab\\\r\n"),
                ("Documents/Tools/rules/klif_driver.yar", b"rule klif { strings: $a = \"klif.sys\" condition: $a }\r\n"),
                ("Documents/Tools/antivirus.yaml", b"name: KasperskyEventLog\r\n")):
            self.file(true, home + "/" + path, content)

    def make_file(self, true, step):
        self.file(true, step["path"], step.get("content", "").encode(step.get("encoding", "utf-8")) or None)

    def registry(self, true, step):
        """Keys written or deleted by hand, by a tool or by malicious software."""
        hive, shown = {"SOFTWARE": self.software, "SYSTEM": self.system}[step["hive"]], self.shown(true)
        for key in step.get("delete", ()):
            hive.delete(key, shown)
        if "key" in step:
            hive.key(step["key"], shown)
            for name, (kind, value) in step.get("values", {}).items():
                hive.value(step["key"], name, kind, value, shown)

    def run(self, true, step):
        self.run_program(true, step["path"])

    def freeze(self, true, step):
        for name in step["hives"]:
            {"SOFTWARE": self.software, "SYSTEM": self.system}[name].freeze()
            self.frozen.add(name)

    def log_entry(self, true, step):
        for name in step["hives"]:
            {"SOFTWARE": self.software, "SYSTEM": self.system}[name].log_entry()

    def stir(self, true, step):
        """Something else comes and goes in every place a removal touched, and moves their times."""
        p, shown = self.products[step["product"]], self.shown(true)
        packed = packed_guid(p["code"])
        for hive, paths in ((self.software, (
                p["branch"].rsplit("\\", 1)[0], "Wow6432Node", "Wow6432Node\\" + UNINSTALL, UNINSTALL,
                "Classes\\Installer\\Products", "Classes\\Installer\\UpgradeCodes",
                "Classes\\Installer\\UpgradeCodes\\" + packed_guid(p["upgrade"]),
                "Microsoft\\Windows\\CurrentVersion\\Installer\\UserData\\S-1-5-18\\Products",
                "Microsoft\\Security Center\\Provider\\Av")), (self.system, (SERVICES, SERVICES + "\\EventLog")),
                (self.user_hives[self.users[0]], ("Software\\KasperskyLab", "Software"))):
            for path in paths:
                if hive.has(path):
                    hive.key(path + "\\~%s" % packed[:6], shown)
                    hive.delete(path + "\\~%s" % packed[:6], shown + SECOND)
        for folder in (p["folder"].rsplit("/", 1)[0], p["data"].rsplit("/", 1)[0], "Windows/System32/drivers",
                       "Windows/Installer", "Program Files (x86)"):
            self.file(true, folder + "/~stir.tmp", b"x")
            self.op(true + SECOND, "unlink", folder + "/~stir.tmp")

    def snapshot(self, true, step):
        """A shadow copy: the recorders' files are flushed, and the volume is kept as it stands."""
        number = len(self.snapshots)
        if number == 0:
            self.mkdir(self.born, "System Volume Information")
            self.file(self.born + SECOND, self.diff_area, bytes(12 << 20))
            self.op(self.last, "where", self.diff_area, self.folder + "/diff-area")
        for name, hive in (("SOFTWARE", self.software), ("SYSTEM", self.system)):
            for end, content in zip(("", ".LOG1", ".LOG2"), self.hive_files(name, hive)):
                if content:
                    self.file(true, "Windows/System32/config/" + name + end, content)
        for user, hive in self.user_hives.items():
            self.file(true, "Users/%s/NTUSER.DAT" % user, hive.image())
        for channel, records in sorted(self.logs.items()) if step.get("logs") else ():
            content = evtx.write([r for _, r in sorted(records, key=lambda r: r[0])], self.first_number.get(channel, 1))
            self.file(true, "Windows/System32/winevt/Logs/%s.evtx" % channel.replace("/", "%4"), content)
        self.later(true, self.keep, number)

    def keep(self, true, number):
        self.snapshots.append((self.shown(true), "%s/snapshot%d" % (self.folder, number)))
        self.op(true, "snapshot", self.snapshots[-1][1])

    def later(self, true, function, *arguments):
        self.count += 1
        heapq.heappush(self.steps, (true, self.count, function, arguments))

    def play(self):
        self.set_up()
        self.working_days()
        verbs = {"install": self.install, "remove": self.remove, "upgrade": self.upgrade, "reboot": self.reboot,
                 "clear-log": self.clear_log, "clock": self.clock, "decoys": self.decoys, "file": self.make_file,
                 "snapshot": self.snapshot, "stir": self.stir, "freeze": self.freeze, "log-entry": self.log_entry,
                 "registry": self.registry, "run": self.run, "delete-recorders": self.delete_recorders,
                 "keep": self.keep_hives, "put-back": self.put_back, "file-times": self.file_times, "stray": self.stray,
                 "move": self.move, "folder": self.make_folder, "delete-folder": self.delete_folder,
                 "many-renames": self.many_renames, "event": self.an_event, "reg-back": self.reg_back, "remain": self.remain}
        for step in self.history:
            self.later(ticks(step["at"]), verbs[step["do"]], step)
        while self.steps:                             # a step may add later ones
            true, _, function, arguments = heapq.heappop(self.steps)
            function(true, *arguments)
        self.close()

    def adopt(self, former, formatted=False):
        """What stood on the volume before this Windows was installed, set aside below Windows.old; formatted anew, only
        what stands in free clusters is left of it."""
        at = len(self.blob)
        self.blob += former.blob
        for true, _, (shown, verb, *rest) in former.ops:
            if verb in ("journal", "trim"):
                continue
            if verb == "leave":
                self.ops.append((true, len(self.ops), [shown, verb, str(int(rest[0]) + at), rest[1]]))
                continue
            if formatted:
                continue
            for i in range(2 if verb == "rename" else 1):
                rest[i] = "Windows.old/" + rest[i]
            if verb in ("write", "append"):
                rest[1] = str(int(rest[1]) + at)
            self.ops.append((true, len(self.ops), [shown, verb, *rest]))

    # --- the files that recorders wrote ---
    def close(self):
        for channel, records in sorted(self.logs.items()):
            name = "Windows/System32/winevt/Logs/%s.evtx" % channel.replace("/", "%4")
            records.sort(key=lambda r: r[0])
            rotated = self.spec.get("rotated", {}).get(channel, 0)          # that many were overwritten
            self.first_number[channel] = self.first_number.get(channel, 1) + min(rotated, len(records) - 1)
            records = records[min(rotated, len(records) - 1):]
            content = evtx.write([r for _, r in records], self.first_number.get(channel, 1))
            if self.os[2] == "5.1":             # records of manifest providers came with Vista
                records = [x for x in records if x[1].named is None]
                name = "Windows/System32/config/%s.Evt" % OLD_LOGS[channel]
                content = evt.write([r for _, r in records], self.first_number.get(channel, 1))
            self.late_file(records[0][0], records[-1][0], name, content)
        if "prefetch" not in self.spec.get("disabled", ()):
            self.close_prefetch()
        if self.uses:
            first, last = self.uses[0][0], self.uses[-1][0]
            self.late_file(first, last, "Windows/System32/sru/SRUDB.dat",
                           edb.srudb([u[1:] for u in self.uses if u[0] > self.last - 60 * DAY], self.sid + "-1001", self.shown(last)))
        config = "Windows/System32/config/"
        for name, hive in (("SOFTWARE", self.software), ("SYSTEM", self.system)):
            self.close_hive(config + name, name, hive)
        for user, hive in self.user_hives.items():
            self.close_hive("Users/%s/NTUSER.DAT" % user, user, hive)
        self.close_hive("Windows/appcompat/Programs/Amcache.hve", "Amcache.hve", self.amcache)
        head = "[Device Install Log]\r\n     OS Version = %s.%s\r\n     Architecture = amd64\r\n\r\n[BeginLog]\r\n\r\n" % (
            self.os[2], self.os[1]) + "[Boot Session: %s.500]\r\n\r\n" % self.local(self.shown(self.born)).strftime(
                "%Y/%m/%d %H:%M:%S")
        self.setup_section(self.born + 20 * MINUTE, "Device Install (Hardware initiated) - PCI\\VEN_8086&DEV_15B7",
                           ["ndv: Core Device Install started.", "inf: Opened INF: 'C:\\Windows\\INF\\net0.inf'"])
        sections = sorted(self.setup_log)
        self.late_file(self.born + MINUTE, sections[-1][0] + SECOND, "Windows/INF/setupapi.dev.log",
                       (head + "".join(t for _, t in sections)).encode("utf-8"))

    def late_file(self, first, last, path, content):
        """A file made at `first` whose content is that of `last`; `spoil` says where it was damaged or cut since."""
        content = bytearray(content)
        for place in self.spec.get("spoil", {}).get(path, ()):
            if place == "cut":
                del content[len(content) // 2 + 1000:]
            else:
                content[place[0]] ^= place[1]
        content = bytes(content)
        if last > first:
            self.file(first, path, content[:64] + bytes(len(content) - 64) if len(content) > 64 else content)
        self.file(max(first, last), path, content)

    def hive_files(self, name, hive):
        """The primary file and its logs, as the machine has them on the disk."""
        if name in self.frozen:
            return hive.dirty_files(self.spec.get("log_format", "new"))
        return hive.image(), b"", b""

    def close_hive(self, path, name, hive):
        primary, one, two = self.hive_files(name, hive)
        damaged = self.spec.get("damaged", {}).get(name, ())
        primary = tamper.damage_bin(primary) if "bin" in damaged else primary
        one = tamper.damage_log(one) if "log" in damaged else one
        self.late_file(self.born + MINUTE, self.last, path, primary)
        self.late_file(self.born + MINUTE, self.last if one else self.born, path + ".LOG1", one)
        self.late_file(self.born + MINUTE, self.born, path + ".LOG2", two)

    def close_prefetch(self):
        for runs, name, content in self.prefetch_files():
            self.late_file(runs[0][0] + 10 * SECOND, runs[-1][0] + 10 * SECOND, "Windows/Prefetch/" + name, content)

    def prefetch_files(self):
        version = self.os[3]
        serial = self.rng.getrandbits(32)
        device = ("\\VOLUME{%016x-%08x}" % (self.born, serial)) if version == 30 else "\\DEVICE\\HARDDISKVOLUME1"
        for path, runs in sorted(self.runs.items()):
            runs.sort()
            shown = [s for _, s in reversed(runs)][:8 if version == 30 else 1]
            name, content = prefetch.write(version, "\\" + path.replace("/", "\\"), shown, len(runs),
                                           ["\\WINDOWS\\SYSTEM32\\%s.DLL" % d for d in ("NTDLL", "KERNEL32", "USER32")],
                                           device, serial, self.born)
            yield runs, name, content

    def operations(self):
        """The list for forge_volume, in the order in which things happened."""
        made, lines = set(), []
        for _, _, fields in sorted(self.ops, key=lambda o: (o[0], o[1])):
            if fields[1] == "mkdir":
                if fields[2] in made:
                    continue
            if fields[1] in ("write", "mkdir"):
                parts = fields[2].split("/")
                for i in range(1, len(parts) + (fields[1] == "mkdir")):
                    folder = "/".join(parts[:i])
                    if folder not in made:
                        made.add(folder)
                        lines.append("\t".join([fields[0], "mkdir", folder]))
            else:
                if fields[1] == "rmtree":
                    made = {m for m in made if m != fields[2] and not m.startswith(fields[2] + "/")}
                lines.append("\t".join(fields))
                continue
            if fields[1] == "write":
                lines.append("\t".join(fields))
        return "\n".join(lines) + "\n"
