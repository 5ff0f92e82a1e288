// The extension as VS Code sees it: starts the language server, shows plans. What is decided without VS Code is in
// the files beside it.
"use strict";

const vscode = require("vscode");
const { LanguageClient, TransportKind } = require("vscode-languageclient/node");
const { Plans } = require("./documents");
const { planText } = require("./plan");
const { SELECTOR, SHOW_PLAN, serverOptions, serverSettings } = require("./server");

/** @type {import("vscode-languageclient/node").LanguageClient | undefined} */
let client;
const plans = new Plans();

/** @param {import("vscode").ExtensionContext} context */
async function activate(context) {
  const output = vscode.window.createOutputChannel("Tunewright", { log: true });
  context.subscriptions.push(
    output,
    vscode.workspace.registerTextDocumentContentProvider(Plans.SCHEME, plans),
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

/** @param {import("vscode").LogOutputChannel} output */
async function start(output) {
  const settings = vscode.workspace.getConfiguration("tunewright");
  if (client !== undefined || !vscode.workspace.isTrusted || !settings.get("languageServer")) {
    return;
  }
  /** @type {import("vscode-languageclient/node").LanguageClientOptions} */
  const options = {
    documentSelector: SELECTOR,
    outputChannel: output,
    initializationOptions: serverSettings((name) => settings.get(name)),
    middleware: {
      // The lens above a step names the server's own command: its answer is a text to show.
      executeCommand: async (command, args, next) =>
        command === SHOW_PLAN ? show(await next(command, args), args[0], args[1]) : next(command, args),
    },
  };
  const starting = new LanguageClient(
    "tunewright",
    "Tunewright",
    { ...serverOptions(commandWords()), transport: TransportKind.stdio },
    options,
  );
  client = starting;
  try {
    await starting.start();
  } catch (error) {
    client = undefined;
    output.error(String(error));
    vscode.window.showWarningMessage(
      "tunewright could not be started: install it, or set `tunewright.command`. The schema goes on working.",
    );
  }
}

/** @returns {string[]} the words that start tunewright */
function commandWords() {
  return vscode.workspace.getConfiguration("tunewright").get("command", ["tunewright"]);
}

/** @param {import("vscode").TextDocument | undefined} document */
async function showPlanOf(document) {
  if (document === undefined || !vscode.workspace.isTrusted) {
    return;
  }
  const command = commandWords();
  const running = client?.isRunning() ? client : undefined;
  /** @param {import("./plan").Request} request */
  const ask = (request) => running?.sendRequest("workspace/executeCommand", request);
  try {
    const uri = document.uri.toString();
    await show(await planText({ uri, path: document.uri.fsPath, command, ask: running && ask }), uri);
  } catch (error) {
    vscode.window.showErrorMessage(error instanceof Error ? error.message : String(error));
  }
}

/**
 * @param {string | null} text
 * @param {string} spec
 * @param {string} [step]
 */
async function show(text, spec, step) {
  if (!text) {
    vscode.window.showInformationMessage("There is no plan while the spec has errors.");
    return;
  }
  const document = await vscode.workspace.openTextDocument(plans.put(text, spec, step));
  await vscode.window.showTextDocument(document, { preview: true, viewColumn: vscode.ViewColumn.Beside });
}

module.exports = { activate, deactivate };
