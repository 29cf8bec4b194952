# SPDX-License-Identifier: Apache-2.0
"""One simulated Windows computer: plays a history and leaves what each recorder of a real machine would keep."""
import datetime
import hashlib
import heapq
import os
import random
import struct
import uuid
import zoneinfo

import yaml

import evtx
import pe
import prefetch
import tamper
from evtx import Record
from hive import Hive

HERE = os.path.dirname(os.path.abspath(__file__))
EPOCH = datetime.datetime(1601, 1, 1, tzinfo=datetime.timezone.utc)
SECOND, MINUTE, DAY = 10**7, 60 * 10**7, 86400 * 10**7
UNINSTALL = "Microsoft\\Windows\\CurrentVersion\\Uninstall"
NATIVE = "Microsoft\\Windows NT\\CurrentVersion"
SERVICES = "ControlSet001\\Services"
SCM = dict(guid="555908d1-a6d7-4695-8e1e-26931d2012f4", source="Service Control Manager", qualifiers=16384,
           keywords=0x8080000000000000, channel="System", process=608, thread=1204)
KERNEL = dict(guid="a68ca8b7-004f-d7b6-a698-07e2de0f1f5d", qualifiers=None, keywords=0x8000000000000000,
              channel="System", process=4, thread=64, user="S-1-5-18")
OS = {"win10": ("Windows 10 Pro", "16299", "6.3", 30), "win7": ("Windows 7 Professional", "7601", "6.1", 23),
      "win11": ("Windows 10 Pro", "22631", "6.3", 30)}
SOURCES = ("files", "registry", "msi", "service", "wsc", "vendor", "inventory", "prefetch", "setupapi", "amcache", "bam",
           "installer-log")


def ticks(when):
    if isinstance(when, str):
        when = datetime.datetime.fromisoformat(when.replace("Z", "+00:00"))
    if when.tzinfo is None:
        when = when.replace(tzinfo=datetime.timezone.utc)
    delta = when - EPOCH
    return (delta.days * 86400 + delta.seconds) * SECOND + delta.microseconds * 10


