// What kernels have in memory that DebugData shows: the forms of 5.10, of a vendor's 5.15, of 6.1, 6.12 and 7.2. For tests: what is printed of it is read
// back as it was.
import fc from "fast-check";
import type { DebugChannel, DebugData, DebugInterface, DebugServer, DebugSession, DebugShare } from "./debug-data.ts";

export type Form = "5.10" | "5.15-vendor" | "6.1" | "6.12" | "7.2";
export const forms: readonly Form[] = ["5.10", "5.15-vendor", "6.1", "6.12", "7.2"];

export const from612 = (form: Form): boolean => form === "6.12" || form === "7.2";

/** A record without what is undefined. */
type Facts<T> = { [Key in keyof T]?: T[Key] | undefined };
function only<T extends object>(facts: Facts<T>): T {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as T;
}

const count = fc.nat(1_000_000);
const id = fc.bigInt(1n, 0xffff_ffff_ffff_ffffn);
const word = fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,14}$/);
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined });
/** The kernel prints a word or nothing. */
const flag = fc.constantFrom<true | undefined>(true, undefined);
const absent = fc.constant(undefined);
const hex = fc.nat(0x7fff_ffff);

const endpoint = (form: Form) => ({
  credits: from612(form) ? fc.tuple(count, count, count) : fc.tuple(count),
  dialect: fc.constantFrom(0x202, 0x210, 0x300, 0x302, 0x311),
  tcpStatus: fc.nat(5),
  instance: count,
  users: count,
  securityMode: hex,
  requestsOnWire: count,
  inSend: count,
  inMaxRequestWait: count,
  ...(from612(form) ? { netNamespace: maybe(count) } : {}),
});

function channelOf(form: Form, index: number): fc.Arbitrary<DebugChannel> {
  const old = form === "5.10";
  const open = fc.record({
    index: fc.constant(index),
    ...(old ? {} : { connectionId: id }),
    ...endpoint(form),
    disconnected: old ? fc.constant(false) : fc.boolean(),
    disabled: fc.constant(false),
  });
  const closed = fc.constant({ index, disconnected: false, disabled: true });
  return (from612(form) ? fc.oneof(open, closed) : open).map((channel) => only<DebugChannel>(channel));
}

function shareOf(form: Form, index: number): fc.Arbitrary<DebugShare> {
  return fc
    .record({
      index: fc.constant(index),
      name: fc
        .tuple(word, fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9 _]{0,8}[a-z$]$/))
        .map(([host, name]) => `\\\\${host}\\${name}`),
      ipc: fc.constant(index === 0),
      mounts: count,
      fileSystem: maybe(word),
      deviceInfo: hex,
      attributes: hex,
      maxComponent: count,
      status: fc.nat(7),
      type: fc.constantFrom("DISK", "CDROM", "0"),
      serial: hex,
      encrypted: fc.boolean(),
      nocase: flag,
      posix: flag,
      capabilities: fc.subarray(["DFS", "CONTINUOUS AVAILABILITY", "SCALEOUT", "CLUSTER", "SSD", "TRIM-support"]),
      shareFlags: hex,
      treeId: hex,
      sectorSize: maybe(hex),
      maximalAccess: hex,
      disconnected: fc.boolean(),
      ...(form === "5.10" ? {} : { witness: flag, nosparse: flag }),
      ...(from612(form) ? { dfsOrigin: maybe(word) } : {}),
    })
    .map((share) => only<DebugShare>(share));
}

function interfaceOf(form: Form, index: number): fc.Arbitrary<DebugInterface> {
  return fc
    .record({
      index: fc.constant(index),
      speed: fc.constantFrom("10Gbps", "1000000000 bps", "Unknown"),
      rdma: fc.boolean(),
      rss: fc.boolean(),
      address: fc.constantFrom("10.0.0.7", "fe80:0000:0000:0000:0000:0000:0000:0001"),
      connected: flag,
      ...(form === "5.10" || form === "5.15-vendor"
        ? {}
        : { gone: flag, weight: fc.tuple(count, count), channels: count }),
    })
    .map((one) => only<DebugInterface>(one));
}

const list = <T>(most: number, of: (index: number) => fc.Arbitrary<T>, first = 1): fc.Arbitrary<T[]> =>
  fc.nat(most).chain((length) => fc.tuple(...Array.from({ length }, (_, n) => of(first + n))).map((all) => [...all]));

