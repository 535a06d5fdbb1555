// The owner's profile in the change log.

/** Chat number that stands for the profile. */
export const PROFILE: u32 = 0xffff_ffff;