def moment(value):
    return EPOCH + datetime.timedelta(microseconds=value // 10)


def unix(value):
    return value // SECOND - 11644473600


def text16(text):
    return text.encode("utf-16-le")


def packed_guid(text):
    """The form in which Windows Installer names its keys."""
    a, b, c, d, e = text.strip("{}").split("-")
    swap = "".join(x[i:i + 2][::-1] for x in (d + e,) for i in range(0, len(x), 2))
    return (a[::-1] + b[::-1] + c[::-1] + swap).upper()


def load(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as stream:
        return yaml.safe_load(stream)


def product_table():
    table = load("products.yaml")
    return {k: ({**table[v["like"]], **v} if "like" in v else v) for k, v in table.items()}


class Machine(tamper.Tampering):
    ticks = staticmethod(ticks)
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

    # --- the ordinary machine ---
    def set_up(self):
        at, shown = self.born, self.shown(self.born)
        if self.spec.get("journal", 1):
            self.op(at, "journal", 1 << 20)
            self.op(at, "trim", self.spec.get("journal", 0) if self.spec.get("journal", 1) > 1 else 0)
        for folder in ("Windows/System32/config", "Windows/System32/drivers", "Windows/System32/winevt/Logs",
                       "Windows/SysWOW64", "Windows/Prefetch", "Windows/INF", "Windows/Installer", "Windows/Temp",
                       "Windows/System32/Tasks", "Program Files/Common Files", "Program Files (x86)/Common Files",
                       "ProgramData/Microsoft/Windows/Start Menu/Programs", "Users/Public", "$Recycle.Bin"):
            self.mkdir(at, folder)
        built = at - 90 * DAY
        for dll in self.base["dlls"].split():
            for folder in ("System32", "SysWOW64"):
                self.file(at, "Windows/%s/%s" % (folder, dll if "." in dll else dll + ".dll"), built=built)
        for exe in ("explorer.exe", "System32/notepad.exe", "System32/cmd.exe", "System32/mmc.exe",
                    "System32/msiexec.exe", "System32/services.exe", "System32/svchost.exe"):
            self.file(at, "Windows/" + exe, built=built)
        minor = 5
        self.software = Hive("SOFTWARE", "ROOT", shown, minor)
        self.system = Hive("SYSTEM", "ROOT", shown, minor)
        self.user_hives = {u: Hive("ntuser.dat", "ROOT", shown, minor) for u in self.users}
        self.amcache = Hive("Amcache.hve", "{11517B7C-E79D-4e20-961B-75A811715ADD}", shown, minor)
        self.amcache.key("Root\\InventoryApplication", shown)
        self.set_up_software(shown)
        self.set_up_system(shown)
        for i, user in enumerate(self.users):
            self.set_up_user(at + (10 + i) * MINUTE, user, 1001 + i)
        self.bulk(at + DAY, self.spec.get("bulk_files", 0))
        for i, program in enumerate(self.base["programs"]):
            self.later(at + 2 * DAY + i * 3 * 3600 * SECOND, self.add_program, program)

    def bulk(self, true, count):
        """Many small files in folders of eight below one, as WinSxS has them; one in eight too large for its record."""
        pool = len(self.blob)
        self.blob += self.rng.randbytes(16384)
        for i in range(count):
            folder = "Windows/WinSxS/%s_%s_%05d" % ("amd64_" + self.words[i // 8 % len(self.words)], "31bf3856ad364e35_10.0.16299.15_none", i // 8)
            size = 4096 + self.rng.randrange(8192) if i % 8 == 0 else 40 + self.rng.randrange(400)
            self.op(true + i * SECOND // 100, "write", "%s/%s%d.dll" % (folder, self.words[i % len(self.words)], i), pool,
                    size)

    def set_up_software(self, shown):
        name, build, version, _ = self.os
        hive = self.software
        for key, kind, value in (
                ("ProductName", "sz", name), ("CurrentBuild", "sz", build), ("CurrentBuildNumber", "sz", build),
                ("CurrentVersion", "sz", version), ("InstallDate", "dword", unix(shown)),
                ("SystemRoot", "sz", "C:\\Windows"), ("PathName", "sz", "C:\\Windows"),
                ("RegisteredOwner", "sz", self.users[0]), ("EditionID", "sz", name.rsplit(" ", 1)[1].replace(
                    "Pro", "Professional") if name.endswith("Pro") else "Professional"),
                ("InstallationType", "sz", "Client"), ("BuildLab", "sz", build + ".release")):
            hive.value(NATIVE, key, kind, value, shown)
        if version == "6.3":
            hive.value(NATIVE, "CurrentMajorVersionNumber", "dword", 10, shown)
            hive.value(NATIVE, "CurrentMinorVersionNumber", "dword", 0, shown)
            hive.value(NATIVE, "InstallTime", "qword", shown, shown)
        for _ in range(90):
            clsid = "Classes\\CLSID\\{%s}" % str(uuid.UUID(int=self.rng.getrandbits(128), version=4)).upper()
            hive.value(clsid, "", "sz", self.rng.choice(self.words).title() + " Object", shown)
            hive.value(clsid + "\\InprocServer32", "", "expand", "%SystemRoot%\\System32\\" + self.rng.choice(
                self.base["dlls"].split()) + ".dll", shown)
        for ext in "7z bat cab cmd dll doc docx exe htm ini jpg js lnk log mp3 msi pdf png ps1 txt xls xml zip".split():
            hive.value("Classes\\." + ext, "", "sz", ext + "file", shown)
        hive.key(UNINSTALL, shown)
        hive.key("Wow6432Node\\" + UNINSTALL, shown)
        hive.value("Microsoft\\Security Center", "cval", "dword", 1, shown)
        hive.value("Microsoft\\Windows Defender", "ProductStatus", "dword", 0, shown)
        hive.value("Microsoft\\Windows Defender", "InstallLocation", "sz", "C:\\Program Files\\Windows Defender\\", shown)
        if "inventory" in self.spec.get("disabled", ()):
            hive.value("Microsoft\\Windows\\CurrentVersion\\WINEVT\\Channels\\Microsoft-Windows-Application-Experience/"
                       "Program-Inventory", "Enabled", "dword", 0, shown)
        hive.value("Microsoft\\Windows\\CurrentVersion", "ProgramFilesDir", "sz", "C:\\Program Files", shown)

    def set_up_system(self, shown):
        hive, control = self.system, "ControlSet001\\Control"
        for name, value in (("Current", 1), ("Default", 1), ("Failed", 0), ("LastKnownGood", 1)):
            hive.value("Select", name, "dword", value, shown)
        for sub in ("ComputerName", "ActiveComputerName"):
            hive.value(control + "\\ComputerName\\" + sub, "ComputerName", "sz", self.host, shown)
        hive.value(SERVICES + "\\Tcpip\\Parameters", "Hostname", "sz", self.host, shown)
        zone, bias, summer, winter, _, resource = self.base["zones"][self.spec["timezone"]]
        key = control + "\\TimeZoneInformation"
        offset = -int(self.local(self.shown(self.last)).utcoffset().total_seconds() // 60)

        def rule(r):
            return struct.pack("<8H", r[0], r[1], r[2], r[3], 0, 0, 0, 0)
        for name, kind, value in (
                ("Bias", "dword", bias), ("StandardBias", "dword", 0), ("DaylightBias", "dword", -60),
                ("StandardName", "sz", "@tzres.dll,%d" % (resource - 1)), ("StandardStart", "binary", rule(winter)),
                ("DaylightName", "sz", "@tzres.dll,%d" % resource), ("DaylightStart", "binary", rule(summer)),
                ("TimeZoneKeyName", "sz", zone), ("DynamicDaylightTimeDisabled", "dword", 0),
                ("ActiveTimeBias", "dword", offset)):
            hive.value(key, name, kind, value, shown)
        manager = control + "\\Session Manager"
        hive.value(manager, "BootExecute", "multi", ["autocheck autochk *"], shown)
        hive.value(manager + "\\Memory Management\\PrefetchParameters", "EnablePrefetcher", "dword",
                   0 if "prefetch" in self.spec.get("disabled", ()) else 3, shown)
        hive.value("Setup", "SystemSetupInProgress", "dword", 0, shown)
        for name in self.base["services"].split():
            self.service_key(shown, name, "System32\\drivers\\%s.sys" % name if name.islower() else
                             "%SystemRoot%\\System32\\svchost.exe -k netsvcs", 1 if name.islower() else 32, 3, name)

    def set_up_user(self, true, user, rid):
        shown = self.shown(true)
        hive = self.user_hives[user]
        hive.value("Environment", "TEMP", "expand", "%USERPROFILE%\\AppData\\Local\\Temp", shown)
        hive.value("Software\\Google\\Chrome\\BLBeacon", "version", "sz", "62.0.3202.94", shown)
        hive.value("Software\\Microsoft\\Windows\\CurrentVersion\\Explorer\\Advanced", "Hidden", "dword", 2, shown)
        for i in range(20):
            hive.value("Software\\Microsoft\\Office\\16.0\\%s" % self.rng.choice(self.words).title(), "Flag", "dword", i,
                       shown)
        key = NATIVE + "\\ProfileList\\%s-%d" % (self.sid, rid)
        self.software.value(key, "ProfileImagePath", "expand", "C:\\Users\\" + user, shown)
        home = "Users/" + user
        for folder in ("AppData/Local/Temp", "AppData/Roaming/Microsoft/Windows/Recent", "Desktop", "Downloads",
                       "Documents/Finance", "Documents/Projects"):
            self.mkdir(true, home + "/" + folder)
        for i in range(60):
            when = true + self.rng.randrange(max(1, (self.last - true) // DAY)) * DAY + i * MINUTE
            kind = self.rng.choice(["docx", "xlsx", "pdf", "txt"])
            name = "%s %s %d.%s" % (self.rng.choice(self.words), self.rng.choice(self.words), i, kind)
            self.later(when, self.file, "%s/Documents/%s/%s" % (home, self.rng.choice(["Finance", "Projects"]), name))
        for i in range(40):
            when = true + self.rng.randrange(max(1, (self.last - true) // DAY)) * DAY + i * MINUTE
            path = "%s/AppData/Local/Temp/%08x.tmp" % (home, self.rng.getrandbits(32))
            self.later(when, self.file, path, b"tmp" * self.rng.randint(4, 400))
            if i % 2 and when + 600 * SECOND < self.last:
                self.later(when + 600 * SECOND, self.op, "unlink", path)

    def service_key(self, shown, name, image, kind, start, display, more=()):
        key = SERVICES + "\\" + name
        for value, vtype, content in (("Type", "dword", kind), ("Start", "dword", start), ("ErrorControl", "dword", 1),
                                      ("ImagePath", "expand", image), ("DisplayName", "sz", display)) + tuple(more):
            self.system.value(key, value, vtype, content, shown)

    def add_program(self, true, program):
        key, name, version, publisher, folder, files = program
        shown = self.shown(true)
        for item in files:
            self.file(true, folder + "/" + item, built=true - 60 * DAY)
        place = ("Wow6432Node\\" if "(x86)" in folder else "") + UNINSTALL + "\\" + key
        for value, content in (("DisplayName", name), ("DisplayVersion", version), ("Publisher", publisher),
                               ("InstallDate", self.local(shown).strftime("%Y%m%d")),
                               ("InstallLocation", "C:\\" + folder.replace("/", "\\"))):
            self.software.value(place, value, "sz", content, shown + 2 * SECOND)
        self.amcache_entry(true + 5 * 3600 * SECOND, name, version, publisher, "C:\\" + folder.replace("/", "\\"), key)
        if key.startswith("{"):
            self.msi_events(true, name, version, publisher, key, "install", 0)

    def working_days(self):
        """Boots and shutdowns every few days of the machine's life, with the usual chatter."""
        day = self.born + DAY
        pause = self.spec.get("days_between_boots", 3)
        while day < self.last:
            here = self.local(day)
            morning = ticks(here.replace(hour=8, minute=self.rng.randrange(5, 55), second=self.rng.randrange(60),
                                         microsecond=self.rng.randrange(10**6)))
            evening = morning + 9 * 3600 * SECOND + self.rng.randrange(1800) * SECOND
            if here.weekday() < 5 and self.born < morning and evening <= self.last and not self.idle(morning):
                self.later(morning, self.boot)
                self.later(morning + 40 * MINUTE, self.chatter)
                self.later(evening, self.shutdown)
                day += pause * DAY
            else:
                day += DAY
        self.later(self.last - 40 * MINUTE, self.boot)
        self.later(self.last, self.shutdown)

    def idle(self, true):
        """Days on which the machine is left off, so that nothing of its own narrows a bound."""
        return any(ticks(a) <= true < ticks(b) for a, b in self.spec.get("idle", ()))

    def boot(self, true):
        shown = self.shown(true)
        for path in self.pending:
            self.op(true - SECOND, "unlink", path)
        if self.pending:
            self.system.delete_value("ControlSet001\\Control\\Session Manager", "PendingFileRenameOperations", shown)
        self.pending = []
        self.named(true, "Microsoft-Windows-Kernel-General", 12, (
            ("MajorVersion", (8, struct.pack("<I", 10))), ("MinorVersion", (8, struct.pack("<I", 0))),
            ("BuildVersion", (8, struct.pack("<I", int(self.os[1])))), ("StartTime", (17, struct.pack("<Q", shown)))),
            task=1, **KERNEL)
        self.event(true + 5 * SECOND, "System", "EventLog", 6009, [self.os[2] + ".", self.os[1], "", "Multiprocessor Free", "0"],
                   qualifiers=32768)
        self.event(true + 5 * SECOND, "System", "EventLog", 6005, [], binary=bytes(8), qualifiers=32768)
        self.named(true + 60 * SECOND, "Service Control Manager", 7036, (("param1", "Windows Update"), ("param2", "running")),
                   user="S-1-5-18", **SCM)
        for name in list(self.installed):
            self.alive(true + 3 * MINUTE, name)
        for path in self.base["runs"]:
            if self.rng.random() < 0.4:
                self.run_program(true + self.rng.randrange(20, 400) * SECOND, path)

    def shutdown(self, true):
        self.event(true - 6 * SECOND, "System", "EventLog", 6006, [], binary=bytes(8), qualifiers=32768)
        self.named(true, "Microsoft-Windows-Kernel-General", 13,
                   (("StopTime", (17, struct.pack("<Q", self.shown(true)))),), task=2, **KERNEL)
        if "SYSTEM" not in self.frozen:
            self.system.value("ControlSet001\\Control\\Windows", "ShutdownTime", "binary",
                              struct.pack("<Q", self.shown(true)), self.shown(true))

    def chatter(self, true):
        self.event(true, "Application", "Software Protection Platform Service", 16394, qualifiers=49152)
        self.event(true + 70 * SECOND, "Application", "ESENT", 103, ["svchost", "3611", "", "0", "10", "00"])
        self.named(true + 95 * SECOND, "Service Control Manager", 7040, (
            ("param1", "Background Intelligent Transfer Service"), ("param2", "auto start"),
            ("param3", "demand start"), ("param4", "BITS")), user="S-1-5-18", **SCM)
        if self.rng.random() < 0.3:
            self.event(true + 300 * SECOND, "Application", "Windows Error Reporting", 1001,
                       ["", "0", "APPCRASH", "Not available", "0", "OUTLOOK.EXE", "1.0.0.0"])

    def run_program(self, true, path):
        self.runs.setdefault(path, []).append((true, self.shown(true)))

    def amcache_entry(self, true, name, version, publisher, folder, code):
        """What the inventory task writes the next time it runs."""
        shown = self.shown(true)
        program = "0000" + hashlib.sha1((name + version).encode()).hexdigest()
        key = "Root\\InventoryApplication\\" + program
        if self.amcache.has(key) or true > self.last:
            return
        for value, content in (("ProgramId", program), ("Name", name), ("Version", version), ("Publisher", publisher),
                               ("Language", "1033"), ("Source", "Msi"), ("Type", "Application"),
                               ("InstallDate", moment(shown).strftime("%m/%d/%Y %H:%M:%S")), ("RootDirPath", folder),
                               ("MsiProductCode", code if code.startswith("{") else ""),
                               ("RegistryKeyPath", "HKEY_LOCAL_MACHINE\\SOFTWARE\\" + UNINSTALL + "\\" + code)):
            self.amcache.value(key, value, "sz", content, shown)

    def ran(self, true, path):
        """The background activity moderator: the last start of each program of each user."""
        shown = self.shown(true)
        self.system.value(SERVICES + "\\bam\\UserSettings\\%s-1001" % self.sid, "\\Device\\HarddiskVolume2\\" +
                          path.replace("/", "\\"), "binary", struct.pack("<QQQ", shown, 0, 0), shown)

    # --- products ---
    def has(self, source):
        return source in self.sources

    def msi_events(self, true, name, version, publisher, code, what, status, user="S-1-5-18", outer=True):
        rest = ["(NULL)", "(NULL)", "(NULL)", "(NULL)", "(NULL)", ""]
        code_bytes = code.encode()
        who = dict(user=user)
        if outer:
            self.event(true - 60 * SECOND, "Application", "MsiInstaller", 1040, ["C:\\Windows\\Installer\\setup.msi" if
                       what == "install" else code, "3588"] + rest[1:], **who)
        wording = {"install": ("Installation", 11707, 11708, 1033), "remove": ("Removal", 11724, 11725, 1034)}[what]
        good = status in (0, 3010, 1641)
        self.event(true - SECOND // 5, "Application", "MsiInstaller", wording[1] if good else wording[2], [
            "Product: %s -- %s %s." % (name, wording[0], "completed successfully" if good else "failed")] + rest,
            binary=code_bytes, level=4 if good else 2, **who)
        self.event(true, "Application", "MsiInstaller", wording[3],
                   [name, version, "1033", str(status), publisher, "(NULL)", ""], binary=code_bytes +
                   hashlib.md5(code_bytes).hexdigest().encode(), **who)
        if outer:
            self.event(true + SECOND, "Application", "MsiInstaller", 1042, ["C:\\Windows\\Installer\\setup.msi" if
                       what == "install" else code, "3588"] + rest[1:], **who)

    def defender(self, true, event):
        self.named(true, "Microsoft-Windows-Windows Defender", event, (
            ("Product Name", "Windows Defender Antivirus"), ("Product Version", "4.12.16299.15")),
            guid="11cd958a-c507-4ef3-b3f2-5fd9dfbd2c78", qualifiers=None, keywords=0x8000000000000000,
            user="S-1-5-18", channel="Microsoft-Windows-Windows Defender/Operational", process=2112, thread=2900)

    def inventory(self, true, event, product):
        self.named(true, "Microsoft-Windows-Application-Experience", event, (
            ("Name", product["name"]), ("Version", product["version"]), ("Publisher", product["publisher"]),
            ("Language", "1033"), ("Source", "Msi"), ("ProgramID", "0000" + hashlib.sha1(product["code"].encode()).hexdigest())),
            guid="eef54e71-0661-422d-9a98-82fd4940b820", qualifiers=None, keywords=0x8000000000000000, user="S-1-5-18",
            channel="Microsoft-Windows-Application-Experience/Program-Inventory", process=1200, thread=1300)

    def setup_section(self, true, title, lines):
        start, end = self.local(self.shown(true)), self.local(self.shown(true + 9 * SECOND // 10))
        stamp = "%Y/%m/%d %H:%M:%S.%f"
        self.setup_log.append((true, ">>>  [%s]\r\n>>>  Section start %s\r\n%s<<<  Section end %s\r\n"
                               "<<<  [Exit status: SUCCESS]\r\n\r\n\r\n" % (
                                   title, start.strftime(stamp)[:-3], "".join("     %s\r\n" % x for x in lines),
                                   end.strftime(stamp)[:-3])))

    def install(self, true, step):
        """The moment `true` is that of event 1033; files and keys came in the minutes before."""
        p = self.products[step["product"]]
        begin = true - 2 * MINUTE
        shown = self.shown(begin)
        folder = "C:\\" + p["folder"].replace("/", "\\")
        self.installed[step["product"]] = true
        if self.has("files"):
            self.install_files(begin, p)
        if self.has("registry"):
            self.install_keys(begin, shown, p, folder)
        if self.has("service"):
            for driver in p["drivers"]:
                self.named(begin + 30 * SECOND, "Service Control Manager", 7045, (
                    ("ServiceName", driver), ("ImagePath", "\\SystemRoot\\System32\\drivers\\%s.sys" % driver),
                    ("ServiceType", "kernel mode driver"), ("StartType", "system start"), ("AccountName", "")),
                    user="S-1-5-18", **SCM)
            self.named(begin + 50 * SECOND, "Service Control Manager", 7045, (
                ("ServiceName", p["service"]), ("ImagePath", '"%s\\%s" -r' % (folder, p["exe"])),
                ("ServiceType", "user mode service"), ("StartType", "auto start"), ("AccountName", "LocalSystem")),
                user="S-1-5-18", **SCM)
        if self.has("msi"):
            self.msi_events(true, p["name"], p["version"], p["publisher"], p["code"], "install", 0,
                            outer=not step.get("inside"))
        if self.has("wsc") and "wsc" in p:
            self.event(true + 40 * SECOND, "Application", "SecurityCenter", 15, [p["name"], "SECURITY_PRODUCT_STATE_ON"])
            self.defender(true + 42 * SECOND, 5001)
        if self.has("inventory"):
            self.later(true + 90 * SECOND, self.inventory, 903, p)
        if self.has("setupapi") and p["drivers"]:
            inf = "%s\\%s_x64\\%s.inf" % (folder, p["drivers"][0], p["drivers"][0])
            self.setup_section(begin + 29 * SECOND, "Device Install (DiInstallDriver) - " + inf, [
                'cmd: "%s\\%s"' % (folder, p["exe"]), "inf: Provider: " + p["publisher"],
                "sto: {Setup Import Driver Package: %s}" % inf])
        if self.has("amcache"):
            self.later(true + 6 * 3600 * SECOND, self.amcache_entry, p["name"], p["version"],
                       p["publisher"], folder, p["code"])
        if self.has("installer-log") and p["vendor"] == "kaspersky":
            self.installer_log(begin, "install", "Installation", p)
        if self.has("prefetch") and p.get("installer"):
            self.run_program(begin - 30 * SECOND, "Users/%s/Downloads/%s" % (self.users[0], p["installer"]))
        self.alive(true + 3 * MINUTE, step["product"], first=True)

    def installer_log(self, true, verb, word, p):
        here = self.local(self.shown(true))
        lines = ["%s\t%s of %s %s %s" % ((here + datetime.timedelta(seconds=i)).strftime("%H:%M:%S"), word, p["name"],
                                         p["version"], w) for i, w in ((0, "started"), (50, "completed"))]
        self.file(true, "Users/%s/AppData/Local/Temp/kl-%s-%s.log" % (self.users[0], verb, here.strftime("%Y-%m-%d-%H-%M-%S")),
                  "\r\n".join(lines).encode())

    def install_files(self, begin, p):
        built = begin - 120 * DAY
        if p.get("installer") and self.has("files"):
            self.file(begin - 5 * MINUTE, "Users/%s/Downloads/%s" % (self.users[0], p["installer"]), built=begin - 5 * MINUTE)
        for item in p["files"]:
            path = p["folder"] + "/" + item
            content = self.program(path)
            if item == p["exe"]:
                content = pe.program(item, p["name"], p["version"], p["publisher"]) + content
            self.file(begin + 10 * SECOND, path, content, built=built)
        for driver in p["drivers"]:
            self.file(begin + 25 * SECOND, "Windows/System32/drivers/%s.sys" % driver, built=built)
        for sub in ("Bases", "Data", "Report", "QB"):
            self.mkdir(begin + 40 * SECOND, p["data"] + "/" + sub)
        self.file(begin + 45 * SECOND, p["data"] + "/Bases/u0607g.xml")
        self.file(begin + 45 * SECOND, p["data"] + "/Report/report.db")
        if p.get("setup"):
            self.file(begin - 60 * SECOND, "ProgramData/%s/setup.msi" % p["setup"], built=built)
        self.file(begin + 100 * SECOND, "Windows/Installer/%x.msi" % (int(p["code"][1:7], 16)), built=built)

    def install_keys(self, begin, shown, p, folder):
        s, second = self.software, SECOND
        for driver in p["drivers"]:
            self.service_key(shown + 25 * second, driver, "\\SystemRoot\\System32\\drivers\\%s.sys" % driver, 2, 1,
                             p["publisher"] + " Driver " + driver)
            if driver in p.get("filter", {}):
                key = SERVICES + "\\%s\\Instances" % driver
                self.system.value(key, "DefaultInstance", "sz", driver, shown + 25 * second)
                self.system.value(key + "\\" + driver, "Altitude", "sz", str(p["filter"][driver]), shown + 25 * second)
        self.service_key(shown + 50 * second, p["service"], '"%s\\%s" -r' % (folder, p["exe"]), 16, 2, p["display"],
                         (("ObjectName", "sz", "LocalSystem"),))
        if "channel" in p:
            self.system.value(SERVICES + "\\EventLog\\%s\\%s" % (p["channel"], p["source"]), "EventMessageFile", "expand",
                              folder + "\\avpevent.dll", shown + 52 * second)
        environment = p["branch"] + "\\environment"
        for name, kind, value in (
                ("ProductName", "sz", p["name"]), ("ProductVersion", "sz", p["version"]), ("ProductRoot", "sz", folder),
                ("DataRoot", "sz", "C:\\" + p["data"].replace("/", "\\")), ("ProductCode", "sz", p["code"]),
                ("UpgradeCode", "sz", p["upgrade"]), ("Ins_DisplayName", "sz", p["name"]),
                ("InstallDate", "dword", unix(shown + 55 * second))):
            s.value(environment, name, kind, value, shown + 55 * second)
        s.value(p["branch"] + "\\settings", "SettingsVersion", "sz", p["version"], shown + 56 * second)
        s.value(p["branch"] + "\\Data\\WSCIntgr", "LocalizedProductName", "sz", p["name"], shown + 57 * second)
        uninstall = ("Wow6432Node\\" if "(x86)" in p["folder"] else "") + UNINSTALL + "\\" + p["code"]
        for name, kind, value in (
                ("DisplayName", "sz", p["name"]), ("DisplayVersion", "sz", p["version"]),
                ("Publisher", "sz", p["publisher"]), ("InstallDate", "sz", self.local(shown).strftime("%Y%m%d")),
                ("InstallLocation", "sz", folder + "\\"), ("WindowsInstaller", "dword", 1),
                ("UninstallString", "expand", "MsiExec.exe /I" + p["code"])):
            s.value(uninstall, name, kind, value, shown + 115 * second)
        packed = packed_guid(p["code"])
        s.value("Classes\\Installer\\Products\\" + packed, "ProductName", "sz", p["name"], shown + 116 * second)
        s.value("Classes\\Installer\\UpgradeCodes\\" + packed_guid(p["upgrade"]), packed, "sz", "", shown + 116 * second)
        key = "Microsoft\\Windows\\CurrentVersion\\Installer\\UserData\\S-1-5-18\\Products\\%s\\InstallProperties" % packed
        for name, value in (("DisplayName", p["name"]), ("DisplayVersion", p["version"]), ("Publisher", p["publisher"]),
                            ("InstallDate", self.local(shown).strftime("%Y%m%d")), ("InstallLocation", folder + "\\"),
                            ("LocalPackage", "C:\\Windows\\Installer\\%x.msi" % int(p["code"][1:7], 16))):
            s.value(key, name, "sz", value, shown + 117 * second)
        if "wsc" in p:
            key = "Microsoft\\Security Center\\Provider\\Av\\" + p["wsc"]
            s.value(key, "DISPLAYNAME", "sz", p["name"], shown + 118 * second)
            s.value(key, "PRODUCTEXE", "sz", folder + "\\wmiav.exe", shown + 118 * second)
            s.value(key, "STATE", "dword", 0x41000, shown + 118 * second)
        if "user_branch" in p:
            self.user_hives[self.users[0]].value(p["user_branch"], "UiState", "dword", 1, shown + 150 * second)

    def alive(self, true, name, first=False):
        """What a running product writes at a start of the machine."""
        p, shown = self.products[name], self.shown(true)
        if self.has("prefetch"):
            for exe in (p["exe"], p.get("ui")):
                if exe:
                    self.run_program(true, p["folder"] + "/" + exe)
        if self.has("bam") and "SYSTEM" not in self.frozen and self.os[3] == 30:
            self.ran(true, p["folder"] + "/" + p.get("ui", p["exe"]))
        if self.has("registry") and "SOFTWARE" not in self.frozen:
            self.software.value(p["branch"] + "\\Data", "LastStart", "qword", shown, shown)
            self.later(true + 9 * MINUTE, self.updated, name)
        if self.has("service"):
            self.named(true, "Service Control Manager", 7036, (("param1", p["display"]), ("param2", "running")),
                       user="S-1-5-18", **SCM)
        if self.has("vendor") and "channel" in p and (first or self.rng.random() < 0.25):
            self.later(true + 10 * MINUTE, self.reported, name)

    def updated(self, true, name):
        p, shown = self.products[name], self.shown(true)
        if name in self.installed and "SOFTWARE" not in self.frozen:
            self.software.value(p["branch"] + "\\Data", "LastSuccessfulUpdate", "qword", shown, shown)

    def reported(self, true, name):
        p = self.products[name]
        if name in self.installed:
            self.event(true, p["channel"], p["source"], 203, [
                "Event type:     Update completed\r\nApplication:     %s\r\nUser:     %s\\%s\r\nComponent:     Update\r\n"
                "Result description:     Databases are up to date\r\n" % (p["name"], self.host, self.users[0])])

    def remove(self, true, step):
        """The moment `true` is that of event 1034 (or of the tool's last act)."""
        p, how = self.products[step["product"]], step.get("how", "msi")
        leave = set(step.get("leave", ()))
        if how == "failed":
            self.msi_events(true, p["name"], p["version"], p["publisher"], p["code"], "remove", 1603)
            return
        self.installed.pop(step["product"], None)
        begin, shown = true - MINUTE, self.shown(true - MINUTE)
        if self.has("files"):
            self.remove_files(begin, p, leave, how)
        if self.has("registry") and how != "folders":
            self.remove_keys(shown, p, leave, how, step)
        if how in ("msi", "pending") and self.has("msi"):
            status = 3010 if how == "pending" else 0
            self.msi_events(true, p["name"], p["version"], p["publisher"], p["code"], "remove", status,
                            user="S-1-5-18" if step.get("inside") else "%s-1001" % self.sid, outer=not step.get("inside"))
        if how == "remover" and self.has("prefetch"):
            self.run_program(begin - MINUTE, "Users/%s/Desktop/kavremvr.exe" % self.users[0])
        if self.has("wsc") and "wsc" in p and how != "folders":
            self.defender(true + 30 * SECOND, 5000)
        if self.has("inventory") and how != "folders":
            self.later(true + (240 * SECOND if step.get("inside") else 4 * 3600 * SECOND), self.inventory, 907, p)
        if self.has("installer-log") and p["vendor"] == "kaspersky" and how in ("msi", "pending"):
            self.installer_log(begin, "uninstall", "Removal", p)
        if self.has("setupapi") and p["drivers"] and how != "folders":
            self.setup_section(begin + 10 * SECOND, "Delete Device Driver - SetupUninstallOEMInf - oem15.inf", [
                "inf: Provider: " + p["publisher"], "cmd: C:\\Windows\\system32\\msiexec.exe /V"])

    def remove_files(self, begin, p, leave, how):
        if how == "remover":
            self.file(begin - 3 * MINUTE, "Users/%s/Desktop/kavremvr.exe" % self.users[0])
        if "folders" not in leave:
            self.remove_tree(begin + 20 * SECOND, p["folder"])
        if "data" not in leave:
            self.remove_tree(begin + 30 * SECOND, p["data"])
        if "drivers" not in leave and how not in ("folders", "pending"):
            for driver in p["drivers"]:
                self.op(begin + 10 * SECOND, "unlink", "Windows/System32/drivers/%s.sys" % driver)
        if how != "folders":
            self.op(begin + 50 * SECOND, "unlink", "Windows/Installer/%x.msi" % (int(p["code"][1:7], 16)))

    def remove_keys(self, shown, p, leave, how, step):
        if "services" not in leave:
            for driver in p["drivers"] + [p["service"]]:
                self.system.delete(SERVICES + "\\" + driver, shown + 15 * SECOND)
            if "channel" in p:
                self.system.delete(SERVICES + "\\EventLog\\" + p["channel"], shown + 16 * SECOND)
        at = shown + 40 * SECOND
        s, packed = self.software, packed_guid(p["code"])
        s.delete(p["branch"], at)
        s.delete(("Wow6432Node\\" if "(x86)" in p["folder"] else "") + UNINSTALL + "\\" + p["code"], at + 15 * SECOND)
        s.delete("Classes\\Installer\\Products\\" + packed, at + 15 * SECOND)
        s.delete_value("Classes\\Installer\\UpgradeCodes\\" + packed_guid(p["upgrade"]), packed, at + 15 * SECOND)
        s.delete("Microsoft\\Windows\\CurrentVersion\\Installer\\UserData\\S-1-5-18\\Products\\" + packed, at + 15 * SECOND)
        if "wsc" in p:
            s.delete("Microsoft\\Security Center\\Provider\\Av\\" + p["wsc"], at + 16 * SECOND)
        if "user_branch" in p and "user" not in leave:
            self.user_hives[self.users[0]].delete(p["user_branch"], at + 17 * SECOND)
        if how == "pending":
            value = [x for d in p["drivers"] for x in ("\\??\\C:\\Windows\\System32\\drivers\\%s.sys" % d, "")]
            self.system.value("ControlSet001\\Control\\Session Manager", "PendingFileRenameOperations", "multi", value,
                              shown + 20 * SECOND)
            self.pending += ["Windows/System32/drivers/%s.sys" % d for d in p["drivers"]]

    # --- other steps of a history ---
    def upgrade(self, true, step):
        """One installer transaction: the old version goes, the new one comes (RemoveExistingProducts)."""
        package = ["C:\\Windows\\Installer\\setup.msi", "3588"] + ["(NULL)"] * 4 + [""]
        if self.has("msi"):
            self.event(true - 4 * MINUTE, "Application", "MsiInstaller", 1040, package, user="S-1-5-18")
            self.event(true + SECOND, "Application", "MsiInstaller", 1042, package, user="S-1-5-18")
        self.remove(true - 150 * SECOND, {"product": step["from"], "inside": True})
        self.install(true, {"product": step["to"], "inside": True})

    def reboot(self, true, step):
        self.shutdown(true)
        self.boot(true + 90 * SECOND)

    def clear_log(self, true, step):
        for channel in step["logs"]:
            kept = self.logs.pop(channel, [])
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
            ("Reason", (8, struct.pack("<I", 1)))), task=5, **KERNEL)

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
        self.file(true, step["path"], step.get("content", "").encode() or None)

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
                 "move": self.move, "folder": self.make_folder, "many-renames": self.many_renames}
        for step in self.history:
            self.later(ticks(step["at"]), verbs[step["do"]], step)
        while self.steps:                             # a step may add later ones
            true, _, function, arguments = heapq.heappop(self.steps)
            function(true, *arguments)
        self.close()

    def adopt(self, former):
        """What stood on the volume before this Windows was installed, set aside below Windows.old."""
        at = len(self.blob)
        self.blob += former.blob
        for true, _, (shown, verb, *rest) in former.ops:
            if verb in ("journal", "trim"):
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
            self.late_file(records[0][0], records[-1][0], name, content)
        if "prefetch" not in self.spec.get("disabled", ()):
            self.close_prefetch()
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
