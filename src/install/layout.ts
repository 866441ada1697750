import { join } from "node:path";

/** Where an installation lies. `root`: what stands for `/`. */
export interface Layout {
  readonly root: string;
  /** Programs and what they need. */
  readonly prefix: string;
  /** Links to the programs. */
  readonly bin: string;
  readonly unit: string;
  readonly config: string;
  readonly state: string;
  readonly run: string;
}

export const unitName = "aod.service";
export const groupName = "aod";
/** As a package has it; the unit in packaging/ names it. */
export const packagedPrefix = "/usr/lib/aod";
export const localPrefix = "/usr/local/lib/aod";

export function layoutOf(root: string): Layout {
  return {
    root,
    prefix: join(root, localPrefix),
    bin: join(root, "usr/local/bin"),
    unit: join(root, "etc/systemd/system", unitName),
    config: join(root, "etc/aod"),
    state: join(root, "var/lib/aod"),
    run: join(root, "run/aod"),
  };
}

/** A path as the installed system sees it. */
export function seenInside({ root }: Layout, path: string): string {
  return root === "/" ? path : path.slice(root.replace(/\/$/, "").length);
}
