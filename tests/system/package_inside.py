"""The part of tests/system/package that is root, in a process and mount namespace of its own."""
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import chroot  # noqa: E402  (the path is set just above)
import container_checks  # noqa: E402
import package_checks  # noqa: E402
import systemd_checks  # noqa: E402

LONELY = ["unshare", "--net"]


def part(name, command):
    """Each part has a network of its own with nothing but loopback: every port is free there."""
    begin = time.monotonic()
    again = [*LONELY, "/usr/bin/python3", os.path.abspath(__file__), *command]
    status = subprocess.run(again, check=False).returncode
    print(f"package: {name}: {'ok' if status == 0 else 'FAILED'} after {time.monotonic() - begin:.0f} s", flush=True)
    if status != 0:
        sys.exit(1)


def main():
    tar, images, first, second = sys.argv[1:]
    root = chroot.Root.unpack(tar, os.path.join(os.environ["TMPDIR"], "root"))
    part("Debian package", ["--package", root.path, first, second])
    begin = time.monotonic()
    systemd_checks.check(root, images, first, second)
    print(f"package: under systemd: ok after {time.monotonic() - begin:.0f} s", flush=True)
    begin = time.monotonic()
    container_checks.follow(root, first)
    print(f"package: Containerfile: followed in {time.monotonic() - begin:.0f} s", flush=True)
    part("container", ["--container", root.path])
    print("package: ok")


def inside():
    chroot.loopback_up()
    if sys.argv[1] == "--package":
        package_checks.check(chroot.Root(sys.argv[2]), *sys.argv[3:])
    else:
        container_checks.check(chroot.Root(sys.argv[2]))


if __name__ == "__main__":
    try:
        inside() if sys.argv[1].startswith("--") else main()
    except (chroot.Failed, subprocess.TimeoutExpired) as failure:
        sys.exit(f"package: FAILED: {failure}")
