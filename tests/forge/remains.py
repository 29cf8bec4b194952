# SPDX-License-Identifier: Apache-2.0
"""Steps of a history that leave one record of a single source; a part of Machine."""
import copy
import struct
import uuid

from windows import ticks

SECOND = 10**7
SCHEDULE = "Microsoft\\Windows NT\\CurrentVersion\\Schedule\\TaskCache"


def rot13(text):
    return text.translate({base + i: base + (i + 13) % 26 for base in (65, 97) for i in range(26)})


def shim_cache(entries):
    """Windows 10: a header of 52 bytes, then "10ts" entries of path and modification time (Mandiant, ShimCacheParser)."""
    out = struct.pack("<I", 52) + bytes(48)
    for path, modified in entries:
        name = path.encode("utf-16-le")
        body = struct.pack("<H", len(name)) + name + struct.pack("<QI", modified, 0)
        out += b"10ts" + struct.pack("<II", 0, len(body)) + body
    return out


def shortcut(target):
    """[MS-SHLLINK]: the header and a LinkInfo with volume and local path."""
    volume = struct.pack("<IIII", 17, 3, 0x1234abcd, 16) + b"\0"
    local = target.encode("ascii") + b"\0"
    size = 28 + len(volume) + len(local) + 1
    info = struct.pack("<IIIIIII", size, 28, 1, 28, 28 + len(volume), 0, size - 1) + volume + local + b"\0"
    head = struct.pack("<I", 76) + uuid.UUID("00021401-0000-0000-c000-000000000046").bytes_le + struct.pack("<I", 2)
    return head + bytes(36) + struct.pack("<I", 1) + bytes(12) + info


def job(program, author):
    """[MS-TSCH] 2.4: the fixed part, then strings of program, arguments, folder, author and comment."""
    head = bytearray(70)
    struct.pack_into("<HH", head, 0, 0x601, 1)
    struct.pack_into("<H", head, 20, 70)
    texts = b"".join(struct.pack("<H", len(t) + 1 if t else 0) + (t + "\0" * bool(t)).encode("utf-16-le")
                     for t in (program, "", "", author, ""))
    return bytes(head) + texts


def restore_point(kind, description, shown):
    """Windows XP's rp.log (libyal dtformats, "Restore point formats")."""
    return struct.pack("<IIQ", 100, kind, 7) + description.encode("utf-16-le").ljust(512, b"\0") + struct.pack("<Q", shown)


class Remains:
    """Needs of a Machine: shown(), file(), event(), named(), its hives, products, sid and users."""

    def an_event(self, true, step):
        """One record: `strings` by position or `fields` by name."""
        more = {"guid": step["guid"]} if "guid" in step else {}
        if "fields" in step:
            self.named(true, step["provider"], step["id"], list(step["fields"].items()), channel=step["channel"],
                       qualifiers=None, **more)
        else:
            self.event(true, step["channel"], step["provider"], step["id"], step.get("strings", []), **more)

    def reg_back(self, true, step):
        """The copy that Windows makes of its hives, with or without a product that the live ones no longer show."""
        live = self.software, self.system, self.user_hives
        self.software, self.system, self.user_hives = copy.deepcopy(live)
        shown = self.shown(true)
        if "product" in step:
            p = self.products[step["product"]]
            self.install_keys(true, shown - 3600 * SECOND, p, "C:\\" + p["folder"].replace("/", "\\"))
        self.software.value("Microsoft\\Windows NT\\CurrentVersion\\Prefetcher", "LastTraceFailure", "dword", 0, shown)
        self.system.value("ControlSet001\\Control\\Session Manager\\Power", "AcPolicy", "dword", 0, shown)
        for name, hive in (("SOFTWARE", self.software), ("SYSTEM", self.system)):
            self.file(true + SECOND, "Windows/System32/config/RegBack/" + name, hive.image())
        self.software, self.system, self.user_hives = live

    def remain(self, true, step):
        {"old-amcache": self.old_amcache, "user-assist": self.user_assist, "mui-cache": self.mui_cache,
         "shim-cache": self.shim, "task-cache": self.task_cache, "shortcut": self.link, "job": self.a_job,
         "restore-point": self.a_restore_point}[step["of"]](true, step)

    def old_amcache(self, true, step):
        """Root\\Programs of Windows 8: a and b are when the program came and went, by the inventory (Unix time)."""
        p, shown = self.products[step["product"]], self.shown(true)
        key = "Root\\Programs\\0000%040x" % int(p["code"][1:9], 16)
        for name, kind, value in (("0", "sz", p["name"]), ("1", "sz", p["version"]), ("2", "sz", p["publisher"]),
                                  ("6", "sz", "AddRemoveProgram"), ("a", "dword", ticks(step["came"]) // SECOND - 11644473600),
                                  ("b", "dword", ticks(step["gone"]) // SECOND - 11644473600 if "gone" in step else 0),
                                  ("f", "sz", p["code"])):
            self.amcache.value(key, name, kind, value, shown)

    def user_assist(self, true, step):
        key = ("Software\\Microsoft\\Windows\\CurrentVersion\\Explorer\\UserAssist\\"
               "{CEBFF5CD-ACE2-4F4F-9178-9926F41749EA}\\Count")
        shown = self.shown(true)
        value = struct.pack("<IIII", 0, 3, 2, 60000) + bytes(44) + struct.pack("<QI", shown, 0)
        self.user_hives[self.users[0]].value(key, rot13(step["program"]), "binary", value, shown)

    def mui_cache(self, true, step):
        """Windows XP's place in NTUSER.DAT; later systems keep it in UsrClass.dat, which the forge does not make."""
        self.user_hives[self.users[0]].value("Software\\Microsoft\\Windows\\ShellNoRoam\\MUICache", step["program"], "sz",
                                             step["name"], self.shown(true))

    def shim(self, true, step):
        self.system.value("ControlSet001\\Control\\Session Manager\\AppCompatCache", "AppCompatCache", "binary",
                          shim_cache([(step["program"], ticks(step["modified"]))]), self.shown(true))

    def task_cache(self, true, step):
        shown, ident = self.shown(true), "{6D1B6D1C-8F0F-4137-A11D-873D44B3F4AE}"
        self.software.value(SCHEDULE + "\\Tree\\" + step["task"], "Id", "sz", ident, shown)
        self.software.value(SCHEDULE + "\\Tasks\\" + ident, "Path", "sz", "\\" + step["task"], shown)
        self.software.value(SCHEDULE + "\\Tasks\\" + ident, "DynamicInfo", "binary",
                            struct.pack("<IQQIIQ", 3, shown, shown, 0, 0, shown), shown)

    def link(self, true, step):
        self.file(true, step["path"], shortcut(step["program"]))

    def a_job(self, true, step):
        self.file(true, step["path"], job(step["program"], "SYSTEM"))

    def a_restore_point(self, true, step):
        folder = "System Volume Information/_restore{2B1C0D7E-52A5-4E7C-9C4B-080027A1B2C3}/RP%d" % step.get("number", 7)
        self.file(true, folder + "/rp.log", restore_point(step["kind"], step["text"], self.shown(true)))
