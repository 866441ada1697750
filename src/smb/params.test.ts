import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { commandCode, type SmbCommandName } from "./commands.ts";
import { paramsJson, paramsOf, paramsText } from "./params.ts";

/** A request of which `fields` are set: [offset, size, value]. */
function request(
  name: SmbCommandName,
  size: number,
  fields: readonly (readonly [number, 1 | 2 | 4 | 8, number])[],
  text = "",
) {
  const fixed = Buffer.alloc(size);
  fixed.writeUInt16LE(size | 1, 0);
  for (const [offset, width, value] of fields) {
    if (width === 8) fixed.writeBigUInt64LE(BigInt(value), offset);
    else fixed.writeUIntLE(value, offset, width);
  }
  return { commandCode: commandCode(name), fixed, text: Buffer.from(text, "utf16le") };
}

const golden: readonly (readonly [ReturnType<typeof request>, string])[] = [
  [
    request("SMB2_NEGOTIATE", 46, [
      [2, 2, 5],
      [4, 2, 1],
      [8, 4, 0x7f],
      [36, 2, 0x202],
      [38, 2, 0x210],
      [40, 2, 0x300],
      [42, 2, 0x302],
      [44, 2, 0x311],
    ]),
    "SecurityMode=0x1|Capabilities=0x7f|DialectCount=5|Dialects=2.0.2,2.1,3.0,3.0.2,3.1.1",
  ],
  [
    request("SMB2_SESSION_SETUP", 24, [
      [3, 1, 1],
      [4, 4, 1],
      [16, 8, 0xabc],
    ]),
    "Flags=0x0|SecurityMode=0x1|Capabilities=0x1|Channel=0|PreviousSessionId=0xabc",
  ],
  [request("SMB2_LOGOFF", 4, []), ""],
  [request("SMB2_TREE_CONNECT", 8, [[6, 2, 34]], "\\\\127.0.0.1\\share"), "Flags=0x0|Path=\\\\127.0.0.1\\share"],
  [
    request(
      "SMB2_CREATE",
      56,
      [
        [3, 1, 0xff],
        [24, 4, 0x12019f],
        [32, 4, 7],
        [36, 4, 5],
        [40, 4, 0x40],
        [46, 2, 16],
      ],
      "dir\\ä|.t",
    ),
    "RequestedOplockLevel=LEASE|DesiredAccess=0x12019f|ShareAccess=0x7|Disposition=FILE_OVERWRITE_IF|CreateOptions=0x40|File=dir\\ä\\x7c.t",
  ],
  [
    request("SMB2_CLOSE", 24, [
      [2, 2, 1],
      [8, 8, 3],
      [16, 8, 4],
    ]),
    "Flags=0x1|PersistentFileId=0x3|VolatileFileId=0x4",
  ],
  [
    request("SMB2_FLUSH", 24, [
      [8, 8, 3],
      [16, 8, 4],
    ]),
    "PersistentFileId=0x3|VolatileFileId=0x4",
  ],
  [
    request("SMB2_READ", 48, [
      [4, 4, 4096],
      [8, 8, 8192],
      [16, 8, 3],
      [24, 8, 4],
    ]),
    "Length=4096|Offset=8192|PersistentFileId=0x3|VolatileFileId=0x4|Channel=0",
  ],
  [
    request("SMB2_WRITE", 48, [
      [4, 4, 512],
      [8, 8, 1024],
      [16, 8, 3],
      [24, 8, 4],
      [44, 4, 1],
    ]),
    "Length=512|Offset=1024|PersistentFileId=0x3|VolatileFileId=0x4|Channel=0|Flags=0x1",
  ],
  [
    request("SMB2_LOCK", 48, [
      [2, 2, 1],
      [8, 8, 3],
      [16, 8, 4],
      [24, 8, 10],
      [32, 8, 20],
      [40, 4, 0x12],
    ]),
    "LockCount=1|PersistentFileId=0x3|VolatileFileId=0x4|Offset=10|Length=20|Flags=0x12",
  ],
  [
    request("SMB2_IOCTL", 56, [
      [4, 4, 0x1401fc],
      [28, 4, 24],
      [44, 4, 65_536],
      [48, 4, 1],
    ]),
    "CtlCode=FSCTL_QUERY_NETWORK_INTERFACE_INFO|InputCount=24|MaxOutputResponse=65536|Flags=0x1|PersistentFileId=0x0|VolatileFileId=0x0",
  ],
  [request("SMB2_ECHO", 4, []), ""],
  [
    request(
      "SMB2_QUERY_DIRECTORY",
      32,
      [
        [2, 1, 0x25],
        [3, 1, 1],
        [8, 8, 3],
        [26, 2, 2],
        [28, 4, 65_536],
      ],
      "*",
    ),
    "FileInfoClass=FileIdBothDirectoryInformation|Flags=0x1|OutputBufferLength=65536|PersistentFileId=0x3|VolatileFileId=0x0|Pattern=*",
  ],
  [
    request("SMB2_CHANGE_NOTIFY", 32, [
      [2, 2, 1],
      [24, 4, 0x17],
    ]),
    "Flags=0x1|CompletionFilter=0x17|PersistentFileId=0x0|VolatileFileId=0x0",
  ],
  [
    request("SMB2_QUERY_INFO", 40, [
      [2, 1, 2],
      [3, 1, 7],
      [4, 4, 32],
    ]),
    "InfoType=FILESYSTEM|FileInfoClass=FileFsFullSizeInformation|OutputBufferLength=32|AdditionalInformation=0x0|PersistentFileId=0x0|VolatileFileId=0x0",
  ],
  [
    request("SMB2_SET_INFO", 32, [
      [2, 1, 1],
      [3, 1, 0x14],
      [4, 4, 8],
    ]),
    "InfoType=FILE|FileInfoClass=FileEndOfFileInformation|BufferLength=8|AdditionalInformation=0x0|PersistentFileId=0x0|VolatileFileId=0x0",
  ],
  [request("SMB2_OPLOCK_BREAK", 24, [[2, 1, 1]]), "OplockLevel=II|PersistentFileId=0x0|VolatileFileId=0x0"],
];

