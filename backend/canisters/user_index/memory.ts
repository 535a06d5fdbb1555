// Every stable region of the user index. A region's number is its identity: never reuse one.
//
// | id | owner            | layout                                              |
// |----|------------------|-----------------------------------------------------|
// | 0  | model/settings   | StableCell<Settings>, version 1                     |
// | 1  | model/directory  | user number → User                                  |
// | 2  | model/directory  | sign-in principal bytes → user number               |
// | 3  | model/directory  | user id bytes → user number                         |
// | 4  | model/directory  | folded username UTF-8 → user number                 |
// | 5  | model/pending    | sign-in principal bytes → Registration under way    |
// | 6  | model/pending    | folded username UTF-8 → sign-in principal bytes     |
// | 7  | model/subnets    | local index bytes → SubnetEntry                     |
// | 8  | model/groups     | group id bytes → local index bytes                  |

export const SETTINGS: u8 = 0;
export const USERS: u8 = 1;
export const BY_PRINCIPAL: u8 = 2;
export const BY_USER_ID: u8 = 3;
export const BY_USERNAME: u8 = 4;
export const PENDING: u8 = 5;
export const RESERVED_NAMES: u8 = 6;
export const SUBNETS: u8 = 7;
export const GROUPS: u8 = 8;
