// Every stable region of the group canister. A region's number is its identity: never reuse one.
//
// | id | owner          | layout                                    |
// |----|----------------|-------------------------------------------|
// | 0  | model/group    | StableCell<Group>, version 1              |
// | 1  | people         | principal bytes (user id) → number        |
// | 2  | people         | number → principal bytes (user id)        |
// | 3  | events         | 0 · index → EventRecord                   |
// | 4  | events         | 0 · message id → index                    |
// | 5  | events         | 0 · index · person · reaction             |
// | 6  | events         | change log                                |
// | 7  | model/members  | person number → Member                    |
// | 8  | model/members  | sign-in principal bytes → person number   |
// | 9  | model/members  | person number of the invited → inviter    |
// | 10 | outbox (kit)   | notices for user canisters                |
// | 11 | outbox (kit)   | its destinations                          |
// | 12 | model/stamps   | StableCell<StampKey>, version 1           |

export const GROUP: u8 = 0;
export const PEOPLE_NUMBERS: u8 = 1;
export const PEOPLE_PRINCIPALS: u8 = 2;
export const EVENTS: u8 = 3;
export const MESSAGE_IDS: u8 = 4;
export const REACTIONS: u8 = 5;
export const CHANGES: u8 = 6;
export const MEMBERS: u8 = 7;
export const MEMBER_PRINCIPALS: u8 = 8;
export const INVITES: u8 = 9;
export const OUTBOX_ENVELOPES: u8 = 10;
export const OUTBOX_DESTINATIONS: u8 = 11;
export const STAMP_KEY: u8 = 12;
