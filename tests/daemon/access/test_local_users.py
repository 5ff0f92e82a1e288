"""A socket for all users of the machine: the kernel says who calls, and nobody can say anything else."""

import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from harness.daemons import Daemon, eventually
from harness.plans import a_plan, a_step
from harness.sites import Site, source_in
from harness.somebody import BACKUP, MAN, NAMELESS, ask, needs_root, numbers

from tunewright.client.access_values import Grant
from tunewright.client.api import Client, connect
from tunewright.client.credentials import Credentials
from tunewright.client.errors import ClientError, RefusedError, UnreachableError
from tunewright.daemon.access.callers import Callers, TooManyConnectionsError
from tunewright.daemon.access.door import Evidence
from tunewright.daemon.access.local_users import LocalUser, nobodys_number
from tunewright.daemon.access.shared_socket import open_shared_socket
from tunewright.daemon.access.site import AccessError, GrantRow
from tunewright.daemon.access.site import Site as Decisions
from tunewright.spec.access import Role

ACCESS = """\
api_version: tunewright/access/v1
listen: [{address: "unix:%s", callers: users}]
users: {man: anna@bank.example, "#%d": ci}
grants:
  - {subject: anna@bank.example, roles: [submitter], projects: [support]}
  - {subject: root@local, roles: [viewer], projects: [sales]}
  - {local_group: backup, roles: [viewer], projects: [support]}
projects:
  support: {folders: [support]}
"""


@dataclass
class Shared:
    """A daemon with a socket in a folder that everybody can enter."""

    site: Site
    path: Path

    @property
    def target(self) -> str:
        """What clients call it."""
        return f"unix:{self.path}"

    def client(self, **more: object) -> Client:
        """A client of whoever runs the tests, over the shared socket."""
        made = connect(self.target, patience_seconds=30.0, **more)  # type: ignore[arg-type]
        self.site.clients.append(made)
        return made


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    needs_root()
    open_folder = Path(tempfile.mkdtemp(prefix="tunewright-", dir="/tmp"))  # noqa: S108 - closed to writers
    open_folder.chmod(0o755)
    folder = tmp_path_factory.mktemp("shared")
    site = Site(folder, Daemon(folder / "home"))
    (folder / "support").mkdir()
    path = open_folder / "daemon.sock"
    site.access_file.write_text(ACCESS % (path, NAMELESS))
    try:
        site.start()
        yield Shared(site, path)
    finally:
        site.clean_up()
        shutil.rmtree(open_folder)


def test_the_kernel_says_who_calls(shared: Shared) -> None:
    assert ask(MAN, shared.target, "who_am_i")["subject"] == "anna@bank.example"
    assert ask(NAMELESS, shared.target, "who_am_i")["subject"] == "ci"
    backup = ask(BACKUP, shared.target, "who_am_i")
    assert backup["subject"] == "backup@local"
    assert "user:" in backup["answer"]
    assert "viewer" in backup["answer"]


def test_everybody_else_is_refused_with_who_they_are(shared: Shared) -> None:
    uid, _, _ = numbers("games")
    refused = ask("games", shared.target, "who_am_i")
    assert refused["reason"] == "CREDENTIAL_INVALID"
    assert f"user games ({uid}) of this machine may not call" in refused["text"]
    denied = [entry for entry in shared.site.daemon.client.access_events() if entry.kind == "denied"]
    assert any(f"peers/{uid}" in str(entry) for entry in denied), "the log of access says which user it was"


def test_users_of_other_namespaces_are_nobody(shared: Shared) -> None:
    refused = ask(nobodys_number(), shared.target, "who_am_i")
    assert refused["reason"] == "CREDENTIAL_INVALID"
    assert "another user namespace" in refused["text"]


def test_root_and_the_daemons_own_user_are_users_like_others_here(shared: Shared) -> None:
    """A container that has the socket has a root of its own, whom the kernel calls root."""
    me = shared.client().who_am_i()
    assert (me.subject, me.authentication, me.credential) == ("root@local", "user", "user:0")
    assert me.grants == (Grant("sales", Role.VIEWER),)
    with pytest.raises(RefusedError) as caught:
        shared.client().shutdown()
    assert caught.value.reason == "PERMISSION_MISSING"
    assert shared.site.daemon.client.who_am_i().authentication == "socket"


def test_what_somebody_may_do_is_what_is_granted(shared: Shared) -> None:
    plan = a_plan(a_step("one", [{"say": "x"}]), name="theirs")
    run = shared.site.daemon.client.create_run(source_in(shared.site, "support", plan)).run.id
    shared.site.daemon.finish(run)
    assert run in ask(BACKUP, shared.target, "get_run", run)["answer"]
    assert ask(BACKUP, shared.target, "cancel", run)["reason"] == "PERMISSION_MISSING"
    assert ask(NAMELESS, shared.target, "get_run", run)["reason"] == "PERMISSION_MISSING"


def test_a_token_counts_there_too(shared: Shared) -> None:
    _, secret = shared.site.daemon.client.create_token("less", (Grant("support", Role.VIEWER),), days=1)
    assert shared.client(credentials=Credentials(token_text=secret)).who_am_i().subject == "less"


def test_who_names_their_own_end_is_no_less_themselves(shared: Shared) -> None:
    """The address from which somebody comes to the shared socket is theirs to choose; it is not what counts."""
    taken = shared.site.daemon.home / "peers" / "0:0123456789abcdef"
    with socket.socket(socket.AF_UNIX) as mine:
        mine.bind(f"\0{taken}")
        mine.connect(str(shared.path))
        assert not Evidence(peer=f"unix:{taken}").is_home_socket
    assert Callers().user(f"unix:{taken}") is None


