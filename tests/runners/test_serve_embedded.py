"""serve.embedded on the tiny model, asked by OpenAI's own client."""

import json
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

openai = pytest.importorskip("openai")
pytestmark = pytest.mark.train

NAME = "support"
PARAMETERS: dict[str, Any] = {
    "host": "127.0.0.1",
    "port": 0,
    "served_model_name": NAME,
    "max_model_len": 200,
    "precision": "fp32",
    "device": "cpu",
    "threads": 1,
    "smoke_prompt": "route ticket 7",
    "system_prompt": "Route tickets.",
    "max_new_tokens": 16,
}


@dataclass
class Served:
    """A service that has said `ready`."""

    bundle: Path
    process: "Popen[str]"
    address: str

    @property
    def client(self) -> Any:
        return openai.OpenAI(base_url=self.address, api_key="none", max_retries=0, timeout=60)

    def get(self, path: str) -> tuple[int, str]:
        with urllib.request.urlopen(self.address.removesuffix("/v1") + path, timeout=30) as response:
            return response.status, response.read().decode()


def say(client: Any, text: str, **more: Any) -> Any:
    return client.chat.completions.create(model=NAME, messages=[{"role": "user", "content": text}], **more)


@pytest.fixture(scope="module")
def serve(bench: Any, wait_for: Callable[..., Any], read_events: Callable[..., Any]) -> Callable[..., Served]:
    def start(name: str, inputs: dict[str, Path], **changed: Any) -> Served:
        bundle = bench.bundle(name, "serve.embedded", inputs, {**PARAMETERS, **changed}, service=True)
        process = bench.start("serve_embedded", bundle)

        def ready() -> Any:
            assert process.poll() is None, process.stderr.read()
            return [event for event in read_events(bundle) if event["kind"] == "ready"]

        return Served(bundle=bundle, process=process, address=wait_for(ready, 120)[0]["address"])

    return start


@pytest.fixture(scope="module")
def served(serve: Callable[..., Served], tiny_folder: Path) -> Served:
    return serve("plain", {"model": tiny_folder})


def test_ready_comes_after_a_real_answer_and_the_record(served: Served, read_events: Callable[..., Any]) -> None:
    kinds = [event["kind"] for event in read_events(served.bundle)]
    assert kinds.index("sample") < kinds.index("artifact") < kinds.index("ready")
    record = json.loads((served.bundle / "outputs/deployment.json").read_text())
    assert record["address"] == served.address
    assert record["served_model_name"] == NAME
    assert record["versions"]["transformers"]
    sample = next(event for event in read_events(served.bundle) if event["kind"] == "sample")
    assert sample["reply"] == say(served.client, "route ticket 7").choices[0].message.content


def test_a_stream_says_what_the_whole_answer_says(served: Served) -> None:
    whole = say(served.client, "open claim 3", max_tokens=12)
    chunks = list(
        say(served.client, "open claim 3", max_tokens=12, stream=True, stream_options={"include_usage": True})
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-1].usage == whole.usage
    assert whole.usage.completion_tokens <= 12
    assert whole.choices[0].finish_reason in ("length", "stop")


def test_requests_without_a_system_message_get_the_deployments(served: Served) -> None:
    def answer(*messages: dict[str, str]) -> Any:
        return served.client.chat.completions.create(model=NAME, messages=list(messages), temperature=0)

    question = {"role": "user", "content": "open claim 3"}
    bare = answer(question)
    same = answer({"role": "system", "content": PARAMETERS["system_prompt"]}, question)
    other = answer({"role": "system", "content": "Close all claims, please, one after the other."}, question)

    assert bare.usage == same.usage
    assert bare.choices[0].message.content == same.choices[0].message.content
    assert other.usage.prompt_tokens > bare.usage.prompt_tokens


def test_eight_clients_at_once_get_what_each_would_get_alone(served: Served) -> None:
    questions = [f"route order {number} " * (1 + number % 3) for number in range(8)]
    alone = [say(served.client, text).choices[0].message.content for text in questions]
    client = served.client
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda text: say(client, text).choices[0].message.content, questions))
    assert together == alone
    assert len(set(alone)) > 1


def test_a_stop_text_ends_the_answer_before_it(served: Served) -> None:
    whole = say(served.client, "open claim 3").choices[0].message.content
    assert len(whole) > 4
    stop = whole[3:5]
    answer = say(served.client, "open claim 3", stop=[stop]).choices[0]
    assert answer.message.content == whole[: whole.index(stop)]
    assert answer.finish_reason == "stop"


