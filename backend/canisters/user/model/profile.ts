// What is neither a chat nor a group in the change log. People are far fewer than these numbers.

/** Chat number that stands for the profile. */
export const PROFILE: u32 = 0xffff_ffff;
/** Chat number that stands for the list of blocked people. */
export const BLOCKED_LIST: u32 = 0xffff_fffe;
