"""`base`: the model that everything starts from."""

from tunewright.spec.model.section import Section


class Base(Section):
    """The base model."""

    model: str
    """Where the model is: `hf://org/name@revision`, `ms://org/name@revision`, `dir:path`, `gguf:path` or
    `package:distribution/file`.
    """

    trust_remote_code: bool | None = None
    """Run Python code that the model's folder brings. Off unless written; a plan says so."""

    token: str | None = None
    """Access token for a hub or mirror, as a reference: `${secret:NAME}`."""
