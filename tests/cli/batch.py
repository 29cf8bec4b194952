# SPDX-License-Identifier: Apache-2.0
"""Many images: a failure does not stop the others, and the number of jobs changes nothing."""
import argparse
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys


def run(*arguments):
    return subprocess.run([str(a) for a in arguments], capture_output=True, text=True)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main():
    options = argparse.ArgumentParser()
    for name in ("avouch", "practice", "work"):
        options.add_argument("--" + name, type=pathlib.Path, required=True)
    options = options.parse_args()
    practice = pathlib.Path(os.environ.get("AVOUCH_PRACTICE", options.practice))
    images = [practice / "P01.E01", practice / "P02.E01"]
    if not all(image.exists() for image in images):
        print(f"skipped: no practice images in {practice}")
        return 77
    shutil.rmtree(options.work, ignore_errors=True)
    options.work.mkdir(parents=True)
    manifest = options.work / "manifest.csv"
    manifest.write_text(f'id,paths,attributes\nbad,/nowhere,\nP01,"{images[0]}",country=GB\nP02,{images[1]},\n')
    before = [digest(image) for image in images]
    seen = {}
    for jobs in (1, 2):
        folder = options.work / f"jobs{jobs}"
        run(options.avouch, "batch", manifest, "-o", folder, "--jobs", jobs)
        seen[jobs] = [(folder / "summary.csv").read_text()] + [
            run(options.avouch, "report", "--json", folder / f"{name}.avouch").stdout for name in ("P01", "P02")]
    print(seen[1][0])
    assert seen[1] == seen[2], "one job and two differ"
    assert all(seen[1]) and "bad,none,false,65" in seen[1][0] and seen[1][0].count("\n") == 4
    assert before == [digest(image) for image in images], "evidence changed"
    rows = json.loads(run(options.avouch, "fleet", "--json", options.work / "jobs1").stdout)
    assert [row["id"] for row in rows] == ["P01", "P02", "bad"] and rows[2]["exit_status"] == 65
    manifest.write_text("../x,/nowhere,\n")
    assert run(options.avouch, "batch", manifest, "-o", options.work / "no").returncode == 64
    return 0


if __name__ == "__main__":
    sys.exit(main())
