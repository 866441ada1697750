// Bundles src/cli/main.ts into dist/. Files that did not change are left alone, so that a running daemon's lazy chunks stay what they were.
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { build, type Plugin } from "esbuild";

const root = join(import.meta.dirname, "..");
const outdir = join(root, "dist");

/** zod brings its messages in 60 languages, of which only the English ones are used: half a megabyte of text that every command would parse and keep. */
const english: Plugin = {
  name: "english",
  setup: ({ onLoad }) => {
    const filter = /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/;
    onLoad({ filter }, () => ({ contents: 'export { default as en } from "./en.js";' }));
  },
};

const result = await build({
  entryPoints: { aod: join(root, "src/cli/main.ts") },
  absWorkingDir: root,
  outdir,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  // One chunk for each command: what a command does not need is not loaded.
  splitting: true,
  chunkNames: "chunk-[hash]",
  format: "esm",
  platform: "node",
  target: "node24",
  sourcemap: "linked",
  // CommonJS packages in the bundle call require() for Node's own modules.
  banner: {
    js: 'import { createRequire as aodRequire } from "node:module"; const require = aodRequire(import.meta.url);',
  },
  plugins: [english],
  legalComments: "none",
  logLevel: "warning",
  write: false,
}).catch(() => {
  // esbuild has already said what is wrong and where.
  process.exit(1);
});

mkdirSync(outdir, { recursive: true });
let written = 0;
for (const { path, contents } of result.outputFiles) {
  if (readOrNothing(path)?.equals(contents)) continue;
  writeFileSync(`${path}.new`, contents);
  renameSync(`${path}.new`, path);
  written += 1;
}
const current = new Set(result.outputFiles.map(({ path }) => basename(path)));
for (const name of readdirSync(outdir)) {
  if (!current.has(name)) rmSync(join(outdir, name), { recursive: true });
}

console.log(written === 0 ? "dist/ unchanged" : `dist/: ${written} of ${current.size} files new`);

function readOrNothing(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