def test_an_address_that_nobody_has_any_more_is_nobody(shared: Shared) -> None:
    """On the daemon's own socket an address counts only while its connection is open, and only if we gave it."""
    home = shared.site.daemon.home
    address = home / "peers" / "0:0123456789abcdef"
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as inner:
        middle = home / "middle"
        listening.bind(str(middle))
        listening.listen()
        client = connect(f"unix:{middle}", patience_seconds=0.0)
        shared.site.clients.append(client)
        inner.bind(str(address))
        inner.connect(str(home / "daemon.sock"))
        address.unlink()
        with pytest.raises(ClientError) as caught:
            relayed(client, listening, inner)
    assert getattr(caught.value, "reason", "") == "CREDENTIAL_INVALID"
    assert "none of this daemon's sockets" in str(caught.value)


def relayed(client: Client, listening: socket.socket, inner: socket.socket) -> None:
    import threading

    def pump(source: socket.socket, sink: socket.socket) -> None:
        while data := source.recv(65_536):
            sink.sendall(data)

    def carry() -> None:
        outer, _ = listening.accept()
        threading.Thread(target=pump, args=(outer, inner), daemon=True).start()
        pump(inner, outer)

    threading.Thread(target=carry, daemon=True).start()
    client.who_am_i()


def test_an_open_stream_ends_when_the_user_may_no_longer(shared: Shared) -> None:
    site = shared.site
    plan = a_plan(a_step("one", [{"wait_for": "work/go"}]), name="watched")
    run = site.daemon.client.create_run(source_in(site, "sales", plan)).run.id
    stream = shared.client().watch(run)
    assert next(stream).sequence == 1
    text = site.access_file.read_text()
    try:
        site.access_file.write_text(text.replace("root@local", "nobody@local"))
        with pytest.raises(RefusedError) as caught:
            list(stream)
        assert caught.value.reason == "CREDENTIAL_INVALID"
    finally:
        site.access_file.write_text(text)
        site.daemon.client.cancel(run, mode="now")
        site.daemon.finish(run)


def test_connections_of_one_user_are_counted(shared: Shared) -> None:
    opened = []
    try:
        for _ in range(80):
            opened.append(socket.socket(socket.AF_UNIX))
            opened[-1].connect(str(shared.path))
        opened[-1].settimeout(30)
        assert opened[-1].recv(100) == b"", "closed at once"
        assert "connections open; more are closed at once" in eventually(lambda: shared.site.daemon.log)
        assert ask(MAN, shared.target, "who_am_i")["subject"] == "anna@bank.example", "others come in all the same"
    finally:
        for item in opened:
            item.close()
    assert eventually(lambda: answered(shared)) == "root@local"


def answered(shared: Shared) -> str:
    try:
        return shared.client().who_am_i().subject
    except UnreachableError:
        return ""


def test_nothing_of_it_is_left_behind(shared: Shared) -> None:
    peers = shared.site.daemon.home / "peers"
    assert stat.S_IMODE(peers.stat().st_mode) == 0o700
    eventually(lambda: not list(peers.iterdir()))


def test_groups_and_names_are_what_the_machine_says() -> None:
    row = GrantRow(subject=None, group=None, local_group="ml", grants=frozenset())
    assert row.is_for("x", (), ("ml",))
    assert not row.is_for("x", ("ml",), ()), "a group of the issuer's is not one of this machine's"
    strange = LocalUser(number=7, name="BANK\\anna", groups=frozenset())
    found = strange.identity(Decisions(users={"#7": "anna"}))
    assert found is not None
    assert (found.subject, found.credential) == ("anna", "user:7")
    assert strange.identity(Decisions()) is None


def test_connections_are_counted_for_each_user() -> None:
    callers = Callers()
    with callers.connection(7) as name:
        assert callers.user(f"unix:/any%20where/peers/{name}") == 7
    assert callers.user(f"unix:/any%20where/peers/{name}") is None
    held = [callers.connection(8) for _ in range(64)]
    for item in held:
        item.__enter__()
    with pytest.raises(TooManyConnectionsError, match="user 8 has 64"), callers.connection(8):
        pass
    with callers.connection(9):
        pass


def test_a_place_where_others_could_put_a_socket_is_refused(tmp_path: Path) -> None:
    def opened(path: Path) -> None:
        item = open_shared_socket(path, tmp_path / "inner", tmp_path / "peers", Callers())
        item.close()

    for name, mode, words in (("open", 0o777, "others can write the folder"), ("group", 0o770, "others can write")):
        folder = tmp_path / name
        folder.mkdir()
        folder.chmod(mode)
        with pytest.raises(AccessError, match=words):
            opened(folder / "daemon.sock")
    (tmp_path / "file").write_text("")
    with pytest.raises(AccessError, match="is no socket"):
        opened(tmp_path / "file")
    with pytest.raises(AccessError, match="No such file"):
        opened(tmp_path / "gone" / "daemon.sock")
    with pytest.raises(AccessError, match="too long for a Unix socket"):
        opened(tmp_path / ("x" * 120))
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(tmp_path / "taken"))
        other.listen()
        with pytest.raises(AccessError, match="something else listens"):
            opened(tmp_path / "taken")
    opened(tmp_path / "taken")
    assert not os.path.lexists(tmp_path / "taken"), "what a dead daemon left is replaced"
