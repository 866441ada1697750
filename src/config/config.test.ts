import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { AodError, messageOf } from "../system/error.ts";
import { detectorRules, loadConfig, parseConfig } from "./config.ts";

function problems(text: string): string[] {
  try {
    parseConfig(text, "aod.yaml");
  } catch (error) {
    assert.ok(error instanceof AodError);
    assert.equal(error.exitStatus, 2);
    return error.message.split("\n").slice(1);
  }
  return [];
}

test("an empty file, one of comments, and sections without content mean the defaults", () => {
  const defaults = parseConfig("", "aod.yaml");
  assert.equal(defaults.detectors.latency.window, 10e9);
  assert.equal(defaults.detectors.latency.count, 10);
  assert.equal(defaults.detectors.latency.threshold, 500e6);
  assert.equal(defaults.detectors.latency.single, 1e9);
  assert.deepEqual(defaults.detectors.latency.exclude, [15]);
  for (const text of [
    "# nothing\n",
    "detectors:\n",
    "detectors:\n  latency:\nincidents:\ncaptures:\n",
    "{}",
    "detectors: {latency: {commands: }}",
  ]) {
    assert.deepEqual(parseConfig(text, "aod.yaml"), defaults, text);
  }
});

const golden: readonly (readonly [name: string, text: string, expected: readonly string[]])[] = [
  [
    "unknown keys, with the nearest one",
    "detectors:\n  latency:\n    windw: 10s\n    treshold: 1s\ndetector: {}\n",
    [
      'aod.yaml:3:detectors.latency.windw: unknown key, did you mean "window"?',
      'aod.yaml:4:detectors.latency.treshold: unknown key, did you mean "threshold"?',
      'aod.yaml:5:detector: unknown key, did you mean "detectors"?',
    ],
  ],
  ["an unknown key that is like none", "colour: blue\n", ["aod.yaml:1:colour: unknown key"]],
  [
    "wrong types",
    "state_dir: var\nincidents: 5\ndetectors:\n  latency:\n    enabled: 'yes'\n    count: many\n    threshold: fast\n    window: 10\n    single: -1s\n",
    [
      'aod.yaml:1:state_dir: expected an absolute path (got "var")',
      "aod.yaml:2:incidents: expected a mapping of keys (got 5)",
      'aod.yaml:5:detectors.latency.enabled: expected true or false (got "yes")',
      'aod.yaml:6:detectors.latency.count: expected a whole number from 1 to 10000 (got "many")',
      'aod.yaml:7:detectors.latency.threshold: expected a duration such as 500ms, 10s, 5m, 2h (got "fast")',
      "aod.yaml:8:detectors.latency.window: expected a duration such as 500ms, 10s, 5m, 2h (got 10)",
      'aod.yaml:9:detectors.latency.single: expected a duration such as 500ms or 10s, or off (got "-1s")',
    ],
  ],
  [
    "wrong command names, as keys and in lists",
    "detectors:\n  latency:\n    exclude: [CHANGE_NOTFY, SMB2_WIRTE, 9]\n    commands:\n      SMB2_REED: 2s\n      write: {treshold: 1s}\n",
    [
      'aod.yaml:3:detectors.latency.exclude[0]: expected an SMB2 command such as SMB2_WRITE (got "CHANGE_NOTFY"), did you mean "CHANGE_NOTIFY"?',
      'aod.yaml:3:detectors.latency.exclude[1]: expected an SMB2 command such as SMB2_WRITE (got "SMB2_WIRTE"), did you mean "SMB2_WRITE"?',
      "aod.yaml:3:detectors.latency.exclude[2]: expected an SMB2 command such as SMB2_WRITE (got 9)",
      'aod.yaml:5:detectors.latency.commands.SMB2_REED: expected an SMB2 command such as SMB2_WRITE (got "SMB2_REED"), did you mean "SMB2_READ"?',
      'aod.yaml:6:detectors.latency.commands.write.treshold: unknown key, did you mean "threshold"?',
    ],
  ],
  [
    "sizes and names out of a set",
    "bundles:\n  max_bytes: 10GB\ncaptures:\n  exclude: [colour]\n",
    [
      'aod.yaml:2:bundles.max_bytes: expected a size such as 512KiB, 64MiB, 2GiB (got "10GB")',
      'aod.yaml:4:captures.exclude[0]: expected one of CAPTURES (got "colour")',
    ],
  ],
  ["a list where the file should be a mapping", "- 1\n", ["aod.yaml:1: expected a mapping of keys (got [1])"]],
  ["a key twice", "state_dir: /a\nstate_dir: /b\n", ["aod.yaml:2: not YAML: Map keys must be unique"]],
];

