import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { copyBundle, type Exported, exportPseudonymised } from "../bundle/export.ts";
import { findSecrets } from "../bundle/find-secrets.ts";
import { archivePath, isBundleId, pinPath } from "../bundle/layout.ts";
import { loadPseudonyms, savePseudonyms } from "../bundle/pseudonyms.ts";
import { extractBundle, readItem, readManifest, type VerifyReport, verifyBundle } from "../bundle/reader.ts";
import { listBundles } from "../bundle/retention.ts";
import { redactionSelfTest } from "../bundle/self-test.ts";
import { AodError, messageOf } from "../system/error.ts";
import { hasCode } from "../system/proc.ts";
import { printable } from "../tools/table-text.ts";
import { listLine, listTitle, manifestLines, size } from "./bundle-text.ts";

interface Options {
  readonly json?: true;
  readonly config?: string;
  readonly item?: string;
  readonly off?: true;
  readonly force?: true;
  readonly pseudonymise?: true;
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
    .command("verify [bundle]")
    .description(
      "without a bundle: that no planted secret gets through the redaction; else that every file is as the manifest says, and holds no secret",
    )
    .option("--json", "one object a line")
    .option("-c, --config <file>", configHelp)
    .action(verify);
  command
    .command("extract <bundle> <dir>")
    .description("unpack into a new directory DIR/ID and compare")
    .option("-c, --config <file>", configHelp)
    .action(extract);
  command
    .command("export <bundle> <file>")
    .description("a copy to be given away, as one file that must not be there yet")
    .option("--pseudonymise", "users, hosts, addresses and paths get pseudonyms; the map stays here, for root alone")
    .option("--json", "one object")
    .option("-c, --config <file>", configHelp)
    .action(exportBundle);
  command
    .command("pin <bundle...>")
    .description("retention leaves these alone")
    .option("--off", "from now on not any more")
    .option("--json", "one object a line")
    .option("-c, --config <file>", configHelp)
    .action(pin);
  command
    .command("delete <bundle...>")
    .description("remove bundles of this machine")
    .option("--force", "pinned ones too")
    .option("--json", "one object a line")
    .option("-c, --config <file>", configHelp)
    .action(remove);
  return command.addHelpText(
    "after",
    `
Examples:
  aod bundle list
  aod bundle show 20261122T130511Z-latency-3f9a
  aod bundle show ./20261122T130511Z-latency-3f9a.tar.zst --item ops.ndjson
  aod bundle verify ./20261122T130511Z-latency-3f9a.tar.zst
  aod bundle verify
  aod bundle extract 20261122T130511Z-latency-3f9a /tmp/evidence
  aod bundle export 20261122T130511Z-latency-3f9a for-support.tar.zst --pseudonymise
  aod bundle pin 20261122T130511Z-latency-3f9a
  aod bundle delete 20261122T130511Z-latency-3f9a`,
  );
}

