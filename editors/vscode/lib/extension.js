// The extension as VS Code sees it: starts the language server, shows plans. What is decided without VS Code is in
// the files beside it.
"use strict";

const vscode = require("vscode");
const { LanguageClient, TransportKind } = require("vscode-languageclient/node");
const { planText } = require("./plan");
const { SELECTOR, SHOW_PLAN, serverOptions, serverSettings } = require("./server");

let client;

async function activate(context) {
  const output = vscode.window.createOutputChannel("Tunewright");
  context.subscriptions.push(
    output,
    vscode.commands.registerCommand("tunewright.plan", () => showPlanOf(vscode.window.activeTextEditor?.document)),
    vscode.workspace.onDidGrantWorkspaceTrust(() => start(output)),
    vscode.workspace.onDidChangeConfiguration(async (event) => {
      if (event.affectsConfiguration("tunewright")) {
        await deactivate();
        await start(output);
      }
    }),
  );
  await start(output);
}

async function deactivate() {
  const running = client;
  client = undefined;
  await running?.stop();
}

async function start(output) {
  const settings = vscode.workspace.getConfiguration("tunewright");
  if (client !== undefined || !vscode.workspace.isTrusted || !settings.get("languageServer")) {
    return;
  }
  const options = {
    documentSelector: SELECTOR,
    outputChannel: output,
    initializationOptions: serverSettings((name) => settings.get(name)),
    middleware: {
      // The lens above a step names the server's own command: its answer is a text to show.
      executeCommand: async (command, args, next) =>
        command === SHOW_PLAN ? show(await next(command, args)) : next(command, args),
    },
  };
  const starting = new LanguageClient(
    "tunewright",
    "Tunewright",
    { ...serverOptions(settings.get("command")), transport: TransportKind.stdio },
    options,
  );
  client = starting;
  try {
    await starting.start();
  } catch (error) {
    client = undefined;
    output.appendLine(String(error));
    vscode.window.showWarningMessage(
      "tunewright could not be started: install it, or set `tunewright.command`. The schema goes on working.",
    );
  }
}

async function showPlanOf(document) {
  if (document === undefined || !vscode.workspace.isTrusted) {
    return;
  }
  const command = vscode.workspace.getConfiguration("tunewright").get("command");
  const ask = client?.isRunning() ? (request) => client.sendRequest("workspace/executeCommand", request) : undefined;
  try {
    await show(await planText({ uri: document.uri.toString(), path: document.uri.fsPath, command, ask }));
  } catch (error) {
    vscode.window.showErrorMessage(error.message);
  }
}

async function show(text) {
  if (!text) {
    vscode.window.showInformationMessage("There is no plan while the spec has errors.");
    return;
  }
  const document = await vscode.workspace.openTextDocument({ content: text, language: "plaintext" });
  await vscode.window.showTextDocument(document, { preview: true, viewColumn: vscode.ViewColumn.Beside });
}

module.exports = { activate, deactivate };
