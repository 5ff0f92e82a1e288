// A client in another language: everything it knows of Tunewright stands in proto/tunewright/v1.
//
//   node tunewright.mjs submit life.yaml     starts a run and prints its name
//   node tunewright.mjs watch runs/ID        prints the run's events as JSON lines until it has ended
//   node tunewright.mjs cancel runs/ID       asks the run to stop
//
// TUNEWRIGHT_DAEMON names the daemon (unix:/path/daemon.sock or host:port), TUNEWRIGHT_TOKEN a token where it takes one.

import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

const here = dirname(fileURLToPath(import.meta.url));
const protos = process.env.TUNEWRIGHT_PROTOS ?? resolve(here, "../../../proto");
const definition = loadSync("tunewright/v1/run_service.proto", {
  includeDirs: [protos],
  keepCase: true,
  longs: String, // sequences are 64 bits wide
  enums: String,
  defaults: true,
});
const { RunService } = grpc.loadPackageDefinition(definition).tunewright.v1;

const runs = new RunService(process.env.TUNEWRIGHT_DAEMON, grpc.credentials.createInsecure(), {
  // A daemon that does not answer any more is given up after 8 seconds.
  "grpc.keepalive_time_ms": 5000,
  "grpc.keepalive_timeout_ms": 3000,
});

function metadata() {
  const found = new grpc.Metadata();
  if (process.env.TUNEWRIGHT_TOKEN) found.set("authorization", `Bearer ${process.env.TUNEWRIGHT_TOKEN}`);
  return found;
}

function call(method, request) {
  const deadline = Date.now() + 60_000;
  return new Promise((done, failed) => {
    runs[method](request, metadata(), { deadline }, (error, answer) => (error ? failed(error) : done(answer)));
  });
}

async function submit(path) {
  const source = { text: readFileSync(path, "utf8"), path, base_directory: dirname(resolve(path)) };
  // The id makes it safe to send the request again when the answer is lost.
  const { run } = await call("CreateRun", { source, request_id: randomUUID() });
  console.log(run.name);
}

async function watch(name) {
  let last = "0";
  for (;;) {
    try {
      for await (const answer of runs.WatchRun({ name, after_sequence: last }, metadata())) {
        for (const event of answer.events) {
          console.log(JSON.stringify({ ...event, body: JSON.parse(event.body_json), body_json: undefined }));
        }
        last = answer.last_sequence;
      }
      return;
    } catch (error) {
      // The daemon restarts: go on where we were, nothing is missed and nothing comes twice.
      if (error.code !== grpc.status.UNAVAILABLE) throw error;
      await new Promise((wake) => setTimeout(wake, 200));
    }
  }
}

async function cancel(name) {
  const { run } = await call("CancelRun", { name, reason: "asked for by the Node example", request_id: randomUUID() });
  console.log(run.state);
}

const commands = { submit, watch, cancel };
const [command, subject] = process.argv.slice(2);
if (!(command in commands) || !subject || !process.env.TUNEWRIGHT_DAEMON) {
  console.error("usage: TUNEWRIGHT_DAEMON=unix:PATH node tunewright.mjs submit SPEC | watch RUN | cancel RUN");
  process.exit(2);
}
try {
  await commands[command](subject);
} catch (error) {
  console.error(`${grpc.status[error.code] ?? error.name}: ${error.details ?? error.message}`);
  process.exitCode = 1;
} finally {
  runs.close();
}
