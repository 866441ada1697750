import { Command } from "commander";
import { isMap, parse, stringify } from "yaml";
import { loadConfig } from "../config/config.ts";
import { ConfigError } from "../config/errors.ts";
import { type ConfigKey, listKeys } from "../config/keys.ts";
import { type ConfigLayer, lineOf, mergeLayers, nearestNode } from "../config/layers.ts";
import { configSchema } from "../config/schema.ts";
import { jsonSchemaOf } from "../config/schema-json.ts";
import { type ConfigLine, configYaml, defaultYaml } from "../config/yaml.ts";

interface Options {
  readonly json?: true;
  readonly config?: string;
}

const configHelp = "configuration (default: $AOD_CONFIG, else /etc/aod/aod.yaml); conf.d/*.yaml beside it is read too";

/** `aod config`: needs no daemon. */
export function build(): Command {
  const command = new Command("config").description("Check and show the daemon's configuration");
  // Before the commands below it are made: they inherit both, and the caller prints what went wrong.
  command.exitOverride().configureOutput({ outputError: () => {} });
  command
    .command("check")
    .description("say everything that is wrong, with file, line and key; exit status 2 when something is")
    .option("--json", "one object a line: each problem, or the files that were read")
    .option("-c, --config <file>", configHelp)
    .action(check);
  command
    .command("show")
    .description("the configuration that holds, and where each key that is not a default comes from")
    .option("--json", "as one object")
    .option("-c, --config <file>", configHelp)
    .action(show);
  command
    .command("default")
    .description("every key with its default and what it does: a configuration file to begin with")
    .option("--json", "as one object")
    .action(printDefault);
  command
    .command("schema")
    .description("JSON Schema of the file, for editors")
    .action(() => print(JSON.stringify(jsonSchemaOf(listKeys(configSchema)))));
  return command.addHelpText(
    "after",
    `
Examples:
  aod config check
  aod config check --config ./aod.yaml
  aod config show --json | jq .detectors.latency
  aod config default | sudo tee /etc/aod/aod.yaml

A running daemon takes a changed file over with: sudo systemctl reload aod (or SIGHUP).`,
  );
}

function check({ config, json }: Options): void {
  try {
    const { source, layers } = loadConfig(config, process.env);
    print(json ? JSON.stringify({ ok: true, files: layers.map(({ path }) => path) }) : `right: ${source}`);
  } catch (error) {
    if (!(json && error instanceof ConfigError)) throw error;
    for (const problem of error.problems) print(JSON.stringify(problem));
    process.exitCode = error.exitStatus;
  }
}

function show({ config, json }: Options): void {
  const { config: parsed, layers } = loadConfig(config, process.env);
  const overrides = { state_dir: parsed.state_dir, run_dir: parsed.run_dir };
  const lines = listKeys(configSchema).map((key) => lineOfKey(key, layers, overrides));
  print(json ? JSON.stringify(asObject(lines)) : configYaml(lines).trimEnd());
}

function printDefault({ json }: Options): void {
  const keys = listKeys(configSchema);
  print(
    json ? JSON.stringify(asObject(keys.map((key) => ({ key, value: key.initial })))) : defaultYaml(keys).trimEnd(),
  );
}

const variables = { state_dir: "AOD_STATE_DIR", run_dir: "AOD_RUN_DIR" } as const;

/** A key with the value that holds. */
function lineOfKey(
  key: ConfigKey,
  layers: readonly ConfigLayer[],
  overrides: Readonly<Record<keyof typeof variables, string>>,
): ConfigLine {
  for (const name of ["state_dir", "run_dir"] as const) {
    if (key.path === name && process.env[variables[name]] !== undefined) {
      return { key, value: flow(overrides[name]), behind: `from ${variables[name]}` };
    }
  }
  const path = key.path.split(".");
  const value = valueAt(mergeLayers(layers), path);
  if (value === undefined || value === null) return { key, value: key.initial };
  const from = layers.filter(({ document }) => isMap(document.contents) && document.getIn(path) !== undefined);
  return {
    key,
    value: flow(value),
    behind: `from ${from.map((layer) => `${layer.path}:${lineOf(layer, nearestNode(layer, path))}`).join(", ")}`,
  };
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (found, part) =>
      typeof found === "object" && found !== null && Object.hasOwn(found, part) ? Reflect.get(found, part) : undefined,
    value,
  );
}

/** YAML in one line. */
function flow(value: unknown): string {
  return stringify(value, { collectionStyle: "flow", lineWidth: 0 }).trim();
}

function asObject(lines: readonly ConfigLine[]): unknown {
  return parse(configYaml(lines.map(({ key, value }) => ({ key, value }))));
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
