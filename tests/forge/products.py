# SPDX-License-Identifier: Apache-2.0
"""How products come, run and go: what each recorder keeps of it; a part of Machine."""
import datetime
import hashlib

import pe
from windows import DAY, MINUTE, SCM, SECOND, SERVICES, UNINSTALL, packed_guid, unix


class Products:
    """Needs of a Machine: clock, files, events, hives, programs that run, later()."""

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
        if step.get("how") == "failed":
            self.fail_to_install(true, begin, p, folder)
            return
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

    def fail_to_install(self, true, begin, p, folder):
        """The program and the service came, and went again when the installer took everything back."""
        self.file(begin + 10 * SECOND, p["folder"] + "/" + p["exe"])
        if self.has("service"):
            self.named(begin + 50 * SECOND, "Service Control Manager", 7045, (
                ("ServiceName", p["service"]), ("ImagePath", '"%s\\%s" -r' % (folder, p["exe"])),
                ("ServiceType", "user mode service"), ("StartType", "auto start"), ("AccountName", "LocalSystem")),
                user="S-1-5-18", **SCM)
        self.remove_tree(begin + 90 * SECOND, p["folder"])
        self.msi_events(true, p["name"], p["version"], p["publisher"], p["code"], "install", 1603)

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

    def upgrade(self, true, step):
        """One installer transaction: the old version goes, the new one comes (RemoveExistingProducts)."""
        package = ["C:\\Windows\\Installer\\setup.msi", "3588"] + ["(NULL)"] * 4 + [""]
        if self.has("msi"):
            self.event(true - 4 * MINUTE, "Application", "MsiInstaller", 1040, package, user="S-1-5-18")
            self.event(true + SECOND, "Application", "MsiInstaller", 1042, package, user="S-1-5-18")
        if step.get("how") == "rolled-back":            # the old one is put back; only the log tells of it
            for name, what, status, at in ((step["from"], "remove", 0, true - 150 * SECOND), (step["to"], "install", 1603, true)):
                p = self.products[name]
                self.msi_events(at, p["name"], p["version"], p["publisher"], p["code"], what, status, outer=False)
            return
        self.remove(true - 150 * SECOND, {"product": step["from"], "inside": True})
        self.install(true, {"product": step["to"], "inside": True})
