#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The reader of event logs against evtxexport, on logs of 20 MiB made by repeating the chunks of
real ones: eventlog.py EVENTLOG_READ CORPUS. Times are user time, which a busy machine spoils least."""
import os
import resource
import struct
import subprocess
import sys
import tempfile
import zlib

LOGS = (("WKS-WIN764BITB_System.evtx", 9), ("Szechuan_2012R2_Application.evtx", 14))
CHUNKS, CHUNK = 320, 65536


def repeat(path, n_used):
    data = open(path, "rb").read()
    head = bytearray(data[:4096])
    struct.pack_into("<H", head, 42, CHUNKS)
    struct.pack_into("<I", head, 120, 0)
    struct.pack_into("<I", head, 124, zlib.crc32(bytes(head[:120])))
    chunks = [data[4096 + i * CHUNK:4096 + (i + 1) * CHUNK] for i in range(n_used)]
    return bytes(head) + b"".join(chunks[i % n_used] for i in range(CHUNKS))


def user_time(*command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def main():
    reader, corpus = sys.argv[1:3]
    worst = 0
    for name, n_used in LOGS:
        with tempfile.NamedTemporaryFile(suffix=".evtx") as log:
            log.write(repeat(os.path.join(corpus, "evtx", name), n_used))
            log.flush()
            ours = min(user_time(reader, log.name) for _ in range(3))
            theirs = user_time("evtxexport", log.name)
        worst = max(worst, ours / theirs)
        print(f"{name}: {ours:.3f} s, evtxexport {theirs:.3f} s, ratio {ours / theirs:.3f}")
    return 1 if worst > 0.3 else 0


if __name__ == "__main__":
    sys.exit(main())