async function list(options: Options): Promise<void> {
  const stateDir = await stateDirOf(options);
  const bundles = await listBundles(stateDir).catch((error: unknown) => {
    if (hasCode(error, "ENOENT")) return [];
    throw new AodError("failed", `cannot list the bundles below ${stateDir}: ${messageOf(error)}`, { cause: error });
  });
  if (options.json !== true) print(bundles.length === 0 ? `no bundles below ${stateDir}` : listTitle);
  for (const { id, bytes, pinned } of bundles) {
    const path = archivePath(stateDir, id);
    try {
      const { anomaly, opened, closed, state, target } = await readManifest(path);
      const facts = {
        id,
        path,
        bytes,
        pinned,
        state,
        opened,
        ...(closed === undefined ? {} : { closed }),
        target,
        anomaly,
      };
      print(options.json ? JSON.stringify(facts) : listLine(facts));
    } catch (error) {
      if (!(error instanceof AodError)) throw error;
      print(
        options.json
          ? JSON.stringify({ id, path, bytes, pinned, error: error.message })
          : `${id}  ${printable(error.message)}`,
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

async function verify(bundle: string | undefined, options: Options): Promise<void> {
  if (bundle === undefined) return await selfTest(options);
  const path = await locate(bundle, options);
  const report = await verifyBundle(path);
  const secrets = await findSecrets(path);
  if (options.json) {
    for (const item of report.items)
      print(JSON.stringify(secrets.includes(item.name) ? { ...item, result: "secret" } : item));
  } else {
    printReport(report);
    for (const name of secrets) print(`secret   ${printable(name)}: the redaction would take something out of it`);
  }
  if (!report.ok || secrets.length > 0) process.exitCode = 1;
}

async function selfTest(options: Options): Promise<void> {
  const { leaks, planted } = await redactionSelfTest();
  if (options.json) print(JSON.stringify({ self_test: leaks.length === 0 ? "ok" : "failed", planted, leaks }));
  else if (leaks.length === 0) print(`the redaction took out all ${planted} planted secrets`);
  else for (const leak of leaks) print(`the redaction let through: ${leak}`);
  if (leaks.length > 0) process.exitCode = 1;
}

async function exportBundle(bundle: string, file: string, options: Options): Promise<void> {
  if (existsSync(file)) throw new AodError("usage", `${file} is there already`);
  const from = await locate(bundle, options);
  const { bytes, leftOut } = options.pseudonymise
    ? await exportUnderPseudonyms(from, file, await stateDirOf(options))
    : { bytes: await copyBundle(from, file), leftOut: [] };
  if (options.json)
    print(JSON.stringify({ path: file, bytes, pseudonymised: options.pseudonymise === true, left_out: leftOut }));
  else {
    print(`${file} (${size(bytes)})`);
    for (const name of leftOut) print(`left out ${printable(name)}: no text, so nothing in it can be replaced`);
  }
}

async function exportUnderPseudonyms(from: string, file: string, stateDir: string): Promise<Exported> {
  const map = join(stateDir, "pseudonyms.json");
  const pseudonyms = loadPseudonyms(map);
  const exported = await exportPseudonymised(from, file, pseudonyms);
  try {
    savePseudonyms(map, pseudonyms);
  } catch (error) {
    // Nobody could read it ever again.
    rmSync(file);
    throw new AodError("failed", `the map ${map} cannot be written: ${messageOf(error)}`, { cause: error });
  }
  process.stderr.write(`aod: who is who stands in ${map}\n`);
  return exported;
}

async function pin(bundles: readonly string[], options: Options): Promise<void> {
  const stateDir = await stateDirOf(options);
  for (const id of bundles) {
    requireStored(stateDir, id);
    if (options.off) rmSync(pinPath(stateDir, id), { force: true });
    else writeFileSync(pinPath(stateDir, id), "", { mode: 0o600 });
    print(
      options.json
        ? JSON.stringify({ id, pinned: options.off !== true })
        : `${id} is ${options.off ? "not pinned any more" : "pinned"}`,
    );
  }
}

/** All or none: what is pinned, or not there, is told before anything is removed. */
async function remove(bundles: readonly string[], options: Options): Promise<void> {
  const stateDir = await stateDirOf(options);
  for (const id of bundles) {
    requireStored(stateDir, id);
    if (options.force !== true && existsSync(pinPath(stateDir, id)))
      throw new AodError("failed", `${id} is pinned: --force removes it all the same`);
  }
  for (const id of bundles) {
    rmSync(archivePath(stateDir, id));
    rmSync(pinPath(stateDir, id), { force: true });
    print(options.json ? JSON.stringify({ id, deleted: true }) : `${id} is deleted`);
  }
}

function requireStored(stateDir: string, id: string): void {
  if (isBundleId(id) && existsSync(archivePath(stateDir, id))) return;
  throw new AodError("failed", `there is no bundle ${id} below ${stateDir}; "aod bundle list" shows what there is`);
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
  const { loadConfig } = await import("../config/config.ts");
  return loadConfig(config, process.env).config.state_dir;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
