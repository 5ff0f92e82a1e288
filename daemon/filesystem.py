"""What kind of file system a folder lies on. A store needs locks and shared memory, which end at a network."""

from pathlib import Path

_NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ncpfs", "fuse.sshfs", "fuse.s3fs", "fuse.rclone", "fuse.glusterfs"}
)
_MOUNTS = Path("/proc/self/mountinfo")


def network_type(folder: Path, mounts: str | None = None) -> str | None:
    """Return the type of the network file system that holds `folder`, None where it is of this machine.

    `mounts` is a text in the form of /proc/self/mountinfo, this process's own where it is not given.
    """
    kind = file_system_type(folder, mounts)
    return kind if kind in _NETWORK else None


def file_system_type(folder: Path, mounts: str | None = None) -> str:
    """Return the type of the file system that holds `folder`, such as `ext4` or `tmpfs`; nothing where none is told."""
    try:
        lines = (_MOUNTS.read_text(encoding="utf-8") if mounts is None else mounts).splitlines()
    except OSError:
        return ""
    place, holder, kind = folder.resolve(), Path("/"), ""
    for line in lines:
        about, _, rest = line.partition(" - ")
        fields = about.split()
        if len(fields) < 5 or not rest:
            continue
        point = Path(_unescaped(fields[4]))
        if place.is_relative_to(point) and point.is_relative_to(holder):  # of two on one point the later one counts
            holder, kind = point, rest.split()[0]
    return kind


def _unescaped(text: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text
