"use strict";

const assert = require("node:assert/strict");
const { execFileSync, spawnSync } = require("node:child_process");
const fs = require("node:fs");
const Module = require("node:module");
const os = require("node:os");
const path = require("node:path");
const { after, test } = require("node:test");
const { planText } = require("../lib/plan");
const { SELECTOR, SERVER_SETTINGS, SHOW_PLAN, serverOptions } = require("../lib/server");

const ROOT = path.join(__dirname, "..");
const TUNEWRIGHT = process.env.TUNEWRIGHT || path.join(ROOT, "..", "..", ".venv", "bin", "tunewright");
const manifest = JSON.parse(fs.readFileSync(path.join(ROOT, "package.json"), "utf8"));
const snippets = JSON.parse(fs.readFileSync(path.join(ROOT, "snippets", "life.json"), "utf8"));
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "tunewright-vscode-"));
const environment = { ...process.env, NO_COLOR: "1", TUNEWRIGHT_HOME: path.join(folder, "home") };
after(() => fs.rmSync(folder, { recursive: true }));

const SPEC = `api_version: tunewright/v1
name: little
base: {model: hf://HuggingFaceTB/SmolLM2-135M-Instruct}
data: {rows: {source: "file:data/rows.jsonl"}}
steps:
  sft:
    train: {method: sft, data: rows, gradient_accumulation_steps: 1}
`;

function write(name, text) {
  const file = path.join(folder, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text);
  return file;
}

const lines = (rows) => rows.map((row) => JSON.stringify(row) + "\n").join("");
const eight = Array.from({ length: 8 }, (_, number) => number);
write("data/rows.jsonl", lines(eight.map((n) => ({ prompt: `What is ${n}?`, completion: `A number, ${n}.` }))));
write("data/pairs.jsonl", lines(eight.map((n) => ({ prompt: `What is ${n}?`, chosen: "A number.", rejected: `${n}!` }))));
write("suites/quiz.jsonl", lines(eight.map((n) => ({ id: `q${n}`, prompt: `What is ${n}?`, expected: "A number." }))));

// The text that a snippet leaves when every place keeps its default, indented as it stands in a spec.
function body(label, indent) {
  const text = snippets[label].body.join("\n").replace(/\$\{\d+:([^}]*)\}/g, "$1");
  return text.replace(/^(?=.)/gm, " ".repeat(indent));
}

function check(file) {
  return spawnSync(TUNEWRIGHT, ["check", file], { encoding: "utf8", env: environment }).stdout;
}

test("the manifest names files, commands and settings that are there", () => {
  const { contributes } = manifest;
  const files = [...contributes.snippets.map((item) => item.path), ...contributes.yamlValidation.map((item) => item.url)];
  for (const file of [manifest.main, ...files]) {
    assert.ok(fs.existsSync(path.join(ROOT, file)), file);
  }
  const source = fs.readFileSync(path.join(ROOT, manifest.main), "utf8");
  for (const { command } of contributes.commands) {
    assert.match(source, new RegExp(`registerCommand\\("${command}"`));
    // The client makes a command of each that the server offers: a name of our own must be another one.
    assert.notEqual(command, SHOW_PLAN);
  }
  for (const name of ["command", "languageServer", ...SERVER_SETTINGS]) {
    assert.ok(contributes.configuration.properties[`tunewright.${name}`], name);
  }
});

test("the schema is that of the language", () => {
  const printed = execFileSync(TUNEWRIGHT, ["schema"], { encoding: "utf8", maxBuffer: 2 ** 24 });
  assert.equal(fs.readFileSync(path.join(ROOT, manifest.contributes.yamlValidation[0].url), "utf8"), printed);
});

test("the snippet of a whole spec is sound", () => {
  write("whole/data/rows.jsonl", fs.readFileSync(path.join(folder, "data/rows.jsonl"), "utf8"));
  const spec = write("whole/life.yaml", body("a whole spec", 0) + "\n");
  assert.match(check(spec), /: ok/);
});

test("the other snippets are sound where they belong", () => {
  const names = {
    sft: "train: learn from replies",
    align: "train: learn from preferences",
    exam: "evaluate: measure a model",
    better: "gate: require what was measured",
    sign_off: "approve: ask people",
    pack: "export: merge and quantise",
    serve: "deploy: serve",
  };
  const steps = Object.entries(names).map(([name, label]) => `  ${name}:\n${body(label, 4)}\n`);
  const spec = [
    "api_version: tunewright/v1\nname: all\nbase: {model: hf://HuggingFaceTB/SmolLM2-135M-Instruct}\n",
    `data:\n  rows:\n${body("a set of rows", 4)}\n  pairs: {source: "file:data/pairs.jsonl"}\n`,
    `suites:\n  quiz:\n${body("an own suite", 4)}\n  mmlu:\n${body("a public benchmark", 4)}\n`,
    `steps:\n${steps.join("")}`,
    `  wide:\n    train:\n      method: sft\n      data: rows\n      tuner:\n${body("adapters with a rank", 8)}\n`,
  ].join("");
  const used = [...Object.values(names), "a set of rows", "an own suite", "a public benchmark", "adapters with a rank"];
  assert.deepEqual([...used, "a whole spec"].sort(), Object.keys(snippets).sort());
  assert.match(check(write("all.life.yaml", spec)), /: ok/);
});

test("the server is started as the setting says", () => {
  assert.deepEqual(serverOptions(["tunewright"]), { command: "tunewright", args: ["lsp"] });
  assert.deepEqual(serverOptions(["python", "-P", "-m", "tunewright"]).args, ["-P", "-m", "tunewright", "lsp"]);
});

