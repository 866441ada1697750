import { cacheDirectory, exportsOf, layersOf, loops, swapFiles } from "../../holders/kernel.ts";
import { mountsBelow } from "../../holders/namespaces.ts";
import type { MountInfo } from "../../system/mountinfo.ts";
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

/** What the mount is, and what else stands at its place. */
export const mountItself: UnmountCheck = {
  name: "mount",
  limitMs: 5000,
  async run({ asked, own }) {
    const { source, target, type, device, root } = asked;
    const part = root === "/" ? "" : `, of it ${printable(root)}`;
    const found: Finding[] = [
      { result: "ok", evidence: `${printable(source)} on ${printable(target)}, ${type}, device ${device}${part}` },
    ];
    const under = own.mounts.filter((one) => one.target === target && one.id !== asked.id && one.type !== "autofs");
    for (const one of under) {
      found.push({
        result: "warn",
        evidence: `${printable(one.source)} (${one.type}) is mounted at the same place, under it`,
        meaning: "umount takes the topmost away; the other one then shows",
      });
    }
    if (own.mounts.some((one) => one.type === "autofs" && (one.target === target || one.id === asked.parent))) {
      found.push({
        result: "warn",
        evidence: "an automounter watches this place",
        meaning: "who looks at it next mounts it again",
        fix: "stop the automounter or its unit first",
      });
    }
    return found;
  },
};

export const mountsOnIt: UnmountCheck = {
  name: "mounts on it",
  limitMs: 5000,
  async run(of) {
    const { asked, own } = of;
    const holders = mountsBelow(asked, own.mounts).map((mount): Holder => {
      const itself = followsByItself(asked, mount);
      return {
        kind: "mount",
        effect: itself ? "goes" : "refuses",
        path: mount.target,
        text: `${printable(mount.source)} (${mount.type}) is mounted on ${printable(mount.target)}${
          itself ? ", by the client itself: it goes along unless it is in use" : ""
        }`,
        advice: `umount ${printable(mount.target)} first`,
      };
    });
    // The deepest has to go first.
    return held(of, holders.reverse(), "no mount");
  },
};

/** Where an export has another file system in it, the NFS client mounts that by itself, and takes it away with the mount. */
function followsByItself(upper: MountInfo, mount: MountInfo): boolean {
  const server = (source: string): string => source.slice(0, source.lastIndexOf(":/"));
  return /^nfs4?$/.test(mount.type) && mount.type === upper.type && server(mount.source) === server(upper.source);
}

export const devices: UnmountCheck = {
  name: "loop, swap",
  limitMs: 5000,
  async run(of) {
    const { machine, own } = of;
    const looped = loops(machine.sysRoot).flatMap(({ device, path }): Holder[] => {
      const place = placeOfPath(of, path, undefined);
      if (place === undefined) return [];
      const on = own.mounts.filter(({ source }) => source === device).map(({ target }) => target);
      const used = on.length === 0 ? "" : `, mounted on ${on.map(printable).join(", ")}`;
      const first = on.length === 0 ? "" : `umount ${on.map(printable).join(" ")}, then `;
      return [
        {
          kind: "loop",
          effect: effectOf(place),
          path,
          text: `${device} is made of ${printable(path)}${used}`,
          advice: `${first}losetup -d ${device}`,
        },
      ];
    });
    const swapped = swapFiles(machine.procRoot).flatMap((path): Holder[] => {
      const place = placeOfPath(of, path, undefined);
      if (place === undefined) return [];
      const text = `${printable(path)} is swap space`;
      return [{ kind: "swap", effect: effectOf(place), path, text, advice: `swapoff ${printable(path)}` }];
    });
    return held(of, [...looped, ...swapped], "no loop device, no swap file");
  },
};

