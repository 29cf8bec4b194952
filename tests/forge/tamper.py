# SPDX-License-Identifier: Apache-2.0
"""Steps of a history that falsify or damage what the recorders keep; a part of Machine."""
import copy
import struct

from windows import SECOND, ticks


def damage_bin(content):
    """A hive of which one bin in the middle cannot be read: its header is overwritten."""
    content = bytearray(content)
    at, bins = 4096, []
    while at + 32 <= len(content) and content[at:at + 4] == b"hbin":
        bins.append(at)
        at += struct.unpack_from("<I", content, at + 8)[0]
    at = bins[len(bins) // 2]
    content[at:at + 32] = b"\xdb" * 32
    return bytes(content)


def damage_log(content):
    """A transaction log of which no entry can be read."""
    return content[:512] + b"\xdb" * (len(content) - 512) if len(content) > 512 else content


def damage_mft(path, record):
    """A record of $MFT whose second sector was not written with the first: its fixup does not fit."""
    with open(path, "r+b") as volume:
        boot = volume.read(512)
        sector, per_cluster = struct.unpack_from("<H", boot, 11)[0], boot[13]
        mft = struct.unpack_from("<Q", boot, 48)[0] * sector * per_cluster
        volume.seek(mft + record * 1024)
        if volume.read(4) != b"FILE":
            raise ValueError("record %d is not used" % record)
        volume.seek(mft + record * 1024 + 1022)
        volume.write(b"\xdb\xbd")


class Tampering:
    """Needs of a Machine: clock, files, events, hives, runs."""
    kept_hives = None

    def hive_names(self):
        return {"SOFTWARE": "software", "SYSTEM": "system"}

    def keep_hives(self, true, step):
        self.kept_hives = {n: copy.deepcopy(getattr(self, self.hive_names()[n])) for n in step["hives"]}

    def put_back(self, true, step):
        """The hives as they were kept take the place of the present ones, as a restore does."""
        for name in step["hives"]:
            setattr(self, self.hive_names()[name], copy.deepcopy(self.kept_hives[name]))

    def file_times(self, true, step):
        self.op(true, "times", step["path"], *[str(ticks(step[k])) if k in step else "-" for k in
                                               ("created", "modified", "changed", "accessed")])

    def stray(self, true, step):
        """One recorder's time that nothing else agrees with: a run dated `shown`."""
        self.runs.setdefault(step["program"], []).append((true, ticks(step["shown"])))

    def move(self, true, step):
        self.op(true, "rename", step["from"], step["to"])

    def make_folder(self, true, step):
        """A folder made anew, with the times it had elsewhere."""
        self.mkdir(true, step["path"])
        if "modified" in step:
            self.op(true + SECOND, "times", step["path"], "-", ticks(step["modified"]), "-", "-")

    def many_renames(self, true, step):
        """More pending renames than a reader takes."""
        value = [x for i in range(step["count"]) for x in ("x", "")]
        self.system.value("ControlSet001\\Control\\Session Manager", "PendingFileRenameOperations2", "multi", value,
                          self.shown(true))
