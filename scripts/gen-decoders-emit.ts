// The text of src/probe/decoders.gen.ts for a list of BTF types.

/** One type as `bpftool btf dump -j` prints it. */
export interface BtfType {
  readonly id: number;
  readonly kind: string;
  readonly name: string;
  readonly size?: number;
  readonly type_id?: number;
  readonly nr_elems?: number;
  readonly encoding?: string;
  readonly members?: readonly { readonly name: string; readonly type_id: number; readonly bits_offset: number }[];
  readonly values?: readonly { readonly name: string; readonly val: number }[];
}

/** u64 fields that name something: bigint. Every other u64 is a time, a duration, a count or a sequence number: number. */
const identifiers = new Set([
  "request",
  "mid",
  "connection",
  "session",
  "async_id",
  "cgroup",
  "key",
  "id",
  "rqst",
  "inode",
  "args",
  "extra",
]);

type Shape =
  | { readonly kind: "int"; readonly size: 1 | 2 | 4 | 8 }
  | { readonly kind: "signed"; readonly size: 4 | 8 }
  | { readonly kind: "text"; readonly size: number }
  | { readonly kind: "bytes"; readonly size: number }
  | { readonly kind: "ints"; readonly size: 1 | 2 | 4 | 8; readonly count: number }
  | { readonly kind: "struct"; readonly name: string };

interface Field {
  readonly name: string;
  readonly offset: number;
  readonly shape: Shape;
  readonly wide: boolean;
}

const head = `// Written by scripts/gen-decoders.ts from the BTF of bpf/contract.bpf.c: change the contract in bpf/include instead.

function readU64(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 0x1_0000_0000;
}

/** What does not fit, Infinity above all, becomes all ones. */
function writeU64(bytes: Buffer, value: number, at: number): void {
  bytes.writeBigUInt64LE(value >= 2 ** 64 ? 0xffff_ffff_ffff_ffffn : BigInt(value), at);
}

function readText(bytes: Buffer, at: number, size: number): string {
  let end = at;
  while (end < at + size && bytes[end] !== 0) end++;
  return bytes.toString("utf8", at, end);
}

/** Cut to leave room for the NUL; the rest of the field is zeroed. */
function writeText(bytes: Buffer, value: string, at: number, size: number): void {
  bytes.fill(0, at, at + size);
  bytes.write(value, at, size - 1, "utf8");
}
`;

const readI64 = `/** What is beyond 2^53 loses its last bits. */
function readI64(bytes: Buffer, at: number): number {
  return Number(bytes.readBigInt64LE(at));
}
`;

/** The whole file: every enum and every struct whose name begins with aod_, in the order of the BTF. */
export function decodersOf(types: readonly BtfType[]): string {
  const byId = new Map(types.map((type) => [type.id, type]));
  const own = types.filter((type) => type.name.startsWith("aod_"));
  const enums = own.filter((type) => type.kind === "ENUM").map(enumText);
  const structs = own.filter((type) => type.kind === "STRUCT").map((type) => structText(type, fieldsOf(type, byId)));
  const helpers = structs.some((text) => text.includes("readI64(")) ? [head, readI64] : [head];
  return [...helpers, ...enums, ...structs].join("\n");
}

function enumText(type: BtfType): string {
  const values = type.values ?? [];
  const prefix = commonPrefix(values.map((value) => value.name));
  const lines = values.map((value) => `  ${value.name.slice(prefix.length)}: ${value.val},\n`);
  return `export const ${pascal(type.name)} = {\n${lines.join("")}} as const;\n`;
}

/** The longest beginning that all names share, up to and with an underscore. */
function commonPrefix(names: readonly string[]): string {
  const first = names[0] ?? "";
  const ends = [...first.matchAll(/_/g)].map((match) => match.index + 1).reverse();
  const end = ends.find((length) => names.every((name) => name.startsWith(first.slice(0, length))));
  return first.slice(0, end ?? 0);
}

function fieldsOf(type: BtfType, byId: ReadonlyMap<number, BtfType>): readonly Field[] {
  return (type.members ?? [])
    .filter((member) => member.name !== "pad")
    .map((member) => ({
      name: member.name,
      offset: member.bits_offset / 8,
      shape: shapeOf(member.type_id, byId, `${type.name}.${member.name}`),
      wide: identifiers.has(member.name),
    }));
}

function shapeOf(id: number, byId: ReadonlyMap<number, BtfType>, where: string): Shape {
  const type = byId.get(id);
  if (type?.kind === "TYPEDEF" && type.type_id !== undefined) return shapeOf(type.type_id, byId, where);
  if (type?.kind === "STRUCT") return { kind: "struct", name: type.name };
  if (type?.kind === "INT" && type.encoding === "SIGNED" && (type.size === 4 || type.size === 8)) {
    return { kind: "signed", size: type.size };
  }
  if (type?.kind === "INT") return { kind: "int", size: intSize(type, where) };
  if (type?.kind === "ARRAY" && type.type_id !== undefined && type.nr_elems !== undefined) {
    const element = resolved(type.type_id, byId);
    if (element?.kind === "INT" && element.name === "char") return { kind: "text", size: type.nr_elems };
    if (element?.kind === "INT" && element.size === 1) return { kind: "bytes", size: type.nr_elems };
    if (element?.kind === "INT") return { kind: "ints", size: intSize(element, where), count: type.nr_elems };
  }
  throw new Error(`${where}: a field of kind ${type?.kind ?? "unknown"} has no place in the contract`);
}