function sessionOf(form: Form, index: number, server: number): fc.Arbitrary<DebugSession> {
  const smb1 = fc.record({ domain: word, os: word, nos: word });
  return fc
    .record({
      // 5.10 counts servers there.
      index: fc.constant(form === "5.10" ? server : index),
      address: word,
      names: maybe(smb1),
      status: fc.nat(4),
      uses: count,
      capability: hex,
      securityType: fc.constantFrom("RawNTLMSSP", "Kerberos", "NTLMv2", "Unknown"),
      sessionId: id,
      encrypted: fc.boolean(),
      signed: fc.boolean(),
      user: count,
      credUser: count,
      guest: flag,
      disconnected: form === "5.10" ? fc.constant(false) : fc.boolean(),
      reconnecting: form === "5.10" ? fc.constant(false) : fc.boolean(),
      passwordInvalid: from612(form) ? fc.boolean() : fc.constant(false),
      dfsRootSessionId: from612(form) ? maybe(id) : fc.constant(undefined),
      channels: list(2, (n) => channelOf(form, n), 2),
      shares: list(3, (n) => shareOf(form, n), 0),
      interfaces: list(2, (n) => interfaceOf(form, n), form === "5.10" ? 0 : 1),
      interfacesAgeSeconds: form === "5.10" || form === "5.15-vendor" ? fc.constant(undefined) : count,
    })
    .map(({ names, interfaces, interfacesAgeSeconds, guest, ...rest }) =>
      only<DebugSession>({
        ...rest,
        ...names,
        // Of a server that tells its names the kernel tells no more.
        ...(names === undefined ? { guest } : {}),
        ...(interfaces.length === 0 ? {} : { interfaces, interfacesAgeSeconds }),
      }),
    );
}

function serverOf(form: Form, index: number): fc.Arbitrary<DebugServer> {
  const old = form === "5.10";
  return (
    fc
      .record({
        index: fc.constant(index),
        ...(old ? {} : { connectionId: id, hostname: maybe(word) }),
        ...endpoint(form),
        signed: fc.boolean(),
        posix: fc.boolean(),
        noShareSock: old ? fc.constant(false) : fc.boolean(),
        rdma: flag,
        sessions: list(2, (n) => sessionOf(form, n, index)),
        clientGuid: from612(form) ? word : absent,
        capabilities: from612(form) ? hex : absent,
        dfsLeaf: from612(form) ? maybe(word) : absent,
        compression: from612(form)
          ? fc.constantFrom<string | undefined>("no built-in support", "enabled (LZ77)")
          : fc.constantFrom(undefined, "LZNT1", "LZ77_HUFF"),
        cipher: form === "7.2" ? fc.constantFrom("", "AES128-GCM", "AES256-CCM") : absent,
      })
      .map((server) => only<DebugServer>(server))
      // 5.10 tells the state of a connection below its sessions alone.
      .filter(({ sessions }) => !old || sessions.length > 0)
  );
}

/** What a kernel has in memory. */
export function debugDataOf(form: Form): fc.Arbitrary<DebugData> {
  const mids = fc.uniqueArray(
    fc.record({ state: fc.nat(32), command: fc.nat(18), pid: count, mid: fc.bigInt(0n, 0xffff_ffffn) }),
    { selector: ({ mid }) => mid, maxLength: 4 },
  );
  // The kernel counts connections up: none has the number of another.
  const servers = list(2, (n) => serverOf(form, n)).filter((all) => {
    const numbers = all.flatMap(({ connectionId }) => connectionId ?? []);
    return new Set(numbers).size === numbers.length;
  });
  return fc.record({ servers, mids, active: count, size: count }).map(({ servers, mids, active, size }) => {
    const with0 = servers.find(({ sessions }) => sessions.length > 0);
    const which = with0?.connectionId === undefined ? {} : { connectionId: with0.connectionId };
    return {
      version: "2.29",
      features: ["DFS", "STATS2", "UPCALL(SPNEGO)", "ACL"],
      maxBufferSize: size,
      activeRequests: active,
      servers,
      mids: with0 === undefined ? [] : mids.map((mid) => ({ ...which, ...mid })),
      unknown: [],
      cut: false,
    };
  });
}
