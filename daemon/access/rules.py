"""THE table of what each method needs. A method that is not in it is for nobody, and keeps the daemon from starting."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from tunewright.daemon.access.roles import Permission


class Place(Enum):
    """Where a call acts, so that the permission is looked for there."""

    NOWHERE = auto()
    """In no project: the permission in any project will do."""
    EVERYWHERE = auto()
    """In all projects at once: the permission must be for all."""
    VISIBLE = auto()
    """In all projects that the caller may see; the service holds its answer to them (`current().projects`)."""
    SOURCE = auto()
    """In the project that the spec's source names."""
    RUN = auto()
    """In the project of the run that the request names."""
    STEP = auto()
    """In the project of the run whose step the request names."""
    DEPLOYMENT = auto()
    """In the project of the deployment that the request names."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a method needs: a permission (None: any identity) in a place; `field` of the request names the place.

    `public` methods are answered to anybody at all.
    """

    permission: Permission | None
    place: Place = Place.NOWHERE
    field: str = "name"
    public: bool = False


class MissingRuleError(RuntimeError):
    """A method is served that nobody has decided about."""


_PUBLIC = Rule(None, public=True)
_IDENTIFIED = Rule(None)

RULES: Mapping[str, Rule] = {
    "tunewright.v1.SpecService/CheckSpec": Rule(Permission.COMPILE, Place.SOURCE, "source"),
    "tunewright.v1.SpecService/CompileSpec": Rule(Permission.COMPILE, Place.SOURCE, "source"),
    "tunewright.v1.RunService/CreateRun": Rule(Permission.SUBMIT, Place.SOURCE, "source"),
    "tunewright.v1.RunService/GetRun": Rule(Permission.READ, Place.RUN),
    "tunewright.v1.RunService/ListRuns": Rule(Permission.READ, Place.VISIBLE),
    "tunewright.v1.RunService/CancelRun": Rule(Permission.SUBMIT, Place.RUN),
    "tunewright.v1.RunService/PauseRun": Rule(Permission.SUBMIT, Place.RUN),
    "tunewright.v1.RunService/ResumeRun": Rule(Permission.SUBMIT, Place.RUN),
    "tunewright.v1.RunService/RetryRun": Rule(Permission.SUBMIT, Place.RUN),
    "tunewright.v1.RunService/SetRunPriority": Rule(Permission.SUBMIT, Place.RUN),
    "tunewright.v1.RunService/WatchRun": Rule(Permission.READ, Place.RUN),
    "tunewright.v1.RunService/ListRunEvents": Rule(Permission.READ, Place.RUN, "parent"),
    "tunewright.v1.RunService/ListRunPoints": Rule(Permission.READ, Place.RUN, "parent"),
    "tunewright.v1.QueueService/ListQueue": Rule(Permission.READ, Place.VISIBLE),
    "tunewright.v1.LogService/ReadLogs": Rule(Permission.READ, Place.STEP),
    "tunewright.v1.ArtifactService/GetArtifact": Rule(Permission.READ, Place.VISIBLE),
    "tunewright.v1.ArtifactService/ListArtifacts": Rule(Permission.READ, Place.VISIBLE),
    "tunewright.v1.DeploymentService/GetDeployment": Rule(Permission.READ, Place.DEPLOYMENT),
    "tunewright.v1.DeploymentService/ListDeployments": Rule(Permission.READ, Place.VISIBLE),
    "tunewright.v1.DeploymentService/StopDeployment": Rule(Permission.DEPLOY, Place.DEPLOYMENT),
    "tunewright.v1.ServerService/GetServerInfo": _IDENTIFIED,
    "tunewright.v1.ServerService/Shutdown": Rule(Permission.ADMINISTER, Place.EVERYWHERE),
    # Devices are nobody's secret, and who administers looks at no runs: who has one is told to those who may see that.
    "tunewright.v1.ServerService/ListDevices": _IDENTIFIED,
    "tunewright.v1.ServerService/ReleaseDevice": Rule(Permission.ADMINISTER, Place.EVERYWHERE),
    "tunewright.v1.ServerService/ListMachineEvents": Rule(Permission.AUDIT, Place.EVERYWHERE),
    "tunewright.v1.ServerService/DrainServer": Rule(Permission.ADMINISTER, Place.EVERYWHERE),
    "tunewright.v1.ServerService/UndrainServer": Rule(Permission.ADMINISTER, Place.EVERYWHERE),
    "tunewright.v1.AccessService/WhoAmI": _IDENTIFIED,
    "tunewright.v1.AccessService/CreateToken": Rule(Permission.ADMINISTER),
    "tunewright.v1.AccessService/ListTokens": Rule(Permission.ADMINISTER, Place.VISIBLE),
    "tunewright.v1.AccessService/RevokeToken": Rule(Permission.ADMINISTER, Place.VISIBLE),
    "tunewright.v1.AccessService/BlockIdentity": Rule(Permission.ADMINISTER, Place.EVERYWHERE),
    "tunewright.v1.AccessService/UnblockIdentity": Rule(Permission.ADMINISTER, Place.EVERYWHERE),
    "tunewright.v1.AccessService/ListBlockedIdentities": Rule(Permission.ADMINISTER, Place.EVERYWHERE),
    "tunewright.v1.AccessService/ListAccessEvents": Rule(Permission.AUDIT, Place.EVERYWHERE),
    "tunewright.v1.KeepingService/CollectGarbage": Rule(Permission.ADMINISTER, Place.EVERYWHERE),
    # Who collects does not decide what is held.
    "tunewright.v1.KeepingService/CreateHold": Rule(Permission.AUDIT, Place.EVERYWHERE),
    "tunewright.v1.KeepingService/ReleaseHold": Rule(Permission.AUDIT, Place.EVERYWHERE),
    "tunewright.v1.KeepingService/ListHolds": Rule(Permission.AUDIT, Place.EVERYWHERE),
    "tunewright.v1.AlertService/ListAlerts": Rule(Permission.READ, Place.VISIBLE),
    "tunewright.v1.AlertService/ListAlertSinks": Rule(Permission.READ, Place.VISIBLE),
    "tunewright.v1.AlertService/RetryAlert": Rule(Permission.ADMINISTER, Place.EVERYWHERE),
    "tunewright.v1.AlertService/TestAlertSink": Rule(Permission.ADMINISTER, Place.EVERYWHERE),
    # Health says nothing about anybody, and what watches a daemon has no identity.
    "grpc.health.v1.Health/Check": _PUBLIC,
    "grpc.health.v1.Health/Watch": _PUBLIC,
    "grpc.health.v1.Health/List": _PUBLIC,
    "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": _IDENTIFIED,
}


def check_complete(methods: Iterable[str]) -> None:
    """Raise MissingRuleError when one of these methods (`package.Service/Method`) has no rule."""
    missing = sorted(set(methods) - RULES.keys())
    if missing:
        names = ", ".join(missing)
        raise MissingRuleError(f"nobody has decided who may call {names}: add it to daemon/access/rules.py")
