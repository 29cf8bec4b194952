# SPDX-License-Identifier: Apache-2.0
"""How many traces of each type a sample must give, counted by tools that share no code with the parsers' own reading.

Each counter gets a file and returns ({trace type: number}, who counted). What trace types rest on is written here anew,
from the documentation of the sources, never taken from the parsers."""
import glob
import lzma
import os
import re
import subprocess
import tempfile
import urllib.parse

GENERAL, SECURITY = "microsoft-windows-kernel-general", "microsoft-windows-security-auditing"
SCM, PNP = "service control manager", "microsoft-windows-kernel-pnp"
EVENTS = {
    "boot": ((GENERAL, 12), ("eventlog", 6005), ("eventlog", 6009)),
    "shutdown": ((GENERAL, 13), ("eventlog", 6006), ("user32", 1074)),
    "unclean-shutdown": (("eventlog", 6008), ("microsoft-windows-kernel-power", 41)),
    "time-change": ((GENERAL, 1), (SECURITY, 4616)),
    "log-cleared": (("microsoft-windows-eventlog", 104), ("microsoft-windows-eventlog", 1102), ("security", 517)),
    "crash": (("windows error reporting", 1001), ("application error", 1000)),
    "defender": tuple(("microsoft-windows-windows defender", n) for n in (1150, 1151, 2000, 2010, 3002, *range(5000, 5014))),
    "driver": tuple((PNP, n) for n in (400, 410, 411, 420, 430)) + tuple(
        ("microsoft-windows-userpnp", n) for n in (20001, 20002, 20003)),
    "inventory": tuple(("microsoft-windows-application-experience", n) for n in range(903, 909)),
    "msi": tuple(("msiinstaller", n) for n in (1005, 1029, *range(1033, 1039), 1040, 1042, *range(10000, 13001))),
    "restart-manager": tuple(("microsoft-windows-restartmanager", n) for n in range(10000, 10011)),
    "restore-point": (("system restore", 8194), ("system restore", 8195)),
    "security-center": tuple(("securitycenter", n) for n in (15, 16, 17)),
    "service-installed": ((SCM, 7045), (SECURITY, 4697)),
    "service-state": tuple((SCM, n) for n in (7000, 7001, 7026, 7031, 7034, 7035, 7036, 7040)),
    "task": tuple(("microsoft-windows-taskscheduler", n) for n in (106, 129, 140, 141, 200, 201)),
}
KIND_OF = {event: kind for kind, events in EVENTS.items() for event in events}


def output(*command):
    """What a tool prints; some samples are damaged, so that its exit status says nothing."""
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout.decode(
        "utf-8", "replace")


def tally(events):
    """Traces of these (provider, id): each record is one of its log, and those of a kind that is read are one more."""
    counts = {"windows.event.record": 0}
    for provider, number in events:
        counts["windows.event.record"] += 1
        kind = KIND_OF.get((provider.lower(), int(number)))
        if kind:
            counts["windows.event." + kind] = counts.get("windows.event." + kind, 0) + 1
    return counts


def evtx(path):
    text = output("evtxexport", "-f", "xml", path)
    return tally(re.findall(r'<Provider Name="([^"]*)".*?<EventID[^>]*>(\d+)</EventID>', text, re.S)), "evtxexport"


def evt(path):
    found = re.findall(r"Source name\t+: ([^\n]*)\n.*?Event identifier\t+: 0x([0-9a-f]+)", output("evtexport", path), re.S)
    return tally((name, int(number, 16) & 0xffff) for name, number in found), "evtexport"