// VS Code itself is played: what the extension uses of it, held to its types by `npm run typecheck`.
function editor(settings) {
  const seen = { commands: {}, shown: [], clients: [], opened: [] };
  const nothing = { dispose() {} };
  const uriOf = (parts) => ({ ...parts, toString: () => `${parts.scheme}:${parts.path}?${parts.query ?? ""}` });
  let provider;
  const vscode = {
    EventEmitter: class { event = () => nothing; fire() {} },
    Uri: { parse: (text) => uriOf({ path: new URL(text).pathname }), from: uriOf },
    ViewColumn: { Beside: -2 },
    commands: { registerCommand: (name, run) => ((seen.commands[name] = run), nothing) },
    window: {
      activeTextEditor: { document: { uri: { fsPath: "/a/life.yaml", toString: () => "file:///a/life.yaml" } } },
      // The client's library writes by level, which only a channel of this kind can.
      createOutputChannel: (_name, options) => (options?.log ? { ...nothing, info() {}, error() {} } : nothing),
      showTextDocument: async (document) => seen.shown.push(document.content),
      showInformationMessage: (text) => seen.shown.push(text),
      showWarningMessage: (text) => seen.shown.push(text),
      showErrorMessage: (text) => seen.shown.push(text),
    },
    workspace: {
      isTrusted: settings.trusted ?? true,
      getConfiguration: () => ({ get: (name) => settings[name] }),
      onDidGrantWorkspaceTrust: () => nothing,
      onDidChangeConfiguration: () => nothing,
      registerTextDocumentContentProvider: (_scheme, given) => ((provider = given), nothing),
      openTextDocument: async (uri) => (seen.opened.push(uri.path), { content: provider.provideTextDocumentContent(uri) }),
    },
  };
  class LanguageClient {
    constructor(id, name, server, options) {
      Object.assign(this, { server, options, running: false });
      seen.clients.push(this);
    }
    async start() {
      this.options.outputChannel.info("starting");
      if (settings.absent) throw new Error("spawn ENOENT");
      this.running = true;
    }
    async stop() { this.running = false; }
    isRunning() { return this.running; }
    async sendRequest(method, request) { return `${method} ${request.command} ${request.arguments}`; }
  }
  const played = { vscode, "vscode-languageclient/node": { LanguageClient, TransportKind: { stdio: 0 } } };
  const load = Module._load;
  Module._load = (name, ...rest) => played[name] ?? load(name, ...rest);
  for (const part of ["../lib/extension", "../lib/documents"]) delete require.cache[require.resolve(part)];
  try {
    return { seen, extension: require("../lib/extension") };
  } finally {
    Module._load = load;
  }
}

const SETTINGS = { command: ["tunewright"], languageServer: true, inlayHints: false, codeLens: true };

test("it starts the server and shows the plan that it answers with", async () => {
  const { seen, extension } = editor(SETTINGS);
  await extension.activate({ subscriptions: [] });
  const [client] = seen.clients;
  assert.deepEqual([client.server.command, ...client.server.args], ["tunewright", "lsp"]);
  assert.deepEqual(client.options.documentSelector, SELECTOR);
  assert.deepEqual(client.options.initializationOptions, { inlayHints: false, codeLens: true });
  await seen.commands["tunewright.plan"]();
  await client.options.middleware.executeCommand(SHOW_PLAN, ["file:///a/life.yaml", "sft"], async () => "of a step");
  await client.options.middleware.executeCommand(SHOW_PLAN, ["file:///a/life.yaml"], async () => null);
  const request = `workspace/executeCommand ${SHOW_PLAN} file:///a/life.yaml`;
  assert.deepEqual(seen.shown, [request, "of a step", "There is no plan while the spec has errors."]);
  assert.deepEqual(seen.opened, ["/life.yaml: plan", "/life.yaml: sft"]);
  await extension.deactivate();
  assert.ok(!client.running);
});

test("it says what to do where the server can't start, and starts none where nobody wants one", async () => {
  const absent = editor({ ...SETTINGS, absent: true });
  await absent.extension.activate({ subscriptions: [] });
  assert.match(absent.seen.shown[0], /tunewright\.command/);
  for (const settings of [{ ...SETTINGS, languageServer: false }, { ...SETTINGS, trusted: false }]) {
    const { seen, extension } = editor(settings);
    await extension.activate({ subscriptions: [] });
    assert.deepEqual(seen.clients, []);
  }
});

test("a plan comes from the server where one runs", async () => {
  const asked = [];
  const ask = async (request) => (asked.push(request), "the plan");
  assert.equal(await planText({ uri: "file:///a/life.yaml", path: "/a/life.yaml", command: ["no-such"], ask }), "the plan");
  assert.deepEqual(asked, [{ command: SHOW_PLAN, arguments: ["file:///a/life.yaml"] }]);
});

test("a plan comes from the command where none runs", async () => {
  process.env.TUNEWRIGHT_HOME = environment.TUNEWRIGHT_HOME;
  const file = write("plan/life.yaml", SPEC);
  write("plan/data/rows.jsonl", fs.readFileSync(path.join(folder, "data/rows.jsonl"), "utf8"));
  const text = await planText({ uri: `file://${file}`, path: file, command: [TUNEWRIGHT] });
  assert.match(text, /sft/);
  const broken = write("plan/broken.life.yaml", SPEC.replace("method: sft", "method: sfd"));
  await assert.rejects(planText({ uri: "", path: broken, command: [TUNEWRIGHT] }), /1 error/);
  await assert.rejects(planText({ uri: "", path: file, command: ["/no/such/tunewright"] }), /tunewright\.command/);
  assert.ok(!fs.existsSync(path.join(folder, "plan", "life.lock")));
});