function resolved(id: number, byId: ReadonlyMap<number, BtfType>): BtfType | undefined {
  const type = byId.get(id);
  return type?.kind === "TYPEDEF" && type.type_id !== undefined ? resolved(type.type_id, byId) : type;
}

function intSize(type: BtfType, where: string): 1 | 2 | 4 | 8 {
  const { size } = type;
  if (type.encoding !== "SIGNED" && (size === 1 || size === 2 || size === 4 || size === 8)) return size;
  throw new Error(`${where}: a ${type.name} has no place in the contract`);
}

function structText(type: BtfType, fields: readonly Field[]): string {
  const name = pascal(type.name);
  const size = `${type.name.toUpperCase()}_SIZE`;
  const members = fields.map((field) => `  readonly ${camel(field.name)}: ${typeName(field)};\n`).join("");
  const reads = fields.map((field) => `    ${camel(field.name)}: ${readOf(field)},\n`).join("");
  const writes = fields.map((field) => writeOf(field)).join("");
  return [
    `export const ${size} = ${type.size};\n`,
    `export interface ${name} {\n${members}}\n`,
    `export function decode${name}(bytes: Buffer, at: number): ${name} {\n  return {\n${reads}  };\n}\n`,
    `export function encode${name}(value: ${name}, bytes: Buffer, at: number): void {\n${writes}}\n`,
  ].join("\n");
}

function typeName({ shape, wide }: Field): string {
  if (shape.kind === "struct") return pascal(shape.name);
  if (shape.kind === "text") return "string";
  if (shape.kind === "bytes") return "Buffer";
  const one = wide && shape.size === 8 && shape.kind !== "signed" ? "bigint" : "number";
  return shape.kind === "ints" ? `readonly ${one}[]` : one;
}

function readOf(field: Field): string {
  const { shape } = field;
  const at = plus(field.offset);
  if (shape.kind === "struct") return `decode${pascal(shape.name)}(bytes, ${at})`;
  if (shape.kind === "text") return `readText(bytes, ${at}, ${shape.size})`;
  if (shape.kind === "bytes") return `bytes.subarray(${at}, ${at} + ${shape.size})`;
  if (shape.kind === "signed") return shape.size === 4 ? `bytes.readInt32LE(${at})` : `readI64(bytes, ${at})`;
  if (shape.kind === "int") return readInt(shape.size, field.wide, at);
  const element = readInt(shape.size, field.wide, `${at} + index * ${shape.size}`);
  return `Array.from({ length: ${shape.count} }, (_, index) => ${element})`;
}

function readInt(size: 1 | 2 | 4 | 8, wide: boolean, at: string): string {
  if (size === 1) return `bytes.readUInt8(${at})`;
  if (size === 8) return wide ? `bytes.readBigUInt64LE(${at})` : `readU64(bytes, ${at})`;
  return `bytes.readUInt${size * 8}LE(${at})`;
}

function writeOf(field: Field): string {
  const { shape } = field;
  const at = plus(field.offset);
  const value = `value.${camel(field.name)}`;
  if (shape.kind === "struct") return `  encode${pascal(shape.name)}(${value}, bytes, ${at});\n`;
  if (shape.kind === "text") return `  writeText(bytes, ${value}, ${at}, ${shape.size});\n`;
  if (shape.kind === "bytes") return `  ${value}.copy(bytes, ${at}, 0, ${shape.size});\n`;
  if (shape.kind === "signed") {
    const write = shape.size === 4 ? `writeInt32LE(${value}` : `writeBigInt64LE(BigInt(${value})`;
    return `  bytes.${write}, ${at});\n`;
  }
  if (shape.kind === "int") return `  ${writeInt(shape.size, field.wide, value, at)};\n`;
  const zero = field.wide && shape.size === 8 ? "0n" : "0";
  const element = writeInt(shape.size, field.wide, `${value}[index] ?? ${zero}`, `${at} + index * ${shape.size}`);
  return `  for (let index = 0; index < ${shape.count}; index++) {\n    ${element};\n  }\n`;
}

function writeInt(size: 1 | 2 | 4 | 8, wide: boolean, value: string, at: string): string {
  if (size === 1) return `bytes.writeUInt8(${value}, ${at})`;
  if (size === 8) return wide ? `bytes.writeBigUInt64LE(${value}, ${at})` : `writeU64(bytes, ${value}, ${at})`;
  return `bytes.writeUInt${size * 8}LE(${value}, ${at})`;
}

function plus(offset: number): string {
  return offset === 0 ? "at" : `at + ${offset}`;
}

function camel(name: string): string {
  return name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

function pascal(name: string): string {
  return camel(`_${name}`);
}
