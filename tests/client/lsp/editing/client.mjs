// A client that shares no code with the server's libraries: Microsoft's own, for Node. Prints what it was answered.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [modules, python, path] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const rpc = require("vscode-jsonrpc/node");
const lsp = require("vscode-languageserver-protocol");

const server = spawn(python, ["-P", "-m", "tunewright", "lsp"], { stdio: ["pipe", "pipe", "inherit"] });
const connection = rpc.createMessageConnection(
  new rpc.StreamMessageReader(server.stdout),
  new rpc.StreamMessageWriter(server.stdin),
);
const uri = pathToFileURL(path).href;
const text = readFileSync(path, "utf-8");
const published = new Promise((resolve) =>
  connection.onNotification(lsp.PublishDiagnosticsNotification.type, (params) => resolve(params)),
);
connection.listen();

const at = (words, inside = 0) => {
  const lines = text.slice(0, text.indexOf(words) + inside).split("\n");
  return { textDocument: { uri }, position: { line: lines.length - 1, character: lines.at(-1).length } };
};
const capabilities = { general: { positionEncodings: ["utf-16"] }, textDocument: { completion: {}, hover: {} } };
const ready = await connection.sendRequest(lsp.InitializeRequest.type, { processId: process.pid, rootUri: null, capabilities });
await connection.sendNotification(lsp.InitializedNotification.type, {});
await connection.sendNotification(lsp.DidOpenTextDocumentNotification.type, {
  textDocument: { uri, languageId: "yaml", version: 3, text },
});
const found = await published;
const offered = await connection.sendRequest(lsp.CompletionRequest.type, at("sft, data"));
const hover = await connection.sendRequest(lsp.HoverRequest.type, at("tuner", 1));
const edit = await connection.sendRequest(lsp.RenameRequest.type, { ...at("exam:"), newName: "check" });
const refused = await connection
  .sendRequest(lsp.RenameRequest.type, { ...at("exam:"), newName: "A b" })
  .catch((error) => error.message);
await connection.sendRequest(lsp.ShutdownRequest.type);
const ended = new Promise((resolve) => server.once("exit", resolve));
await connection.sendNotification(lsp.ExitNotification.type);
server.stdin.end();

console.log(
  JSON.stringify({
    server: ready.serverInfo.name,
    encoding: ready.capabilities.positionEncoding,
    found: { version: found.version, codes: found.diagnostics.map((item) => item.code) },
    offered: offered.items.map((item) => item.label),
    hover: hover.contents.value,
    renamed: edit.changes[uri].map((item) => item.range.start.line),
    refused,
    exit: await ended,
  }),
);
connection.dispose();
