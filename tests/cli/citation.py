# SPDX-License-Identifier: Apache-2.0
"""A claim leads to bytes: verify, cite and explain over a practice computer. Checked by icat and img_cat."""
import argparse
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
    good &= check("the image is unchanged", digest(image) == before)
    raw.unlink()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
