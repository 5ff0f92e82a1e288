"""Where a store can lie: on a disk of this machine. Locks and shared memory, which it needs, end at a network."""

from pathlib import Path

_NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ncpfs", "fuse.sshfs", "fuse.s3fs", "fuse.rclone", "fuse.glusterfs"}
)
_MOUNTS = Path("/proc/self/mountinfo")


def network_type(folder: Path, mounts: str | None = None) -> str | None:
    """Return the type of the network file system that holds `folder`, None where it is of this machine.

    `mounts` is a text in the form of /proc/self/mountinfo, this process's own where it is not given.
    """
    try:
        lines = (_MOUNTS.read_text(encoding="utf-8") if mounts is None else mounts).splitlines()
    except OSError:
        return None
    place, holder, kind = folder.resolve(), Path("/"), ""
    for line in lines:
        about, _, rest = line.partition(" - ")
        fields = about.split()
        if len(fields) < 5 or not rest:
            continue
        point = Path(_unescaped(fields[4]))
        if place.is_relative_to(point) and point.is_relative_to(holder):  # of two on one point the later one counts
            holder, kind = point, rest.split()[0]
    return kind if kind in _NETWORK else None


def _unescaped(text: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text
