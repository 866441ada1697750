import { type ConfigKey, listKeys } from "../src/config/keys.ts";
import { configSchema } from "../src/config/schema.ts";
import { jsonSchemaOf } from "../src/config/schema-json.ts";

/** What is published of the schema: docs/configuration.md and docs/aod.schema.json. */
export function configDocuments(): readonly { readonly name: string; readonly text: string }[] {
  const keys = listKeys(configSchema);
  return [
    { name: "configuration.md", text: configurationMd(keys) },
    { name: "aod.schema.json", text: `${JSON.stringify(jsonSchemaOf(keys), null, 2)}\n` },
  ];
}

/** A table for each section, in the order of the schema. */
function configurationMd(keys: readonly ConfigKey[]): string {
  const sections = new Map<string, ConfigKey[]>();
  for (const key of keys) {
    const section = key.path.split(".").slice(0, -1).join(".");
    sections.set(section, [...(sections.get(section) ?? []), key]);
  }
  const tables = [...sections].map(
    ([section, rows]) =>
      `### ${section === "" ? "Top level" : `\`${section}\``}\n\n| key | takes | default | what it does |\n|---|---|---|---|\n${rows.map(row).join("\n")}\n`,
  );
  return `${introduction}\n${tables.join("\n")}\n${environment}`;
}

function row({ path, kind, initial, doc: text, restart }: ConfigKey): string {
  const doc = restart ? `${text} A change needs a restart.` : text;
  return `| ${[`\`${path}\``, kind, `\`${initial}\``, doc].map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

const introduction = `<!-- Written by scripts/gen-config-docs.ts from src/config/schema.ts: a test fails when they differ. -->
# Configuration

\`aod run\` reads one YAML file, that of \`--config FILE\`, else of \`AOD_CONFIG\`, else \`/etc/aod/aod.yaml\`, and then \`conf.d/*.yaml\` beside it, in the
order of the names. Only /etc/aod/aod.yaml may be missing. An empty file, and every key that is left out, means the default: nothing needs to be
configured.

Of two files that name the same key the later one counts. Mappings are merged key by key; a list replaces the list before it; a key
without a value says nothing.

\`\`\`yaml
detectors:
  latency:
    threshold: 300ms          # what counts as slow
    single: 5s                # one that alone is an anomaly
    commands:
      SMB2_WRITE: 2s          # this long may a write take
      flush: {threshold: 1s, single: off}
    exclude: [SMB2_CHANGE_NOTIFY, SMB2_ECHO]
incidents:
  cool_down: 30s
bundles:
  max_bytes: 4GiB
\`\`\`

Durations are a number with \`ms\`, \`s\`, \`m\`, \`h\` or \`d\`; sizes one with \`KiB\`, \`MiB\` or \`GiB\`. SMB2 commands are written as \`SMB2_WRITE\`, \`write\` or
\`query-info\`. \`commands\` replaces thresholds of single commands: \`SMB2_WRITE: 2s\` is its threshold, and its \`single\` becomes the larger of that and
the general one; \`{threshold, single}\` says both; \`off\` switches a rule off.

The daemon does not start on a wrong file: exit status 2, and everything that is wrong, each as \`file:line:key: what was expected (what it got)\`.
\`aod config check\` says the same without a daemon:

\`\`\`
aod.yaml:4:detectors.latency.treshold: unknown key, did you mean "threshold"?
aod.yaml:6:detectors.latency.exclude[0]: expected an SMB2 command such as SMB2_WRITE (got "SMB2_WIRTE"), did you mean "SMB2_WRITE"?
\`\`\`

\`aod config show\` prints what holds and where it comes from, \`aod config default\` every key with its default, \`aod config schema\` the
[JSON Schema](aod.schema.json) (an editor takes it from a first line \`# yaml-language-server: $schema=/path/to/aod.schema.json\`).

## Reload

SIGHUP (\`systemctl reload aod\`) reads the files again. What is right holds from that moment: open incidents, learnt baselines, what the detectors have seen and
the attached probes stay. What is wrong, or changes \`state_dir\`, \`run_dir\` or a key that says so below, is refused as a whole: the old configuration goes on, and the log and
\`aod status\` say why.

## Keys
`;

const environment = `## Environment

| variable | what it does |
|---|---|
| AOD_CONFIG | The configuration file, when \`--config\` does not name one. |
| AOD_STATE_DIR | Replaces \`state_dir\`. |
| AOD_RUN_DIR | Replaces \`run_dir\`. |
| AOD_PROBE_HIDE | For tests, also of \`smbslower\`: hooks that aod-probe acts as if this kernel did not have, e.g. \`send,answer:fentry\`; \`fentry\` in the list leaves the first rung out for all. |
`;
