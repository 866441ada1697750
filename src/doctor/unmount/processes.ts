import { listHandles } from "../../holders/look.ts";
import { mappedFiles } from "../../holders/mappings.ts";
import { placesOf } from "../../holders/namespaces.ts";
import { type Descriptor, lookAtProcesses, type TaskLink } from "../../holders/processes.ts";
import { printable } from "../../tools/table-text.ts";
import type { Finding } from "../answer.ts";
import {
  effectOf,
  factsOf,
  type Holder,
  held,
  named,
  placeOfPath,
  type UnmountCase,
  type UnmountCheck,
} from "./case.ts";

/** Looks at every process once; the checks after it sort what was found. */
export const processes: UnmountCheck = {
  name: "processes",
  limitMs: 30_000,
  async run(of, signal) {
    const { looked, machine, asked, own } = of;
    of.handles = listHandles(machine.procRoot);
    await lookAtProcesses(machine.procRoot, looked, signal);
    const namespaces = [...new Map([...looked.namespaces, [own.id, own]]).values()];
    of.places = placesOf(asked, own, namespaces);
    const seen = `${looked.processes.length} processes in ${namespaces.length} mount namespace${namespaces.length === 1 ? "" : "s"}`;
    if (looked.hidden === 0 && looked.more === 0 && !looked.cut) return { result: "ok", evidence: seen };
    const lacks = [
      looked.hidden > 0 ? `${looked.hidden} may not be looked at` : "",
      looked.more > 0 ? `${looked.more} descriptors were too many` : "",
      looked.cut ? "there was not time for all" : "",
    ].filter((text) => text !== "");
    return {
      result: "warn",
      evidence: `${seen}; ${lacks.join(", ")}`,
      meaning: "who holds the mount may be one of those",
      ...(looked.hidden > 0 ? { fix: "ask again as root" } : {}),
    };
  },
};

const MAX_PATHS = 3;

export const openFiles: UnmountCheck = {
  name: "open files",
  limitMs: 5000,
  async run(of) {
    const byProcess = Map.groupBy(
      of.looked.descriptors.filter(({ mount }) => of.places.has(mount)),
      (one) => `${one.process.pid} ${one.mount}`,
    );
    return held(
      of,
      [...byProcess.values()].flatMap((some) => fileHolder(of, some) ?? []),
      "no descriptor of a process",
    );
  },
};

function fileHolder(of: UnmountCase, descriptors: readonly Descriptor[]): Holder | undefined {
  const [first] = descriptors;
  const place = first === undefined ? undefined : of.places.get(first.mount);
  if (first === undefined || place === undefined) return undefined;
  const paths = descriptors.slice(0, MAX_PATHS).map(({ fd, path }) => `${printable(path)} (fd ${fd})`);
  if (descriptors.length > MAX_PATHS) paths.push(`${descriptors.length - MAX_PATHS} more`);
  const who = named(of, first.process);
  return {
    kind: "file",
    effect: effectOf(place),
    ...factsOf(of, first.process),
    fds: descriptors.map(({ fd }) => fd),
    path: first.path,
    text: `${who} has open ${paths.join(", ")}`,
    advice: `let ${who} close its files, or end it: kill ${first.process.pid}`,
  };
}

/** Working and root directories, and programs, of every thread. */
function linkHolders(of: UnmountCase, kinds: readonly TaskLink["kind"][]): Holder[] {
  return of.looked.links.flatMap((link): Holder[] => {
    const place = kinds.includes(link.kind) ? placeOfPath(of, link.path, link.namespace) : undefined;
    if (place === undefined) return [];
    const { process, kind, path } = link;
    const who = named(of, process);
    const words = {
      cwd: [`${who} works in ${printable(path)}`, `change the directory of ${who}, or end it: kill ${process.pid}`],
      root: [`${who} has ${printable(path)} as its root directory`, `end ${who}: kill ${process.pid}`],
      exe: [`${who} runs ${printable(path)}`, `end ${who}: kill ${process.pid}`],
    } as const;
    const [text, advice] = words[kind];
    return [{ kind, effect: effectOf(place), ...factsOf(of, process), path, text, advice }];
  });
}

export const directories: UnmountCheck = {
  name: "directories",
  limitMs: 5000,
  async run(of) {
    return held(of, linkHolders(of, ["cwd", "root"]), "no working or root directory");
  },
};

export const programs: UnmountCheck = {
  name: "programs",
  limitMs: 5000,
  async run(of) {
    return held(of, linkHolders(of, ["exe"]), "no running program");
  },
};

export const mappedFilesCheck: UnmountCheck = {
  name: "mapped files",
  limitMs: 30_000,
  async run(of, signal) {
    const { looked, machine, places } = of;
    const users = looked.processes.filter(({ kernel }) => !kernel);
    const devices = [...new Set([...places.values()].map(({ mount }) => mount.device))];
    const pids = users.map(({ pid }) => pid);
    const { mappings, hang, missing } = await mappedFiles(machine.procRoot, pids, devices, machine.run, signal);
    of.mappings = mappings;
    const holders = mappings.flatMap(({ pid, path }): Holder[] => {
      const process = users.find((one) => one.pid === pid);
      const place = process === undefined ? undefined : placeOfPath(of, path, process.namespace);
      if (process === undefined || place === undefined) return [];
      // Its program is told as that.
      if (of.looked.links.some((link) => link.process === process && link.kind === "exe" && link.path === path))
        return [];
      const who = named(of, process);
      return [
        {
          kind: "mapping",
          effect: effectOf(place),
          ...factsOf(of, process),
          path,
          text: `${who} has mapped ${printable(path)}`,
          advice: `end ${who}, a mapping stays after its descriptor is closed: kill ${pid}`,
        },
      ];
    });
    const found: Finding[] = [held(of, holders, "no mapping")];
    if (missing !== undefined) return { result: "warn", evidence: `mappings were not looked at: ${missing}` };
    if (hang.length > 0) {
      found.push({
        result: "warn",
        evidence: `the mappings of ${hang.join(", ")} cannot be read within a second`,
        meaning: "these processes wait in a page fault or the like, mostly for a file of a server that does not answer",
      });
    }
    return found;
  },
};