for (const [name, text, expected] of golden) {
  test(`wrong: ${name}`, () => {
    const told = problems(text).map((line) =>
      line.replace(/expected one of .* \(got/, "expected one of CAPTURES (got"),
    );
    assert.deepEqual(told, expected);
  });
}

test("what is not YAML is told with its line", () => {
  assert.match(problems("detectors:\n  latency: [\n")[0] ?? "", /^aod\.yaml:\d+: not YAML: /);
});

test("a command's own threshold raises its single rule, unless that is given", () => {
  const { latency } = detectorRules(
    parseConfig("detectors: {latency: {commands: {write: 2s, read: {single: 5s}, create: off}}}", "aod.yaml"),
  );
  assert.deepEqual(latency?.commands.get(9), { thresholdNs: 2e9, singleNs: 2e9 });
  assert.deepEqual(latency?.commands.get(8), { thresholdNs: 500e6, singleNs: 5e9 });
  assert.deepEqual(latency?.commands.get(5), {
    thresholdNs: Number.POSITIVE_INFINITY,
    singleNs: Number.POSITIVE_INFINITY,
  });
  assert.equal(latency?.commands.has(15), false);
  assert.equal(detectorRules(parseConfig("detectors: {latency: {enabled: false}}", "aod.yaml")).latency, undefined);
});

test("only a file that was asked for must be there; the environment overrides the directories", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "aod-config-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const missing = join(directory, "missing.yaml");
  assert.throws(() => loadConfig(missing, {}), { message: `cannot read the configuration ${missing}: ENOENT` });
  assert.throws(() => loadConfig(undefined, { AOD_CONFIG: missing }), AodError);
  const file = join(directory, "aod.yaml");
  writeFileSync(file, "state_dir: /srv/state\nrun_dir: /srv/run\n");
  const { config, source } = loadConfig(file, { AOD_RUN_DIR: "/elsewhere" });
  assert.equal(source, file);
  assert.equal(config.state_dir, "/srv/state");
  assert.equal(config.run_dir, "/elsewhere");
});

test("files beside it are merged key by key, and each problem names its file", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "aod-config-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "aod.yaml");
  const extra = (name: string, text: string): void => writeFileSync(join(directory, "conf.d", name), text);
  mkdirSync(join(directory, "conf.d"));
  writeFileSync(file, "detectors: {latency: {threshold: 2s, exclude: [echo], commands: {write: 3s, read: 4s}}}\n");
  extra("10-a.yaml", "detectors: {latency: {threshold: 1s, commands: {SMB2_WRITE: 5s}}}\nincidents:\n");
  extra("20-b.yaml", "detectors: {latency: {exclude: [lock]}}\n");
  extra("30-c.yml", "not: [read\n");
  extra(".40-d.yaml", "not: [read\n");
  const { config, layers } = loadConfig(file, {});
  const { threshold, exclude, commands } = config.detectors.latency;
  assert.deepEqual([threshold, exclude], [1e9, [10]]);
  assert.deepEqual([commands.get(9)?.threshold, commands.get(8)?.threshold], [5e9, 4e9]);
  assert.deepEqual(
    layers.map(({ path }) => path.slice(directory.length)),
    ["/aod.yaml", "/conf.d/10-a.yaml", "/conf.d/20-b.yaml"],
  );

  extra("20-b.yaml", "\ndetectors:\n  latency:\n    count: 0\nincidents: {cooldown: 3s}\n");
  writeFileSync(file, "incidents:\n  cooldown: 1s\n");
  assert.throws(() => loadConfig(file, {}), {
    exitStatus: 2,
    message: `the configuration is wrong:
${file}:2:incidents.cooldown: unknown key, did you mean "cool_down"?
${directory}/conf.d/20-b.yaml:4:detectors.latency.count: expected a whole number from 1 to 10000 (got 0)
${directory}/conf.d/20-b.yaml:5:incidents.cooldown: unknown key, did you mean "cool_down"?`,
  });
});

test("a file that is no mapping is told as such, whatever the others say", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "aod-config-"));
  t.after(() => rmSync(directory, { recursive: true }));
  mkdirSync(join(directory, "conf.d"));
  const file = join(directory, "aod.yaml");
  writeFileSync(file, "state_dir: /srv\n");
  writeFileSync(join(directory, "conf.d/x.yaml"), "hello\n");
  assert.throws(() => loadConfig(file, {}), {
    message: `the configuration is wrong:\n${directory}/conf.d/x.yaml:1: expected a mapping of keys (got "hello")`,
  });
});

test("the example in docs/configuration.md is a configuration", () => {
  const text = readFileSync(join(import.meta.dirname, "../../docs/configuration.md"), "utf8");
  const example = /```yaml\n([\s\S]*?)```/.exec(text)?.[1] ?? "";
  assert.notEqual(example, "");
  try {
    parseConfig(example, "docs/configuration.md");
  } catch (error) {
    assert.fail(messageOf(error));
  }
});
