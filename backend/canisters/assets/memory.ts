// Every stable region of the assets canister. A region's number is its identity: never reuse one.
//
// | id | owner           | layout                                                   |
// |----|-----------------|----------------------------------------------------------|
// | 0  | model/settings  | StableCell<Settings>, version 1                          |
// | 1  | model/assets    | key (UTF-8) → Asset, version 1                           |
// | 2  | model/contents  | chunk number → bytes                                     |
// | 3  | model/uploads   | chunk number → batch number, for chunks not yet in use   |

export const SETTINGS: u8 = 0;
export const ASSETS: u8 = 1;
export const CONTENTS: u8 = 2;
export const UPLOADS: u8 = 3;
