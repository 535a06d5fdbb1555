// Every stable region of the identity canister. A region's number is its identity: never reuse one.
//
// | id | owner          | layout                                                        |
// |----|----------------|---------------------------------------------------------------|
// | 0  | model/settings | StableCell<Settings>, version 1                               |
// | 1  | model/anchors  | anchor number → Anchor, version 1                             |
// | 2  | model/anchors  | SHA-256 of a credential id → anchor number                    |
// | 3  | model/anchors  | SHA-256 of a device's public key → anchor number              |

export const SETTINGS: u8 = 0;
export const ANCHORS: u8 = 1;
export const CREDENTIALS: u8 = 2;
export const DEVICE_KEYS: u8 = 3;