SET, EXPLORER = r"/ControlSet\d+", r"/Software/Microsoft/Windows/CurrentVersion"
VERSION = r"/Software/Microsoft/Windows NT/CurrentVersion"
# Keys: a pattern and what must stand in them as values, or None. Values: the pattern, the types, and names left out.
KEYS = {
    "windows.registry.service": (SET + "/Services/[^/]+", None),
    "windows.registry.event-source": (SET + r"/Services/EventLog/[^/]+(/[^/]+)?", None),
    "windows.system.name": (SET + "/Control/ComputerName/[^/]*ComputerName", ("computername",)),
    "windows.system.domain": (SET + "/Services/Tcpip/Parameters", ("domain", "nv domain", "hostname", "nv hostname")),
    "windows.system.shutdown": (SET + "/Control/Windows", ("shutdowntime",)),
    "windows.system.setup": ("/Setup", None),
    "windows.system.recorder-setting": (SET + "/Control/Session Manager/Memory Management/PrefetchParameters",
                                        ("enableprefetcher",)),
    "windows.registry.legacy-device": (SET + r"/Enum/Root/LEGACY_[^/]*/[^/]+", None),
    "windows.amcache.program": (r"/Root/(Programs|InventoryApplication)/[^/]+", None),
    "windows.amcache.file": (r"/Root/(File/[^/]+|InventoryApplicationFile)/[^/]+", None),
    "windows.amcache.driver": (r"/Root/InventoryDriverBinary/[^/]+", None),
    "windows.recent-apps.run": (EXPLORER + r"/Search/RecentApps/[^/]+", ("apppath", "appid")),
    "windows.system.zone": (SET + "/Control/TimeZoneInformation", None),
    "windows.system.control-set": ("/Select", None),
    "windows.registry.certificate": (r"/Software/(Policies/)?Microsoft/(System|Enterprise)Certificates/[^/]+/Certificates/[^/]+",
                                     None),
    "windows.registry.uninstall": (EXPLORER + r"/Uninstall/[^/]+", None),
}
VALUES = {
    "windows.bam.run": (SET + r"/Services/[bd]am/(State/)?UserSettings/[^/]+/[^/]+", ("BINARY",), "(?!)"),
    "windows.userassist.run": (EXPLORER + r"/Explorer/UserAssist/[^/]+/Count/[^/]+", ("BINARY",), "HRZR_PGY"),
    "windows.registry.autostart": (EXPLORER + r"/(Run|RunOnce[^/]*|RunServices[^/]*|Policies/Explorer/Run)/[^/]*", ("SZ", "EXPAND_SZ"), "(?!)"),
    "windows.compatibility-store.entry": (VERSION + r"/AppCompatFlags/Compatibility Assistant/(Persisted|Store)/[^/]+", (), "(?!)"),
}


def filters(entries):
    """Names in the lists of filters of the device classes."""
    wanted = re.compile(SET + "/Control/Class/[^/]+/(Upper|Lower)Filters", re.I)
    return sum(len([x for x in value.split("|") if x]) for path, kind, value in entries
               if kind == "MULTI_SZ" and wanted.fullmatch(path))


def components(keys, named):
    """Network components and, below them, the services that bind them."""
    return len([k for k in keys if re.fullmatch(SET + "/Control/Network/[^/]+/[^/]+", k, re.I) and
                "componentid" in named.get(k, ())] +
               [k for k in keys if re.fullmatch(SET + "/Control/Network/[^/]+/[^/]+/Ndi", k, re.I) and
                "service" in named.get(k, ())])


def shim_entries(entries):
    """Entries of the compatibility caches."""
    found = 0
    for path, kind, value in entries:
        if kind == "BINARY" and re.fullmatch(SET + "/Control/Session Manager/AppCompat(Cache|ibility)/AppCompatCache", path, re.I):
            found += shim_count(urllib.parse.unquote_to_bytes(value))
    return found


def shim_count(data):
    """Their number as the header has it (to Windows 7), or the marks that begin each of them (Windows 8 and later)."""
    if int.from_bytes(data[:4], "little") in (0xbadc0fee, 0xdeadbeef):
        return int.from_bytes(data[4:8], "little")
    return data.count(b"10ts") + data.count(b"00ts")


def hive(path):
    """Keys and values as reglookup lists them; without transaction logs, which it does not apply."""
    entries, named = [], {}
    for line in output("reglookup", path).splitlines()[1:]:
        fields = line.split(",")
        if len(fields) >= 3:
            entries.append((fields[0], fields[1], fields[2]))
    for path_, kind, _ in entries:
        if kind != "KEY":
            parent, _, name = path_.rpartition("/")
            named.setdefault(parent, set()).add(name.lower())
    keys = [p for p, kind, _ in entries if kind == "KEY" and p != "/"]      # the root is no branch of a product
    counts = {"windows.registry.key": len(keys), "windows.registry.value": len([k for _, k, _ in entries if k != "KEY"])}
    for name, (pattern, wanted) in KEYS.items():
        fitting = [k for k in keys if re.fullmatch(pattern, k, re.I)]
        counts[name] = len([k for k in fitting if not wanted or named.get(k, set()) & set(wanted)])
    for name, (pattern, kinds, left_out) in VALUES.items():
        counts[name] = len([p for p, kind, _ in entries if kind != "KEY" and re.fullmatch(pattern, p, re.I) and
                            (not kinds or kind in kinds) and not re.search(left_out, p.rpartition("/")[2])])
    counts["windows.registry.network-filter"] = components(keys, named)
    counts["windows.registry.filter"] = filters(entries)
    counts["windows.shimcache.entry"] = shim_entries(entries)
    return counts, "reglookup"


