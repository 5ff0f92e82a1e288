"""Runner of `serve.embedded`: a model behind an OpenAI-compatible endpoint on this machine, until it is cancelled."""

import gc
import platform
import socket
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from tunewright.runners import contract
from tunewright.runners.attachments.lead_in import lead_in, stands_in_cache
from tunewright.runners.contract import ExitCode, StepFile
from tunewright.runners.families import register_families
from tunewright.runners.model_loading import load_for_inference, load_tokenizer, quantization_of, settle
from tunewright.runners.sdk import Manifest, Reporter, StepFailedError, main
from tunewright.runners.serving import listener, smoke

MANIFEST = Manifest(
    name="serve_embedded",
    version="1",
    kinds=("serve.embedded",),
    capabilities=("chat", "completions", "streaming", "batching", "adapter", "bnb-nf4"),
    environment="train",
    packages=("torch", "transformers", "peft", "starlette", "uvicorn", "prometheus_client"),
)

RECORD = "deployment.json"

_HEARTBEAT_SECONDS = 15.0
_TICK_SECONDS = 0.05

#: What is left of the grace period for stopping the engine and leaving the process.
_LEAVING_SECONDS = 2.0

_PROBE = "Hello"


def work(step: StepFile, bundle: Path, report: Reporter) -> None:
    """Take the port, load, serve, prove it by a completion, say `ready`, and stay until cancelled."""
    if "adapter" in step.inputs and stands_in_cache(Path(step.inputs["adapter"].path)):
        raise StepFailedError(
            "the engine keeps keys and values in pages of its own: those of a prefix adapter can't be put before them",
            reason="ADAPTER_UNFIT",
            help="serve an adapter of the tuner `prompt`, or one that melts into the base, such as `lora`",
            code=ExitCode.IMPOSSIBLE,
        )
    parameters = step.parameters
    report.phase("taking the port")
    door = listener.bind(parameters["host"], parameters["port"])
    try:
        _serve(step, bundle, report, door)
    finally:
        door.close()


def _serve(step: StepFile, bundle: Path, report: Reporter, door: socket.socket) -> None:
    settle(threads=step.parameters["threads"], device=step.parameters["device"], seed=0)
    register_families(step.parameters.get("families", ()))
    report.phase("loading model")
    service = _load(step)
    from tunewright.runners.serving.app import build_app

    report.check_cancelled()
    report.phase("starting the engine")
    service.engine.start()
    server = listener.ServerThread(build_app(service), door, step.deadlines.grace_seconds - _LEAVING_SECONDS)
    try:
        server.start()
        _prove(step, door, report)
        # What is loaded now stays: the collector need not look at it again, neither while serving nor when leaving.
        gc.freeze()
        _record(step, bundle, door)
        report.emit("artifact", role="deployment", path=contract.OUTPUTS)
        report.emit("ready", address=listener.url_of(door))
        _stay(service.engine, server, report)
    finally:
        if server.alive:
            server.stop()
        service.engine.stop()


def _load(step: StepFile) -> Any:
    """Load model and tokenizer and return the Service on an engine that is not started yet."""
    from tunewright.runners.serving.app import Service
    from tunewright.runners.serving.engine import Engine
    from tunewright.runners.serving.measures import Measures
    from tunewright.runners.serving.requests import Defaults

    parameters = step.parameters
    folder = Path(step.inputs["model"].path)
    adapter = Path(step.inputs["adapter"].path) if "adapter" in step.inputs else None
    model = load_for_inference(folder, adapter, precision=parameters["precision"], device=parameters["device"])
    tokenizer = load_tokenizer(folder)
    wanted = parameters["max_model_len"]
    length = min(wanted, getattr(model.config, "max_position_embeddings", wanted))
    # What the model's own settings say, as other engines do it: greedy unless they ask for sampling.
    stated = model.generation_config
    temperature = 1.0 if stated.temperature is None else float(stated.temperature)
    return Service(
        engine=Engine(model, tokenizer, max_model_len=length),
        tokenizer=tokenizer,
        defaults=Defaults(
            served_model_name=parameters["served_model_name"],
            max_model_len=length - len(lead_in(model).ids),
            max_new_tokens=parameters["max_new_tokens"],
            temperature=temperature if stated.do_sample else 0.0,
            top_p=1.0 if stated.top_p is None else float(stated.top_p),
            system_prompt=parameters.get("system_prompt"),
        ),
        measures=Measures(),
        model_digest=step.inputs["model"].digest,
        created=int(time.time()),
    )


def _prove(step: StepFile, door: socket.socket, report: Reporter) -> None:
    """Answer the smoke prompt through HTTP, or one token of anything: `ready` is said of a working engine only."""
    host, port = door.getsockname()[:2]
    prompt = step.parameters["smoke_prompt"]
    report.phase("asking for a first completion")
    name = step.parameters["served_model_name"]
    reply = smoke.ask(host, port, name, prompt or _PROBE, None if prompt else 1, report.check_cancelled)
    if prompt:
        report.emit("sample", prompt=prompt, reply=reply)


def _record(step: StepFile, bundle: Path, door: socket.socket) -> None:
    from tunewright.runners.serving.engine import ENGINE

    adapter = step.inputs.get("adapter")
    record = {
        "address": listener.url_of(door),
        "served_model_name": step.parameters["served_model_name"],
        "model_digest": step.inputs["model"].digest,
        "adapter_digest": None if adapter is None else adapter.digest,
        "precision": step.parameters["precision"],
        "quantization": quantization_of(Path(step.inputs["model"].path)),
        "device": step.parameters["device"],
        "engine": ENGINE,
        "versions": {name: metadata.version(name) for name in ("torch", "transformers", "uvicorn")}
        | {"python": platform.python_version()},
    }
    outputs = bundle / contract.OUTPUTS
    outputs.mkdir(exist_ok=True)
    contract.write_durably(outputs / RECORD, record)


def _stay(engine: Any, server: listener.ServerThread, report: Reporter) -> None:
    """Say that all is well every few seconds; leave by StepCancelledError, or by StepFailedError when a part dies."""
    beat = time.monotonic()
    while True:
        report.check_cancelled()
        if not engine.alive or not server.alive:
            part = "engine" if server.alive else "HTTP server"
            raise StepFailedError(f"the {part} has stopped by itself", reason="SERVER_DIED", help="see the step's log")
        if time.monotonic() - beat >= _HEARTBEAT_SECONDS:
            beat = time.monotonic()
            report.emit("heartbeat")
        # Sleeping, not waiting for the event: a signal that arrives while the event's lock is held would never return.
        time.sleep(_TICK_SECONDS)


if __name__ == "__main__":
    main(manifest=MANIFEST, work=work)
