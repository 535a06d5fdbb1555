// Every stable region of the local index. A region's number is its identity: never reuse one.
//
// | id | owner           | layout                                                    |
// |----|-----------------|-----------------------------------------------------------|
// | 0  | model/settings  | StableCell<Settings>, version 1                           |
// | 1  | model/modules   | kind → Module (current version)                           |
// | 2  | model/modules   | kind << 40 | slot << 32 | chunk number → bytes             |
// | 3  | model/children  | canister id bytes → Child                                 |
// | 4  | model/children  | kind u8 · state u8 · canister id bytes → 0                |
// | 5  | model/owners    | owner principal bytes → user id bytes                     |
// | 6  | model/owners    | creator user id · request id u64 (big-endian) → group id  |
// | 7  | model/children  | kind u8 · version tried u32 (big-endian) · canister id → 0 |
// | 8  | model/children  | kind u8 << 8 | state u8 → number of children              |
// | 9  | model/children  | canister id bytes of those whose upgrade failed → 0       |
// | 10 | model/stamps    | canister id bytes of a group → its last stamp             |

export const SETTINGS: u8 = 0;
export const MODULES: u8 = 1;
export const MODULE_CHUNKS: u8 = 2;
export const CHILDREN: u8 = 3;
export const CHILDREN_BY_STATE: u8 = 4;
export const OWNERS: u8 = 5;
export const GROUP_REQUESTS: u8 = 6;
export const CHILDREN_BY_VERSION: u8 = 7;
export const CHILD_COUNTS: u8 = 8;
export const FAILED_CHILDREN: u8 = 9;
export const STAMPS: u8 = 10;