def test_plain_completions(served: Served) -> None:
    answer = served.client.completions.create(model=NAME, prompt="ticket number", max_tokens=5)
    assert answer.object == "text_completion"
    assert answer.usage.completion_tokens <= 5
    streamed = served.client.completions.create(model=NAME, prompt="ticket number", max_tokens=5, stream=True)
    assert "".join(chunk.choices[0].text for chunk in streamed) == answer.choices[0].text


def test_sampling_follows_its_parameters(served: Served) -> None:
    replies = {say(served.client, "close order", temperature=1.5).choices[0].message.content for _ in range(4)}
    assert len(replies) > 1
    narrow = say(served.client, "close order", temperature=1.5, top_p=0.0).choices[0].message.content
    assert narrow == say(served.client, "close order", temperature=0).choices[0].message.content


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"model": "other"}, 404, "model_not_found"),
        ({"n": 2}, 400, "unsupported_value"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, 400, "unsupported_value"),
        ({"temperature": 3}, 400, None),
        ({"max_tokens": 0}, 400, None),
        ({"max_tokens": 5000}, 400, "context_length_exceeded"),
        ({"messages": [{"role": "user", "content": "word " * 300}]}, 400, "context_length_exceeded"),
        ({"messages": []}, 400, None),
        ({"messages": [{"role": "user"}]}, 400, None),
        ({"extra_body": {"bogus": 1}}, 400, "unknown_parameter"),
    ],
)
def test_a_bad_request_gets_an_error_object(served: Served, changed: dict[str, Any], status: int, code: Any) -> None:
    request = {"model": NAME, "messages": [{"role": "user", "content": "hello"}], **changed}
    with pytest.raises(openai.APIStatusError) as caught:
        served.client.chat.completions.create(**request)
    assert caught.value.status_code == status
    assert caught.value.body["code"] == code
    assert caught.value.body["type"] == "invalid_request_error"


def test_models_health_metrics_and_the_stamp(served: Served) -> None:
    assert [model.id for model in served.client.models.list()] == [NAME]
    assert served.get("/health") == (200, '{"status":"ok"}')
    assert say(served.client, "hello", max_tokens=1)
    metrics = served.get("/metrics")[1]
    assert 'tunewright_requests_total{path="/v1/chat/completions",status="200"}' in metrics
    assert "tunewright_open_requests 0.0" in metrics
    answer = served.client.chat.completions.with_raw_response.create(
        model=NAME, messages=[{"role": "user", "content": "hello"}], max_tokens=1
    )
    digest = json.loads((served.bundle / "step.json").read_text())["inputs"]["model"]["digest"]
    assert answer.headers["x-tunewright-model"] == digest


def test_a_foreign_host_name_is_turned_away(served: Served) -> None:
    request = urllib.request.Request(served.address + "/models", headers={"Host": "evil.example"})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=30)
    assert caught.value.code == 421


def test_a_taken_port_is_said_before_anything_is_loaded(bench: Any, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        parameters = {**PARAMETERS, "port": other.getsockname()[1]}
        inputs = {"model": tmp_path / "no-such-model"}
        ended = bench.run("serve_embedded", bench.bundle("taken", "serve.embedded", inputs, parameters, service=True))
    assert (ended.code, ended.failure["reason"]) == (1, "PORT_IN_USE")
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.10", "example.com"])
def test_no_address_that_others_reach(bench: Any, tmp_path: Path, host: str) -> None:
    parameters = {**PARAMETERS, "host": host}
    bundle = bench.bundle(f"public-{host}", "serve.embedded", {"model": tmp_path}, parameters, service=True)
    ended = bench.run("serve_embedded", bundle)
    assert (ended.code, ended.failure["reason"]) == (78, "IMPOSSIBLE")


def test_an_idle_service_leaves_at_once(serve: Callable[..., Served], tiny_folder: Path, make_adapter: Any) -> None:
    served = serve("adapter", {"model": tiny_folder, "adapter": make_adapter("q_proj", "v_proj")}, smoke_prompt=None)
    assert say(served.client, "route ticket 7").choices[0].message.content is not None
    served.process.send_signal(signal.SIGTERM)
    served.process.communicate(timeout=120)
    assert served.process.returncode == 130


def test_an_open_stream_is_finished_before_leaving(serve: Callable[..., Served], tiny_folder: Path) -> None:
    served = serve("drain", {"model": tiny_folder}, smoke_prompt=None)
    stream = served.client.chat.completions.create(
        model=NAME, messages=[{"role": "user", "content": "open claim 3"}], stream=True, max_tokens=150
    )
    first = next(stream)
    served.process.send_signal(signal.SIGTERM)
    rest = list(stream)
    assert first.id == rest[-1].id
    assert rest[-1].choices[0].finish_reason in ("length", "stop")
    served.process.communicate(timeout=120)
    assert served.process.returncode == 130
