# SPDX-License-Identifier: Apache-2.0
"""A claim leads to bytes: verify, cite and explain over a practice computer. Checked by icat and img_cat."""
import argparse
import datetime
import hashlib
import json
import os
import pathlib
import subprocess
import sys


def run(*arguments, text=True):
    return subprocess.run([str(a) for a in arguments], capture_output=True, text=text)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def check(what, good, seen=""):
    print(("ok   " if good else "FAIL ") + what, seen if not good else "")
    return good


def raw_copy(image, raw):
    with open(raw, "wb") as out:
        subprocess.run(["img_cat", str(image)], stdout=out, check=True)


def cited_by_icat(image, locator):
    """The cited bytes as The Sleuth Kit reads them."""
    whole = run("icat", "-o", locator["volume_offset"] // 512, image, locator["entry"], text=False).stdout
    return whole[locator["offset"]:locator["offset"] + locator["size"]]


def plain_witnesses(report):
    """Witnesses in allocated event logs: whole records, found on the medium as they stand."""
    return [w for w in report["witnesses"] if w["locator"]["file"].endswith(".evtx")]


def check_flip(avouch, case, raw, report):
    """One flipped byte in a cited range is found; an untouched copy in another container is not blamed."""
    good = check("a raw copy of the image verifies", run(avouch, "verify", case, raw).returncode == 0)
    medium = bytearray(raw.read_bytes())
    for witness in plain_witnesses(report):
        cited = cited_by_icat(raw, witness["locator"])
        if cited and medium.count(cited) == 1:
            break
    else:
        return check("a cited range stands once on the medium", False)
    good &= check("icat gives the cited bytes", hashlib.sha256(cited).hexdigest() == witness["locator"]["sha256"])
    medium[medium.find(cited) + len(cited) // 2] ^= 1
    raw.write_bytes(medium)
    seen = run(avouch, "verify", case, raw)
    good &= check("a flipped byte fails verify", seen.returncode == 1, seen)
    good &= check("and its witness is named", witness["id"] + " differs" in seen.stdout, seen.stdout)
    seen = run(avouch, "cite", "--evidence", raw, case, witness["id"])
    return good & check("cite says so too", seen.returncode == 1 and "DIFFER" in seen.stdout, seen)


def filetime(eight):
    """As the report writes it."""
    ticks = int.from_bytes(eight, "little")
    at = datetime.datetime(1601, 1, 1) + datetime.timedelta(seconds=ticks // 10**7)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + "%07dZ" % (ticks % 10**7)


def check_container(avouch, case, image, raw, report):
    """What bounds a removal is the time in the parent key's own cell: shown, and protected like the witness itself."""
    raw_copy(image, raw)
    medium = bytearray(raw.read_bytes())
    for witness in report["witnesses"]:
        container = witness["locator"]["container"]
        if not container or not container["address"].startswith("key "):
            continue
        cell = cited_by_icat(raw, {**container, "volume_offset": witness["locator"]["volume_offset"]})
        if medium.count(cell) == 1:
            break
    else:
        return check("a container stands once on the medium", False)
    # The time stands behind the size, the signature and the flags (4, 2 and 2 bytes).
    good = check("the cited parent's own time is the upper bound", filetime(cell[8:16]) == witness["not_after"], witness)
    medium[medium.find(cell) + 12] ^= 1
    raw.write_bytes(medium)
    seen = run(avouch, "verify", case, raw)
    good &= check("a bit of the parent's time fails verify", seen.returncode == 1, seen)
    good &= check("and the container is named", witness["id"] + " container differs" in seen.stdout, seen.stdout)
    good &= check("not the witness's own bytes", witness["id"] + " differs" not in seen.stdout, seen.stdout)
    seen = run(avouch, "cite", "--evidence", raw, case, witness["id"])
    digests = [witness["locator"]["sha256"], container["sha256"]]
    good &= check("cite shows both", seen.returncode == 1 and all(d in seen.stdout for d in digests), seen)
    return good & check("and which differs", "bytes of the witness (their" in seen.stdout and
                        "bytes of the container (THEY DIFFER" in seen.stdout, seen)


def main():
    options = argparse.ArgumentParser()
    for name in ("avouch", "practice", "work"):
        options.add_argument("--" + name, type=pathlib.Path, required=True)
    options = options.parse_args()
    image = pathlib.Path(os.environ.get("AVOUCH_PRACTICE", options.practice)) / "P01.E01"
    if not image.exists():
        print(f"skipped: no practice image {image}")
        return 77
    options.work.mkdir(parents=True, exist_ok=True)
    case, raw = options.work / "P01.avouch", options.work / "P01.raw"
    before = digest(image)
    case.unlink(missing_ok=True)
    run(options.avouch, "analyze", "-q", "-o", case, image)
    report = json.loads(run(options.avouch, "report", "--json", case).stdout)
    seen = run(options.avouch, "verify", case, image)
    good = check("verify passes on the image", seen.returncode == 0 and " 0 differing" in seen.stdout, seen)
    good &= check("verify refuses a missing image", run(options.avouch, "verify", case, "absent").returncode == 65)
    for witness in report["witnesses"][:8]:
        seen = run(options.avouch, "cite", "--evidence", image, case, witness["id"])
        good &= check("cite " + witness["id"], seen.returncode == 0 and witness["locator"]["sha256"] in seen.stdout, seen)
    good &= check("cite refuses an unknown witness", run(options.avouch, "cite", case, "W-0").returncode == 64)
    seen = run(options.avouch, "explain", case)
    cited = {w for v in report["verdicts"] for w in v["witnesses"]}
    good &= check("explain names every deciding witness", seen.returncode == 0 and all(w in seen.stdout for w in cited))
    good &= check("explain refuses an unknown mandate", run(options.avouch, "explain", case, "none").returncode == 64)
    raw_copy(image, raw)
    good &= check_flip(options.avouch, case, raw, report)
    good &= check_container(options.avouch, case, image, raw, report)
    good &= check("the image is unchanged", digest(image) == before)
    raw.unlink()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
