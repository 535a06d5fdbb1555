// Every stable region of the cycles ledger. A region's number is its identity: never reuse one.
//
// | id | owner        | layout                                     |
// |----|--------------|--------------------------------------------|
// | 0  | ledger/book  | account key → balance                      |
// | 1  | ledger/book  | block index → Block                        |
// | 2  | ledger/book  | transaction hash → block index             |
// | 3  | ledger/book  | creation time · transaction hash           |
// | 4  | ledger/book  | 0 → supply                                 |
// | 5  | model/created| block index → canister id bytes            |

export const BALANCES: u8 = 0;
export const BLOCKS: u8 = 1;
export const RECENT: u8 = 2;
export const EXPIRING: u8 = 3;
export const STATE: u8 = 4;
export const CREATED: u8 = 5;
