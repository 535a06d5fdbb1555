// Every stable region of the cycles minting canister. A region's number is its identity: never reuse one.
//
// | id | owner           | layout                            |
// |----|-----------------|-----------------------------------|
// | 0  | model/settings  | StableCell<Settings>, version 1   |

export const SETTINGS: u8 = 0;
