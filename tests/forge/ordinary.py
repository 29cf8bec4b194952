# SPDX-License-Identifier: Apache-2.0
"""An ordinary computer and its days: system, users, programs, boots and chatter; a part of Machine."""
import hashlib
import struct
import uuid

from hive import Hive
from windows import DAY, KERNEL, MINUTE, NATIVE, SCM, SECOND, SERVICES, UNINSTALL, moment, ticks, unix


class Ordinary:
    """Needs of a Machine: clock, files, events, later(), and events of the installer for its programs."""

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
        self.on += 1
        if self.has("srum"):
            self.later(true + 60 * MINUTE, self.flush_uses, self.on)
        for name in list(self.installed):
            self.alive(true + 3 * MINUTE, name)
        for path in self.base["runs"]:
            if self.rng.random() < 0.4:
                self.run_program(true + self.rng.randrange(20, 400) * SECOND, path)

    def flush_uses(self, true, start):
        """The usage monitor, once an hour: what ran since it last wrote."""
        if start != self.on:
            return
        here = {self.products[name]["folder"] + "/" + self.products[name]["exe"] for name in self.installed}
        for path in sorted(self.running | here | {"Windows/explorer.exe"}):
            self.uses.append((true, self.shown(true), "\\Device\\HarddiskVolume2\\" + path.replace("/", "\\")))
        self.running = here
        self.later(true + 60 * MINUTE, self.flush_uses, start)

    def shutdown(self, true):
        self.on += 1
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