def prefetch(path):
    text = output("sccainfo", path)
    if "Format version" not in text:        # version 31; its eight times stand where those of version 30 do
        with open(path, "rb") as stream:
            times = stream.read()[128:192]
        return {"windows.prefetch.run": sum(any(times[i:i + 8]) for i in range(0, 64, 8))}, "times at offset 128 (sccainfo refuses it)"
    times = re.findall(r"Last run time[^:\n]*:?[^:\n]*: (\w{3} \d\d, \d{4})", text)
    return {"windows.prefetch.run": len([t for t in times if not t.endswith("1601")])}, "sccainfo"


# Application resource usage and network usage: the providers whose rows name a program.
SRUM_TABLES = ("{D10CA2FE-6FCF-4F6D-848E-B2E99266FA89}", "{973F5D5C-1D90-4944-BE8E-24B94231A174}")


def srum(path):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["esedbexport", "-t", os.path.join(folder, "db"), path], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=False)
        rows = 0
        for table in SRUM_TABLES:
            for name in glob.glob(os.path.join(glob.escape(folder), "db.export", table + ".*")):
                with open(name, encoding="utf-8", errors="replace") as stream:
                    rows += sum(1 for line in stream) - 1
    return {"windows.srum.use": rows}, "esedbexport"


def journal(path):
    """Records of version 2 and 3, walked by their lengths; zeros between pages are passed over."""
    with open(path, "rb") as stream:
        data = stream.read()
    at, found = 0, 0
    while at + 8 <= len(data):
        length, version = int.from_bytes(data[at:at + 4], "little"), int.from_bytes(data[at + 4:at + 6], "little")
        if length >= 60 and version in (2, 3) and length % 8 == 0:
            found, at = found + 1, at + length
        else:
            at += 8
    return {"ntfs.usn": found}, "lengths of the records"


def table(path):
    """A name of each file and folder that fls lists, live and deleted, without the streams and the names it repeats."""
    live = {line.split("\t", 1)[0].split()[-1].rstrip(":") for line in output("fls", "-r", "-p", "-u", path).splitlines()}
    return {"filesystem.file": len({x.split("-")[0] for x in live})}, "fls"


def bare_table(path):
    """Long names in the records of files in use, their fixups undone."""
    found = 0
    with open(path, "rb") as stream:
        while len(record := bytearray(stream.read(1024))) == 1024:
            at, n = int.from_bytes(record[4:6], "little"), int.from_bytes(record[6:8], "little")
            for i in range(1, n):
                if record[512 * i - 2:512 * i] == record[at:at + 2]:
                    record[512 * i - 2:512 * i] = record[at + 2 * i:at + 2 * i + 2]
            if record[:4] == b"FILE" and record[22] & 1:
                found += long_names(record)
    return {"filesystem.file": found}, "names in the records in use"


def long_names(record):
    at, found = int.from_bytes(record[20:22], "little"), 0
    while at + 24 <= len(record) and record[at:at + 4] != b"\xff\xff\xff\xff":
        length = int.from_bytes(record[at + 4:at + 8], "little")
        content = at + int.from_bytes(record[at + 20:at + 22], "little")
        if record[at] == 0x30 and content + 66 <= len(record) and record[content + 65] != 2:
            found += 1
        if length < 24:
            break
        at += length
    return found


def launches(path):
    with open(path, "rb") as stream:
        return {"windows.pca.launch": stream.read().count(b"|")}, "lines of the file"


def protection_log(path):
    """Processes with their time of creation or that waited for a file, and the lines of what the engine read on a volume."""
    with open(path, encoding="utf-16") as stream:
        text = stream.read()
    ran = len(re.findall(r"^ImagePath:", text, re.M)) + len(re.findall(r"Process: \\.*Reason: OnOpen,", text))
    read = len(re.findall(r"Z (?:\[Mini-filter\] Blocked file|\[MpRtp\] Engine VFZ [^:]*): \\Device|Z Issuing SDN query for \\Device",
                          text))
    return {"windows.mplog.run": ran, "windows.mplog.file": read}, "lines of the file"


def unpacked(path, folder):
    """The sample, unpacked into the folder when it is packed."""
    stem, end = os.path.splitext(os.path.join(folder, os.path.basename(path)))
    if end == ".xz":
        with lzma.open(path) as packed, open(stem, "wb") as plain:
            plain.write(packed.read())
    elif end in (".gz", ".7z"):
        with open(stem, "wb") as plain:
            subprocess.run(["gzip", "-dc", path] if end == ".gz" else ["7z", "e", "-so", path], stdout=plain,
                           stderr=subprocess.DEVNULL, check=True)
    else:
        return path
    return stem
