#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes one small hive to standard output, for unit tests of registry sources that no public sample
shows: registry_samples.py software|system|sam|user|classes|amcache. All names are invented."""
import struct
import sys

from hive import Hive

T0 = 131400000000000000  # 2017-05-23T08:00:00Z
HOUR = 36000000000


def text(value):
    return struct.pack("<I", 2 * len(value)) + value.encode("utf-16-le")


def tzi(bias, standard, daylight):
    def date(month, day):
        return struct.pack("<8H", 0, month, 0, day, 2, 0, 0, 0) if month else bytes(16)
    return struct.pack("<iii", bias, 0, -60) + date(*standard) + date(*daylight)


def software():
    h = Hive("SOFTWARE", "ROOT", T0)
    cache = "Microsoft\\Windows NT\\CurrentVersion\\Schedule\\TaskCache\\"
    task = cache + "Tasks\\{11111111-2222-3333-4444-555555555555}"
    h.value(task, "Path", "sz", "\\Example\\Updater", T0)
    h.value(task, "Author", "sz", "Example", T0)
    h.value(task, "DynamicInfo", "binary",
            struct.pack("<IQQIIQ", 3, T0, T0 + HOUR, 0, 0, T0 + 2 * HOUR), T0)
    h.value(task, "Actions", "binary", struct.pack("<H", 3) + text("Author") + struct.pack("<H", 0x6666) +
            text("") + text("C:\\Program Files\\Example\\up.exe") + text("/silent") + text(""), T0)
    h.value(cache + "Tree\\Example\\Updater", "Id", "sz", "{11111111-2222-3333-4444-555555555555}", T0)
    clsid = "{AAAAAAAA-BBBB-CCCC-DDDD-EEEEEEEEEEEE}"
    h.value("Classes\\CLSID\\" + clsid + "\\InprocServer32", "", "sz", "\"C:\\Program Files\\Example\\amsi.dll\"", T0)
    h.value("Microsoft\\AMSI\\Providers\\" + clsid, "", "sz", "Example scanner", T0)
    h.value("Classes\\*\\shellex\\ContextMenuHandlers\\Example menu", "", "sz", clsid, T0)
    h.value("WOW6432Node\\Maker\\Browser\\NativeMessagingHosts\\com.example.host", "", "sz",
            "C:\\Program Files\\Example\\host.json", T0)
    h.value("Maker\\Browser\\Extensions\\abcdefghijklmnop", "update_url", "sz", "https://example.com/x", T0)
    h.value("Microsoft\\Windows\\CurrentVersion\\SharedDLLs", "C:\\Windows\\example.dll", "dword", 2, T0)
    h.value("Microsoft\\Windows\\CurrentVersion\\App Paths\\example.exe", "", "sz", "C:\\Example\\example.exe", T0)
    zone = "Microsoft\\Windows NT\\CurrentVersion\\Time Zones\\Example Standard Time"
    h.value(zone, "TZI", "binary", tzi(-60, (10, 5), (3, 5)), T0)
    h.value(zone + "\\Dynamic DST", "FirstEntry", "dword", 2015, T0)
    h.value(zone + "\\Dynamic DST", "2015", "binary", tzi(-60, (10, 4), (3, 4)), T0)
    h.value(zone + "\\Dynamic DST", "2016", "binary", b"too short", T0)
    upgrade = "Microsoft\\Windows\\CurrentVersion\\Installer\\UpgradeCodes\\5A8E9D0E2E6761E45ABC045341450B4D"
    h.value(upgrade, "E5F921365CE8AB144AFC7469C68E9435", "sz", "", T0)
    uninstall = "WOW6432Node\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\"
    for name, date in (("Kept", "14.06.2017"), ("Odd", "05/06/2017"), ("Gone", "20170101")):
        h.value(uninstall + name, "DisplayName", "sz", "Example " + name, T0)
        h.value(uninstall + name, "InstallDate", "sz", date, T0)
    h.value("Microsoft\\Security Center\\Monitoring\\Example", "DisableMonitoring", "dword", 1, T0)
    h.delete(uninstall + "Gone", T0 + 5 * HOUR)
    return h


def system():
    h = Hive("SYSTEM", "ROOT", T0)
    h.value("Select", "Current", "dword", 2, T0)
    manager = "ControlSet002\\Control\\Session Manager"
    h.value(manager, "PendingFileRenameOperations", "multi",
            ["\\??\\C:\\Example\\a.sys", "", "\\??\\C:\\Example\\b.new", "!\\??\\C:\\Example\\b.dll"], T0)
    source = "Setup\\Source OS (Updated on 5/1/2017 10:00:00)"
    h.value(source, "ProductName", "sz", "Windows 7 Professional", T0)
    h.value(source, "CurrentBuild", "sz", "7601", T0)
    h.value(source, "InstallDate", "dword", 1400000000, T0)
    filters = "ControlSet002\\Services\\ExampleFlt"
    h.value(filters, "Type", "dword", 2, T0)
    h.value(filters, "Start", "dword", 1, T0)
    h.value(filters + "\\Instances", "DefaultInstance", "sz", "Example Instance", T0)
    h.value(filters + "\\Instances\\Example Instance", "Altitude", "sz", "328000.5", T0)
    h.value("ControlSet001\\Services\\ExampleFlt", "ImagePath", "expand", "system32\\drivers\\old.sys", T0)
    h.value("ControlSet002\\Control\\Network\\{4D36E974-E325-11CE-BFC1-08002BE10318}\\{01}", "ComponentId", "sz",
            "ex_filter", T0)
    return h


def sam():
    h = Hive("SAM", "ROOT", T0)
    h.value("SAM\\Domains\\Account", "V", "binary", bytes(100) + struct.pack("<III", 111, 222, 333), T0)
    return h


def user():
    h = Hive("NTUSER.DAT", "ROOT", T0)
    count = "Software\\Microsoft\\Windows\\CurrentVersion\\Explorer\\UserAssist\\{75048700-EF1F-11D0-9888-006097DEACF9}\\Count"
    h.value(count, "HRZR_EHACNGU:P:\\Rknzcyr\\frghc.rkr", "binary", struct.pack("<IIQ", 1, 8, T0), T0)
    h.value(count, "HRZR_PGYFRFFVBA", "binary", struct.pack("<II", 1, 2), T0)
    h.value("Software\\Microsoft\\Windows\\ShellNoRoam\\MUICache", "C:\\Example\\setup.exe", "sz", "Example Setup", T0)
    h.value("Software\\Microsoft\\Windows\\ShellNoRoam\\MUICache", "LangID", "binary", b"\x09\x04", T0)
    return h


def classes():
    h = Hive("UsrClass.dat", "ROOT", T0)
    cache = "Local Settings\\Software\\Microsoft\\Windows\\Shell\\MuiCache"
    h.value(cache, "C:\\Example\\ui.exe.FriendlyAppName", "sz", "Example", T0)
    h.value(cache, "C:\\Example\\ui.exe.ApplicationCompany", "sz", "Example Makers", T0)
    return h


def amcache():
    h = Hive("Amcache.hve", "{11517B7C-E79D-4e20-961B-75A811715ADD}", T0)
    gone = "Root\\Programs\\0000aaaa"
    h.value(gone, "0", "sz", "Example", T0)
    h.value(gone, "a", "qword", 1497435710, T0)
    h.value(gone, "b", "qword", 1512492500, T0)
    new = "Root\\InventoryApplication\\0000bbbb"
    h.value(new, "Name", "sz", "Example", T0)
    h.value(new, "InstallDate", "sz", "06/14/2017 00:00:00", T0)
    return h


if __name__ == "__main__":
    sys.stdout.buffer.write(globals()[sys.argv[1]]().image())