export const kernelUsers: UnmountCheck = {
  name: "kernel",
  limitMs: 5000,
  async run(of) {
    const exported = exportsOf(of.machine.procRoot).flatMap(({ path, client }): Holder[] => {
      const place = placeOfPath(of, path, undefined);
      if (place === undefined) return [];
      return [
        {
          kind: "export",
          effect: effectOf(place),
          path,
          text: `the NFS server of this host exports ${printable(path)} to ${printable(client)}`,
          advice: `exportfs -u ${printable(client)}:${printable(path)}, then exportfs -f`,
        },
      ];
    });
    const tables = [...of.looked.namespaces.values(), ...(of.looked.namespaces.has(of.own.id) ? [] : [of.own])];
    const layered = tables.flatMap((table) =>
      layersOf(table.mounts).flatMap(({ mount, path, holdsMount }): Holder[] => {
        const place = placeOfPath(of, path, table.id);
        if (place === undefined) return [];
        return [
          {
            kind: "layer",
            effect: holdsMount ? effectOf(place) : "outlives",
            path,
            ...(table.id === of.own.id ? {} : { namespace: table.id }),
            text: `${mount.type} on ${printable(mount.target)} lies on ${printable(path)}`,
            advice: `umount ${printable(mount.target)} first`,
          },
        ];
      }),
    );
    return held(
      of,
      [...exported, ...layered, ...cached(of)],
      "no export, no overlay or ecryptfs on it, no cache in it",
    );
  },
};

function cached(of: UnmountCase): Holder[] {
  const daemon = of.looked.processes.find(({ comm }) => comm === "cachefilesd");
  const path = daemon === undefined ? undefined : cacheDirectory(of.machine.fsRoot);
  const place = path === undefined ? undefined : placeOfPath(of, path, undefined);
  if (daemon === undefined || path === undefined || place === undefined) return [];
  const text = `fscache keeps its files in ${printable(path)}`;
  const advice = `stop cachefilesd: kill ${daemon.pid}`;
  return [{ kind: "layer", effect: effectOf(place), ...factsOf(of, daemon), path, text, advice }];
}

/** Watches of inotify and fanotify end with the mount: they are told so that nobody looks for the reason there. */
export const watches: UnmountCheck = {
  name: "watches",
  limitMs: 5000,
  async run(of) {
    const own = of.looked.watchers.filter(
      ({ devices: watched, mounts }) => watched.includes(of.asked.device) || mounts.some((id) => of.places.has(id)),
    );
    if (own.length === 0) return [];
    const who = [...new Set(own.map(({ process, kind }) => `${named(of, process)} by ${kind}`))].join(", ");
    return { result: "ok", evidence: `watched by ${who}: that keeps nobody from unmounting` };
  },
};

/** Where else its file system is mounted. */
export const elsewhere: UnmountCheck = {
  name: "other places",
  limitMs: 5000,
  async run(of) {
    const others = [...of.places.values()].filter(({ role }) => role === "other");
    return held(
      of,
      others.map((place) => otherPlace(of, place)),
      copiesOf(of),
    );
  },
};

function copiesOf({ places }: UnmountCase): string {
  const copies = [...places.values()].filter(({ role }) => role === "copy").length;
  return copies === 0 ? "nowhere else" : `${copies} in other mount namespaces, which go with it`;
}

function otherPlace(
  of: UnmountCase,
  { mount, namespace }: { mount: MountInfo; namespace: UnmountCase["own"] },
): Holder {
  const target = printable(mount.target);
  if (namespace.id === of.own.id) {
    const text = `the same file system is mounted on ${target} too`;
    return { kind: "mount", effect: "outlives", path: mount.target, text, advice: `umount ${target} too` };
  }
  const who = `${printable(namespace.comm)} (${namespace.pid})`;
  return {
    kind: "namespace",
    effect: "outlives",
    pid: namespace.pid,
    comm: namespace.comm,
    namespace: namespace.id,
    path: mount.target,
    text: `mount namespace ${namespace.id}, of ${who}, has it on ${target} by itself`,
    advice: `end what runs in that namespace (a container, a unit), or nsenter -t ${namespace.pid} -m umount ${target}`,
  };
}
