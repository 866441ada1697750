import { existsSync } from "node:fs";
import { Command } from "commander";
import { archivePath, isBundleId } from "../bundle/layout.ts";
import { extractBundle, readItem, readManifest, type VerifyReport, verifyBundle } from "../bundle/reader.ts";
import { listBundles } from "../bundle/retention.ts";
import { AodError, messageOf } from "../system/error.ts";
import { hasCode } from "../system/proc.ts";
import { printable } from "../tools/table-text.ts";
import { listLine, listTitle, manifestLines, size } from "./bundle-text.ts";

interface Options {
  readonly json?: true;
  readonly config?: string;
  readonly item?: string;
}

const configHelp = "configuration file that says where bundles are";

/** `aod bundle`: works without the daemon, and on bundles of other machines. */
export function build(): Command {
  const command = new Command("bundle").description("List, show, check and unpack the evidence of incidents");
  // Before the commands below it are made: they inherit both, and the caller prints what went wrong.
  command.exitOverride().configureOutput({ outputError: () => {} });
  command
    .command("list")
    .description("the bundles of this machine, newest first")
    .option("--json", "one object a line")
    .option("-c, --config <file>", configHelp)
    .action(list);
  command
    .command("show <bundle>")
    .description("what is in a bundle: the path of a file, or an incident's id")
    .option("--json", "the manifest as one line")
    .option("--item <name>", "print this file of the bundle instead")
    .option("-c, --config <file>", configHelp)
    .action(show);
  command
    .command("verify <bundle>")
    .description("compare every file with its size and SHA-256")
    .option("--json", "one object a line")
    .option("-c, --config <file>", configHelp)
    .action(verify);
  command
    .command("extract <bundle> <dir>")
    .description("unpack into a new directory DIR/ID and compare")
    .option("-c, --config <file>", configHelp)
    .action(extract);
  return command.addHelpText(
    "after",
    `
Examples:
  aod bundle list
  aod bundle show 20261122T130511Z-latency-3f9a
  aod bundle show ./20261122T130511Z-latency-3f9a.tar.zst --item ops.ndjson
  aod bundle verify ./20261122T130511Z-latency-3f9a.tar.zst
  aod bundle extract 20261122T130511Z-latency-3f9a /tmp/evidence`,
  );
}

async function list(options: Options): Promise<void> {
  const stateDir = await stateDirOf(options);
  const bundles = await listBundles(stateDir).catch((error: unknown) => {
    if (hasCode(error, "ENOENT")) return [];
    throw new AodError("failed", `cannot list the bundles below ${stateDir}: ${messageOf(error)}`, { cause: error });
  });
  if (options.json !== true) print(bundles.length === 0 ? `no bundles below ${stateDir}` : listTitle);
  for (const { id, bytes } of bundles) {
    const path = archivePath(stateDir, id);
    try {
      const { anomaly, opened, closed, state, target } = await readManifest(path);
      const facts = { id, path, bytes, state, opened, ...(closed === undefined ? {} : { closed }), target, anomaly };
      print(options.json ? JSON.stringify(facts) : listLine(facts));
    } catch (error) {
      if (!(error instanceof AodError)) throw error;
      print(
        options.json ? JSON.stringify({ id, path, bytes, error: error.message }) : `${id}  ${printable(error.message)}`,
      );
    }
  }
}

async function show(bundle: string, options: Options): Promise<void> {
  const path = await locate(bundle, options);
  if (options.item !== undefined) {
    process.stdout.write(await readItem(path, options.item));
    return;
  }
  const manifest = await readManifest(path);
  for (const line of options.json ? [JSON.stringify(manifest)] : manifestLines(manifest)) print(line);
}

async function verify(bundle: string, options: Options): Promise<void> {
  const report = await verifyBundle(await locate(bundle, options));
  if (options.json) for (const item of report.items) print(JSON.stringify(item));
  else printReport(report);
  if (!report.ok) process.exitCode = 1;
}

async function extract(bundle: string, dir: string, options: Options): Promise<void> {
  const report = await extractBundle(await locate(bundle, options), dir);
  print(report.dir);
  printReport(report);
  if (!report.ok) process.exitCode = 1;
}

function printReport({ items, manifest, ok }: VerifyReport): void {
  for (const { name, result } of items) if (result !== "ok") print(`${result.padEnd(8)} ${printable(name)}`);
  const bytes = manifest.items.reduce((sum, item) => sum + (item.size ?? 0), 0);
  print(
    ok
      ? `all ${items.length} files are as the manifest says (${size(bytes)})`
      : "the bundle is not as its manifest says",
  );
}

/** A path of an existing file, else an id below the state directory. */
async function locate(bundle: string, options: Options): Promise<string> {
  if (existsSync(bundle)) return bundle;
  if (!isBundleId(bundle)) throw new AodError("failed", `there is no file ${bundle}`);
  const path = archivePath(await stateDirOf(options), bundle);
  if (existsSync(path)) return path;
  throw new AodError(
    "failed",
    `there is neither a file ${bundle} nor a bundle ${path}; "aod bundle list" shows what there is`,
  );
}

/** Read only where it is needed: a bundle of another machine is read without any configuration. */
async function stateDirOf({ config }: Options): Promise<string> {
  const { loadConfig } = await import("../daemon/config.ts");
  return loadConfig(config, process.env).config.state_dir;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