describe("what a request asks for", () => {
  for (const [bytes, text] of golden) {
    it(text === "" ? `nothing more (${bytes.commandCode})` : text, () =>
      assert.equal(paramsText(paramsOf(bytes)), text),
    );
  }

  it("a lease break is told from an oplock break by its size", () => {
    const bytes = request("SMB2_OPLOCK_BREAK", 36, [
      [0, 2, 36],
      [24, 4, 3],
    ]);
    assert.equal(paramsText(paramsOf(bytes)), `LeaseFlags=0x0|LeaseKey=${"00".repeat(16)}|LeaseState=0x3`);
  });

  it("names are cut where the bytes end, and that is shown", () => {
    const cut = request("SMB2_TREE_CONNECT", 8, [[6, 2, 34]], "\\\\127");
    assert.equal(paramsText(paramsOf(cut)), "Flags=0x0|Path=\\\\127…");
    const few = request("SMB2_NEGOTIATE", 40, [
      [2, 2, 3],
      [36, 2, 0x311],
      [38, 2, 0x9999],
    ]);
    assert.match(paramsText(paramsOf(few)), /Dialects=3\.1\.1,0x9999,…$/);
  });

  it("names are those that the client's programs know", () => {
    const wire = "a\uf00a\uf020\uf021\uf022\uf027 b\uf028\uf03a\uf03f\uf0ff";
    const bytes = request("SMB2_CREATE", 56, [[46, 2, 2 * wire.length]], wire);
    assert.equal(paramsOf(bytes).at(-1)?.value, 'a\n"*:| b :?\uf0ff');
  });

  it("in JSON numbers are numbers", () => {
    const bytes = request("SMB2_READ", 48, [
      [4, 4, 4096],
      [8, 8, 2 ** 53],
    ]);
    assert.deepEqual(paramsJson(paramsOf(bytes)), {
      length: 4096,
      offset: "9007199254740992",
      persistent_file_id: "0x0",
      volatile_file_id: "0x0",
      channel: 0,
    });
  });

  it("is read from any bytes without throwing, and nothing is made up", () => {
    const bytes = fc.uint8Array({ maxLength: 64 }).map((array) => Buffer.from(array));
    const commands = fc.oneof(fc.integer({ min: 0, max: 18 }), fc.integer({ min: 0, max: 0xffff }));
    fc.assert(
      fc.property(commands, bytes, bytes, (commandCode, fixed, text) => {
        const params = paramsOf({ commandCode, fixed, text });
        assert.equal(paramsText(params).split("|").length, Math.max(1, params.length));
        // no field begins before the third byte
        if (fixed.length < 3) assert.deepEqual(params, []);
      }),
      { numRuns: 1000 },
    );
  });
});
