// What the frames of all probes have in common: HELLO's head and hooks, LOST, ERROR, and records one behind the other.
import { getSystemErrorName } from "node:util";
import * as gen from "./decoders.gen.ts";
import type { CommonEvent, Hello, Hook, Loss } from "./op.ts";

const UNSUPPORTED = 3;

const lostKinds = namesByValue(gen.AodLostKind);
const rungs = namesByValue(gen.AodRung) as ReadonlyMap<number, Hook["rung"]>;

/** Size of a frame's header struct, and what the rest is a multiple of; 0: there is no rest. */
export type Layout = readonly [head: number, unit: number];

/** Whether a payload of that length can be of that type: for FrameReader. */
export function layoutsFit(layouts: ReadonlyMap<number, Layout>): (type: number, length: number) => boolean {
  return (type, length) => {
    const layout = layouts.get(type);
    if (layout === undefined) return false;
    const [head, unit] = layout;
    return length >= head && (unit === 0 ? length === head : (length - head) % unit === 0);
  };
}

/** `count` records of one kind; the caller has looked at the length. */
export function records<T>(
  bytes: Buffer,
  from: number,
  count: number,
  size: number,
  read: (bytes: Buffer, at: number) => T,
): T[] {
  const all: T[] = [];
  for (let index = 0; index < count; index++) all.push(read(bytes, from + index * size));
  return all;
}

export type HelloHead =
  /** `end`: where the hooks end and the probe's own part begins. */
  { readonly type: "hello"; readonly hello: Hello; readonly end: number } | (CommonEvent & { readonly type: "error" });

/** HELLO up to the end of its hooks; undefined when it is cut short. `opSize`: of the ops that this program reads. */
export function helloHead(bytes: Buffer, opSize: number): HelloHead | undefined {
  if (bytes.length < gen.AOD_HELLO_SIZE) return undefined;
  const hello = gen.decodeAodHello(bytes, 0);
  const end = gen.AOD_HELLO_SIZE + hello.hooks * gen.AOD_HOOK_SIZE;
  if (end > bytes.length) return undefined;
  if (hello.opSize !== opSize) {
    const message = `aod-probe writes ops of ${hello.opSize} bytes, this program reads ${opSize}: they are of different builds`;
    return { type: "error", unsupported: false, message };
  }
  const hooks = records(bytes, gen.AOD_HELLO_SIZE, hello.hooks, gen.AOD_HOOK_SIZE, hookAt);
  const { pid, probe, module, release, ring } = hello;
  return { type: "hello", hello: { pid, probe, module, release, ring, hooks }, end };
}

function hookAt(bytes: Buffer, at: number): Hook {
  const hook = gen.decodeAodHook(bytes, at);
  return {
    name: hook.name,
    function: hook.function,
    rung: rungs.get(hook.rung) ?? "none",
    needed: hook.needed !== 0,
    ...(hook.why === "" ? undefined : { why: hook.why }),
  };
}

/** One kind of loss; `detailOf` says what its number stands for, which is the probe's. */
export function lossAt(
  bytes: Buffer,
  at: number,
  detailOf: (kind: number, detail: number) => string | undefined = () => undefined,
): Loss {
  const { kind, detail, count } = gen.decodeAodLost(bytes, at);
  const text = detailOf(kind, detail);
  return { kind: lostKinds.get(kind) ?? `kind-${kind}`, ...(text === undefined ? undefined : { detail: text }), count };
}

/** The ERROR frame. */
export function errorEvent(bytes: Buffer): CommonEvent & { readonly type: "error" } {
  const { code, error, text } = gen.decodeAodError(bytes, 0);
  const name = error === 0 ? "" : getSystemErrorName(-error);
  return { type: "error", unsupported: code === UNSUPPORTED, message: name === "" ? text : `${text} (${name})` };
}

/** The names of a generated enum, in lower case, by their values. */
export function namesByValue(values: Readonly<Record<string, number>>): ReadonlyMap<number, string> {
  return new Map(Object.entries(values).map(([name, value]) => [value, name.toLowerCase()]));
}
