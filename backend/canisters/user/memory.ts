// Every stable region of the user canister. A region's number is its identity: never reuse one.
//
// | id | owner            | layout                                             |
// |----|------------------|----------------------------------------------------|
// | 0  | model/account    | StableCell<Account>, version 1                     |
// | 1  | people           | principal bytes → number                           |
// | 2  | people           | number → principal bytes                           |
// | 3  | events           | chat · index → EventRecord                         |
// | 4  | events           | chat · message id → index                          |
// | 5  | events           | chat · index · person · reaction                   |
// | 6  | events           | change log                                         |
// | 7  | model/chats      | chat number → DirectChat                           |
// | 8  | model/groups     | person number of the group → GroupMembership       |
// | 9  | outbox (kit)     | envelopes for other user canisters                 |
// | 10 | outbox (kit)     | its destinations                                   |
// | 11 | model/blocked    | person number → 0                                  |

export const ACCOUNT: u8 = 0;
export const PEOPLE_NUMBERS: u8 = 1;
export const PEOPLE_PRINCIPALS: u8 = 2;
export const EVENTS: u8 = 3;
export const MESSAGE_IDS: u8 = 4;
export const REACTIONS: u8 = 5;
export const CHANGES: u8 = 6;
export const CHATS: u8 = 7;
export const GROUPS: u8 = 8;
export const OUTBOX_ENVELOPES: u8 = 9;
export const OUTBOX_DESTINATIONS: u8 = 10;
export const BLOCKED: u8 = 11;
