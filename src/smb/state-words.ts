// What the numbers of DebugData mean: fs/smb/client/cifsglob.h, MS-SMB2 2.2.3, 2.2.4 and 2.2.10.

const tcpStates = ["new", "good", "exiting", "needs reconnect", "needs negotiate", "in negotiate"];
const sessionStates = ["new", "good", "exiting", "needs reconnect", "in setup"];
const treeStates = [
  "new",
  "good",
  "exiting",
  "needs reconnect",
  "needs tree connect",
  "in tree connect",
  "files to be invalidated",
  "files being invalidated",
];

const word = (words: readonly string[], status: number | undefined): string =>
  status === undefined ? "not known" : (words[status] ?? `state ${status}`);

export const tcpStateWord = (status: number | undefined): string => word(tcpStates, status);
export const sessionStateWord = (status: number | undefined): string => word(sessionStates, status);
export const treeStateWord = (status: number | undefined): string => word(treeStates, status);

const midStates: Readonly<Record<number, string>> = {
  1: "allocated",
  2: "submitted",
  4: "response received",
  8: "to be sent again",
  16: "response malformed",
  32: "shut down",
  64: "response ready",
};

/** MID_*; a kernel that numbers them anew gets the number. */
export const midStateWord = (state: number): string => midStates[state] ?? `state ${state}`;

const dialects: Readonly<Record<number, string>> = {
  0: "1.0",
  514: "2.0.2",
  528: "2.1",
  768: "3.0",
  770: "3.0.2",
  785: "3.1.1",
};

export const dialectWord = (dialect: number): string => dialects[dialect] ?? `0x${dialect.toString(16)}`;

type Bits = readonly (readonly [bit: number, word: string])[];

/** SMB2_GLOBAL_CAP_*: MS-SMB2 2.2.3. */
export const capabilityBits: Bits = [
  [0x01, "DFS"],
  [0x02, "leasing"],
  [0x04, "large MTU"],
  [0x08, "multichannel"],
  [0x10, "persistent handles"],
  [0x20, "directory leasing"],
  [0x40, "encryption"],
  [0x80, "notifications"],
];

/** The client keeps capabilities of SMB1 and its own flags above these. */
const OWN_FLAGS = 0xffff_ff00;

export const capabilityWords = (bits: number): string[] => wordsOf(capabilityBits, (bits & ~OWN_FLAGS) >>> 0);

const securityModeBits: Bits = [
  [0x01, "signing enabled"],
  [0x02, "signing required"],
];

export const securityModeWords = (bits: number): string[] => wordsOf(securityModeBits, bits & 3);

const shareFlagBits: Bits = [
  [0x01, "DFS"],
  [0x02, "DFS root"],
  [0x100, "restricts exclusive opens"],
  [0x200, "forces shared delete"],
  [0x400, "allows namespace caching"],
  [0x800, "access-based enumeration"],
  [0x1000, "forces level II oplocks"],
  [0x2000, "hash v1"],
  [0x4000, "hash v2"],
  [0x8000, "encrypts data"],
  [0x4_0000, "identity remoting"],
  [0x10_0000, "compresses data"],
  [0x20_0000, "isolated transport"],
];
const cachings = ["manual caching", "automatic caching", "VDO caching", "no caching"];

export function shareFlagWords(bits: number): string[] {
  const caching = (bits >> 4) & 3;
  return [...(caching === 0 ? [] : [cachings[caching] ?? ""]), ...wordsOf(shareFlagBits, (bits & ~0x30) >>> 0)];
}

const accessBits: Bits = [
  [0x01, "read"],
  [0x02, "write"],
  [0x04, "append"],
  [0x20, "execute"],
  [0x40, "delete child"],
  [0x1_0000, "delete"],
  [0x4_0000, "write permissions"],
  [0x8_0000, "take ownership"],
];

/** Those of MaximalAccess that people ask for. */
export const accessWords = (bits: number): string[] =>
  accessBits.filter(([bit]) => (bits & bit) !== 0).map(([, name]) => name);

/** What no word is for stays a number. */
function wordsOf(bits: Bits, value: number): string[] {
  const rest = bits.reduce((left, [bit]) => (left & ~bit) >>> 0, value);
  return [
    ...bits.filter(([bit]) => (value & bit) !== 0).map(([, name]) => name),
    ...(rest === 0 ? [] : [`0x${rest.toString(16)}`]),
  ];
}
