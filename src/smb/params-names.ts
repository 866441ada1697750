// Names of what requests ask for: MS-SMB2 2.2.13 (levels, dispositions), 2.2.31 and MS-FSCC 2.3 (control codes), 2.2.37 and MS-FSCC
// 2.4, 2.5 (information classes).

const controlCodes = table(`
060194 DFS_GET_REFERRALS, 0601b0 DFS_GET_REFERRALS_EX, 090000 REQUEST_OPLOCK_LEVEL_1, 090004 REQUEST_OPLOCK_LEVEL_2,
090008 REQUEST_BATCH_OPLOCK, 090018 LOCK_VOLUME, 09001c UNLOCK_VOLUME, 09002c IS_PATHNAME_VALID,
09003c GET_COMPRESSION, 09c040 SET_COMPRESSION, 090058 QUERY_FAT_BPB, 090060 FILESYSTEM_GET_STATS,
090064 GET_NTFS_VOLUME_DATA, 090073 GET_RETRIEVAL_POINTERS, 090078 IS_VOLUME_DIRTY, 090083 ALLOW_EXTENDED_DASD_IO,
09008c REQUEST_FILTER_OPLOCK, 09008f FIND_FILES_BY_SID, 090098 SET_OBJECT_ID, 09009c GET_OBJECT_ID,
0900a0 DELETE_OBJECT_ID, 0900a4 SET_REPARSE_POINT, 0900a8 GET_REPARSE_POINT, 0900ac DELETE_REPARSE_POINT,
0900bc SET_OBJECT_ID_EXTENDED, 0900c0 CREATE_OR_GET_OBJECT_ID, 0900c4 SET_SPARSE, 0980c8 SET_ZERO_DATA,
0900d7 SET_ENCRYPTION, 0900db ENCRYPTION_FSCTL_IO, 0900df WRITE_RAW_ENCRYPTED, 0900e3 READ_RAW_ENCRYPTED,
0900eb READ_FILE_USN_DATA, 0900ef WRITE_USN_CLOSE_RECORD, 0900fc MARK_HANDLE, 090100 SIS_COPYFILE, 090117 RECALL_FILE,
090138 QUERY_SPARING_INFO, 09013c QUERY_ON_DISK_VOLUME_INFO, 090194 SET_ZERO_ON_DEALLOC,
0901b4 SET_SHORT_NAME_BEHAVIOR, 09027c GET_INTEGRITY_INFORMATION, 090284 QUERY_FILE_REGIONS,
0902d8 GET_REFS_VOLUME_DATA, 090380 SET_INTEGRITY_INFORMATION_EXT, 0903d3 GET_RETRIEVAL_POINTERS_AND_REFCOUNT,
09042b GET_RETRIEVAL_POINTER_COUNT, 090440 REFS_STREAM_SNAPSHOT_MANAGEMENT, 0940cf QUERY_ALLOCATED_RANGES,
094264 OFFLOAD_READ, 098268 OFFLOAD_WRITE, 098134 SET_DEFECT_MANAGEMENT, 098208 FILE_LEVEL_TRIM,
098344 DUPLICATE_EXTENTS_TO_FILE, 0983e8 DUPLICATE_EXTENTS_TO_FILE_EX, 09c104 SIS_LINK_FILES,
09c280 SET_INTEGRITY_INFORMATION, 11400c PIPE_PEEK, 11c017 PIPE_TRANSCEIVE, 110018 PIPE_WAIT,
144064 SRV_ENUMERATE_SNAPSHOTS, 140078 SRV_REQUEST_RESUME_KEY, 1401d4 LMR_REQUEST_RESILIENCY,
1400e8 LMR_GET_LINK_TRACK_INF, 1400ec LMR_SET_LINK_TRACK_INF, 140204 VALIDATE_NEGOTIATE_INFO, 1440f2 SRV_COPYCHUNK,
1480f2 SRV_COPYCHUNK_WRITE, 1401fc QUERY_NETWORK_INTERFACE_INFO, 1441bb SRV_READ_HASH
`);

const fileClasses = table(`
01 FileDirectoryInformation, 02 FileFullDirectoryInformation, 03 FileBothDirectoryInformation, 04 FileBasicInformation,
05 FileStandardInformation, 06 FileInternalInformation, 07 FileEaInformation, 08 FileAccessInformation, 09 FileNameInformation,
0a FileRenameInformation, 0b FileLinkInformation, 0c FileNamesInformation, 0d FileDispositionInformation,
0e FilePositionInformation, 0f FileFullEaInformation, 10 FileModeInformation, 11 FileAlignmentInformation, 12 FileAllInformation,
13 FileAllocationInformation, 14 FileEndOfFileInformation, 15 FileAlternateNameInformation, 16 FileStreamInformation,
17 FilePipeInformation, 18 FilePipeLocalInformation, 19 FilePipeRemoteInformation, 1c FileCompressionInformation,
1d FileObjectIdInformation, 20 FileQuotaInformation, 21 FileReparsePointInformation, 22 FileNetworkOpenInformation,
23 FileAttributeTagInformation, 25 FileIdBothDirectoryInformation, 26 FileIdFullDirectoryInformation,
27 FileValidDataLengthInformation, 28 FileShortNameInformation, 30 FileNormalizedNameInformation,
36 FileStandardLinkInformation, 3b FileIdInformation, 3c FileIdExtdDirectoryInformation, 40 FileDispositionInformationEx,
41 FileRenameInformationEx, 64 FilePosixInformation
`);

const fileSystemClasses = table(`
1 FileFsVolumeInformation, 2 FileFsLabelInformation, 3 FileFsSizeInformation, 4 FileFsDeviceInformation,
5 FileFsAttributeInformation, 6 FileFsControlInformation, 7 FileFsFullSizeInformation, 8 FileFsObjectIdInformation,
b FileFsSectorSizeInformation, 64 FileFsPosixInformation
`);

const infoTypes = table("1 FILE, 2 FILESYSTEM, 3 SECURITY, 4 QUOTA");
const oplockLevels = table("0 NONE, 1 II, 8 EXCLUSIVE, 9 BATCH, ff LEASE");
const dispositions = table("0 SUPERSEDE, 1 OPEN, 2 CREATE, 3 OPEN_IF, 4 OVERWRITE, 5 OVERWRITE_IF");
const dialects = table("202 2.0.2, 210 2.1, 2ff 2.x, 300 3.0, 302 3.0.2, 311 3.1.1");

function table(text: string): ReadonlyMap<number, string> {
  const entries = text.trim().split(/,\s/);
  return new Map(
    entries.map((entry) => {
      const [code = "", name = ""] = entry.split(" ");
      return [Number.parseInt(code, 16), name];
    }),
  );
}

/** `0x1f` */
export function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}

function named(names: ReadonlyMap<number, string>, prefix = ""): (value: number) => string {
  return (value) => {
    const name = names.get(value);
    return name === undefined ? hex(value) : prefix + name;
  };
}

export const controlCode = named(controlCodes, "FSCTL_");
export const infoType = named(infoTypes);
export const oplockLevel = named(oplockLevels);
export const disposition = named(dispositions, "FILE_");
export const dialect = named(dialects);
export const fileClass = named(fileClasses);

/** The class belongs to the type: MS-SMB2 2.2.37. */
export function infoClass(type: number, value: number): string {
  if (type === 1) return fileClass(value);
  return type === 2 ? (fileSystemClasses.get(value) ?? hex(value)) : hex(value);
}
